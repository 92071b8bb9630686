//! Accounts as operators find them, end their sessions, and delete them.

use fluent_backend::testing::{TestClient, TestServer};
use http::Method;
use serde_json::{Value, json};

use crate::support::local::Operator;

fn names(list: &Value) -> Vec<&str> {
    list["users"].as_array().unwrap().iter().map(|user| user["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn people_are_listed_page_by_page_and_found_by_a_part_of_their_name() {
    let server = TestServer::start_alone(|_| {}).await;
    let mut operator = Operator::of(&server).await;
    let mut ids = Vec::new();
    for name in ["alice", "alina", "bob"] {
        ids.push(server.sign_up(name).await.id);
    }
    let first = operator.get("/admin/api/users?limit=2").await;
    assert_eq!(names(&first), ["bob", "alina"]);
    let rest = operator.get(&format!("/admin/api/users?limit=2&before={}", ids[1])).await;
    assert_eq!(names(&rest), ["alice"]);
    let alice = &rest["users"][0];
    assert_eq!(
        (&alice["state"], &alice["second_factor"], &alice["disabled_at"]),
        (&json!("active"), &json!(false), &Value::Null)
    );
    assert!(alice["created_at"].is_string() && alice["last_seen_at"].is_string() && alice.get("email").is_none());

    assert_eq!(names(&operator.get("/admin/api/users?query=ALI").await), ["alice", "alina"]);
    assert_eq!(names(&operator.get("/admin/api/users?query=ali&limit=1").await), ["alice"]);
    assert_eq!(names(&operator.get(&format!("/admin/api/users?query=ali&after={}", ids[0])).await), ["alina"]);
    assert_eq!(names(&operator.get(&format!("/admin/api/users?query={}", ids[2])).await), ["bob"]);
    assert_eq!(names(&operator.get("/admin/api/users?name=Alice").await), ["alice"]);
    assert!(names(&operator.get("/admin/api/users?name=ali").await).is_empty());
    for wrong in ["query=a&before=7", "after=7", "name=a&query=b", "limit=0", "before=x"] {
        let (status, _) = operator.ask(Method::GET, &format!("/admin/api/users?{wrong}"), None).await;
        assert_eq!(status, 422, "{wrong}");
    }
    server.stop().await;
}

#[tokio::test]
async fn an_address_is_shown_only_to_whoever_may_write_and_that_is_recorded() {
    let server = TestServer::start_alone(|_| {}).await;
    let mut operator = Operator::of(&server).await;
    let alice = server.sign_up("alice").await;
    let (_device, _) = alice.live_device("a", None).await;
    let path = format!("/admin/api/users/{}", alice.id);
    let shown = operator.get(&path).await;
    let expected = json!([1, 1, 0, []]);
    assert_eq!(json!([shown["sessions"], shown["sockets"], shown["media_bytes"], shown["push_targets"]]), expected);
    assert!(shown.get("email").is_none(), "{shown}");

    let made = operator.post("/admin/api/tokens", json!({"name": "a reader", "scope": "read"})).await;
    let reader = server.admin().with_authorization(format!("Bearer {}", made["secret"].as_str().unwrap()));
    reader.get(&path).await.ok();
    for asked in ["reveal=true", "x=1&reveal=true", "rev%65al=tru%65"] {
        assert_eq!(reader.get(&format!("{path}?{asked}")).await.status, 403, "{asked}");
    }
    let made = operator.post("/admin/api/tokens", json!({"name": "a writer", "scope": "write"})).await;
    let writer = server.admin().with_authorization(format!("Bearer {}", made["secret"].as_str().unwrap()));
    let revealed: Value = writer.get(&format!("{path}?reveal=true")).await.ok().json();
    assert!(revealed["email"].as_str().unwrap().contains('@'), "{revealed}");
    let audit = operator.get("/admin/api/audit?limit=1").await;
    let entry = &audit["entries"][0];
    assert_eq!((&entry["event"], &entry["subject_id"]), (&json!("admin_action"), &json!(alice.id)));
    let by = json!({"token": made["id"], "name": "a writer"});
    assert_eq!(entry["detail"], json!({"action": "reveal_email", "by": by}));
    let (status, _) = operator.ask(Method::GET, "/admin/api/users/999999", None).await;
    assert_eq!(status, 404);
    server.stop().await;
}

#[tokio::test]
async fn sessions_are_ended_one_by_one_or_all_at_once() {
    let server = TestServer::start_alone(|_| {}).await;
    let mut operator = Operator::of(&server).await;
    let phone = server.sign_up("alice").await;
    let laptop = TestClient::log_in(server.http(), "alice", phone.id).await;
    let (mut on_phone, _) = phone.live_device("phone", None).await;
    let (mut on_laptop, _) = laptop.live_device("laptop", None).await;
    let path = format!("/admin/api/users/{}/sessions", phone.id);
    let list = operator.get(&path).await;
    assert_eq!(list["sessions"][1]["device_ids"], json!(["laptop"]), "{list}");
    let id = list["sessions"][0]["id"].to_string();

    operator.delete(&format!("{path}/{id}")).await;
    assert_eq!(on_phone.socket.closed().await, (4001, "revoked".to_owned()));
    assert_eq!(phone.http.get("/users/me").await.status, 401);
    laptop.http.get("/users/me").await.ok();
    for missing in [&format!("{path}/{id}"), &format!("{path}/x"), "/admin/api/users/999999/sessions"] {
        let (status, _) = operator.ask(Method::DELETE, missing, None).await;
        assert_eq!(status, 404, "{missing}");
    }
    assert_eq!(operator.ask(Method::DELETE, &path, None).await, (200, json!({"ended": 1})));
    assert_eq!(on_laptop.socket.closed().await, (4001, "revoked".to_owned()));
    assert_eq!(operator.get(&path).await, json!({"sessions": []}));
    server.stop().await;
}

#[tokio::test]
async fn an_account_that_an_operator_deletes_is_gone_for_all() {
    let server = TestServer::start_alone(|_| {}).await;
    let mut operator = Operator::of(&server).await;
    let (alice, bob) = (server.sign_up("alice").await, server.sign_up("bob").await);
    let (mut a, _) = alice.live_device("a", None).await;
    let (mut b, _) = bob.live_device("b", None).await;
    a.store(bob.id, "hello").await;
    b.read_until("message").await;
    let path = format!("/admin/api/users/{}", alice.id);
    operator.delete(&path).await;
    assert_eq!(a.socket.closed().await.0, 4001);
    let (_, told) = b.read_until("user_deleted").await;
    assert_eq!(told["user_id"], json!(alice.id));
    assert_eq!(alice.http.get("/users/me").await.status, 401);
    for method in [Method::GET, Method::DELETE] {
        assert_eq!(operator.ask(method, &path, None).await.0, 404);
    }
    let audit = operator.get("/admin/api/audit?event=account_deleted").await;
    let entry = &audit["entries"][0];
    assert_eq!((&entry["actor_kind"], &entry["subject_id"]), (&json!("admin"), &Value::Null), "{audit}");
    // The name is free again.
    server.sign_up("alice").await;
    server.stop().await;
}
