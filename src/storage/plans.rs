//! No query for a user goes through a table: the cost is that of what is asked for, not of what is stored.

use sea_orm::{ConnectionTrait as _, Value};

use super::Storage;
use super::conversations::{RELATION, overview_query};
use super::history::{bind, chat_list_query, history_query};
use super::replay::plan;
use crate::config::Config;

/// What SQLite does for a query, in its own words.
async fn explain(storage: &Storage, sql: &str, values: Vec<Value>) -> String {
    let statement = storage.statement(format!("EXPLAIN QUERY PLAN {sql}"), values);
    let rows = storage.reader.query_all_raw(statement).await.unwrap();
    let details: Vec<String> = rows.iter().map(|row| row.try_get("", "detail").unwrap()).collect();
    details.join("\n")
}

#[tokio::test]
async fn no_query_scans_a_table() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = Config::defaults().unwrap();
    config.server.data_dir = dir.path().to_owned();
    let storage = Storage::open(&config).await.unwrap();
    let one = || Value::from(1_i64);
    let history = explain(&storage, &history_query(), vec![1.into(), one(), one(), one(), bind(20)]).await;
    assert!(history.contains("USING INDEX messages_conversation"), "{history}");
    let replay = explain(&storage, &plan::query(), vec![1.into(), one(), one(), one()]).await;
    assert!(replay.contains("INDEX messages_conversation"), "{replay}");
    let chats = explain(&storage, &chat_list_query(), vec![1.into(), one(), bind(20)]).await;
    let overview = explain(&storage, &overview_query(), vec![1.into(), one(), one(), bind(20)]).await;
    let relation = explain(&storage, RELATION, vec![1.into(), 2.into(), one()]).await;
    for plan in [history, replay, chats, overview, relation] {
        // The only things gone through are the short lists that the query itself has made.
        let own = ["SCAN newest", "SCAN v", "SCAN plan"];
        assert!(plan.lines().all(|line| !line.starts_with("SCAN") || own.contains(&line)), "{plan}");
    }
    storage.close().await.unwrap();
}
