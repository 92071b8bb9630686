//! The index of the search for users: which users have a piece of one to three characters in their name. A search finds
//! the users that have all pieces of a text.
//!
//! It has one row for each piece and each block of 32,768 ids in which a user has it. A table of pairs would be ten
//! times as large.

use std::collections::{BTreeMap, BTreeSet};

use crate::prelude::*;
use sea_orm::{DatabaseBackend, Statement, Value};

pub(crate) struct Migration;

/// A piece is a number: 21 bits a character, the first one uppermost. A set is the places of its ids in the block, 16
/// bits each with the lower byte first; or a bitmap of 4096 bytes when that would not be smaller.
const TABLE: &str = "CREATE TABLE user_grams (gram BIGINT NOT NULL, block INTEGER NOT NULL, users BLOB NOT NULL, \
     PRIMARY KEY (gram, block))";
/// The folded names of the users `$1` … `$2`.
const NAMES: &str = "SELECT id, name_key FROM users WHERE id BETWEEN $1 AND $2 ORDER BY id";
/// Ids of a block.
const IDS: i32 = 32_768;
/// Rows of one statement.
const ROWS: usize = 500;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let (db, backend) = (manager.get_connection(), manager.get_database_backend());
        let table = match backend {
            DatabaseBackend::Sqlite => format!("{TABLE} WITHOUT ROWID"),
            // A row fits on a page: no set is moved elsewhere.
            _ => format!("{} WITH (toast_tuple_target = 8160)", TABLE.replace("BLOB", "BYTEA")),
        };
        db.execute_unprepared(&table).await?;
        let newest = "SELECT COALESCE(MAX(id), 0) FROM users";
        let row = db.query_one_raw(Statement::from_string(backend, newest)).await?;
        let newest: i32 = row.map_or(Ok(0), |row| row.try_get_by_index(0))?;
        for block in 0..=newest / IDS {
            let ids = [Value::from(block * IDS), Value::from(block * IDS + (IDS - 1))];
            let mut sets: BTreeMap<i64, Vec<u16>> = BTreeMap::new();
            for row in db.query_all_raw(Statement::from_sql_and_values(backend, NAMES, ids)).await? {
                let (id, key): (i32, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
                let place: u16 = (id % IDS).try_into().map_err(|_| DbErr::Custom("a negative user id".to_owned()))?;
                for gram in grams(&key) {
                    sets.entry(gram).or_default().push(place);
                }
            }
            let rows: Vec<(i64, Vec<u16>)> = sets.into_iter().collect();
            for rows in rows.chunks(ROWS) {
                let list: Vec<String> = (1..=rows.len()).map(|i| format!("($1, ${}, ${})", 2 * i, 2 * i + 1)).collect();
                let sql = format!("INSERT INTO user_grams (block, gram, users) VALUES {}", list.join(", "));
                let values = rows.iter().flat_map(|(gram, places)| [Value::from(*gram), stored(places).into()]);
                let values = [Value::from(block)].into_iter().chain(values);
                db.execute_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
            }
        }
        Ok(())
    }
}

/// The pieces of a folded name.
fn grams(key: &str) -> BTreeSet<i64> {
    let chars: Vec<i64> = key.chars().map(|c| i64::from(u32::from(c))).collect();
    let gram = |some: &[i64]| (0..3).fold(0, |number, i| number << 21 | some.get(i).copied().unwrap_or(0));
    (1..=3).flat_map(|length| chars.windows(length).map(gram)).collect()
}

/// The stored form of a set.
fn stored(places: &[u16]) -> Vec<u8> {
    if places.len() < 2048 {
        return places.iter().flat_map(|place| place.to_le_bytes()).collect();
    }
    let mut bitmap = vec![0; 4096];
    for place in places {
        if let Some(byte) = bitmap.get_mut(usize::from(place / 8)) {
            *byte |= 1 << (place % 8);
        }
    }
    bitmap
}
