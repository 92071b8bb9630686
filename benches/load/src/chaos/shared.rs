//! What all clients share.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::audit::Findings;
use super::book::Book;
use super::timeline::Timeline;
use crate::host::Nodes;
use crate::random::Random;
use crate::traffic::Soundness;

/// Problems that are told in full.
const TOLD: usize = 5;

/// What is going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Everybody comes for the first time: from then on they have a cursor, and can be written to.
    Come,
    /// Everybody writes as fast as they are answered, and things break.
    Storm,
    /// Nothing new is written and nothing breaks; everybody gets rid of the rest.
    Settle,
    /// Everybody comes once more, for what came meanwhile.
    Return,
    End,
}

/// What a client is made to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Order {
    #[default]
    Go,
    /// Its connection is cut.
    Cut,
    /// It reads nothing for so long.
    Stall(Duration),
}

/// What all clients share.
pub(super) struct Shared {
    /// Where the servers are.
    nodes: watch::Receiver<Nodes>,
    /// Decides who goes to which of several.
    random: Mutex<Random>,
    pub(super) phase: watch::Receiver<Phase>,
    /// Whether enough was written, so that everybody pauses between messages while things go on breaking: all that was
    /// written is read at the end.
    pub(super) has_enough: AtomicBool,
    pub(super) book: Book,
    pub(super) sent: AtomicU64,
    /// Sent once more without need.
    pub(super) again: AtomicU64,
    /// Sent once more because the answer was lost or there was an error.
    pub(super) resent: AtomicU64,
    /// Retryable errors.
    pub(super) refused: AtomicU64,
    /// Events that came twice or out of their order on a socket.
    pub(super) disorder: AtomicU64,
    /// Messages that the shipped app got twice, on whatever sockets.
    pub(super) twice: AtomicU64,
    pub(super) strays: AtomicU64,
    pub(super) opened: AtomicU64,
    /// Connections that nobody took.
    pub(super) refused_connects: AtomicU64,
    /// How long messages took, where that is looked at.
    pub(super) timeline: Option<Timeline>,
    /// Clients that are done with a phase.
    ready: AtomicU64,
    errors: AtomicU64,
    problems: Mutex<Vec<String>>,
}

impl Shared {
    pub(super) fn new(nodes: watch::Receiver<Nodes>, phase: watch::Receiver<Phase>, seed: u64) -> Self {
        let zero = AtomicU64::default;
        Self {
            nodes,
            random: Mutex::new(Random::of(seed, u64::MAX - 1)),
            phase,
            has_enough: AtomicBool::new(false),
            book: Book::default(),
            sent: zero(),
            again: zero(),
            resent: zero(),
            refused: zero(),
            disorder: zero(),
            twice: zero(),
            strays: zero(),
            opened: zero(),
            refused_connects: zero(),
            timeline: None,
            ready: zero(),
            errors: zero(),
            problems: Mutex::default(),
        }
    }

    /// Where a server is, as soon as there is one: any of those that are up.
    pub(super) async fn server(&self) -> Result<SocketAddr> {
        let mut nodes = self.nodes.clone();
        let nodes = nodes.wait_for(|nodes| nodes.iter().any(Option::is_some)).await?;
        let up: Vec<SocketAddr> = nodes.iter().flatten().copied().collect();
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        random.pick(&up).copied().context("no server has an address")
    }

    /// Where all of them are that are up.
    pub(super) fn servers(&self) -> Vec<SocketAddr> {
        self.nodes.borrow().iter().flatten().copied().collect()
    }

    /// Something that must not be.
    pub(super) fn complain(&self, problem: impl FnOnce() -> String) {
        self.errors.fetch_add(1, Relaxed);
        let mut problems = self.problems.lock().unwrap_or_else(PoisonError::into_inner);
        if problems.len() < TOLD {
            problems.push(problem());
        }
    }

    /// Told beside the problems.
    pub(super) fn remark(&self, remark: String) {
        self.problems.lock().unwrap_or_else(PoisonError::into_inner).push(remark);
    }

    pub(super) fn errors(&self) -> u64 {
        self.errors.load(Relaxed)
    }

    pub(super) fn problems(&self) -> Vec<String> {
        self.problems.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A connection has ended. What a crash, a cut and a patient server look like is to be expected; the rest is not.
    pub(super) fn note_end(&self, error: &anyhow::Error) {
        let text = format!("{error:#}");
        if is_fault(&text) {
            self.complain(|| text);
        }
    }

    /// A connection was not taken, or its handshake got no answer.
    pub(super) fn note_unopened(&self, error: &anyhow::Error) {
        let is_of =
            |error: &std::io::Error| matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset);
        let refused = error.chain().filter_map(|cause| cause.downcast_ref()).any(is_of);
        self.refused_connects.fetch_add(refused.into(), Relaxed);
    }

    /// What is lost, doubled or out of order, by what was found at the end and what clients saw.
    pub(super) fn soundness(&self, found: &Findings, unacknowledged: u64) -> Soundness {
        Soundness {
            lost: found.lost,
            duplicated: found.duplicated + self.twice.load(Relaxed),
            out_of_order: found.out_of_order + self.disorder.load(Relaxed),
            unacknowledged,
            errors: self.errors(),
            strays: self.strays.load(Relaxed),
            ..Soundness::default()
        }
    }

    /// A client is done with a phase.
    pub(super) fn note_ready(&self) {
        self.ready.fetch_add(1, Relaxed);
    }

    /// Waits until `count` clients are done with a phase.
    pub(super) async fn all_ready(&self, count: u64, what: &str, limit: Duration) {
        let deadline = Instant::now() + limit;
        while self.ready.load(Relaxed) < count {
            if Instant::now() > deadline {
                let ready = self.ready.load(Relaxed);
                self.complain(|| format!("only {ready} of {count} clients {what} in {} s", limit.as_secs()));
                break;
            }
            sleep(Duration::from_millis(50)).await;
        }
        self.ready.store(0, Relaxed);
    }
}

/// Whether a socket must not end like this: refused for another reason than that the server is busy, or closed by its
/// fault, for what the client has done, or as if a person had ended its login.
fn is_fault(end: &str) -> bool {
    if end.contains("refused the socket") {
        return !end.contains(" 503 ") && !end.contains(" 429 ");
    }
    let Some((_, code)) = end.split_once("closed the socket with ") else { return false };
    !["1000", "1001", "1012", "1013"].iter().any(|expected| code.starts_with(expected))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_that_must_not_be() {
        for expected in [
            "the server cut the connection",
            "the server closed the socket with 1012 restart",
            "the handshake failed: the server refused the socket: HTTP/1.1 503 Service Unavailable",
        ] {
            assert!(!is_fault(expected), "{expected}");
        }
        for fault in [
            "the server closed the socket with 1011 server fault",
            "the server closed the socket with 4003 replaced by the same device",
            "the server refused the socket: HTTP/1.1 401 Unauthorized",
        ] {
            assert!(is_fault(fault), "{fault}");
        }
    }
}
