//! Registration, login and finding users.

use fluent_backend::config::ClientAddressSource;
use fluent_backend::testing::{Http, TestClient, TestServer};
use futures_util::future::join_all;
use http::StatusCode;
use serde_json::{Value, json};

use crate::support::config::{behind_proxy, one_hash_at_a_time};

fn account(name: &str, email: &str) -> Value {
    json!({"username": name, "email": email, "password": TestClient::PASSWORD, "public_key": "AAAA"})
}

fn account_with(key: &str, value: Value) -> Value {
    let mut body = account("carol", "carol@example.org");
    body[key] = value;
    body
}

async fn count(http: &Http) -> usize {
    http.get("/auth/get_all_users").await.ok().json::<Vec<Value>>().len()
}

#[tokio::test]
async fn one_of_many_concurrent_registrations_wins() {
    let server = TestServer::start().await;
    let http = server.http();
    for (names, emails) in [(["Zoë", "zoë", "ZOE\u{308}"], ["1", "2", "3"]), (["x1", "x2", "x3"], ["z", "Z", "z"])] {
        let before = count(&http).await;
        let bodies = (0..12).map(|i| account(names[i % 3], &format!("{}@example.org", emails[i % 3])));
        let answers = join_all(bodies.map(|body| {
            let http = &http;
            async move { http.post("/auth/register", &body).await }
        }))
        .await;
        let won = answers.iter().filter(|answer| answer.status == StatusCode::CREATED).count();
        let lost = answers.iter().filter(|answer| answer.status == StatusCode::BAD_REQUEST).count();
        assert_eq!((won, lost), (1, 11));
        assert_eq!(count(&http).await, before + 1, "the losers leave no row");
        for answer in answers {
            assert!(!answer.text().contains(TestClient::PASSWORD));
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn names_are_kept_and_compared_folded() {
    let server = TestServer::start().await;
    let http = server.http();
    let name = "Ünï Code_%@Example.org";
    let answer: Value = http.post("/auth/register", &account(name, "u@example.org")).await.ok().json();
    assert_eq!(answer["username"], name);
    assert_eq!(answer.as_object().unwrap().len(), 3);
    for (same, status) in [(name, 200), ("ÜNÏ CODE_%@EXAMPLE.ORG", 200), ("Uni Code_%@example.org", 401)] {
        let answer = http.post("/auth/login", &json!({"username": same, "password": TestClient::PASSWORD})).await;
        assert_eq!(answer.status, status, "{same}");
    }
    server.stop().await;
}

#[tokio::test]
async fn bad_fields_are_named_and_never_echoed() {
    let server = TestServer::start().await;
    let http = server.http();
    let marker = "marker-that-must-not-come-back";
    let bad = [
        (account_with("username", json!("")), "invalid_name"),
        (account_with("username", json!("x".repeat(255))), "invalid_name"),
        (account_with("username", json!(" carol")), "invalid_name"),
        (account_with("username", json!("car\u{0}ol")), "invalid_name"),
        (account_with("username", json!(7)), "bad_frame"),
        (account_with("email", json!("no address")), "invalid_email"),
        (account_with("email", json!(null)), "bad_frame"),
        (account_with("password", json!("short")), "weak_password"),
        (account_with("password", json!("xy".repeat(129))), "weak_password"),
        (account_with("password", json!([marker])), "bad_frame"),
        (account_with("public_key", json!("not base64!")), "invalid_key"),
        (account_with("public_key", json!("A".repeat(16 * 1024 + 4))), "invalid_key"),
        (json!({"username": marker}), "bad_frame"),
        (json!([marker]), "bad_frame"),
        (json!(marker), "bad_frame"),
    ];
    for (body, code) in bad {
        let answer = http.post("/auth/register", &body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        assert_eq!(answer.headers["content-type"], "application/problem+json");
        let problem: Value = answer.json();
        assert_eq!((problem["status"].as_u64(), problem["code"].as_str()), (Some(422), Some(code)));
        assert!(problem["detail"].is_string() && !answer.text().contains(marker));
    }
    for text in ["", "{", "{\"username\":\"\\ud800\"}", "\u{1}"] {
        let body = bytes::Bytes::copy_from_slice(text.as_bytes());
        let answer = http.send(http::Method::POST, "/auth/register", http::HeaderMap::new(), body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{text}");
    }
    assert_eq!(count(&http).await, 0);
    server.stop().await;
}

#[tokio::test]
async fn every_character_of_a_password_counts() {
    let server = TestServer::start().await;
    let http = server.http();
    let password = format!("{}x", "ä".repeat(255));
    let mut body = account("carol", "carol@example.org");
    body["password"] = json!(password);
    http.post("/auth/register", &body).await.ok();
    for (password, status) in [(password.clone(), 200), (format!("{}y", "ä".repeat(255)), 401), ("ä".repeat(255), 401)]
    {
        let answer = http.post("/auth/login", &json!({"username": "carol", "password": password})).await;
        assert_eq!(answer.status, status);
        assert!(!answer.text().contains(&password));
    }
    server.stop().await;
}

#[tokio::test]
async fn unknown_user_and_wrong_password_look_the_same() {
    let server = TestServer::start().await;
    let http = server.http();
    http.post("/auth/register", &account("carol", "carol@example.org")).await.ok();
    let login = |name: &str| json!({"username": name, "password": "wrong wrong wrong"});
    for strange in ["car\u{0}ol", " carol", "", &"c".repeat(300)] {
        assert_eq!(http.post("/auth/login", &login(strange)).await.status, StatusCode::UNAUTHORIZED);
    }
    let wrong = http.post("/auth/login", &login("carol")).await;
    let unknown = http.post("/auth/login", &login("nobody")).await;
    assert_eq!((wrong.status, unknown.status), (StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED));
    assert_eq!(wrong.text(), unknown.text());
    assert_eq!(wrong.headers["www-authenticate"], "Bearer");
    assert_eq!(wrong.headers["cache-control"], "no-store");
    server.stop().await;
}

#[tokio::test]
async fn strict_servers_want_a_real_public_key() {
    let server = TestServer::start_with(|config| config.auth.strict_public_keys = true).await;
    let http = server.http();
    let mut body = account("carol", "carol@example.org");
    assert_eq!(http.post("/auth/register", &body).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let key = "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=";
    body["public_key"] = json!(key);
    http.post("/auth/register", &body).await.ok();
    let users: Vec<Value> = http.get("/auth/get_all_users?search=carol").await.ok().json();
    assert_eq!(users[0]["public_key"], key);
    server.stop().await;
}

#[tokio::test]
async fn search_pages_caps_and_takes_wildcards_literally() {
    let server = TestServer::start().await;
    let anybody = server.http();
    let first = server.sign_up("Ärger_100%@example.org").await;
    for i in 0..60 {
        server.sign_up(&format!("member{i:02}@example.org")).await;
    }
    let names = |answer: Vec<Value>| -> Vec<String> {
        answer.iter().map(|user| user["user_name"].as_str().unwrap().to_owned()).collect()
    };
    let search = async |query: &str| names(first.http.get(&format!("/users/search?{query}")).await.ok().json());
    assert_eq!(search("query=ÄRGER").await, ["Ärger_100%@example.org"]);
    assert_eq!(search("query=r_1").await, ["Ärger_100%@example.org"]);
    assert_eq!(search("query=0%25%40").await, ["Ärger_100%@example.org"]);
    assert!(search("query=m%25r").await.is_empty());
    assert!(search("query=_________").await.is_empty());
    assert!(search("query=%5C").await.is_empty());
    assert!(search("query=%00").await.is_empty());
    assert!(search(&format!("query={}", "m".repeat(255))).await.is_empty());
    assert_eq!(search("query=member").await.len(), 20);
    assert_eq!(search("query=member&limit=1000").await.len(), 60);
    assert_eq!(search("").await.len(), 20);

    let page: Vec<Value> = first.http.get("/users/search?query=member&limit=7").await.ok().json();
    let path = format!("/users/search?query=member&limit=7&after={}", page[6]["id"]);
    assert_eq!(names(first.http.get(&path).await.ok().json())[0], "member07@example.org");

    // Without a token: capped, and never an e-mail address beside the name.
    let all: Vec<Value> = anybody.get("/auth/get_all_users?search=").await.ok().json();
    assert_eq!(all.len(), 50);
    let keys: Vec<&String> = all[0].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["id", "public_key", "user_name"]);
    assert_eq!(anybody.get("/users/search?query=a").await.status, StatusCode::UNAUTHORIZED);
    for query in ["limit=0", "limit=-1", "limit=x", "after=x", "query=a&query=b"] {
        let answer = first.http.get(&format!("/users/search?{query}")).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
    }
    server.stop().await;
}

#[tokio::test]
async fn the_user_list_can_be_closed() {
    let server = TestServer::start_with(|config| config.auth.public_user_list = false).await;
    let user = server.sign_up("carol").await;
    assert_eq!(server.http().get("/auth/get_all_users?search=").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(user.http.get("/auth/get_all_users?search=").await.status, StatusCode::OK);
    server.stop().await;
}

#[tokio::test]
async fn too_many_logins_at_once_are_told_to_come_back() {
    let server = TestServer::start_with(one_hash_at_a_time).await;
    let http = server.http();
    let body = json!({"username": "nobody", "password": "wrong wrong wrong"});
    let answers = join_all((0..8).map(|_| http.post("/auth/login", &body))).await;
    let busy: Vec<_> = answers.iter().filter(|a| a.status == StatusCode::SERVICE_UNAVAILABLE).collect();
    assert!(!busy.is_empty() && answers.iter().any(|a| a.status == StatusCode::UNAUTHORIZED));
    assert!(busy.iter().all(|answer| answer.headers.contains_key("retry-after")));
    server.stop().await;
}

#[tokio::test]
async fn one_address_cannot_log_in_without_end() {
    let server = TestServer::start_alone(|config| {
        config.limits.enabled = true;
        config.limits.login.address.burst = 5;
        config.limits.login.account.burst = 0;
        behind_proxy(config, ClientAddressSource::XForwardedFor);
    })
    .await;
    let login = async |from: &str| {
        let mut headers = http::HeaderMap::new();
        headers.insert("x-forwarded-for", from.parse().unwrap());
        let body = json!({"username": "nobody", "password": "wrong wrong wrong"}).to_string();
        server.http().send(http::Method::POST, "/auth/login", headers, body.into()).await
    };
    for _ in 0..5 {
        assert_eq!(login("192.0.2.1").await.status, StatusCode::UNAUTHORIZED);
    }
    // What the client itself puts in front of the proxy's entry does not count.
    let limited = login("203.0.113.9, 192.0.2.1").await;
    assert_eq!(limited.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(limited.headers.contains_key("retry-after"));
    assert_eq!(login("192.0.2.2").await.status, StatusCode::UNAUTHORIZED);
    server.stop().await;
}
