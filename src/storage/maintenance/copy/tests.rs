//! Tests that a copy fails when a row was damaged, lost or doubled on the way.

use std::path::Path;

use super::row::{CopyRow, CopyValue};
use super::*;
use crate::domain::{Ciphertext, Command, Draft, Timestamp, UserId};
use crate::storage::Storage;
use crate::storage::testing::accounts::{add_users, config_in};

fn quiet(_: CopyStep<'_>) {}

fn on(dir: &Path, name: &str) -> Config {
    let mut config = config_in(dir);
    config.database.url = format!("sqlite://{}", dir.join(name).display()).into();
    config
}

/// Fills most tables of a store.
async fn lived_in(config: &Config) {
    let storage = Storage::open(config).await.unwrap();
    let now = Timestamp::from_micros(1);
    add_users(&storage, &["alice", "bob"], now).await;
    let copy = |text: &str| Ciphertext::parse(text.to_owned(), usize::MAX).unwrap();
    let send =
        |to| Command::Send(Box::new(Draft::text(UserId(1), Some(UserId(to)), copy("one copy"), copy("another"))));
    storage.apply(vec![send(2), send(1), send(2)], now).await.unwrap();
    storage.close().await.unwrap();
}

/// The damage to a row of a copy.
#[derive(Clone, Copy, Debug)]
enum Wrong {
    Changed,
    Lost,
}

/// Damages the last row of a batch.
fn damaged(batch: &CopyBatch, wrong: Wrong) -> CopyBatch {
    let mut rows: Vec<CopyRow> = batch.as_slice().to_vec();
    let mut last = rows.pop().unwrap();
    if let Wrong::Changed = wrong {
        // The last columns are no keys.
        let value = last.iter_mut().rfind(|value| **value != CopyValue::Null).unwrap();
        match value {
            CopyValue::Int(number) => *number ^= 1,
            CopyValue::Text(text) => text.push('x'),
            CopyValue::Bytes(bytes) => bytes.push(0),
            CopyValue::Null => unreachable!("left out"),
        }
        rows.push(last);
    }
    let mut damaged = CopyBatch::default();
    for row in rows {
        damaged.push(row);
    }
    damaged
}

/// Copies a store, with the rows of one table damaged. Returns the result of the comparison, and whether there is a
/// store at the target.
async fn copied(from: &Config, to: &Config, wrong: Option<(&str, Wrong)>) -> (Result<(), CopyError>, bool) {
    let (Store::Sqlite(source), Store::Sqlite(path)) = (store(from).unwrap(), store(to).unwrap()) else { panic!() };
    let mut source = Database::Sqlite(Box::new(Sqlite::source(from, &source).await.unwrap()));
    let mut target = Database::Sqlite(Box::new(Box::pin(Sqlite::target(to, &path)).await.unwrap()));
    let tables = source.tables().await.unwrap();
    let mut sums = Vec::new();
    for table in &tables {
        let (sender, mut read) = mpsc::channel::<CopyBatch>(QUEUE);
        let (arriving, receiver) = mpsc::channel::<CopyBatch>(QUEUE);
        let wrong = wrong.filter(|(name, _)| *name == table.name).map(|(_, wrong)| wrong);
        let carry = async {
            while let Some(batch) = read.recv().await {
                let rows = batch.as_slice().len();
                let damaged = wrong.filter(|_| rows > 0).map(|wrong| damaged(&batch, wrong));
                arriving.send(damaged.unwrap_or(batch)).await.unwrap();
            }
            drop(arriving);
            Ok(())
        };
        let (sum, (), ()) =
            tokio::try_join!(source.read(table, sender, &quiet), carry, target.write(table, receiver)).unwrap();
        sums.push(sum);
    }
    let marks = source.marks().await.unwrap();
    target.set_marks(&marks).await.unwrap();
    target.build_indexes().await.unwrap();
    let compared = compare(&mut target, &tables, &sums, &marks, &quiet).await;
    if compared.is_ok() {
        target.publish().await.unwrap();
    } else {
        drop(target);
    }
    source.close().await.unwrap();
    (compared, path.exists())
}

#[tokio::test]
async fn a_row_that_arrives_changed_or_not_at_all_is_noticed_in_every_table() {
    let dir = tempfile::tempdir().unwrap();
    let (from, to) = (on(dir.path(), "from.db"), on(dir.path(), "to.db"));
    lived_in(&from).await;
    for table in ["users", "user_grams", "conversations", "members", "messages", "bodies", "store"] {
        for wrong in [Wrong::Changed, Wrong::Lost] {
            let (compared, is_there) = copied(&from, &to, Some((table, wrong))).await;
            let Err(CopyError::Differs(name)) = compared else { panic!("{table} {wrong:?}: {compared:?}") };
            assert_eq!((name.as_str(), is_there), (table, false), "{wrong:?}");
        }
    }
    let (compared, is_there) = copied(&from, &to, None).await;
    assert!(compared.is_ok() && is_there, "{compared:?}");
}

/// A counter that is behind would give an id a second time.
#[tokio::test]
async fn counters_are_compared_too() {
    let dir = tempfile::tempdir().unwrap();
    let (from, to) = (on(dir.path(), "from.db"), on(dir.path(), "to.db"));
    lived_in(&from).await;
    let path = dir.path().join("to.db");
    let mut target = Database::Sqlite(Box::new(Box::pin(Sqlite::target(&to, &path)).await.unwrap()));
    target.set_marks(&Marks::from([("users".to_owned(), 2)])).await.unwrap();
    let marks = Marks::from([("users".to_owned(), 3)]);
    let compared = compare(&mut target, &[], &[], &marks, &quiet).await;
    assert!(matches!(&compared, Err(CopyError::Differs(what)) if what == "the counters"), "{compared:?}");
    drop(target);
    assert!(!path.exists());
}
