//! The open sockets of a server: how many of which kind and age, which stand out, and how others were closed.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::time::Duration;

use serde::Serialize;

use super::Monitor;
use super::tree::millis;
use crate::actors::SocketFigures;
use crate::domain::{SocketId, Timestamp, UserId};
use crate::telemetry::SocketKind;

/// Sockets in each list.
const LISTED: usize = 10;
/// The ends of the classes of age; what is older is the last class.
const AGES: [Duration; 4] =
    [Duration::from_mins(1), Duration::from_mins(10), Duration::from_hours(1), Duration::from_hours(24)];

/// All sockets of a server.
#[derive(Clone, Debug, Serialize)]
pub struct SocketList {
    /// When this was seen.
    pub at: Timestamp,
    /// Open sockets.
    pub open: usize,
    /// By what they speak.
    pub kinds: Vec<SocketsOfKind>,
    /// By their age.
    pub ages: Vec<SocketsOfAge>,
    /// Those that were closed within the last hour.
    pub closed: ClosedSockets,
    /// Those with most frames to be written.
    pub worst_queues: Vec<ListedSocket>,
    /// Those that are open for longest.
    pub oldest: Vec<ListedSocket>,
}

/// The open sockets that speak the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SocketsOfKind {
    /// The dialect.
    pub dialect: &'static str,
    /// Whether somebody looks at the app.
    pub mode: &'static str,
    /// How many they are.
    pub open: usize,
}

/// The open sockets of about the same age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SocketsOfAge {
    /// Younger than so many seconds, and not in the class before; `None`: all others.
    pub up_to_s: Option<u64>,
    /// How many they are.
    pub open: usize,
}

/// The sockets that were closed lately.
#[derive(Clone, Debug, Serialize)]
pub struct ClosedSockets {
    /// Since when: an hour ago, or the start.
    pub from: Timestamp,
    /// By the code of the close frame, most first.
    pub codes: Vec<ClosedBy>,
}

/// The sockets that were closed with one code.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ClosedBy {
    /// The code, or `other`.
    pub code: &'static str,
    /// How many they are.
    pub count: u64,
}

/// One socket that stands out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ListedSocket {
    /// Its number in this run of the server.
    pub socket: SocketId,
    /// The number of its session, as among the actors.
    pub session: Option<String>,
    /// The dialect that it speaks.
    pub dialect: &'static str,
    /// Whether somebody looks at the app.
    pub mode: &'static str,
    /// Frames that wait to be written to it.
    pub queue_frames: usize,
    /// The bytes of these frames.
    pub queue_bytes: usize,
    /// For how long it has taken nothing, at most the age of its oldest frame.
    pub oldest_ms: u64,
    /// For how long it has been open.
    pub age_s: u64,
}

impl Monitor {
    /// Returns the open sockets, of which it looks at every one. It names no user.
    #[must_use]
    pub fn socket_list(&self) -> SocketList {
        let (at, sockets) = (self.clock.now(), self.sockets());
        let sessions = self.health.sessions().into_iter().map(|session| (session.user, session.number)).collect();
        let (from, codes) = self.history.closed(at);
        let codes = codes.into_iter().map(|(code, count)| ClosedBy { code, count }).collect();
        SocketList {
            at,
            open: sockets.len(),
            kinds: kinds(&sockets),
            ages: ages(&sockets),
            closed: ClosedSockets { from, codes },
            worst_queues: greatest(&sockets, &sessions, |socket| {
                (socket.queue.frames as u64, socket.queue.bytes as u64)
            }),
            oldest: greatest(&sockets, &sessions, |socket| (millis(socket.age).max(1), 0)),
        }
    }
}

fn kinds(sockets: &[SocketFigures]) -> Vec<SocketsOfKind> {
    let of = |kind: SocketKind| SocketsOfKind {
        dialect: kind.dialect(),
        mode: kind.mode(),
        open: sockets.iter().filter(|socket| socket.kind == kind).count(),
    };
    SocketKind::ALL.into_iter().map(of).collect()
}

fn ages(sockets: &[SocketFigures]) -> Vec<SocketsOfAge> {
    let mut open = [0; AGES.len() + 1];
    for socket in sockets {
        open[AGES.iter().position(|end| socket.age < *end).unwrap_or(AGES.len())] += 1;
    }
    let ends = AGES.iter().map(|end| Some(end.as_secs())).chain([None]);
    ends.zip(open).map(|(up_to_s, open)| SocketsOfAge { up_to_s, open }).collect()
}

/// Returns the sockets with the greatest values, greatest first. Those with none are left out.
fn greatest(
    sockets: &[SocketFigures],
    sessions: &HashMap<UserId, u64>,
    by: impl Fn(&SocketFigures) -> (u64, u64),
) -> Vec<ListedSocket> {
    let mut found: Vec<&SocketFigures> = sockets.iter().filter(|socket| by(socket) != (0, 0)).collect();
    if found.len() > LISTED {
        found.select_nth_unstable_by_key(LISTED, |socket| Reverse(by(socket)));
        found.truncate(LISTED);
    }
    found.sort_by_key(|socket| (Reverse(by(socket)), socket.id.0));
    let listed = |socket: &SocketFigures| ListedSocket {
        socket: socket.id,
        session: sessions.get(&socket.user).map(|number| format!("{number:x}")),
        dialect: socket.kind.dialect(),
        mode: socket.kind.mode(),
        queue_frames: socket.queue.frames,
        queue_bytes: socket.queue.bytes,
        oldest_ms: millis(socket.queue.still_for),
        age_s: socket.age.as_secs(),
    };
    found.into_iter().map(listed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actors::QueueFigures;

    fn socket(number: u32, kind: SocketKind, age_s: u64) -> SocketFigures {
        let frames = usize::try_from(number * 7 % 51).unwrap();
        let queue = QueueFigures { frames, bytes: frames * 10, still_for: Duration::from_millis(9) };
        let user = UserId(i32::try_from(number).unwrap());
        SocketFigures { id: SocketId(number.into()), user, kind, queue, age: Duration::from_secs(age_s) }
    }

    #[test]
    fn sockets_are_counted_by_kind_and_age() {
        let ages_s = [0, 59, 60, 599, 600, 3599, 86_399, 86_400, 1_000_000];
        let sockets: Vec<_> = (1..).zip(ages_s).map(|(number, age)| socket(number, SocketKind::V1, age)).collect();
        let counted: Vec<_> = ages(&sockets).iter().map(|class| (class.up_to_s, class.open)).collect();
        assert_eq!(counted, [(Some(60), 2), (Some(600), 2), (Some(3600), 2), (Some(86_400), 1), (None, 2)]);
        let open: Vec<_> = kinds(&sockets).iter().map(|kind| kind.open).collect();
        assert_eq!(open, [0, 9, 0]);
    }

    #[test]
    fn those_with_the_longest_queues_and_the_oldest_are_listed() {
        let sockets: Vec<_> = (1..=50).map(|number| socket(number, SocketKind::Background, number.into())).collect();
        let sessions = HashMap::from([(UserId(50), 0xab)]);
        let oldest = greatest(&sockets, &sessions, |socket| (socket.age.as_secs(), 0));
        let numbers: Vec<u64> = oldest.iter().map(|socket| socket.socket.0).collect();
        assert_eq!(numbers, (41..=50).rev().collect::<Vec<_>>());
        assert_eq!((oldest[0].session.as_deref(), oldest[1].session.as_deref()), (Some("ab"), None));
        let worst = greatest(&sockets, &sessions, |socket| (socket.queue.frames as u64, 0));
        let frames: Vec<usize> = worst.iter().map(|socket| socket.queue_frames).collect();
        assert_eq!(frames, (41..=50).rev().collect::<Vec<_>>());
        assert_eq!((worst[0].dialect, worst[0].mode), ("v1", "background"));
    }
}
