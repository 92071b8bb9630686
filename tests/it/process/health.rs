//! What readiness says of actors that stand still, fail or are slow, and of a disk that is nearly full.

use fluent_backend::actors::{ActorState, Fault};
use fluent_backend::telemetry::ActorKind;
use fluent_backend::testing::{TestServer, eventually};
use serde_json::{Value, json};

use crate::support::binary::{ServerProcess, run};
use crate::support::local::Operator;
use crate::support::v1::live;

/// How long an actor may work on one message in these tests.
const STUCK_AFTER_MS: u64 = 500;

async fn impatient() -> TestServer {
    TestServer::start_alone(|config| config.admin.stuck_after_ms = STUCK_AFTER_MS).await
}

/// The check of this name, if there is one.
fn check<'a>(body: &'a Value, name: &str) -> Option<&'a Value> {
    body["checks"].as_array().unwrap().iter().find(|check| check["name"] == name)
}

/// Waits until readiness has this status, and what it says of a part is as wanted. Returns that.
async fn told(server: &TestServer, status: u16, name: &str, wanted: impl Fn(Option<&Value>) -> bool) -> Value {
    let told = async || {
        let answer = server.admin().get("/readyz").await;
        let body: Value = answer.json();
        (answer.status == status && wanted(check(&body, name))).then_some(body)
    };
    eventually(&format!("/readyz is {status}, and as wanted of {name}"), told).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_stands_still_makes_the_server_unready_until_it_goes_on() {
    let server = impatient().await;
    let health = server.server().health().clone();
    let body = told(&server, 200, "persistence", |check| check.is_some_and(|check| check["ok"] == true)).await;
    let names: Vec<&str> =
        body["checks"].as_array().unwrap().iter().map(|check| check["name"].as_str().unwrap()).collect();
    let expected: &[&str] = if server.data().is_sqlite() {
        &["registry", "persistence", "database", "disk", "runtime"]
    } else {
        &["registry", "relay", "persistence", "database", "runtime"]
    };
    assert_eq!(names, expected);

    health.inflict(ActorKind::Persistence, Fault::Wedged);
    let body = told(&server, 503, "persistence", |check| check.is_some_and(|check| check["ok"] == false)).await;
    let failed = check(&body, "persistence").unwrap();
    let reason = failed["reason"].as_str().unwrap();
    assert!(reason.starts_with("has worked on one message for "), "{reason}");
    assert!(failed["since"].as_str().unwrap().ends_with('Z'), "{failed}");
    assert_eq!((&body["ready"], &body["actors"], &body["draining"]), (&false.into(), &false.into(), &false.into()));
    assert_eq!(check(&body, "registry").unwrap()["ok"], true);
    let judged = async || (health.last_state(ActorKind::Persistence) == ActorState::Stuck).then_some(());
    eventually("the thread has judged it", judged).await;
    assert_eq!(server.http().get("/healthz").await.status, 200, "the process answers");
    let watch = server.server().watch();
    assert!(!watch.works(), "nobody vouches for it to the service manager");

    health.inflict(ActorKind::Persistence, Fault::None);
    let body = told(&server, 200, "persistence", |check| check.is_some_and(|check| check["ok"] == true)).await;
    assert_eq!(check(&body, "persistence").unwrap().get("since"), None);
    assert!(watch.works());
    server.stop().await;
}

/// No message needs presence: clients stay, and the operator is warned.
#[tokio::test(flavor = "multi_thread")]
async fn presence_that_stands_still_is_a_warning() {
    let server = impatient().await;
    let alice = server.sign_up("alice").await;
    let health = server.server().health().clone();
    health.inflict(ActorKind::Presence, Fault::Wedged);
    let mut socket = alice.connect().await;
    let body = told(&server, 200, "presence", |check| check.is_some()).await;
    let warned = check(&body, "presence").unwrap();
    assert!(warned["warning"].as_str().unwrap().contains("one message"), "{warned}");
    assert_eq!((&warned["ok"], &body["actors"]), (&true.into(), &true.into()));
    socket.send_message(alice.id, "r", "s").await;
    assert_eq!(socket.next_message().await.content, "s");
    health.inflict(ActorKind::Presence, Fault::None);
    told(&server, 200, "presence", |check| check.is_none()).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_actor_that_panics_is_counted_with_its_error_and_replaced() {
    let mut server = impatient().await;
    let health = server.server().health().clone();
    server.expect_failures(1);
    health.inflict(ActorKind::Persistence, Fault::Panics);
    let failed = async || Some(health.snapshot(ActorKind::Persistence)).filter(|seen| seen.restarts == 1);
    let seen = eventually("the writer has failed", failed).await;
    let error = seen.last_error.unwrap();
    assert!(error.text.contains("panicked on request of a test"), "{error:?}");
    told(&server, 200, "persistence", |check| check.is_some_and(|check| check["ok"] == true)).await;
    assert_eq!(health.state(ActorKind::Persistence), ActorState::Running);
    server.stop().await;
}

/// An actor that takes long for each message is not stuck as long as it gets on with them.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_writer_is_told_by_those_who_wait_for_it() {
    let server = impatient().await;
    let health = server.server().health().clone();
    let slow = std::time::Duration::from_millis(2 * STUCK_AFTER_MS);
    health.inflict(ActorKind::Persistence, Fault::Slow(slow));
    told(&server, 503, "persistence", |check| check.is_some_and(|check| check["ok"] == false)).await;
    health.inflict(ActorKind::Persistence, Fault::None);
    told(&server, 200, "persistence", |check| check.is_some_and(|check| check["ok"] == true)).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_see_the_supervision_tree_and_no_user() {
    let mut server = impatient().await;
    let (alice, bob) = (server.sign_up("alice").await, server.sign_up("bob").await);
    let (mut device, mut legacy) = (live(&alice, "phone").await, bob.connect().await);
    legacy.send_message(alice.id, "for alice", "mine").await;
    legacy.next_message().await;
    device.next().await;
    server.expect_failures(1);
    server.server().health().inflict(ActorKind::Presence, Fault::Panics);
    drop(bob.connect().await);
    let health = server.server().health().clone();
    let replaced = async || {
        let seen = health.snapshot(ActorKind::Presence);
        (seen.restarts == 1 && health.state(ActorKind::Presence) == ActorState::Running).then_some(())
    };
    eventually("presence is replaced", replaced).await;
    let alone = async || (server.open_sockets() == 2).then_some(());
    eventually("the third socket is closed", alone).await;

    let answer = server.admin().get("/admin/actors").await.ok();
    let tree: Value = answer.json();
    let children = tree["root"]["children"].as_array().unwrap();
    let child = |kind: &str| children.iter().find(|child| child["kind"] == kind).unwrap();
    let kinds: Vec<&str> = children.iter().map(|child| child["kind"].as_str().unwrap()).collect();
    let expected: &[&str] = if server.data().is_sqlite() {
        &["registry", "persistence", "presence", "janitor"]
    } else {
        &["registry", "persistence", "presence", "janitor", "relay"]
    };
    assert_eq!((&tree["root"]["kind"], kinds.as_slice()), (&json!("root"), expected));
    assert!(children.iter().chain([&tree["root"]]).all(|actor| actor["state"] == "running"), "{tree}");
    assert!(children.iter().all(|actor| actor["bound"].as_str().is_some_and(|bound| !bound.is_empty())), "{tree}");
    assert_eq!(child("presence")["restarts"], 1);
    let error = &child("presence")["last_error"];
    assert!(error["text"].as_str().unwrap().contains("panicked") && error["at"].is_string(), "{error}");
    assert_eq!(child("registry")["last_error"], Value::Null);
    assert!(child("persistence")["batch"]["last_commands"].as_u64() >= Some(1), "{tree}");
    let sessions = &child("registry")["sessions"];
    assert_eq!((&sessions["actors"], &sessions["sockets"]), (&json!(2), &json!(2)));
    let oldest = sessions["oldest"].as_array().unwrap();
    assert_eq!((oldest[0]["dialects"].clone(), oldest[1]["dialects"].clone()), (json!(["v1"]), json!(["legacy"])));
    assert_eq!((&sessions["worst_queue"], &sessions["worst_wait"]), (&json!([]), &json!([])), "nothing waits");
    let text = answer.text();
    assert!(!text.contains("user_id") && !text.contains("alice"), "{text}");
    let local = Operator::of(&server).await.get("/admin/api/actors").await;
    assert_eq!(local["root"]["children"].as_array().unwrap().len(), children.len());
    assert_eq!(server.http().get("/admin/actors").await.status, 404, "not for clients");
    server.stop().await;
}

/// Before the disk is full, while everything still works.
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_with_too_little_room_is_told() {
    let dir = tempfile::tempdir().unwrap();
    // More than any disk has.
    let least = [("FLUENT__ADMIN__MIN_FREE_BYTES", "4000000000000000000")];
    let server = ServerProcess::start(dir.path(), &least).await;
    let full = async || {
        let answer = server.http().get("/readyz").await;
        (answer.status == 503).then(|| answer.json::<Value>())
    };
    let body = eventually("the disk has been looked at", full).await;
    let disk = check(&body, "disk").unwrap();
    assert!(disk["reason"].as_str().unwrap().contains("MiB are free"), "{disk}");
    assert_eq!((&body["database"], &body["actors"]), (&true.into(), &true.into()));
    // A restart would not make room.
    let variables = [("FLUENT__ADMIN__LISTEN", server.admin().to_string())];
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let output = run(dir.path(), &["healthcheck"], &variables).await;
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && said.starts_with("disk: "), "{said}");
    assert!(server.stop().await.success());
}
