//! What a password allows, while the password is being changed.

use fluent_backend::clock::Clock;
use fluent_backend::testing::{Http, TestClient, TestServer, TestSocket, TokenPair};
use futures_util::future::join_all;
use http::Method;
use rand::RngExt as _;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Error;

/// So many races of each kind; `FLUENT_RACE_ROUNDS` asks for more.
fn rounds() -> usize {
    std::env::var("FLUENT_RACE_ROUNDS").map_or(12, |rounds| rounds.parse().expect("a number"))
}

async fn log_in(http: Http, name: &str, password: &str) -> Result<TokenPair, u16> {
    let answer = http.post("/auth/login", &json!({"username": name, "password": password})).await;
    if answer.status.is_success() { Ok(answer.json()) } else { Err(answer.status.as_u16()) }
}

/// A little before or after the others.
async fn at_some_time() {
    for _ in 0..rand::rng().random_range(0..40) {
        tokio::task::yield_now().await;
    }
}

async fn change(http: &Http, old: &str, new: &str) -> u16 {
    at_some_time().await;
    http.put("/auth/password", &json!({"old_password": old, "new_password": new})).await.status.as_u16()
}

/// Whether anything can still be done with these tokens.
async fn is_alive(server: &TestServer, pair: &TokenPair) -> bool {
    let http = server.http().with_authorization(format!("Bearer {}", pair.access_token));
    let refresh = json!({"refresh_token": pair.refresh_token});
    http.get("/users/me").await.status.is_success()
        || server.http().post("/auth/refresh", &refresh).await.status.is_success()
}

/// Logins with the old password beside its change; how many of them are alive afterwards.
async fn survivors(server: &TestServer, user: &TestClient, old: &str, new: &str) -> usize {
    let logins = (0..4).map(|_| async {
        at_some_time().await;
        log_in(server.http(), &user.name, old).await
    });
    let (changed, begun) = tokio::join!(change(&user.http, old, new), join_all(logins));
    assert!(changed == 200 || changed == 204, "the change: {changed}");
    let mut alive = 0;
    for login in begun {
        match login {
            Ok(pair) => alive += usize::from(is_alive(server, &pair).await),
            Err(status) => assert_eq!(status, 401),
        }
    }
    assert_eq!(log_in(server.http(), &user.name, old).await.err(), Some(401), "the old password");
    assert!(log_in(server.http(), &user.name, new).await.is_ok(), "the new password");
    alive
}

#[tokio::test(flavor = "multi_thread")]
async fn no_login_with_the_old_password_outlives_its_change() {
    let server = TestServer::start().await;
    let mut alive = 0;
    for round in 0..rounds() {
        let user = server.sign_up(&format!("user{round}")).await;
        alive += survivors(&server, &user, TestClient::PASSWORD, "quite another password").await;
    }
    assert_eq!(alive, 0, "sessions of the old password in {} rounds", rounds());
    server.stop().await;
}

/// Each first login after a change of the settings replaces the hash.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_cost_of_hashes_does_not_bring_the_old_password_back() {
    let server = TestServer::start().await;
    let mut users = Vec::new();
    for round in 0..rounds() {
        users.push(server.sign_up(&format!("user{round}")).await);
    }
    let data = server.stop_keeping_data().await;
    let server = TestServer::start_on(data, Clock::system(), |config| config.auth.argon2_passes = 2).await;
    let mut alive = 0;
    for user in &users {
        let user = TestClient {
            http: server.http().with_authorization(format!("Bearer {}", user.tokens.access_token)),
            ..user.clone()
        };
        alive += survivors(&server, &user, TestClient::PASSWORD, "quite another password").await;
    }
    assert_eq!(alive, 0, "sessions of the old password in {} rounds", rounds());
    server.stop().await;
}

/// Many first logins at once all replace the hash: that is no reason to refuse one.
#[tokio::test(flavor = "multi_thread")]
async fn right_logins_at_once_are_let_in_while_the_hash_is_renewed() {
    let server = TestServer::start().await;
    let user = server.sign_up("alice").await;
    let data = server.stop_keeping_data().await;
    let server = TestServer::start_on(data, Clock::system(), |config| config.auth.argon2_passes = 2).await;
    let begun = join_all((0..8).map(|_| log_in(server.http(), &user.name, TestClient::PASSWORD))).await;
    assert!(begun.iter().all(Result::is_ok), "{begun:?}");
    server.stop().await;
}

/// Whichever comes first: a password that is no longer the account's deletes nothing and replaces no key.
#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_was_changed_meanwhile_allows_nothing() {
    let server = TestServer::start().await;
    let old = TestClient::PASSWORD;
    for round in 0..rounds() {
        let user = server.sign_up(&format!("user{round}")).await;
        let thief = TestClient::log_in(server.http(), &user.name, user.id).await;
        let delete = async {
            at_some_time().await;
            thief.http.with_body(Method::DELETE, "/users/me", &json!({"password": old})).await.status.as_u16()
        };
        let (changed, deleted) = tokio::join!(change(&user.http, old, "quite another password"), delete);
        let outcome = (changed == 200 || changed == 204, deleted == 204);
        assert!(outcome.0 != outcome.1, "round {round}: changed {changed}, deleted {deleted}");
        let login = log_in(server.http(), &user.name, "quite another password").await;
        assert_eq!(login.is_ok(), outcome.0, "round {round}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_beside_the_deletion_of_its_account_is_refused_and_not_put_off() {
    let server = TestServer::start().await;
    for round in 0..rounds() {
        let user = server.sign_up(&format!("user{round}")).await;
        let delete = async {
            at_some_time().await;
            let password = json!({"password": TestClient::PASSWORD});
            user.http.with_body(Method::DELETE, "/users/me", &password).await.ok();
        };
        let others = (0..6).map(|i| {
            let (server, user) = (&server, &user);
            async move {
                at_some_time().await;
                match i {
                    2 => {
                        let path = format!("/chat/ws?device_id=pixel&token={}", user.tokens.access_token);
                        let offer = [("sec-websocket-protocol", "fluent.v1")];
                        match TestSocket::open_with(server.addr(), &path, &offer).await.map_err(|error| *error) {
                            Ok(_) => 200,
                            Err(Error::Http(response)) => response.status().as_u16(),
                            Err(other) => panic!("{other}"),
                        }
                    }
                    0 => user.http.post("/auth/ws_ticket", &json!({})).await.status.as_u16(),
                    1 => {
                        let refresh = json!({"refresh_token": user.tokens.refresh_token});
                        server.http().post("/auth/refresh", &refresh).await.status.as_u16()
                    }
                    _ => log_in(server.http(), &user.name, TestClient::PASSWORD)
                        .await
                        .map_or_else(|status| status, |_| 200),
                }
            }
        });
        let ((), statuses) = tokio::join!(delete, join_all(others));
        assert!(statuses.iter().all(|status| [200, 401].contains(status)), "round {round}: {statuses:?}");
    }
    server.stop().await;
}

/// Every login but the one that the change began has ended, whichever login asked for the change.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_changes_at_once_one_counts() {
    let server = TestServer::start().await;
    for round in 0..rounds() {
        let user = server.sign_up(&format!("user{round}")).await;
        let changes = ["the first new password", "the second new password"].map(|new| {
            let http = &user.http;
            async move { (change(http, TestClient::PASSWORD, new).await, new) }
        });
        let changes = join_all(changes).await;
        let done: Vec<&str> = changes.iter().filter(|(status, _)| *status < 300).map(|(_, new)| *new).collect();
        assert_eq!(done.len(), 1, "round {round}: {changes:?}");
        assert!(log_in(server.http(), &user.name, done[0]).await.is_ok());
        let list: Vec<Value> = {
            let pair = log_in(server.http(), &user.name, done[0]).await.unwrap();
            let http = server.http().with_authorization(format!("Bearer {}", pair.access_token));
            http.get("/auth/sessions").await.ok().json()
        };
        assert_eq!(list.len(), 3, "the change's own, and two logins: {list:?}");
    }
    server.stop().await;
}
