//! The plans of PostgreSQL for requests on a table of a million messages, as PostgreSQL logs them for the statements
//! that it has run, with their parameters, and whether the plan was generic or custom.
//!
//! Those of SQLite are asserted in `src/storage/testing/query_plans.rs`.

use std::collections::BTreeSet;

use fluent_backend::Config;
use fluent_backend::domain::UserId;
use fluent_backend::testing::{PostgresSettings, TestClient, TestServer, seed, send_frame};
use sea_orm::{ConnectionTrait as _, Database};
use serde_json::{Value, json};

use crate::support::postgres::Postgres;
use crate::support::v1::assert_fields;

/// So many that going through them costs more than to look up a page of them.
const USERS: u64 = 20_000;
/// Users who have written to each other.
const WRITERS: usize = 2_000;
const MESSAGES: u64 = 1_000_000;
/// More often than a prepared statement is planned for its parameters before PostgreSQL considers a general plan.
const TIMES: usize = 8;
/// Tables that grow with the store. No request may scan them.
const LARGE: [&str; 6] = ["messages", "bodies", "conversations", "members", "users", "user_grams"];
/// A device of each user, which is registered to be woken at a service that this server does not use.
const DEVICES: [&str; 3] = [
    "INSERT INTO logins (id, user_id, created_at, last_used_at, expires_at, dialect) \
     SELECT id + 1000000, id, 0, 0, 9000000000000000, 2 FROM users",
    "INSERT INTO push_targets (user_id, device_id, login_id, provider, token, token_hash, created_at, acked_seq, \
     acked_at) SELECT id, 'd', id + 1000000, 1, 'token', id::text::bytea, 0, 0, 0 FROM users",
    "ANALYZE push_targets, logins",
];
/// Statements that count all devices, for operators, or ask whether there is one.
const ABOUT_ALL_DEVICES: [&str; 2] = ["COUNT(owed_seq)", "EXISTS (SELECT 1 FROM push_targets)"];
/// Partial indexes that are nearly always empty, and may be walked whole.
const SMALL: [&str; 1] = ["messages_unreleased"];
/// What must have been used, or the test would have missed a query: for history, lists, replay; what is read by id;
/// the retry of a send; a user's conversations; who has written with whom; search; what a message owes to devices, and
/// which of them are due.
const USED: [&str; 10] = [
    "messages_conversation",
    "messages_left",
    "bodies_pkey",
    "messages_client",
    "members_pkey",
    "conversations_direct_key",
    "users_pkey",
    "user_grams_pkey",
    "push_targets_pkey",
    "push_targets_due",
];

/// The users who read or write.
async fn ask_everything(server: &TestServer, me: usize, users: &[UserId]) {
    let number = u64::try_from(me).unwrap();
    let client = TestClient::log_in(server.http(), &seed::name(number), users[me].0).await;
    let partner = users[me + 1].0;
    let (mut device, _) = client.live_device("a", None).await;
    for i in 0..TIMES {
        let middle = MESSAGES / 2 + u64::try_from(i).unwrap();
        let path = format!("/chat/all_messages?partnerID={partner}&before_id={middle}&limit=20");
        assert_eq!(client.http.get(&path).await.ok().json::<Vec<Value>>().len(), 20);
        let list: Vec<Value> = client.http.get("/chat/chat_list").await.ok().json();
        assert!(list.len() >= 6, "{}", list.len());
        let list: Vec<Value> = client.http.get("/chat/conversations").await.ok().json();
        assert!(list.len() >= 6, "{}", list.len());
        let path = format!("/chat/sync?since={}&limit=100", device.cursor(i64::try_from(middle).unwrap()));
        let page: Value = client.http.get(&path).await.ok().json();
        assert!(!page["events"].as_array().unwrap().is_empty());
        for text in ["a", "an", "anna", "example.org", "nobody at all"] {
            client.http.get(&format!("/users/search?query={}", text.replace(' ', "%20"))).await.ok();
        }
        // To known partners, to a new one, and again.
        let names = [me + 1, me + 7, me + 100 + i].map(|at| send_frame(users[at].0, &format!("{me}-{i}-{at}")));
        let mut newest = Value::Null;
        for frame in &names {
            newest = device.ask(frame).await;
            assert_fields(&newest, &json!({"type": "stored", "duplicate": false}));
        }
        for frame in &names {
            assert_fields(&device.ask(frame).await, &json!({"type": "stored", "duplicate": true}));
        }
        device.ask(&json!({"type": "read", "partner_id": partner, "up_to_id": list[0]["last_message"]["id"]})).await;
        device.ask(&json!({"type": "delete", "id": newest["id"], "for": "me"})).await;
    }
}

/// The words behind `phrase` in the log.
fn named(log: &str, phrase: &str) -> BTreeSet<String> {
    let word = |after: &str| after.split(|c: char| !c.is_alphanumeric() && c != '_').next().map(str::to_owned);
    log.match_indices(phrase).filter_map(|(at, _)| word(&log[at + phrase.len()..])).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_goes_through_a_table_on_postgresql() {
    let more = ["shared_preload_libraries=auto_explain", "auto_explain.log_min_duration=0", "wal_level=minimal"];
    let more = more.into_iter().chain(["max_wal_senders=0", "max_wal_size=4GB", "autovacuum=off"]);
    let settings = PostgresSettings { more: more.map(str::to_owned).collect(), ..PostgresSettings::default() };
    let Some(postgres) = Postgres::start_with(settings).await else { return };
    let mut config = TestServer::config();
    config.database.url = postgres.url("fluent").into();
    let users = seed::users(&config, 0, USERS, TestClient::PASSWORD).await;
    let others = |step| users.iter().copied().take(WRITERS).zip(users.iter().copied().skip(step));
    let pairs: Vec<(UserId, UserId)> = [1, 7, 31].into_iter().flat_map(others).collect();
    Box::pin(seed::messages(&config, &pairs, MESSAGES, 16)).await;
    let db = Database::connect(postgres.url("fluent")).await.unwrap();
    for sql in DEVICES {
        db.execute_unprepared(sql).await.unwrap();
    }

    let seeded = postgres.log().len();
    let change = |config: &mut Config| {
        config.database.url = postgres.url("fluent").into();
        config.push.webpush.contact = "mailto:operator@example.org".into();
    };
    let server = TestServer::start_with(change).await;
    // One warms up what is kept in memory for the other.
    for me in [100, 101] {
        Box::pin(ask_everything(&server, me, &users)).await;
    }
    server.stop().await;

    let log = postgres.log();
    let log = &log[seeded..];
    for table in named(log, "Seq Scan on ") {
        assert!(
            !LARGE.contains(&table.as_str()),
            "somebody goes through {table}:\n{}",
            around(log, &format!("Seq Scan on {table}"))
        );
    }
    for plan in log.split("Query Text:").map(|plan| plan.split("LOG:").next().unwrap_or_default()) {
        let is_about_all = ABOUT_ALL_DEVICES.iter().any(|statement| plan.contains(statement));
        assert!(is_about_all || !plan.contains("Seq Scan on push_targets"), "somebody goes through devices: {plan}");
    }
    // The same by way of an index.
    for (node, plan) in without_condition(log) {
        if SMALL.iter().any(|index| node.contains(&format!(" using {index} on "))) {
            continue;
        }
        assert!(!LARGE.iter().any(|table| node.contains(&format!(" on {table} "))), "{node}:\n{plan}");
    }
    assert!(!log.contains("JIT:"), "somebody waits for a compiler:\n{}", around(log, "JIT:"));
    let used: BTreeSet<String> = ["Index Scan using ", "Index Only Scan using ", "Bitmap Index Scan on "]
        .into_iter()
        .flat_map(|phrase| named(log, phrase))
        .chain(named(log, "Index Scan Backward using "))
        .collect();
    for index in USED {
        assert!(used.contains(index), "{index} was not used, but {used:?}");
    }
    // Pages of history end at their limit: a conversation is not gathered and sorted for them.
    let pages: Vec<&str> = log.split("Query Text:").filter(|plan| plan.contains("m.timestamp < $4")).collect();
    assert!(pages.len() >= 2 * TIMES, "{}", pages.len());
    for plan in pages {
        let plan = plan.split("LOG:").next().unwrap_or_default();
        let walks = ["messages_conversation", "messages_left"];
        let is_walk = walks.iter().all(|index| plan.contains(&format!("Index Scan Backward using {index}")));
        // The two are merged as they come. What is sorted is the page, without what its messages hold.
        let sorted = plan.matches("->  Sort").count() - plan.matches("Sort Key: sized.\"timestamp\" DESC").count();
        assert!(is_walk && sorted == 0, "{plan}");
    }
}

/// Walks along an index from one end to the other, each with its statement and plan: the condition of others is in the
/// line below.
fn without_condition(log: &str) -> impl Iterator<Item = (&str, &str)> {
    let plans = log.split("Query Text:").map(|plan| plan.split("LOG:").next().unwrap_or_default());
    plans.flat_map(|plan| {
        let pairs = plan.lines().zip(plan.lines().skip(1).chain([""]));
        let walks = pairs.filter(|(node, next)| {
            node.contains("Index") && node.contains(" Scan ") && node.contains("cost=") && !next.contains("Index Cond:")
        });
        walks.map(move |(node, _)| (node, plan))
    })
}

/// The first statement whose plan has this phrase, and the plan.
fn around<'a>(log: &'a str, phrase: &str) -> &'a str {
    let at = log.find(phrase).unwrap_or_default();
    let from = log[..at].rfind("Query Text:").unwrap_or_default();
    let to = log[at..].find("LOG:").map_or(log.len(), |end| at + end);
    &log[from..to]
}
