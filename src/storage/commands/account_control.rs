//! What operators change of an account, together with the end of its logins: on a crash there is all of it, or nothing.

use secrecy::ExposeSecret as _;

use crate::domain::{AccountChange, Answer, Effect, LoginEnd, Outcome, Refusal, UserId, WhichLogins};
use crate::storage::StorageError;
use crate::storage::commands::batch::Batch;

const DISABLE: &str = "UPDATE users SET disabled_at = $2 WHERE id = $1 AND disabled_at IS NULL";
const ENABLE: &str = "UPDATE users SET disabled_at = NULL WHERE id = $1 AND disabled_at IS NOT NULL";
const SET_PASSWORD: &str = "UPDATE users SET password_hash = $2 WHERE id = $1";
const REMOVE_FACTOR: &str = "DELETE FROM second_factors WHERE user_id = $1";

impl Batch<'_> {
    pub(super) async fn control_account(
        &mut self,
        user: UserId,
        change: &AccountChange,
    ) -> Result<Outcome, StorageError> {
        // A login that begins meanwhile is either stored before, and ends with the others, or is refused.
        if self.lock_account(user).await?.is_none() {
            return Ok(Outcome::refused(Refusal::NotFound));
        }
        let id = user.0.into();
        let changed = match change {
            AccountChange::Disable => self.execute(DISABLE, [id, self.now.as_micros().into()]).await?,
            AccountChange::Enable => self.execute(ENABLE, [id]).await?,
            AccountChange::ReplacePassword(hash) => {
                // The old hash is in the log, too.
                self.destroyed = true;
                self.execute(SET_PASSWORD, [id, hash.expose_secret().into()]).await?
            }
            AccountChange::RemoveSecondFactor => self.execute(REMOVE_FACTOR, [id]).await?,
        };
        self.changed |= changed > 0;
        if !matches!(change, AccountChange::Enable) {
            let logins = self.end(user, WhichLogins::All).await?;
            self.effects.push(Effect::LoginsEnded { user, logins, end: LoginEnd::Revoked, closes_all: true });
            // Other servers must act on it, too, although nothing changes in the store.
            self.changed |= self.storage.has_journal();
        }
        Ok(Outcome::done(Answer::AccountControlled { changed: changed > 0 }))
    }
}
