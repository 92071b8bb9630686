//! Opening a `fluent.v1` socket: credentials, the query, `hello`, cursors, and what replaces what.

use fluent_backend::testing::{TestClient, TestDevice, TestServer, TestSocket};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Error;

use crate::support::v1::{assert_fields, column, integer, live, seq, stopped_clock, two_users};

/// Status and code of a refused handshake.
fn refusal<T>(result: Result<T, Box<Error>>) -> (u16, String) {
    match result.err().map(|error| *error) {
        Some(Error::Http(response)) => {
            let body = response.body().clone().unwrap_or_default();
            let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
            (response.status().as_u16(), problem["code"].as_str().unwrap_or_default().to_owned())
        }
        other => panic!("expected a refusal by HTTP, got {other:?}"),
    }
}

async fn ticket(user: &TestClient) -> String {
    let answer: Value = user.http.post("/auth/ws_ticket", &json!({})).await.ok().json();
    answer["ticket"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn every_way_to_show_a_credential_opens_the_socket_and_only_the_dialect_is_echoed() {
    let server = TestServer::start().await;
    let alice = server.sign_up("alice").await;
    let token = &alice.tokens.access_token;
    let header = format!("Bearer {token}");
    let (first, last, among) = (
        format!("fluent.v1, bearer.{token}"),
        format!("bearer.{token},fluent.v1"),
        format!("fluent.v9, fluent.v1, bearer.{token}"),
    );
    let by_ticket = format!("/chat/ws?ticket={}", ticket(&alice).await);
    let by_query = format!("/chat/ws?token={token}");
    for (path, protocols, authorization) in [
        ("/chat/ws", "fluent.v1", Some(header.as_str())),
        ("/chat/ws", &first, None),
        ("/chat/ws", &last, None),
        ("/chat/ws", &among, None),
        (by_ticket.as_str(), "fluent.v1", None),
        (by_query.as_str(), "fluent.v1", None),
        ("/chat/ws?token=old", &first, Some(header.as_str())),
    ] {
        let mut headers = vec![("sec-websocket-protocol", protocols)];
        headers.extend(authorization.map(|value| ("authorization", value)));
        let (socket, answer) = TestSocket::shake_hands(server.addr(), path, &headers).await.unwrap();
        assert_eq!(answer["sec-websocket-protocol"], "fluent.v1", "offered: {protocols}");
        let device = TestDevice::greeted(socket).await;
        assert_fields(&device.hello, &json!({"user_id": alice.id}));
    }
    // Who offers no subprotocol speaks the legacy dialect, and is told of none.
    let (_, answer) = TestSocket::shake_hands(server.addr(), &by_query, &[]).await.unwrap();
    assert!(!answer.contains_key("sec-websocket-protocol"), "{answer:?}");
    server.stop().await;
}

#[tokio::test]
async fn credentials_must_name_one_user_in_whatever_way_they_are_shown() {
    let server = TestServer::start().await;
    let (alice, bob) = two_users(&server).await;
    let ended = TestClient::log_in(server.http(), "alice", alice.id).await;
    ended.http.post("/auth/logout", &json!({})).await.ok();
    let (a, b) = (&alice.tokens.access_token, &bob.tokens.access_token);
    let tickets = [ticket(&alice).await, ticket(&alice).await];
    for (query, protocols, authorization) in [
        (String::new(), "fluent.v1".to_owned(), None),
        (String::new(), format!("fluent.v1, bearer.{a}"), Some(b)),
        (format!("?token={a}"), format!("fluent.v1, bearer.{b}"), None),
        (format!("?ticket={}", tickets[0]), "fluent.v1".to_owned(), Some(b)),
        (format!("?ticket={}", tickets[1]), format!("fluent.v1, bearer.{b}"), None),
        (String::new(), format!("fluent.v1, bearer.{}", alice.tokens.refresh_token), None),
        (String::new(), "fluent.v1, bearer.x.y.z".to_owned(), None),
        (String::new(), format!("fluent.v1, bearer.{}", ended.tokens.access_token), None),
        (String::new(), "fluent.v1".to_owned(), Some(&ended.tokens.access_token)),
    ] {
        let bearer = authorization.map(|token| format!("Bearer {token}"));
        let mut headers = vec![("sec-websocket-protocol", protocols.as_str())];
        headers.extend(bearer.as_deref().map(|value| ("authorization", value)));
        let path = format!("/chat/ws{query}");
        let refused = refusal(TestSocket::open_with(server.addr(), &path, &headers).await);
        assert_eq!(refused, (401, "unauthorized".to_owned()), "{query} {protocols} {bearer:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn unknown_dialects_and_bad_device_ids_are_400_but_401_is_decided_first() {
    let server = TestServer::start().await;
    let alice = server.sign_up("alice").await;
    let bearer = format!("Bearer {}", alice.tokens.access_token);
    let open = async |path: &str, protocols: &str, token: Option<&str>| {
        let mut headers = vec![("sec-websocket-protocol", protocols)];
        headers.extend(token.map(|value| ("authorization", value)));
        refusal(TestSocket::open_with(server.addr(), path, &headers).await)
    };
    let alone = format!("bearer.{}", alice.tokens.access_token);
    for protocols in ["fluent.v9", "fluent", "chat, superchat", alone.as_str()] {
        let refused = open("/chat/ws", protocols, Some(&bearer)).await;
        assert_eq!(refused, (400, "unsupported_subprotocol".to_owned()), "{protocols}");
    }
    assert_eq!(open("/chat/ws", "fluent.v9", None).await.0, 401, "401 is decided first");
    let long = "x".repeat(65);
    for device_id in ["", "a%20b", "a.b", "a:b", "%C3%A4", "a/b", long.as_str()] {
        let path = format!("/chat/ws?device_id={device_id}");
        let refused = open(&path, "fluent.v1", Some(&bearer)).await;
        assert_eq!(refused, (400, "bad_frame".to_owned()), "device_id={device_id}");
        assert_eq!(open(&path, "fluent.v1", None).await.0, 401, "401 is decided first");
    }
    // The longest name, with every kind of character.
    let longest = format!("aZ09_-{}", "x".repeat(58));
    assert_eq!(live(&alice, &longest).await.hello["device_id"], longest);
    server.stop().await;
}

#[tokio::test]
async fn a_query_that_means_nothing_is_refused_before_the_socket() {
    let server = TestServer::start().await;
    let alice = server.sign_up("alice").await;
    let token = format!("Bearer {}", alice.tokens.access_token);
    let headers = [("sec-websocket-protocol", "fluent.v1"), ("authorization", token.as_str())];
    let open = async |query: &str| TestSocket::shake_hands(server.addr(), &format!("/chat/ws?{query}"), &headers).await;
    for query in [
        "mode=",
        "mode=foreground",
        "mode=Background",
        "since=",
        "mode=background&mode=background",
        "since=a:1&since=b:1",
    ] {
        assert_eq!(refusal(open(query).await), (400, "bad_frame".to_owned()), "{query}");
    }
    for query in ["mode=background", "since=nonsense", "token=&unknown=1"] {
        let (socket, _) = open(query).await.unwrap();
        assert_fields(&TestDevice::greeted(socket).await.hello, &json!({"user_id": alice.id}));
    }
    let sync = alice.http.get("/chat/sync?since=").await;
    assert_eq!(sync.problem(), (422, "bad_frame".to_owned()));
    server.stop().await;
}

#[tokio::test]
async fn a_handshake_has_one_key_and_one_version() {
    let server = TestServer::start().await;
    let alice = server.sign_up("alice").await;
    let token = format!("Authorization: Bearer {}", alice.tokens.access_token);
    let (key, version) = ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13");
    for (status, twice) in [(400, key), (426, "Sec-WebSocket-Version: 8")] {
        let head = format!(
            "GET /chat/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             {token}\r\n{key}\r\n{version}\r\n{twice}\r\n\r\n"
        );
        let mut stream = tokio::net::TcpStream::connect(server.addr()).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, head.as_bytes()).await.unwrap();
        assert_eq!(crate::support::raw::read_answer(&mut stream).await.status(), status, "{twice}");
    }
    server.stop().await;
}

#[tokio::test]
async fn hello_tells_the_device_what_it_must_know() {
    let server = TestServer::start_at(stopped_clock(), |config| {
        config.socket.max_frame_bytes = 100_000;
        config.socket.max_ciphertext_bytes = 40_000;
        config.socket.in_flight = 7;
        config.socket.ping_s = 11;
        config.media.max_bytes = 5_000;
        config.media.per_message = 3;
    })
    .await;
    let alice = server.sign_up("alice").await;
    let mut device = alice.device("pixel", None).await;
    assert_fields(
        &device.hello,
        &json!({
            "type": "hello",
            "user_id": alice.id,
            "device_id": "pixel",
            "server_time": "2026-09-21T14:13:20.000000Z",
            "limits": {"frame_bytes": 100_000, "ciphertext_bytes": 40_000, "in_flight": 7, "heartbeat_s": 11,
                "media_bytes": 5_000, "attachments": 3},
        }),
    );
    let live = device.expect("live").await;
    assert_eq!(live["cursor"], device.hello["cursor"], "without `since` the stream starts at the head");
    // Without a `device_id` the server makes one, another each time.
    let mut made = Vec::new();
    for _ in 0..2 {
        let device = TestDevice::open(server.addr(), &alice.tokens.access_token, "").await.unwrap();
        let name = device.hello["device_id"].as_str().unwrap().to_owned();
        let valid = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        assert!((1..=64).contains(&name.len()) && name.chars().all(valid), "{name}");
        made.push((name, device));
    }
    assert_ne!(made[0].0, made[1].0);
    server.stop().await;
}

#[tokio::test]
async fn an_opening_is_hello_what_was_missed_and_one_live() {
    let server = TestServer::start().await;
    let (alice, bob) = two_users(&server).await;
    let mut a = live(&alice, "a").await;
    let mut stored = Vec::new();
    for i in 0..5 {
        stored.push(a.store(bob.id, &i.to_string()).await);
    }
    let at_first = stored.clone();
    // From nothing, from the middle, and from the end.
    for kept in [0, 2, 5] {
        let since = a.cursor(if kept == 0 { 0 } else { seq(&at_first[kept - 1]) });
        let mut b = bob.device("b", Some(&since)).await;
        assert_eq!(b.hello["cursor"], since.as_str(), "a cursor that is honoured is where the stream starts");
        let (mut missed, live) = b.read_until("live").await;
        missed.retain(|frame| frame["sender_id"] != bob.id);
        assert_eq!(column(&missed, "id"), column(&stored[kept..], "id"), "after {since}");
        assert!(missed.iter().all(|frame| frame["type"] == "message"), "{missed:?}");
        assert!(missed.is_sorted_by(|x, y| seq(x) < seq(y)), "{missed:?}");
        let head = live["cursor"].as_str().unwrap();
        let (_, head) = head.split_once(':').unwrap();
        assert!(head.parse::<i64>().unwrap() >= seq(&at_first[4]), "{live}");
        // Then what happens now, and no second `live`.
        stored.push(a.store(bob.id, &format!("after {kept}")).await);
        assert_eq!(b.expect("message").await["id"], stored.last().unwrap()["id"]);
        assert_eq!(b.so_far().await, Vec::<Value>::new());
        b.socket.close().await;
    }
    server.stop().await;
}

#[tokio::test]
async fn a_cursor_that_cannot_be_honoured_is_answered_by_a_reset() {
    let server = TestServer::start().await;
    let (alice, bob) = two_users(&server).await;
    let mut a = live(&alice, "a").await;
    let first = a.store(bob.id, "first").await;
    a.store(bob.id, "second").await;
    let beyond = a.cursor(seq(&first) + 1_000_000);
    let no_number = a.cursor(1).replace(':', ":+");
    let far = a.cursor(i64::MAX);
    for (since, reason) in [
        ("rubbish", "epoch"),
        ("other:0", "epoch"),
        ("other:1", "epoch"),
        (":1", "epoch"),
        (no_number.as_str(), "epoch"),
        (beyond.as_str(), "future"),
        (far.as_str(), "future"),
    ] {
        let since = since.replace('+', "%2B");
        let mut b = bob.device("b", Some(&since)).await;
        let reset = b.expect("reset").await;
        assert_eq!(reset["reason"], reason, "since={since}: {reset}");
        let live = b.expect("live").await;
        let head = b.hello["cursor"].as_str().unwrap();
        assert_ne!(head, since, "`hello` names the head of the store, not what was not honoured");
        // Whatever the reset names is a good cursor, and history has everything up to it.
        for cursor in [&reset["cursor"], &live["cursor"]] {
            let (again, missed) = bob.live_device("b", cursor.as_str()).await;
            assert_eq!((again.hello["cursor"].as_str(), missed.len()), (cursor.as_str(), 0), "{cursor}");
        }
    }
    server.stop().await;
}

/// What is older than `sync.keep_days` is dropped, and a cursor from before that is told so.
#[tokio::test]
async fn a_cursor_from_before_the_last_dropped_event_has_expired() {
    let clock = stopped_clock();
    let server = TestServer::start_at(clock.clone(), crate::support::config::fast_janitor).await;
    let (alice, bob) = two_users(&server).await;
    let mut a = live(&alice, "a").await;
    let kept = a.store(bob.id, "kept").await;
    let gone = a.store(bob.id, "gone").await;
    let deleted = a.ask(&json!({"type": "delete", "id": gone["id"], "for": "everyone"})).await;
    assert_eq!(deleted["type"], "deleted", "{deleted}");
    let last = a.store(bob.id, "last").await;
    let (before, behind) = (a.cursor(seq(&kept)), a.cursor(seq(&last)));
    clock.advance_secs(91 * 86_400);
    let bob = crate::support::v1::log_in_again(&server, &bob).await;
    let (_, missed) = bob.live_device("b", Some(&a.cursor(0))).await;
    assert!(column(&missed, "id").contains(&&kept["id"]), "`epoch:0` is everything that still exists: {missed:?}");
    let expired = async || {
        let (_, missed) = bob.live_device("b", Some(&before)).await;
        missed.first().filter(|frame| frame["type"] == "reset").cloned()
    };
    let reset = fluent_backend::testing::eventually("the tombstone is dropped after 90 days", expired).await;
    assert_eq!(reset["reason"], "expired", "{reset}");
    for cursor in [behind.as_str(), a.cursor(0).as_str()] {
        let (_, missed) = bob.live_device("b", Some(cursor)).await;
        assert!(missed.iter().all(|frame| frame["type"] != "reset"), "since={cursor}: {missed:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_device_that_comes_back_replaces_its_old_socket_and_no_other() {
    let server = TestServer::start().await;
    let (alice, bob) = two_users(&server).await;
    let mut old = live(&alice, "phone").await;
    let (mut tablet, mut other) = (live(&alice, "tablet").await, live(&bob, "phone").await);
    let mut legacy = alice.connect().await;
    let mut new = live(&alice, "phone").await;
    assert_eq!(old.socket.close_code().await, 4003);
    let stored = new.store(bob.id, "still here").await;
    for device in [&mut tablet, &mut other] {
        assert_eq!(device.expect("message").await["id"], stored["id"]);
    }
    assert_eq!(legacy.next_message().await.content, "s:still here");
    server.stop().await;
}

#[tokio::test]
async fn a_socket_outlives_its_access_token_and_ends_with_its_login_session() {
    let clock = stopped_clock();
    let server = TestServer::start_at(clock.clone(), |_| {}).await;
    let (alice, bob, mut a, mut b) = crate::support::v1::two_live(&server).await;
    clock.advance_secs(3600);
    assert_eq!(alice.http.get("/users/me").await.status, 401, "the access token has expired");
    a.store(bob.id, "after an hour").await;
    b.expect("message").await;
    let later = crate::support::v1::log_in_again(&server, &alice).await;
    let sessions: Vec<Value> = later.http.get("/auth/sessions").await.ok().json();
    let old = sessions.iter().find(|session| session["current"] == false).unwrap();
    assert_eq!(old["device_ids"], json!(["a"]), "{old}");
    later.http.delete(&format!("/auth/sessions/{}", integer(old, "id"))).await.ok();
    assert_eq!(a.socket.closed().await, (4001, "revoked".to_owned()));
    server.stop().await;
}

/// However many open a socket and read nothing: the places in which sockets are opened are given back.
#[tokio::test(flavor = "multi_thread")]
async fn devices_that_read_nothing_keep_nobody_out() {
    let server = TestServer::start_with(|config| config.socket.max_per_user = 10_000).await;
    let (alice, bob) = two_users(&server).await;
    let mut b = live(&bob, "b").await;
    b.store(alice.id, "missed").await;
    let path = format!("/chat/ws?since={}", b.cursor(0));
    let bearer = format!("Bearer {}", alice.tokens.access_token);
    let headers = [("sec-websocket-protocol", "fluent.v1"), ("authorization", bearer.as_str())];
    // More than are opened at once, whatever the number of cores.
    let at_once = 8 * std::thread::available_parallelism().unwrap().get();
    let mut unread = Vec::new();
    for _ in 0..3 * at_once {
        unread.push(TestSocket::shake_hands(server.addr(), &path, &headers).await.unwrap());
    }
    let (_, missed) = alice.live_device("phone", Some(&b.cursor(0))).await;
    assert_eq!(missed.len(), 1);
    server.stop().await;
}
