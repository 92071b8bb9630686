//! Users by id, as everybody may see them.

use sea_orm::{ConnectionTrait as _, DatabaseBackend, QueryResult, Statement};

use crate::domain::{User, UserId};
use crate::storage::engine::bulk::{Bulk, Cell};
use crate::storage::engine::page::PAGE_BYTES;
use crate::storage::{Storage, StorageError};

/// In SQLite's words the order of the join.
const USERS: &str =
    "WITH {rows} SELECT u.id, u.name, u.public_key, u.name_key FROM v CROSS JOIN users AS u WHERE u.id = v.column1";

/// Users that are read at once.
const AT_ONCE: usize = 64;

/// Users on a page of [`PAGE_BYTES`], but at least one.
#[derive(Default)]
pub(in crate::storage) struct UserList {
    pub(in crate::storage) users: Vec<User>,
    bytes: usize,
    /// Whether one did not fit any more.
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

/// The statements that answer the users with these ids, in no order.
pub(in crate::storage) fn by_ids(backend: DatabaseBackend, ids: &[UserId]) -> Vec<Statement> {
    Bulk::new(ids.iter().map(|id| [Cell::Int(id.0)])).statements(backend, USERS)
}

/// The first three columns.
pub(in crate::storage) fn user(row: &QueryResult) -> Result<User, StorageError> {
    Ok(User {
        id: UserId(row.try_get_by_index(0)?),
        name: row.try_get_by_index(1)?,
        public_key: row.try_get_by_index(2)?,
    })
}

impl Storage {
    /// A user by id.
    pub async fn user(&self, id: UserId) -> Result<Option<User>, StorageError> {
        Ok(self.users(&[id]).await?.pop())
    }

    /// Users with one of these ids, by id, as far as they fit on a page. Unknown ids are left out.
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
            for row in self.reads.query_all_raw(statement).await? {
                users.push((user(&row)?, row.try_get_by_index(3)?));
            }
        }
        users.sort_unstable_by_key(|(user, _)| user.id);
        // Asked for twice.
        users.dedup_by_key(|(user, _)| user.id);
        Ok(users)
    }
}
