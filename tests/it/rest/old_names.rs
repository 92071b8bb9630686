//! Accounts from before the present rules for names and passwords, which still work.

use std::sync::Arc;

use fluent_backend::clock::Clock;
use fluent_backend::testing::{Http, TestData, TestServer, seed};
use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::support::binary::{ServerProcess, run_on};

const PASSWORD: &str = "correct horse";
/// Names that could not be registered today, but for the first of those that look alike.
const NAMES: [&str; 9] = [
    "\u{202e}ecila",
    "p\u{430}ypal",
    "bob\u{2800}",
    "\u{200d} x",
    "coco",
    "\u{441}\u{43e}\u{441}\u{43e}",
    "c0c0",
    "a@münchen.example",
    "a@xn--mnchen-3ya.example",
];

async fn with_old(users: &[(&str, &str, &str)]) -> Arc<TestData> {
    let data = TestData::new().await;
    let mut config = TestServer::config();
    data.configure(&mut config);
    seed::old_users(&config, users).await;
    data
}

async fn with_old_names() -> Arc<TestData> {
    let emails: Vec<String> = (0..NAMES.len()).map(|i| format!("user{i}@example.org")).collect();
    let users: Vec<_> = NAMES.iter().zip(&emails).map(|(name, email)| (*name, email.as_str(), PASSWORD)).collect();
    with_old(&users).await
}

async fn start(data: &Arc<TestData>) -> TestServer {
    TestServer::start_on(data.clone(), Clock::system(), |_| {}).await
}

async fn login(http: &Http, name: &str, password: &str) -> u16 {
    http.post("/auth/login", &json!({"username": name, "password": password})).await.status.as_u16()
}

async fn signed_in(http: &Http, name: &str) -> Http {
    let credentials = json!({"username": name, "password": PASSWORD});
    let tokens: Value = http.post("/auth/login", &credentials).await.ok().json();
    http.with_authorization(format!("Bearer {}", tokens["access_token"].as_str().unwrap()))
}

async fn search(http: &Http, text: &str) -> Vec<String> {
    let path = format!("/auth/get_all_users?search={}", utf8_percent_encode(text, NON_ALPHANUMERIC));
    let found: Vec<Value> = http.get(&path).await.ok().json();
    found.iter().map(|user| user["user_name"].as_str().unwrap().to_owned()).collect()
}

async fn register(http: &Http, name: &str, email: &str) -> u16 {
    let body = json!({"username": name, "email": email, "password": PASSWORD, "public_key": "AAAA"});
    http.post("/auth/register", &body).await.status.as_u16()
}

#[tokio::test]
async fn whoever_has_a_name_from_before_signs_in_and_is_found() {
    let data = with_old_names().await;
    // At the second start the names are not looked at again.
    for _ in 0..2 {
        let server = start(&data).await;
        let http = server.http();
        for name in NAMES {
            let own = signed_in(&http, name).await;
            let me: Value = own.get("/users/me").await.ok().json();
            assert_eq!(me["user_name"], name, "each is their own account");
            assert!(search(&http, name).await.contains(&name.to_owned()), "{name:?}");
        }
        assert_eq!(search(&http, "").await.len(), NAMES.len());
        server.stop_keeping_data().await;
    }
}

#[tokio::test]
async fn nobody_new_looks_like_an_old_account() {
    let data = with_old_names().await;
    let server = start(&data).await;
    let http = server.http();
    let mut number = 0;
    let mut free = async |name: &str| {
        number += 1;
        register(&http, name, &format!("new{number}@example.org")).await == 201
    };
    for alike in ["COCO", "\u{421}\u{41e}\u{421}\u{41e}", "C0C0", "paypal", "x", "A@MÜNCHEN.example"] {
        assert!(!free(alike).await, "{alike}");
    }
    // Three look alike: as long as one of them is there, another such name is refused.
    for name in ["coco", "c0c0", "\u{441}\u{43e}\u{441}\u{43e}"] {
        assert!(!free("cOCO").await && !free("c0co").await);
        let own = signed_in(&http, name).await;
        own.with_body(Method::DELETE, "/users/me", &json!({"password": PASSWORD})).await.ok();
    }
    assert!(free("coco").await);
    server.stop().await;
}

#[tokio::test]
async fn operators_see_which_names_would_be_refused_today() {
    let data = with_old_names().await;
    let early = run_on(&data, &["admin", "names"], &[]).await;
    assert!(!early.status.success(), "nobody has looked at them yet");
    let server = ServerProcess::start_on(&data, &[]).await;
    let running = run_on(&data, &["admin", "names"], &[]).await;
    let log = server.log();
    server.stop().await;
    let stopped = run_on(&data, &["admin", "names"], &[]).await;
    assert!(running.status.success(), "{}", String::from_utf8_lossy(&running.stderr));
    assert_eq!(running.stdout, stopped.stdout);
    let text = String::from_utf8(stopped.stdout).unwrap();
    assert!(text.is_ascii(), "{text}");
    let lines: Vec<&str> = text.lines().collect();
    for (i, start) in [
        "1\t\\u{202e}ecila\tmust not contain characters that are not shown",
        "2\tp\\u{430}ypal\tmust not mix scripts within a word",
        "3\tbob\\u{2800}\tmust not contain characters that are not shown",
        "4\t\\u{200d} x\t",
        "6\t\\u{441}\\u{43e}\\u{441}\\u{43e}\tlooks like the name of account 5",
        "7\tc0c0\tlooks like the name of account 5",
        "9\ta@xn--mnchen-3ya.example\tlooks like the name of account 8",
    ]
    .into_iter()
    .enumerate()
    {
        assert!(lines.get(i).is_some_and(|line| line.starts_with(start)), "{start} {text}");
    }
    assert_eq!(lines.len(), 7, "{text}");
    let told: Vec<&str> = log.lines().filter(|line| line.contains("admin names")).collect();
    assert!(told.len() == 1 && told[0].contains('7'), "{log}");
    assert!(!log.contains("ecila") && !log.contains("ypal"));
}

#[tokio::test]
async fn old_passwords_are_tried_as_they_were_typed_and_hashed_anew() {
    let decomposed = "Pa\u{308}sswo\u{308}rter e\u{301} a\u{300}";
    let data = with_old(&[("alice", "a@example.org", decomposed), ("bob", "b@example.org", "password")]).await;
    let server = start(&data).await;
    let http = server.http();
    assert_eq!(login(&http, "alice", "Pässwörter é à").await, 401, "that was never typed");
    assert_eq!(login(&http, "alice", decomposed).await, 200);
    for form in [decomposed, "Pässwörter é à", "Pässwörter\u{a0}é à"] {
        assert_eq!(login(&http, "alice", form).await, 200, "{form:?}");
    }
    assert_eq!(login(&http, "bob", "password").await, 200, "weak, but theirs");
    server.stop().await;
}
