//! The seam between replay and live: a device comes and goes while others send at full speed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use fluent_backend::testing::{TestClient, TestServer, send_frame};
use futures_util::future::join_all;
use rand::RngExt as _;

use crate::support::kept::Kept;
use crate::support::v1::{assert_fields, integer};

/// Devices that come and go, each of a user of its own.
const DEVICES: usize = 4;
/// Users who send without pause.
const SENDERS: usize = 3;
/// What a sender may have on its way.
const WINDOW: usize = 8;

/// How often devices come back, all together: `FLUENT_SEAM_ROUNDS`, or 1,000.
fn rounds() -> usize {
    std::env::var("FLUENT_SEAM_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(1000)
}

/// Sends to everybody in turn until told to stop; how many each receiver was sent.
async fn send_without_pause(user: &TestClient, to: &[i32], stop: &AtomicBool) -> Vec<usize> {
    let mut device = user.live_device("sender", None).await.0;
    let mut sent = vec![0; to.len()];
    let (mut next, mut waiting, mut newest) = (0, 0, 0);
    while waiting > 0 || !stop.load(Ordering::Relaxed) {
        while waiting < WINDOW && !stop.load(Ordering::Relaxed) {
            let receiver = next % to.len();
            device
                .send(&send_frame(
                    to[receiver],
                    &format!("{}/{receiver}/{}", user.name, sent[receiver]).replace('/', "."),
                ))
                .await;
            sent[receiver] += 1;
            next += 1;
            waiting += 1;
        }
        if waiting > 0 {
            let stored = device.expect("stored").await;
            assert_fields(&stored, &serde_json::json!({"duplicate": false}));
            assert!(integer(&stored, "seq") > newest, "`seq` goes back at the sender: {stored}");
            newest = integer(&stored, "seq");
            waiting -= 1;
        }
    }
    sent
}

/// Opens, reads up to `live` and a little further, and goes; once.
async fn come_and_go(user: &TestClient, kept: &mut Kept) {
    let mut device = kept.open(user).await;
    // Sometimes it is gone before it is live.
    if rand::random_ratio(1, 10) {
        for _ in 0..rand::rng().random_range(0..5) {
            if kept.take(&device.next().await) == "live" {
                break;
            }
        }
        return drop(device.socket.into_stream());
    }
    kept.catch_up(&mut device).await;
    for _ in 0..rand::rng().random_range(0..5) {
        assert_ne!(kept.take(&device.next().await), "live", "there is only one");
    }
    if rand::random_ratio(1, 4) { device.socket.close().await } else { drop(device.socket.into_stream()) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_comes_and_goes_misses_nothing_and_gets_nothing_twice() {
    let server = TestServer::start().await;
    let mut receivers = Vec::new();
    for i in 0..DEVICES {
        receivers.push(server.sign_up(&format!("receiver{i}")).await);
    }
    let mut senders = Vec::new();
    for i in 0..SENDERS {
        senders.push(server.sign_up(&format!("sender{i}")).await);
    }
    let to: Vec<i32> = receivers.iter().map(|user| user.id).collect();
    let (stop, left) = (AtomicBool::new(false), AtomicUsize::new(rounds()));
    let sending = join_all(senders.iter().map(|user| send_without_pause(user, &to, &stop)));
    let another = || left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok();
    let receiving = async {
        let kept = join_all(receivers.iter().map(async |user| {
            let mut kept = Kept::nothing("phone");
            while another() {
                come_and_go(user, &mut kept).await;
            }
            kept
        }))
        .await;
        stop.store(true, Ordering::Relaxed);
        kept
    };
    let (sent, mut kept) = tokio::join!(sending, receiving);

    for (i, (user, kept)) in receivers.iter().zip(&mut kept).enumerate() {
        let mut device = kept.open(user).await;
        kept.catch_up(&mut device).await;
        let mut by_sender: HashMap<&str, Vec<&str>> = HashMap::new();
        for message in &kept.messages {
            let text = message.content.as_deref().unwrap();
            by_sender.entry(text.split('.').next().unwrap()).or_default().push(text);
        }
        for (sender, sent) in senders.iter().zip(&sent) {
            let expected: Vec<String> = (0..sent[i]).map(|n| format!("r:{}.{i}.{n}", sender.name)).collect();
            let got = by_sender.remove(format!("r:{}", sender.name).as_str()).unwrap_or_default();
            assert!(got == expected, "{} from {}: {}", user.name, sender.name, first_difference(&expected, &got));
        }
        assert!(by_sender.is_empty(), "{by_sender:?}");
    }
    println!("{} rounds, {sent:?} messages", rounds());
    server.stop().await;
}

fn first_difference(expected: &[String], got: &[&str]) -> String {
    let at = expected.iter().zip(got).take_while(|(x, y)| x == y).count();
    format!("{} of {}, first different: {:?} for {:?}", got.len(), expected.len(), got.get(at), expected.get(at))
}
