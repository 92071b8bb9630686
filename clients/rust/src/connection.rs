//! The connection: when to connect, to wait, to refresh tokens and to give up, as the contract advises for each close
//! code.

mod ends;

use std::time::Duration;

use serde::Serialize;

use crate::backoff::{Backoff, Pause};
use crate::millis;
pub use ends::{Refreshed, Refusal, Stop};

/// Least wait after a close that is the client's own fault.
const AFTER_A_FAULT: Duration = Duration::from_mins(1);

/// The close code of a server that restarts.
const RESTART: u16 = 1012;

/// The phase of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Phase {
    /// Not started, or stopped.
    Idle,
    /// A handshake is on its way, or missed events are arriving.
    Opening,
    /// All missed events have arrived.
    Live,
    /// A timer is running; the next step follows.
    Waiting(Next),
    /// New tokens have been requested.
    Refreshing,
}

/// The step after a wait.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Next {
    Connect,
    Refresh,
}

/// A step of the connection.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    /// Open a socket.
    Connect,
    /// Wait for this time.
    Wait(Pause),
    /// Request new tokens.
    Refresh,
    /// Stop: no further attempt can succeed before the person acts.
    Stop(Stop),
}

/// The state of the connection.
#[derive(Serialize)]
pub(crate) struct Connection {
    phase: Phase,
    backoff: Backoff,
    /// Whether the tokens are new and no socket with them was live: then requesting newer ones is of no use.
    has_fresh_tokens: bool,
    /// Whether the last socket ended because the server restarts.
    is_restart: bool,
    /// The time in `going_away`, if it came.
    #[serde(rename = "away_for_ms", with = "millis::optional")]
    away_for: Option<Duration>,
    /// The server's reason for the end of the login, until a socket is live again.
    signed_out: Option<String>,
}

impl Connection {
    /// Makes a connection that is not started yet.
    pub(crate) fn new() -> Self {
        Self {
            phase: Phase::Idle,
            backoff: Backoff::default(),
            has_fresh_tokens: false,
            is_restart: false,
            away_for: None,
            signed_out: None,
        }
    }

    /// Starts the first attempt.
    pub(crate) fn start(&mut self) -> Step {
        self.connect()
    }

    /// Returns whether frames may be sent.
    pub(crate) fn is_live(&self) -> bool {
        self.phase == Phase::Live && self.away_for.is_none()
    }

    /// Returns whether events are current.
    pub(crate) fn has_caught_up(&self) -> bool {
        self.phase == Phase::Live
    }

    /// Returns whether no attempt is running.
    pub(crate) fn is_waiting(&self) -> bool {
        matches!(self.phase, Phase::Waiting(_))
    }

    /// Handles `live`: all missed events have arrived.
    pub(crate) fn live(&mut self) {
        self.phase = Phase::Live;
        self.has_fresh_tokens = false;
        self.signed_out = None;
    }

    /// Handles `going_away`: the server restarts and reads no more frames.
    pub(crate) fn going_away(&mut self, back_after: Duration) {
        self.away_for = Some(back_after);
    }

    /// Handles a failed handshake.
    pub(crate) fn refused(&mut self, refusal: Refusal) -> Step {
        match refusal {
            Refusal::Unauthorized(detail) => self.refresh(detail),
            Refusal::Forbidden(detail) => self.stop(Stop::Forbidden(detail)),
            Refusal::Final(detail) => self.stop(Stop::BadHandshake(detail)),
            Refusal::Passing { retry_after } => self.back_off(retry_after.unwrap_or_default()),
        }
    }

    /// Handles the end of a socket that lasted for `held`, with the code if the server has closed it.
    pub(crate) fn closed(&mut self, code: Option<u16>, reason: &str, held: Duration) -> Step {
        self.backoff.connected_for(held);
        let away_for = self.away_for.take();
        self.is_restart = code == Some(RESTART);
        let named = |code: u16| format!("{code} {reason}").trim_end().to_owned();
        match code {
            None | Some(1001 | 1011 | RESTART | 1013) => match away_for {
                // The server has already made it random.
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
            // 1008, 1009, and any other protocol error.
            Some(_) => self.back_off(AFTER_A_FAULT),
        }
    }

    /// Handles the end of a wait. Does nothing when the connection is no longer waiting.
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

    /// Handles the outcome of a refresh.
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
        let pause = if self.is_restart { self.backoff.next_pause_of_restart() } else { self.backoff.next_pause() };
        let pause = pause.after(at_least);
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

    /// Stops for a new login. The reason of an earlier close is preferred to `detail`, which says less.
    fn sign_in(&mut self, detail: String) -> Step {
        let why = self.signed_out.take().unwrap_or(detail);
        self.stop(Stop::SignIn(why))
    }

    fn stop(&mut self, why: Stop) -> Step {
        self.phase = Phase::Idle;
        Step::Stop(why)
    }
}

/// Returns the reason of a close with 4001, for people.
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
