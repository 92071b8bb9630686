//! Tests that no query for a user scans a table: its cost grows with the result, not with the store.
//!
//! These tests are for SQLite; the plans of PostgreSQL are asserted in `tests/it/engines/query_plans.rs`.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait as _, Value};

use crate::config::Config;
use crate::domain::{EmailAddress, PublicKey, Timestamp, UserId, UserName};
use crate::storage::commands::deletions::targets::targets_query;
use crate::storage::commands::lookup::questions::LOOK_UP;
use crate::storage::commands::receipts::statements::sides;
use crate::storage::engine::bulk::Bulk;
use crate::storage::engine::json_rows::Query;
use crate::storage::engine::page::bind;
use crate::storage::media::find::readable_query;
use crate::storage::messages::conversations::{RELATION, direct_overviews_query};
use crate::storage::messages::history::{chat_list_query, history_query};
use crate::storage::messages::replay::by_id::{by_id_query, deleted_query};
use crate::storage::messages::replay::plan;
use crate::storage::people::search::{ALL_USERS, blocks_query};
use crate::storage::people::users::by_ids;
use crate::storage::{SeedMessages, SeedUsers, Storage};

/// Returns SQLite's plan of a query, as SQLite describes it.
pub(super) async fn explain(storage: &Storage, sql: &str, values: Vec<Value>) -> String {
    let statement = storage.statement(format!("EXPLAIN QUERY PLAN {sql}"), values);
    let rows = storage.reads.query_all_raw(statement).await.unwrap();
    let details: Vec<String> = rows.iter().map(|row| row.try_get("", "detail").unwrap()).collect();
    details.join("\n")
}

#[tokio::test]
async fn no_query_scans_a_table() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = Config::defaults().unwrap();
    dir.path().clone_into(&mut config.server.data_dir);
    let storage = Storage::open(&config).await.unwrap();
    check_plans(&storage).await;
    // Nor with statistics that SQLite has gathered while there were few rows.
    seed_users(&storage, 1).await;
    storage.request_writes.execute_unprepared("ANALYZE").await.unwrap();
    let users = seed_users(&storage, 3_000).await;
    let pairs: Vec<(UserId, UserId)> = users.iter().copied().zip(users.iter().copied().skip(1)).collect();
    let (now, content_hash) = (Timestamp::from_micros(1), [0; 32]);
    let messages = SeedMessages { pairs: &pairs, count: 1_000_000, filler: "", length: 10, content_hash, now };
    storage.seed_messages(&messages).await.unwrap();
    storage.seed_deletions(users[10]).await.unwrap();
    storage.close().await.unwrap();
    let storage = Storage::open(&config).await.unwrap();
    check_plans(&storage).await;
    storage.close().await.unwrap();
}

pub(super) async fn seed_users(storage: &Storage, count: u32) -> Vec<UserId> {
    let names = (0..count).map(|i| {
        let email = EmailAddress::parse(format!("user{i}.{count}@example.org")).unwrap();
        (UserName::parse(format!("User {i} of {count}")).unwrap(), email)
    });
    let public_key = PublicKey::parse("AAAA".to_owned(), false).unwrap();
    let (names, now) = (names.collect::<Vec<_>>(), Timestamp::from_micros(0));
    let users = SeedUsers { names: &names, password_hash: "", public_key: &public_key, now };
    storage.seed_users(&users).await.unwrap()
}

async fn check_plans(storage: &Storage) {
    let one = || Value::from(1_i64);
    let history =
        explain(storage, &history_query(storage.backend()).json_sql(), vec![1.into(), one(), one(), one(), bind(20)])
            .await;
    let deleted =
        explain(storage, &deleted_query(storage.backend(), 8).json_sql(), (0..9).map(|_| one()).collect()).await;
    let replay =
        explain(storage, &plan::query(storage.backend()).json_sql(), vec![1.into(), one(), one(), one()]).await;
    let chats =
        explain(storage, &chat_list_query(storage.backend()).json_sql(), vec![1.into(), one(), bind(20), one()]).await;
    let overview =
        explain(storage, &direct_overviews_query(storage.backend()).json_sql(), vec![1.into(), one(), one(), bind(20)])
            .await;
    for pages in [&history, &replay, &chats, &overview] {
        for index in ["messages_conversation (conversation_id=?", "messages_left (conversation_id=? AND <expr>=?"] {
            assert!(pages.contains(index), "{index}: {pages}");
        }
    }
    assert!(overview.contains("messages_conversation_expires (conversation_id=? AND expires_at"), "{overview}");
    let relation = explain(storage, &RELATION, vec![1.into(), 2.into(), one()]).await;
    let all_users = explain(storage, &ALL_USERS, vec![1.into(), bind(20)]).await;
    let values = [1.into(), one()].into_iter().chain((0..8).map(|_| one())).collect();
    let by_id = explain(storage, &by_id_query(storage.backend(), 8).json_sql(), values).await;
    assert!(by_id.contains("SEARCH m USING INTEGER PRIMARY KEY"), "{by_id}");
    let mut plans = vec![history, replay, chats, overview, relation, all_users, by_id, deleted];
    for grams in [1, 2, 4, 16] {
        let values = [1.into(), bind(grams), bind(4)].into_iter().chain((0..grams).map(|_| one())).collect();
        let search = explain(storage, &blocks_query(usize::try_from(grams).unwrap()), values).await;
        assert!(search.contains("USING PRIMARY KEY (gram=? AND block=?)"), "{search}");
        plans.push(search);
    }
    let receipts = Bulk::<6>::with_one_row(sides(storage.backend()));
    let receipts = explain(storage, &receipts, (0..6).map(|_| one()).collect()).await;
    for index in
        ["messages_conversation (conversation_id=?", "messages_left (conversation_id=? AND <expr>=? AND timestamp"]
    {
        assert!(receipts.contains(index), "{receipts}");
    }
    plans.push(receipts);
    // The look-ups of a batch before it is stored.
    plans.push(explain(storage, &Bulk::<5>::with_one_row(&LOOK_UP), (0..5).map(|_| one()).collect()).await);
    let targets = Bulk::<1>::with_one_row(&targets_query(storage.backend()));
    plans.push(explain(storage, &targets, vec![one()]).await);
    let readable =
        explain(storage, &readable_query(storage.backend()), vec![1.into(), one(), vec![0_u8; 16].into()]).await;
    for index in ["media USING PRIMARY KEY", "media_refs_media (media_id=?)", "m USING INTEGER PRIMARY KEY"] {
        assert!(readable.contains(index), "{readable}");
    }
    plans.push(readable);
    for statement in by_ids(storage.backend(), &[UserId(1), UserId(2)]) {
        plans.push(explain(storage, &statement.sql, statement.values.unwrap().0).await);
    }
    for plan in plans {
        scans_only_what_it_made(&plan);
    }
}

/// Asserts that a query scans only the short lists that it has made itself.
fn scans_only_what_it_made(plan: &str) {
    let made = "c r v plan p q part0 part1 part2 parts newest newest0 newest1 newest2 gone chosen sized page";
    let own: Vec<&str> = made.split(' ').chain(["CONSTANT ROW", "2 CONSTANT ROWS"]).collect();
    let is_own = |line: &str| {
        line.strip_prefix("SCAN ").is_some_and(|what| own.contains(&what) || what.starts_with("(subquery-"))
    };
    assert!(plan.lines().all(|line| !line.starts_with("SCAN") || is_own(line)), "{plan}");
}

/// Counts how often each cursor of SQLite's program for a query reads a whole ciphertext from `bodies`, not only its
/// size (`OPFLAG_BYTELENARG` of <https://sqlite.org/opcode.html#Column>).
async fn ciphertexts_read(storage: &Storage, query: &Query) -> BTreeMap<i64, usize> {
    let root = storage.statement("SELECT rootpage FROM sqlite_master WHERE name = 'bodies'", []);
    let root: i64 = storage.reads.query_one_raw(root).await.unwrap().unwrap().try_get_by_index(0).unwrap();
    let statement = storage.statement(format!("EXPLAIN {}", query.json_sql()), []);
    let (mut cursors, mut read) = (BTreeSet::new(), BTreeMap::new());
    for row in storage.reads.query_all_raw(statement).await.unwrap() {
        let opcode: String = row.try_get("", "opcode").unwrap();
        let [p1, p2, p5]: [i64; 3] = ["p1", "p2", "p5"].map(|name| row.try_get("", name).unwrap());
        if opcode == "OpenRead" && p2 == root {
            cursors.insert(p1);
        } else if opcode == "Column" && cursors.contains(&p1) && p2 > 0 && p5 & 0xC0 == 0 {
            *read.entry(p1).or_default() += 1;
        }
    }
    assert!(cursors.len() > 1, "the query looks at sizes first");
    read
}

/// Otherwise a page of large messages would read all candidates, not only the messages on it.
#[tokio::test]
async fn sizes_are_found_without_reading_the_ciphertexts() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = Config::defaults().unwrap();
    dir.path().clone_into(&mut config.server.data_dir);
    let storage = Storage::open(&config).await.unwrap();
    let backend = storage.backend();
    for query in [history_query(backend), chat_list_query(backend), direct_overviews_query(backend)] {
        let read = ciphertexts_read(&storage, &query).await;
        // One place reads the one copy or the other.
        assert_eq!(read.values().copied().collect::<Vec<_>>(), [2], "{}", query.sql);
    }
    storage.close().await.unwrap();
}

/// See [`bind`].
#[test]
fn no_limit_is_a_bare_parameter() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/storage");
    let mut dirs = vec![root];
    let (mut limits, parameter) = (0, ["LIMIT ", "$"].concat());
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for (_, after) in text.match_indices(&parameter).map(|(at, found)| text.split_at(at + found.len())) {
                limits += 1;
                assert!(after.trim_start_matches(char::is_numeric).starts_with(" + 0"), "{}", path.display());
            }
        }
    }
    assert!(limits > 5, "the test finds the limits");
}
