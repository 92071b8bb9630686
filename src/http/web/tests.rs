//! What is served of a client with few files.

use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName,
    IF_NONE_MATCH, VARY,
};

use super::served::{ASKED_AGAIN, FOR_EVER};
use super::*;
use crate::http::respond::Body;

const PAGE: &str =
    r#"<!doctype html><meta name="fluent-server" content=""><script src="/app/app-7QX3ZK2B.js"></script>"#;

fn client() -> WebClient {
    let files = [
        ("index.html", PAGE),
        ("index.html.br", "packed page"),
        ("app-7QX3ZK2B.js", "start()"),
        ("sw.js", "keep()"),
        ("icon-192.png", "png"),
    ];
    let files = files.map(|(name, text)| (name.to_owned(), Bytes::from(text)));
    WebClient::of(WebFiles::new(files)).unwrap()
}

fn headers(name: HeaderName, value: &str) -> HeaderMap {
    HeaderMap::from_iter([(name, value.parse().unwrap())])
}

fn body(response: &Response) -> &[u8] {
    let Body::Whole(bytes) = response.body() else { panic!("a stream") };
    bytes
}

fn ask(path: &str) -> Response {
    client().respond(path, &HeaderMap::new()).unwrap()
}

#[test]
fn every_file_has_the_policies_and_its_type() {
    for (path, content_type, caching) in [
        ("", "text/html; charset=utf-8", ASKED_AGAIN),
        ("index.html", "text/html; charset=utf-8", ASKED_AGAIN),
        ("sw.js", "text/javascript; charset=utf-8", ASKED_AGAIN),
        ("icon-192.png", "image/png", ASKED_AGAIN),
        ("app-7QX3ZK2B.js", "text/javascript; charset=utf-8", FOR_EVER),
    ] {
        let response = ask(path);
        let headers = response.headers();
        assert_eq!(headers[CONTENT_TYPE], content_type, "{path}");
        assert_eq!(headers[CACHE_CONTROL], caching, "{path}");
        // A worker has the policy of its own file, not that of the page.
        assert_eq!(headers[CONTENT_SECURITY_POLICY], policy::CONTENT, "{path}");
        assert_eq!(headers["cross-origin-opener-policy"], "same-origin");
        assert_eq!(headers["cross-origin-resource-policy"], "same-origin");
        assert!(headers["permissions-policy"].to_str().unwrap().starts_with("camera=(self), "));
    }
}

#[test]
fn the_client_starts_at_its_root_and_other_paths_are_nothing() {
    for page in ["", "index.html"] {
        assert_eq!(body(&ask(page)), PAGE.as_bytes(), "{page}");
    }
    for nothing in ["index.html.br", "app.js", "chat/7", "../Cargo.toml", "app-7QX3ZK2B.js/", "INDEX.HTML"] {
        let found = client().respond(nothing, &HeaderMap::new());
        assert!(matches!(found, Err(ApiError::NotFound(_))), "{nothing}");
    }
    assert!(WebClient::of(WebFiles::new([])).is_none(), "without files there is no client");
}

#[test]
fn a_file_that_the_browser_has_is_not_sent_again() {
    let first = ask("sw.js");
    let tag = first.headers()[ETAG].to_str().unwrap();
    let again = client().respond("sw.js", &headers(IF_NONE_MATCH, tag)).unwrap();
    assert_eq!((again.status(), body(&again).len()), (StatusCode::NOT_MODIFIED, 0));
    assert_eq!(again.headers()[ETAG], tag);
    let other = client().respond("icon-192.png", &headers(IF_NONE_MATCH, tag)).unwrap();
    assert_eq!(other.status(), StatusCode::OK);
}

#[test]
fn a_browser_that_reads_brotli_gets_it_where_it_is_there() {
    let packed = client().respond("", &headers(ACCEPT_ENCODING, "gzip, deflate, br")).unwrap();
    assert_eq!((body(&packed), &packed.headers()[CONTENT_ENCODING]), (&b"packed page"[..], &"br".parse().unwrap()));
    assert_ne!(packed.headers()[ETAG], ask("").headers()[ETAG], "other bytes have another tag");
    for (path, codings) in [("", "gzip"), ("", "br;q=0"), ("sw.js", "br")] {
        let plain = client().respond(path, &headers(ACCEPT_ENCODING, codings)).unwrap();
        assert!(!plain.headers().contains_key(CONTENT_ENCODING), "{path} {codings}");
        assert_eq!(plain.headers()[VARY], "accept-encoding");
    }
}

#[test]
fn the_client_of_another_server_names_it_in_its_start_alone() {
    let server = "https://chat.example.org";
    let elsewhere = client().of_server(server).unwrap();
    let start = elsewhere.respond("", &headers(ACCEPT_ENCODING, "br")).unwrap();
    let html = std::str::from_utf8(body(&start)).unwrap();
    assert_eq!(html, PAGE.replace("content=\"\"", &format!("content=\"{server}\"")));
    assert!(!start.headers().contains_key(CONTENT_ENCODING), "the packed one names no server");
    let policy = elsewhere.content_policy().to_str().unwrap();
    assert!(policy.contains("connect-src 'self' https://chat.example.org wss://chat.example.org;"), "{policy}");
    let integrity = |client: &WebClient, name: &str| client.files().get(name).unwrap().integrity();
    assert_eq!(integrity(&elsewhere, "sw.js"), integrity(&client(), "sw.js"));
    assert!(client().of_server("https://chat.example.org/x").is_none());
    let twice = PAGE.repeat(2);
    let files = WebFiles::new([("index.html".to_owned(), Bytes::from(twice))]);
    assert!(WebClient::of(files).unwrap().of_server(server).is_none(), "which of the two?");
}

/// The empty text, NIST's example.
#[test]
fn hashes_are_as_browsers_write_them() {
    let files = WebFiles::new([("a.txt".to_owned(), Bytes::new())]);
    assert_eq!(files.get("a.txt").unwrap().integrity(), "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
}
