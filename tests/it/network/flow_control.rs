//! A client that does not read is closed or held, costs the server little, delays no one, and finds everything when it
//! is back.

use std::time::{Duration, Instant};

use fluent_backend::testing::{TestClient, TestDevice, TestServer, eventually};
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;

use crate::support::binary::ServerProcess;
use crate::support::config::small_queues;
use crate::support::flow::{label, narrow_device, numbered, pour};
use crate::support::kept::Kept;
use crate::support::v1::{history, live, two_users};

/// Large enough to fill what the kernel buffers.
const LARGE: usize = 90_000;

/// Reads what is still there; returns the code of the server's close frame.
async fn drained(device: &mut TestDevice, kept: &mut Kept) -> u16 {
    loop {
        match device.socket.next().await {
            Some(Ok(Message::Text(text))) => {
                kept.take(&serde_json::from_str::<Value>(&text).unwrap());
            }
            Some(Ok(Message::Close(frame))) => return frame.map_or(1005, |frame| frame.code.into()),
            _ => return 1006,
        }
    }
}

/// All that `sender` has sent, in its order and once each.
#[track_caller]
fn complete(kept: &Kept, name: &str, count: usize) {
    let labels: Vec<&str> = kept.messages.iter().filter_map(|m| m.content.as_deref()).map(label).collect();
    let expected: Vec<String> = (0..count).map(|number| format!("{name}.{number}")).collect();
    let at = labels.iter().zip(&expected).take_while(|(x, y)| x == y).count();
    let (got, wanted) = (labels.get(at), expected.get(at));
    assert!(labels == expected, "{} of {count}, first different: {got:?} for {wanted:?}", labels.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_stops_is_closed_1013_and_resumes_complete() {
    let server = TestServer::start_with(small_queues).await;
    let (alice, bob) = two_users(&server).await;
    let (mut a, mut reads) = (live(&alice, "a").await, live(&bob, "reads").await);
    let mut kept = Kept::nothing("stuck");
    let mut stuck = narrow_device(&bob, "stuck", None).await;
    kept.begin(&stuck.hello);
    kept.catch_up(&mut stuck).await;
    // From here on it reads nothing, and the other device of the same user is not delayed by that.
    let mut sent = 0;
    while server.open_sockets() == 3 {
        pour(&mut a, bob.id, "m", sent..sent + 5, (LARGE, 5)).await;
        for number in sent..sent + 5 {
            let message = reads.expect("message").await;
            assert_eq!(label(message["content"].as_str().unwrap()), format!("m.{number}"));
        }
        sent += 5;
        assert!(sent * LARGE < 64 << 20, "64 MiB were taken for a device that does not read");
    }
    println!("closed after {sent} messages of {LARGE} bytes");
    let code = drained(&mut stuck, &mut kept).await;
    // A peer whose buffers are full may not get as far as the close frame.
    assert!(code == 1013 || code == 1006, "closed with {code}");
    assert!(kept.messages.len() < sent, "it cannot have had everything");
    pour(&mut a, bob.id, "m", sent..sent + 5, (LARGE, 5)).await;
    let mut back = kept.open(&bob).await;
    kept.catch_up(&mut back).await;
    complete(&kept, "m", sent + 5);
    server.stop().await;
}

/// Ten devices that read nothing, and 130 MB for each of them.
#[tokio::test(flavor = "multi_thread")]
async fn memory_does_not_grow_with_what_is_sent_to_those_who_do_not_read() {
    const MESSAGES: usize = 1_500;
    /// While the second half of them, 68 MB, comes.
    const MAY_GROW_KIB: u64 = 32 * 1024;
    let dir = tempfile::tempdir().unwrap();
    let variables = [("FLUENT__SOCKET__QUEUE_BYTES", "700000"), ("FLUENT__SOCKET__IN_FLIGHT_BYTES", "8388608")];
    let server = ServerProcess::start(dir.path(), &variables).await;
    let alice = TestClient::sign_up(server.http(), "alice").await;
    let bob = TestClient::sign_up(server.http(), "bob").await;
    let mut a = live(&alice, "a").await;
    pour(&mut a, bob.id, "m", 0..20, (LARGE, 8)).await;
    // Half of them stop while live, half in the middle of a replay.
    let mut stuck = Vec::new();
    for i in 0..10 {
        let since = (i % 2 == 0).then(|| a.cursor(0));
        stuck.push(narrow_device(&bob, &format!("stuck{i}"), since.as_deref()).await);
    }
    // The most of each half: what is free just now is given back to the system sooner or later.
    let mut most_of = async |messages: std::ops::Range<usize>| {
        let mut most = 0;
        for begin in messages.clone().step_by(50) {
            pour(&mut a, bob.id, "m", begin..messages.end.min(begin + 50), (LARGE, 8)).await;
            most = most.max(server.own_kib());
        }
        most
    };
    let at_half = most_of(20..MESSAGES / 2).await;
    let mut most = most_of(MESSAGES / 2..MESSAGES).await;
    // And a replay of all this costs no more than a page.
    let mut kept = Kept::nothing("back");
    let mut device = kept.open(&bob).await;
    while kept.take(&device.next().await) != "live" {
        most = most.max(server.own_kib());
    }
    println!("{at_half} KiB at most in the first half, {most} KiB afterwards");
    assert!(most < at_half + MAY_GROW_KIB, "from {at_half} KiB to {most} KiB");
    complete(&kept, "m", MESSAGES);
    drop(stuck);
    server.stop().await;
}

/// Sends for ever and reads no answer: the server reads no further, or closes it. Nothing of it is lost or stored
/// twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_does_not_read_its_answers_is_held() {
    const AT_MOST: usize = 60_000;
    let server = TestServer::start_with(|config| {
        small_queues(config);
        config.socket.write_timeout_s = 10;
    })
    .await;
    let (alice, bob) = two_users(&server).await;
    let mut flooding = narrow_device(&alice, "flooding", None).await;
    flooding.expect("live").await;
    let mut sent = 0;
    loop {
        let mut frame = numbered(bob.id, "m", sent, 1);
        frame["ref"] = "x".repeat(64).into();
        let sending = flooding.socket.send(Message::text(frame.to_string()));
        match tokio::time::timeout(Duration::from_secs(3), sending).await {
            Ok(Ok(())) => sent += 1,
            // Held, in the middle of a frame perhaps; or closed.
            _ => break,
        }
        assert!(sent < AT_MOST, "{AT_MOST} messages were taken from a sender that reads nothing");
    }
    println!("held after {sent} messages");
    drop(flooding.socket.into_stream());

    // What was taken is the beginning of what was sent. Whatever is sent again, there is one of each.
    let mut kept = Kept::nothing("back");
    let mut device = kept.open(&alice).await;
    kept.catch_up(&mut device).await;
    let taken = kept.messages.len();
    assert!(taken <= sent + 1, "{taken} of {sent}");
    let mut waiting = 0;
    for number in taken.saturating_sub(200)..=sent {
        device.send(&numbered(bob.id, "m", number, 1)).await;
        waiting += 1;
        while waiting > 30 || (number == sent && waiting > 0) {
            waiting -= usize::from(kept.take(&device.next().await) == "stored");
        }
    }
    while kept.messages.len() <= sent {
        kept.take(&device.next().await);
    }
    let names: Vec<&str> = kept.messages.iter().filter_map(|m| m.client_id.as_deref()).collect();
    let expected: Vec<String> = (0..=sent).map(|number| format!("m.{number}")).collect();
    assert!(names == expected, "{} messages for {} sent", names.len(), expected.len());
    assert_eq!(history(&bob, alice.id).await[0]["id"], kept.messages.last().unwrap().id);
    server.stop().await;
}

/// A page every now and then is enough: it moves.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_of_a_long_replay_gets_to_its_end() {
    const OLD: usize = 400;
    let server = TestServer::start_with(|config| config.socket.write_timeout_s = 3).await;
    let (alice, bob) = two_users(&server).await;
    let mut a = live(&alice, "a").await;
    pour(&mut a, bob.id, "m", 0..OLD, (20_000, 20)).await;
    let mut kept = Kept::nothing("slow");
    kept.begin(&a.hello);
    kept.cursor = Some(a.cursor(0));
    let mut slow = narrow_device(&bob, "slow", kept.cursor.as_deref()).await;
    // Others go on meanwhile, faster than it reads.
    let mut number = OLD;
    let sending = async {
        for _ in 0..20 {
            pour(&mut a, bob.id, "m", number..number + 5, (2_000, 5)).await;
            number += 5;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let reading = async {
        let begin = Instant::now();
        // Its slowness is what is tested.
        while kept.take(&slow.next().await) != "live" {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        println!("live after {:?}", begin.elapsed());
    };
    tokio::join!(sending, reading);
    // Once live it may have been closed for what came meanwhile: it comes back for that.
    let mut back = kept.open(&bob).await;
    kept.catch_up(&mut back).await;
    complete(&kept, "m", number);
    server.stop().await;
}

/// One that reads nothing at all of its replay is given up when nothing could be written for so long.
#[tokio::test(flavor = "multi_thread")]
async fn a_replay_that_nobody_reads_is_closed() {
    let server = TestServer::start_with(|config| config.socket.write_timeout_s = 1).await;
    let (alice, bob) = two_users(&server).await;
    let mut a = live(&alice, "a").await;
    pour(&mut a, bob.id, "m", 0..200, (LARGE, 8)).await;
    let mut kept = Kept::nothing("stuck");
    kept.begin(&a.hello);
    kept.cursor = Some(a.cursor(0));
    let mut stuck = narrow_device(&bob, "stuck", kept.cursor.as_deref()).await;
    let closed = async || (server.open_sockets() == 1).then_some(());
    eventually("the replay is given up", closed).await;
    let code = drained(&mut stuck, &mut kept).await;
    assert!(code == 1013 || code == 1006, "closed with {code}");
    let mut back = kept.open(&bob).await;
    kept.catch_up(&mut back).await;
    complete(&kept, "m", 200);
    server.stop().await;
}
