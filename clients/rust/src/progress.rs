//! How much of the stream of events this device has, and when a cursor may be saved.

use serde::Serialize;

use crate::cursor::Cursor;

/// Events kept since the last save after which a replay saves again: a crash repeats at most so many.
const SAVE_EVERY: u32 = 100;

/// The place up to which everything is kept.
///
/// There is none on a new device, nor between a `reset` and the end of the reload by history: a device that stops then
/// begins the reload anew instead of resuming behind a hole.
#[derive(Serialize)]
pub(crate) struct Progress {
    kept: Option<Cursor>,
    /// The newest place heard of on this socket: events up to it are known.
    heard: Cursor,
    /// The number of the reload that is going on.
    reloading: Option<u32>,
    reloads: u32,
    unsaved: u32,
}

impl Progress {
    /// With what is on disk.
    pub(crate) fn new(saved: Option<Cursor>) -> Self {
        let heard = Cursor::new("", 0);
        Self { kept: saved, heard, reloading: None, reloads: 0, unsaved: 0 }
    }

    /// Where the next socket resumes.
    pub(crate) fn kept(&self) -> Option<&Cursor> {
        self.kept.as_ref()
    }

    /// A socket starts here. Returns a number when the device has nothing before it: history must be loaded.
    pub(crate) fn hello(&mut self, start: Cursor) -> Option<u32> {
        self.heard = start;
        self.kept.is_none().then(|| self.reload())
    }

    /// The cursor was not honoured: history must be loaded.
    pub(crate) fn reset(&mut self, start: Cursor) -> u32 {
        self.heard = start;
        self.reload()
    }

    /// Whether the event with this number is new.
    pub(crate) fn is_new(&self, seq: u64) -> bool {
        seq > self.heard.seq()
    }

    /// The event with this number is kept.
    pub(crate) fn keep(&mut self, seq: u64) {
        if self.is_new(seq) {
            self.heard = Cursor::new(self.heard.epoch(), seq);
        }
        self.advance();
    }

    /// Nothing is missing up to here.
    pub(crate) fn live(&mut self, end: &Cursor) {
        let seq = self.heard.seq().max(end.seq());
        self.heard = Cursor::new(end.epoch(), seq);
        self.advance();
    }

    /// History is loaded. It counts only for the current socket: what came between two would be missing.
    pub(crate) fn reloaded(&mut self, number: u32) {
        if self.is_reloading(number) {
            self.reloading = None;
            self.advance();
        }
    }

    /// Whether this reload is the one that counts.
    pub(crate) fn is_reloading(&self, number: u32) -> bool {
        self.reloading == Some(number)
    }

    /// The socket is gone.
    pub(crate) fn closed(&mut self) {
        self.reloading = None;
    }

    /// Returns what to save: each step when live, else one in many.
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
