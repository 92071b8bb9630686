//! The state that outlives an incarnation of the writer: the last announced number, and the batch in doubt.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::{Command, Effect, Seq, Timestamp, UserId};

/// A batch that was sent to the database and whose outcome is unknown.
#[derive(Clone)]
pub(in crate::actors) struct InDoubt {
    /// The number that its messages are above.
    pub(super) after: Seq,
    /// The time stamp at or after which its messages were stored.
    pub(super) since: Timestamp,
    /// The senders of its messages. Other nodes write meanwhile, and announce the messages of their own senders.
    pub(super) senders: HashSet<UserId>,
    /// The effects that it has if it is committed.
    pub(super) effects: Vec<Effect>,
}

struct Position {
    /// The highest number that this node has announced.
    announced: Seq,
    in_doubt: Option<InDoubt>,
}

/// The progress of announcements. Clones share it.
#[derive(Clone)]
pub(in crate::actors) struct Progress(Arc<Mutex<Position>>);

impl Progress {
    /// Makes the progress with everything up to `head` announced and nothing in doubt.
    pub(in crate::actors) fn new(head: Seq) -> Self {
        Self(Arc::new(Mutex::new(Position { announced: head, in_doubt: None })))
    }

    pub(super) fn in_doubt(&self) -> Option<InDoubt> {
        self.lock().in_doubt.clone()
    }

    /// Records a batch as in doubt until [`settle`](Self::settle).
    pub(super) fn begin(&self, commands: &[Command], now: Timestamp) {
        let sender = |command: &Command| if let Command::Send(draft) = command { Some(draft.sender) } else { None };
        let senders = commands.iter().filter_map(sender).collect();
        let mut effects: Vec<Effect> = Vec::new();
        for effect in commands.iter().filter_map(Command::possible_effect) {
            // The store is asked about each.
            if !effects.contains(&effect) {
                effects.push(effect);
            }
        }
        let mut position = self.lock();
        position.in_doubt = Some(InDoubt { after: position.announced, since: now, senders, effects });
    }

    /// Records that everything up to `head` is announced, and nothing is in doubt.
    pub(super) fn settle(&self, head: Seq) {
        *self.lock() = Position { announced: head, in_doubt: None };
    }

    fn lock(&self) -> MutexGuard<'_, Position> {
        // Plain values are consistent after any panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
