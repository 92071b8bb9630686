//! Devices that are woken: what clients need to register, their registrations, and a test of one.

use std::time::Duration;

use serde_json::json;

use super::{Service, ServiceError};
use crate::auth::Access;
use crate::clock::random_bytes;
use crate::domain::{
    AuditEvent, DeviceId, LeaseEnd, LeasedTarget, NewAuditEntry, NewTarget, Operator, PushAddress, PushOutcome,
    PushTarget, RegisteredTarget, Sent, Seq, TargetState, UserId, Wake, WakeId,
};
use crate::push::{Admission, Hold, Offers, Who};
use crate::telemetry::metrics;

/// Longest time of a test: a request that is on its way may have to end first.
pub const TEST_TIMEOUT: Duration = Duration::from_secs(25);
/// Longest wait for a request that is on its way to a device, before a test of it gives up.
const WAIT_FOR_LEASE: Duration = Duration::from_secs(10);
/// Time between two looks whether it has ended.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Seconds after which a test's request counts as lost.
const LEASE_S: i64 = 30;

impl Service {
    /// Returns what clients need to register; nothing while devices are not woken at all.
    #[must_use]
    pub fn push_offers(&self) -> Offers {
        if self.storage.devices().is_enabled() { self.sender.offers() } else { Offers::default() }
    }

    /// Registers a device of the user who asks, or replaces its address. [`ServiceError::Unusable`] when it cannot be
    /// woken there.
    pub async fn register_target(
        &self,
        access: Access,
        device: DeviceId,
        address: PushAddress,
    ) -> Result<RegisteredTarget, ServiceError> {
        if !self.storage.devices().is_enabled() {
            return Err(ServiceError::Unusable("this server does not wake devices"));
        }
        self.sender.check(&address).map_err(|unusable| ServiceError::Unusable(unusable.0))?;
        let target = NewTarget { user: access.user, login: access.login, device, address };
        let (writer, permit) = self.writer.permitted().await?;
        writer.register_target(target, permit).await.map_err(ServiceError::of_login)
    }

    /// Wakes a device of the user no more.
    pub async fn remove_target(&self, user: UserId, device: DeviceId) -> Result<(), ServiceError> {
        let (writer, permit) = self.writer.permitted().await?;
        writer.remove_target(user, device, permit).await.map_err(ServiceError::of_login)
    }

    /// Returns the devices of a user that are registered to be woken.
    pub async fn push_targets(&self, user: UserId) -> Result<Vec<TargetState>, ServiceError> {
        Ok(self.storage.push_targets(user).await?)
    }

    /// Wakes a device of the user now, whatever it is owed. [`ServiceError::NoSuchTarget`] when it is not registered.
    pub async fn test_target(&self, user: UserId, device: &DeviceId) -> Result<Sent, ServiceError> {
        let target = self.leased_for_test(user, device).await?;
        let now = self.clock.now();
        let held = match self.sender.admit(&target.address, now) {
            Admission::Wait { until, why: Hold::Breaker | Hold::Rate } => Some(until),
            // A test finds out whether the configuration is right again.
            Admission::Wait { why: Hold::Stopped, .. } | Admission::Go => None,
        };
        if let Some(until) = held {
            let held_back = Some("the provider is held back just now".to_owned());
            self.settle(target, LeaseEnd::PutOff(until)).await?;
            return Ok(Sent { reason: held_back, ..Sent::new(PushOutcome::Retry, Duration::ZERO) });
        }
        let wake_id = WakeId::of(random_bytes().map_err(|error| ServiceError::Internal(error.to_string()))?);
        let wake = Wake { id: wake_id.clone(), is_urgent: true };
        let address = PushTarget { address: target.address.clone(), created_at: target.created_at };
        let sent = self.sender.send(&address, &wake).await;
        metrics().push.sent(target.address.provider(), sent.outcome, sent.took);
        let at = self.clock.now();
        self.settle(target, LeaseEnd::Sent { sent: sent.clone(), at, wake_id }).await?;
        Ok(sent)
    }

    /// As [`test_target`](Self::test_target), for an operator; that is recorded.
    pub async fn test_target_of(&self, user: UserId, device: &DeviceId, by: Operator) -> Result<Sent, ServiceError> {
        let sent = self.test_target(user, device).await?;
        let detail = json!({"action": "test_push", "outcome": sent.outcome.as_str(), "by": by});
        let entry = NewAuditEntry::of_operator(AuditEvent::AdminAction, by).about(user).with(detail);
        self.audit.record_now(entry).await?;
        Ok(sent)
    }

    async fn leased_for_test(&self, user: UserId, device: &DeviceId) -> Result<LeasedTarget, ServiceError> {
        let leasing = async {
            loop {
                let now = self.clock.now();
                if let Some(leased) = self.storage.lease_device(user, device, now, now.plus_secs(LEASE_S)).await? {
                    return Ok(leased);
                }
                if !self.storage.push_targets(user).await?.iter().any(|target| target.device == *device) {
                    return Err(ServiceError::NoSuchTarget);
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        tokio::time::timeout(WAIT_FOR_LEASE, leasing).await.unwrap_or(Err(ServiceError::Overloaded))
    }

    /// Writes down what has become of a test. When that fails, its lease runs out.
    async fn settle(&self, target: LeasedTarget, end: LeaseEnd) -> Result<(), ServiceError> {
        let ended = [(target, end)];
        while !self.storage.settle(&ended, self.clock.now()).await?.is_empty() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// Notes what a device has, by a request without a socket: the one of this name, or the only one of the login.
    pub fn note_acknowledged(&self, access: Access, device: Option<DeviceId>, up_to: Seq) {
        let who = device.map_or(Who::OnlyOf(access.login), Who::Device);
        self.storage.devices().acknowledge(access.user, who, up_to);
    }

    /// Notes that a device has come, perhaps because of this wake-up.
    pub fn note_came(&self, user: UserId, device: &DeviceId, wake: Option<&WakeId>) {
        if let Some((provider, micros)) = self.storage.devices().came(user, device, wake, self.clock.now()) {
            metrics().push.came(provider, Duration::from_micros(micros.unsigned_abs()));
        }
    }
}
