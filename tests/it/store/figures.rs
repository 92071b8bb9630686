//! The tables of the store as operators see them.

use fluent_backend::config::Config;
use fluent_backend::domain::UserId;
use fluent_backend::testing::{TestServer, seed};
use serde_json::Value;

use crate::support::local::Operator;

fn named<'a>(list: &'a Value, table: &str) -> &'a Value {
    let tables = list["tables"].as_array().unwrap();
    tables.iter().find(|shown| shown["table"] == table).unwrap_or_else(|| panic!("{table}: {list}"))
}

#[tokio::test]
async fn every_table_is_shown_with_its_size_and_for_how_long_it_keeps_its_rows() {
    let server = TestServer::start_alone(|config: &mut Config| config.messages.retention_days = 20).await;
    let mut operator = Operator::of(&server).await;
    let (alice, bob) = (server.sign_up("alice").await, server.sign_up("bob").await);
    let (mut device, _) = alice.live_device("a", None).await;
    device.store(bob.id, "hello").await;
    let list = operator.get("/admin/api/database/tables").await;
    assert_eq!(list["kind"], if server.data().is_sqlite() { "sqlite" } else { "postgres" });
    for (table, rows) in [("users", 2), ("messages", 1), ("bodies", 1), ("members", 2), ("reports", 0)] {
        let shown = named(&list, table);
        assert_eq!((&shown["rows"], &shown["rows_exact"]), (&Value::from(rows), &Value::from(true)), "{shown}");
        assert!(shown["bytes"].as_u64() > Some(0), "{shown}");
    }
    for shown in list["tables"].as_array().unwrap() {
        assert!(shown["keeps"].is_string(), "{shown}");
    }
    assert!(named(&list, "messages")["keeps"].as_str().unwrap().starts_with("20 days"), "{list}");
    for table in ["users", "messages", "bodies", "logins"] {
        assert!(named(&list, table)["oldest_at"].is_string(), "{table}");
    }
    assert!(named(&list, "reports")["oldest_at"].is_null());
    server.stop().await;
}

/// Of a large table of SQLite some pages are looked at, and the rest is reckoned from them.
#[tokio::test]
async fn large_tables_are_reckoned_from_some_of_their_pages() {
    const MESSAGES: u64 = 20_000;
    let dir = tempfile::tempdir().unwrap();
    // Whatever store the other tests run on.
    let change = |config: &mut Config| {
        config.server.data_dir = dir.path().join("data");
        config.database.url = "".into();
    };
    let mut config = TestServer::config();
    change(&mut config);
    let users: Vec<UserId> = seed::users(&config, 0, 2, "a good password").await;
    seed::messages(&config, &[(users[0], users[1])], MESSAGES, 300).await;
    let server = TestServer::start_alone(change).await;
    let tables = server.server().storage().table_figures().await.unwrap();
    assert_eq!(tables[0].table, "bodies", "the largest is the first");
    let messages = tables.iter().find(|found| found.table == "messages").unwrap();
    for found in [&tables[0], messages] {
        assert!(found.rows.unwrap().abs_diff(MESSAGES) < MESSAGES / 5, "{found:?}");
    }
    assert!(!tables[0].rows_exact && !tables[0].bytes_exact, "{tables:?}");
    assert!((MESSAGES * 600..MESSAGES * 1200).contains(&tables[0].bytes), "{tables:?}");
    server.stop().await;
}
