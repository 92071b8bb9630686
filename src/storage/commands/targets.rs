//! Devices that are registered to be woken, and those that no longer are.

use secrecy::ExposeSecret as _;

use crate::domain::{
    Answer, DeviceId, LoginId, MAX_TARGETS, NewTarget, Outcome, PushAddress, Refusal, RegisteredTarget, UserId,
};
use crate::storage::StorageError;
use crate::storage::commands::batch::{Batch, Place, Targets};
use crate::storage::engine::per_engine::PerEngine;
use crate::storage::engine::tx::Tx as _;

/// Whether the login `$2` of the user `$1` goes on. On PostgreSQL it is kept from being dropped meanwhile.
const GOES_ON: &str = "SELECT 1 FROM logins WHERE user_id = $1 AND id = $2 AND ended_at IS NULL";
const KEPT: PerEngine<&str> = PerEngine { sqlite: "", postgres: " FOR KEY SHARE" };
/// A phone changes hands: its address is another device's now.
pub(in crate::storage) const MOVE_AWAY: &str = "DELETE FROM push_targets WHERE provider = $1 AND token_hash = $2 \
     AND NOT (user_id = $3 AND device_id = $4)";
/// What is owed stays owed, and is due now. A request that is on its way goes to the address that was there before.
pub(in crate::storage) const REPLACE: &str = "UPDATE push_targets SET \
     login_id = $3, provider = $4, token = $5, token_hash = $6, p256dh = $7, auth = $8, topic = $9, \
     environment = $10, style = $11, created_at = $12, seen_at = $12, acked_at = $12, \
     suspended = FALSE, reason = NULL, attempts = 0, unanswered = 0, \
     due_at = CASE WHEN lease_until IS NOT NULL THEN due_at WHEN owed_seq IS NOT NULL THEN CAST($12 AS BIGINT) END \
     WHERE user_id = $1 AND device_id = $2";
const ADD: &str = "INSERT INTO push_targets (user_id, device_id, login_id, provider, token, token_hash, p256dh, auth, \
     topic, environment, style, created_at, acked_at, acked_seq) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12, $13)";
/// The user's devices beyond the most, those that were registered first.
pub(in crate::storage) const DROP_OLDEST: &str = "DELETE FROM push_targets \
     WHERE user_id = $1 AND device_id IN (SELECT device_id FROM push_targets WHERE user_id = $1 \
     ORDER BY created_at DESC, device_id DESC LIMIT 1000 OFFSET $2 + 0)";
pub(in crate::storage) const REMOVE: &str = "DELETE FROM push_targets WHERE user_id = $1 AND device_id = $2";
pub(in crate::storage) const END: &str = "DELETE FROM push_targets WHERE login_id = $1";

impl Batch<'_> {
    pub(super) async fn register_target(&mut self, place: Place, new: NewTarget) -> Result<Outcome, StorageError> {
        let NewTarget { user, login, device, address } = new;
        let goes_on = format!("{GOES_ON}{}", KEPT.of(self.storage.backend()));
        if self.tx.query_one(self.statement(goes_on, [user.0.into(), login.0.into()])).await?.is_none() {
            return Ok(Outcome::refused(Refusal::Forbidden));
        }
        let (provider, hash) = (address.provider().stored(), address.secret_hash().to_vec());
        let values = [provider.into(), hash.clone().into(), user.0.into(), device.as_str().into()];
        self.execute(MOVE_AWAY, values).await?;
        let (mut key, mut auth, mut topic, mut environment, mut style) = (None, None, None, 0, 0);
        match &address {
            PushAddress::Fcm { .. } => {}
            PushAddress::Apns { topic: app, environment: from, style: how, .. } => {
                (topic, environment, style) = (Some(app.clone()), i32::from(from.stored()), i32::from(how.stored()));
            }
            PushAddress::WebPush { p256dh, auth: secret, .. } => {
                (key, auth) = (Some(p256dh.clone()), Some(secret.clone()));
            }
        }
        let values = || {
            [
                user.0.into(),
                device.as_str().into(),
                login.0.into(),
                provider.into(),
                address.secret().expose_secret().into(),
                hash.clone().into(),
                key.clone().into(),
                auth.clone().into(),
                topic.clone().into(),
                environment.into(),
                style.into(),
                self.now.as_micros().into(),
            ]
        };
        let is_new = self.execute(REPLACE, values()).await? == 0;
        if is_new {
            // What is older, the device reads when it is there.
            let head = self.seq(place).0;
            self.execute(ADD, values().into_iter().chain([head.into()])).await?;
            self.execute(DROP_OLDEST, [user.0.into(), MAX_TARGETS.into()]).await?;
        }
        (self.changed, self.owes) = (true, true);
        self.targets = Targets::new(true, self.storage.devices().is_enabled());
        Ok(Outcome::done(Answer::TargetRegistered(RegisteredTarget { is_new, at: self.now })))
    }

    pub(super) async fn remove_target(&mut self, user: UserId, device: &DeviceId) -> Result<Outcome, StorageError> {
        self.changed |= self.execute(REMOVE, [user.0.into(), device.as_str().into()]).await? > 0;
        Ok(Outcome::done(Answer::Done))
    }

    /// Ends what was registered in logins that have ended.
    pub(super) async fn end_targets(&mut self, ended: &[LoginId]) -> Result<(), StorageError> {
        // Also where there is no provider just now.
        for login in ended.iter().filter(|_| self.targets != Targets::None) {
            self.execute(END, [login.0.into()]).await?;
        }
        Ok(())
    }
}
