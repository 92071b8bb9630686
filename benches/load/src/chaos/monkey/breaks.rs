//! What can break, and how often it did.

use std::collections::BTreeMap;

use serde::Serialize;

use super::deck::Ground;

/// From so many messages on, a run is long.
pub(in crate::chaos) const LONG_RUN: u64 = 1_000_000;
/// How often everything must happen in a long run.
pub(super) const LEAST: u64 = 5;

/// What can break.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::chaos) enum Break {
    ServerKilled,
    ServerStopped,
    /// It stands still with all its connections.
    ServerFrozen,
    /// The same while it holds the row for which all that write wait.
    FrozenInBatch,
    /// All servers are stopped and started, one after the other.
    Rolling,
    ClientsCut,
    ClientsStalled,
    DatabaseKilled,
    LinkCut,
    LinkStalled,
    /// Only what the server asks gets through to the database, or only what that answers.
    LinkOneWay,
    /// Connections are cut exactly at a `COMMIT`, before it or before its answer.
    CommitCut,
    /// The database is away for one server alone, until that closes itself to its clients.
    Fenced,
    NatsKilled,
    NatsFrozen,
    /// A server's connection to NATS ends, and new ones do, too.
    NatsCut,
    /// Nothing that a server says gets through to NATS.
    NatsMute,
    /// Nothing that NATS says gets through to a server.
    NatsDeaf,
    HintsDropped,
    HintsDoubled,
    HintsReordered,
    HintsDelayed,
}

/// How often everything happened that can in a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(in crate::chaos) struct Breaks(pub(super) BTreeMap<Break, u64>);

impl Breaks {
    pub(super) fn none_of(ground: Ground) -> Self {
        Self(ground.cards().into_iter().map(|kind| (kind, 0)).collect())
    }

    pub(super) fn add(&mut self, kind: Break, count: u64) {
        *self.0.entry(kind).or_default() += count;
    }

    /// Returns what happened less often than everything must in a long run.
    pub(in crate::chaos) fn rare(&self) -> Vec<Break> {
        self.0.iter().filter(|(_, count)| **count < LEAST).map(|(kind, _)| *kind).collect()
    }
}

impl std::fmt::Display for Break {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::ServerKilled => "server killed",
            Self::ServerStopped => "server stopped",
            Self::ServerFrozen => "server frozen",
            Self::FrozenInBatch => "frozen in a batch",
            Self::Rolling => "all in turn restarted",
            Self::ClientsCut => "clients cut",
            Self::ClientsStalled => "clients stalled",
            Self::DatabaseKilled => "database killed",
            Self::LinkCut => "its link cut",
            Self::LinkStalled => "its link stalled",
            Self::LinkOneWay => "its link one way",
            Self::CommitCut => "cut at a COMMIT",
            Self::Fenced => "away until fenced",
            Self::NatsKilled => "NATS killed",
            Self::NatsFrozen => "NATS frozen",
            Self::NatsCut => "its link cut off",
            Self::NatsMute => "nothing to NATS",
            Self::NatsDeaf => "nothing from NATS",
            Self::HintsDropped => "hints dropped",
            Self::HintsDoubled => "hints doubled",
            Self::HintsReordered => "hints reordered",
            Self::HintsDelayed => "hints delayed",
        })
    }
}

impl std::fmt::Display for Breaks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let all: Vec<String> = self.0.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        f.write_str(&all.join(", "))
    }
}
