//! The result of requests.

use anyhow::Result;
use serde::Serialize;

use super::ask::Ask;
use super::connection::Answer;
use crate::clock;
use crate::costs::Costs;
use crate::latency::{Latencies, Summary};

/// The measurements.
pub(super) struct Board {
    kinds: Vec<(&'static str, Latencies, u64)>,
    all: Latencies,
    /// The moment from which on requests count.
    from: u64,
    answered: u64,
    bytes: u64,
    refused: u64,
    wrong: u64,
    problem: Option<String>,
}

impl Board {
    pub(super) fn new(kinds: &[&'static str], from: u64) -> Result<Self> {
        let kinds = kinds.iter().map(|&kind| Ok((kind, Latencies::new()?, 0))).collect::<Result<_>>()?;
        let all = Latencies::new()?;
        Ok(Self { kinds, all, from, answered: 0, bytes: 0, refused: 0, wrong: 0, problem: None })
    }

    /// Returns the number of responses so far.
    pub(super) fn answered(&self) -> u64 {
        self.answered
    }

    /// Records the response to a request that was sent at `start`.
    pub(super) fn note(&mut self, ask: &Ask, start: u64, answer: &Answer<'_>) {
        let now = clock::now();
        self.answered += 1;
        self.bytes += answer.body.len() as u64;
        let is_refused = !(200..300).contains(&answer.status);
        let is_wrong = !is_refused && !ask.accepts(answer.body);
        self.refused += u64::from(is_refused);
        self.wrong += u64::from(is_wrong);
        if (is_refused || is_wrong) && self.problem.is_none() {
            let text: String = String::from_utf8_lossy(answer.body).chars().take(200).collect();
            self.problem = Some(format!("{}: {} {text}", ask.name, answer.status));
        }
        if start >= self.from {
            self.all.note(start, now);
            if let Some((_, times, count)) = self.kinds.get_mut(ask.kind) {
                times.note(start, now);
                *count += 1;
            }
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "bytes of hours are far below 2^52")]
    pub(super) fn served(self, costs: Costs) -> Served {
        let kind =
            |(kind, times, count): (&'static str, Latencies, u64)| OfKind { kind, count, latency_ms: times.summary() };
        Served {
            latency_ms: self.all.summary(),
            kinds: self.kinds.into_iter().map(kind).filter(|kind| kind.count > 0).collect(),
            refused: self.refused,
            wrong: self.wrong,
            problem: self.problem,
            bytes: self.bytes as f64 / self.answered.max(1) as f64,
            costs,
        }
    }
}

/// The responses to clients.
#[derive(Serialize)]
pub(crate) struct Served {
    pub(crate) latency_ms: Summary,
    kinds: Vec<OfKind>,
    /// Responses with another status than success.
    pub(crate) refused: u64,
    /// Responses that did not meet their conditions.
    pub(crate) wrong: u64,
    /// The first refused or wrong response.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    /// Average size of a response's body.
    bytes: f64,
    #[serde(flatten)]
    pub(crate) costs: Costs,
}

#[derive(Serialize)]
struct OfKind {
    kind: &'static str,
    count: u64,
    latency_ms: Summary,
}

impl Served {
    /// Returns the median of one kind, in milliseconds; NaN when there was no such request.
    pub(crate) fn p50_of(&self, kind: &str) -> f64 {
        self.kinds.iter().find(|of| of.kind == kind).map_or(f64::NAN, |of| of.latency_ms.p50)
    }
}

impl std::fmt::Display for Served {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { latency_ms, kinds, bytes, costs, .. } = self;
        write!(f, "{:.0}/s, {latency_ms}", costs.per_second)?;
        for OfKind { kind, latency_ms: Summary { p50, p99, .. }, .. } in kinds.iter().filter(|_| kinds.len() > 1) {
            write!(f, ", {kind} p50 {p50:.2} p99 {p99:.2}")?;
        }
        write!(f, "; {bytes:.0} bytes each; {costs}")?;
        if let Some(problem) = &self.problem {
            write!(f, "; REFUSED {}, WRONG {}: {problem}", self.refused, self.wrong)?;
        }
        Ok(())
    }
}

/// A result with the arguments that led to it.
#[derive(Serialize)]
pub(crate) struct Outcome<A> {
    pub(crate) workload: &'static str,
    pub(crate) target: String,
    /// The description of the arguments in the line for people.
    #[serde(skip)]
    pub(crate) title: String,
    #[serde(flatten)]
    pub(crate) arguments: A,
    #[serde(flatten)]
    pub(crate) served: Served,
}

impl<A> std::fmt::Display for Outcome<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {}: {}", self.workload, self.target, self.title, self.served)
    }
}
