//! A device that reconnects: what it may do while it catches up, and what it is shown.

use fluent_backend::testing::{TestDevice, TestServer};
use serde_json::{Value, json};

use crate::support::v1::{
    assert_fields, column, exchange, integer, live, merged, send_frame, seq, two_live, two_users,
};

/// Sends this many messages and waits for their `stored`; the frames.
async fn fill(device: &mut TestDevice, to: i32, name: &str, count: usize, bytes: usize) -> Vec<Value> {
    let padding = "x".repeat(bytes);
    let mut stored = Vec::new();
    for i in 0..count {
        let frame = send_frame(to, &format!("{name}{i}"));
        device.send(&merged(&frame, json!({"receiver_encrypted": format!("{i} {padding}")}))).await;
        if i >= 50 {
            stored.push(device.expect("stored").await);
        }
    }
    while stored.len() < count {
        stored.push(device.expect("stored").await);
    }
    stored
}

/// No frame with a `seq` comes after a higher one, but for the answers that say they are duplicates.
#[track_caller]
fn in_order(frames: &[Value]) {
    let moving = |frame: &&Value| !frame["seq"].is_null() && frame["duplicate"] != true && frame["type"] != "error";
    let numbers: Vec<i64> = frames.iter().filter(moving).map(seq).collect();
    assert!(numbers.is_sorted_by(|x, y| x < y), "`seq` must grow on a socket: {numbers:?}");
}

/// More than a page of events, and more than a page of bytes.
#[tokio::test(flavor = "multi_thread")]
async fn replay_goes_on_page_by_page_until_the_head() {
    let server = TestServer::start().await;
    let (alice, bob) = two_users(&server).await;
    let mut a = live(&alice, "a").await;
    let mut stored = fill(&mut a, bob.id, "many", 350, 1).await;
    stored.extend(fill(&mut a, bob.id, "large", 40, 90_000).await);
    for since in [0, seq(&stored[99]), seq(&stored[100]), seq(&stored[349]), seq(&stored[388])] {
        let (_, missed) = bob.live_device("b", Some(&a.cursor(since))).await;
        let expected: Vec<i64> = stored.iter().map(seq).filter(|&number| number > since).collect();
        assert_eq!(missed.iter().map(seq).collect::<Vec<_>>(), expected, "since {since}");
    }
    server.stop().await;
}

/// What a device sends before it is live is answered in the place where it belongs.
#[tokio::test(flavor = "multi_thread")]
async fn answers_to_frames_sent_during_the_replay_come_in_their_place() {
    let server = TestServer::start().await;
    let (alice, bob) = two_users(&server).await;
    let (mut a, mut own) = (live(&alice, "a").await, live(&bob, "own").await);
    let filled = fill(&mut a, bob.id, "old", 400, 2_000).await;
    for round in 0..10 {
        let mut b = bob.device("b", Some(&a.cursor(0))).await;
        let name = format!("answer {round}");
        b.send(&merged(&send_frame(alice.id, &name), json!({"ref": "send"}))).await;
        let newest = &filled[40 * round + 39]["id"];
        b.send(&json!({"type": "read", "partner_id": alice.id, "up_to_id": newest, "ref": "read"})).await;
        b.send(&json!({"type": "ping", "ref": "ping"})).await;
        let mut frames = b.read_until("live").await.0;
        frames.extend(b.so_far().await);
        in_order(&frames);
        let answers = |reference: &str| -> Vec<&Value> { frames.iter().filter(|f| f["ref"] == reference).collect() };
        let (stored, receipt) = (answers("send"), answers("read"));
        assert_eq!((stored.len(), receipt.len(), answers("ping").len()), (1, 1, 1), "each is answered once");
        assert_fields(stored[0], &json!({"type": "stored", "duplicate": false, "client_id": name.replace(' ', "-")}));
        assert_fields(receipt[0], &json!({"type": "receipt", "kind": "read", "up_to_id": newest}));
        let messages: Vec<&Value> = frames.iter().filter(|frame| frame["type"] == "message").collect();
        assert!(messages.iter().all(|message| message["id"] != stored[0]["id"]), "not as `message`, too");
        let replayed = messages.iter().filter(|message| message["sender_id"] == alice.id).count();
        assert_eq!(replayed, 400, "nothing is left out or shown twice");
        // His other device sees it in the same order.
        assert_eq!(own.read_until("receipt").await.1["up_to_id"], *newest);
    }
    server.stop().await;
}

/// A resend right after `hello`, while the message itself is still to come in the replay.
#[tokio::test(flavor = "multi_thread")]
async fn a_resend_during_the_replay_is_a_duplicate_and_the_message_is_shown_once() {
    let server = TestServer::start().await;
    let (alice, bob) = two_users(&server).await;
    let mut a = live(&alice, "a").await;
    let stored = fill(&mut a, bob.id, "m", 300, 1_000).await;
    let mut again = alice.device("a", Some(&a.cursor(0))).await;
    let padding = "x".repeat(1_000);
    for i in [0, 150, 299] {
        let frame = send_frame(bob.id, &format!("m{i}"));
        again.send(&merged(&frame, json!({"receiver_encrypted": format!("{i} {padding}"), "ref": i}))).await;
    }
    let mut frames = again.read_until("live").await.0;
    frames.extend(again.so_far().await);
    in_order(&frames);
    for i in [0, 150, 299] {
        let answer: Vec<&Value> = frames.iter().filter(|frame| frame["ref"] == i).collect();
        assert_eq!(answer.len(), 1, "answered once: {answer:?}");
        assert_fields(
            answer[0],
            &json!({"type": "stored", "duplicate": true, "id": stored[i]["id"], "seq": stored[i]["seq"]}),
        );
    }
    let messages: Vec<Value> = frames.into_iter().filter(|frame| frame["type"] == "message").collect();
    assert_eq!(column(&messages, "id"), column(&stored, "id"));
    server.stop().await;
}

/// Deleted while a device was away, or while it reads its replay: never the message after the deletion.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_deleted_during_the_replay_ends_as_deleted() {
    let server = TestServer::start().await;
    let (alice, bob) = two_users(&server).await;
    let mut a = live(&alice, "a").await;
    let stored = fill(&mut a, bob.id, "m", 300, 3_000).await;
    let mut b = bob.device("b", Some(&a.cursor(0))).await;
    let deleting = async {
        for message in stored.iter().step_by(10) {
            a.ask(&json!({"type": "delete", "id": message["id"], "for": "everyone"})).await;
        }
    };
    let ((), (mut frames, _)) = tokio::join!(deleting, b.read_until("live"));
    frames.extend(b.so_far().await);
    in_order(&frames);
    for (i, message) in stored.iter().enumerate() {
        let about: Vec<&Value> = frames.iter().filter(|frame| frame["id"] == message["id"]).collect();
        let kinds: Vec<&str> = about.iter().map(|frame| frame["type"].as_str().unwrap()).collect();
        let expected: &[&[&str]] = if i % 10 == 0 { &[&["message", "deleted"], &["deleted"]] } else { &[&["message"]] };
        assert!(expected.contains(&kinds.as_slice()), "message {i}: {kinds:?}");
    }
    server.stop().await;
}

/// Every kind of event, seen live and seen later: the same numbers on all devices of a user.
#[tokio::test]
async fn replay_tells_what_was_told_live() {
    let server = TestServer::start().await;
    let (alice, bob, mut a, mut b) = two_live(&server).await;
    let mut witness = live(&alice, "witness").await;
    let since = a.cursor(0);
    let (first, _) = exchange(&mut a, &mut b, "first").await;
    let (second, _) = exchange(&mut b, &mut a, "second").await;
    b.ask(&json!({"type": "read", "partner_id": alice.id, "up_to_id": first["id"]})).await;
    a.expect("receipt").await;
    a.ask(&json!({"type": "delete", "id": second["id"], "for": "me"})).await;
    bob.http.put("/users/me/public_key", &json!({"public_key": "BBBB"})).await.ok();
    let carol = server.sign_up("carol").await;
    alice.http.put(&format!("/users/{}/block", carol.id), &json!({})).await.ok();
    let mut lived = witness.read_until("block").await;
    lived.0.push(lived.1);
    let (_, missed) = alice.live_device("late", Some(&since)).await;
    assert_eq!(column(&missed, "type"), ["message", "receipt", "deleted", "key_changed", "block"]);
    // Live the message that was deleted later had been shown, too.
    let lived: Vec<Value> = lived.0.into_iter().filter(|f| f["type"] != "message" || f["id"] == first["id"]).collect();
    assert_eq!(missed, lived);
    assert_eq!(integer(&missed[2], "id"), integer(&second, "id"));
    server.stop().await;
}
