//! The result of all rounds.

use serde::Serialize;

use super::Login;
use super::bare::Bare;
use crate::latency::Summary;
use crate::report::Spread;
use crate::requests::Served;
use crate::traffic::Soundness;

/// The measurements of one round.
#[derive(Serialize)]
pub(super) struct Round {
    pub(super) bare: Bare,
    pub(super) logins: Served,
    pub(super) messages_alone: Messages,
    pub(super) logins_with_messages: Served,
    pub(super) messages_with_logins: Messages,
}

/// Messages at a fixed rate.
#[derive(Serialize)]
pub(super) struct Messages {
    pub(super) latency_ms: Summary,
    pub(super) lag_ms: Summary,
    #[serde(flatten)]
    pub(super) sound: Soundness,
}

/// The result; ratios are of each round.
#[derive(Serialize)]
pub(crate) struct Outcome {
    workload: &'static str,
    target: String,
    #[serde(flatten)]
    login: Login,
    /// Verifications a second in the tool, on all cores.
    bare_per_second: Spread,
    per_second: Spread,
    /// Logins to bare verifications.
    ratio: Spread,
    /// Processor time of a verification in the tool.
    bare_cpu_ms: Spread,
    /// Processor time of the server for a login.
    cpu_ms: Spread,
    cpu_ratio: Spread,
    /// Logins a second while messages are sent.
    per_second_with_messages: Spread,
    p99_ms: Spread,
    p99_ms_with_logins: Spread,
    p99_ratio: Spread,
    /// Processors used by other programs during the logins: if it is much, the rates mean little.
    other_cores: Spread,
    measured: Vec<Round>,
}

impl Outcome {
    pub(super) fn new(target: &str, login: &Login, measured: Vec<Round>) -> Self {
        let of = |figure: fn(&Round) -> f64| Spread::of(measured.iter().map(figure));
        Self {
            workload: "login",
            target: target.to_owned(),
            login: login.clone(),
            bare_per_second: of(|round| round.bare.per_second),
            per_second: of(|round| round.logins.costs.per_second),
            ratio: of(|round| round.logins.costs.per_second / round.bare.per_second),
            bare_cpu_ms: of(|round| round.bare.cpu_ms),
            cpu_ms: of(cpu_ms),
            cpu_ratio: of(|round| cpu_ms(round) / round.bare.cpu_ms),
            per_second_with_messages: of(|round| round.logins_with_messages.costs.per_second),
            p99_ms: of(|round| round.messages_alone.latency_ms.p99),
            p99_ms_with_logins: of(|round| round.messages_with_logins.latency_ms.p99),
            p99_ratio: of(|round| round.messages_with_logins.latency_ms.p99 / round.messages_alone.latency_ms.p99),
            other_cores: of(|round| round.logins.costs.other_cores.unwrap_or(f64::NAN)),
            measured,
        }
    }
}

fn cpu_ms(round: &Round) -> f64 {
    round.logins.costs.cpu_us.map_or(f64::NAN, |us| us / 1000.0)
}

impl std::fmt::Display for Round {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Bare { per_second, cpu_ms } = self.bare;
        writeln!(f, "login: {}", self.logins)?;
        writeln!(f, "  bare verifications: {per_second:.1}/s, {cpu_ms:.1} CPU-ms each")?;
        writeln!(f, "  with messages: {}", self.logins_with_messages)?;
        let Messages { latency_ms, sound, .. } = &self.messages_alone;
        writeln!(f, "  messages alone: {latency_ms}; {sound}")?;
        let Messages { latency_ms, sound, .. } = &self.messages_with_logins;
        write!(f, "  messages with logins: {latency_ms}; {sound}")
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Login { clients, rate, rounds, .. } = self.login;
        writeln!(f, "login {} {clients} clients, {rounds} rounds, median (min–max):", self.target)?;
        for (name, server, reference, ratio) in [
            ("logins/s", self.per_second, self.bare_per_second, self.ratio),
            ("CPU-ms each", self.cpu_ms, self.bare_cpu_ms, self.cpu_ratio),
        ] {
            writeln!(f, "  {name:<12} server {server:.1}  bare argon2 {reference:.1}  ratio {ratio:.3}")?;
        }
        let (alone, with, ratio) = (self.p99_ms, self.p99_ms_with_logins, self.p99_ratio);
        writeln!(f, "  p99 of messages at {rate}/s: {alone} ms alone, {with} ms with logins, ratio {ratio}")?;
        writeln!(f, "  logins/s with messages {:.1}", self.per_second_with_messages)?;
        write!(f, "  other programs {} cores", self.other_cores)
    }
}
