//! Replacing the public key, which others encrypt to: more than a token is needed.

use fluent_backend::testing::{TestClient, TestServer};
use serde_json::{Value, json};

use crate::support::v1::{assert_fields, live, log_in_again, partners, stopped_clock};

async fn set_key(user: &TestClient, key: &str, password: Option<&str>) -> Result<String, (u16, String)> {
    let body = match password {
        Some(password) => json!({"public_key": key, "password": password}),
        None => json!({"public_key": key}),
    };
    let answer = user.http.put("/users/me/public_key", &body).await;
    if !answer.status.is_success() {
        return Err(answer.problem());
    }
    Ok(answer.json::<Value>()["key_id"].as_str().unwrap().to_owned())
}

fn forbidden() -> Result<String, (u16, String)> {
    Err((403, "forbidden".to_owned()))
}

#[tokio::test]
async fn the_key_needs_the_password_unless_the_login_is_fresh() {
    let clock = stopped_clock();
    let server = TestServer::start_at(clock.clone(), |_| {}).await;
    let alice = server.sign_up("alice").await;
    assert!(set_key(&alice, "BBBB", None).await.is_ok());
    clock.advance_secs(600);
    assert!(set_key(&alice, "CCCC", None).await.is_ok(), "ten minutes are not over");
    clock.advance_secs(1);
    assert_eq!(set_key(&alice, "DDDD", None).await, forbidden());
    assert_eq!(set_key(&alice, "DDDD", Some("not my password")).await, forbidden());
    let profile: Value = alice.http.get("/users/me").await.ok().json();
    assert_eq!(profile["public_key"], "CCCC");
    assert!(set_key(&alice, "DDDD", Some(TestClient::PASSWORD)).await.is_ok());
    // A refresh does not make a session fresh again: no password was given.
    let refresh = json!({"refresh_token": alice.tokens.refresh_token});
    let pair: Value = server.http().post("/auth/refresh", &refresh).await.ok().json();
    let http = server.http().with_authorization(format!("Bearer {}", pair["access_token"].as_str().unwrap()));
    let refreshed = TestClient { http, ..alice.clone() };
    assert_eq!(set_key(&refreshed, "EEEE", None).await, forbidden());
    let fresh = log_in_again(&server, &alice).await;
    assert!(set_key(&fresh, "EEEE", None).await.is_ok());
    // Nor does a clock that was an hour ahead when one signed in.
    clock.advance_secs(3600);
    let ahead = log_in_again(&server, &alice).await;
    clock.advance_secs(-3600);
    assert_eq!(set_key(&ahead, "FFFF", None).await, forbidden());
    server.stop().await;
}

#[tokio::test]
async fn the_same_key_in_another_spelling_changes_nothing() {
    let server = TestServer::start().await;
    let (alice, bob, mut a, mut b) = partners(&server).await;
    let first = set_key(&alice, "QUJDRA==", None).await.unwrap();
    assert_fields(&a.expect("key_changed").await, &json!({"user_id": alice.id, "key_id": first}));
    assert_fields(&b.expect("key_changed").await, &json!({"user_id": alice.id, "key_id": first}));
    assert_eq!(set_key(&alice, "QUJDRA", None).await.unwrap(), first, "the stored text is named");
    let profile: Value = alice.http.get("/users/me").await.ok().json();
    assert_eq!((&profile["public_key"], &profile["key_id"]), (&"QUJDRA==".into(), &first.into()));
    b.store(alice.id, "nothing came before").await;
    a.expect("message").await;
    let late = live(&bob, "late").await;
    drop(late);
    assert!(set_key(&alice, "QUJDRQ", None).await.is_ok(), "another key");
    a.expect("key_changed").await;
    server.stop().await;
}
