//! Metrics of messages: from the sender's socket to the receiver's, and to their end.

use metrics::{Counter, counter, histogram};

use super::level::Total;
use super::names;
use super::sockets::SocketKind;
use super::times::Times;

/// Why a message was destroyed, as the label `reason`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destroyed {
    /// Its time was over.
    Expired,
    /// The server keeps messages for so long only.
    Retention,
    /// The account of its sender or receiver is gone.
    Account,
    /// Its sender has deleted it for everyone.
    Everyone,
}

impl Destroyed {
    /// All of them, in the order of their discriminants.
    pub const ALL: [Self; 4] = [Self::Expired, Self::Retention, Self::Account, Self::Everyone];

    /// Returns the label's value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Retention => "retention",
            Self::Account => "account",
            Self::Everyone => "everyone",
        }
    }
}

/// Rows that the janitor drops, as the label `kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowKind {
    /// Rows of messages and accounts that were destroyed.
    Messages,
    /// Tombstones and events.
    Tombstones,
    /// Zeros that destroyed messages have left.
    Zeros,
    /// Marks of the clock.
    ClockMarks,
    /// Tickets that open a socket, and deleted accounts.
    Tickets,
    /// Entries of the audit log.
    Audit,
    /// Reports.
    Reports,
    /// Invites.
    Invites,
    /// Rules about addresses.
    AddressRules,
    /// Devices that were to be woken, and requests to wake them.
    Push,
    /// Logins.
    Logins,
    /// Files.
    Media,
}

impl RowKind {
    /// All of them, in the order of their discriminants.
    pub const ALL: [Self; 12] = [
        Self::Messages,
        Self::Tombstones,
        Self::Zeros,
        Self::ClockMarks,
        Self::Tickets,
        Self::Audit,
        Self::Reports,
        Self::Invites,
        Self::AddressRules,
        Self::Push,
        Self::Logins,
        Self::Media,
    ];

    /// Returns the label's value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::Tombstones => "tombstones",
            Self::Zeros => "zeros",
            Self::ClockMarks => "clock_marks",
            Self::Tickets => "tickets",
            Self::Audit => "audit",
            Self::Reports => "reports",
            Self::Invites => "invites",
            Self::AddressRules => "address_rules",
            Self::Push => "push",
            Self::Logins => "logins",
            Self::Media => "media",
        }
    }
}

/// Frames that may be lost, as the label `type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ephemeral {
    /// Who writes just now.
    Typing,
    /// Who is online.
    Presence,
}

impl Ephemeral {
    /// All of them, in the order of their discriminants.
    pub const ALL: [Self; 2] = [Self::Typing, Self::Presence];

    /// Returns the label's value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Typing => "typing",
            Self::Presence => "presence",
        }
    }
}

/// Metrics of messages, made once.
pub struct MessageMetrics {
    /// Messages committed.
    pub stored: Total,
    /// Events read from the store for sockets that catch up.
    pub replayed: Counter,
    /// Time from the sender's socket to a socket of the receiver.
    pub delivery_seconds: Times,
    /// Frames of the legacy dialect, and of `fluent.v1`.
    queued: [Total; 2],
    destroyed: [Counter; Destroyed::ALL.len()],
    dropped: [Counter; RowKind::ALL.len()],
    ephemeral: [Counter; Ephemeral::ALL.len()],
}

impl MessageMetrics {
    /// Makes the series, at zero, so that they exist before their first event.
    pub(super) fn new(is_foreign: bool) -> Self {
        let delivered = is_foreign.then(|| histogram!(names::DELIVERY_SECONDS));
        let queued = |kind: SocketKind| Total::new(counter!(names::FRAMES_QUEUED, "dialect" => kind.dialect()));
        let destroyed = |why: Destroyed| at_zero(counter!(names::MESSAGES_DESTROYED, "reason" => why.as_str()));
        let dropped = |kind: RowKind| at_zero(counter!(names::ROWS_DROPPED, "kind" => kind.as_str()));
        let ephemeral = |kind: Ephemeral| at_zero(counter!(names::EPHEMERAL_DROPPED, "type" => kind.as_str()));
        Self {
            stored: Total::new(counter!(names::MESSAGES_STORED)),
            replayed: at_zero(counter!(names::REPLAYED)),
            delivery_seconds: Times::new(None, &super::DELIVERY_SECONDS, delivered),
            queued: [SocketKind::Legacy, SocketKind::V1].map(queued),
            destroyed: Destroyed::ALL.map(destroyed),
            dropped: RowKind::ALL.map(dropped),
            ephemeral: Ephemeral::ALL.map(ephemeral),
        }
    }

    /// Counts frames with a message that were put into send queues, of the legacy dialect and of `fluent.v1`.
    pub fn queued(&self, legacy: u64, v1: u64) {
        for (total, count) in self.queued.iter().zip([legacy, v1]).filter(|(_, count)| *count > 0) {
            total.add(count);
        }
    }

    /// Tells the recorder what the server counts itself.
    pub(super) fn publish(&self) {
        for total in self.queued.iter().chain([&self.stored]) {
            total.publish();
        }
    }

    /// Counts messages that were destroyed.
    pub fn destroyed(&self, why: Destroyed, count: u64) {
        self.destroyed[why as usize].increment(count);
    }

    /// Counts rows that were dropped.
    pub fn dropped(&self, kind: RowKind, count: u64) {
        self.dropped[kind as usize].increment(count);
    }

    /// Counts a frame that may be lost and was.
    pub fn lost(&self, kind: Ephemeral) {
        self.ephemeral[kind as usize].increment(1);
    }
}

/// Returns the counter, whose series exists from now on.
pub(super) fn at_zero(counter: Counter) -> Counter {
    counter.increment(0);
    counter
}
