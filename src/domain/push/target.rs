//! Devices that are registered to be woken, and the requests that were made for them.

use super::{Debt, Outbox, PushAddress, PushOutcome, PushProvider, Sent, WakeId};
use crate::domain::{DeviceId, LoginId, Seq, Timestamp, UserId};

/// Most devices of one user: the oldest gives way.
pub const MAX_TARGETS: i64 = 20;

/// A device that is to be registered, or whose address is to be replaced.
#[derive(Clone, Debug)]
pub struct NewTarget {
    /// The user whose device it is.
    pub user: UserId,
    /// The login that registers it, with which it ends.
    pub login: LoginId,
    /// Its name.
    pub device: DeviceId,
    /// Where it is woken.
    pub address: PushAddress,
}

/// A device that was registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegisteredTarget {
    /// Whether the user had no such device before.
    pub is_new: bool,
    /// When it was registered.
    pub at: Timestamp,
}

/// A registered device, without its address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetState {
    /// The device's name.
    pub device: DeviceId,
    /// By whom it is woken.
    pub provider: PushProvider,
    /// Why it is suspended, or the last refusal.
    pub reason: Option<String>,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it was here last, since it is registered.
    pub seen_at: Option<Timestamp>,
    /// What it is owed.
    pub outbox: Outbox,
    /// The last request that was made for it.
    pub last: Option<(Timestamp, PushOutcome)>,
}

/// A device for which a request is to be made now. While the lease lasts, nobody else makes one.
#[derive(Clone, Debug)]
pub struct LeasedTarget {
    /// The user whose device it is.
    pub user: UserId,
    /// The device's name.
    pub device: DeviceId,
    /// Where it is woken.
    pub address: PushAddress,
    /// When it was registered.
    pub created_at: Timestamp,
    /// What it is owed; none where the request is a test.
    pub debt: Option<Debt>,
    /// The newest event that it had acknowledged, or was woken for.
    pub from: Seq,
    /// Who holds the lease.
    pub node: i64,
    /// When the lease runs out.
    pub until: Timestamp,
}

/// What has become of a lease.
#[derive(Clone, Debug)]
pub enum LeaseEnd {
    /// A request was made.
    Sent {
        /// Its outcome.
        sent: Sent,
        /// When the answer came.
        at: Timestamp,
        /// The wake-up's name.
        wake_id: WakeId,
    },
    /// No request was made: not before this time.
    PutOff(Timestamp),
}

/// A request that was made for a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushAttempt {
    /// The device.
    pub device: DeviceId,
    /// When its answer came.
    pub at: Timestamp,
    /// The device had everything up to this event, or was woken for it.
    pub from: Seq,
    /// The newest message for which it was made.
    pub to: Seq,
    /// By whom.
    pub provider: PushProvider,
    /// What came of it.
    pub outcome: PushOutcome,
    /// The status of the answer.
    pub status: Option<u16>,
    /// The provider's word for it.
    pub reason: Option<String>,
    /// The provider's name for the wake-up.
    pub provider_id: Option<String>,
    /// How long it took, in milliseconds.
    pub took_ms: i64,
}
