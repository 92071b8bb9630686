//! Skeletons of names, and the review of names that are older than the present rules.
//!
//! A new name takes its [skeletons](crate::domain::skeletons) in the table `name_skeletons`, so that two that look
//! alike cannot both register, not even at the same moment. Older accounts may look alike: they are twins. All of them
//! keep their names, and the skeleton is free when the last of them is deleted.

use std::collections::BTreeMap;

use sea_orm::{DatabaseConnection, Statement};

use crate::config::Config;
use crate::domain::{NAMES_VERSION, Skeleton, UserId, UserName, name_key, searched, skeletons};
use crate::storage::engine::bulk::{Bulk, Cell};
use crate::storage::engine::connect;
use crate::storage::engine::per_engine::PerEngine;
use crate::storage::engine::purpose::Purpose;
use crate::storage::engine::tx::{PoolTransaction, Tx, run_unprepared};
use crate::storage::{Storage, StorageError};

use crate::storage::people::search::Change;
use Cell::{Bytes, Int, Text};

/// Accounts that are reviewed at once: a block of the index of names.
const BLOCK: i32 = 32_768;

const NAMES_IN_BLOCK: &str =
    "SELECT id, name, name_key, email, email_key FROM users WHERE id BETWEEN $1 AND $2 ORDER BY id";
const INSERT_SKELETONS: &str = "WITH {rows} INSERT INTO name_skeletons (skeleton, twin, user_id) \
     SELECT v.column1, 0, v.column2 FROM v WHERE v.column1 IS NOT NULL";
/// Records the skeletons of names; of accounts that share one, the first account as its owner (`twin` 0).
const INSERT_FREE_SKELETONS: &str = "WITH {rows} INSERT INTO name_skeletons (skeleton, twin, user_id) \
     SELECT v.column1, 0, v.column2 FROM v WHERE v.column1 IS NOT NULL ON CONFLICT DO NOTHING";
/// Records the other accounts that share a skeleton, after [`INSERT_FREE_SKELETONS`], as twins.
const INSERT_TWINS: &str = "WITH {rows} INSERT INTO name_skeletons (skeleton, twin, user_id) \
     SELECT v.column1, v.column2, v.column2 FROM v WHERE v.column1 IS NOT NULL AND NOT EXISTS \
     (SELECT 1 FROM name_skeletons AS s WHERE s.skeleton = v.column1 AND s.user_id = v.column2)";
/// Gives each skeleton of a deleted account to the first of its twins.
const PROMOTE_TWINS: &str = "WITH {rows} UPDATE name_skeletons SET twin = 0 FROM v \
     WHERE name_skeletons.skeleton = v.column1 \
     AND name_skeletons.twin = (SELECT MIN(s.twin) FROM name_skeletons AS s WHERE s.skeleton = v.column1)";
const INSERT_ODD_NAMES: &str = "WITH {rows} INSERT INTO odd_names (user_id, reason) \
     SELECT v.column1, v.column2 FROM v WHERE v.column1 IS NOT NULL";
const CLEAR: [&str; 3] = ["DELETE FROM user_grams", "DELETE FROM name_skeletons", "DELETE FROM odd_names"];

const COUNT_ODD_NAMES: &str = "SELECT COUNT(*) FROM (SELECT user_id FROM odd_names \
     UNION SELECT user_id FROM name_skeletons WHERE twin <> 0) AS v";
const REFUSED_NAMES: &str = "SELECT u.id, u.name, o.reason FROM odd_names AS o JOIN users AS u ON u.id = o.user_id";
const TWIN_NAMES: &str = "SELECT DISTINCT u.id, u.name, f.user_id FROM name_skeletons AS t \
     JOIN users AS u ON u.id = t.user_id \
     JOIN name_skeletons AS f ON f.skeleton = t.skeleton AND f.twin = 0 WHERE t.twin <> 0";
/// Locks the selected rows. On SQLite the transaction already holds the only lock.
const FOR_UPDATE: PerEngine<&str> = PerEngine { sqlite: "", postgres: " FOR UPDATE" };
const VERSION: &str = "SELECT names_version FROM store WHERE id = 1";

/// An account whose name would not be accepted as a new one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OddName {
    /// The account.
    pub user: UserId,
    /// Its name, as registered.
    pub name: String,
    /// The rules that it breaks, a sentence each.
    pub reasons: Vec<String>,
}

/// Returns the accounts whose names would not be accepted as new ones, by id. A server may run on the store meanwhile.
pub async fn odd_names(config: &Config) -> Result<Vec<OddName>, StorageError> {
    if Storage::migration_state(config).await?.iter().any(|migration| !migration.applied) {
        return Err(StorageError::NamesNotReviewed);
    }
    let db = connect::open(config, Purpose::Inspect).await?;
    let found = read_odd_names(&db).await;
    db.close().await?;
    found
}

async fn read_odd_names(db: &DatabaseConnection) -> Result<Vec<OddName>, StorageError> {
    let backend = db.get_database_backend();
    let rows = async |sql: &str| db.query(Statement::from_string(backend, sql)).await;
    let version: Option<i32> = rows(VERSION).await?.first().map(|row| row.get(0)).transpose()?;
    if version != Some(NAMES_VERSION) {
        return Err(StorageError::NamesNotReviewed);
    }
    let mut odd: BTreeMap<UserId, OddName> = BTreeMap::new();
    let mut note = |user: UserId, name: String, reason: String| {
        odd.entry(user).or_insert_with(|| OddName { user, name, reasons: Vec::new() }).reasons.push(reason);
    };
    for row in rows(REFUSED_NAMES).await? {
        let (user, name, reason) = row.read()?;
        note(user, name, reason);
    }
    for row in rows(TWIN_NAMES).await? {
        let (user, name, other): (UserId, String, UserId) = row.read()?;
        note(user, name, format!("looks like the name of account {other}"));
    }
    Ok(odd.into_values().collect())
}

impl Storage {
    /// Returns how many accounts have a name that would not be accepted as a new one.
    pub async fn count_odd_names(&self) -> Result<i64, StorageError> {
        let row = self.reads.query_one(self.statement(COUNT_ODD_NAMES, [])).await?;
        row.map_or(Ok(0), |row| row.get(0))
    }

    /// Records the skeletons of new names. Returns [`StorageError::Duplicate`] when another account has one of them.
    pub(in crate::storage) async fn take_skeletons(
        &self,
        tx: &impl Tx,
        names: &[(UserId, Vec<Skeleton>)],
    ) -> Result<(), StorageError> {
        self.run_list(tx, &looks(names), INSERT_SKELETONS).await
    }

    /// Gives the skeletons of a deleted account to the first of their twins.
    pub(in crate::storage) async fn promote_twins(&self, tx: &impl Tx, looks: &[Vec<u8>]) -> Result<(), StorageError> {
        self.run_list(tx, &Bulk::new(looks.iter().map(|look| [Bytes(look)])), PROMOTE_TWINS).await
    }

    /// Reviews all names, unless that was done by the present rules: makes their skeletons, the list of names that
    /// break the rules, and the index of names anew. One transaction; one node at a time.
    pub(in crate::storage) async fn review_names(&self) -> Result<(), StorageError> {
        if self.names_version(&self.reads, "").await? == NAMES_VERSION {
            return Ok(());
        }
        let tx = self.begin().await?;
        let lock = FOR_UPDATE.of(self.backend());
        if self.names_version(&tx, lock).await? == NAMES_VERSION {
            return Ok(tx.rollback().await?);
        }
        self.lock_names(&tx).await?;
        for sql in CLEAR {
            run_unprepared(&tx, sql).await?;
        }
        let newest = tx.query_one(self.statement("SELECT COALESCE(MAX(id), 0) FROM users", [])).await?;
        let newest: i32 = newest.map_or(Ok(0), |row| row.get(0))?;
        for block in 0..=newest / BLOCK {
            self.review_some(&tx, block * BLOCK).await?;
        }
        let sql = "UPDATE store SET names_version = $1 WHERE id = 1";
        tx.execute(self.statement(sql, [NAMES_VERSION.into()])).await?;
        tx.commit().await
    }

    async fn names_version(&self, db: &impl Tx, lock: &str) -> Result<i32, StorageError> {
        let row = db.query_one(self.statement(format!("{VERSION}{lock}"), [])).await?;
        row.ok_or(StorageError::Corrupt("the store row is missing"))?.get(0)
    }

    /// Reviews the block of accounts from the id `first` on.
    async fn review_some(&self, tx: &PoolTransaction, first: i32) -> Result<(), StorageError> {
        let (mut found_by, mut looks_like, mut odd) = (Vec::new(), Vec::new(), Vec::new());
        let values = [first.into(), (first + (BLOCK - 1)).into()];
        for row in tx.query(self.statement(NAMES_IN_BLOCK, values)).await? {
            let (user, name, key, email, email_key): (UserId, String, String, String, String) = row.read()?;
            let key = self.rename_key(tx, user, "name_key", key, &name).await?;
            self.rename_key(tx, user, "email_key", email_key, &email).await?;
            found_by.push((user, searched(&key)));
            looks_like.push((user, skeletons(&name)));
            if let Err(invalid) = UserName::parse(name) {
                odd.push((user, invalid.reason));
            }
        }
        let found_by: Vec<(UserId, &str)> = found_by.iter().map(|(user, key)| (*user, key.as_str())).collect();
        self.index_names(tx, Change::Add, &found_by).await?;
        let looks = looks(&looks_like);
        self.run_list(tx, &looks, INSERT_FREE_SKELETONS).await?;
        self.run_list(tx, &looks, INSERT_TWINS).await?;
        let odd = Bulk::new(odd.iter().map(|(user, reason)| [Int(user.0), Text(reason)]));
        self.run_list(tx, &odd, INSERT_ODD_NAMES).await
    }

    /// Gives a name or an address its key by the present rules, unless another account has that key: then it keeps the
    /// old one. Returns the key that it has now.
    async fn rename_key(
        &self,
        tx: &PoolTransaction,
        user: UserId,
        column: &str,
        key: String,
        text: &str,
    ) -> Result<String, StorageError> {
        let today = name_key(text);
        if today == key || today.is_empty() {
            return Ok(key);
        }
        let sql = format!(
            "UPDATE users SET {column} = $1 WHERE id = $2 AND NOT EXISTS (SELECT 1 FROM users AS o \
             WHERE o.{column} = $1)"
        );
        let renamed = tx.execute(self.statement(sql, [today.as_str().into(), user.0.into()])).await?;
        Ok(if renamed == 1 { today } else { key })
    }

    async fn run_list<const N: usize>(&self, tx: &impl Tx, list: &Bulk<'_, N>, sql: &str) -> Result<(), StorageError> {
        for statement in list.statements(self.backend(), sql) {
            tx.execute(statement).await?;
        }
        Ok(())
    }
}

/// Returns one row for each skeleton, always in the same order, so that no two transactions deadlock.
fn looks(names: &[(UserId, Vec<Skeleton>)]) -> Bulk<'_, 2> {
    let mut rows: Vec<(&Skeleton, UserId)> =
        names.iter().flat_map(|(user, looks)| looks.iter().map(|look| (look, *user))).collect();
    rows.sort_unstable();
    Bulk::new(rows.into_iter().map(|(look, user)| [Bytes(look.as_slice()), Int(user.0)]))
}
