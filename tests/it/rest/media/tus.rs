//! Uploads by tus 1.0.0, request by request.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fluent_backend::clock::Clock;

use super::{PART, ask, create, header, hex, offset, patch, random};
use crate::support::files;

const VERSION: (&str, &str) = ("tus-resumable", "1.0.0");

#[tokio::test]
async fn the_server_says_what_it_can_do() {
    let server = files::start_with(|config| config.media.max_bytes = 1000).await;
    let path = create(&server.sign_up("alice").await.http, 5).await;
    for path in ["/media", &path] {
        let answer = ask(&server.http(), "OPTIONS", path, &[], "").await;
        assert_eq!((answer.status.as_u16(), answer.body.len()), (204, 0));
        for (name, value) in [
            ("tus-resumable", "1.0.0"),
            ("tus-version", "1.0.0"),
            ("tus-extension", "creation,creation-with-upload,expiration,checksum,termination"),
            ("tus-max-size", "1000"),
            ("tus-checksum-algorithm", "sha256,sha1"),
        ] {
            assert_eq!(header(&answer, name), Some(value), "{path}");
        }
    }
    let preflight = [
        ("origin", "https://app.example"),
        ("access-control-request-method", "PATCH"),
        ("access-control-request-headers", "tus-resumable,upload-offset,content-type"),
    ];
    let answer = ask(&server.http(), "OPTIONS", &path, &preflight, "").await;
    assert_eq!(header(&answer, "access-control-allow-origin"), Some("*"));
    let allowed = header(&answer, "access-control-allow-headers").unwrap().to_lowercase();
    for name in [
        "tus-resumable",
        "upload-length",
        "upload-offset",
        "upload-metadata",
        "upload-checksum",
        "range",
        "if-range",
        "if-none-match",
        "idempotency-key",
    ] {
        assert!(allowed.split(',').any(|allowed| allowed == name), "{name}: {allowed}");
    }
    let answer = ask(&server.http(), "GET", &path, &[("origin", "https://app.example")], "").await;
    let exposed = header(&answer, "access-control-expose-headers").unwrap().to_lowercase();
    for name in ["location", "upload-offset", "etag", "content-range", "accept-ranges", "content-length", "retry-after"]
    {
        assert!(exposed.split(',').any(|exposed| exposed == name), "{name}: {exposed}");
    }
    server.stop().await;
}

#[tokio::test]
async fn an_upload_goes_on_part_by_part() {
    let server = files::start().await;
    let http = server.sign_up("alice").await.http;
    let content = random(300_000);
    let path = create(&http, content.len()).await;
    assert_eq!(offset(&http, &path).await, 0);
    for part in [0..1, 1..140_000, 140_000..300_000] {
        let answer = patch(&http, &path, part.start, content.slice(part.clone())).await;
        assert_eq!(answer.status, 204, "{}", answer.text());
        assert_eq!(header(&answer, "upload-offset"), Some(part.end.to_string().as_str()));
        assert_eq!(header(&answer, "tus-resumable"), Some("1.0.0"));
        let expires = httpdate(header(&answer, "upload-expires").unwrap());
        assert!(expires > now());
        assert_eq!(offset(&http, &path).await, part.end);
    }
    let read = http.get(&path).await;
    assert_eq!((read.status.as_u16(), read.body), (200, content.clone()));
    // The last part once more, whose response may have been lost.
    assert_eq!(patch(&http, &path, content.len(), "").await.status, 204);
    let more = patch(&http, &path, content.len(), "x").await;
    assert_eq!(more.problem(), (413, "too_large".to_owned()));
    let head = ask(&http, "HEAD", &path, &[VERSION], "").await;
    assert!(header(&head, "upload-expires").is_none() && header(&head, "cache-control") == Some("no-store"));
    server.stop().await;
}

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(Clock::system().now().as_secs().try_into().unwrap())
}

fn httpdate(text: &str) -> SystemTime {
    assert!(text.ends_with(" GMT") && text.len() == 29, "{text}");
    httpdate::parse_http_date(text).unwrap()
}

#[tokio::test]
async fn parts_are_checked_in_order_and_what_is_refused_changes_nothing() {
    let server = files::start().await;
    let (alice, bob) = (server.sign_up("alice").await.http, server.sign_up("bob").await.http);
    let path = create(&alice, 10).await;
    assert_eq!(patch(&alice, &path, 0, "abc").await.status, 204);
    let (kind, at) = (("content-type", PART), ("upload-offset", "3"));
    let refused = [
        (&alice, vec![kind, at], 412),
        (&alice, vec![("tus-resumable", "0.2.0"), ("content-type", "text/plain")], 412),
        (&bob, vec![VERSION, ("content-type", "text/plain")], 404),
        (&alice, vec![VERSION, ("content-type", "text/plain"), at], 415),
        (&alice, vec![VERSION, at], 415),
        (&alice, vec![VERSION, kind], 400),
        (&alice, vec![VERSION, kind, ("upload-offset", "-3")], 400),
        (&alice, vec![VERSION, kind, ("upload-offset", "2")], 409),
        (&alice, vec![VERSION, kind, ("upload-offset", "4")], 409),
        (&alice, vec![VERSION, kind, at, ("upload-checksum", "md5 AAAA")], 400),
        (&alice, vec![VERSION, kind, at, ("upload-checksum", "sha256")], 400),
    ];
    for (http, pairs, status) in refused {
        let answer = ask(http, "PATCH", &path, &pairs, "defg").await;
        assert_eq!(answer.problem().0, status, "{pairs:?}");
        match status {
            412 => assert_eq!(header(&answer, "tus-version"), Some("1.0.0")),
            409 => assert_eq!(header(&answer, "upload-offset"), Some("3")),
            _ => {}
        }
    }
    assert_eq!(patch(&alice, &path, 3, "12345678").await.problem(), (413, "too_large".to_owned()));
    assert_eq!(server.http().get(&path).await.status, 401);
    assert_eq!(ask(&server.http(), "PATCH", &path, &[VERSION, kind, at], "d").await.status, 401);
    assert_eq!(offset(&alice, &path).await, 3);
    server.stop().await;
}

#[tokio::test]
async fn a_part_with_a_checksum_is_kept_as_a_whole_or_not_at_all() {
    let server = files::start().await;
    let http = server.sign_up("alice").await.http;
    let content = random(200_000);
    let digest = |kind: &'static aws_lc_rs::digest::Algorithm, part: &[u8]| {
        STANDARD.encode(aws_lc_rs::digest::digest(kind, part))
    };
    let path = create(&http, content.len()).await;
    let half = content.slice(..150_000);
    let kinds = [("sha256", &aws_lc_rs::digest::SHA256), ("sha1", &aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY)];
    for (name, kind) in kinds {
        let wrong = format!("{name} {}", digest(kind, b"another"));
        let pairs = [VERSION, ("upload-offset", "0"), ("content-type", PART), ("upload-checksum", &wrong)];
        let answer = ask(&http, "PATCH", &path, &pairs, half.clone()).await;
        assert_eq!(answer.problem(), (460, "bad_frame".to_owned()));
        assert_eq!(offset(&http, &path).await, 0);
    }
    let mut at = 0;
    for ((name, kind), end) in kinds.into_iter().zip([150_000, 200_000]) {
        let part = content.slice(at..end);
        let (right, offset) = (format!("{name} {}", digest(kind, &part)), at.to_string());
        let pairs = [VERSION, ("upload-offset", &offset), ("content-type", PART), ("upload-checksum", &right)];
        assert_eq!(ask(&http, "PATCH", &path, &pairs, part).await.status, 204);
        at = end;
    }
    assert_eq!(http.get(&path).await.body, content);
    server.stop().await;
}

#[tokio::test]
async fn creation_takes_what_tus_allows_and_refuses_the_rest() {
    let server = files::start_with(|config| config.media.max_bytes = 1000).await;
    let http = server.sign_up("alice").await.http;
    for (pairs, status) in [
        (vec![("upload-length", "5")], 412),
        (vec![("upload-length", "5"), ("tus-resumable", "0.2.2")], 412),
        (vec![VERSION], 400),
        (vec![VERSION, ("upload-defer-length", "1")], 400),
        (vec![VERSION, ("upload-length", "five")], 400),
        (vec![VERSION, ("upload-length", "0")], 422),
        (vec![VERSION, ("upload-length", "1001")], 413),
        (vec![VERSION, ("upload-length", "5"), ("upload-metadata", "a,a")], 400),
        (vec![VERSION, ("upload-length", "5"), ("upload-metadata", "sha256 AAAA")], 400),
    ] {
        let answer = ask(&http, "POST", "/media", &pairs, "").await;
        assert_eq!(answer.problem().0, status, "{pairs:?}");
        assert!(status != 413 || header(&answer, "tus-max-size") == Some("1000"));
    }
    let long = format!("name {}", "A".repeat(1024));
    let answer = ask(&http, "POST", "/media", &[VERSION, ("upload-length", "5"), ("upload-metadata", &long)], "").await;
    assert_eq!(answer.status, 413);
    let metadata = "filename d29ybGQ=,is_confidential";
    let pairs = [VERSION, ("upload-length", "5"), ("upload-metadata", metadata)];
    let answer = ask(&http, "POST", "/media", &pairs, "").await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (201, 0));
    let path = header(&answer, "location").unwrap();
    let id = path.strip_prefix("/media/").unwrap();
    assert!(id.len() == 22 && httpdate(header(&answer, "upload-expires").unwrap()) > now());
    let head = ask(&http, "HEAD", path, &[VERSION], "").await;
    assert_eq!(header(&head, "upload-metadata"), Some(metadata));
    assert_eq!((header(&head, "upload-length"), header(&head, "upload-offset")), (Some("5"), Some("0")));
    // tuspy always sends it empty.
    let pairs = [VERSION, ("upload-length", "5"), ("upload-metadata", "")];
    assert_eq!(ask(&http, "POST", "/media", &pairs, "").await.status, 201);
    patch(&http, path, 0, "hello").await.ok();
    let head = ask(&http, "HEAD", path, &[VERSION], "").await;
    assert_eq!(header(&head, "upload-metadata"), None, "erased once the file is complete");
    server.stop().await;
}

#[tokio::test]
async fn an_upload_may_begin_with_its_creation() {
    let server = files::start().await;
    let http = server.sign_up("alice").await.http;
    let pairs = [VERSION, ("upload-length", "10"), ("content-type", PART)];
    let answer = ask(&http, "POST", "/media", &pairs, "hello").await;
    assert_eq!((answer.status.as_u16(), header(&answer, "upload-offset")), (201, Some("5")));
    let path = header(&answer, "location").unwrap().to_owned();
    assert_eq!(patch(&http, &path, 5, "world").await.status, 204);
    assert_eq!(http.get(&path).await.text(), "helloworld");
    assert_eq!(ask(&http, "POST", "/media", &pairs, "hello, world").await.problem().0, 413);
    let pairs = [VERSION, ("upload-length", "10"), ("content-type", "text/plain")];
    assert_eq!(ask(&http, "POST", "/media", &pairs, "hello").await.problem().0, 415);
    let wrong = format!("sha1 {}", STANDARD.encode([0; 20]));
    let pairs = [VERSION, ("upload-length", "10"), ("content-type", PART), ("upload-checksum", &wrong)];
    assert_eq!(ask(&http, "POST", "/media", &pairs, "hello").await.problem().0, 460);
    server.stop().await;
}

#[tokio::test]
async fn the_digest_in_the_metadata_is_that_of_the_whole_file() {
    let server = files::start().await;
    let http = server.sign_up("alice").await.http;
    let content = random(50_000);
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &content);
    let hex = hex(digest.as_ref());
    let metadata = format!("sha256 {}", STANDARD.encode(hex));
    let pairs = [VERSION, ("upload-length", "50000"), ("upload-metadata", &metadata)];
    let path = header(&ask(&http, "POST", "/media", &pairs, "").await.ok(), "location").unwrap().to_owned();
    let mut other = content.to_vec();
    other[0] ^= 1;
    assert_eq!(patch(&http, &path, 0, other).await.problem().0, 422);
    assert_eq!(offset(&http, &path).await, 0, "nothing of it is kept");
    assert_eq!(patch(&http, &path, 0, content.clone()).await.status, 204);
    let read = http.get(&path).await;
    assert_eq!(header(&read, "repr-digest"), Some(format!("sha-256=:{}:", STANDARD.encode(digest)).as_str()));
    assert_eq!(read.body, content);
    server.stop().await;
}

#[tokio::test]
async fn an_upload_is_ended_by_its_owner_and_other_methods_may_be_written_in_a_header() {
    let server = files::start().await;
    let (alice, bob) = (server.sign_up("alice").await.http, server.sign_up("bob").await.http);
    let path = create(&alice, 10).await;
    assert_eq!(bob.delete(&path).await.problem().0, 404);
    let pairs = [VERSION, ("upload-offset", "0"), ("content-type", PART), ("x-http-method-override", "PATCH")];
    assert_eq!(ask(&alice, "POST", &path, &pairs, "hello").await.status, 204);
    // Elsewhere the header means nothing.
    let pairs = [VERSION, ("x-http-method-override", "DELETE")];
    assert_eq!(ask(&alice, "HEAD", &path, &pairs, "").await.status, 200);
    assert_eq!(ask(&alice, "POST", "/root", &pairs, "").await.status, 405);
    assert_eq!(ask(&alice, "POST", &path, &[VERSION], "").await.status, 405);
    assert_eq!(ask(&alice, "DELETE", &path, &[("tus-resumable", "2.0.0")], "").await.status, 412);
    assert_eq!(ask(&alice, "POST", &path, &pairs, "").await.status, 204);
    for answer in [alice.delete(&path).await, patch(&alice, &path, 5, "x").await, alice.get(&path).await] {
        assert_eq!(answer.problem(), (404, "not_found".to_owned()));
    }
    server.stop().await;
}
