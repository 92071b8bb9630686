//! When to connect, to wait, to ask for new tokens, and to give up: the contract's advice, close code by close code.

use std::time::Duration;

use super::backoff::{Backoff, Pause};

/// Least wait after a close that is the client's own fault.
const AFTER_A_FAULT: Duration = Duration::from_mins(1);

/// Where the connection is.
#[derive(Clone, Copy, Debug, PartialEq)]
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
#[derive(Clone, Copy, Debug, PartialEq)]
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

/// Why there will be no other attempt.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum Stop {
    /// The login session is over.
    #[error("the login has ended: {0}")]
    SignIn(String),
    /// The account is banned.
    #[error("the server does not let you in: {0}")]
    Forbidden(String),
    /// The same device has connected elsewhere.
    #[error("this device is connected from elsewhere")]
    Replaced,
    /// Newer sockets of the same user count more.
    #[error("too many devices are connected")]
    TooMany,
    /// Nothing that this client knows how to help.
    #[error("the server has closed the connection: {0}")]
    Closed(String),
    /// The server does not take the handshake.
    #[error("the server does not take the connection: {0}")]
    BadHandshake(String),
}

/// Why there is no socket.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Refusal {
    /// 401: the access token may have expired.
    Unauthorized(String),
    /// 403.
    Forbidden(String),
    /// No answer, or one that passes, such as 429 and 503; the latter say how long.
    Passing { retry_after: Option<Duration> },
    /// Any other answer: the next attempt would get the same.
    Final(String),
}

/// How an attempt to get new tokens has ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Refreshed {
    Done,
    /// The refresh token is worth nothing any more.
    Refused(String),
    /// There was no answer.
    Unreachable,
}

/// See the module.
pub(crate) struct Connection {
    phase: Phase,
    backoff: Backoff,
    /// The tokens are new, and no socket with them was live: asking for newer ones is of no use.
    has_fresh_tokens: bool,
    /// What `going_away` has said.
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
                let pause = self.backoff.next();
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
        let pause = self.backoff.next().after(at_least);
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
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn live() -> Connection {
        let mut connection = Connection::new();
        assert_eq!(connection.start(), Step::Connect);
        connection.live();
        connection
    }

    fn closed(code: u16) -> Step {
        live().closed(Some(code), "why", SECOND)
    }

    fn is_wait(step: &Step, at_least: Duration) -> bool {
        matches!(step, Step::Wait(pause) if pause.at_least == at_least && pause.spread == SECOND)
    }

    #[test]
    fn each_close_code_has_its_advice() {
        assert!(is_wait(&live().closed(None, "", SECOND), Duration::ZERO));
        for code in [1001, 1011, 1012, 1013] {
            assert!(is_wait(&closed(code), Duration::ZERO), "{code}");
        }
        for code in [1002, 1008, 1009] {
            assert!(is_wait(&closed(code), AFTER_A_FAULT), "{code}");
        }
        assert_eq!(closed(4001), Step::Refresh);
        assert_eq!(closed(4002), Step::Stop(Stop::TooMany));
        assert_eq!(closed(4003), Step::Stop(Stop::Replaced));
        for code in [1000, 4000, 4999] {
            assert_eq!(closed(code), Step::Stop(Stop::Closed(format!("{code} why"))));
        }
    }

    #[test]
    fn each_refusal_has_its_advice() {
        let refused = |refusal| live().refused(refusal);
        let text = || "no".to_owned();
        assert_eq!(refused(Refusal::Unauthorized(text())), Step::Refresh);
        assert_eq!(refused(Refusal::Forbidden(text())), Step::Stop(Stop::Forbidden(text())));
        assert_eq!(refused(Refusal::Final(text())), Step::Stop(Stop::BadHandshake(text())));
        assert!(is_wait(&refused(Refusal::Passing { retry_after: None }), Duration::ZERO));
        assert!(is_wait(&refused(Refusal::Passing { retry_after: Some(9 * SECOND) }), 9 * SECOND));
    }

    #[test]
    fn waits_grow_and_a_connection_that_held_ends_that() {
        let mut connection = live();
        connection.closed(Some(1012), "", SECOND);
        assert_eq!(connection.waited(), Some(Step::Connect));
        assert_eq!(connection.waited(), None, "an old timer");
        let step = connection.refused(Refusal::Passing { retry_after: None });
        assert_eq!(step, Step::Wait(Pause { at_least: Duration::ZERO, spread: 2 * SECOND }));
        connection.waited();
        connection.live();
        assert!(is_wait(&connection.closed(None, "", Duration::from_mins(2)), Duration::ZERO));
    }

    #[test]
    fn a_server_that_goes_away_says_when_to_come_back() {
        let mut connection = live();
        connection.going_away(3 * SECOND);
        assert!(!connection.is_live(), "it reads no more");
        assert!(!connection.is_waiting());
        assert_eq!(connection.closed(Some(1012), "", SECOND), Step::Wait(Pause::exactly(3 * SECOND)));
        assert!(connection.is_waiting());
        connection.waited();
        connection.live();
        assert!(connection.is_live());
        assert!(is_wait(&connection.closed(Some(1012), "", SECOND), Duration::ZERO), "said once, meant once");
    }

    #[test]
    fn tokens_are_refreshed_once_before_the_person_is_asked() {
        let mut connection = live();
        assert_eq!(connection.closed(Some(4001), "logout", SECOND), Step::Refresh);
        assert_eq!(connection.refreshed(Refreshed::Done), Step::Connect);
        let refused = connection.refused(Refusal::Unauthorized("gone".to_owned()));
        assert_eq!(refused, Step::Stop(Stop::SignIn("signed out".to_owned())));

        let mut connection = live();
        connection.closed(Some(4001), "deleted", SECOND);
        let refused = connection.refreshed(Refreshed::Refused("invalid".to_owned()));
        assert_eq!(refused, Step::Stop(Stop::SignIn("the account was deleted".to_owned())));

        let mut connection = live();
        connection.refused(Refusal::Unauthorized(String::new()));
        let refused = connection.refreshed(Refreshed::Refused("revoked".to_owned()));
        assert_eq!(refused, Step::Stop(Stop::SignIn("revoked".to_owned())));
    }

    #[test]
    fn a_refresh_without_an_answer_is_tried_again() {
        let mut connection = live();
        connection.refused(Refusal::Unauthorized(String::new()));
        assert!(is_wait(&connection.refreshed(Refreshed::Unreachable), Duration::ZERO));
        assert_eq!(connection.waited(), Some(Step::Refresh));
        assert_eq!(connection.refreshed(Refreshed::Done), Step::Connect);
        // Later, tokens expire again.
        connection.refused(Refusal::Passing { retry_after: None });
        connection.waited();
        assert_eq!(connection.refused(Refusal::Unauthorized(String::new())), Step::Refresh);
    }
}
