//! Headers, errors, CORS and compression of every response; and the pages and documents.

use std::collections::BTreeSet;
use std::io::Read as _;

use bytes::Bytes;
use fluent_backend::http::openapi_document;
use fluent_backend::testing::{Answer, Http, TestServer};
use http::{HeaderMap, Method, StatusCode};
use serde_json::Value;

use crate::support::sample;

async fn with_headers(http: &Http, method: Method, path: &str, headers: &[(&'static str, &str)]) -> Answer {
    let headers: HeaderMap =
        headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    http.send(method, path, headers, Bytes::new()).await
}

#[tokio::test]
async fn security_headers_are_on_every_answer() {
    let server = TestServer::start_with(|config| config.http.behind_tls = true).await;
    let http = server.http();
    for path in ["/", "/root", "/docs/", "/nothing", "/chat/chat_list", "/auth/login", "/openapi.json", "/chat/ws"] {
        let answer = http.get(path).await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("strict-transport-security", "max-age=31536000"),
        ] {
            assert_eq!(answer.headers[name], value, "{path}");
        }
        assert!(answer.headers.contains_key("content-security-policy") && answer.headers.contains_key("x-request-id"));
        assert!(answer.headers.contains_key("cache-control"));
    }
    server.stop().await;
    let plain = TestServer::start().await;
    assert!(!plain.http().get("/root").await.headers.contains_key("strict-transport-security"));
    plain.stop().await;
    let whole_domain = TestServer::start_with(|config| {
        config.http.behind_tls = true;
        config.http.hsts_include_subdomains = true;
    })
    .await;
    let answer = whole_domain.http().get("/root").await;
    assert_eq!(answer.headers["strict-transport-security"], "max-age=31536000; includeSubDomains");
    whole_domain.stop().await;
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems() {
    let server = TestServer::start().await;
    let http = server.http();
    let missing = http.get("/nothing").await;
    assert_eq!((missing.status, missing.json::<Value>()["code"].as_str()), (StatusCode::NOT_FOUND, Some("not_found")));
    for (method, path, allow) in [
        (Method::DELETE, "/auth/login", "POST"),
        (Method::GET, "/auth/refresh", "POST"),
        (Method::POST, "/chat/chat_list", "GET, HEAD"),
        (Method::PUT, "/", "GET, HEAD"),
    ] {
        let answer = http.send(method, path, HeaderMap::new(), Bytes::new()).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(answer.headers["allow"], allow, "{path}");
        assert_eq!(answer.headers["content-type"], "application/problem+json");
    }
    let head = http.send(Method::HEAD, "/root", HeaderMap::new(), Bytes::new()).await;
    assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0));
    // The admin's paths are not on the public listener, nor the other way round.
    assert_eq!(http.get("/metrics").await.status, StatusCode::NOT_FOUND);
    assert_eq!(server.admin().get("/chat/chat_list").await.status, StatusCode::NOT_FOUND);
    server.stop().await;
}

#[tokio::test]
async fn the_small_endpoints() {
    let server = TestServer::start().await;
    let http = server.http();
    assert_eq!(http.get("/root").await.ok().json::<Value>(), serde_json::json!({"message": "Backend is online"}));
    assert_eq!(http.get("/healthz").await.ok().json::<Value>()["status"], "ok");
    let ready: Value = http.get("/readyz").await.ok().json();
    assert_eq!((ready["ready"].as_bool(), ready["draining"].as_bool()), (Some(true), Some(false)));
    let page = http.get("/").await.ok();
    assert!(page.headers["content-type"].to_str().unwrap().starts_with("text/html"));
    assert!(page.text().contains("href=\"/docs/\"") && page.text().contains(env!("CARGO_PKG_VERSION")));
    let for_operators = server.admin().get("/").await;
    assert_eq!((for_operators.status.as_u16(), &for_operators.headers["location"]), (307, &"/admin/".parse().unwrap()));
    let upgrade = http.with_authorization("Bearer x").get("/chat/ws").await;
    assert_eq!(upgrade.status, StatusCode::UNAUTHORIZED, "401 is decided first");
    let alice = server.sign_up("alice").await;
    let upgrade = alice.http.get("/chat/ws").await;
    assert_eq!(upgrade.status, StatusCode::UPGRADE_REQUIRED);
    assert_eq!(
        (&upgrade.headers["upgrade"], &upgrade.headers["sec-websocket-version"]),
        (&"websocket".parse().unwrap(), &"13".parse().unwrap())
    );
    server.stop().await;
}

#[tokio::test]
async fn the_docs_load_nothing_from_elsewhere() {
    let server = TestServer::start().await;
    let http = server.http();
    let moved = http.get("/docs").await;
    assert_eq!(
        (moved.status, &moved.headers["location"]),
        (StatusCode::PERMANENT_REDIRECT, &"/docs/".parse().unwrap())
    );
    let page = http.get("/docs/").await.ok().text();
    assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("src=\"//"), "{page}");
    let is_asset = |part: &&str| part.rsplit_once('.').is_some_and(|(_, kind)| kind == "js" || kind == "css");
    for part in page.split(['"', '\'']).filter(is_asset) {
        let asset = http.get(&format!("/docs/{}", part.trim_start_matches("./"))).await;
        assert_eq!(asset.status, StatusCode::OK, "{part}");
        assert!(!asset.body.is_empty());
    }
    assert!(http.get("/docs/swagger-initializer.js").await.ok().text().contains("/openapi.json"));
    assert_eq!(http.get("/docs/nothing.js").await.status, StatusCode::NOT_FOUND);
    assert_eq!(http.get("/docs/../Cargo.toml").await.status, StatusCode::NOT_FOUND);
    server.stop().await;
}

#[tokio::test]
async fn documents_are_pages_without_scripts_that_link_to_each_other() {
    let server = TestServer::start().await;
    let http = server.http();
    for (path, words) in [
        ("/", "only their people can read"),
        ("/docs/protocol", "<h2 id=\"2-opening\">"),
        ("/docs/frames", "<h3 id=\"server.stored\">"),
        ("/docs/security", "<h1"),
    ] {
        let answer = http.get(path).await.ok();
        assert_eq!(answer.headers["content-type"], "text/html; charset=utf-8", "{path}");
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("script-src"), "{policy}");
        let html = answer.text();
        assert!(html.contains(words) && !html.contains("<script"), "{path}");
        let links = html.match_indices("href=\"/").map(|(at, _)| html[at + 6..].split(['"', '#']).next().unwrap());
        for link in links.collect::<BTreeSet<_>>() {
            assert_eq!(http.get(link).await.status, StatusCode::OK, "{path} links to {link}");
        }
    }
    server.stop().await;
}

/// Swagger UI is foreign code: it must not reach what other pages of this address keep in the browser.
#[tokio::test]
async fn swagger_ui_is_in_an_origin_of_its_own_and_may_read_the_documents() {
    let server = TestServer::start_with(|config| config.http.cors_origins = Vec::new()).await;
    for path in ["/docs/", "/docs/swagger-ui-bundle.js"] {
        let answer = server.http().get(path).await.ok();
        let policy = answer.headers["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.ends_with("sandbox allow-scripts allow-forms allow-popups"), "{policy}");
    }
    for path in ["/openapi.json", "/asyncapi.json"] {
        let answer = with_headers(&server.http(), Method::GET, path, &[("origin", "null")]).await.ok();
        assert_eq!(answer.headers["access-control-allow-origin"], "*", "{path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_browser_on_a_wrong_path_gets_a_page_and_a_program_a_problem() {
    let server = TestServer::start().await;
    let browser = [("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")];
    for (path, headers, kind) in [
        ("/nothing", &browser[..], "text/html; charset=utf-8"),
        ("/nothing", &[("accept", "*/*")], "application/problem+json"),
        ("/nothing", &[], "application/problem+json"),
        // A path of an interface stays a program's.
        ("/chat/messages", &browser, "application/problem+json"),
    ] {
        let answer = with_headers(&server.http(), Method::GET, path, headers).await;
        assert_eq!(answer.headers["content-type"], kind, "{path} {headers:?}");
        assert!(answer.status == StatusCode::NOT_FOUND || path == "/chat/messages");
    }
    server.stop().await;
}

/// The server serves `docs/openapi.json`, and that is what its endpoints say of themselves. After a change:
/// `UPDATE_SNAPSHOTS=1 cargo test openapi`.
#[tokio::test]
async fn the_openapi_document_is_the_one_in_docs() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json");
    let document = openapi_document();
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        // The program has it with its next build.
        return std::fs::write(path, format!("{document}\n")).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept.trim_end() == document, "docs/openapi.json is out of date: UPDATE_SNAPSHOTS=1 cargo test openapi");
    let server = TestServer::start().await;
    assert_eq!(server.http().get("/openapi.json").await.ok().text(), kept);
    server.stop().await;
}

#[tokio::test]
async fn cors_is_open_by_default_and_can_be_closed() {
    let preflight = [
        ("origin", "https://app.example"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization,content-type"),
    ];
    let server = TestServer::start().await;
    let answer = with_headers(&server.http(), Method::OPTIONS, "/auth/login", &preflight).await.ok();
    assert_eq!(answer.headers["access-control-allow-origin"], "*");
    let allowed = answer.headers["access-control-allow-headers"].to_str().unwrap().to_lowercase();
    assert!(allowed.contains("authorization") && allowed.contains("content-type"));
    assert!(allowed.contains("idempotency-key"), "{allowed}");
    let origin = [("origin", "https://app.example")];
    let answer = with_headers(&server.http(), Method::GET, "/root", &origin).await;
    assert_eq!(answer.headers["access-control-allow-origin"], "*");
    let exposed = answer.headers["access-control-expose-headers"].to_str().unwrap().to_lowercase();
    assert!(exposed.contains("retry-after") && exposed.contains("x-request-id"), "{exposed}");
    server.stop().await;

    let server =
        TestServer::start_with(|config| config.http.cors_origins = vec!["https://app.example".to_owned()]).await;
    let answer = with_headers(&server.http(), Method::GET, "/root", &origin).await;
    assert_eq!(answer.headers["access-control-allow-origin"], "https://app.example");
    let answer = with_headers(&server.http(), Method::GET, "/root", &[("origin", "https://evil.example")]).await;
    assert!(!answer.headers.contains_key("access-control-allow-origin"));
    server.stop().await;
}

#[tokio::test]
async fn long_lists_are_compressed_and_tokens_are_not() {
    let server = TestServer::start().await;
    for i in 0..40 {
        server.sign_up(&format!("a-rather-long-name-{i}")).await;
    }
    let gzip = [("accept-encoding", "gzip")];
    let list = with_headers(&server.http(), Method::GET, "/auth/get_all_users?search=", &gzip).await;
    assert_eq!(list.headers["content-encoding"], "gzip");
    let mut text = String::new();
    flate2::read::GzDecoder::new(&list.body[..]).read_to_string(&mut text).unwrap();
    assert_eq!(serde_json::from_str::<Vec<Value>>(&text).unwrap().len(), 40);
    let plain = server.http().get("/auth/get_all_users?search=").await;
    assert!(!plain.headers.contains_key("content-encoding"));
    assert_eq!(plain.text(), text);
    let password = fluent_backend::testing::TestClient::PASSWORD;
    let body = serde_json::json!({"username": "a-rather-long-name-1", "password": password});
    let headers: HeaderMap = [("accept-encoding".parse().unwrap(), "gzip".parse().unwrap())].into_iter().collect();
    let login = server.http().send(Method::POST, "/auth/login", headers, body.to_string().into()).await.ok();
    assert!(!login.headers.contains_key("content-encoding"));
    assert_eq!(login.headers["cache-control"], "no-store");
    server.stop().await;
}

#[tokio::test]
async fn a_body_above_the_limit_is_refused() {
    let server = TestServer::start().await;
    let body = serde_json::json!({"username": "x".repeat(300_000), "password": "12345678"});
    let answer = server.http().post("/auth/login", &body).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(answer.json::<Value>()["code"], "too_large");
    server.stop().await;
}

#[tokio::test]
async fn metrics_tell_what_happened() {
    let server = TestServer::start_alone(|_| {}).await;
    let (alice, bob) = (server.sign_up("alice").await, server.sign_up("bob").await);
    let (mut a, mut b) = (alice.connect().await, bob.connect().await);
    let before = server.admin().get("/metrics").await.ok().text();
    a.send_message(bob.id, "r", "s").await;
    a.next_message().await;
    b.next_message().await;
    let after = server.admin().get("/metrics").await.ok();
    assert!(after.headers["content-type"].to_str().unwrap().starts_with("text/plain"));
    let after = after.text();
    let grown = |series: &str| sample(&after, series).unwrap_or_default() - sample(&before, series).unwrap_or_default();
    // Other tests count into the same process: at least.
    assert!(grown("fluent_messages_stored_total") >= 1.0);
    assert!(grown("fluent_message_frames_queued_total{dialect=\"legacy\"}") >= 2.0);
    assert!(grown("fluent_delivery_seconds_count") >= 1.0, "to the receiver, whose frame is written");
    for series in [
        "fluent_sockets{dialect=\"legacy\",mode=\"foreground\"}",
        "fluent_sessions",
        "fluent_commands_in_flight",
        "fluent_commit_duration_seconds_count",
        "fluent_batch_commands_count",
        "fluent_mailbox_wait_seconds_count{actor=\"registry\"}",
        "fluent_mailbox_wait_seconds_count{actor=\"session\"}",
        "fluent_mailbox_wait_seconds_count{actor=\"persistence\"}",
        "fluent_actor_restarts_total{actor=\"session\"}",
        "fluent_http_requests_total{method=\"POST\",route=\"/auth/login\",status=\"2xx\"}",
    ] {
        assert!(sample(&after, series).is_some(), "{series} is missing in {after}");
    }
    for line in after.lines().filter(|line| !line.starts_with('#')) {
        assert!(!line.contains("alice") && !line.contains("user_id"), "{line}");
    }
    server.stop().await;
}
