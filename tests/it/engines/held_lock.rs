//! How many statements PostgreSQL gets while a transaction holds the row of `store`, for which all writers wait: no
//! more for many rows than for few.

use fluent_backend::domain::{Ciphertext, Command, Draft, MessageId, Scope, Timestamp, UserId};
use fluent_backend::storage::Storage;
use fluent_backend::testing::{PostgresSettings, TestServer, seed};
use sea_orm::{ConnectionTrait as _, Database};

use crate::support::postgres::Postgres;

const MESSAGES: u32 = 600;

/// The statements of each transaction that has locked the row: that which locks it, up to the commit.
fn while_locked(log: &str) -> Vec<Vec<&str>> {
    let (mut held, mut all) = (None::<Vec<&str>>, Vec::new());
    for line in log.lines().filter(|line| line.contains("LOG:  execute ") || line.contains("LOG:  statement: ")) {
        if held.is_none() && (line.contains("UPDATE store SET ") || line.contains("WHERE id = 1 FOR UPDATE")) {
            held = Some(Vec::new());
        }
        let Some(statements) = held.as_mut() else { continue };
        statements.push(line);
        if line.ends_with("COMMIT") {
            all.extend(held.take());
        }
    }
    all
}

fn send(from: UserId, to: UserId) -> Command {
    let copy = || Ciphertext::parse("x".to_owned(), 10).unwrap();
    Command::Send(Box::new(Draft::text(from, Some(to), copy(), copy())))
}

#[tokio::test(flavor = "multi_thread")]
async fn many_rows_take_no_more_statements_than_few() {
    let more = vec!["log_statement=all".to_owned()];
    let settings = PostgresSettings { more, ..PostgresSettings::default() };
    let Some(postgres) = Postgres::start_with(settings).await else { return };
    let mut config = TestServer::config();
    config.database.url = postgres.url("fluent").into();
    let users = seed::users(&config, 0, 2, "correct horse battery staple").await;
    let storage = Storage::open(&config).await.unwrap();
    let at = |s| Timestamp::from_micros(0).plus_secs(s);
    let sends = (0..MESSAGES).map(|i| send(users[i as usize % 2], users[(i as usize + 1) % 2]));
    storage.apply(sends.collect(), at(1)).await.unwrap();

    let checked = async |what: &str, most: usize, from: usize| {
        let log = postgres.log();
        let found = while_locked(&log[from..]);
        assert!(!found.is_empty(), "{what}: {}", &log[from..]);
        assert!(found.iter().all(|held| held.len() <= most), "{what}: {found:#?}");
        log.len()
    };
    // Numbers, targets, all changes, commit.
    let mut from = postgres.log().len();
    let delete = |id: u32| {
        let scope = if id.is_multiple_of(3) { Scope::Everyone } else { Scope::Me };
        Command::Delete { user: users[(id as usize + 1) % 2], id: MessageId(id.into()), scope }
    };
    let deleted = storage.apply((1..=200).map(delete).collect(), at(2)).await.unwrap();
    assert!(deleted.outcomes.iter().all(|outcome| outcome.answer.is_ok()));
    from = checked("deletions", 4, from).await;

    // The lock, what is to be destroyed, all changes, commit.
    storage.apply(vec![Command::Retain(at(2))], at(3)).await.unwrap();
    from = checked("the beginning of retention", 5, from).await;
    let mut swept = MessageId(0);
    assert_eq!(storage.sweep(&mut swept).await.unwrap().destroyed, 200);
    from = checked("a sweep", 4, from).await;

    // The lock, all changes, commit.
    let db = Database::connect(postgres.url("fluent")).await.unwrap();
    let wipe = format!("INSERT INTO wipes SELECT id, {}, 1 FROM conversations", users[0]);
    db.execute_unprepared(&wipe).await.unwrap();
    assert!(storage.wipe_accounts().await.unwrap().destroyed > 200);
    from = checked("the wipe of an account", 3, from).await;

    // The lock, events, tombstones, the horizon, commit.
    assert!(storage.drop_before(at(4)).await.unwrap().dropped > 200);
    from = checked("dropping tombstones", 5, from).await;

    // Logins do not need it.
    storage.drop_logins(at(5), at(5)).await.unwrap();
    storage.drop_tickets(at(5)).await.unwrap();
    assert_eq!(while_locked(&postgres.log()[from..]), Vec::<Vec<&str>>::new());
    db.close().await.unwrap();
    storage.close().await.unwrap();
}
