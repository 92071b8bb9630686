//! Who may register: the modes, invites, and what is told to whom.

use fluent_backend::testing::{Http, TestClient, TestServer, eventually};
use futures_util::future::join_all;
use http::{HeaderMap, HeaderValue, Method};
use serde_json::{Value, json};

use crate::support::config::fast_janitor;
use crate::support::local::Operator;
use crate::support::rows::Rows;
use fluent_backend::clock::Clock;
use fluent_backend::config::Config;
use fluent_backend::domain::RegistrationMode;

fn account(name: &str) -> Value {
    json!({
        "username": name, "email": format!("{name}@example.org"), "password": TestClient::PASSWORD,
        "public_key": "AAAA",
    })
}

fn with(name: &str, key: &str, value: &Value) -> Value {
    let mut body = account(name);
    body[key] = value.clone();
    body
}

fn by_invite(config: &mut Config) {
    config.registration.mode = RegistrationMode::Invite;
}

async fn register(http: &Http, body: &Value) -> (u16, String) {
    let answer = http.post("/auth/register", body).await;
    if answer.status.is_success() { (answer.status.as_u16(), String::new()) } else { answer.problem() }
}

fn required() -> (u16, String) {
    (403, "invite_required".to_owned())
}

fn created() -> (u16, String) {
    (201, String::new())
}

#[tokio::test]
async fn the_mode_is_switched_while_the_server_runs_and_outlives_it() {
    let server = TestServer::start().await;
    let (http, mut operator) = (server.http(), Operator::of(&server).await);
    assert_eq!(http.get("/registration").await.ok().json::<Value>(), json!({"mode": "open"}));
    let shown = operator.get("/admin/api/registration").await;
    assert_eq!(shown, json!({"mode": "open", "configured": "open", "switched_at": null}));
    assert_eq!(register(&http, &account("alice")).await, created());

    let switched = operator.put("/admin/api/registration", json!({"mode": "closed"})).await;
    assert!(switched["switched_at"].is_string() && switched["configured"] == "open", "{switched}");
    assert_eq!(http.get("/registration").await.ok().json::<Value>(), json!({"mode": "closed"}));
    let closed = (403, "registration_closed".to_owned());
    assert_eq!(register(&http, &account("bob")).await, closed);
    // The mode comes before the body is looked at.
    assert_eq!(register(&http, &json!([])).await, closed);
    let wrong = operator.ask(Method::PUT, "/admin/api/registration", Some(json!({"mode": "ajar"}))).await;
    assert_eq!(wrong.0, 422);

    let data = server.stop_keeping_data().await;
    let server = TestServer::start_on(data, Clock::system(), |_| {}).await;
    assert_eq!(register(&server.http(), &account("bob")).await, closed);
    // Whoever has an account signs in as before.
    let login = json!({"username": "alice", "password": TestClient::PASSWORD});
    server.http().post("/auth/login", &login).await.ok();
    server.stop().await;
}

#[tokio::test]
async fn an_invite_makes_as_many_accounts_as_it_was_made_for() {
    let server = TestServer::start_with(by_invite).await;
    let (http, mut operator) = (server.http(), Operator::of(&server).await);
    let invite = operator.post("/admin/api/invites", json!({"uses": 10, "note": "for the team"})).await;
    let code = &invite["code"];
    let bodies = (0..100).map(|i| with(&format!("user{i}"), "invite", code));
    let answers = join_all(bodies.map(|body| {
        let http = http.clone();
        async move { register(&http, &body).await }
    }))
    .await;
    assert_eq!(answers.iter().filter(|answer| **answer == created()).count(), 10);
    assert_eq!(answers.iter().filter(|answer| **answer == required()).count(), 90, "{answers:?}");
    assert_eq!(http.get("/auth/get_all_users").await.ok().json::<Vec<Value>>().len(), 10);
    let list = operator.get("/admin/api/invites").await;
    let shown = &list["invites"][0];
    assert_eq!((&shown["state"], &shown["uses_left"], &shown["note"]), (&json!("used"), &json!(0), &invite["note"]));
    assert!(shown["code"].is_null() && code.as_str().unwrap().starts_with(shown["code_begins"].as_str().unwrap()));
    server.stop().await;
}

#[tokio::test]
async fn what_is_no_invite_is_refused_alike() {
    let clock = Clock::stopped_at(Clock::system().now());
    let server = TestServer::start_at(clock.clone(), by_invite).await;
    let (http, mut operator) = (server.http(), Operator::of(&server).await);
    let mut create = async |body: Value| operator.post("/admin/api/invites", body).await;
    let (used, expired) = (create(json!({})).await, create(json!({"expires_in_s": 60})).await);
    let (revoked, kept) = (create(json!({})).await, create(json!({})).await);
    let typed = used["code"].as_str().unwrap().to_lowercase().replace('-', "");
    assert_eq!(register(&http, &with("alice", "invite", &json!(typed))).await, created());
    operator.delete(&format!("/admin/api/invites/{}", revoked["id"])).await;
    clock.advance_secs(61);

    let none = http.post("/auth/register", &account("bob")).await;
    for code in [&used["code"], &expired["code"], &revoked["code"], &json!("0000-0000-0000-0000"), &json!("?")] {
        let refused = http.post("/auth/register", &with("bob", "invite", code)).await;
        assert_eq!((refused.status, refused.text()), (none.status, none.text()), "{code}");
    }
    assert_eq!(none.problem(), required());
    // A name that is taken is not told to whoever has no invite.
    assert_eq!(register(&http, &account("alice")).await, required());

    // What fails for another reason takes no invite, and a taken address says just what a taken name does.
    let (code, mut taken) = (&kept["code"], with("bob", "invite", &kept["code"]));
    taken["email"] = json!("ALICE@example.org");
    let by_address = http.post("/auth/register", &taken).await;
    let by_name = http.post("/auth/register", &with("alice", "invite", code)).await;
    assert_eq!((by_address.status.as_u16(), by_address.text()), (400, by_name.text()));
    let mut headers = HeaderMap::new();
    headers.insert("x-invite-code", HeaderValue::from_str(code.as_str().unwrap()).unwrap());
    let body = serde_json::to_vec(&account("bob")).unwrap().into();
    http.send(Method::POST, "/auth/register", headers, body).await.ok();
    server.stop().await;
}

#[tokio::test]
async fn a_bound_invite_needs_no_code_and_is_good_for_nobody_else() {
    let server = TestServer::start_with(by_invite).await;
    let (http, mut operator) = (server.http(), Operator::of(&server).await);
    let bound = operator.post("/admin/api/invites", json!({"bound_to": "Bob@Example.org"})).await;
    assert_eq!(register(&http, &with("mallory", "invite", &bound["code"])).await, required());
    // As the Android app registers, which has one field for name and address.
    let app = with("BOB@example.org", "email", &json!("BOB@example.org"));
    assert_eq!(register(&http, &app).await, created());
    assert_eq!(register(&http, &with("bob2", "email", &json!("bob@example.org"))).await, required());
    operator.post("/admin/api/invites", json!({"bound_to": "carol"})).await;
    assert_eq!(register(&http, &account("Carol")).await, created());
    let several = json!({"bound_to": "dave", "uses": 2});
    assert_eq!(operator.ask(Method::POST, "/admin/api/invites", Some(several)).await.0, 422);
    server.stop().await;
}

#[tokio::test]
async fn wrong_codes_are_counted_apart_and_a_right_one_passes_all_the_same() {
    let server = TestServer::start_alone(|config| {
        by_invite(config);
        config.limits.enabled = true;
        config.limits.invite.address.burst = 2;
        config.limits.register.address.burst = 3;
    })
    .await;
    let (http, mut operator) = (server.http(), Operator::of(&server).await);
    let invite = operator.post("/admin/api/invites", json!({"uses": 2})).await;
    let wrong = with("alice", "invite", &json!("0000-0000-0000-0000"));
    let refused = async |body: &Value| {
        let answer = http.post("/auth/register", body).await;
        let problem: Value = answer.json();
        (answer.status.as_u16(), problem["limiter"].as_str().unwrap_or_default().to_owned())
    };
    for _ in 0..2 {
        assert_eq!(refused(&wrong).await, (403, String::new()));
    }
    assert_eq!(refused(&wrong).await, (429, "invite.address".to_owned()));
    // None at all counts for registrations alone, as do wrong ones.
    assert_eq!(refused(&account("alice")).await, (403, String::new()));
    assert_eq!(refused(&account("alice")).await, (429, "register.address".to_owned()));
    for name in ["alice", "bob"] {
        assert_eq!(register(&http, &with(name, "invite", &invite["code"])).await, created(), "{name}");
    }
    server.stop().await;
}

#[tokio::test]
async fn an_account_that_is_deleted_is_not_named_by_its_invite() {
    let server = TestServer::start_with(by_invite).await;
    let mut operator = Operator::of(&server).await;
    operator.post("/admin/api/invites", json!({"bound_to": "dora@example.org"})).await;
    let dora = server.sign_up("dora").await;
    let rows = Rows::of(server.data()).await;
    let before = &rows.of_table("invites").await[0];
    assert_eq!((&before["used_by"], &before["bound_key"]), (&json!(dora.id), &json!("dora@example.org")));
    dora.http.with_body(Method::DELETE, "/users/me", &json!({"password": TestClient::PASSWORD})).await.ok();
    let after = &rows.of_table("invites").await[0];
    for column in ["used_by", "bound_to", "bound_key"] {
        assert!(after[column].is_null(), "{column}");
    }
    server.stop().await;
}

#[tokio::test]
async fn ended_invites_are_listed_for_a_month() {
    let clock = Clock::stopped_at(Clock::system().now());
    let server = TestServer::start_at(clock.clone(), fast_janitor).await;
    let mut operator = Operator::of(&server).await;
    operator.post("/admin/api/invites", json!({"expires_in_s": 60})).await;
    clock.advance_secs(29 * 24 * 3600);
    let list = operator.get("/admin/api/invites").await;
    assert_eq!(list["invites"][0]["state"], "expired");
    clock.advance_secs(2 * 24 * 3600);
    let rows = Rows::of(server.data()).await;
    let is_empty = async || rows.of_table("invites").await.is_empty().then_some(());
    eventually("the invite is dropped", is_empty).await;
    server.stop().await;
}

#[tokio::test]
async fn an_address_may_be_that_of_several_accounts_where_that_is_allowed() {
    let server = TestServer::start_with(|config| config.registration.unique_email = false).await;
    let http = server.http();
    for name in ["alice", "bob"] {
        assert_eq!(register(&http, &with(name, "email", &json!("both@example.org"))).await, created(), "{name}");
    }
    assert_eq!(register(&http, &account("Alice")).await.0, 400, "names are unique all the same");
    server.stop().await;
}
