//! Beginning of logins after a password was proved, and replacement of its hash.
//!
//! A transaction that changes several rows locks the account first, then its logins, then their tokens: on PostgreSQL
//! two could deadlock otherwise.

use sea_orm::sea_query::LockType;
use sea_orm::{ActiveValue::Set, EntityTrait as _, QuerySelect as _};

use crate::domain::{LoginId, Proof, Timestamp, UserId};
use crate::storage::engine::begin::unique;
use crate::storage::engine::tx::PoolTransaction;
use crate::storage::engine::tx::Tx as _;
use crate::storage::people::open_logins::{Which, end};
use crate::storage::schema::entity::{login, refresh_token, user};
use crate::storage::{Storage, StorageError};

/// A SHA-256.
pub(in crate::storage) type Hash = [u8; 32];

/// A refresh token to store: only its hash.
#[derive(Clone, Copy)]
pub struct NewRefreshToken {
    /// SHA-256 of the token.
    pub hash: Hash,
    /// When it expires.
    pub expires_at: Timestamp,
}

/// Logins that a user has at once.
const MAX_LOGINS: i64 = 100;
/// Ends the user `$1`'s logins that were not used for longest, but for `$3` and the [`MAX_LOGINS`] before it.
const END_OLDEST: &str = "UPDATE logins SET ended_at = $2 WHERE id IN (SELECT id FROM logins WHERE user_id = $1 \
     AND ended_at IS NULL AND id <> $3 ORDER BY last_used_at DESC, \
     id DESC LIMIT 1000000000 OFFSET $4 + 0) RETURNING id";

/// A login that has begun.
#[derive(Debug)]
pub struct NewLogin {
    /// Its id.
    pub id: LoginId,
    /// The user's name, as registered.
    pub name: String,
    /// The user's logins that have ended for it.
    pub ended: Vec<LoginId>,
}

impl Storage {
    /// Begins a login with its first refresh token, and puts `better`, when it is given, in the place of the hash that
    /// was proved. The user's sessions beyond `MAX_LOGINS` end. `None` when the hash is no longer that, or the account
    /// is gone.
    pub async fn create_login(
        &self,
        user: UserId,
        proof: &Proof,
        better: Option<String>,
        token: NewRefreshToken,
        now: Timestamp,
    ) -> Result<Option<NewLogin>, StorageError> {
        let tx = self.begin().await?;
        let Some(account) = proved(&tx, user, proof).await? else { return Ok(None) };
        let is_replaced = better.is_some();
        if let Some(hash) = better {
            set_password_hash(&tx, user, hash).await?;
        }
        let id = insert_login(&tx, user, token, now).await?;
        let values = [user.0.into(), now.as_micros().into(), id.0.into(), (MAX_LOGINS - 1).into()];
        let rows = tx.query(self.statement(END_OLDEST, values)).await?;
        let ended: Result<Vec<LoginId>, StorageError> = rows.iter().map(|row| row.get(0)).collect();
        let ended = ended?;
        tx.commit().await?;
        if is_replaced {
            // The old one, in the log.
            self.mark_destroyed();
        }
        Ok(Some(NewLogin { id, name: account.name, ended }))
    }

    /// Replaces the password's hash, ends all logins of the user and begins a new one, together. `None` when the hash
    /// is no longer the one that was proved, or the account is gone.
    pub async fn change_password(
        &self,
        user: UserId,
        proof: &Proof,
        password_hash: String,
        token: NewRefreshToken,
        now: Timestamp,
    ) -> Result<Option<NewLogin>, StorageError> {
        let tx = self.begin().await?;
        let Some(account) = proved(&tx, user, proof).await? else { return Ok(None) };
        set_password_hash(&tx, user, password_hash).await?;
        let ended = end(&tx, user, Which::All, now).await?;
        let id = insert_login(&tx, user, token, now).await?;
        tx.commit().await?;
        // The old hash is in the log, too.
        self.mark_destroyed();
        Ok(Some(NewLogin { id, name: account.name, ended }))
    }
}

/// The account, when the hash that was proved is still its own. It is locked until the transaction has ended: on
/// PostgreSQL this waits for a concurrent change, on SQLite there is none.
async fn proved(tx: &PoolTransaction, user: UserId, proof: &Proof) -> Result<Option<user::Model>, StorageError> {
    let account = unique(user::Entity::find_by_id(user.0).lock(LockType::NoKeyUpdate), tx).await?;
    Ok(account.filter(|account| account.password_hash == proof.hash()))
}

async fn insert_login(
    tx: &PoolTransaction,
    user: UserId,
    token: NewRefreshToken,
    now: Timestamp,
) -> Result<LoginId, StorageError> {
    let row = login::ActiveModel {
        user_id: Set(user.0),
        created_at: Set(now.as_micros()),
        last_used_at: Set(now.as_micros()),
        expires_at: Set(token.expires_at.as_micros()),
        ended_at: Set(None),
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
