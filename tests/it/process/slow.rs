//! What takes long is in the log, with the requests and sockets that waited for it, and is listed for operators.

use std::path::Path;
use std::time::{Duration, Instant};

use fluent_backend::http::LocalClient;
use fluent_backend::testing::{Answer, DatabaseLink, Http, TestClient, eventually, send_frame};
use http::Method;
use sea_orm::{ConnectionTrait as _, Database};
use serde_json::Value;

use crate::support::binary::ServerProcess;
use crate::support::postgres::Postgres;
use crate::support::v1::live;

/// Far below what the tests make wait, far above what a machine that is not too busy needs.
const SLOW: [(&str, &str); 3] = [
    ("FLUENT__LOG__SLOW_QUERY_MS", "150"),
    ("FLUENT__LOG__SLOW_HANDLER_MS", "150"),
    ("FLUENT__LOG__SLOW_BATCH_MS", "150"),
];
/// For how long they make it wait.
const STALL: Duration = Duration::from_millis(400);

/// The lines of the log with this message that `wanted` accepts.
fn lines(server: &ServerProcess, message: &str, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
    let log = server.log();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["fields"]["message"] == message && wanted(line)).collect()
}

/// Waits for a line with this message that `wanted` accepts.
async fn line(server: &ServerProcess, message: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    eventually(message, || {
        let found = lines(server, message, &wanted).pop();
        async move { found }
    })
    .await
}

/// Returns whether a field lists an id.
fn lists(line: &Value, field: &str, id: &str) -> bool {
    line["fields"][field].as_str().is_some_and(|listed| listed.split(' ').any(|listed| listed == id))
}

fn id_of(answer: &Answer) -> String {
    answer.headers["x-request-id"].to_str().unwrap().to_owned()
}

async fn in_flight(admin: &Http) -> u32 {
    let metrics = admin.get("/metrics").await.ok().text();
    let line = metrics.lines().find(|line| line.starts_with("fluent_commands_in_flight ")).unwrap().to_owned();
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

/// Waits until a command has waited for its commit for [`STALL`].
async fn stalled(server: &ServerProcess) {
    let admin = Http::new(server.admin());
    eventually("a command waits", async || (in_flight(&admin).await > 0).then_some(())).await;
    let since = Instant::now();
    eventually("it has waited for long", async || (since.elapsed() > STALL).then_some(())).await;
}

async fn listed(dir: &Path) -> Vec<Value> {
    let mut operator = LocalClient::connect(&dir.join("data/admin.sock")).await.unwrap();
    let answer = operator.ask(Method::GET, "/admin/api/database/slow", None).await.unwrap();
    let list: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(list["over_ms"], 150);
    list["statements"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_batch_names_the_requests_and_sockets_that_it_held() {
    let dir = tempfile::tempdir().unwrap();
    let server = ServerProcess::start_with_json_log(dir.path(), &SLOW).await;
    let (alice, bob) =
        (TestClient::sign_up(server.http(), "alice").await, TestClient::sign_up(server.http(), "bob").await);
    let mut socket = live(&alice, "phone").await;
    let file = dir.path().join("data/fluent.db");
    let other = Database::connect(format!("sqlite://{}", file.display())).await.unwrap();

    other.execute_unprepared("BEGIN IMMEDIATE").await.unwrap();
    let (posting, frame) = (alice.http.clone(), send_frame(bob.id, "by-rest"));
    let posted = tokio::spawn(async move { posting.post("/chat/messages", &frame).await });
    stalled(&server).await;
    other.execute_unprepared("ROLLBACK").await.unwrap();
    let posted = posted.await.unwrap();
    assert_eq!(posted.status, 201);
    let id = id_of(&posted);
    let batch = line(&server, "a batch was slow", |line| lists(line, "request.ids", &id)).await;
    assert!(batch["level"] == "WARN" && batch["fields"]["duration_ms"].as_u64().unwrap() > 150, "{batch}");
    assert!(batch["fields"]["commands"] == 1 && batch["fields"].get("connection.ids").is_none(), "{batch}");
    let begin = line(&server, "a statement was slow", |line| lists(line, "request.ids", &id)).await;
    assert!(begin["fields"]["statement"] == "BEGIN" && begin["fields"]["pool"] == "batches", "{begin}");
    let request = line(&server, "a request was slow", |line| line["spans"][0]["request.id"] == id.as_str()).await;
    assert!(request["fields"]["route"] == "/chat/messages" && request["fields"]["status"] == 201, "{request}");

    other.execute_unprepared("BEGIN IMMEDIATE").await.unwrap();
    socket.send(&send_frame(bob.id, "by-socket")).await;
    stalled(&server).await;
    other.execute_unprepared("ROLLBACK").await.unwrap();
    let batch = line(&server, "a batch was slow", |line| line["fields"]["connection.ids"].is_string()).await;
    assert!(batch["fields"]["connection.ids"] == "1" && batch["fields"].get("request.ids").is_none(), "{batch}");

    // A busy machine may keep the requests' own waiting, too, and have a slow batch more.
    let begin = eventually("both times are kept", async || {
        let of_writer = |it: &Value| it["statement"] == "BEGIN" && it["pool"] == "batches";
        let begin = listed(dir.path()).await.into_iter().find(of_writer)?;
        (begin["count"].as_u64() >= Some(2)).then_some(begin)
    })
    .await;
    assert!(begin["longest_ms"].as_u64() >= begin["latest_ms"].as_u64(), "{begin}");
    // No line about a message names a user beside a length.
    for line in server.log().lines() {
        assert!(!(line.contains("user.id") && line.contains("bytes")), "{line}");
    }
    assert!(server.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_statement_of_a_request_is_logged_with_it_and_listed_without_values() {
    let Some(postgres) = Postgres::start().await else { return };
    let link = DatabaseLink::to(postgres.socket()).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let url = link.url("fluent", "fluent");
    let variables = [&SLOW[..], &[("DATABASE_URL", &*url)]].concat();
    let server = ServerProcess::start_with_json_log(dir.path(), &variables).await;
    let alice = TestClient::sign_up(server.http(), "alice").await;
    // A connection for reading is open.
    alice.http.get("/chat/chat_list").await.ok();
    link.stall();
    let reading = alice.http.clone();
    let path = format!("/users/search?query={}", "very-secret-name");
    let read = tokio::spawn(async move { reading.get(&path).await });
    let since = Instant::now();
    eventually("it has waited for long", async || (since.elapsed() > STALL).then_some(())).await;
    link.flow();
    let read = read.await.unwrap().ok();
    let id = id_of(&read);
    let slow = line(&server, "a statement was slow", |line| line["spans"][0]["request.id"] == id.as_str()).await;
    assert!(slow["fields"]["pool"] == "reads" && slow["level"] == "WARN", "{slow}");
    let statements = listed(dir.path()).await;
    let listed = statements.iter().find(|it| it["request_id"] == id.as_str()).expect("it is listed");
    let text = listed["statement"].as_str().unwrap();
    assert!(text.starts_with(slow["fields"]["statement"].as_str().unwrap()), "{listed}");
    assert!(listed["longest_ms"].as_u64() > Some(150), "{listed}");
    let admin = Http::new(server.admin());
    let metrics = admin.get("/metrics").await.ok().text();
    let count = metrics.lines().find_map(|line| line.strip_prefix("fluent_db_slow_queries_total ")).unwrap();
    assert!(count.parse::<u32>().unwrap() > 0);
    let statements = Value::from(statements).to_string();
    assert!(!server.log().contains("very-secret-name") && !statements.contains("very-secret-name"));
    assert!(server.stop().await.success());
}
