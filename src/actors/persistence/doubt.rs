//! What outlives an incarnation of the writer: the last number that was announced, and the batch in doubt.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::{Command, Effect, Seq, Timestamp, UserId};

/// A batch that was given to the database and whose outcome is not known.
#[derive(Clone)]
pub(in crate::actors) struct InDoubt {
    /// Its messages have a higher number …
    pub(super) after: Seq,
    /// … a time stamp of this or later …
    pub(super) since: Timestamp,
    /// … and one of these senders. Other nodes write meanwhile, and theirs are not for this one to announce.
    pub(super) senders: HashSet<UserId>,
    /// The effects that it has if it is committed.
    pub(super) effects: Vec<Effect>,
}

struct Position {
    /// The highest number that this node has announced.
    announced: Seq,
    in_doubt: Option<InDoubt>,
}

/// How far the announcements are. Clones share it.
#[derive(Clone)]
pub(in crate::actors) struct Progress(Arc<Mutex<Position>>);

impl Progress {
    /// Everything up to `head` is announced, and nothing is in doubt.
    pub(in crate::actors) fn new(head: Seq) -> Self {
        Self(Arc::new(Mutex::new(Position { announced: head, in_doubt: None })))
    }

    pub(super) fn announced(&self) -> Seq {
        self.lock().announced
    }

    pub(super) fn in_doubt(&self) -> Option<InDoubt> {
        self.lock().in_doubt.clone()
    }

    /// From here until [`settle`](Self::settle) the outcome of this batch is not known.
    pub(super) fn begin(&self, commands: &[Command], now: Timestamp) {
        let sender = |command: &Command| if let Command::Send(draft) = command { Some(draft.sender) } else { None };
        let senders = commands.iter().filter_map(sender).collect();
        let effects = commands.iter().filter_map(Command::possible_effect).collect();
        let mut position = self.lock();
        position.in_doubt = Some(InDoubt { after: position.announced, since: now, senders, effects });
    }

    /// Everything up to `head` is announced, and nothing is in doubt.
    pub(super) fn settle(&self, head: Seq) {
        *self.lock() = Position { announced: head, in_doubt: None };
    }

    fn lock(&self) -> MutexGuard<'_, Position> {
        // Plain values, whole after any panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
