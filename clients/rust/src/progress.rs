//! The progress of this device in the stream of events, and when a cursor may be saved.

use serde::Serialize;

use crate::cursor::Cursor;

/// Events after which a replay saves again: a crash repeats at most so many.
const SAVE_EVERY: u32 = 100;

/// The place up to which everything is kept.
///
/// There is none on a new device, nor between a `reset` and the end of the reload by history: a device that stops then
/// begins the reload anew instead of resuming behind a hole.
#[derive(Serialize)]
pub(crate) struct Progress {
    kept: Option<Cursor>,
    /// The newest cursor seen on this socket: events up to it are known.
    heard: Cursor,
    /// The number of the running reload.
    reloading: Option<u32>,
    reloads: u32,
    unsaved: u32,
}

impl Progress {
    /// Makes the progress from the cursor on disk.
    pub(crate) fn new(saved: Option<Cursor>) -> Self {
        let heard = Cursor::new("", 0);
        Self { kept: saved, heard, reloading: None, reloads: 0, unsaved: 0 }
    }

    /// Returns the cursor with which the next socket resumes.
    pub(crate) fn kept(&self) -> Option<&Cursor> {
        self.kept.as_ref()
    }

    /// Handles the start of a socket. Returns a number when the device has nothing before it: history must be loaded.
    pub(crate) fn hello(&mut self, start: Cursor) -> Option<u32> {
        self.heard = start;
        self.kept.is_none().then(|| self.reload())
    }

    /// Handles `reset`: the cursor was not honoured, and history must be loaded.
    pub(crate) fn reset(&mut self, start: Cursor) -> u32 {
        self.heard = start;
        self.reload()
    }

    /// Returns whether the event with this number is new.
    pub(crate) fn is_new(&self, seq: u64) -> bool {
        seq > self.heard.seq()
    }

    /// Records that the event with this number is stored.
    pub(crate) fn keep(&mut self, seq: u64) {
        if self.is_new(seq) {
            self.heard = Cursor::new(self.heard.epoch(), seq);
        }
        self.advance();
    }

    /// Handles `live`: nothing is missing up to `end`.
    pub(crate) fn live(&mut self, end: &Cursor) {
        let seq = self.heard.seq().max(end.seq());
        self.heard = Cursor::new(end.epoch(), seq);
        self.advance();
    }

    /// Handles a loaded history. It counts only for the current socket: events between two sockets would be missing.
    pub(crate) fn reloaded(&mut self, number: u32) {
        if self.is_reloading(number) {
            self.reloading = None;
            self.advance();
        }
    }

    /// Returns whether this reload is the running one.
    pub(crate) fn is_reloading(&self, number: u32) -> bool {
        self.reloading == Some(number)
    }

    /// Handles the end of the socket.
    pub(crate) fn closed(&mut self) {
        self.reloading = None;
    }

    /// Returns the cursor to save: each time when live, otherwise every [`SAVE_EVERY`] events.
    pub(crate) fn save(&mut self, is_live: bool) -> Option<Cursor> {
        if self.unsaved == 0 || (!is_live && self.unsaved < SAVE_EVERY) {
            return None;
        }
        self.unsaved = 0;
        self.kept.clone()
    }

    fn reload(&mut self) -> u32 {
        self.kept = None;
        self.unsaved = 0;
        self.reloads += 1;
        self.reloading = Some(self.reloads);
        self.reloads
    }

    fn advance(&mut self) {
        if self.reloading.is_none() && self.kept.as_ref() != Some(&self.heard) {
            self.kept = Some(self.heard.clone());
            self.unsaved += 1;
        }
    }
}

#[cfg(test)]
mod tests;
