//! On PostgreSQL the row of `store` orders all writers: a transaction that depends on others waits for it.

use fluent_backend::Config;
use fluent_backend::domain::{Ciphertext, Command, Draft, MessageId, Seq, Timestamp};
use fluent_backend::storage::Storage;
use fluent_backend::testing::{TestDatabase, TestServer, eventually, seed, soon};
use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection, Statement, TransactionTrait as _};

use crate::support::postgres::{WAITING, database};

fn config(database: &TestDatabase) -> Config {
    let mut config = TestServer::config();
    config.database.url = database.url().into();
    config
}

async fn number(db: &DatabaseConnection, sql: &str) -> i64 {
    let statement = Statement::from_string(sea_orm::DatabaseBackend::Postgres, sql.to_owned());
    db.query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

/// Another transaction has taken seven numbers and not yet committed; `what` must wait for it.
async fn waits<T>(db: &DatabaseConnection, what: &str, doing: impl Future<Output = T>) -> T {
    let other = db.begin().await.unwrap();
    other.execute_unprepared("UPDATE store SET last_seq = last_seq + 7, clock = clock + 7 WHERE id = 1").await.unwrap();
    let mut doing = std::pin::pin!(doing);
    let is_waiting = async || (number(db, WAITING).await > 0).then_some(());
    tokio::select! {
        biased;
        _ = &mut doing => panic!("{what} did not wait for the one who has taken numbers"),
        () = eventually("it waits", is_waiting) => {}
    }
    other.commit().await.unwrap();
    soon(what, doing).await
}

/// After a lost connection the writer finds out where the store stands: nothing that is on its way may be overlooked.
#[tokio::test]
async fn the_probe_waits_for_what_is_on_its_way() {
    let Some(database) = database().await else { return };
    let storage = Storage::open(&config(&database)).await.unwrap();
    let db = Database::connect(database.url()).await.unwrap();
    let head = waits(&db, "the probe", storage.probe_head(0)).await.unwrap();
    assert_eq!(head, Seq(7), "what was on its way is known now");
    assert_eq!(storage.shared_head().await.unwrap().0, head);
    db.close().await.unwrap();
    storage.close().await.unwrap();
}

/// What clears away locks the row first, as batches do: one order, and the two never wait for each other.
#[tokio::test]
async fn whatever_changes_messages_waits_for_those_who_store_them() {
    let Some(database) = database().await else { return };
    let config = config(&database);
    let users = seed::users(&config, 0, 2, "correct horse battery staple").await;
    let storage = Storage::open(&config).await.unwrap();
    let db = Database::connect(database.url()).await.unwrap();
    let now = Timestamp::from_micros(1_000);
    let copy = || Ciphertext::parse("x".to_owned(), usize::MAX).unwrap();
    let send = || vec![Command::Send(Box::new(Draft::text(users[0], Some(users[1]), copy(), copy())))];
    storage.apply(send(), now).await.unwrap();

    let applied = waits(&db, "a batch", storage.apply(send(), now)).await.unwrap();
    assert_eq!(applied.batch.first, Seq(9), "its numbers come after theirs");
    let conversation = number(&db, "SELECT MIN(id) FROM conversations").await;
    let wipe = format!("INSERT INTO wipes (conversation_id, user_id, seq) VALUES ({conversation}, {}, 1)", users[0]);
    db.execute_unprepared(&wipe).await.unwrap();
    assert_eq!(waits(&db, "the wipe of an account", storage.wipe_accounts()).await.unwrap().destroyed, 2);
    db.execute_unprepared("INSERT INTO sweeps (seq, before) VALUES (1, 1)").await.unwrap();
    let mut swept = MessageId(0);
    waits(&db, "retention", storage.sweep(&mut swept)).await.unwrap();
    let later = Timestamp::from_micros(1_000_000);
    waits(&db, "dropping tombstones", storage.drop_before(later)).await.unwrap();
    db.close().await.unwrap();
    storage.close().await.unwrap();
}
