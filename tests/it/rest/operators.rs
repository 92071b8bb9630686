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
