//! The reading of requests: accepted hosts, bodies and headers, and refusals before any work.

use std::collections::BTreeSet;

use bytes::Bytes;
use fluent_backend::config::ClientAddressSource;
use fluent_backend::testing::{TestServer, eventually, soon};
use futures_util::future::join_all;
use http::{HeaderMap, Method};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::support::config::behind_proxy;
use crate::support::raw::{read_answer, request, write_then_read};
use crate::support::v1::{send_frame, two_users, without};

const GET: &str = "GET /root";

#[tokio::test]
async fn a_request_names_one_host() {
    let server = TestServer::start().await;
    let ask = async |text: &str| write_then_read(server.addr(), text.as_bytes()).await.unwrap().status();
    for host in ["x", "chat.example:8000", "127.0.0.1:1", "[::1]:443", "[2001:db8::1]", "a_b", "x:"] {
        assert_eq!(ask(&format!("{GET} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")).await, 200, "{host}");
    }
    for host in ["a b", "user@x", "x:port", "x:70000", "a/b", "http://x", "[::1", "", "ü"] {
        let head = format!("{GET} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        assert_eq!(ask(&head).await, 400, "{host}");
        assert_eq!(ask(&head.replace("1.1", "1.0")).await, 400, "{host}");
    }
    for headers in ["", "Host: x\r\nHost: x\r\n", "Host: x\r\nHost: y\r\n"] {
        assert_eq!(ask(&format!("{GET} HTTP/1.1\r\nConnection: close\r\n{headers}\r\n")).await, 400, "{headers}");
    }
    assert_eq!(ask(&format!("{GET} HTTP/1.0\r\n\r\n")).await, 200, "HTTP/1.0 knows no Host");
    let preflight = "OPTIONS /root HTTP/1.1\r\nOrigin: https://a.example\r\nAccess-Control-Request-Method: GET\r\n\
        Connection: close\r\n\r\n";
    assert_eq!(ask(preflight).await, 400);
    let refused = write_then_read(server.addr(), &request(GET, &[], b"")).await.unwrap();
    assert_eq!(refused.header("content-type"), Some("application/problem+json"));
    assert!(refused.header("x-request-id").is_some() && refused.text().contains(r#""code":"bad_frame""#));
    server.stop().await;
}

/// A page of another site may send these three without asking first, and a body of no type.
#[tokio::test]
async fn a_head_has_a_largest_size_however_much_is_read_at_once() {
    for limit in [8192, 16384] {
        let server = TestServer::start_with(|config| config.http.max_head_bytes = limit).await;
        let ask = async |bytes: usize| {
            let (start, end) = (format!("{GET} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: "), "\r\n\r\n");
            let head = format!("{start}{}{end}", "x".repeat(bytes - start.len() - end.len()));
            write_then_read(server.addr(), head.as_bytes()).await
        };
        for bytes in [100, limit - 1] {
            assert_eq!(ask(bytes).await.unwrap().status(), 200, "{bytes} of {limit}");
        }
        for bytes in [limit + 100, 2 * limit, 128 * 1024] {
            // The connection may be reset, since the rest of the head is not read.
            if let Ok(answer) = ask(bytes).await {
                assert_eq!(answer.status(), 431, "{bytes} of {limit}");
            }
        }
        server.stop().await;
    }
}

#[tokio::test]
async fn json_is_not_taken_as_something_else() {
    let server = TestServer::start().await;
    let alice = server.sign_up("alice").await;
    let token = format!("Authorization: Bearer {}", alice.tokens.access_token);
    let login = json!({"username": "alice", "password": "wrong wrong wrong"}).to_string();
    let ask = async |line: &str, headers: &[&str], body: &str| {
        let headers = [&["Host: x", &token], headers].concat();
        write_then_read(server.addr(), &request(line, &headers, body.as_bytes())).await.unwrap()
    };
    for kind in [
        "text/plain",
        "Text/Plain;charset=UTF-8",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json\r\nContent-Type: text/plain",
    ] {
        let kind = format!("Content-Type: {kind}");
        for (line, body) in [
            ("POST /auth/login", login.as_str()),
            ("POST /auth/register", "{}"),
            ("POST /auth/refresh", "{}"),
            ("PUT /auth/password", "{}"),
            ("DELETE /users/me", "{}"),
            ("PUT /users/me/settings", "{}"),
            ("PUT /users/me/public_key", "{}"),
            ("POST /chat/messages", "{}"),
            ("POST /chat/receipts", "{}"),
        ] {
            let answer = ask(line, &[&kind], body).await;
            assert_eq!(answer.status(), 415, "{line} {kind}");
            assert!(answer.text().contains(r#""code":"unsupported_media_type""#), "{}", answer.text());
            assert_eq!(answer.header("accept"), Some("application/json"), "{line}");
        }
    }
    for kind in [&[] as &[&str], &["Content-Type: application/json; charset=utf-8"], &["Content-Type: application/x"]] {
        assert_eq!(ask("PUT /users/me/settings", kind, "{}").await.status(), 200, "{kind:?}");
    }
    let page = ["Origin: https://evil.example"];
    assert_eq!(ask("POST /auth/login", &page, &login).await.status(), 415, "a page's body of no type");
    let page = ["Origin: https://app.example", "Content-Type: application/json"];
    assert_eq!(ask("POST /auth/login", &page, &login).await.status(), 401);
    server.stop().await;
}

/// A list of values in their order is no object, though it could be read as one.
#[tokio::test]
async fn a_list_is_not_taken_as_an_object() {
    let server = TestServer::start().await;
    let alice = server.sign_up("alice").await;
    for (method, path, body) in [
        (Method::POST, "/auth/login", json!(["alice", "correct horse battery staple"])),
        (Method::POST, "/auth/refresh", json!([alice.tokens.refresh_token])),
        (Method::POST, "/chat/receipts", json!([null, null])),
        (Method::PUT, "/users/me/settings", json!([false, false])),
        (Method::POST, "/chat/receipts", json!({"delivered": [7]})),
        (Method::POST, "/chat/receipts", json!({"read": [[alice.id, 7]]})),
    ] {
        assert_eq!(alice.http.with_body(method, path, &body).await.problem(), (422, "bad_frame".to_owned()), "{path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_compressed_body_is_refused_with_what_is_taken() {
    let server = TestServer::start().await;
    let login = json!({"username": "nobody", "password": "wrong wrong wrong"}).to_string();
    let ask = async |coding: &str| {
        let coding = format!("Content-Encoding: {coding}");
        let headers = ["Host: x", "Content-Type: application/json", &coding];
        write_then_read(server.addr(), &request("POST /auth/login", &headers, login.as_bytes())).await.unwrap()
    };
    for coding in ["gzip", "GZIP", "identity, gzip", "identity\r\nContent-Encoding: br"] {
        let answer = ask(coding).await;
        assert_eq!((answer.status(), answer.header("accept-encoding")), (415, Some("identity")), "{coding}");
        assert!(answer.text().contains("unsupported_media_type"), "{}", answer.text());
    }
    assert_eq!(ask("identity").await.status(), 401);
    server.stop().await;
}

#[tokio::test]
async fn an_idempotency_key_may_be_quoted_and_is_given_once() {
    let server = TestServer::start().await;
    let (alice, bob) = two_users(&server).await;
    let token = format!("Authorization: Bearer {}", alice.tokens.access_token);
    let nameless = without(&send_frame(bob.id, "m"), "client_id").to_string();
    let post = async |keys: &[&str]| {
        let keys: Vec<String> = keys.iter().map(|key| format!("Idempotency-Key: {key}")).collect();
        let mut headers = vec!["Host: x", "Content-Type: application/json", &token];
        headers.extend(keys.iter().map(String::as_str));
        let request = request("POST /chat/messages", &headers, nameless.as_bytes());
        write_then_read(server.addr(), &request).await.unwrap()
    };
    let first = post(&[r#""k""#]).await;
    assert!(first.status() == 201 && first.text().contains(r#""client_id":"k""#), "{}", first.text());
    for same in [&["k"] as &[&str], &["k", "k"], &[r#""k""#, "k"]] {
        assert_eq!(post(same).await.status(), 200, "{same:?}");
    }
    for refused in [&["a", "b"] as &[&str], &["k", r#""b""#], &["k", ""], &[r#""k"#], &["k\""], &["\"\""], &["k, k"]] {
        let answer = post(refused).await;
        assert!(answer.status() == 422 && answer.text().contains("bad_frame"), "{refused:?}: {}", answer.text());
    }
    assert_eq!(bob.history(alice.id).await.len(), 1);
    server.stop().await;
}

/// The address of each of these is its own; the rest of the entry is not.
#[tokio::test]
async fn the_address_of_a_client_is_read_from_every_form_that_proxies_write() {
    for (source, header, entries) in [
        (
            ClientAddressSource::XForwardedFor,
            "X-Forwarded-For",
            [
                ["198.51.100.7:40000", "198.51.100.7"],
                ["[2001:db8::1]:443", "2001:db8::1"],
                ["[2001:db8:1::1]", "evil, 2001:db8:1::1"],
                ["203.0.113.9, 198.51.100.8:1", "198.51.100.8:2"],
            ],
        ),
        (
            ClientAddressSource::Forwarded,
            "Forwarded",
            [
                ["for=198.51.100.7", "For=\"198.51.100.7:40000\";proto=https"],
                ["proto=http;for=\"[2001:db8::1]:443\"", "for=\"[2001:db8::1]\""],
                ["for=192.0.2.1, for=198.51.100.9", "for=unknown, by=_x ; FOR=198.51.100.9, for=127.0.0.2"],
                ["for=\"198.51.100.10\"", "for=\"a,b;for=198.51.100.7\", for=198.51.100.10:7"],
            ],
        ),
    ] {
        let server = TestServer::start_alone(|config| {
            config.limits.enabled = true;
            config.limits.login.address.burst = 1;
            config.limits.login.address_v6.burst = 1;
            config.limits.login.account.burst = 0;
            behind_proxy(config, source);
        })
        .await;
        let login = async |entry: &str| {
            let headers = [(header.parse().unwrap(), entry.parse().unwrap())].into_iter().collect();
            let body = json!({"username": "nobody", "password": "wrong wrong wrong"}).to_string();
            server.http().send(Method::POST, "/auth/login", headers, body.into()).await.status
        };
        for [first, again] in entries {
            assert_eq!(login(first).await, 401, "{header}: {first} has been here before");
            assert_eq!(login(again).await, 429, "{header}: {again} is another than {first}");
        }
        server.stop().await;
    }
}

#[tokio::test]
async fn a_stranger_sends_no_more_than_32_kib() {
    let server = TestServer::start().await;
    for path in ["/auth/login", "/auth/register", "/auth/refresh"] {
        let answer = server.http().send(Method::POST, path, HeaderMap::new(), vec![b' '; 32_769].into()).await;
        assert_eq!(answer.problem(), (413, "too_large".to_owned()), "{path}");
    }
    // The largest registration there can be fits.
    let name = "\\u00fc".repeat(254);
    let account = format!(
        r#"{{"username":"{name}","email":"{}@b.example","password":"{}","public_key":"{}"}}"#,
        "a".repeat(60),
        "\\ud83d\\ude00".repeat(256),
        "A".repeat(16 * 1024)
    );
    let answer = server.http().send(Method::POST, "/auth/register", HeaderMap::new(), account.into()).await;
    assert_ne!(answer.status, 413, "{}", answer.text());
    server.stop().await;
}

#[tokio::test]
async fn a_strangers_body_must_come_within_10_seconds() {
    let server = TestServer::start().await;
    let mut stream = TcpStream::connect(server.addr()).await.unwrap();
    stream.write_all(b"POST /auth/refresh HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\n").await.unwrap();
    let begun = tokio::time::Instant::now();
    let trickle = async {
        loop {
            stream.write_all(b" ").await.unwrap();
            if tokio::time::timeout(std::time::Duration::from_millis(200), stream.readable()).await.is_ok() {
                return;
            }
        }
    };
    soon("an answer", trickle).await;
    assert_eq!(read_answer(&mut stream).await.status(), 503);
    assert!(begun.elapsed().as_secs() < 15, "{:?}", begun.elapsed());
    server.stop().await;
}

/// 600 bodies of strangers that lack their end: what is kept of them is bounded, and they shut out no one once they are
/// gone.
#[tokio::test]
async fn what_strangers_have_begun_shares_16_mib() {
    let server = TestServer::start().await;
    let alice = server.sign_up("alice").await;
    let body =
        [b"POST /auth/refresh HTTP/1.1\r\nHost: x\r\nContent-Length: 32768\r\n\r\n".as_slice(), &vec![b' '; 32_000]]
            .concat();
    let begin = async || {
        let mut stream = TcpStream::connect(server.addr()).await.unwrap();
        stream.write_all(&body).await.unwrap();
        stream
    };
    let started = tokio::time::Instant::now();
    let mut streams = join_all((0..600).map(|_| begin())).await;
    let refused = soon("the first refusal", async {
        let (answer, _, _) =
            futures_util::future::select_all(streams.iter_mut().map(|stream| Box::pin(read_answer(stream)))).await;
        answer
    })
    .await;
    assert_eq!((refused.status(), refused.header("retry-after")), (503, Some("1")), "{}", refused.text());
    assert!(started.elapsed().as_secs() < 10, "refused for its time, not for its room");
    // Who has shown a token is not of them.
    alice.http.put("/users/me/settings", &json!({"presence": false})).await.ok();
    drop(streams);
    let body = json!({"refresh_token": alice.tokens.refresh_token});
    eventually("a refresh is served again", async || {
        server.http().post("/auth/refresh", &body).await.status.is_success().then_some(())
    })
    .await;
    server.stop().await;
}

/// Every header that the documents tell clients to send, and those of answers that they must read.
#[tokio::test]
async fn browsers_may_send_and_read_every_documented_header() {
    let server = TestServer::start().await;
    let document: Value = server.http().get("/openapi.json").await.ok().json();
    let operations =
        document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values());
    let parameters = operations.filter_map(|operation| operation["parameters"].as_array()).flatten();
    let named = parameters.filter(|parameter| parameter["in"] == "header");
    let mut sent: BTreeSet<String> =
        named.map(|parameter| parameter["name"].as_str().unwrap().to_lowercase()).collect();
    assert!(sent.contains("idempotency-key"), "{sent:?}");
    sent.extend(["authorization".to_owned(), "content-type".to_owned()]);
    let wanted = sent.iter().cloned().collect::<Vec<_>>().join(",");
    let headers: HeaderMap = [
        ("origin", "https://app.example"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", wanted.as_str()),
    ]
    .into_iter()
    .map(|(name, value)| (name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap()))
    .collect();
    let list = |headers: &HeaderMap, name: &str| -> BTreeSet<String> {
        let values = headers.get_all(name).iter().flat_map(|value| value.to_str().unwrap().split(','));
        values.map(|value| value.trim().to_lowercase()).collect()
    };
    let answer = server.http().send(Method::OPTIONS, "/chat/messages", headers.clone(), Bytes::new()).await.ok();
    let allowed = list(&answer.headers, "access-control-allow-headers");
    assert!(sent.is_subset(&allowed), "{sent:?} but {allowed:?}");
    let answer = server.http().send(Method::GET, "/root", headers, Bytes::new()).await.ok();
    let exposed = list(&answer.headers, "access-control-expose-headers");
    assert_eq!(exposed, ["retry-after", "x-request-id"].map(str::to_owned).into());
    server.stop().await;
}

#[tokio::test]
async fn an_origin_is_compared_as_browsers_write_it() {
    let written =
        ["https://App.Example:443/", "http://LOCALHOST:5173", "https://bücher.example", "capacitor://Localhost"];
    let server = TestServer::start_with(|config| config.http.cors_origins = written.map(str::to_owned).into()).await;
    let ask = async |origin: &str| {
        let headers = [(http::header::ORIGIN, origin.parse().unwrap())].into_iter().collect();
        let answer = server.http().send(Method::GET, "/root", headers, Bytes::new()).await;
        answer.headers.get("access-control-allow-origin").map(|allowed| allowed.to_str().unwrap().to_owned())
    };
    for origin in
        ["https://app.example", "http://localhost:5173", "https://xn--bcher-kva.example", "capacitor://localhost"]
    {
        assert_eq!(ask(origin).await.as_deref(), Some(origin));
    }
    for origin in ["http://app.example", "https://app.example:8443", "null"] {
        assert_eq!(ask(origin).await, None, "{origin}");
    }
    server.stop().await;
}
