//! Search for users by a part of their name.
//!
//! For each piece of one to three characters the table `user_grams` holds the users who have it in their name: sets of
//! ids, one for each block of 32,768. A search finds the blocks that have all pieces of the text, intersects their
//! three smallest sets, and reads the names of the users in all three. For a text of up to three characters, which is
//! one piece, these are the result; for a longer one most of them are, since few other names have its rarest pieces.
//!
//! So a search without a result reads the keys of at most sixteen pieces in each block, and one with a result reads
//! little more than a page of users.

mod ids;
mod index;

use std::sync::LazyLock;

use tokio::sync::SemaphorePermit;

use crate::domain::{Gram, User, UserId, search_key, searched, text_grams};
use crate::storage::engine::page::bind;
use crate::storage::engine::row::{Columns as _, Row};
use crate::storage::engine::tx::Tx as _;
use crate::storage::people::users::{UserColumns, UserList};
use crate::storage::{Storage, StorageError};
use ids::{IdSet, block_of};

pub(in crate::storage) use index::Change;

/// Users that are read by one statement.
const USERS_AT_ONCE: usize = 100;
/// Blocks that are read first, which fill a page for a common text. Each further step reads four times as many, up to
/// [`MOST_BLOCKS`].
const FIRST_BLOCKS: usize = 4;
/// Most blocks that one step reads.
const MOST_BLOCKS: usize = 64;
/// Sets that are read from a block: those with the fewest ids.
const RAREST: usize = 3;
/// Statements after which a search counts as long: it has found many names that have all the pieces, but not the text.
const SHORT: usize = 8;

/// Finds all users with a higher id than `$1`.
pub(in crate::storage) static ALL_USERS: LazyLock<String> = LazyLock::new(|| {
    format!("SELECT {} FROM users AS u WHERE u.id > $1 ORDER BY u.id LIMIT $2 + 0", UserColumns::select())
});

/// The part of a result to return.
#[derive(Clone, Copy, Debug)]
pub struct UserPage {
    /// Only users with a higher id.
    pub after: Option<UserId>,
    /// The greatest number of users.
    pub limit: u64,
}

/// Returns the query for the sets of `grams` pieces, or of the [`RAREST`] of them, in the first `$3` blocks from `$1`
/// on that have all `$2` pieces.
pub(in crate::storage) fn blocks_query(grams: usize) -> String {
    let list = (4..grams + 4).map(|i| format!("${i}")).collect::<Vec<_>>().join(", ");
    let blocks = format!(
        "SELECT block FROM user_grams WHERE gram IN ({list}) AND block >= $1 \
         GROUP BY block HAVING COUNT(*) = $2 ORDER BY block LIMIT $3 + 0"
    );
    if grams <= RAREST {
        return format!(
            "SELECT g.block, g.users FROM ({blocks}) AS v CROSS JOIN user_grams AS g \
             WHERE g.block = v.block AND g.gram IN ({list}) ORDER BY g.block"
        );
    }
    format!(
        "SELECT v.block, g.users FROM (SELECT block, gram, \
         ROW_NUMBER() OVER (PARTITION BY block ORDER BY LENGTH(users)) AS place \
         FROM user_grams WHERE gram IN ({list}) AND block IN ({blocks})) AS v CROSS JOIN user_grams AS g \
         WHERE v.place <= {RAREST} AND g.gram = v.gram AND g.block = v.block ORDER BY v.block"
    )
}

/// A running search.
struct Search<'a> {
    storage: &'a Storage,
    key: String,
    grams: Vec<Gram>,
    statements: usize,
    /// The permit of a long search: long searches must not occupy all connections for reading.
    permit: Option<SemaphorePermit<'a>>,
}

impl Storage {
    /// Returns the users whose name contains the `text`, both in their [searched form](search_key), by id, as many as
    /// fit on a page. An empty text or white space finds all users; invisible characters find none.
    ///
    /// Returns [`StorageError::TimedOut`] when this is a long search and too many others are running.
    pub async fn search_users(&self, text: &str, page: UserPage) -> Result<Vec<User>, StorageError> {
        let text = text.trim();
        let key = search_key(text);
        // No name contains a control character.
        if page.limit == 0 || key.is_empty() != text.is_empty() || text.chars().any(char::is_control) {
            return Ok(Vec::new());
        }
        let after = page.after.unwrap_or(UserId(0)).max(UserId(0));
        if key.is_empty() {
            let statement = self.statement(ALL_USERS.as_str(), [after.0.into(), bind(page.limit)]);
            let users = self.reads.query(statement).await?;
            let users: Result<Vec<UserColumns>, StorageError> = users.into_iter().map(Row::read).collect();
            let mut page = UserList::default();
            page.extend(users?.into_iter().map(User::from));
            return Ok(page.users);
        }
        let grams = text_grams(&key).into_iter().collect();
        let search = Search { storage: self, key, grams, statements: 0, permit: None };
        search.run(after, usize::try_from(page.limit).unwrap_or(usize::MAX)).await
    }
}

impl Search<'_> {
    async fn run(mut self, after: UserId, limit: usize) -> Result<Vec<User>, StorageError> {
        let mut found = UserList::default();
        let (mut from, mut at_once) = (block_of(after), FIRST_BLOCKS);
        loop {
            let blocks = self.blocks(from, at_once).await?;
            let mut ids = blocks.iter().flat_map(|(block, set)| set.ids(*block)).filter(|id| *id > after);
            loop {
                let some: Vec<UserId> = ids.by_ref().take(limit.min(USERS_AT_ONCE)).collect();
                if some.is_empty() {
                    break;
                }
                found.extend(self.named(&some).await?);
                if found.is_full || found.users.len() >= limit {
                    found.users.truncate(limit);
                    return Ok(found.users);
                }
            }
            match blocks.last() {
                Some((last, _)) if blocks.len() == at_once => from = last + 1,
                _ => return Ok(found.users),
            }
            at_once = MOST_BLOCKS.min(at_once * 4);
        }
    }

    /// Returns the users who have all the pieces, in the first `at_once` blocks from `from` on that could hold one.
    async fn blocks(&mut self, from: i32, at_once: usize) -> Result<Vec<(i32, IdSet)>, StorageError> {
        self.proceed().await?;
        let values = [from.into(), bind(self.grams.len() as u64), bind(at_once as u64)];
        let values = values.into_iter().chain(self.grams.iter().map(|gram| gram.get().into()));
        let statement = self.storage.statement(blocks_query(self.grams.len()), values);
        let mut blocks: Vec<(i32, IdSet)> = Vec::new();
        for row in self.storage.reads.query(statement).await? {
            let (block, bytes): (i32, Vec<u8>) = row.read()?;
            let set = IdSet::from_stored(&bytes)?;
            match blocks.last_mut() {
                Some((last, all)) if *last == block => all.retain(&set),
                _ => blocks.push((block, set)),
            }
        }
        Ok(blocks)
    }

    /// Returns those of these users whose name contains the text.
    async fn named(&mut self, ids: &[UserId]) -> Result<Vec<User>, StorageError> {
        self.proceed().await?;
        let users = self.storage.users_with_keys(ids).await?;
        Ok(users.into_iter().filter(|(_, key)| searched(key).contains(&self.key)).map(|(user, _)| user).collect())
    }

    async fn proceed(&mut self) -> Result<(), StorageError> {
        self.statements += 1;
        if self.statements == SHORT + 1 {
            let permit = tokio::time::timeout(self.storage.wait, self.storage.long_searches.acquire());
            self.permit = permit.await.map_err(|_| StorageError::TimedOut)?.ok();
        }
        Ok(())
    }
}

#[cfg(test)]
pub(in crate::storage) mod tests;
