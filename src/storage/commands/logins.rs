//! Ending logins, and changing a password, which ends them all.

use secrecy::ExposeSecret as _;

use crate::domain::{
    Answer, BegunLogin, Effect, LoginEnd, LoginId, Network, NewPassword, NewRefreshToken, Outcome, Refusal, Timestamp,
    UserId, WhichLogins,
};
use crate::storage::commands::batch::Batch;
use crate::storage::engine::per_engine::PerEngine;
use crate::storage::engine::row::Row;
use crate::storage::engine::tx::Tx as _;
use crate::storage::people::logins::MAX_LOGINS;
use crate::storage::{Storage, StorageError};

/// Locks the account `$1` before its logins, as a new login does: on PostgreSQL the two could deadlock otherwise.
const LOCK: PerEngine<Option<&str>> =
    PerEngine { sqlite: None, postgres: Some("SELECT 1 FROM users WHERE id = $1 FOR NO KEY UPDATE") };
const END_ALL: &str = "UPDATE logins SET ended_at = $2 WHERE user_id = $1 AND ended_at IS NULL RETURNING id";
const END_ONE: &str =
    "UPDATE logins SET ended_at = $2 WHERE user_id = $1 AND id = $3 AND ended_at IS NULL RETURNING id";
/// Ends the user `$1`'s logins that were not used for longest, but for `$3` and the [`MAX_LOGINS`] before it.
const END_OLDEST: &str = "UPDATE logins SET ended_at = $2 WHERE id IN (SELECT id FROM logins WHERE user_id = $1 \
     AND ended_at IS NULL AND id <> $3 ORDER BY last_used_at DESC, \
     id DESC LIMIT 1000000000 OFFSET $4 + 0) RETURNING id";
/// Whether the login `$2` is the user `$1`'s, ended or not.
const IS_THEIRS: &str = "SELECT id FROM logins WHERE user_id = $1 AND id = $2";
const SET_PASSWORD: &str = "UPDATE users SET password_hash = $2 WHERE id = $1";
/// Where the account has a second factor, the change of the password has asked for a code.
const BEGIN_LOGIN: &str = "INSERT INTO logins (user_id, created_at, last_used_at, expires_at, network, \
     second_factor) VALUES ($1, $2, $2, $3, $4, \
     EXISTS (SELECT 1 FROM second_factors WHERE user_id = $1 AND enrolled_at IS NOT NULL)) RETURNING id";
const FIRST_TOKEN: &str = "INSERT INTO refresh_tokens (hash, login_id, expires_at) VALUES ($1, $2, $3)";
/// The user `$1`'s logins that have ended at `$2` or later.
const ENDED_SINCE: &str = "SELECT id FROM logins WHERE user_id = $1 AND ended_at >= $2";
/// The logins that have ended at `$1` or later.
const ALL_ENDED_SINCE: &str = "SELECT user_id, id FROM logins WHERE ended_at >= $1 ORDER BY ended_at";
/// The deleted accounts whose access tokens may still look valid.
const ENDED_USERS: &str = "SELECT user_id, until FROM ended_users";
const EXISTS: &str = "SELECT 1 FROM users WHERE id = $1";

impl Batch<'_> {
    pub(super) async fn end_logins(
        &mut self,
        user: UserId,
        which: WhichLogins,
        asking: Option<LoginId>,
        end: LoginEnd,
    ) -> Result<Outcome, StorageError> {
        if let Some(lock) = LOCK.of(self.storage.backend()) {
            self.tx.query(self.statement(lock, [user.0.into()])).await?;
        }
        let mut logins = self.end(user, which).await?;
        let count = logins.len();
        if let (WhichLogins::Only(login), true) = (which, logins.is_empty()) {
            // Another process may have ended it, which has told this one nothing.
            let ended_before = self.tx.query(self.statement(IS_THEIRS, [user.0.into(), login.0.into()])).await?;
            logins = ids(ended_before)?;
        }
        let is_asking = |login: &LoginId| which == WhichLogins::All || which == WhichLogins::Only(*login);
        logins.extend(asking.filter(|login| is_asking(login) && !logins.contains(login)));
        let closes_all = which == WhichLogins::All;
        if closes_all || !logins.is_empty() {
            self.effects.push(Effect::LoginsEnded { user, logins, end, closes_all });
            // Other servers must act on it, too, although nothing changes in the store.
            self.changed |= self.storage.has_journal();
        }
        Ok(Outcome::done(Answer::LoginsEnded { count }))
    }

    pub(super) async fn change_password(&mut self, change: &NewPassword) -> Result<Outcome, StorageError> {
        let NewPassword { user, ref proof, ref hash, token, network } = *change;
        let account = self.lock_account(user).await?.filter(|account| account.password_hash == proof.hash());
        let Some(account) = account else { return Ok(Outcome::refused(Refusal::Forbidden)) };
        self.execute(SET_PASSWORD, [user.0.into(), hash.expose_secret().into()]).await?;
        let logins = self.end(user, WhichLogins::All).await?;
        let id = self.begin_login(user, token, network).await?;
        self.effects.push(Effect::LoginsEnded { user, logins, end: LoginEnd::Password, closes_all: true });
        self.changed = true;
        // The old hash is in the log, too.
        self.destroyed = true;
        Ok(Outcome::done(Answer::LoginBegun(BegunLogin { id, name: account.name })))
    }

    /// Ends logins of the user, and returns those that had not ended before.
    pub(super) async fn end(&mut self, user: UserId, which: WhichLogins) -> Result<Vec<LoginId>, StorageError> {
        let (user, now) = (user.0.into(), self.now.as_micros().into());
        let statement = match which {
            WhichLogins::All => self.statement(END_ALL, [user, now]),
            WhichLogins::Only(login) => self.statement(END_ONE, [user, now, login.0.into()]),
            WhichLogins::Beyond { kept } => {
                self.statement(END_OLDEST, [user, now, kept.0.into(), (MAX_LOGINS - 1).into()])
            }
        };
        let ended = ids(self.tx.query(statement).await?)?;
        self.changed |= !ended.is_empty();
        self.end_targets(&ended).await?;
        Ok(ended)
    }

    async fn begin_login(
        &self,
        user: UserId,
        token: NewRefreshToken,
        network: Option<Network>,
    ) -> Result<LoginId, StorageError> {
        let expires_at = token.expires_at.as_micros();
        let network = network.map(|network| network.to_string());
        let values = [user.0.into(), self.now.as_micros().into(), expires_at.into(), network.into()];
        let begun = self.tx.query_one(self.statement(BEGIN_LOGIN, values)).await?;
        let id: LoginId = begun.ok_or(StorageError::Corrupt("a login without an id"))?.get(0)?;
        self.execute(FIRST_TOKEN, [token.hash.to_vec().into(), id.0.into(), expires_at.into()]).await?;
        Ok(id)
    }
}

impl Storage {
    /// Finds out which of these effects, which a batch of `since` may have had, are there to be acted on.
    pub async fn effects_since(&self, possible: Vec<Effect>, since: Timestamp) -> Result<Vec<Effect>, StorageError> {
        let mut found = Vec::new();
        for effect in possible {
            match effect {
                Effect::LoginsEnded { user, end, closes_all, .. } => {
                    let values = [user.0.into(), since.as_micros().into()];
                    let logins = ids(self.reads.query(self.statement(ENDED_SINCE, values)).await?)?;
                    if !logins.is_empty() {
                        found.push(Effect::LoginsEnded { user, logins, end, closes_all });
                    }
                }
                Effect::AccountDeleted { user, .. } => {
                    let account = self.reads.query_one(self.statement(EXISTS, [user.0.into()])).await?;
                    if account.is_none() {
                        found.push(effect);
                    }
                }
                Effect::VisibilityChanged { .. } | Effect::AddressRulesChanged => found.push(effect),
            }
        }
        Ok(found)
    }
}

impl Storage {
    /// Returns the logins that have ended at `since` or later, and the deleted accounts whose access tokens may still
    /// look valid, as effects.
    pub async fn endings_since(&self, since: Timestamp) -> Result<Vec<Effect>, StorageError> {
        let mut found = Vec::new();
        for row in self.reads.query(self.statement(ALL_ENDED_SINCE, [since.as_micros().into()])).await? {
            let (user, login) = row.read()?;
            found.push(Effect::LoginsEnded { user, logins: vec![login], end: LoginEnd::Revoked, closes_all: false });
        }
        for row in self.reads.query(self.statement(ENDED_USERS, [])).await? {
            let (user, until) = row.read()?;
            found.push(Effect::AccountDeleted { user, until });
        }
        Ok(found)
    }
}

fn ids(rows: Vec<Row>) -> Result<Vec<LoginId>, StorageError> {
    rows.into_iter().map(|row| row.get(0)).collect()
}

#[cfg(test)]
mod tests;
