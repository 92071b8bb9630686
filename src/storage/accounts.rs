//! Accounts: registration, look-up, search.

use sea_orm::sea_query::{Expr, ExprTrait as _, LikeExpr};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};

use super::entity::user;
use super::{Storage, StorageError};
use crate::domain::{EmailAddress, MAX_NAME_CHARS, PublicKey, Settings, Timestamp, User, UserId, UserName, fold_name};

/// Ids in one statement.
const IDS_AT_ONCE: usize = 500;

/// What a login compares with.
pub struct Credentials {
    /// The account.
    pub user: UserId,
    /// Its name as registered.
    pub name: String,
    /// The argon2id hash in PHC form.
    pub password_hash: String,
}

/// An account as its owner sees it.
pub struct Profile {
    /// What everybody may know.
    pub user: User,
    /// The address.
    pub email: String,
    /// What the owner has chosen.
    pub settings: Settings,
}

/// Which part of a search to return.
#[derive(Clone, Copy, Debug)]
pub struct UserPage {
    /// Only users with a higher id.
    pub after: Option<UserId>,
    /// At most so many.
    pub limit: u64,
}

impl From<user::Model> for User {
    fn from(row: user::Model) -> Self {
        Self { id: UserId(row.id), name: row.name, public_key: row.public_key }
    }
}

impl Storage {
    /// Whether the name or the address belongs to an account already.
    pub async fn is_taken(&self, name: &UserName, email: &EmailAddress) -> Result<bool, StorageError> {
        let taken = user::Column::NameKey.eq(name.key()).or(user::Column::EmailKey.eq(email.key()));
        Ok(user::Entity::find().filter(taken).one(&self.reader).await?.is_some())
    }

    /// Makes an account; [`StorageError::Duplicate`] when the name or the address is taken.
    pub async fn create_account(
        &self,
        name: &UserName,
        email: &EmailAddress,
        password_hash: String,
        public_key: &PublicKey,
        now: Timestamp,
    ) -> Result<UserId, StorageError> {
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
        let inserted = user::Entity::insert(row).exec(&self.writer).await?;
        Ok(UserId(inserted.last_insert_id))
    }

    /// What a login with this name compares with.
    pub async fn credentials(&self, name: &UserName) -> Result<Option<Credentials>, StorageError> {
        let row = user::Entity::find().filter(user::Column::NameKey.eq(name.key())).one(&self.reader).await?;
        Ok(row.map(|row| Credentials { user: UserId(row.id), name: row.name, password_hash: row.password_hash }))
    }

    /// Replaces the hash of an unchanged password.
    pub async fn set_password_hash(&self, id: UserId, password_hash: String) -> Result<(), StorageError> {
        let row = user::ActiveModel { id: Set(id.0), password_hash: Set(password_hash), ..Default::default() };
        user::Entity::update(row).exec(&self.writer).await?;
        Ok(())
    }

    /// The argon2id hash of a user's password.
    pub async fn password_hash(&self, id: UserId) -> Result<Option<String>, StorageError> {
        Ok(user::Entity::find_by_id(id.0).one(&self.reader).await?.map(|row| row.password_hash))
    }

    /// Users with one of these ids, by id. Unknown ids are left out.
    pub async fn users(&self, ids: &[UserId]) -> Result<Vec<User>, StorageError> {
        let ids = ids.iter().map(|id| id.0);
        let rows = user::Entity::find().filter(user::Column::Id.is_in(ids)).order_by_asc(user::Column::Id);
        Ok(rows.all(&self.reader).await?.into_iter().map(User::from).collect())
    }

    /// An account as its owner sees it.
    pub async fn profile(&self, id: UserId) -> Result<Option<Profile>, StorageError> {
        let row = user::Entity::find_by_id(id.0).one(&self.reader).await?;
        Ok(row.map(|row| Profile {
            email: row.email.clone(),
            settings: Settings { presence: row.presence, read_receipts: row.read_receipts },
            user: User::from(row),
        }))
    }

    /// Whom a user has blocked, by id.
    pub async fn blocked_by(&self, id: UserId) -> Result<Vec<User>, StorageError> {
        let sql = "SELECT other_id FROM blocks WHERE user_id = $1 ORDER BY other_id";
        let rows = self.reader.query_all_raw(self.statement(sql, [id.0.into()])).await?;
        let ids: Result<Vec<UserId>, StorageError> =
            rows.iter().map(|row| Ok(UserId(row.try_get_by_index(0)?))).collect();
        let mut users = Vec::new();
        for some in ids?.chunks(IDS_AT_ONCE) {
            users.extend(self.users(some).await?);
        }
        Ok(users)
    }

    /// A user by id.
    pub async fn user(&self, id: UserId) -> Result<Option<User>, StorageError> {
        Ok(user::Entity::find_by_id(id.0).one(&self.reader).await?.map(User::from))
    }

    /// Users whose folded name contains the folded `text`, by id. Empty finds everybody.
    pub async fn search_users(&self, text: &str, page: UserPage) -> Result<Vec<User>, StorageError> {
        // No name holds a control character, and databases do not agree on what NUL means in a pattern.
        if text.chars().any(char::is_control) || text.chars().nth(MAX_NAME_CHARS).is_some() {
            return Ok(Vec::new());
        }
        let turn = tokio::time::timeout(self.search_wait, self.searches.acquire()).await;
        let _turn = turn.map_err(|_| StorageError::TimedOut)?;
        let mut query = user::Entity::find().order_by_asc(user::Column::Id).limit(page.limit);
        let key = fold_name(text);
        if !key.is_empty() {
            let pattern = LikeExpr::new(format!("%{}%", escape_like(&key))).escape('\\');
            query = query.filter(Expr::col(user::Column::NameKey).like(pattern));
        }
        if let Some(after) = page.after {
            query = query.filter(user::Column::Id.gt(after.0));
        }
        Ok(query.all(&self.reader).await?.into_iter().map(User::from).collect())
    }
}

/// Makes `%`, `_` and the escape itself literal.
fn escape_like(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}
