//! Files in one request, and declared as JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fluent_backend::testing::TestServer;
use serde_json::{Value, json};

use super::{ask, header, hex, offset, patch, random, upload};
use crate::support::files;

const FILE: (&str, &str) = ("content-type", "application/octet-stream");

#[tokio::test]
async fn a_small_file_is_one_request() {
    let server = files::start().await;
    let http = server.sign_up("alice").await.http;
    let content = random(100_000);
    let answer = ask(&http, "POST", "/media", &[FILE], content.clone()).await.ok();
    let declared: Value = answer.json();
    let id = declared["id"].as_str().unwrap();
    assert_eq!(declared["upload_url"], format!("/media/{id}"));
    assert_eq!((&declared["size"], &declared["offset"]), (&json!(100_000), &json!(100_000)));
    assert!(declared["expires_at"].is_string(), "{declared}");
    assert_eq!(http.get(&format!("/media/{id}")).await.body, content);
    server.stop().await;
}

#[tokio::test]
async fn a_digest_is_checked_before_anything_is_kept() {
    let server = files::start_with(|config| config.media.user_files = 1).await;
    let http = server.sign_up("alice").await.http;
    let content = random(1000);
    let digest = STANDARD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &content));
    let right = format!("sha-256=:{digest}:");
    let other = format!("sha-256=:{}:", STANDARD.encode([0; 32]));
    let wrong = ask(&http, "POST", "/media", &[FILE, ("repr-digest", &other)], content.clone()).await;
    assert_eq!(wrong.problem(), (422, "bad_frame".to_owned()));
    let malformed = ask(&http, "POST", "/media", &[FILE, ("repr-digest", "sha-256=abc")], content.clone()).await;
    assert_eq!(malformed.problem().0, 400);
    // Of the one file that may be, none was taken.
    let kept = ask(&http, "POST", "/media", &[FILE, ("repr-digest", &right)], content.clone()).await.ok();
    assert_eq!(header(&http.get(header(&kept, "location").unwrap()).await, "repr-digest"), Some(right.as_str()));
    server.stop().await;
}

#[tokio::test]
async fn a_declared_file_is_put_or_sent_in_parts() {
    let server = files::start_with(|config| config.media.max_bytes = 1000).await;
    let http = server.sign_up("alice").await.http;
    for (body, status) in [
        (json!({"size": 0}), 422),
        (json!({"size": -1}), 422),
        (json!({"size": "5"}), 422),
        (json!({}), 422),
        (json!({"size": 1001}), 413),
        (json!({"size": 5, "sha256": "AB"}), 422),
    ] {
        assert_eq!(http.post("/media", &body).await.problem().0, status, "{body}");
    }
    assert_eq!(ask(&http, "POST", "/media", &[("content-type", "text/plain")], "hello").await.problem().0, 415);
    let declare = async |size: u64| -> String {
        let declared: Value = http.post("/media", &json!({"size": size})).await.ok().json();
        assert_eq!(declared["offset"], 0);
        declared["upload_url"].as_str().unwrap().to_owned()
    };
    let path = declare(5).await;
    assert_eq!(http.get(&path).await.status, 404, "it is not complete");
    assert_eq!(ask(&http, "PUT", &path, &[FILE], "hell").await.problem().0, 400);
    assert_eq!(ask(&http, "PUT", &path, &[FILE], "hello!").await.problem().0, 413);
    assert_eq!(ask(&http, "PUT", &path, &[FILE], "hello").await.status, 204);
    assert_eq!(ask(&http, "PUT", &path, &[FILE], "hello").await.problem(), (409, "conflict".to_owned()));
    assert_eq!(http.get(&path).await.text(), "hello");
    let path = declare(5).await;
    patch(&http, &path, 0, "he").await.ok();
    let refused = ask(&http, "PUT", &path, &[FILE], "hello").await;
    assert_eq!((refused.problem().0, header(&refused, "upload-offset")), (409, Some("2")));
    patch(&http, &path, 2, "llo").await.ok();
    assert_eq!(http.get(&path).await.text(), "hello");
    server.stop().await;
}

#[tokio::test]
async fn the_same_key_is_the_same_file() {
    let server = files::start().await;
    let (alice, bob) = (server.sign_up("alice").await.http, server.sign_up("bob").await.http);
    let key = ("idempotency-key", "photo-1");
    let json = ("content-type", "application/json");
    let first: Value = ask(&alice, "POST", "/media", &[key, json], r#"{"size":5}"#).await.ok().json();
    let path = first["upload_url"].as_str().unwrap();
    patch(&alice, path, 0, "he").await.ok();
    let again = ask(&alice, "POST", "/media", &[key, json], r#"{"size":5}"#).await;
    assert_eq!(again.status, 200);
    let again: Value = again.json();
    assert_eq!((&again["id"], &again["offset"]), (&first["id"], &json!(2)));
    let by_tus = [key, ("tus-resumable", "1.0.0"), ("upload-length", "5")];
    let again = ask(&alice, "POST", "/media", &by_tus, "").await;
    assert_eq!((again.status.as_u16(), header(&again, "location")), (200, Some(path)));
    assert_eq!(header(&again, "upload-offset"), Some("2"));
    let other = ask(&alice, "POST", "/media", &[key, json], r#"{"size":6}"#).await;
    assert_eq!(other.problem(), (409, "conflict".to_owned()));
    assert_eq!(ask(&bob, "POST", "/media", &[key, json], r#"{"size":6}"#).await.status, 201, "another user's key");
    let bad = ask(&alice, "POST", "/media", &[("idempotency-key", "a b"), json], r#"{"size":5}"#).await;
    assert_eq!(bad.problem().0, 422);
    alice.delete(path).await.ok();
    assert_eq!(ask(&alice, "POST", "/media", &[key, json], r#"{"size":6}"#).await.status, 201, "it is free again");
    server.stop().await;
}

#[tokio::test]
async fn without_media_there_is_no_such_path() {
    let server = files::start_with(|config| config.media.enabled = false).await;
    let http = server.sign_up("alice").await.http;
    assert_eq!(ask(&http, "POST", "/media", &[FILE], "hello").await.problem(), (404, "not_found".to_owned()));
    let path = format!("/media/{}", "A".repeat(22));
    for method in ["GET", "PUT", "PATCH", "DELETE"] {
        assert_eq!(ask(&http, method, &path, &[("tus-resumable", "1.0.0")], "").await.problem().0, 404, "{method}");
    }
    assert!(!server.data_dir().join("media").exists());
    server.stop().await;
}

#[tokio::test]
async fn files_are_named_by_hexadecimal_digits_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let server = TestServer::start().await;
    let http = server.sign_up("alice").await.http;
    let path = upload(&http, &random(10)).await;
    let id = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(path.strip_prefix("/media/").unwrap()).unwrap();
    let hex = hex(&id);
    let file = server.data_dir().join("media").join(&hex[..2]).join(&hex[2..4]).join(&hex);
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
    assert_eq!(std::fs::read_dir(server.data_dir().join("media/up")).unwrap().count(), 0);
    assert_eq!(offset(&http, &path).await, 10);
    server.stop().await;
}
