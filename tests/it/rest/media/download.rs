//! Reading files: headers, ranges, conditions and links.

use fluent_backend::clock::Clock;
use fluent_backend::domain::Timestamp;
use serde_json::{Value, json};

use super::{ask, create, header, random, upload};
use crate::support::files;

#[tokio::test]
async fn a_file_comes_with_headers_that_let_no_browser_run_it() {
    let server = files::start().await;
    let http = server.sign_up("alice").await.http;
    let content = random(5000);
    let path = upload(&http, &content).await;
    let id = path.strip_prefix("/media/").unwrap();
    let etag = format!("\"{id}\"");
    let disposition = format!("attachment; filename=\"{id}.bin\"");
    let expected = [
        ("content-type", "application/octet-stream"),
        ("content-disposition", &disposition),
        ("content-length", "5000"),
        ("etag", &etag),
        ("accept-ranges", "bytes"),
        ("cache-control", "private, no-cache"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "sandbox; default-src 'none'; frame-ancestors 'none'"),
        ("cross-origin-resource-policy", "cross-origin"),
    ];
    for (method, length) in [("GET", 5000), ("HEAD", 0)] {
        let answer = ask(&http, method, &path, &[("accept-encoding", "gzip")], "").await;
        assert_eq!((answer.status.as_u16(), answer.body.len()), (200, length));
        for (name, value) in expected {
            assert_eq!(header(&answer, name), Some(value), "{method}");
        }
        let varies: Vec<&str> = answer.headers.get_all("vary").iter().map(|value| value.to_str().unwrap()).collect();
        let varies = varies.join(",").to_lowercase();
        assert!(varies.contains("authorization") && varies.contains("origin"), "{varies}");
        for absent in ["last-modified", "content-encoding", "repr-digest", "content-range"] {
            assert_eq!(header(&answer, absent), None, "{method}");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn one_range_comes_alone() {
    let server = files::start().await;
    let http = server.sign_up("alice").await.http;
    let content = random(400_000);
    let path = upload(&http, &content).await;
    for (range, expected) in [
        ("bytes=0-0", 0..1),
        ("bytes=131071-262144", 131_071..262_145),
        ("bytes=399999-", 399_999..400_000),
        ("bytes=-7", 399_993..400_000),
        ("bytes=100-9000000", 100..400_000),
    ] {
        let answer = ask(&http, "GET", &path, &[("range", range)], "").await;
        assert_eq!(answer.status, 206, "{range}");
        let told = format!("bytes {}-{}/400000", expected.start, expected.end - 1);
        assert_eq!(header(&answer, "content-range"), Some(told.as_str()));
        assert_eq!(header(&answer, "content-length"), Some(expected.len().to_string().as_str()));
        assert_eq!(answer.body, content.slice(expected), "{range}");
    }
    for whole in ["bytes=0-1,5-6", "bytes=9-1", "lines=0-1"] {
        let answer = ask(&http, "GET", &path, &[("range", whole)], "").await;
        assert_eq!((answer.status.as_u16(), answer.body.len()), (200, 400_000), "{whole}");
    }
    let outside = ask(&http, "GET", &path, &[("range", "bytes=400000-")], "").await;
    assert_eq!(outside.problem(), (416, "bad_frame".to_owned()));
    assert_eq!(header(&outside, "content-range"), Some("bytes */400000"));
    server.stop().await;
}

#[tokio::test]
async fn conditions_are_asked_after_the_right_to_read() {
    let server = files::start().await;
    let (alice, bob) = (server.sign_up("alice").await.http, server.sign_up("bob").await.http);
    let path = upload(&alice, &random(10)).await;
    let etag = format!("\"{}\"", path.strip_prefix("/media/").unwrap());
    let known = [("if-none-match", etag.as_str())];
    let answer = ask(&alice, "GET", &path, &known, "").await;
    assert_eq!((answer.status.as_u16(), answer.body.len(), header(&answer, "etag")), (304, 0, Some(etag.as_str())));
    assert_eq!(ask(&bob, "GET", &path, &known, "").await.status, 404);
    let part = [("range", "bytes=0-1"), ("if-range", etag.as_str())];
    assert_eq!(ask(&alice, "GET", &path, &part, "").await.status, 206);
    let other = [("range", "bytes=0-1"), ("if-range", "\"other\"")];
    assert_eq!(ask(&alice, "GET", &path, &other, "").await.status, 200);
    server.stop().await;
}

#[tokio::test]
async fn what_may_not_be_read_is_as_if_it_did_not_exist() {
    let server = files::start().await;
    let (alice, bob) = (server.sign_up("alice").await.http, server.sign_up("bob").await.http);
    let whole = upload(&alice, &random(10)).await;
    let open = create(&alice, 10).await;
    let gone = upload(&alice, &random(10)).await;
    alice.delete(&gone).await.ok();
    let unknown = format!("/media/{}", "A".repeat(22));
    let not_found = bob.get(&unknown).await;
    assert_eq!(not_found.problem(), (404, "not_found".to_owned()));
    for path in [whole.as_str(), &open, &gone, "/media/x", "/media/%2e%2e", "/media/AAAAAAAAAAAAAAAAAAAAAB"] {
        let answer = bob.get(path).await;
        assert_eq!((answer.status.as_u16(), &answer.body), (404, &not_found.body), "{path}");
        let names = |answer: &fluent_backend::testing::Answer| {
            let mut names: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
            names.sort();
            names
        };
        assert_eq!(names(&answer), names(&not_found));
    }
    assert_eq!(alice.get(&open).await.body, not_found.body, "not even its owner reads what is not complete");
    server.stop().await;
}

#[tokio::test]
async fn a_link_lends_the_right_of_its_maker_for_a_while() {
    let clock = Clock::stopped_at(Timestamp::from_micros(1_800_000_000_000_000));
    let server = files::start_at(clock.clone(), |_| {}).await;
    let alice = server.sign_up("alice").await;
    let content = random(10);
    let path = upload(&alice.http, &content).await;
    let other = upload(&alice.http, &content).await;
    for (body, seconds) in [(json!({}), 300), (json!({"expires_in_s": 1}), 1), (json!({"expires_in_s": 3600}), 3600)] {
        let link: Value = alice.http.post(&format!("{path}/link"), &body).await.ok().json();
        assert_eq!(link["expires_in_s"], seconds);
        assert!(link["url"].as_str().unwrap().starts_with(&format!("{path}?l=")));
    }
    let without_body = ask(&alice.http, "POST", &format!("{path}/link"), &[], "").await.ok();
    let url = without_body.json::<Value>()["url"].as_str().unwrap().to_owned();
    for bad in [json!({"expires_in_s": 0}), json!({"expires_in_s": 3601}), json!({"expires_in_s": "1"})] {
        assert_eq!(alice.http.post(&format!("{path}/link"), &bad).await.problem().0, 422, "{bad}");
    }
    let stranger = server.http();
    assert_eq!(stranger.get(&url).await.ok().body, content);
    assert_eq!(stranger.with_authorization("Bearer nonsense").get(&url).await.status, 200);
    assert_eq!(ask(&stranger, "HEAD", &url, &[], "").await.status, 200);
    assert_eq!(ask(&stranger, "DELETE", &url, &[], "").await.status, 401, "it is for reading alone");
    let token = url.split("?l=").nth(1).unwrap();
    for wrong in [format!("{other}?l={token}"), format!("{path}?l={}", &token[1..]), format!("{path}?l=")] {
        assert_eq!(alice.http.get(&wrong).await.problem().0, 404, "{wrong}");
    }
    clock.advance_secs(299);
    assert_eq!(stranger.get(&url).await.status, 200);
    clock.advance_secs(1);
    assert_eq!(stranger.get(&url).await.status, 404);
    let link: Value = alice.http.post(&format!("{path}/link"), &json!({})).await.ok().json();
    let url = link["url"].as_str().unwrap();
    assert_eq!(stranger.get(url).await.status, 200);
    alice.http.post("/auth/logout", &json!({})).await.ok();
    assert_eq!(stranger.get(url).await.status, 404, "nobody vouches for it any more");
    server.stop().await;
}
