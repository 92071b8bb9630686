//! Beginning of logins after a password was proved, and replacement of its hash.
//!
//! A transaction that changes several rows locks the account first, then its logins, then their tokens: otherwise two
//! of them could deadlock on PostgreSQL.

use sea_orm::sea_query::LockType;
use sea_orm::{ActiveValue::Set, EntityTrait as _, QuerySelect as _};

use crate::domain::{LoginId, LoginOrigin, Network, NewRefreshToken, Proof, RightCode, Timestamp, UserId};
use crate::storage::engine::begin::unique;
use crate::storage::engine::tx::PoolTransaction;
use crate::storage::engine::tx::Tx as _;
use crate::storage::schema::entity::{login, refresh_token, user};
use crate::storage::{Storage, StorageError};

/// A SHA-256.
pub(in crate::storage) type Hash = [u8; 32];

/// Most logins of a user at once.
pub(in crate::storage) const MAX_LOGINS: i64 = 100;
/// Finds out whether the user `$1` has more than `$3` current logins beside `$2`.
const HAS_TOO_MANY: &str = "SELECT 1 FROM logins WHERE user_id = $1 AND ended_at IS NULL AND id <> $2 \
     LIMIT 1 OFFSET $3 + 0";

/// Whether the user `$1` has a second factor.
const HAS_FACTOR: &str = "SELECT 1 FROM second_factors WHERE user_id = $1 AND enrolled_at IS NOT NULL";

/// A code with which a login begins.
#[derive(Clone, Copy, Debug)]
pub struct LoginCode {
    /// The code.
    pub code: RightCode,
    /// The hash of the login that has waited for it, if one has.
    pub challenge: Option<Hash>,
}

/// The outcome of beginning a login.
#[derive(Debug)]
pub enum Beginning {
    /// It has begun.
    Begun(NewLogin),
    /// The account has another password hash by now, or is gone.
    PasswordReplaced,
    /// The account has a second factor, and no code was given.
    CodeNeeded,
    /// The code was used before.
    CodeUsed,
}

#[cfg(test)]
impl Beginning {
    /// Returns the login; fails the test when it has not begun.
    pub(crate) fn begun(self) -> NewLogin {
        match self {
            Self::Begun(login) => login,
            other => panic!("no login has begun: {other:?}"),
        }
    }
}

/// A login that has begun after a password was proved.
#[derive(Debug)]
pub struct NewLogin {
    /// Its id.
    pub id: LoginId,
    /// The user's name, as registered.
    pub name: String,
    /// Whether the user has more logins now than `MAX_LOGINS`: those beyond are to be ended.
    pub is_beyond: bool,
}

impl Storage {
    /// Begins a login with its first refresh token. `better`, if given, replaces the password hash in `proof`. A code
    /// is used up, and needed where the account has a second factor. The network that it comes from is known from now
    /// on as one of the user's.
    ///
    /// This is no command of the writer: a login that begins has no number and no effect, and waits for nothing but its
    /// own account.
    pub async fn create_login(
        &self,
        user: UserId,
        proof: &Proof,
        better: Option<String>,
        code: Option<LoginCode>,
        token: NewRefreshToken,
        (origin, now): (Option<LoginOrigin>, Timestamp),
    ) -> Result<Beginning, StorageError> {
        let tx = self.begin().await?;
        let Some(account) = proved(&tx, user, proof).await? else { return Ok(Beginning::PasswordReplaced) };
        let has_factor = tx.query_one(self.statement(HAS_FACTOR, [user.0.into()])).await?.is_some();
        match code {
            None if has_factor => return Ok(Beginning::CodeNeeded),
            None => {}
            Some(code) if self.use_login_code(&tx, user, code).await? => {}
            Some(_) => return Ok(Beginning::CodeUsed),
        }
        let is_replaced = better.is_some();
        if let Some(hash) = better {
            set_password_hash(&tx, user, hash).await?;
        }
        let id = insert_login(&tx, user, token, (code.is_some(), origin.map(|origin| origin.network)), now).await?;
        let values = [user.0.into(), id.0.into(), (MAX_LOGINS - 1).into()];
        let is_beyond = tx.query_one(self.statement(HAS_TOO_MANY, values)).await?.is_some();
        if let Some(origin) = origin {
            self.note_network(&tx, user, &origin.tags, now).await?;
        }
        tx.commit().await?;
        if is_replaced {
            // The old hash is still in the write-ahead log.
            self.mark_destroyed();
        }
        Ok(Beginning::Begun(NewLogin { id, name: account.name, is_beyond }))
    }

    /// Uses up a code, and the login that has waited for it. Returns false when one of the two is gone.
    async fn use_login_code(&self, tx: &PoolTransaction, user: UserId, code: LoginCode) -> Result<bool, StorageError> {
        let waited = match code.challenge {
            Some(hash) => self.consume_challenge(tx, &hash).await?,
            None => true,
        };
        Ok(waited && self.use_code_in(tx, user, code.code).await?)
    }
}

/// Returns the account if it still has the hash in `proof` and is not disabled, and locks it until the end of the
/// transaction. On PostgreSQL this waits for a concurrent change; on SQLite there is none.
pub(in crate::storage) async fn proved(
    tx: &PoolTransaction,
    user: UserId,
    proof: &Proof,
) -> Result<Option<user::Model>, StorageError> {
    let account = unique(user::Entity::find_by_id(user.0).lock(LockType::NoKeyUpdate), tx).await?;
    let is_proved = |account: &user::Model| account.password_hash == proof.hash() && account.disabled_at.is_none();
    Ok(account.filter(is_proved))
}

async fn insert_login(
    tx: &PoolTransaction,
    user: UserId,
    token: NewRefreshToken,
    (second_factor, network): (bool, Option<Network>),
    now: Timestamp,
) -> Result<LoginId, StorageError> {
    let row = login::ActiveModel {
        user_id: Set(user.0),
        created_at: Set(now.as_micros()),
        last_used_at: Set(now.as_micros()),
        expires_at: Set(token.expires_at.as_micros()),
        ended_at: Set(None),
        second_factor: Set(second_factor),
        network: Set(network.map(|network| network.to_string())),
        ..Default::default()
    };
    let login = LoginId(login::Entity::insert(row).exec(tx).await?.last_insert_id);
    insert_token(tx, login, token).await?;
    Ok(login)
}

async fn set_password_hash(tx: &PoolTransaction, id: UserId, password_hash: String) -> Result<(), StorageError> {
    let row = user::ActiveModel { id: Set(id.0), password_hash: Set(password_hash), ..Default::default() };
    user::Entity::update(row).exec(tx).await?;
    Ok(())
}

pub(in crate::storage) async fn insert_token(
    tx: &PoolTransaction,
    login: LoginId,
    token: NewRefreshToken,
) -> Result<(), StorageError> {
    let row = refresh_token::ActiveModel {
        hash: Set(token.hash.to_vec()),
        login_id: Set(login.0),
        expires_at: Set(token.expires_at.as_micros()),
        spent_at: Set(None),
        successor_salt: Set(None),
    };
    refresh_token::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}
