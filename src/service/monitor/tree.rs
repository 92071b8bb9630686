//! The supervision tree, as operators see it: each kind of actor with its state, what waits for it, and its last error.

use std::time::Duration;

use serde::Serialize;

use super::Monitor;
use super::sessions::Sessions;
use crate::actors::{ActorState, LastError};
use crate::domain::Timestamp;
use crate::telemetry::{ActorKind, metrics};

/// The actors of one server.
#[derive(Clone, Debug, Serialize)]
pub struct ActorTree {
    /// The server's name among those on its database.
    pub node: String,
    /// When this was seen.
    pub at: Timestamp,
    /// The actor that supervises all others.
    pub root: ActorNode,
}

/// One kind of actor.
#[derive(Clone, Debug, Serialize)]
pub struct ActorNode {
    /// The kind, as in the label `actor` of metrics.
    pub kind: &'static str,
    /// Whether it works.
    pub state: ActorState,
    /// How often an actor of the kind has failed since the start.
    pub restarts: u64,
    /// Messages that were taken in hand since the start.
    pub handled: u64,
    /// Messages that wait.
    pub waiting: u64,
    /// The wait of the oldest of them.
    pub oldest_wait_ms: u64,
    /// For how long the message in hand has been worked on; 0 when there is none.
    pub busy_ms: u64,
    /// The last error that it has met, or by which it has ended.
    pub last_error: Option<ShownError>,
    /// What its mailbox holds at most.
    pub bound: &'static str,
    /// Of the registry: the sessions that it supervises, in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sessions: Option<Sessions>,
    /// Of the writer: its batches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<Batch>,
    /// Those that it supervises.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<ActorNode>,
}

/// An error of an actor.
#[derive(Clone, Debug, Serialize)]
pub struct ShownError {
    /// Its text, in one line.
    pub text: String,
    /// When it was met.
    pub at: Timestamp,
}

/// The batches of the writer.
#[derive(Clone, Debug, Serialize)]
pub struct Batch {
    /// Commands of the last one.
    pub last_commands: u64,
    /// How long its transaction has taken.
    pub last_commit_ms: f64,
    /// Commands that wait for their commit.
    pub in_flight: i64,
}

impl Monitor {
    /// Returns the supervision tree. With `reveal` it says which user each of the listed sessions is of.
    #[must_use]
    pub fn actors(&self, reveal: bool) -> ActorTree {
        let at = self.clock.now();
        let mut root = self.node(ActorKind::Root, at);
        for kind in self.health.kinds().filter(|kind| !matches!(kind, ActorKind::Root | ActorKind::Session)) {
            let mut child = self.node(kind, at);
            match kind {
                ActorKind::Registry => child.sessions = Some(self.sessions(reveal)),
                ActorKind::Persistence => child.batch = Some(self.batch()),
                _ => {}
            }
            root.children.push(child);
        }
        ActorTree { node: self.node.clone(), at, root }
    }

    fn node(&self, kind: ActorKind, at: Timestamp) -> ActorNode {
        let seen = self.health.snapshot(kind);
        ActorNode {
            kind: kind.as_str(),
            state: self.health.state(kind),
            restarts: seen.restarts,
            handled: seen.handled,
            waiting: seen.waiting,
            oldest_wait_ms: millis(seen.oldest_wait.unwrap_or_default()),
            busy_ms: millis(seen.busy_for.unwrap_or_default()),
            last_error: seen.last_error.map(|error| shown(error, at)),
            bound: kind.mailbox_bound(),
            sessions: None,
            batch: None,
            children: Vec::new(),
        }
    }

    fn batch(&self) -> Batch {
        let (last_commands, took) = self.health.last_batch();
        Batch { last_commands, last_commit_ms: took.as_secs_f64() * 1000.0, in_flight: metrics().store.in_flight.get() }
    }
}

fn shown(LastError { text, ago }: LastError, now: Timestamp) -> ShownError {
    let ago = i64::try_from(ago.as_micros()).unwrap_or(i64::MAX);
    ShownError { text, at: Timestamp::from_micros(now.as_micros().saturating_sub(ago)) }
}

/// Returns the whole milliseconds of a span.
pub(super) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
