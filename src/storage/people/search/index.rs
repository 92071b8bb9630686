//! Maintenance of the index of names: for each piece and each block of ids, the users who have the piece in their name.

use std::collections::BTreeMap;

use crate::domain::{Gram, UserId, name_grams};
use crate::storage::engine::bulk::{Bulk, Cell};
use crate::storage::engine::per_engine::PerEngine;
use crate::storage::engine::tx::Tx;
use crate::storage::people::search::ids::{IdSet, block_of};
use crate::storage::{Storage, StorageError};

use Cell::{BigInt, Bytes, Int};

/// Key of the advisory lock under which the index is changed on PostgreSQL: "names" in ASCII.
const LOCK_KEY: i64 = 0x6e_61_6d_65_73;

/// Takes that lock. On SQLite the transaction already holds the only lock.
const LOCK: PerEngine<Option<&str>> = PerEngine { sqlite: None, postgres: Some("SELECT pg_advisory_xact_lock($1)") };

/// A change of the index of names.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::storage) enum Change {
    Add,
    Remove,
}

/// `CROSS JOIN` fixes the join order on SQLite.
const READ: &str = "WITH {rows} SELECT g.gram, g.block, g.users FROM v CROSS JOIN user_grams AS g \
     WHERE g.gram = v.column1 AND g.block = v.column2";
const WRITE: &str = "WITH {rows} INSERT INTO user_grams (gram, block, users) \
     SELECT v.column1, v.column2, v.column3 FROM v WHERE v.column1 IS NOT NULL \
     ON CONFLICT (gram, block) DO UPDATE SET users = excluded.users";
const FORGET: &str = "WITH {rows} DELETE FROM user_grams WHERE (gram, block) IN (SELECT v.column1, v.column2 FROM v)";

/// The key of a row.
type Key = (Gram, i32);

impl Storage {
    /// Adds these names to the index, as they are [searched](crate::domain::search_key), or removes them, in the
    /// transaction that does the same with their users, after it.
    ///
    /// On PostgreSQL only one transaction at a time can do this, until it ends. A transaction must not wait for a
    /// user's row after this, or two could deadlock.
    pub(in crate::storage) async fn index_names(
        &self,
        tx: &impl Tx,
        change: Change,
        names: &[(UserId, &str)],
    ) -> Result<(), StorageError> {
        self.lock_names(tx).await?;
        let mut changes: BTreeMap<Key, Vec<UserId>> = BTreeMap::new();
        for (id, name) in names {
            for gram in name_grams(name) {
                changes.entry((gram, block_of(*id))).or_default().push(*id);
            }
        }
        let mut sets = self.sets(tx, changes.keys()).await?;
        for (key, ids) in changes {
            let set = sets.entry(key).or_insert_with(IdSet::new);
            for id in ids {
                match change {
                    Change::Add => set.insert(id),
                    Change::Remove => set.remove(id),
                }
            }
        }
        let (empty, rest): (Vec<_>, Vec<_>) = sets.iter().partition(|(_, set)| set.is_empty());
        let rest: Vec<(&Key, Vec<u8>)> = rest.into_iter().map(|(key, set)| (key, set.to_stored())).collect();
        let rows = rest.iter().map(|((gram, block), set)| [BigInt(gram.get()), Int(*block), Bytes(set)]);
        for statement in Bulk::new(rows).statements(self.backend(), WRITE) {
            tx.execute(statement).await?;
        }
        for statement in keys(empty.into_iter().map(|(key, _)| key)).statements(self.backend(), FORGET) {
            tx.execute(statement).await?;
        }
        Ok(())
    }

    /// Takes the right to change the index of names, until the transaction ends.
    pub(in crate::storage) async fn lock_names(&self, tx: &impl Tx) -> Result<(), StorageError> {
        if let Some(sql) = LOCK.of(self.backend()) {
            tx.query(self.statement(sql, [LOCK_KEY.into()])).await?;
        }
        Ok(())
    }

    /// Reads the sets that are stored under these keys.
    async fn sets(&self, tx: &impl Tx, of: impl Iterator<Item = &Key>) -> Result<BTreeMap<Key, IdSet>, StorageError> {
        let mut sets = BTreeMap::new();
        for statement in keys(of).statements(self.backend(), READ) {
            for row in tx.query(statement).await? {
                let (gram, block, bytes): (i64, i32, Vec<u8>) = row.read()?;
                sets.insert((Gram::from_stored(gram), block), IdSet::from_stored(&bytes)?);
            }
        }
        Ok(sets)
    }
}

fn keys<'a>(keys: impl Iterator<Item = &'a Key>) -> Bulk<'static, 2> {
    Bulk::new(keys.map(|(gram, block)| [BigInt(gram.get()), Int(*block)]))
}
