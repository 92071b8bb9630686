//! The metrics of several servers on one PostgreSQL.

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

use super::names;

/// Why a word between servers was dropped, as the label `what`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// It could not be said, or not be kept: too many waited, or the link was down.
    Queue,
    /// Its seal was not this store's, or that of another history.
    Mac,
    /// It could not be read.
    Malformed,
    /// It told what was told before.
    Stale,
    /// It was of a former history of the store.
    Epoch,
    /// The client could not hand it over in time; some words may count as one.
    SlowConsumer,
}

impl Dropped {
    const ALL: [Self; 6] = [Self::Queue, Self::Mac, Self::Malformed, Self::Stale, Self::Epoch, Self::SlowConsumer];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Mac => "mac",
            Self::Malformed => "malformed",
            Self::Stale => "stale",
            Self::Epoch => "epoch",
            Self::SlowConsumer => "slow_consumer",
        }
    }
}

/// Handles of the metrics, made once.
pub struct ClusterMetrics {
    /// Whether NATS answers.
    pub relay_up: Gauge,
    /// Whether clients are sent to other servers, which reach the database.
    pub fenced: Gauge,
    /// Servers on the database that were seen lately, with this one.
    pub nodes: Gauge,
    /// The number up to which batches of all servers were announced.
    pub told: Gauge,
    /// Batches of this server that were announced.
    pub own_records: Counter,
    /// Batches of other servers that came by NATS.
    pub nats_records: Counter,
    /// Batches of other servers that were read from the journal.
    pub journal_records: Counter,
    /// Gaps that a wait has closed.
    pub waited_gaps: Counter,
    /// Gaps that the journal has closed.
    pub journal_gaps: Counter,
    /// Gaps beyond the journal, which made all sockets read the store.
    pub resyncs: Counter,
    /// Bytes that were heard by NATS.
    pub bytes_in: Counter,
    /// Bytes that were said by NATS.
    pub bytes_out: Counter,
    /// Time from the commit of another server's batch to its announcement here.
    pub foreign_delivery_seconds: Histogram,
    dropped: [Counter; Dropped::ALL.len()],
}

impl ClusterMetrics {
    pub(super) fn new() -> Self {
        let this = Self {
            relay_up: gauge!(names::RELAY_UP),
            fenced: gauge!(names::FENCED),
            nodes: gauge!(names::CLUSTER_NODES),
            told: gauge!(names::TOLD),
            own_records: counter!(names::RECORDS, "from" => "own"),
            nats_records: counter!(names::RECORDS, "from" => "nats"),
            journal_records: counter!(names::RECORDS, "from" => "journal"),
            waited_gaps: counter!(names::GAPS, "by" => "wait"),
            journal_gaps: counter!(names::GAPS, "by" => "journal"),
            resyncs: counter!(names::GAPS, "by" => "resync"),
            bytes_in: counter!(names::BYTES, "direction" => "in"),
            bytes_out: counter!(names::BYTES, "direction" => "out"),
            foreign_delivery_seconds: histogram!(names::FOREIGN_DELIVERY_SECONDS),
            dropped: Dropped::ALL.map(|what| counter!(names::WORDS_DROPPED, "what" => what.as_str())),
        };
        this.relay_up.set(0.0);
        this.fenced.set(0.0);
        this.nodes.set(0.0);
        this.told.set(0.0);
        let counters = [
            &this.own_records,
            &this.nats_records,
            &this.journal_records,
            &this.waited_gaps,
            &this.journal_gaps,
            &this.resyncs,
            &this.bytes_in,
            &this.bytes_out,
        ];
        for counter in counters.into_iter().chain(&this.dropped) {
            counter.increment(0);
        }
        this
    }

    /// Counts a word that was dropped.
    pub fn dropped(&self, what: Dropped) {
        self.dropped[what as usize].increment(1);
    }
}
