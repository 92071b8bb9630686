//! The result of guesses: parts, and how many times as long the owner and messages take as alone.

use serde::Serialize;

use super::{Guessed, Stuffing};
use crate::latency::Summary;
use crate::report::Spread;
use crate::traffic::Soundness;

/// How many times as long as alone, at the 99th percentile, the owner's logins and messages may take.
const PROMISED: f64 = 2.0;

/// One part.
#[derive(Serialize)]
pub(super) struct Part {
    pub(super) guessed: Guessed,
    /// Guesses by the status of the answer.
    pub(super) wrong: u64,
    pub(super) limited: u64,
    pub(super) busy: u64,
    pub(super) others: u64,
    /// Passwords that were hashed, the owner's among them.
    pub(super) hashed: f64,
    pub(super) owner_logins: u64,
    pub(super) owner_refused: u64,
    pub(super) owner_ms: Summary,
    pub(super) message_ms: Summary,
    /// Processors that the server uses, hashes included.
    pub(super) server_cores: Option<f64>,
    pub(super) tool_cores: f64,
    pub(super) other_cores: Option<f64>,
    #[serde(flatten)]
    pub(super) sound: Soundness,
}

/// How many times as long as alone, over all rounds.
#[derive(Serialize)]
struct Slowdown {
    owner_p50: Spread,
    owner_p99: Spread,
    message_p50: Spread,
    message_p99: Spread,
}

/// The result of all rounds.
#[derive(Serialize)]
pub(crate) struct Outcome {
    workload: &'static str,
    target: String,
    #[serde(flatten)]
    stuffing: Stuffing,
    one_account: Slowdown,
    many_names: Slowdown,
    /// Each with the parts alone, one account, many names.
    rounds: Vec<[Part; 3]>,
}

impl Slowdown {
    /// Compares a part of each round with the part without guesses.
    fn of(rounds: &[[Part; 3]], part: fn(&[Part; 3]) -> &Part) -> Self {
        let spread =
            |figure: fn(&Part) -> f64| Spread::of(rounds.iter().map(|round| figure(part(round)) / figure(&round[0])));
        Self {
            owner_p50: spread(|part| part.owner_ms.p50),
            owner_p99: spread(|part| part.owner_ms.p99),
            message_p50: spread(|part| part.message_ms.p50),
            message_p99: spread(|part| part.message_ms.p99),
        }
    }

    fn holds(&self) -> bool {
        self.owner_p99.median < PROMISED && self.message_p99.median < PROMISED
    }
}

impl Outcome {
    pub(super) fn of(target: String, stuffing: Stuffing, rounds: Vec<[Part; 3]>) -> Self {
        let [one_account, many_names] =
            [Slowdown::of(&rounds, |round| &round[1]), Slowdown::of(&rounds, |round| &round[2])];
        Self { workload: "stuffing", target, stuffing, one_account, many_names, rounds }
    }

    /// Returns whether nobody was refused at home, and nothing took longer than promised.
    pub(crate) fn holds(&self) -> bool {
        let parts = || self.rounds.iter().flatten();
        parts().all(|part| part.owner_refused == 0 && part.sound.holds())
            && self.one_account.holds()
            && self.many_names.holds()
    }
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { guessed, wrong, limited, busy, others, hashed, .. } = self;
        writeln!(
            f,
            "stuffing {guessed:?}: {wrong} × 401, {limited} × 429, {busy} × 503, {others} others; {hashed} hashes"
        )?;
        let Self { owner_logins, owner_refused, owner_ms, .. } = self;
        writeln!(f, "  owner at home: {owner_logins} logins, {owner_refused} REFUSED; {owner_ms}")?;
        writeln!(f, "  messages: {}; {}", self.message_ms, self.sound)?;
        let [server, others] = [self.server_cores, self.other_cores].map(|cores| cores.unwrap_or(f64::NAN));
        write!(f, "  cores: server {server:.2}, tool {:.2}, others {others:.2}", self.tool_cores)
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "stuffing {}, {} rounds, as many times as long as alone, ", self.target, self.rounds.len())?;
        write!(f, "median (min–max), promised p99 < {PROMISED}:")?;
        for (name, slowdown) in [("one account", &self.one_account), ("many names", &self.many_names)] {
            let Slowdown { owner_p50, owner_p99, message_p50, message_p99 } = slowdown;
            write!(f, "\n  {name:<11} owner's login p50 {owner_p50} p99 {owner_p99}, ")?;
            write!(f, "messages p50 {message_p50} p99 {message_p99}")?;
        }
        Ok(())
    }
}
