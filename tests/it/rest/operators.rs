//! The operators' listener: it serves no pages of other origins in a browser, whatever the public one allows.

use bytes::Bytes;
use fluent_backend::testing::{Answer, TestServer};
use http::{HeaderMap, Method};

async fn with_headers(server: &TestServer, method: Method, headers: &[(&'static str, &str)]) -> Answer {
    let headers: HeaderMap =
        headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    server.admin().send(method, "/metrics", headers, Bytes::new()).await
}

#[tokio::test]
async fn no_page_may_read_what_is_for_operators() {
    let server = TestServer::start_with(|config| config.http.cors_origins = vec!["*".to_owned()]).await;
    let origin = ("origin", "https://evil.example");
    let plain = with_headers(&server, Method::GET, &[origin]).await;
    let preflight = with_headers(&server, Method::OPTIONS, &[origin, ("access-control-request-method", "GET")]).await;
    for answer in [&plain, &preflight] {
        let cors = answer.headers.keys().find(|name| name.as_str().starts_with("access-control-"));
        assert_eq!(cors, None, "{:?}", answer.headers);
    }
    assert!(plain.status == 403 && !preflight.status.is_success());
    let cross = with_headers(&server, Method::GET, &[("sec-fetch-site", "cross-site")]).await;
    assert_eq!(cross.problem(), (403, "forbidden".to_owned()));
    for own in ["none", "same-origin"] {
        with_headers(&server, Method::GET, &[("sec-fetch-site", own)]).await.ok();
    }
    server.stop().await;
}

/// A name that a stranger lets point here (DNS rebinding) would give the stranger's pages the rights of the same
/// origin.
#[tokio::test]
async fn only_known_names_reach_the_operators_listener() {
    let server = TestServer::start_with(|config| config.admin.hosts = vec!["Metrics.internal".to_owned()]).await;
    for known in
        ["127.0.0.1:9000", "10.1.2.3", "[::1]:9000", "[2001:db8::1]", "localhost", "LOCALHOST:1", "metrics.INTERNAL:80"]
    {
        assert_eq!(with_headers(&server, Method::GET, &[("host", known)]).await.status, 200, "{known}");
    }
    for foreign in ["evil.example", "evil.example:9000", "localhost.evil.example", "127.0.0.1.evil.example", "internal"]
    {
        let answer = with_headers(&server, Method::GET, &[("host", foreign)]).await;
        assert_eq!(answer.status, 421, "{foreign}");
        assert!(answer.text().contains("admin.hosts") && !answer.text().contains("fluent_"), "{}", answer.text());
    }
    server.stop().await;
}

/// Whoever reaches the listener gets the page; what it shows needs a token.
#[tokio::test]
async fn the_page_is_on_the_operators_listener_alone_and_holds_no_data() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let page = admin.get("/admin/").await.ok();
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    let html = page.text();
    let files: Vec<&str> =
        html.match_indices("\"/admin/").map(|(at, _)| html[at + 1..].split('"').next().unwrap()).collect();
    assert_eq!(files.len(), 4, "icon, style, script, and what it shares with the views: {files:?}");
    for file in files {
        admin.get(file).await.ok();
        assert_eq!(server.http().get(file).await.status, 404, "{file} for clients");
    }
    assert_eq!(server.http().get("/admin/").await.status, 404);
    assert_eq!(admin.get("/admin").await.headers["location"], "/admin/");
    for nothing in ["/admin/nothing.js", "/admin/index.html.br", "/admin/../app/index.html"] {
        assert_eq!(admin.get(nothing).await.status, 404, "{nothing}");
    }
    assert_eq!(admin.get("/admin/api/tokens").await.status, 401);
    server.stop().await;
}
