//! Each answer names its request.

use std::collections::HashSet;

use bytes::Bytes;
use fluent_backend::config::ClientAddressSource;
use fluent_backend::testing::{Answer, Http, TestServer};
use http::{HeaderMap, Method};

use crate::support::config::behind_proxy;

async fn named(http: &Http, method: Method, path: &str, name: Option<&str>) -> (Answer, String) {
    let mut headers = HeaderMap::new();
    if let Some(name) = name {
        headers.insert("x-request-id", name.parse().unwrap());
    }
    let answer = http.send(method, path, headers, Bytes::new()).await;
    let id = answer.headers["x-request-id"].to_str().unwrap().to_owned();
    (answer, id)
}

#[tokio::test]
async fn every_answer_names_its_request_whatever_it_is_and_whoever_asks() {
    let server = TestServer::start().await;
    let mut seen = HashSet::new();
    for (http, paths) in [
        (server.http(), &["/root", "/nowhere", "/users/me", "/chat/ws", "/auth/login", "/docs/", "/readyz"][..]),
        (server.admin(), &["/metrics", "/readyz", "/nowhere", "/admin/api/tokens", "/admin/api/nowhere"][..]),
    ] {
        for path in paths {
            for method in [Method::GET, Method::POST, Method::DELETE, Method::OPTIONS] {
                let (answer, id) = named(&http, method.clone(), path, None).await;
                assert!(id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()), "{method} {path}: {id}");
                assert_eq!(answer.headers.get_all("x-request-id").iter().count(), 1);
                assert!(seen.insert(id), "{method} {path}: another request has the name");
            }
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn a_client_cannot_name_its_request_and_a_trusted_proxy_can_with_a_short_name() {
    let server = TestServer::start().await;
    for http in [server.http(), server.admin()] {
        assert_ne!(named(&http, Method::GET, "/readyz", Some("7f3a")).await.1, "7f3a");
    }
    server.stop().await;

    let server = TestServer::start_with(|config| behind_proxy(config, ClientAddressSource::XForwardedFor)).await;
    let http = server.http();
    for (path, status) in [("/root", 200), ("/nowhere", 404), ("/users/me", 401)] {
        let (answer, id) = named(&http, Method::GET, path, Some("Root=1-7f3a")).await;
        assert_eq!((answer.status.as_u16(), id.as_str()), (status, "Root=1-7f3a"));
    }
    for bad in ["", "two words", "tab\there", &"x".repeat(65)] {
        let (_, id) = named(&http, Method::GET, "/root", Some(bad)).await;
        assert!(id != bad && id.len() == 32, "{bad:?}: {id}");
    }
    // No proxy stands before the operators' listener.
    assert_ne!(named(&server.admin(), Method::GET, "/readyz", Some("7f3a")).await.1, "7f3a");
    server.stop().await;
}
