//! The server at a glance, and its sockets, as operators see them.

use fluent_backend::actors::Fault;
use fluent_backend::telemetry::ActorKind;
use fluent_backend::testing::{TestServer, eventually};
use http::Method;
use serde_json::{Value, json};

use crate::support::local::Operator;
use crate::support::v1::live;

#[tokio::test(flavor = "multi_thread")]
async fn the_server_is_seen_at_a_glance() {
    let server = TestServer::start_alone(|config| config.server.max_connections = 500).await;
    let (alice, bob) = (server.sign_up("alice").await, server.sign_up("bob").await);
    let (_device, mut legacy) = (live(&alice, "phone").await, bob.connect().await);
    legacy.send_message(alice.id, "r", "s").await;
    legacy.next_message().await;
    let whole = async || {
        let seen = Operator::of(&server).await.get("/admin/api/overview").await;
        // A second has passed.
        (seen["messages_per_s"].is_f64() && seen["cpu_cores"].is_f64()).then_some(seen)
    };
    let seen = eventually("a second has passed", whole).await;
    assert_eq!((&seen["ready"], &seen["draining"]), (&json!(true), &json!(false)));
    assert_eq!((&seen["problems"], &seen["warnings"]), (&json!([]), &json!([])), "{seen}");
    assert_eq!(seen["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(seen["sockets"], json!({"legacy": 1, "v1": 1, "background": 0}));
    assert_eq!((&seen["sessions"], &seen["restarts"]), (&json!(2), &json!(0)));
    assert_eq!(seen["connections"]["limit"], 500);
    assert!(seen["connections"]["open"].as_u64() >= Some(2), "{seen}");
    assert!(seen["rss_bytes"].as_u64() > Some(1 << 20) && seen["cpus"].as_u64() >= Some(1), "{seen}");
    assert!(seen["fds"]["open"].as_u64() > Some(2) && seen["fds"]["limit"].is_u64(), "{seen}");
    assert!(seen["passwords"]["threads"].as_u64() >= Some(1), "{seen}");
    for kind in ["root", "registry", "session", "persistence", "presence", "janitor"] {
        assert!(seen["mailbox"][kind]["waiting"].is_u64(), "{kind}: {seen}");
    }
    let database = &seen["database"];
    let (kind, disks) = if server.data().is_sqlite() { ("sqlite", 1) } else { ("postgres", 0) };
    assert_eq!(database["kind"], kind);
    for pool in ["requests", "reads", "cleanup", "wakes"] {
        let of = &database["pool"][pool];
        assert!(of["size"].as_u64() <= of["max"].as_u64() && of["busy"].as_u64() <= of["size"].as_u64(), "{database}");
    }
    // Tests that run beside this one have the same gauges.
    assert!(database["pool"]["requests"]["waiting"].is_u64(), "{database}");
    assert!(seen["disks"].as_array().unwrap().len() >= disks, "{seen}");
    server.stop().await;
}

/// What `/readyz` says, as a list of what is wrong.
#[tokio::test(flavor = "multi_thread")]
async fn it_says_why_the_server_cannot_be_used_and_what_is_worth_a_look() {
    let server = TestServer::start_alone(|config| config.admin.stuck_after_ms = 500).await;
    let health = server.server().health().clone();
    health.inflict(ActorKind::Registry, Fault::Wedged);
    health.inflict(ActorKind::Presence, Fault::Wedged);
    let alice = server.sign_up("alice").await;
    // It waits for the registry.
    let connecting = tokio::spawn(async move { alice.connect().await });
    let named = async |list: &str, name: &str| {
        let seen = Operator::of(&server).await.get("/admin/api/overview").await;
        let list = seen[list].as_array().unwrap().clone();
        list.into_iter().find(|entry| entry["name"] == name).map(|entry| (entry, seen["ready"].clone()))
    };
    let (problem, ready) = eventually("the registry is stuck", || named("problems", "registry")).await;
    assert_eq!(ready, false);
    assert!(problem["reason"].as_str().unwrap().contains("one message") && problem["since"].is_string(), "{problem}");
    health.inflict(ActorKind::Registry, Fault::None);
    let (warning, ready) = eventually("presence is stuck", || named("warnings", "presence")).await;
    assert!(ready == true && warning["warning"].as_str().unwrap().contains("one message"), "{warning}");
    health.inflict(ActorKind::Presence, Fault::None);
    drop(connecting.await);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_are_listed_without_their_users_and_one_can_be_closed() {
    let server = TestServer::start_alone(|_| {}).await;
    let (alice, bob) = (server.sign_up("alice").await, server.sign_up("bob").await);
    let (_device, mut legacy) = (live(&alice, "phone").await, bob.connect().await);
    let mut operator = Operator::of(&server).await;
    let list = operator.get("/admin/api/sockets").await;
    assert_eq!(list["open"], 2);
    let open: Vec<&Value> = list["kinds"].as_array().unwrap().iter().map(|kind| &kind["open"]).collect();
    assert_eq!(open, [1, 1, 0]);
    let ages: Vec<&Value> = list["ages"].as_array().unwrap().iter().map(|age| &age["up_to_s"]).collect();
    assert_eq!(ages, [&json!(60), &json!(600), &json!(3600), &json!(86_400), &Value::Null]);
    assert_eq!((&list["ages"][0]["open"], &list["worst_queues"]), (&json!(2), &json!([])), "nothing waits");
    let oldest = list["oldest"].as_array().unwrap();
    assert_eq!((oldest.len(), oldest[0]["dialect"].as_str()), (2, Some("v1")));
    let found = oldest.iter().find(|socket| socket["dialect"] == "legacy").unwrap();
    let actors = operator.get("/admin/api/actors").await;
    assert!(actors.to_string().contains(&format!("\"session\":{}", found["session"])), "{found} {actors}");
    assert!(!list.to_string().contains("user") && !list.to_string().contains("alice"), "{list}");

    let path = format!("/admin/api/sockets/{}", found["socket"]);
    operator.delete(&path).await;
    assert_eq!(legacy.close_code().await, 1012);
    let gone = async || (server.open_sockets() == 1).then_some(());
    eventually("the socket is closed", gone).await;
    for nothing in [path.as_str(), "/admin/api/sockets/0", "/admin/api/sockets/x"] {
        let (status, problem) = operator.ask(Method::DELETE, nothing, None).await;
        assert_eq!((status, &problem["code"]), (404, &json!("not_found")), "{nothing}");
    }
    let audit = operator.get("/admin/api/audit").await;
    let entry = &audit["entries"][0];
    assert_eq!((&entry["event"], &entry["detail"]["action"]), (&json!("admin_action"), &json!("close_socket")));
    assert_eq!((&entry["detail"]["socket"], &entry["subject_id"]), (&found["socket"], &json!(bob.id)), "{entry}");
    let counted = async || {
        let list = Operator::of(&server).await.get("/admin/api/sockets").await;
        let codes = list["closed"]["codes"].as_array().unwrap().clone();
        // Other servers of this process count with it.
        codes.iter().any(|code| code["code"] == "1012" && code["count"].as_u64() >= Some(1)).then_some(())
    };
    eventually("it is counted", counted).await;
    server.stop().await;
}
