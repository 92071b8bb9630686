//! What operators change of limits: those of single users, in place of those of all, and single buckets.

use serde_json::{Map, Value, json};

use super::{Service, ServiceError};
use crate::domain::{AuditEvent, LimitRule, Limiter, NewAuditEntry, Operator, UserId};
use crate::limits::{LimiterKey, UserLimit};
use crate::storage::StorageError;

impl Service {
    /// Returns the limits that are set for one user.
    pub async fn user_limits(&self, user: UserId) -> Result<Vec<(Limiter, LimitRule)>, ServiceError> {
        let all = self.storage.user_limits().await?;
        Ok(all.into_iter().filter(|(of, ..)| *of == user).map(|(_, limiter, rule)| (limiter, rule)).collect())
    }

    /// Sets limits of one user, or removes those that are `None`; a burst of 0 lets the user do it without a limit. It
    /// holds here at once, with full buckets, and at other servers within seconds.
    ///
    /// [`ServiceError::NoUserLimit`] when one of the limiters counts by something else than users, or when its numbers
    /// cannot work; [`ServiceError::NoSuchUser`] when there is no such user.
    pub async fn set_user_limits(
        &self,
        user: UserId,
        changes: &[(Limiter, Option<LimitRule>)],
        by: Operator,
    ) -> Result<(), ServiceError> {
        for (limiter, rule) in changes {
            let works = rule.is_none_or(|rule| rule.burst == 0 || rule.can_work());
            if !limiter.kind().is_of_one_user() || !works {
                return Err(ServiceError::NoUserLimit(*limiter));
            }
        }
        if self.storage.user(user).await?.is_none() {
            return Err(ServiceError::NoSuchUser);
        }
        self.storage.set_user_limits(user, changes).await?;
        let numbers = |rule: LimitRule| json!({"burst": rule.burst, "every_us": rule.every.as_micros()});
        let set: Map<String, Value> = changes
            .iter()
            .map(|(limiter, rule)| (limiter.name().to_owned(), rule.map_or(Value::Null, numbers)))
            .collect();
        let entry = NewAuditEntry::of_operator(AuditEvent::ConfigChanged, by).about(user);
        self.audit.record_now(entry.with(json!({"setting": "user limits", "value": set, "by": by}))).await?;
        Ok(self.load_user_limits().await?)
    }

    /// Fills the buckets of a limiter, at this server, that `key` names. [`ServiceError::NoSuchKey`] when it names
    /// none.
    pub async fn refill(&self, limiter: Limiter, key: &str, by: Operator) -> Result<(), ServiceError> {
        let keys = self.limiters.keys_named(limiter, key).ok_or(ServiceError::NoSuchKey)?;
        let detail = json!({"action": "refill_limiter", "limiter": limiter.setting(), "by": by});
        let entry = NewAuditEntry::of_operator(AuditEvent::AdminAction, by).with(detail);
        let entry = match keys.first() {
            Some(LimiterKey::User(user) | LimiterKey::Pair(user, _) | LimiterKey::Known(user, _)) => entry.about(*user),
            Some(LimiterKey::Class(class)) => entry.from_network(Some(class.network())),
            _ => entry,
        };
        self.audit.record_now(entry).await?;
        self.limiters.refill(limiter, &keys);
        Ok(())
    }

    /// Reads the limits of single users, which another server may have set. Must be called at the start and every few
    /// seconds.
    pub async fn load_user_limits(&self) -> Result<(), StorageError> {
        let limits = self.storage.user_limits().await?;
        let limits: Vec<UserLimit> =
            limits.into_iter().map(|(user, limiter, rule)| UserLimit { user, limiter, rule }).collect();
        self.limiters.set_user_limits(&limits);
        Ok(())
    }
}
