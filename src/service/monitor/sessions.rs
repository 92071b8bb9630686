//! The sessions of all connected users, in one: their sums, and those that stand out.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::time::Duration;

use serde::Serialize;

use super::Monitor;
use super::tree::millis;
use crate::actors::{SessionFigures, SocketFigures};
use crate::domain::UserId;
use crate::telemetry::ActorKind;

/// Sessions in each list.
const LISTED: usize = 10;

/// All sessions of a server.
#[derive(Clone, Debug, Serialize)]
pub struct Sessions {
    /// Sessions: users with at least one socket.
    pub actors: u64,
    /// Their sockets.
    pub sockets: usize,
    /// Messages that they have taken in hand since the start.
    pub handled: u64,
    /// Messages in their mailboxes.
    pub waiting: u64,
    /// The wait of the oldest of these.
    pub oldest_wait_ms: u64,
    /// Sessions that have failed since the start.
    pub restarts: u64,
    /// Those whose sockets have most frames to be written.
    pub worst_queue: Vec<ListedSession>,
    /// Those in whose mailboxes a message waits for longest.
    pub worst_wait: Vec<ListedSession>,
    /// Those that are connected for longest.
    pub oldest: Vec<ListedSession>,
}

/// One session that stands out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ListedSession {
    /// Its number in this run of the server, in hexadecimal digits: it says nothing of the user.
    pub session: String,
    /// The user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// Its sockets.
    pub sockets: usize,
    /// The dialects that they speak.
    pub dialects: Vec<&'static str>,
    /// Frames that wait to be written to them.
    pub queue_frames: usize,
    /// The bytes of these frames.
    pub queue_bytes: usize,
    /// For how long the slowest of them has taken nothing, at most the age of its oldest frame.
    pub oldest_ms: u64,
    /// Messages in its mailbox.
    pub waiting: u64,
    /// The wait of the oldest of these.
    pub wait_ms: u64,
    /// For how long it has been there.
    pub age_s: u64,
}

impl Monitor {
    /// Returns the sums over all sessions, and those that stand out. Looks at every session and every socket.
    pub(super) fn sessions(&self, reveal: bool) -> Sessions {
        let seen = self.health.snapshot(ActorKind::Session);
        let (sessions, sockets) = (self.health.sessions(), self.sockets());
        let count = sockets.len();
        let merged = merge(&sessions, sockets, reveal);
        Sessions {
            actors: seen.alive,
            sockets: count,
            handled: seen.handled,
            waiting: seen.waiting,
            oldest_wait_ms: millis(seen.oldest_wait.unwrap_or_default()),
            restarts: seen.restarts,
            worst_queue: worst(&merged, |session| (session.queue_frames as u64, session.queue_bytes as u64)),
            worst_wait: worst(&merged, |session| (session.wait_ms, session.waiting)),
            oldest: merged.iter().take(LISTED).cloned().collect(),
        }
    }
}

/// Brings the figures of sessions and of their sockets together, in the order of the sessions: oldest first.
fn merge(sessions: &[SessionFigures], sockets: Vec<SocketFigures>, reveal: bool) -> Vec<ListedSession> {
    let mut by_user: HashMap<UserId, Vec<SocketFigures>> = HashMap::with_capacity(sessions.len());
    for socket in sockets {
        by_user.entry(socket.user).or_default().push(socket);
    }
    let listed = |session: &SessionFigures| {
        let sockets = by_user.get(&session.user).map_or(&[][..], Vec::as_slice);
        let mut dialects: Vec<_> = sockets.iter().map(|socket| socket.kind.dialect()).collect();
        dialects.sort_unstable();
        dialects.dedup();
        let still_for = sockets.iter().map(|socket| socket.queue.still_for).max();
        ListedSession {
            session: format!("{:x}", session.number),
            user_id: reveal.then_some(session.user),
            sockets: sockets.len(),
            dialects,
            queue_frames: sockets.iter().map(|socket| socket.queue.frames).sum(),
            queue_bytes: sockets.iter().map(|socket| socket.queue.bytes).sum(),
            oldest_ms: millis(still_for.unwrap_or(Duration::ZERO)),
            waiting: session.waiting,
            wait_ms: millis(session.oldest_wait.unwrap_or_default()),
            age_s: session.age.as_secs(),
        }
    };
    sessions.iter().map(listed).collect()
}

/// Returns the sessions with the greatest values, greatest first. Those with none are left out.
fn worst(sessions: &[ListedSession], by: impl Fn(&ListedSession) -> (u64, u64)) -> Vec<ListedSession> {
    let mut found: Vec<&ListedSession> = sessions.iter().filter(|session| by(session) != (0, 0)).collect();
    if found.len() > LISTED {
        found.select_nth_unstable_by_key(LISTED, |session| Reverse(by(session)));
        found.truncate(LISTED);
    }
    found.sort_by_key(|session| Reverse(by(session)));
    found.into_iter().cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actors::QueueFigures;
    use crate::domain::SocketId;
    use crate::telemetry::SocketKind;

    fn session(number: u64) -> SessionFigures {
        let user = UserId(i32::try_from(number).unwrap() * 100);
        let age = Duration::from_secs(1000 - number);
        SessionFigures { number, user, age, waiting: 0, oldest_wait: None }
    }

    fn socket(number: i32, kind: SocketKind, frames: usize) -> SocketFigures {
        let still_for = Duration::from_millis(frames as u64);
        SocketFigures {
            id: SocketId(1),
            user: UserId(number * 100),
            kind,
            age: Duration::ZERO,
            queue: QueueFigures { frames, bytes: frames * 10, still_for },
        }
    }

    #[test]
    fn the_ten_longest_queues_are_listed_longest_first() {
        let sessions: Vec<_> = (1..=50).map(session).collect();
        let sockets = (1..=50).map(|n| socket(n, SocketKind::V1, usize::try_from((n * 7) % 51).unwrap())).collect();
        let merged = merge(&sessions, sockets, false);
        let listed = worst(&merged, |session| (session.queue_frames as u64, 0));
        let frames: Vec<usize> = listed.iter().map(|session| session.queue_frames).collect();
        assert_eq!(frames, (41..=50).rev().collect::<Vec<_>>());
        assert!(listed.iter().all(|session| session.user_id.is_none()));
    }

    #[test]
    fn the_sockets_of_a_session_are_added_up() {
        let sockets =
            vec![socket(7, SocketKind::V1, 3), socket(7, SocketKind::Legacy, 5), socket(7, SocketKind::Background, 1)];
        let merged = merge(&[session(7), session(8)], sockets, true);
        let expected = ListedSession {
            session: "7".to_owned(),
            user_id: Some(UserId(700)),
            sockets: 3,
            dialects: vec!["legacy", "v1"],
            queue_frames: 9,
            queue_bytes: 90,
            oldest_ms: 5,
            waiting: 0,
            wait_ms: 0,
            age_s: 993,
        };
        assert_eq!(merged[0], expected);
        assert_eq!((merged[1].sockets, merged[1].queue_frames), (0, 0));
        assert_eq!(worst(&merged, |session| (session.wait_ms, session.waiting)), [], "none waits");
    }
}
