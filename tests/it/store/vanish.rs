//! Deleted content vanishes: on SQLite from all files of the running server, on PostgreSQL from all rows.

use fluent_backend::clock::Clock;
use fluent_backend::config::Config;
use fluent_backend::domain::Timestamp;
use fluent_backend::testing::{TestClient, TestData, TestDevice, TestServer, eventually, send_frame};
use http::Method;
use rand::seq::SliceRandom as _;
use serde_json::{Value, json};

use crate::support::binary::ServerProcess;
use crate::support::config::fast_janitor;
use crate::support::traces::Marker;
use crate::support::v1::{assert_fields, history, live, log_in_again, merged, two_live, two_users};

/// Messages are kept for thirty days.
fn retention(config: &mut Config) {
    fast_janitor(config);
    config.messages.retention_days = 30;
    config.messages.retention_every_s = 0;
}

/// A page of the database holds many of the first and a few of the second; the last takes many pages.
const SIZES: [usize; 5] = [60, 900, 5_000, 70 * 1024, 90_000];

/// A `send` both copies of which are marked as `r<name>` and `s<name>`.
fn marked(marker: &Marker, to: i32, name: &str, bytes: usize) -> Value {
    let (r, s) = (marker.text(&format!("r{name}"), bytes), marker.text(&format!("s{name}"), bytes));
    merged(&send_frame(to, name), json!({"receiver_encrypted": r, "sender_encrypted": s}))
}

/// What stays and what goes, told apart in every file.
struct Mixed {
    kept: Marker,
    doomed: Marker,
    /// The messages to delete.
    ids: Vec<Value>,
    /// The messages that stay.
    stays: usize,
}

/// Sends `rounds` messages of each size twice: one to keep, one to delete.
async fn mixed(a: &mut TestDevice, to: i32, rounds: usize) -> Mixed {
    let mut mixed = Mixed { kept: Marker::new(), doomed: Marker::new(), ids: Vec::new(), stays: 0 };
    for round in 0..rounds {
        for (i, bytes) in SIZES.into_iter().enumerate() {
            for (kind, marker) in [("doomed", &mixed.doomed), ("kept", &mixed.kept)] {
                let stored = a.ask(&marked(marker, to, &format!("{kind}-{round}-{i}"), bytes)).await;
                assert_fields(&stored, &json!({"type": "stored", "duplicate": false}));
                if kind == "doomed" {
                    mixed.ids.push(stored["id"].clone());
                }
            }
            mixed.stays += 1;
        }
    }
    mixed
}

impl Mixed {
    /// Deletes what is to be deleted.
    async fn delete(&self, a: &mut TestDevice) {
        for id in &self.ids {
            assert_fields(&a.ask(&delete(id, "everyone")).await, &json!({"type": "deleted"}));
        }
    }

    /// The search finds both copies of what is there, or it would prove nothing.
    async fn assert_found(&self, data: &TestData) {
        let kept = self.kept.names(data).await;
        assert_eq!(kept.len(), 2 * self.stays, "both copies of what stays: {kept:?}");
    }
}

fn delete(id: &Value, scope: &str) -> Value {
    json!({"type": "delete", "id": id, "for": scope})
}

#[tokio::test(flavor = "multi_thread")]
async fn after_deletion_for_everyone_no_file_holds_the_ciphertext() {
    let server = TestServer::start_with(fast_janitor).await;
    let (alice, bob) = two_users(&server).await;
    let mut a = live(&alice, "a").await;
    let data = server.data().clone();
    let mixed = mixed(&mut a, bob.id, 8).await;
    mixed.assert_found(&data).await;
    assert_eq!(mixed.doomed.names(&data).await.len(), 2 * mixed.ids.len(), "still there");
    mixed.delete(&mut a).await;
    // No more writes come: it must go without them.
    mixed.doomed.gone(&data).await;
    mixed.assert_found(&data).await;
    // A page ends at a number of bytes.
    assert_eq!(bob.history(alice.id).await.len(), mixed.stays, "and the others are whole");
    server.stop().await;
}

/// Where neighbours go, a database moves what stays, and may leave a copy behind: it must not outlive the message
/// either.
#[tokio::test(flavor = "multi_thread")]
async fn in_whatever_order_they_go_nothing_stays_behind() {
    let server = TestServer::start_with(fast_janitor).await;
    let (_, bob, mut a, _b) = two_live(&server).await;
    let marker = Marker::new();
    let mut ids = Vec::new();
    for i in 0..240 {
        let frame = marked(&marker, bob.id, &i.to_string(), 40 + i * 37 % 1500);
        ids.push(a.ask(&frame).await["id"].clone());
    }
    ids.shuffle(&mut rand::rng());
    for id in &ids {
        assert_fields(&a.ask(&delete(id, "everyone")).await, &json!({"type": "deleted"}));
    }
    marker.gone(server.data()).await;
    server.stop().await;
}

/// Readers hold old pages, writers make new ones.
#[tokio::test(flavor = "multi_thread")]
async fn it_goes_also_while_others_write_and_somebody_reads_slowly() {
    let server = TestServer::start_with(fast_janitor).await;
    let (alice, bob) = two_users(&server).await;
    let carol = server.sign_up("carol").await;
    let (mut a, mut c) = (live(&alice, "a").await, live(&carol, "c").await);
    let data = server.data().clone();
    let mixed = mixed(&mut a, bob.id, 8).await;
    // A device in the middle of its replay, which reads no further.
    let _stuck = bob.device("stuck", Some(&a.cursor(0))).await;
    mixed.delete(&mut a).await;
    let writing = async {
        for i in 0.. {
            c.store(carol.id, &format!("note {i}")).await;
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = mixed.doomed.gone(&data) => {}
        () = writing => unreachable!("it writes without end"),
    }
    mixed.assert_found(&data).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_for_me_takes_one_copy_and_on_both_sides_both() {
    let server = TestServer::start_with(fast_janitor).await;
    let (alice, bob, mut a, mut b) = two_live(&server).await;
    let data = server.data().clone();
    let (hers, his) = (Marker::new(), Marker::new());
    let mut stored = Vec::new();
    for (i, bytes) in SIZES.into_iter().enumerate() {
        let copies = json!({
            "receiver_encrypted": his.text(&i.to_string(), bytes), "sender_encrypted": hers.text(&i.to_string(), bytes),
        });
        stored.push(a.ask(&merged(&send_frame(bob.id, &i.to_string()), copies)).await["id"].clone());
        b.expect("message").await;
    }
    for id in &stored {
        assert_fields(&b.ask(&delete(id, "me")).await, &json!({"type": "deleted"}));
    }
    his.gone(&data).await;
    assert_eq!(hers.names(&data).await.len(), stored.len(), "the other side keeps its copy");
    assert_eq!(history(&alice, bob.id).await.len(), stored.len(), "and can read it");
    for id in &stored {
        assert_fields(&a.ask(&delete(id, "me")).await, &json!({"type": "deleted"}));
    }
    hers.gone(&data).await;
    server.stop().await;
}

/// With the machine's clock and the default period: told within five seconds, gone within sixty.
#[tokio::test(flavor = "multi_thread")]
async fn an_expired_message_is_told_in_five_seconds_and_gone_in_sixty() {
    let server = TestServer::start().await;
    let (alice, bob, mut a, mut b) = two_live(&server).await;
    let (kept, doomed) = (Marker::new(), Marker::new());
    let mut expiring = Vec::new();
    for (i, bytes) in SIZES.into_iter().enumerate() {
        for (name, marker, seconds) in [("doomed", &doomed, json!(5)), ("kept", &kept, json!(null))] {
            let frame = marked(marker, bob.id, &format!("{name}-{i}"), bytes);
            let stored = a.ask(&merged(&frame, json!({"expires_in_s": seconds}))).await;
            let message = b.expect("message").await;
            if name == "doomed" {
                expiring.push((stored["id"].clone(), message["expires_at"].as_str().unwrap().to_owned()));
            }
        }
    }
    let clock = Clock::system();
    for device in [&mut a, &mut b] {
        for _ in 0..expiring.len() {
            let deleted = device.expect("deleted").await;
            let (_, expires_at) = expiring.iter().find(|(id, _)| *id == deleted["id"]).expect("one that expires");
            assert_fields(&deleted, &json!({"for": "everyone", "by": null, "reason": "expired"}));
            let late = (clock.now().as_micros() - micros(expires_at)) / 1000;
            assert!((0..6_000).contains(&late), "told {late} ms after its moment, not within 5 s: {deleted}");
        }
    }
    let data = server.data().clone();
    doomed.gone(&data).await;
    assert_eq!(kept.names(&data).await.len(), 2 * SIZES.len(), "the others are there");
    assert_eq!(history(&bob, alice.id).await.len(), SIZES.len());
    server.stop().await;
}

fn micros(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().unwrap().as_microsecond()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_deleted_account_is_left() {
    let server = TestServer::start_with(fast_janitor).await;
    let (marker, kept) = (Marker::new(), Marker::new());
    // The name, the address and the key are marked, too.
    let doomed = server.sign_up(marker.as_str()).await;
    let key = json!({"public_key": marker.as_str()});
    doomed.http.put("/users/me/public_key", &key).await.ok();
    let (alice, bob) = two_users(&server).await;
    let (mut d, mut a) = (live(&doomed, "d").await, live(&alice, "a").await);
    for (i, bytes) in SIZES.into_iter().enumerate() {
        for (of_doomed, to, name) in [(true, alice.id, "out"), (false, doomed.id, "in"), (true, doomed.id, "note")] {
            let device = if of_doomed { &mut d } else { &mut a };
            device.send(&marked(&marker, to, &format!("{name}{i}"), bytes)).await;
            device.read_until("stored").await;
        }
        a.send(&marked(&kept, bob.id, &i.to_string(), bytes)).await;
        a.read_until("stored").await;
    }
    // Some of it was deleted before, on one side.
    let page: Vec<Value> = history(&alice, doomed.id).await;
    a.send(&delete(&page[0]["id"], "me")).await;
    a.read_until("deleted").await;
    let password = json!({"password": TestClient::PASSWORD});
    doomed.http.with_body(Method::DELETE, "/users/me", &password).await.ok();
    a.read_until("user_deleted").await;
    let data = server.data().clone();
    marker.gone(&data).await;
    assert_eq!(kept.names(&data).await.len(), 2 * SIZES.len(), "what is not of that account is there");
    assert_eq!(history(&alice, bob.id).await.len(), SIZES.len(), "other conversations are whole");
    server.stop().await;
}

/// Killed right after the answer: the next start finishes the work.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_kill_interrupts_is_finished_after_the_next_start() {
    let data = TestData::new().await;
    let server = ServerProcess::start_on(&data, &[]).await;
    let alice = TestClient::sign_up(server.http(), "alice").await;
    let bob = TestClient::sign_up(server.http(), "bob").await;
    let mut a = live(&alice, "a").await;
    let mixed = mixed(&mut a, bob.id, 4).await;
    mixed.delete(&mut a).await;
    server.kill().await;
    let server = ServerProcess::start_on(&data, &[]).await;
    mixed.doomed.gone(&data).await;
    server.stop().await;
    // Nor does a stop bring anything back.
    mixed.doomed.gone(&data).await;
    mixed.assert_found(&data).await;
}

/// By the server's retention everything older is gone, and one event says so.
#[tokio::test(flavor = "multi_thread")]
async fn what_retention_ends_is_told_once_and_gone() {
    let clock = Clock::stopped_at(Timestamp::from_micros(1_790_000_000_000_000));
    let server = TestServer::start_at(clock.clone(), retention).await;
    let (alice, bob) = two_users(&server).await;
    let mut a = live(&alice, "a").await;
    let (young, old) = (Marker::new(), Marker::new());
    for (i, bytes) in SIZES.into_iter().enumerate() {
        a.ask(&marked(&old, bob.id, &format!("old{i}"), bytes)).await;
    }
    clock.advance_secs(29 * 86_400);
    let (alice, bob) = (log_in_again(&server, &alice).await, log_in_again(&server, &bob).await);
    assert_eq!(history(&bob, alice.id).await.len(), SIZES.len(), "not before its time");
    let mut a = live(&alice, "a2").await;
    a.ask(&marked(&young, bob.id, "young", 5_000)).await;
    clock.advance_secs(2 * 86_400);
    let bob = log_in_again(&server, &bob).await;
    let events = async || {
        let path = format!("/chat/sync?since={}&limit=100", a.cursor(0));
        let answer: Value = bob.http.get(&path).await.ok().json();
        let events = answer["events"].as_array().unwrap().clone();
        events.iter().any(|event| event["type"] == "deleted_before").then_some(events)
    };
    let events = eventually("`deleted_before` is told", events).await;
    let told: Vec<&Value> = events.iter().filter(|event| event["type"] != "message").collect();
    assert_eq!(told.len(), 1, "one event a run, not one a message: {told:?}");
    assert!(told[0]["seq"].is_u64() && told[0]["timestamp"].is_string(), "{}", told[0]);
    assert_eq!(history(&bob, alice.id).await.len(), 1, "the young one stays");
    old.gone(server.data()).await;
    assert_eq!(young.names(server.data()).await.len(), 2);
    server.stop().await;
}
