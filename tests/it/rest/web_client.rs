//! The web client at `/app/`.

use bytes::Bytes;
use fluent_backend::http::WebClient;
use fluent_backend::testing::{Answer, Http, TestServer};
use http::header::{ACCEPT, IF_NONE_MATCH};
use http::{HeaderMap, Method, StatusCode};
use serde_json::json;

/// What a browser says when somebody opens an address.
const BROWSER: &str = "text/html,application/xhtml+xml,*/*;q=0.8";

async fn open(http: &Http, path: &str) -> Answer {
    http.send(Method::GET, path, HeaderMap::from_iter([(ACCEPT, BROWSER.parse().unwrap())]), Bytes::new()).await
}

fn is_page_of_nothing(answer: &Answer) -> bool {
    answer.status == StatusCode::NOT_FOUND && answer.text().contains("There is nothing at this address")
}

#[tokio::test]
async fn the_start_page_offers_the_client_exactly_where_it_is_served() {
    for is_enabled in [true, false] {
        let server = TestServer::start_with(|config| config.web.enabled = is_enabled).await;
        let http = server.http();
        assert_eq!(http.get("/app/").await.status == StatusCode::OK, is_enabled);
        assert_eq!(http.get("/app").await.status == StatusCode::PERMANENT_REDIRECT, is_enabled);
        let start = http.get("/").await.ok().text();
        let offered = start.find("href=\"/app/\"");
        assert_eq!(offered.is_some(), is_enabled);
        assert!(offered.is_none_or(|at| at < start.find("href=\"/docs/").unwrap()), "it comes first");
        server.stop().await;
    }
}

#[tokio::test]
async fn a_wrong_path_of_the_client_is_a_page_for_browsers_and_a_problem_for_programs() {
    let server = TestServer::start().await;
    let http = server.http();
    for path in ["/app/nothing", "/app/nothing.js", "/app/chat/7", "/app/../secret.key", "/docs/nothing.js"] {
        assert!(is_page_of_nothing(&open(&http, path).await), "{path}");
        assert_eq!(http.get(path).await.problem(), (404, "not_found".to_owned()), "{path}");
    }
    server.stop().await;
}

/// Only a demo has links.
#[tokio::test]
async fn no_code_is_good_for_anything_at_a_server_that_is_no_demo() {
    let server = TestServer::start().await;
    for code in ["", &"A".repeat(43)] {
        let answer = server.http().post("/app/demo", &json!({"code": code})).await;
        assert_eq!(answer.problem(), (404, "not_found".to_owned()));
    }
    server.stop().await;
}

/// Through all layers; what each file has is tested beside the files.
#[tokio::test]
async fn files_of_the_client_keep_their_headers_through_all_layers() {
    let client = WebClient::embedded().expect("the client is in the program");
    let server = TestServer::start_with(|config| config.http.behind_tls = true).await;
    let http = server.http();
    for (name, file) in client.files().iter() {
        let path = format!("/app/{name}");
        let answer = http.get(&path).await.ok();
        assert_eq!(answer.body, file.plain(), "{path}");
        for (name, value) in [
            ("content-security-policy", client.content_policy().to_str().unwrap()),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("strict-transport-security", "max-age=31536000"),
        ] {
            assert_eq!(answer.headers[name], value, "{path}");
        }
        let known = HeaderMap::from_iter([(IF_NONE_MATCH, answer.headers["etag"].clone())]);
        let again = http.send(Method::GET, &path, known, Bytes::new()).await;
        assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0), "{path}");
        let head = http.send(Method::HEAD, &path, HeaderMap::new(), Bytes::new()).await;
        assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0), "{path}");
        assert_eq!(head.headers["content-length"], file.plain().len().to_string(), "{path}");
    }
    let posted = http.post("/app/", &json!({})).await;
    assert_eq!(
        (posted.status, &posted.headers["allow"]),
        (StatusCode::METHOD_NOT_ALLOWED, &"GET, HEAD".parse().unwrap())
    );
    server.stop().await;
}
