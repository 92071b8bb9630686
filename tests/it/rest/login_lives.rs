//! The ends of logins: by time, by number, with their account; and what is left of them.

use std::time::Instant;

use fluent_backend::clock::Clock;
use fluent_backend::config::Config;
use fluent_backend::testing::{TestClient, TestData, TestServer, TestSocket, eventually};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::config::fast_janitor;
use crate::support::config::{first_round_is_over, lazy_janitor};
use crate::support::tables::{count, execute};
use crate::support::v1::{live, log_in_again, send_frame, stopped_clock};

/// As long as a refresh token lives.
const MONTH_S: i64 = 2_592_000;

async fn refresh(server: &TestServer, user: &TestClient) -> Option<TestClient> {
    let answer = server.http().post("/auth/refresh", &json!({"refresh_token": user.tokens.refresh_token})).await;
    let tokens: fluent_backend::testing::TokenPair = answer.status.is_success().then(|| answer.json())?;
    let http = server.http().with_authorization(format!("Bearer {}", tokens.access_token));
    Some(TestClient { tokens, http, ..user.clone() })
}

async fn status(server: &TestServer, user: &TestClient, path: &str) -> u16 {
    let http = server.http().with_authorization(format!("Bearer {}", user.tokens.access_token));
    http.get(path).await.status.as_u16()
}

async fn sessions(user: &TestClient, query: &str) -> Vec<Value> {
    user.http.get(&format!("/auth/sessions{query}")).await.ok().json()
}

async fn log_out_everywhere(user: &TestClient) {
    assert_eq!(user.http.post("/auth/logout_all", &json!({})).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_socket_is_closed_when_its_login_expires_unused() {
    let clock = stopped_clock();
    let server = TestServer::start_at(clock.clone(), fast_janitor).await;
    let (alice, bob) = (server.sign_up("alice").await, server.sign_up("bob").await);
    let (mut old, mut new) = (alice.connect().await, live(&alice, "a").await);
    let mut used = live(&bob, "b").await;
    clock.advance_secs(MONTH_S - 60);
    let bob = refresh(&server, &bob).await.unwrap();
    // Both are still there.
    used.store(alice.id, "not yet").await;
    new.expect("message").await;
    clock.advance_secs(61);
    assert_eq!(old.closed().await, (4001, "revoked".to_owned()));
    assert_eq!(new.socket.closed().await, (4001, "revoked".to_owned()));
    used.store(bob.id, "a socket of a login that was used goes on").await;
    assert!(refresh(&server, &alice).await.is_none());
    server.stop().await;
}

#[tokio::test]
async fn a_clock_that_is_set_back_lets_nothing_live_on() {
    let clock = stopped_clock();
    let server = TestServer::start_at(clock.clone(), fast_janitor).await;
    let alice = server.sign_up("alice").await;
    // What expires in the meantime is another's.
    let mut bob = server.sign_up("bob").await.connect().await;
    clock.advance_secs(2 * MONTH_S);
    assert_eq!(bob.closed().await.0, 4001);
    clock.advance_secs(-2 * MONTH_S);
    let mut late = log_in_again(&server, &alice).await.connect().await;
    clock.advance_secs(MONTH_S + 1);
    assert_eq!(late.closed().await, (4001, "revoked".to_owned()));
    server.stop().await;
}

/// What the store still knows of a session does not count.
#[tokio::test]
async fn ending_all_sessions_ends_all_sockets() {
    let clock = stopped_clock();
    let server = TestServer::start_at(clock.clone(), lazy_janitor).await;
    first_round_is_over(&server).await;
    let alice = server.sign_up("alice").await;
    for by_password in [false, true] {
        let mut old = log_in_again(&server, &alice).await.connect().await;
        clock.advance_secs(MONTH_S + 1);
        // Its row may go with this.
        let alice = log_in_again(&server, &alice).await;
        let mut own = alice.connect().await;
        if by_password {
            let body = json!({"old_password": TestClient::PASSWORD, "new_password": "quite another password"});
            alice.http.put("/auth/password", &body).await.ok();
        } else {
            log_out_everywhere(&alice).await;
        }
        let text = if by_password { "password" } else { "logout" };
        assert_eq!(old.closed().await, (4001, text.to_owned()));
        assert_eq!(own.closed().await, (4001, text.to_owned()));
    }
    server.stop().await;
}

#[tokio::test]
async fn a_user_has_a_hundred_sessions_and_the_one_unused_for_longest_ends() {
    let clock = stopped_clock();
    let server = TestServer::start_at(clock.clone(), |_| {}).await;
    let first = server.sign_up("alice").await;
    clock.advance_secs(1);
    let second = log_in_again(&server, &first).await;
    let (mut kept, mut ended) = (first.connect().await, live(&second, "b").await);
    clock.advance_secs(1);
    // The first one is in use.
    let first = refresh(&server, &first).await.unwrap();
    for _ in 0..98 {
        clock.advance_secs(1);
        log_in_again(&server, &first).await;
    }
    assert_eq!(sessions(&first, "").await.len(), 100);
    assert_eq!(status(&server, &second, "/users/me").await, 200);
    let last = log_in_again(&server, &first).await;
    assert_eq!(ended.socket.closed().await, (4001, "revoked".to_owned()));
    assert_eq!(status(&server, &second, "/users/me").await, 401);
    assert!(refresh(&server, &second).await.is_none());
    kept.send_message(first.id, "r", "s").await;
    assert_eq!(kept.next_message().await.content, "s");
    let all = sessions(&last, "").await;
    assert_eq!((all.len(), &all[99]["current"]), (100, &true.into()));
    server.stop().await;
}

#[tokio::test]
async fn sessions_are_listed_page_by_page() {
    let server = TestServer::start().await;
    let alice = server.sign_up("alice").await;
    for _ in 0..4 {
        live(&log_in_again(&server, &alice).await, "pixel").await;
    }
    let all = sessions(&alice, "").await;
    assert_eq!(all.len(), 5);
    assert!(all[1..].iter().all(|session| session["device_ids"] == json!(["pixel"])), "{all:?}");
    let (mut paged, mut after) = (Vec::new(), String::new());
    while let page = sessions(&alice, &format!("?limit=2{after}")).await
        && let Some(last) = page.last()
    {
        after = format!("&after={}", last["id"]);
        paged.extend(page);
        assert!(paged.len() <= all.len(), "{paged:?}");
    }
    assert_eq!(paged, all);
    for bad in ["?limit=0", "?limit=x", "?after=x"] {
        assert_eq!(alice.http.get(&format!("/auth/sessions{bad}")).await.status, 422, "{bad}");
    }
    server.stop().await;
}

/// As of a script that signs in each time and never out, from before there was a limit.
#[tokio::test(flavor = "multi_thread")]
async fn forty_thousand_sessions_are_ended_at_once() {
    let server = TestServer::start().await;
    let alice = server.sign_up("alice").await;
    let bob = server.sign_up("bob").await;
    let data = server.stop_keeping_data().await;
    for user in [alice.id, bob.id] {
        let sql = format!(
            "INSERT INTO logins (user_id, created_at, last_used_at, expires_at) WITH RECURSIVE n (k) AS \
             (SELECT 1 UNION ALL SELECT k + 1 FROM n WHERE k < 40000) \
             SELECT user_id, created_at, last_used_at - 1, expires_at FROM logins, n WHERE user_id = {user}"
        );
        execute(&data, &sql).await;
    }
    let server = TestServer::start_on(data, Clock::system(), |_| {}).await;
    let since = Instant::now();
    let mut last = 0;
    let mut socket = log_in_again(&server, &alice).await.connect().await;
    for session in sessions(&log_in_again(&server, &alice).await, "").await {
        assert!(session["id"].as_i64() > Some(last));
        last = session["id"].as_i64().unwrap();
    }
    let logins = since.elapsed();
    let alice = log_in_again(&server, &alice).await;
    assert_eq!(sessions(&alice, "?limit=1000").await.len(), 100);
    let since = Instant::now();
    log_out_everywhere(&alice).await;
    let hundred = since.elapsed();
    assert_eq!(socket.closed().await.0, 4001);
    let http = server.http().with_authorization(format!("Bearer {}", bob.tokens.access_token));
    assert_eq!(sessions(&TestClient { http: http.clone(), ..bob.clone() }, "").await.len(), 100);
    let since = Instant::now();
    log_out_everywhere(&TestClient { http, ..bob.clone() }).await;
    eprintln!("logins {logins:?}, logout_all of 100 {hundred:?}, of 40,000 {:?}", since.elapsed());
    assert_eq!(status(&server, &bob, "/users/me").await, 401);
    server.stop().await;
}

async fn rows(data: &TestData) -> Vec<(&'static str, i64)> {
    let mut rows = Vec::new();
    for table in ["logins", "refresh_tokens", "tickets", "devices", "ended_users"] {
        rows.push((table, count(data, table).await));
    }
    rows
}

/// Of those who never come back, too.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_is_dropped() {
    let clock = stopped_clock();
    let server = TestServer::start_at(clock.clone(), fast_janitor).await;
    let (gone, out) = (server.sign_up("gone").await, server.sign_up("out").await);
    let (stays, doomed) = (server.sign_up("stays").await, server.sign_up("doomed").await);
    for user in [&gone, &out, &stays] {
        drop(live(user, "pixel").await);
        user.http.post("/auth/ws_ticket", &json!({})).await.ok();
        refresh(&server, user).await.unwrap();
    }
    out.http.post("/auth/logout", &json!({})).await.ok();
    let password = json!({"password": TestClient::PASSWORD});
    doomed.http.with_body(Method::DELETE, "/users/me", &password).await.ok();
    clock.advance_secs(MONTH_S - 60);
    let stays = log_in_again(&server, &stays).await;
    clock.advance_secs(120);
    let expected = [("logins", 1), ("refresh_tokens", 1), ("tickets", 0), ("devices", 0), ("ended_users", 0)];
    eventually("nothing is left of what is over", async || (rows(server.data()).await == expected).then_some(())).await;
    assert_eq!(sessions(&stays, "").await.len(), 1);
    assert!(refresh(&server, &stays).await.is_some());
    server.stop().await;
}

/// A clock that is wrong for a moment signs no user out.
#[tokio::test(flavor = "multi_thread")]
async fn a_moment_of_a_wrong_clock_costs_nobody_the_login() {
    let clock = stopped_clock();
    let server = TestServer::start_at(clock.clone(), fast_janitor).await;
    let (alice, bob) = (server.sign_up("alice").await, server.sign_up("bob").await);
    clock.advance_secs(400 * 86_400);
    // Who signs in meanwhile loses nothing of the time before either.
    let ahead = log_in_again(&server, &bob).await;
    ahead.http.get("/users/me").await.ok();
    clock.advance_secs(-400 * 86_400);
    assert!(refresh(&server, &alice).await.is_some() && refresh(&server, &bob).await.is_some());
    server.stop().await;
}

#[tokio::test]
async fn what_has_ended_stays_refused_after_a_restart() {
    let clock = stopped_clock();
    let long = |config: &mut Config| config.auth.access_token_s = 3600;
    let server = TestServer::start_at(clock.clone(), long).await;
    let (ended, deleted) = (server.sign_up("ended").await, server.sign_up("deleted").await);
    ended.http.post("/auth/logout", &json!({})).await.ok();
    let password = json!({"password": TestClient::PASSWORD});
    deleted.http.with_body(Method::DELETE, "/users/me", &password).await.ok();
    let data = server.stop_keeping_data().await;
    clock.advance_secs(600);
    // Tokens of an hour are no good for longer than those of today.
    for seconds in [0, 600] {
        clock.advance_secs(seconds);
        let server = TestServer::start_on(data.clone(), clock.clone(), |_| {}).await;
        for (name, user) in [("ended", &ended), ("deleted", &deleted)] {
            for path in ["/chat/chat_list", "/users/search?query=x", "/users/me"] {
                assert_eq!(status(&server, user, path).await, 401, "{name} at {path} after {seconds} s");
            }
            let path = format!("/chat/ws?token={}", user.tokens.access_token);
            assert!(TestSocket::open(server.addr(), &path, None).await.is_err(), "{name}");
        }
        server.stop().await;
    }
}

/// A message to a user whose account is gone is refused, and nothing of that account is left but the fact that it has
/// ended.
#[tokio::test]
async fn a_deleted_account_leaves_its_number_for_as_long_as_its_tokens_live() {
    let clock = stopped_clock();
    let server = TestServer::start_at(clock.clone(), fast_janitor).await;
    let (alice, bob) = (server.sign_up("alice").await, server.sign_up("bob").await);
    let password = json!({"password": TestClient::PASSWORD});
    bob.http.with_body(Method::DELETE, "/users/me", &password).await.ok();
    assert_eq!(count(server.data(), "ended_users").await, 1);
    let error = live(&alice, "a").await.ask(&send_frame(bob.id, "hello")).await;
    assert_eq!(error["code"], "unknown_user");
    clock.advance_secs(901);
    let gone = async || (count(server.data(), "ended_users").await == 0).then_some(());
    eventually("the number is forgotten", gone).await;
    server.stop().await;
}
