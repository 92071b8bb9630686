//! When to connect, to wait, to ask for new tokens, and to give up: the contract's advice, close code by close code.

mod ends;

use std::time::Duration;

use serde::Serialize;

use crate::backoff::{Backoff, Pause};
use crate::millis;
pub use ends::{Refreshed, Refusal, Stop};

/// Least wait after a close that is the client's own fault.
const AFTER_A_FAULT: Duration = Duration::from_mins(1);

/// Where the connection is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Phase {
    /// Not started, or stopped.
    Idle,
    /// A handshake is on its way, or what was missed is coming.
    Opening,
    /// Everything missed has come.
    Live,
    /// A timer runs, and then …
    Waiting(Next),
    /// New tokens are being asked for.
    Refreshing,
}

/// What a wait is for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Next {
    Connect,
    Refresh,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    /// Open a socket.
    Connect,
    /// Let this time pass.
    Wait(Pause),
    /// Ask for new tokens.
    Refresh,
    /// No socket will do better until a person has done something.
    Stop(Stop),
}

/// The state of the connection.
#[derive(Serialize)]
pub(crate) struct Connection {
    phase: Phase,
    backoff: Backoff,
    /// The tokens are new, and no socket with them was live: asking for newer ones is of no use.
    has_fresh_tokens: bool,
    /// What `going_away` has said.
    #[serde(rename = "away_for_ms", with = "millis::optional")]
    away_for: Option<Duration>,
    /// Why the server says that the login has ended, until a socket is live again.
    signed_out: Option<String>,
}

impl Connection {
    /// Not started yet.
    pub(crate) fn new() -> Self {
        let backoff = Backoff::default();
        Self { phase: Phase::Idle, backoff, has_fresh_tokens: false, away_for: None, signed_out: None }
    }

    /// The first attempt.
    pub(crate) fn start(&mut self) -> Step {
        self.connect()
    }

    /// Whether frames may be sent.
    pub(crate) fn is_live(&self) -> bool {
        self.phase == Phase::Live && self.away_for.is_none()
    }

    /// Whether events are current.
    pub(crate) fn has_caught_up(&self) -> bool {
        self.phase == Phase::Live
    }

    /// Whether there is no attempt now.
    pub(crate) fn is_waiting(&self) -> bool {
        matches!(self.phase, Phase::Waiting(_))
    }

    /// Everything missed has come.
    pub(crate) fn live(&mut self) {
        self.phase = Phase::Live;
        self.has_fresh_tokens = false;
        self.signed_out = None;
    }

    /// The server will restart and reads no more frames.
    pub(crate) fn going_away(&mut self, back_after: Duration) {
        self.away_for = Some(back_after);
    }

    /// The handshake did not succeed.
    pub(crate) fn refused(&mut self, refusal: Refusal) -> Step {
        match refusal {
            Refusal::Unauthorized(detail) => self.refresh(detail),
            Refusal::Forbidden(detail) => self.stop(Stop::Forbidden(detail)),
            Refusal::Final(detail) => self.stop(Stop::BadHandshake(detail)),
            Refusal::Passing { retry_after } => self.back_off(retry_after.unwrap_or_default()),
        }
    }

    /// The socket has ended, with this code if the server has closed it, after this time.
    pub(crate) fn closed(&mut self, code: Option<u16>, reason: &str, held: Duration) -> Step {
        self.backoff.connected_for(held);
        let away_for = self.away_for.take();
        let named = |code: u16| format!("{code} {reason}").trim_end().to_owned();
        match code {
            None | Some(1001 | 1011 | 1012 | 1013) => match away_for {
                // Drawn at random by the server already.
                Some(time) => self.wait(Pause::exactly(time), Next::Connect),
                None => self.back_off(Duration::ZERO),
            },
            Some(4001) => {
                let why = signed_out(reason);
                self.signed_out = Some(why.clone());
                self.refresh(why)
            }
            Some(4002) => self.stop(Stop::TooMany),
            Some(4003) => self.stop(Stop::Replaced),
            Some(code @ (1000 | 4000..)) => self.stop(Stop::Closed(named(code))),
            // 1008, 1009, and whatever else a protocol error may be.
            Some(_) => self.back_off(AFTER_A_FAULT),
        }
    }

    /// The wait is over. Nothing to do when it is not waited for any more.
    pub(crate) fn waited(&mut self) -> Option<Step> {
        match self.phase {
            Phase::Waiting(Next::Connect) => Some(self.connect()),
            Phase::Waiting(Next::Refresh) => {
                self.phase = Phase::Refreshing;
                Some(Step::Refresh)
            }
            _ => None,
        }
    }

    /// New tokens were asked for.
    pub(crate) fn refreshed(&mut self, outcome: Refreshed) -> Step {
        match outcome {
            Refreshed::Done => {
                self.has_fresh_tokens = true;
                self.connect()
            }
            Refreshed::Refused(detail) => self.sign_in(detail),
            Refreshed::Unreachable => {
                let pause = self.backoff.next_pause();
                self.wait(pause, Next::Refresh)
            }
        }
    }

    fn connect(&mut self) -> Step {
        self.phase = Phase::Opening;
        Step::Connect
    }

    fn back_off(&mut self, at_least: Duration) -> Step {
        self.has_fresh_tokens = false;
        let pause = self.backoff.next_pause().after(at_least);
        self.wait(pause, Next::Connect)
    }

    fn wait(&mut self, pause: Pause, next: Next) -> Step {
        self.phase = Phase::Waiting(next);
        Step::Wait(pause)
    }

    fn refresh(&mut self, detail: String) -> Step {
        if self.has_fresh_tokens {
            return self.sign_in(detail);
        }
        self.phase = Phase::Refreshing;
        Step::Refresh
    }

    /// The close has said why; that tokens are not taken after it says less.
    fn sign_in(&mut self, detail: String) -> Step {
        let why = self.signed_out.take().unwrap_or(detail);
        self.stop(Stop::SignIn(why))
    }

    fn stop(&mut self, why: Stop) -> Step {
        self.phase = Phase::Idle;
        Step::Stop(why)
    }
}

/// The reason of a close with 4001, for people.
fn signed_out(reason: &str) -> String {
    match reason {
        "logout" => "signed out".to_owned(),
        "revoked" => "another device has signed this one out".to_owned(),
        "password" => "the password was changed".to_owned(),
        "deleted" => "the account was deleted".to_owned(),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests;
