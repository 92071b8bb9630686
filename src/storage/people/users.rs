//! Users by id, as all users may see them.

use std::sync::LazyLock;

use sea_orm::{DatabaseBackend, Statement};

use crate::domain::{User, UserId};
use crate::storage::engine::bulk::{Bulk, Cell};
use crate::storage::engine::page::PAGE_BYTES;
use crate::storage::engine::row::{Columns as _, FromRow, Row, columns, take_next};
use crate::storage::engine::tx::Tx as _;
use crate::storage::{Storage, StorageError};

columns! {
    /// A user `u`, as everyone may see them.
    pub(in crate::storage) struct UserColumns {
        id: UserId = "u.id",
        name: String = "u.name",
        public_key: String = "u.public_key",
    }
}

impl From<UserColumns> for User {
    fn from(UserColumns { id, name, public_key }: UserColumns) -> Self {
        Self { id, name, public_key }
    }
}

/// A user, and the key by which the name is compared.
struct WithKey {
    user: UserColumns,
    key: String,
}

impl FromRow for WithKey {
    fn from_row(row: &mut Row, next: &mut usize) -> Result<Self, StorageError> {
        Ok(Self { user: UserColumns::from_row(row, next)?, key: take_next(row, next)? })
    }
}

/// `CROSS JOIN` fixes the join order on SQLite.
static USERS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "WITH {{rows}} SELECT {}, u.name_key FROM v CROSS JOIN users AS u WHERE u.id = v.column1",
        UserColumns::select()
    )
});

/// Users that are read by one statement.
const AT_ONCE: usize = 64;

/// Users that fit on a page of [`PAGE_BYTES`], at least one.
#[derive(Default)]
pub(in crate::storage) struct UserList {
    pub(in crate::storage) users: Vec<User>,
    bytes: usize,
    /// Whether a user did not fit on the page.
    pub(in crate::storage) is_full: bool,
}

impl UserList {
    pub(in crate::storage) fn extend(&mut self, users: impl IntoIterator<Item = User>) {
        for user in users {
            self.bytes += user.bytes();
            self.is_full |= self.bytes > PAGE_BYTES && !self.users.is_empty();
            if self.is_full {
                return;
            }
            self.users.push(user);
        }
    }
}

/// Returns the statements that find the users with these ids, in no order.
pub(in crate::storage) fn by_ids(backend: DatabaseBackend, ids: &[UserId]) -> Vec<Statement> {
    Bulk::new(ids.iter().map(|id| [Cell::Int(id.0)])).statements(backend, &USERS)
}

impl Storage {
    /// Returns the user with this id.
    pub async fn user(&self, id: UserId) -> Result<Option<User>, StorageError> {
        Ok(self.users(&[id]).await?.pop())
    }

    /// Returns the users with these ids, by id, as many as fit on a page. Unknown ids are left out.
    pub async fn users(&self, ids: &[UserId]) -> Result<Vec<User>, StorageError> {
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        let mut page = UserList::default();
        for some in ids.chunks(AT_ONCE) {
            let users = self.users_with_keys(some).await?;
            page.extend(users.into_iter().map(|(user, _)| user));
            if page.is_full {
                break;
            }
        }
        Ok(page.users)
    }

    /// As [`users`](Self::users), with their folded names.
    pub(in crate::storage) async fn users_with_keys(
        &self,
        ids: &[UserId],
    ) -> Result<Vec<(User, String)>, StorageError> {
        let mut users = Vec::with_capacity(ids.len());
        for statement in by_ids(self.backend(), ids) {
            for row in self.reads.query(statement).await? {
                let WithKey { user, key } = row.read()?;
                users.push((User::from(user), key));
            }
        }
        users.sort_unstable_by_key(|(user, _)| user.id);
        // The same id may have been asked for twice.
        users.dedup_by_key(|(user, _)| user.id);
        Ok(users)
    }
}
