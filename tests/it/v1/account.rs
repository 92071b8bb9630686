//! Deletion of an account: what is gone, who learns of it, and what still works.

use fluent_backend::testing::{Answer, TestClient, TestServer};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::v1::{
    assert_fields, chat_list, column, conversations, exchange, live, log_in_again, merged, partners, send_frame, seq,
    two_live,
};

async fn delete_account(user: &TestClient, password: &str) -> Answer {
    user.http.with_body(Method::DELETE, "/users/me", &json!({"password": password})).await
}

#[tokio::test]
async fn a_wrong_password_deletes_nothing() {
    let server = TestServer::start().await;
    let (alice, _, mut a, mut b) = two_live(&server).await;
    exchange(&mut a, &mut b, "m").await;
    assert_eq!(delete_account(&alice, "not my password").await.problem(), (403, "forbidden".to_owned()));
    let answer = alice.http.with_body(Method::DELETE, "/users/me", &json!({})).await;
    assert_eq!(answer.problem(), (422, "bad_frame".to_owned()));
    let password = json!({"password": TestClient::PASSWORD});
    let answer = server.http().with_body(Method::DELETE, "/users/me", &password).await;
    assert_eq!(answer.problem(), (401, "unauthorized".to_owned()));
    assert_eq!(chat_list(&log_in_again(&server, &alice).await).await.len(), 1);
    exchange(&mut a, &mut b, "still here").await;
    server.stop().await;
}

#[tokio::test]
async fn a_deleted_account_is_gone_at_once_and_only_partners_are_told() {
    let server = TestServer::start().await;
    let (alice, bob, mut a, mut b) = partners(&server).await;
    let other_login = log_in_again(&server, &bob).await;
    let (mut b2, mut legacy) = (live(&other_login, "b2").await, bob.connect().await);
    let carol = server.sign_up("carol").await;
    let mut c = live(&carol, "c").await;
    let mut a2 = live(&alice, "a2").await;
    assert_eq!(delete_account(&bob, TestClient::PASSWORD).await.status, StatusCode::NO_CONTENT);
    for socket in [&mut b.socket, &mut b2.socket, &mut legacy] {
        assert_eq!(socket.closed().await, (4001, "deleted".to_owned()));
    }
    let told = a.expect("user_deleted").await;
    assert_fields(&told, &json!({"user_id": bob.id, "seq": seq(&told)}));
    assert_fields(&a2.expect("user_deleted").await, &told);
    assert_eq!(c.so_far().await, Vec::<Value>::new(), "strangers are not told");

    for client in [&bob, &other_login] {
        assert_eq!(client.http.get("/users/me").await.status, 401);
        let refresh = json!({"refresh_token": client.tokens.refresh_token});
        assert_eq!(server.http().post("/auth/refresh", &refresh).await.status, 401);
    }
    let login = json!({"username": "bob", "password": TestClient::PASSWORD});
    assert_eq!(server.http().post("/auth/login", &login).await.status, 401);
    for path in ["/auth/get_all_users?search=bob", &format!("/users?ids={}", bob.id), "/users/search?query=bob"] {
        assert_eq!(alice.http.get(path).await.ok().json::<Value>(), json!([]), "{path}");
    }
    for path in [format!("/chat/partnerinfo?partnerID={}", bob.id), format!("/chat/all_messages?partnerID={}", bob.id)]
    {
        assert_eq!(alice.http.get(&path).await.status, 404, "{path}");
    }
    assert_eq!(chat_list(&alice).await, Vec::<Value>::new());
    assert_eq!(conversations(&alice).await, Vec::<Value>::new());
    for path in [format!("/users/{}/block", bob.id)] {
        assert_eq!(alice.http.put(&path, &json!({})).await.problem(), (404, "not_found".to_owned()));
    }

    // What alice had sent is still known as sent; something new cannot be.
    let repeated = a.ask(&send_frame(bob.id, "hello")).await;
    assert_fields(&repeated, &json!({"type": "stored", "client_id": "hello", "duplicate": true}));
    let error = a.ask(&send_frame(bob.id, "new")).await;
    assert_fields(&error, &json!({"type": "error", "code": "unknown_user", "client_id": "new"}));
    let error = a.ask(&json!({"type": "read", "partner_id": bob.id, "up_to_id": repeated["id"]})).await;
    assert_fields(&error, &json!({"type": "error", "code": "not_found"}));
    server.stop().await;
}

#[tokio::test]
async fn replay_shows_of_a_deleted_users_conversation_only_that_they_are_gone() {
    let server = TestServer::start().await;
    let (alice, bob, mut a, mut b) = partners(&server).await;
    let carol = server.sign_up("carol").await;
    let mut c = live(&carol, "c").await;
    let (kept, _) = exchange(&mut c, &mut a, "from carol").await;
    let (stored, _) = exchange(&mut a, &mut b, "read, then deleted").await;
    b.ask(&json!({"type": "read", "partner_id": alice.id, "up_to_id": stored["id"]})).await;
    a.expect("receipt").await;
    a.ask(&json!({"type": "delete", "id": stored["id"], "for": "everyone"})).await;
    bob.http.put("/users/me/public_key", &json!({"public_key": "BBBB"})).await.ok();
    // Events about him in her own stream.
    for method in [Method::PUT, Method::DELETE] {
        alice.http.with_body(method, &format!("/users/{}/block", bob.id), &json!({})).await.ok();
    }
    delete_account(&bob, TestClient::PASSWORD).await.ok();
    let (_, told) = a.read_until("user_deleted").await;
    for user in [&alice, &log_in_again(&server, &alice).await] {
        let (_, missed) = user.live_device("late", Some(&a.cursor(0))).await;
        assert_eq!(column(&missed, "type"), ["message", "user_deleted"], "{missed:?}");
        assert_eq!((&missed[0]["id"], &missed[1]), (&kept["id"], &told));
    }
    assert_eq!(column(&chat_list(&alice).await, "message").len(), 1, "carol's conversation stays");
    server.stop().await;
}

/// The old name is free, and its new owner is another user.
#[tokio::test]
async fn a_new_account_of_the_same_name_inherits_nothing() {
    let server = TestServer::start().await;
    let (alice, bob, mut a, _b) = partners(&server).await;
    delete_account(&bob, TestClient::PASSWORD).await.ok();
    a.read_until("user_deleted").await;
    let namesake = server.sign_up("bob").await;
    assert!(namesake.id > bob.id, "an id is never given twice: {} after {}", namesake.id, bob.id);
    let (mut n, missed) = namesake.live_device("b", Some(&a.cursor(0))).await;
    assert_eq!(missed, Vec::<Value>::new());
    assert_eq!(conversations(&namesake).await, Vec::<Value>::new());
    exchange(&mut a, &mut n, "who are you").await;
    assert_fields(&n.ask(&send_frame(alice.id, "hello back")).await, &json!({"duplicate": false}));
    server.stop().await;
}

/// With messages in all states, to and from everybody: nothing that is left names the user.
#[tokio::test]
async fn what_is_left_of_a_deleted_account_does_not_disturb_the_others() {
    let server = TestServer::start().await;
    let (alice, bob, mut a, mut b) = partners(&server).await;
    let (mine, _) = exchange(&mut b, &mut a, "deleted for me").await;
    a.ask(&json!({"type": "delete", "id": mine["id"], "for": "me"})).await;
    let expiring = merged(&send_frame(alice.id, "expires"), json!({"expires_in_s": 3600}));
    b.ask(&expiring).await;
    a.expect("message").await;
    b.store(bob.id, "a note to himself").await;
    delete_account(&bob, TestClient::PASSWORD).await.ok();
    a.expect("user_deleted").await;
    for client_id in ["hello", "new"] {
        a.ask(&send_frame(bob.id, client_id)).await;
    }
    let deleted = a.ask(&json!({"type": "delete", "id": mine["id"], "for": "me", "ref": 1})).await;
    assert!(deleted["type"] == "error" || deleted["duplicate"] == true, "{deleted}");
    let note = a.store(alice.id, "a note to herself").await;
    let (_, missed) = alice.live_device("late", Some(&a.cursor(seq(&note) - 1))).await;
    assert_eq!(column(&missed, "id"), [&note["id"]]);
    server.stop().await;
}
