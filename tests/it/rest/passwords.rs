//! Passwords: what people typed counts, common ones are refused, and a registration reveals nothing by its time.

use fluent_backend::testing::{Http, TestClient, TestServer, eventually};
use futures_util::future::join_all;
use http::Method;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::support::config::one_hash_at_a_time;

fn account(name: &str, password: &str) -> Value {
    json!({"username": name, "email": format!("{name}@mail.example"), "password": password, "public_key": "AAAA"})
}

async fn login(http: &Http, name: &str, password: &str) -> u16 {
    http.post("/auth/login", &json!({"username": name, "password": password})).await.status.as_u16()
}

/// Composed, decomposed, and with another space.
const FORMS: [&str; 3] =
    ["Pässwörter é à", "Pa\u{308}sswo\u{308}rter e\u{301} a\u{300}", "Pässwörter\u{a0}é\u{2003}a\u{300}"];

#[tokio::test]
async fn a_password_is_the_same_in_every_form() {
    let server = TestServer::start().await;
    let http = server.http();
    for (i, form) in FORMS.into_iter().enumerate() {
        let name = format!("user{i}");
        http.post("/auth/register", &account(&name, form)).await.ok();
        for typed in FORMS {
            assert_eq!(login(&http, &name, typed).await, 200, "{form:?} {typed:?}");
        }
        assert_eq!(login(&http, &name, "Passworter e a").await, 401);
    }
    let tokens: Value = http.post("/auth/login", &json!({"username": "user0", "password": FORMS[0]})).await.json();
    let signed_in = http.with_authorization(format!("Bearer {}", tokens["access_token"].as_str().unwrap()));
    let change = json!({"old_password": FORMS[1], "new_password": "e\u{301}te\u{301} 1984 a\u{300} Nice"});
    signed_in.put("/auth/password", &change).await.ok();
    assert_eq!(login(&http, "user0", "été 1984 à Nice").await, 200);
    let tokens: Value = http.post("/auth/login", &json!({"username": "user1", "password": FORMS[0]})).await.json();
    let signed_in = http.with_authorization(format!("Bearer {}", tokens["access_token"].as_str().unwrap()));
    signed_in.with_body(Method::DELETE, "/users/me", &json!({"password": FORMS[2]})).await.ok();
    server.stop().await;
}

#[tokio::test]
async fn length_is_counted_in_the_normal_form() {
    let server = TestServer::start().await;
    let http = server.http();
    let long = "a\u{308}o\u{308}".repeat(128);
    http.post("/auth/register", &account("long", &long)).await.ok();
    assert_eq!(login(&http, "long", &"äö".repeat(128)).await, 200);
    for (name, bad) in [("short", "a\u{308}o\u{308}a\u{308}o\u{308}"), ("vast", &"\u{fdfa}x".repeat(128))] {
        let answer = http.post("/auth/register", &account(name, bad)).await;
        assert_eq!(answer.problem(), (422, "weak_password".to_owned()), "{name}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_new_password_is_not_what_everybody_would_guess() {
    let server = TestServer::start().await;
    let http = server.http();
    let weak = [
        "password",
        "PASSWORD",
        "12345678",
        "        ",
        "aaaaaaaa",
        "oscar.wilde",
        "oscar.wilde@mail.example",
        "wilde-1984",
        "fluent-1",
    ];
    for password in weak {
        let answer = http.post("/auth/register", &account("oscar.wilde", password)).await;
        assert_eq!(answer.problem(), (422, "weak_password".to_owned()), "{password}");
    }
    http.post("/auth/register", &account("oscar.wilde", "correct horse")).await.ok();
    let credentials = json!({"username": "oscar.wilde", "password": "correct horse"});
    let tokens: Value = http.post("/auth/login", &credentials).await.json();
    let signed_in = http.with_authorization(format!("Bearer {}", tokens["access_token"].as_str().unwrap()));
    for password in weak {
        let change = json!({"old_password": "correct horse", "new_password": password});
        assert_eq!(signed_in.put("/auth/password", &change).await.problem(), (422, "weak_password".to_owned()));
    }
    let change = json!({"old_password": "correct horse", "new_password": "correct horse battery"});
    signed_in.put("/auth/password", &change).await.ok();
    server.stop().await;
}

/// Sends a registration and goes away while its password is hashed. The server gets time for as many requests as
/// `lead` says before it is asked whether it hashes; nobody knows how many it needs to begin. Returns whether it went
/// so.
async fn hang_up(server: &TestServer, name: &str, lead: usize) -> bool {
    let body = account(name, TestClient::PASSWORD).to_string();
    let length = body.len();
    let head = format!("POST /auth/register HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n");
    let mut stream = TcpStream::connect(server.addr()).await.unwrap();
    stream.write_all(format!("{head}Content-Type: application/json\r\n\r\n{body}").as_bytes()).await.unwrap();
    let http = server.http();
    for _ in 0..lead {
        http.get("/healthz").await.ok();
    }
    // There is a place for one hash: who is refused at once knows that the registration has it.
    let is_hashed = login(&http, "nobody", TestClient::PASSWORD).await == 503;
    let is_answered = stream.try_read(&mut [0; 64]).is_ok();
    stream.set_zero_linger().unwrap();
    is_hashed && !is_answered
}

/// Waits until no password is hashed any more.
async fn last_hash_is_made(http: &Http) {
    eventually("the last hash is made", async || {
        (login(http, "nobody", TestClient::PASSWORD).await != 503).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_registration_runs_to_its_end_when_the_client_hangs_up() {
    let server = TestServer::start_with(|config| {
        one_hash_at_a_time(config);
        config.auth.argon2_memory_kib = 65_536;
        config.auth.argon2_passes = 8;
    })
    .await;
    let http = server.http();
    let mut leads = 0..60;
    let name = loop {
        let lead = leads.next().expect("one of them goes away while its password is hashed");
        let name = format!("gone{lead}");
        let went_so = hang_up(&server, &name, lead).await;
        last_hash_is_made(&http).await;
        if went_so {
            break name;
        }
    };
    let found: Vec<Value> = http.get(&format!("/auth/get_all_users?search={name}")).await.ok().json();
    assert_eq!(found.len(), 1, "what has begun is not given up");
    // On a busy machine the thread of hashes may not take it up in time.
    let answered = async || Some(login(&http, &name, TestClient::PASSWORD).await).filter(|status| *status != 503);
    assert_eq!(eventually("a hash is made", answered).await, 200);
    server.stop().await;
}

/// A client learns nothing about an address by the time of the answer, nor by hanging up before the hash: the hash
/// comes first, and without a place for it every registration gets the same 503.
#[tokio::test]
async fn a_taken_address_is_told_no_sooner_than_a_free_one() {
    let server = TestServer::start_with(one_hash_at_a_time).await;
    let http = server.http();
    // On a busy machine the thread of hashes may take up none of several in time.
    eventually("carol has an account", async || {
        let answer = http.post("/auth/register", &account("carol", TestClient::PASSWORD)).await;
        answer.status.is_success().then_some(())
    })
    .await;
    let mut taken = account("carol", TestClient::PASSWORD);
    taken["username"] = json!("somebody");
    eventually("one of them has the place, and others have none", async || {
        let answers = join_all((0..8).map(|_| http.post("/auth/register", &taken))).await;
        let has = |status: u16| answers.iter().any(|answer| answer.status == status);
        assert!(answers.iter().all(|answer| [400, 503].contains(&answer.status.as_u16())));
        (has(400) && has(503)).then_some(())
    })
    .await;
    server.stop().await;
}
