//! A device that is a hundred thousand events behind catches up, while others go on writing.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use fluent_backend::testing::TestClient;
use futures_util::future::join_all;

use crate::support::binary::ServerProcess;
use crate::support::flow::{label, pour};
use crate::support::kept::Kept;
use crate::support::v1::live;

/// Users who write, each on a socket of its own.
const SENDERS: usize = 8;
/// What each may have on its way.
const WINDOW: usize = 256;
/// What catching up may cost the server.
const MAY_GROW_KIB: u64 = 64 * 1024;

/// How many events: `FLUENT_BEHIND_EVENTS`, or 100,000.
fn events() -> usize {
    std::env::var("FLUENT_BEHIND_EVENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(100_000)
}

/// Everything that each sender has sent, in its order and once.
#[track_caller]
fn complete(kept: &Kept, counts: &[usize]) {
    let mut next = vec![0; counts.len()];
    for message in &kept.messages {
        let name = label(message.content.as_deref().unwrap());
        let (sender, number) = name.split_once('.').unwrap();
        let sender: usize = sender.parse().unwrap();
        assert_eq!(number.parse(), Ok(next[sender]), "of sender {sender}, at seq {}", message.seq);
        next[sender] += 1;
    }
    assert_eq!(next, counts, "messages of each sender");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_events_behind() {
    let dir = tempfile::tempdir().unwrap();
    let window = WINDOW.to_string();
    // How fast the disk is, is not what is tested, and a sender that has written its part answers no ping meanwhile.
    let variables = [
        ("FLUENT__SOCKET__IN_FLIGHT", window.as_str()),
        ("FLUENT__DATABASE__SYNCHRONOUS", "normal"),
        ("FLUENT__SOCKET__PING_S", "600"),
    ];
    let server = ServerProcess::start(dir.path(), &variables).await;
    let bob = TestClient::sign_up(server.http(), "bob").await;
    let mut senders = Vec::new();
    for i in 0..SENDERS {
        let user = TestClient::sign_up(server.http(), &format!("sender{i}")).await;
        senders.push((i.to_string(), live(&user, "sender").await));
    }
    let each = events() / SENDERS;
    let begin = Instant::now();
    join_all(senders.iter_mut().map(|(name, device)| pour(device, bob.id, name, 0..each, (1, WINDOW)))).await;
    println!("filled in {:?}", begin.elapsed());

    let before = server.own_kib();
    let mut most = before;
    let mut kept = Kept::nothing("phone");
    let mut phone = kept.open(&bob).await;
    let (begin, is_live) = (Instant::now(), AtomicBool::new(false));
    let catching_up = async {
        while kept.take(&phone.next().await) != "live" {
            if kept.messages.len().is_multiple_of(500) {
                most = most.max(server.own_kib());
            }
        }
        is_live.store(true, Ordering::Relaxed);
        println!("caught up in {:?}", begin.elapsed());
    };
    // Others go on; each a batch at a time, until it is live.
    let (name, device) = &mut senders[0];
    let writing = async {
        let mut sent = each;
        while !is_live.load(Ordering::Relaxed) {
            pour(device, bob.id, name, sent..sent + 10, (1, 10)).await;
            sent += 10;
        }
        sent
    };
    let ((), sent) = tokio::join!(catching_up, writing);
    while kept.messages.len() < each * SENDERS + (sent - each) {
        kept.take(&phone.next().await);
    }
    let mut counts = vec![each; SENDERS];
    counts[0] = sent;
    complete(&kept, &counts);
    println!("{before} KiB before, {most} KiB at most; {} messages meanwhile", sent - each);
    assert!(most < before + MAY_GROW_KIB, "from {before} KiB to {most} KiB");
    server.stop().await;
}
