//! Access tokens signed by Ed25519 keys, and what is done to keys while the server runs.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fluent_backend::Config;
use fluent_backend::auth::{KeyDirectory, TokenKeys};
use fluent_backend::clock::Clock;
use fluent_backend::config::TokenAlgorithm;
use fluent_backend::domain::Operator;
use fluent_backend::testing::{TestClient, TestServer, eventually};
use http::StatusCode;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::support::postgres::database;

const SECRET: &str = "the secret of this test server, long enough";
/// The key of RFC 8037, appendix A.1, as PKCS#8.
const STRANGERS_KEY: &str = "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g";

async fn server() -> TestServer {
    TestServer::start_alone(|config| {
        config.auth.token_algorithm = TokenAlgorithm::EdDsa;
        config.auth.secret_key = SECRET.into();
    })
    .await
}

/// The settings of the server, for what the command line does.
fn settings(server: &TestServer) -> Config {
    let mut config = TestServer::config();
    config.server.data_dir = server.data_dir();
    config.auth.token_algorithm = TokenAlgorithm::EdDsa;
    config.auth.secret_key = SECRET.into();
    config
}

fn part(token: &str, number: usize) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(number).unwrap()).unwrap()).unwrap()
}

async fn published(server: &TestServer) -> Vec<Value> {
    let answer = server.http().get("/.well-known/jwks.json").await.ok();
    assert_eq!(answer.headers["cache-control"], "public, max-age=300");
    answer.json::<Value>()["keys"].as_array().unwrap().clone()
}

async fn status(server: &TestServer, token: &str) -> StatusCode {
    server.http().with_authorization(format!("Bearer {token}")).get("/users/me").await.status
}

#[tokio::test]
async fn a_token_is_verified_by_its_published_key() {
    let server = server().await;
    let alice = server.sign_up("alice").await;
    let token = &alice.tokens.access_token;
    let header = part(token, 0);
    assert_eq!((header["alg"].as_str(), header["typ"].as_str()), (Some("EdDSA"), Some("JWT")));
    let keys = published(&server).await;
    assert_eq!(keys.len(), 2, "the current and the next one");
    let key = keys.iter().find(|key| key["kid"] == header["kid"]).unwrap();
    let mut members: Vec<&String> = key.as_object().unwrap().keys().collect();
    members.sort();
    assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x"]);
    // As another service does it.
    let found: jsonwebtoken::jwk::JwkSet = serde_json::from_value(json!({"keys": keys})).unwrap();
    let found = found.find(header["kid"].as_str().unwrap()).unwrap();
    let validation = jsonwebtoken::Validation::new(Algorithm::EdDSA);
    let key = jsonwebtoken::DecodingKey::from_jwk(found).unwrap();
    let claims = jsonwebtoken::decode::<Value>(token, &key, &validation).unwrap().claims;
    assert_eq!(claims["user_id"], alice.id);
    server.stop().await;
}

#[tokio::test]
async fn no_secret_is_published() {
    let server = TestServer::start_with(|config| config.auth.secret_key = SECRET.into()).await;
    assert!(published(&server).await.is_empty());
    server.stop().await;
}

/// The token must not choose what verifies it.
#[tokio::test]
async fn a_header_that_chooses_its_key_or_algorithm_opens_nothing() {
    let server = server().await;
    let alice = server.sign_up("alice").await;
    let good = &alice.tokens.access_token;
    let (header, claims) = (part(good, 0), part(good, 1));
    let kid = header["kid"].as_str().unwrap();
    let x = published(&server).await.iter().find(|key| key["kid"] == kid).unwrap()["x"].as_str().unwrap().to_owned();
    let public = URL_SAFE_NO_PAD.decode(&x).unwrap();
    let stranger = pkcs8(STRANGERS_KEY);
    let hs256 = TokenKeys::list(&settings(&server), Clock::system().now()).unwrap();
    let secret_kid = hs256.iter().find(|key| key.alg == "HS256").unwrap().kid.clone();

    let header = |algorithm, kid: &str| Header { kid: Some(kid.to_owned()), ..Header::new(algorithm) };
    let by_secret = |header: &Header, key: &[u8]| encode(header, &claims, &EncodingKey::from_secret(key)).unwrap();
    let by_stranger = |header: &Header| encode(header, &claims, &EncodingKey::from_ed_der(&stranger)).unwrap();
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "alg": "EdDSA", "use": "sig",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    let ours = header(Algorithm::EdDSA, kid);
    let with = |change: fn(&mut Header, &Value)| {
        let mut header = ours.clone();
        change(&mut header, &jwk);
        header
    };
    let unsigned = |header: Value| {
        let text = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signature = good.rsplit('.').next().unwrap();
        format!("{}.{}.{signature}", text(&header), text(&claims))
    };
    let forgeries = [
        ("the public key as secret", by_secret(&header(Algorithm::HS256, kid), &public)),
        ("its text as secret", by_secret(&header(Algorithm::HS256, kid), x.as_bytes())),
        ("the secret under the key's id", by_secret(&header(Algorithm::HS256, kid), SECRET.as_bytes())),
        ("another key", by_stranger(&ours)),
        ("another key under the secret's id", by_stranger(&header(Algorithm::EdDSA, &secret_kid))),
        ("a key of its own", by_stranger(&with(|h, jwk| h.jwk = Some(serde_json::from_value(jwk.clone()).unwrap())))),
        ("the place of a key", by_stranger(&with(|h, _| h.jku = Some("https://evil.example/jwks".to_owned())))),
        ("the place of a certificate", by_stranger(&with(|h, _| h.x5u = Some("https://evil.example/c".to_owned())))),
        ("a certificate", by_stranger(&with(|h, _| h.x5c = Some(vec!["AAAA".to_owned()])))),
        ("alg none", unsigned(json!({"alg": "none", "kid": kid}))),
        ("alg HS256 over the real signature", unsigned(json!({"alg": "HS256", "kid": kid}))),
    ];
    for (name, token) in &forgeries {
        assert_eq!(status(&server, token).await, StatusCode::UNAUTHORIZED, "{name}");
    }
    assert_eq!(status(&server, good).await, StatusCode::OK);
    server.stop().await;
}

/// What is refused is refused for its header alone: the same claims under our own key, signed by the server's file.
#[tokio::test]
async fn a_good_signature_does_not_excuse_a_header_that_brings_a_key() {
    let server = server().await;
    let alice = server.sign_up("alice").await;
    let good = &alice.tokens.access_token;
    let (claims, kid) = (part(good, 1), part(good, 0)["kid"].as_str().unwrap().to_owned());
    let pem = std::fs::read_to_string(server.data_dir().join(format!("keys/ed25519-{kid}.pem"))).unwrap();
    let key = EncodingKey::from_ed_der(&pkcs8(pem.lines().nth(1).unwrap()));
    let plain = Header { kid: Some(kid), ..Header::new(Algorithm::EdDSA) };
    let signed = |header: &Header| encode(header, &claims, &key).unwrap();
    assert_eq!(status(&server, &signed(&plain)).await, StatusCode::OK);
    for header in [
        Header { jku: Some("https://ours.example/jwks".to_owned()), ..plain.clone() },
        Header { x5u: Some("https://ours.example/c".to_owned()), ..plain.clone() },
        Header { crit: Some(vec!["exp".to_owned()]), ..plain.clone() },
    ] {
        assert_eq!(status(&server, &signed(&header)).await, StatusCode::UNAUTHORIZED, "{header:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_rotation_signs_nobody_out_and_a_revocation_only_asks_for_a_refresh() {
    let server = server().await;
    let alice = server.sign_up("alice").await;
    let mut socket = alice.connect().await;
    let config = settings(&server);
    let kid = |token: &str| part(token, 0)["kid"].as_str().unwrap().to_owned();
    let old = alice.tokens.access_token.clone();
    KeyDirectory::of(&config).rotate(Clock::system().now()).unwrap();
    server.server().reload().await;
    eventually("the new key is published", || async { (published(&server).await.len() == 3).then_some(()) }).await;
    assert_eq!(status(&server, &old).await, StatusCode::OK);
    let new = TestClient::log_in(server.http(), "alice", alice.id).await.tokens.access_token;
    assert_ne!(kid(&new), kid(&old));

    TokenKeys::revoke(&config, &kid(&old), Clock::system().now()).unwrap();
    // Without a sign from outside, too.
    let is_refused = async || (status(&server, &old).await == StatusCode::UNAUTHORIZED).then_some(());
    eventually("the revoked key is refused", is_refused).await;
    assert_eq!(status(&server, &new).await, StatusCode::OK);
    let body = json!({"refresh_token": alice.tokens.refresh_token});
    let pair: Value = server.http().post("/auth/refresh", &body).await.ok().json();
    assert_eq!(status(&server, pair["access_token"].as_str().unwrap()).await, StatusCode::OK);
    socket.send_message(alice.id, "r", "s").await;
    assert_eq!(socket.next_message().await.content, "s");
    server.stop().await;
}

/// Servers on one database may share the directory of keys: what one signs the others accept, before and after a
/// rotation, whichever of them was asked for it.
#[tokio::test(flavor = "multi_thread")]
async fn servers_that_share_their_keys_accept_the_tokens_of_one_another() {
    let Some(database) = database().await else { return };
    let keys = tempfile::tempdir().unwrap();
    let server = async || {
        TestServer::start_alone(|config| {
            config.auth.token_algorithm = TokenAlgorithm::EdDsa;
            config.auth.secret_key = SECRET.into();
            config.auth.token_keys_dir = keys.path().to_str().unwrap().to_owned();
            config.database.url = database.url().into();
        })
        .await
    };
    let (one, two) = (server().await, server().await);
    let alice = one.sign_up("alice").await;
    let bob = two.sign_up("bob").await;
    let kid = |token: &str| part(token, 0)["kid"].as_str().unwrap().to_owned();
    assert_eq!(kid(&alice.tokens.access_token), kid(&bob.tokens.access_token));
    let old = [&alice.tokens.access_token, &bob.tokens.access_token];
    for token in old {
        assert_eq!((status(&one, token).await, status(&two, token).await), (StatusCode::OK, StatusCode::OK));
    }
    two.server().service().rotate_keys(Operator::Unknown).await.unwrap();
    let new = TestClient::log_in(two.http(), "bob", bob.id).await.tokens.access_token;
    assert_ne!(kid(&new), kid(old[0]));
    // The next key was known to all before it signed.
    assert_eq!(status(&one, &new).await, StatusCode::OK);
    let carol = one.sign_up("carol").await;
    let signs = async || {
        let token = TestClient::log_in(one.http(), "carol", carol.id).await.tokens.access_token;
        (kid(&token) == kid(&new)).then_some(())
    };
    eventually("the other server signs by the new key", signs).await;
    for token in old {
        assert_eq!((status(&one, token).await, status(&two, token).await), (StatusCode::OK, StatusCode::OK));
    }
    // A revoked key opens nothing anywhere.
    one.server().service().revoke_key(kid(old[0]), Operator::Unknown).await.unwrap();
    assert_eq!(status(&one, old[0]).await, StatusCode::UNAUTHORIZED);
    let is_refused = async || (status(&two, old[0]).await == StatusCode::UNAUTHORIZED).then_some(());
    eventually("the other server refuses it as well", is_refused).await;
    assert_eq!((status(&one, &new).await, status(&two, &new).await), (StatusCode::OK, StatusCode::OK));
    for server in [one, two] {
        server.stop().await;
    }
}

fn pkcs8(base64: &str) -> Vec<u8> {
    base64::engine::general_purpose::STANDARD.decode(base64).unwrap()
}
