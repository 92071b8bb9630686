//! Accounts: registration, credentials, and the profile that their owners see.

use sea_orm::{ActiveValue::Set, ColumnTrait as _, EntityTrait as _, QueryFilter as _};

use crate::domain::{EmailAddress, InviteUse, PublicKey, Settings, Timestamp, User, UserId, UserName, login_keys};
use crate::storage::engine::begin::unique;
use crate::storage::engine::page::bind;
use crate::storage::engine::tx::Tx as _;
use crate::storage::people::search::Change;
use crate::storage::schema::entity::user;
use crate::storage::{Storage, StorageError};

/// Most users on a page of blocked users.
const MAX_BLOCKED: u64 = 1000;

/// The account and the hash against which the password of a login is checked.
pub struct Credentials {
    /// The account.
    pub user: UserId,
    /// Its name as registered.
    pub name: String,
    /// The argon2id hash in PHC form.
    pub password_hash: String,
    /// Whether an operator has disabled the account, so that nobody signs in to it.
    pub is_disabled: bool,
}

/// An account as its owner sees it.
pub struct Profile {
    /// The part that all users may see.
    pub user: User,
    /// The address.
    pub email: String,
    /// The owner's choices.
    pub settings: Settings,
}

impl From<user::Model> for User {
    fn from(row: user::Model) -> Self {
        Self { id: UserId(row.id), name: row.name, public_key: row.public_key }
    }
}

impl Storage {
    /// Makes an account without an invite. Returns [`StorageError::Duplicate`] when the name, a name that looks like
    /// it, or the address is taken.
    pub async fn create_account(
        &self,
        name: &UserName,
        email: &EmailAddress,
        password_hash: String,
        public_key: &PublicKey,
        now: Timestamp,
    ) -> Result<UserId, StorageError> {
        let (hash, invite_use) = (password_hash, InviteUse::NOT_NEEDED);
        // Boxed: its future is large, and tests hold it in theirs.
        let created = Box::pin(self.create_invited_account((name, email), hash, public_key, invite_use, now)).await?;
        created.ok_or(StorageError::Corrupt("an account that needs no invite"))
    }

    /// Makes an account and takes its invite, both or neither. Returns `None` when it needs one and there is none left;
    /// errors are those of [`create_account`](Self::create_account).
    pub async fn create_invited_account(
        &self,
        (name, email): (&UserName, &EmailAddress),
        password_hash: String,
        public_key: &PublicKey,
        invite_use: InviteUse,
        now: Timestamp,
    ) -> Result<Option<UserId>, StorageError> {
        let row = user::ActiveModel {
            name: Set(name.as_str().to_owned()),
            name_key: Set(name.key().to_owned()),
            email: Set(email.as_str().to_owned()),
            email_key: Set(email.key().to_owned()),
            password_hash: Set(password_hash),
            public_key: Set(public_key.as_str().to_owned()),
            created_at: Set(now.as_micros()),
            ..Default::default()
        };
        let tx = self.begin().await?;
        let id = UserId(user::Entity::insert(row).exec(&tx).await?.last_insert_id);
        let is_invited = match invite_use.invite {
            Some(invite) => self.take_invite(&tx, invite, id, now).await?,
            None => false,
        };
        if invite_use.is_required && !is_invited {
            tx.rollback().await?;
            return Ok(None);
        }
        self.take_skeletons(&tx, &[(id, name.skeletons())]).await?;
        self.index_names(&tx, Change::Add, &[(id, &name.search_key())]).await?;
        tx.commit().await?;
        Ok(Some(id))
    }

    /// Returns the credentials of the account with this name, see [`login_keys`]; `None` when there is none.
    pub async fn credentials(&self, name: &str) -> Result<Option<Credentials>, StorageError> {
        let keys = login_keys(name);
        let query = user::Entity::find().filter(user::Column::NameKey.is_in(keys.iter().map(String::as_str)));
        let rows = query.all(&self.reads).await?;
        // One statement for every name, whether it exists or not; of several accounts the likeliest one.
        let row = rows.into_iter().min_by_key(|row| keys.iter().position(|key| *key == row.name_key));
        Ok(row.map(|row| Credentials {
            user: UserId(row.id),
            is_disabled: row.disabled_at.is_some(),
            name: row.name,
            password_hash: row.password_hash,
        }))
    }

    /// Returns the argon2id hash of a user's password.
    pub async fn password_hash(&self, id: UserId) -> Result<Option<String>, StorageError> {
        Ok(unique(user::Entity::find_by_id(id.0), &self.reads).await?.map(|row| row.password_hash))
    }

    /// Returns an account as its owner sees it.
    pub async fn profile(&self, id: UserId) -> Result<Option<Profile>, StorageError> {
        let row = unique(user::Entity::find_by_id(id.0), &self.reads).await?;
        Ok(row.map(|row| Profile {
            email: row.email.clone(),
            settings: Settings { presence: row.presence, read_receipts: row.read_receipts },
            user: User::from(row),
        }))
    }

    /// Returns the users that a user has blocked, by id, at most one page; only those with a higher id than `after`.
    pub async fn blocked_by(&self, id: UserId, after: Option<UserId>) -> Result<Vec<User>, StorageError> {
        let sql = "SELECT other_id FROM blocks WHERE user_id = $1 AND other_id > $2 ORDER BY other_id LIMIT $3 + 0";
        let after = after.unwrap_or(UserId(0));
        let values = [id.0.into(), after.0.into(), bind(MAX_BLOCKED)];
        let rows = self.reads.query(self.statement(sql, values)).await?;
        let ids: Result<Vec<UserId>, StorageError> = rows.iter().map(|row| row.get(0)).collect();
        self.users(&ids?).await
    }
}
