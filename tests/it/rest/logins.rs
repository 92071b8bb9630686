//! Logins: listing and ending them, the password, tickets.

use fluent_backend::clock::Clock;
use fluent_backend::domain::{Timestamp, UserId};
use fluent_backend::testing::{Answer, Http, TestClient, TestServer, TestSocket, TokenPair};
use futures_util::future::join_all;
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Error, Message};

async fn put(http: &Http, path: &str, body: &Value) -> Answer {
    http.send(Method::PUT, path, HeaderMap::new(), body.to_string().into()).await
}

async fn delete(http: &Http, path: &str) -> Answer {
    http.send(Method::DELETE, path, HeaderMap::new(), "".into()).await
}

async fn works(client: &TestClient) -> bool {
    client.http.get("/chat/chat_list").await.status == StatusCode::OK
}

async fn refreshes(server: &TestServer, client: &TestClient) -> bool {
    let body = json!({"refresh_token": client.tokens.refresh_token});
    server.http().post("/auth/refresh", &body).await.status == StatusCode::OK
}

/// The code and the text of the server's close.
async fn closed(socket: &mut TestSocket) -> (u16, String) {
    loop {
        match socket.next().await {
            Some(Ok(Message::Close(Some(frame)))) => return (frame.code.into(), frame.reason.to_string()),
            Some(Ok(_)) => {}
            other => panic!("no close frame: {other:?}"),
        }
    }
}

async fn sessions(client: &TestClient) -> Vec<Value> {
    client.http.get("/auth/sessions").await.ok().json()
}

#[tokio::test]
async fn logout_ends_this_session_at_once_and_no_other() {
    let server = TestServer::start().await;
    let phone = server.sign_up("alice").await;
    let tablet = TestClient::log_in(server.http(), "alice", phone.id).await;
    let (mut gone, mut stays) = (phone.connect().await, tablet.connect().await);
    assert_eq!(phone.http.post("/auth/logout", &json!({})).await.status, StatusCode::NO_CONTENT);
    assert_eq!(closed(&mut gone).await, (4001, "logout".to_owned()));
    assert!(!works(&phone).await && !refreshes(&server, &phone).await);
    assert_eq!(phone.http.post("/auth/logout", &json!({})).await.status, StatusCode::UNAUTHORIZED);
    assert!(works(&tablet).await && refreshes(&server, &tablet).await);
    stays.send_message(phone.id, "r", "s").await;
    assert_eq!(stays.next_message().await.content, "s");
    server.stop().await;
}

#[tokio::test]
async fn logout_all_ends_every_session_of_this_user() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.sign_up("alice").await, server.sign_up("bob").await);
    let other = TestClient::log_in(server.http(), "alice", alice.id).await;
    let (mut a, mut o, mut b) = (alice.connect().await, other.connect().await, bob.connect().await);
    assert_eq!(other.http.post("/auth/logout_all", &json!({})).await.status, StatusCode::NO_CONTENT);
    assert_eq!((closed(&mut a).await.0, closed(&mut o).await.0), (4001, 4001));
    assert!(!works(&alice).await && !works(&other).await && !refreshes(&server, &alice).await);
    b.send_message(bob.id, "r", "s").await;
    assert_eq!(b.next_message().await.content, "s");
    server.stop().await;
}

#[tokio::test]
async fn sessions_are_listed_and_ended_by_their_owner_only() {
    let clock = Clock::stopped_at(Timestamp::from_micros(1_790_000_000_000_000));
    let server = TestServer::start_at(clock.clone(), |_| {}).await;
    let (first, eve) = (server.sign_up("alice").await, server.sign_up("eve").await);
    clock.advance_secs(60);
    let second = TestClient::log_in(server.http(), "alice", first.id).await;
    clock.advance_secs(60);
    assert!(refreshes(&server, &first).await);
    let list = sessions(&second).await;
    assert_eq!(list.len(), 2);
    assert_eq!((list[0]["current"].as_bool(), list[1]["current"].as_bool()), (Some(false), Some(true)));
    assert_eq!(list[0]["created_at"], "2026-09-21T14:13:20.000000Z");
    assert_eq!(list[0]["last_used_at"], "2026-09-21T14:15:20.000000Z");

    let mut socket = first.connect().await;
    let path = format!("/auth/sessions/{}", list[0]["id"]);
    for (client, path) in [(&eve, path.as_str()), (&second, "/auth/sessions/4711"), (&second, "/auth/sessions/x")] {
        let answer = delete(&client.http, path).await;
        assert_eq!(
            (answer.status, answer.json::<Value>()["code"].as_str()),
            (StatusCode::NOT_FOUND, Some("not_found"))
        );
    }
    assert!(works(&first).await);
    assert_eq!(delete(&second.http, &path).await.status, StatusCode::NO_CONTENT);
    assert_eq!(closed(&mut socket).await, (4001, "revoked".to_owned()));
    assert!(!works(&first).await && works(&second).await);
    assert_eq!(delete(&second.http, &path).await.status, StatusCode::NOT_FOUND, "ended already");
    assert_eq!(sessions(&second).await.len(), 1);
    server.stop().await;
}

#[tokio::test]
async fn a_new_password_ends_every_session_and_begins_one() {
    let server = TestServer::start().await;
    let keeps = server.sign_up("alice").await;
    let other = TestClient::log_in(server.http(), "alice", keeps.id).await;
    let (mut kept, mut ended) = (keeps.connect().await, other.connect().await);
    let change = |old: &str, new: &str| json!({"old_password": old, "new_password": new});
    let wrong = put(&keeps.http, "/auth/password", &change("not my password", "a new password")).await;
    assert_eq!((wrong.status, wrong.json::<Value>()["code"].as_str()), (StatusCode::FORBIDDEN, Some("forbidden")));
    let short = put(&keeps.http, "/auth/password", &change(TestClient::PASSWORD, "short")).await;
    assert_eq!(short.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(works(&other).await);

    let done = put(&keeps.http, "/auth/password", &change(TestClient::PASSWORD, "a new password")).await;
    assert_eq!((done.status, &done.headers["cache-control"]), (StatusCode::OK, &"no-store".parse().unwrap()));
    let tokens: TokenPair = done.json();
    // A copied token or socket of the session that asked does not live on.
    for socket in [&mut kept, &mut ended] {
        assert_eq!(closed(socket).await, (4001, "password".to_owned()));
    }
    for client in [&keeps, &other] {
        assert!(!works(client).await && !refreshes(&server, client).await);
    }
    let http = server.http().with_authorization(format!("Bearer {}", tokens.access_token));
    let changed = TestClient { tokens, http, ..keeps.clone() };
    assert_eq!(sessions(&changed).await.len(), 1);
    let mut socket = changed.connect().await;
    socket.send_message(keeps.id, "r", "s").await;
    assert_eq!(socket.next_message().await.content, "s");
    assert!(works(&changed).await && refreshes(&server, &changed).await);
    for (password, status) in [(TestClient::PASSWORD, 401), ("a new password", 200)] {
        let body = json!({"username": "alice", "password": password});
        assert_eq!(server.http().post("/auth/login", &body).await.status, status);
    }
    server.stop().await;
}

/// A script in a browser sees no refusal of a handshake.
#[tokio::test(flavor = "multi_thread")]
async fn there_is_no_ticket_for_who_would_not_be_admitted() {
    let server = TestServer::start_alone(|config| config.socket.max_per_user = 2).await;
    let (alice, bob) = (server.sign_up("alice").await, server.sign_up("bob").await);
    let ask = async |client: &TestClient| client.http.post("/auth/ws_ticket", &json!({})).await;
    let admission = &server.server().sockets().admission;
    let id = UserId(alice.id);
    let opening = [admission.admit(id).await.unwrap(), admission.admit(id).await.unwrap()];
    let refused = ask(&alice).await;
    assert_eq!(refused.problem(), (503, "unavailable".to_owned()));
    assert_eq!(refused.headers["retry-after"], "1");
    ask(&bob).await.ok();
    drop(opening);
    ask(&alice).await.ok();
    // A ticket holds no place in the queue.
    ask(&alice).await.ok();
    ask(&alice).await.ok();
    server.stop().await;
}

#[tokio::test]
async fn a_ticket_opens_one_socket_for_a_short_time() {
    let clock = Clock::stopped_at(Timestamp::from_micros(1_790_000_000_000_000));
    let server = TestServer::start_at(clock.clone(), |_| {}).await;
    let (alice, bob) = (server.sign_up("alice").await, server.sign_up("bob").await);
    let ticket = async |client: &TestClient| {
        let answer: Value = client.http.post("/auth/ws_ticket", &json!({})).await.ok().json();
        assert_eq!(answer["expires_in"], 30);
        answer["ticket"].as_str().unwrap().to_owned()
    };
    let open = async |ticket: &str, token: Option<&str>| {
        let path = format!("/chat/ws?ticket={ticket}");
        TestSocket::open(server.addr(), &path, token).await.map_err(|error| match *error {
            Error::Http(response) => response.status(),
            other => panic!("{other}"),
        })
    };
    assert_eq!(server.http().post("/auth/ws_ticket", &json!({})).await.status, StatusCode::UNAUTHORIZED);

    let one = ticket(&alice).await;
    let mut opened: Vec<_> = join_all((0..5).map(|_| open(&one, None))).await;
    opened.sort_by_key(Result::is_err);
    let mut socket = opened.swap_remove(0).unwrap();
    socket.send_message(alice.id, "r", "s").await;
    assert_eq!(socket.next_message().await.content, "s");
    for refused in opened {
        assert_eq!(refused.unwrap_err(), StatusCode::UNAUTHORIZED, "a ticket works once");
    }

    let late = ticket(&alice).await;
    clock.advance_secs(30);
    assert_eq!(open(&late, None).await.unwrap_err(), StatusCode::UNAUTHORIZED);
    // With another user's token beside it the handshake is refused, and the ticket is spent all the same.
    let mixed = ticket(&alice).await;
    assert_eq!(open(&mixed, Some(&bob.tokens.access_token)).await.unwrap_err(), StatusCode::UNAUTHORIZED);
    assert_eq!(open(&mixed, None).await.unwrap_err(), StatusCode::UNAUTHORIZED);
    for rubbish in ["", "x", alice.tokens.refresh_token.as_str()] {
        assert_eq!(open(rubbish, None).await.unwrap_err(), StatusCode::UNAUTHORIZED);
        open(rubbish, Some(&alice.tokens.access_token)).await.unwrap();
    }
    let of_ended = ticket(&alice).await;
    alice.http.post("/auth/logout", &json!({})).await.ok();
    assert_eq!(open(&of_ended, None).await.unwrap_err(), StatusCode::UNAUTHORIZED);
    server.stop().await;
}

#[tokio::test]
async fn users_by_id_with_the_name_of_their_key() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.sign_up("alice").await, server.sign_up("bob").await);
    let path = format!("/users?ids={},{},4711,{}", bob.id, alice.id, bob.id);
    let users: Vec<Value> = alice.http.get(&path).await.ok().json();
    assert_eq!(users.iter().map(|user| &user["id"]).collect::<Vec<_>>(), [alice.id, bob.id]);
    // sha256("AAAA")
    assert_eq!(users[0]["key_id"], "63c1dd951ffedf6f");
    let partner: Value = alice.http.get(&format!("/chat/partnerinfo?partnerID={}", bob.id)).await.ok().json();
    assert_eq!(partner, users[1]);
    let hundred = (1..=100).map(|id| id.to_string()).collect::<Vec<_>>().join(",");
    assert_eq!(alice.http.get(&format!("/users?ids={hundred}")).await.status, StatusCode::OK);
    for bad in [format!("{hundred},101"), String::new(), "1,x".to_owned(), "1,,2".to_owned()] {
        let answer = alice.http.get(&format!("/users?ids={bad}")).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
    }
    assert_eq!(server.http().get(&path).await.status, StatusCode::UNAUTHORIZED);
    server.stop().await;
}
