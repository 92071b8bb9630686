//! Files in messages, as clients see them: named, shown, refused, gone.

use fluent_backend::testing::{TestClient, TestServer};
use serde_json::{Value, json};

use crate::support::rows::Rows;
use crate::support::v1::{assert_fields, history, live, merged, partners, send_frame, stopped_clock};

/// The id of a file of these tests, and its hexadecimal digits.
fn file(n: u8) -> (&'static str, String) {
    (
        ["AAAAAAAAAAAAAAAAAAAAAA", "AQEBAQEBAQEBAQEBAQEBAQ", "AgICAgICAgICAgICAgICAg"][usize::from(n)],
        format!("{n:02x}").repeat(16),
    )
}

/// Puts a row of a whole file of this user into the store, as an upload leaves it.
async fn uploaded(server: &TestServer, rows: &Rows, owner: &TestClient, n: u8, size: u32) -> &'static str {
    let (id, hex) = file(n);
    let bytes = if server.data().is_sqlite() { format!("x'{hex}'") } else { format!("'\\x{hex}'::bytea") };
    rows.execute(&format!(
        "INSERT INTO media (id, owner_id, size, received, state, created_at, expires_at, store) \
         VALUES ({bytes}, {}, {size}, {size}, 2, 0, 9000000000000000, 'local')",
        owner.id
    ))
    .await;
    id
}

fn naming(to: i32, text: &str, files: &[&str]) -> Value {
    merged(&send_frame(to, text), json!({"attachment_ids": files}))
}

/// What a message shows of a file.
fn shown(id: &str, size: u32) -> Value {
    json!({"id": id, "file_url": format!("/media/{id}"), "size": size})
}

#[tokio::test]
async fn the_files_of_a_message_come_by_every_way_and_never_to_the_old_dialect() {
    let server = TestServer::start_at(stopped_clock(), |_| {}).await;
    let rows = Rows::of(server.data()).await;
    let (alice, bob, mut a, mut b) = Box::pin(partners(&server)).await;
    let (mut second, mut old) = (live(&alice, "a2").await, bob.connect().await);
    let one = uploaded(&server, &rows, &alice, 0, 100).await;
    let two = uploaded(&server, &rows, &alice, 1, 7).await;
    let frame = merged(&naming(bob.id, "photos", &[two, one]), json!({"message_type": "file"}));
    let stored = a.ask(&frame).await;
    assert_fields(&stored, &json!({"type": "stored", "duplicate": false, "attachments": null}));
    let files = json!({"id": stored["id"], "message_type": "file", "attachments": [shown(two, 7), shown(one, 100)]});
    assert_fields(&b.expect("message").await, &files);
    assert_fields(&second.expect("message").await, &files);
    for (user, partner) in [(&alice, &bob), (&bob, &alice)] {
        assert_fields(&history(user, partner.id).await[0], &files);
        let list: Value = user.http.get("/chat/conversations").await.ok().json();
        assert_fields(&list[0]["last_message"], &files);
        let list: Value = user.http.get("/chat/chat_list").await.ok().json();
        assert_fields(&list[0]["message"], &files);
        let (_, missed) = user.live_device("late", Some(&b.cursor(0))).await;
        assert_fields(missed.iter().rfind(|event| event["type"] == "message").unwrap(), &files);
    }
    // A forwarded file, in a text that the app is shown: with the five keys it knows, and nothing of the file.
    let text = merged(&naming(bob.id, "again", &[one]), json!({"message_type": "text"}));
    let again: Value = alice.http.post("/chat/messages", &text).await.ok().json();
    let theirs = b.expect("message").await;
    assert_fields(&theirs, &json!({"id": again["id"], "attachments": [shown(one, 100)]}));
    assert_eq!(old.next_message().await.content, theirs["content"], "the first that it is told");
    assert_fields(&a.expect("message").await, &json!({"id": again["id"], "attachments": [shown(one, 100)]}));
    // A message without files has no such key.
    b.store(alice.id, "plain").await;
    let plain = a.expect("message").await;
    assert!(plain.get("attachments").is_none(), "{plain}");
    server.stop().await;
}

#[tokio::test]
async fn what_is_no_whole_file_of_the_sender_is_named_in_the_refusal() {
    let server = TestServer::start().await;
    let rows = Rows::of(server.data()).await;
    let (alice, bob, mut a, mut b) = Box::pin(partners(&server)).await;
    let own = uploaded(&server, &rows, &alice, 0, 100).await;
    let theirs = uploaded(&server, &rows, &bob, 1, 7).await;
    let (unknown, _) = file(2);
    for (files, bad) in [(vec![own, theirs], theirs), (vec![unknown, theirs], unknown), (vec!["no id", own], "no id")] {
        let frame = naming(bob.id, "refused", &files);
        let refusal = json!({"type": "error", "code": "not_found", "retryable": false, "attachment_id": bad});
        assert_fields(&a.ask(&frame).await, &merged(&refusal, json!({"client_id": frame["client_id"]})));
        let answer = alice.http.post("/chat/messages", &frame).await;
        let problem: Value = answer.json();
        assert_eq!(
            (answer.status.as_u16(), &problem["code"], &problem["attachment_id"]),
            (404, &json!("not_found"), &json!(bad))
        );
    }
    for files in [json!([own, own]), json!([1, "1"]), json!((0..11).collect::<Vec<_>>()), json!([{}]), json!("x")] {
        let frame = merged(&send_frame(bob.id, "refused"), json!({"attachment_ids": files}));
        assert_fields(&a.ask(&frame).await, &json!({"type": "error", "code": "bad_frame", "attachment_id": null}));
    }
    // Nothing was stored, and the name of the message is free.
    assert_fields(&a.ask(&naming(bob.id, "refused", &[own])).await, &json!({"type": "stored", "duplicate": false}));
    assert_fields(&b.expect("message").await, &json!({"attachments": [shown(own, 100)]}));
    server.stop().await;
}

#[tokio::test]
async fn a_retry_is_a_duplicate_by_either_way_also_when_the_file_is_gone() {
    let server = TestServer::start().await;
    let rows = Rows::of(server.data()).await;
    let (alice, bob, mut a, mut b) = Box::pin(partners(&server)).await;
    let one = uploaded(&server, &rows, &alice, 0, 100).await;
    let frame = naming(bob.id, "photo", &[one]);
    let stored = a.ask(&frame).await;
    let other = merged(&frame, json!({"attachment_ids": []}));
    assert_fields(&a.ask(&other).await, &json!({"type": "error", "code": "conflict", "id": stored["id"]}));
    b.expect("message").await;
    a.ask(&json!({"type": "delete", "id": stored["id"], "for": "everyone"})).await;
    b.expect("deleted").await;
    assert_fields(&a.ask(&frame).await, &json!({"type": "stored", "id": stored["id"], "duplicate": true}));
    let again = alice.http.post("/chat/messages", &frame).await;
    assert_eq!(again.status, 200);
    assert_fields(&again.json(), &json!({"id": stored["id"], "duplicate": true}));
    let new = a.ask(&naming(bob.id, "another", &[one])).await;
    assert_fields(&new, &json!({"code": "not_found", "attachment_id": one}));
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_takes_no_files_does_not_tell_of_any_limits() {
    let server = TestServer::start_with(|config| config.media.enabled = false).await;
    let device = live(&server.sign_up("alice").await, "a").await;
    let limits = device.hello["limits"].as_object().unwrap();
    assert!(
        limits.contains_key("in_flight") && !limits.contains_key("media_bytes") && !limits.contains_key("attachments")
    );
    server.stop().await;
}
