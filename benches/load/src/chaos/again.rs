//! Messages that are sent once more without need: as by a phone that is not sure, or by an app that was woken in the
//! background.

use std::collections::BinaryHeap;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::time::sleep;

use super::book::Heard;
use super::shared::Shared;
use crate::clock;
use crate::marked_frame::{self, Seen};
use crate::random::Random;
use crate::requests::{Ask, Connection};

/// Latest time for sending it once more.
const LATEST: u64 = 3_000_000_000;
/// What waits for a socket or a return; what is beyond is not sent once more.
const MAX_WAITING: usize = 512;
/// Requests at once.
const MAX_POSTS: usize = 64;

/// How it is sent once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// At once, on the same socket.
    Twice,
    /// On the socket of the user's other device.
    Sibling,
    /// After the next return.
    Return,
    /// By `POST /chat/messages`.
    Post,
}

impl Way {
    pub(super) fn choose(random: &mut Random) -> Self {
        *random.pick(&[Self::Twice, Self::Sibling, Self::Return, Self::Post]).unwrap_or(&Self::Twice)
    }
}

/// A frame and when it is due, so that the earliest is the greatest.
type Due = (std::cmp::Reverse<u64>, Vec<u8>);

/// Frames that a device sends at a later time.
#[derive(Clone, Default)]
pub(super) struct Later(Arc<Mutex<BinaryHeap<Due>>>);

impl Later {
    /// Keeps a frame for a time within the next few seconds; not when there are too many.
    pub(super) fn keep(&self, frame: &[u8], random: &mut Random) -> bool {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= MAX_WAITING {
            return false;
        }
        waiting.push((std::cmp::Reverse(clock::now() + random.below(LATEST)), frame.to_vec()));
        true
    }

    /// One that is due.
    pub(super) fn due(&self) -> Option<Vec<u8>> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = waiting.peek().is_some_and(|(due, _)| due.0 <= clock::now());
        if is_due { waiting.pop().map(|(_, frame)| frame) } else { None }
    }
}

/// The way of an app without a socket.
pub(super) struct Post {
    shared: Arc<Shared>,
    turns: tokio::sync::Semaphore,
    idle: Mutex<Vec<Connection>>,
}

impl Post {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, turns: tokio::sync::Semaphore::new(MAX_POSTS), idle: Mutex::default() }
    }

    /// Sends what a frame sends, a little later; not when too many are on their way.
    pub(super) fn send(self: &Arc<Self>, frame: &[u8], token: &str, random: &mut Random) -> bool {
        let Some(body) =
            memchr::memchr(b'{', frame).and_then(|at| serde_json::from_slice::<Value>(frame.get(at..)?).ok())
        else {
            return false;
        };
        let ask = Ask::post(0, "/chat/messages", Some(token), &body, Vec::new());
        let wait = Duration::from_nanos(random.below(LATEST));
        let this = self.clone();
        tokio::spawn(async move {
            sleep(wait).await;
            // Nobody closes it.
            if let Ok(_turn) = this.turns.acquire().await {
                this.ask(&ask).await;
            }
        });
        true
    }

    /// Whatever comes of it: what matters is on the sockets. A connection that fails is not used again.
    async fn ask(&self, ask: &Ask) {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut connection = if let Some(connection) = idle {
            connection
        } else {
            let Ok(addr) = self.shared.server().await else { return };
            let Ok(connection) = Connection::open(addr).await else { return };
            connection
        };
        let Ok(answer) = connection.ask(&ask.request).await else { return };
        match (answer.status, marked_frame::scan(answer.body)) {
            (status @ (200 | 201), Seen::Acknowledged(mark)) => {
                let heard = if status == 201 { Heard::First } else { Heard::Duplicate };
                self.shared.book.acknowledge(mark, crate::frame::id(answer.body), heard);
            }
            (503, _) => _ = self.shared.refused.fetch_add(1, Relaxed),
            (status, _) => {
                let body = String::from_utf8_lossy(answer.body).into_owned();
                self.shared.complain(|| format!("POST /chat/messages: {status} {body}"));
            }
        }
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }
}
