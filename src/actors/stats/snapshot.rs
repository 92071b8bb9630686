//! What is shown of the actors of one kind.

use std::time::Duration;

/// The state of one kind of actor at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActorSnapshot {
    /// Actors of the kind that run.
    pub alive: u64,
    /// Actors of the kind that have failed since the start. All but sessions are replaced by a successor.
    pub restarts: u64,
    /// Messages that were taken out of mailboxes since the start.
    pub handled: u64,
    /// Messages in mailboxes.
    pub waiting: u64,
    /// The wait of the oldest message, at most; `None` when no message waits.
    pub oldest_wait: Option<Duration>,
    /// How long the message in hand that was taken out first has been worked on; `None` when there is none.
    pub busy_for: Option<Duration>,
    /// The last failure, or the last error that an actor has met and survived.
    pub last_error: Option<LastError>,
}

/// An error that an actor has met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastError {
    /// Its text, in one line.
    pub text: String,
    /// How long ago it was met.
    pub ago: Duration,
}
