//! Forged tokens are refused: every forgery on every route.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fluent_backend::clock::Clock;
use fluent_backend::testing::{TestServer, TestSocket};
use http::StatusCode;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Error;

const SECRET: &str = "the secret of this test server, long enough";

fn parts(token: &str) -> (Value, Value) {
    let mut parts = token
        .split('.')
        .map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap_or_default()).unwrap_or(Value::Null));
    (parts.next().unwrap(), parts.next().unwrap())
}

fn unsigned(header: &Value, claims: &Value, signature: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{signature}", part(header), part(claims))
}

fn signed(alg: Algorithm, kid: Option<&str>, claims: &Value, key: &[u8]) -> String {
    let header = Header { kid: kid.map(str::to_owned), ..Header::new(alg) };
    encode(&header, claims, &EncodingKey::from_secret(key)).unwrap()
}

#[tokio::test]
async fn forgeries_open_nothing() {
    let server = TestServer::start_with(|config| config.auth.secret_key = SECRET.into()).await;
    let alice = server.sign_up("alice").await;
    let good = &alice.tokens.access_token;
    let (header, claims) = parts(good);
    let kid = header["kid"].as_str().unwrap();
    let mut names: Vec<&String> = claims.as_object().unwrap().keys().collect();
    names.sort();
    assert_eq!(names, ["exp", "iat", "sid", "sub", "type", "user_id"]);
    assert_eq!((claims["sub"].as_str(), claims["user_id"].as_i64()), (Some("alice"), Some(i64::from(alice.id))));

    let now = Clock::system().now().as_secs();
    let claims_with = |key: &str, value: Value| {
        let mut claims = claims.clone();
        claims[key] = value;
        claims
    };
    let without = |key: &str| {
        let mut claims = claims.clone();
        claims.as_object_mut().unwrap().remove(key);
        claims
    };
    let key = SECRET.as_bytes();
    let signature = good.rsplit('.').next().unwrap();
    let resigned = signed(Algorithm::HS256, Some(kid), &claims, key);
    let forgeries = [
        ("alg none", unsigned(&json!({"alg": "none", "typ": "JWT", "kid": kid}), &claims, "")),
        ("alg None with the signature", unsigned(&json!({"alg": "None", "kid": kid}), &claims, signature)),
        ("other key", signed(Algorithm::HS256, Some(kid), &claims, b"another secret of the same length or so....")),
        ("other alg, same key", signed(Algorithm::HS512, Some(kid), &claims, key)),
        ("expired", signed(Algorithm::HS256, Some(kid), &claims_with("exp", json!(now - 1)), key)),
        ("without exp", signed(Algorithm::HS256, Some(kid), &without("exp"), key)),
        ("exp is text", signed(Algorithm::HS256, Some(kid), &claims_with("exp", json!("4102444800")), key)),
        ("refresh type", signed(Algorithm::HS256, Some(kid), &claims_with("type", json!("refresh")), key)),
        ("without type", signed(Algorithm::HS256, Some(kid), &without("type"), key)),
        ("without kid", signed(Algorithm::HS256, None, &claims, key)),
        ("unknown kid", signed(Algorithm::HS256, Some("00000000"), &claims, key)),
        ("without sid", signed(Algorithm::HS256, Some(kid), &without("sid"), key)),
        ("tampered claims", unsigned(&header, &claims_with("user_id", json!(alice.id + 1)), signature)),
        ("tampered signature", format!("{}x", &good[..good.len() - 1])),
        ("no signature", good.rsplit_once('.').unwrap().0.to_owned()),
        ("the refresh token", alice.tokens.refresh_token.clone()),
        ("empty", String::new()),
        ("rubbish", "a.b.c".to_owned()),
        ("huge", "a".repeat(6000)),
    ];
    assert_ne!(forgeries[13].1, *good);

    let doors = ["/chat/chat_list", "/chat/all_messages?partnerID=1", "/chat/partnerinfo?partnerID=1", "/users/search"];
    for (name, token) in &forgeries {
        for door in doors {
            let answer = server.http().with_authorization(format!("Bearer {token}")).get(door).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{name} at {door}");
            assert_eq!(answer.headers["www-authenticate"], "Bearer");
        }
        for (path, header) in [(format!("/chat/ws?token={token}"), None), ("/chat/ws".to_owned(), Some(token.as_str()))]
        {
            match TestSocket::open(server.addr(), &path, header).await.map_err(|error| *error) {
                Err(Error::Http(response)) => assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{name}"),
                other => panic!("{name}: {other:?}"),
            }
        }
    }
    // The doors do open, and so they do for what is forged with the real key and right claims.
    for token in [good, &resigned] {
        for door in doors {
            let answer = server.http().with_authorization(format!("Bearer {token}")).get(door).await;
            assert_eq!(answer.status, StatusCode::OK, "{door}");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn a_rotated_secret_still_lets_old_tokens_in() {
    let server = TestServer::start_with(|config| config.auth.secret_key = SECRET.into()).await;
    let alice = server.sign_up("alice").await;
    let data = server.stop_keeping_data().await;
    for (former, status) in [(vec![SECRET.into()], StatusCode::OK), (Vec::new(), StatusCode::UNAUTHORIZED)] {
        let server = TestServer::start_on(data.clone(), Clock::system(), |config| {
            config.auth.secret_key = "the next secret of this server, long enough".into();
            config.auth.previous_secret_keys = former;
        })
        .await;
        let http = server.http().with_authorization(format!("Bearer {}", alice.tokens.access_token));
        assert_eq!(http.get("/chat/chat_list").await.status, status);
        // Refresh tokens do not depend on the secret.
        let body = json!({"refresh_token": alice.tokens.refresh_token});
        server.http().post("/auth/refresh", &body).await.ok();
        server.stop().await;
    }
}

/// What a token claims is believed only as far as the store agrees: a key may have leaked, a store may have been
/// restored.
#[tokio::test]
async fn a_good_signature_over_wrong_claims_opens_nothing() {
    let server = TestServer::start_with(|config| config.auth.secret_key = SECRET.into()).await;
    let (alice, bob) = (server.sign_up("alice").await, server.sign_up("bob").await);
    let (header, claims) = parts(&alice.tokens.access_token);
    let (_, of_bob) = parts(&bob.tokens.access_token);
    let forged = |changes: &[(&str, Value)]| {
        let mut claims = claims.clone();
        for (key, value) in changes {
            claims[*key] = value.clone();
        }
        signed(Algorithm::HS256, header["kid"].as_str(), &claims, SECRET.as_bytes())
    };
    // Bob's session is known to the server, and carol's is not.
    drop(bob.live_device("b", None).await);
    let carol = server.sign_up("carol").await;
    let (_, of_carol) = parts(&carol.tokens.access_token);
    let forgeries = [
        ("another user's session", forged(&[("sid", of_bob["sid"].clone())])),
        ("another user's session that is new", forged(&[("sid", of_carol["sid"].clone())])),
        ("no such session", forged(&[("sid", json!(4711))])),
        ("no such user", forged(&[("user_id", json!(4711))])),
        ("neither", forged(&[("user_id", json!(4711)), ("sid", json!(4711))])),
    ];
    for (name, token) in &forgeries {
        let path = format!("/chat/ws?token={token}");
        for subprotocol in [None, Some("fluent.v1")] {
            let headers: Vec<_> = subprotocol.map(|name| ("sec-websocket-protocol", name)).into_iter().collect();
            match TestSocket::open_with(server.addr(), &path, &headers).await.map_err(|error| *error) {
                Err(Error::Http(response)) => assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{name}"),
                other => panic!("{name}: {other:?}"),
            }
        }
        let http = server.http().with_authorization(format!("Bearer {token}"));
        for path in ["/users/me", "/users/blocked", "/auth/sessions", "/chat/conversations", "/chat/sync"] {
            assert_eq!(http.get(path).await.status, StatusCode::UNAUTHORIZED, "{name} at {path}");
        }
        let empty = json!({});
        for path in ["/auth/ws_ticket", "/chat/receipts"] {
            assert_eq!(http.post(path, &empty).await.status, StatusCode::UNAUTHORIZED, "{name} at {path}");
        }
        let change = json!({"old_password": "not my password", "new_password": "quite another password"});
        for (path, body) in [("/users/me/settings", &empty), ("/auth/password", &change)] {
            assert_eq!(http.put(path, body).await.status, StatusCode::UNAUTHORIZED, "{name} at {path}");
        }
    }
    for client in [&alice, &bob, &carol] {
        drop(client.live_device("x", None).await);
        client.http.get("/users/me").await.ok();
    }
    server.stop().await;
}
