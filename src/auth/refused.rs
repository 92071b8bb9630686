//! Access tokens that are refused although they look valid: those of ended logins and deleted accounts.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock, RwLockWriteGuard};

use super::Access;
use crate::clock::Clock;
use crate::domain::{LoginId, Timestamp, UserId};

/// The logins and users whose access tokens are refused, each until none of its tokens can look valid any more.
pub struct RefusedTokens {
    /// Seconds for which an access token is valid.
    lifetime_s: i64,
    clock: Clock,
    ended: RwLock<Ended>,
}

struct Ended {
    logins: HashMap<LoginId, Timestamp>,
    users: HashMap<UserId, Timestamp>,
    /// When those that are over were forgotten last.
    swept_at: Timestamp,
}

impl Ended {
    fn new() -> Self {
        Self { logins: HashMap::new(), users: HashMap::new(), swept_at: Timestamp::from_micros(0) }
    }
}

impl RefusedTokens {
    /// Refuses nothing yet. Access tokens are valid for `lifetime_s` seconds.
    #[must_use]
    pub fn new(lifetime_s: i64, clock: Clock) -> Self {
        Self { lifetime_s, clock, ended: RwLock::new(Ended::new()) }
    }

    /// Refuses the tokens of these logins from now on.
    pub fn refuse_logins(&self, logins: &[LoginId]) {
        if !logins.is_empty() {
            self.forget_old();
            let until = self.last_expiry();
            self.ended_mut().logins.extend(logins.iter().map(|login| (*login, until)));
        }
    }

    /// Refuses the tokens of this user, whose account is gone, until `until`.
    pub fn refuse_user(&self, user: UserId, until: Timestamp) {
        self.forget_old();
        self.ended_mut().users.insert(user, until);
    }

    /// Returns the moment at which the last of the tokens given up to now expires.
    #[must_use]
    pub fn last_expiry(&self) -> Timestamp {
        self.clock.now().plus_secs(self.lifetime_s)
    }

    /// Returns whether this login, or its user's account, is known to have ended.
    #[must_use]
    pub fn has_ended(&self, access: Access) -> bool {
        let ended = self.ended.read().unwrap_or_else(PoisonError::into_inner);
        ended.logins.contains_key(&access.login) || ended.users.contains_key(&access.user)
    }

    /// Forgets logins and users that no valid token can name any more.
    fn forget_old(&self) {
        let now = self.clock.now();
        let mut ended = self.ended_mut();
        // Both maps are looked through: not for each of many logins.
        if now >= ended.swept_at && now < ended.swept_at.plus_secs(1) {
            return;
        }
        ended.swept_at = now;
        ended.logins.retain(|_, until| *until > now);
        ended.users.retain(|_, until| *until > now);
    }

    fn ended_mut(&self) -> RwLockWriteGuard<'_, Ended> {
        // Maps of plain values, whole after any panic.
        self.ended.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_is_forgotten_when_its_tokens_have_expired() {
        let clock = Clock::stopped_at(Timestamp::from_micros(1_700_000_000_000_000));
        let refused = RefusedTokens::new(900, clock.clone());
        let access = |user, login| Access { user: UserId(user), login: LoginId(login) };
        refused.refuse_logins(&[LoginId(1)]);
        refused.refuse_user(UserId(2), refused.last_expiry());
        assert!(refused.has_ended(access(1, 1)) && refused.has_ended(access(2, 2)) && !refused.has_ended(access(1, 2)));
        clock.advance_secs(901);
        refused.refuse_logins(&[LoginId(3)]);
        assert!(
            !refused.has_ended(access(1, 1)) && !refused.has_ended(access(2, 2)) && refused.has_ended(access(1, 3))
        );
    }
}
