//! Providers that fail, and a server that dies meanwhile: no wake-up is lost, and no device is woken again and again.

use std::collections::HashMap;

use fluent_backend::config::Config;
use fluent_backend::domain::PushOutcome;
use fluent_backend::testing::{TestClient, TestData, TestServer, eventually};
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};

use super::double::{Answer, Provider, at, pushing_on, register, send, settled_in_time};
use crate::support::v1::{seq, stopped_clock};

const DEVICES: usize = 6;

/// Much time passes.
fn long_tokens(config: &mut Config) {
    config.auth.access_token_s = 7 * 24 * 3600;
}

async fn signed_up(server: &TestServer) -> (TestClient, Vec<TestClient>) {
    let sender = server.sign_up("sender").await;
    let mut users = Vec::new();
    for n in 0..DEVICES {
        let user = server.sign_up(&format!("user{n}")).await;
        register(&user, &format!("d{n}")).await;
        users.push(user);
    }
    (sender, users)
}

#[tokio::test]
async fn after_ten_minutes_without_a_provider_each_device_is_woken_once() {
    let (provider, clock) = (Provider::new(), stopped_clock());
    let data = TestData::of_one().await;
    let mut server = pushing_on(data.clone(), &provider, clock.clone(), long_tokens).await;
    let (mut sender, users) = Box::pin(signed_up(&server)).await;
    provider.answers(Answer::Is(PushOutcome::Retry));
    for minute in 0..10 {
        for (n, user) in users.iter().enumerate() {
            send(&sender, user.id, &format!("{minute}-{n}"), None).await;
        }
        let asked = provider.asked();
        if minute == 5 {
            // As a process that is killed.
            drop(server);
            server = pushing_on(data.clone(), &provider, clock.clone(), long_tokens).await;
            sender = at(&server, &sender);
        }
        eventually("it is tried again", async || {
            clock.advance_secs(10);
            (provider.asked() > asked).then_some(())
        })
        .await;
        clock.advance_secs(60);
    }
    let owed = server.server().storage().push_counts().await.unwrap().iter().map(|count| count.owed).sum::<i64>();
    assert_eq!(owed, i64::try_from(DEVICES).unwrap(), "no wake-up is lost");
    provider.answers(Answer::Is(PushOutcome::Accepted));
    settled_in_time(&server, &clock).await;
    for n in 0..DEVICES {
        assert_eq!(provider.accepted(&format!("token-d{n}")).len(), 1, "of device {n}");
    }
    server.stop().await;
}

/// What a test knows of a device.
#[derive(Default)]
struct Known {
    newest: i64,
    acknowledged: i64,
}

/// Whatever happens: when all has come to rest, each device has acknowledged the newest message, was woken for it, or
/// is owed a wake-up.
#[tokio::test]
async fn nothing_is_lost_whatever_happens() {
    let seed: u64 = rand::rng().random();
    eprintln!("seed {seed}");
    let mut random = rand::rngs::StdRng::seed_from_u64(seed);
    let (provider, clock) = (Provider::new(), stopped_clock());
    let data = TestData::of_one().await;
    let mut server = pushing_on(data.clone(), &provider, clock.clone(), long_tokens).await;
    let (mut sender, mut users) = Box::pin(signed_up(&server)).await;
    let mut known: HashMap<usize, Known> = HashMap::new();
    let mut text = 0;
    for _ in 0..120 {
        let n = random.random_range(0..DEVICES);
        let device = known.entry(n).or_default();
        match random.random_range(0..10) {
            0..4 => {
                text += 1;
                let urgency = [None, Some("normal"), Some("none")].choose(&mut random).copied().flatten();
                let stored = send(&sender, users[n].id, &format!("m{text}"), urgency).await;
                if urgency != Some("none") {
                    device.newest = seq(&stored);
                }
            }
            4 => {
                device.acknowledged = device.newest;
                let kept = serde_json::json!({"delivered": {"up_to_seq": device.newest}, "device_id": format!("d{n}")});
                assert_eq!(users[n].http.post("/chat/receipts", &kept).await.status, 204);
            }
            5 => {
                let mut socket = users[n].device(&format!("d{n}"), None).await;
                socket.expect("live").await;
                device.acknowledged = device.newest;
                text += 1;
                device.newest = seq(&send(&sender, users[n].id, &format!("m{text}"), None).await);
                // Cut before it has said anything.
                drop(socket);
            }
            6 => {
                let outcomes = [PushOutcome::Accepted, PushOutcome::Retry, PushOutcome::Config];
                provider.answers(Answer::Is(*outcomes.choose(&mut random).unwrap()));
            }
            7 => {
                drop(server);
                server = pushing_on(data.clone(), &provider, clock.clone(), long_tokens).await;
                sender = at(&server, &sender);
                users = users.iter().map(|user| at(&server, user)).collect();
            }
            8 => register(&users[n], &format!("d{n}")).await,
            _ => clock.advance_secs(random.random_range(1..120)),
        }
    }
    let rests = |state: &[fluent_backend::domain::TargetState], known: &Known| {
        let outbox = state[0].outbox;
        let owed = outbox.debt.map_or(0, |debt| debt.seq.0);
        outbox.acked.0.max(outbox.woken.0).max(owed) >= known.newest
    };
    clock.advance_secs(11);
    let storage = server.server().storage().clone();
    for (n, known) in &known {
        let user = fluent_backend::domain::UserId(users[*n].id);
        eventually("nothing is lost", async || {
            // A socket that was cut may be noticed only now.
            clock.advance_secs(1);
            rests(&storage.push_targets(user).await.unwrap(), known).then_some(())
        })
        .await;
    }
    // And in the end all are woken.
    provider.answers(Answer::Is(PushOutcome::Accepted));
    settled_in_time(&server, &clock).await;
    server.stop().await;
}
