//! Guessing passwords: limited on every route that hashes one, and logged for operators without a name.

use fluent_backend::testing::{Http, TestClient, TestServer, eventually};
use http::Method;
use serde_json::{Value, json};

use crate::support::binary::ServerProcess;
use crate::support::tables;

const WRONG: &str = "not my password";

/// A server that lets one address try so often, and a user.
async fn limited(attempts: u32) -> (TestServer, TestClient) {
    let server = TestServer::start_with(|config| {
        config.limits.enabled = true;
        config.limits.login.address.burst = attempts;
        config.limits.login.account.burst = 0;
    })
    .await;
    let alice = server.sign_up("alice").await;
    (server, alice)
}

/// Each route that hashes a password, by its path, and something that it refuses.
async fn attempt(http: &Http, route: &str) -> u16 {
    let answer = match route {
        "/auth/login" => http.post(route, &json!({"username": "alice", "password": WRONG})).await,
        "/auth/password" => http.put(route, &json!({"old_password": WRONG, "new_password": "quite another"})).await,
        "/users/me" => http.with_body(Method::DELETE, route, &json!({"password": WRONG})).await,
        _ => http.put(route, &json!({"public_key": "BBBB", "password": WRONG})).await,
    };
    answer.status.as_u16()
}

#[tokio::test]
async fn every_route_that_hashes_a_password_counts_against_the_address() {
    let routes = ["/auth/login", "/auth/password", "/users/me", "/users/me/public_key"];
    for route in routes {
        let (server, alice) = limited(2).await;
        let statuses = [attempt(&alice.http, route).await, attempt(&alice.http, route).await];
        assert!(statuses.iter().all(|status| [400, 401, 403, 409].contains(status)), "{route}: {statuses:?}");
        assert_eq!(attempt(&alice.http, route).await, 429, "{route}");
        // One bucket for all of them.
        for other in routes {
            assert_eq!(attempt(&alice.http, other).await, 429, "{other} after {route}");
        }
        alice.http.get("/users/me").await.ok();
        server.stop().await;
    }
}

#[tokio::test]
async fn logins_with_one_name_are_counted_apart() {
    let server = TestServer::start_alone(|config| {
        config.limits.enabled = true;
        config.limits.login.account.burst = 2;
    })
    .await;
    let login = async |name: &str| {
        server.http().post("/auth/login", &json!({"username": name, "password": WRONG})).await.status.as_u16()
    };
    assert_eq!([login("alice").await, login("Alice").await, login("ALICE").await], [401, 401, 429]);
    assert_eq!(login("bob").await, 401);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_passwords_are_told_by_class_of_address_and_without_a_name() {
    let dir = tempfile::tempdir().unwrap();
    let variables =
        [("FLUENT__SERVER__CLIENT_ADDRESS", "x-forwarded-for"), ("FLUENT__SERVER__TRUSTED_PROXIES", "127.0.0.0/8")];
    let server = ServerProcess::start(dir.path(), &variables).await;
    let alice = TestClient::sign_up(server.http(), "alice-in-the-log").await;
    let guess = async |from: &str| {
        let body = json!({"username": "alice-in-the-log", "password": WRONG}).to_string();
        let headers = [("x-forwarded-for".parse().unwrap(), from.parse().unwrap())].into_iter().collect();
        let answer = server.http().send(Method::POST, "/auth/login", headers, body.into()).await;
        assert_eq!(answer.status, 401);
    };
    for from in ["198.51.100.77", "198.51.100.78", "2001:db8:77:88::99", "198.51.100.77"] {
        guess(from).await;
    }
    for route in ["/auth/password", "/users/me"] {
        assert_eq!(attempt(&alice.http, route).await, 403);
    }
    let lines = || {
        let log = server.log();
        log.lines().filter(|line| line.contains("wrong passwords")).map(str::to_owned).collect::<Vec<_>>()
    };
    let told = eventually("three lines", async || Some(lines()).filter(|lines| lines.len() >= 3)).await;
    for class in ["198.51.100.0/24", "2001:db8:77::/48", "127.0.0.0/24"] {
        assert_eq!(told.iter().filter(|line| line.contains(class)).count(), 1, "{class}: {told:?}");
    }
    assert_eq!(told.len(), 3, "more are counted, and told after a minute");
    let log = server.log();
    for secret in ["198.51.100.7", "77:88", "alice-in-the-log", WRONG] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
    assert!(server.stop().await.success());
}

/// The hashes that are found in any file of a data directory.
fn hashes(dir: &std::path::Path) -> std::collections::BTreeSet<String> {
    const START: &str = "$argon2id$v=19$";
    let mut found = std::collections::BTreeSet::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        // A journal may go while it is looked at.
        let Ok(bytes) = std::fs::read(entry.unwrap().path()) else { continue };
        let text = String::from_utf8_lossy(&bytes);
        for (at, _) in text.match_indices(START) {
            let hash = text[at..].chars().take_while(|c| c.is_ascii_alphanumeric() || "$=,+/".contains(*c));
            found.insert(hash.take(START.len() + 70).collect());
        }
    }
    found
}

/// On SQLite; what PostgreSQL keeps of old rows is its vacuum's.
#[tokio::test(flavor = "multi_thread")]
async fn an_old_hash_is_in_no_file_for_long() {
    let data = fluent_backend::testing::TestData::sqlite();
    let clock = fluent_backend::clock::Clock::system();
    let server = TestServer::start_on(data.clone(), clock.clone(), crate::support::config::fast_janitor).await;
    let (alice, bob) = (server.sign_up("alice").await, server.sign_up("bob").await);
    let dir = server.data_dir();
    let before = hashes(&dir);
    assert_eq!(before.len(), 2, "the search finds what is there: {before:?}");
    let left = async |old: &std::collections::BTreeSet<String>, left: usize, what: &str| {
        eventually(what, async || (hashes(&dir).intersection(old).count() == left).then_some(())).await;
    };
    let change = json!({"old_password": TestClient::PASSWORD, "new_password": "quite another password"});
    let changed: Value = alice.http.put("/auth/password", &change).await.ok().json();
    left(&before, 1, "the hash of the old password is gone").await;
    let http = server.http().with_authorization(format!("Bearer {}", changed["access_token"].as_str().unwrap()));
    let then = hashes(&dir);
    assert_eq!(then.len(), 2, "{then:?}");
    http.with_body(Method::DELETE, "/users/me", &json!({"password": "quite another password"})).await.ok();
    left(&then, 1, "so is that of a deleted account").await;
    server.stop().await;
    // A login may replace the hash.
    let costly = |config: &mut fluent_backend::config::Config| {
        crate::support::config::fast_janitor(config);
        config.auth.argon2_passes = 2;
    };
    let server = TestServer::start_on(data.clone(), clock, costly).await;
    let then = hashes(&dir);
    crate::support::v1::log_in_again(&server, &bob).await;
    left(&then, 0, "nor is one of former settings left").await;
    assert_eq!(tables::count(&data, "users").await, 1);
    server.stop().await;
}
