//! A provider that is out of order, and a server process that is killed meanwhile (`SIGKILL`).

use std::time::Duration;

use fluent_backend::clock::Clock;
use fluent_backend::testing::{TestClient, TestData, eventually};
use serde_json::Value;

use super::double::{register, send};
use crate::support::binary::{ServerProcess, run_on};
use crate::support::push::{Captured, Plan, PushDoubles};

const DEVICES: usize = 6;
/// Longest wait: on PostgreSQL a server counts as gone after 15 s, and a provider that has failed is asked again after
/// some tens of seconds.
const PATIENCE: Duration = Duration::from_secs(150);

async fn patiently(what: &str, probe: impl Fn() -> bool) {
    let probing = async {
        while !probe() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, probing).await.is_ok(), "timed out: {what}");
}

/// The requests for one device, in their order.
fn requests_for(doubles: &PushDoubles, device: usize) -> Vec<Captured> {
    let token = format!("token-d{device}");
    doubles.fcm.messages().into_iter().filter(|asked| asked.json()["message"]["token"] == *token).collect()
}

fn accepted(doubles: &PushDoubles, device: usize) -> usize {
    requests_for(doubles, device).iter().filter(|asked| asked.status == Some(200)).count()
}

/// The same user at another process on the same data.
fn at(server: &ServerProcess, user: &TestClient) -> TestClient {
    let http = server.http().with_authorization(format!("Bearer {}", user.tokens.access_token));
    TestClient { http, ..user.clone() }
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_in_an_outage_loses_no_wake_up_and_wakes_nobody_twice() {
    let (data, doubles) = (TestData::of_one().await, PushDoubles::start(&Clock::system()).await);
    let variables = doubles.fcm_variables();
    let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let server = ServerProcess::start_on(&data, &variables).await;
    let alice = TestClient::sign_up(server.http(), "alice").await;
    let mut users = Vec::new();
    for n in 0..DEVICES {
        let user = TestClient::sign_up(server.http(), &format!("user{n}")).await;
        register(&user, &format!("d{n}")).await;
        users.push(user);
    }
    // Some requests are on their way when the process dies, others have failed.
    let fcm = doubles.fcm.double();
    let asked = |status: Option<u16>| doubles.fcm.messages().iter().filter(|asked| asked.status == status).count();
    let (first, others) = users.split_at(DEVICES / 2);
    for (plan, status, users) in [(Plan::Hang, None, first), (Plan::status(503), Some(503), others)] {
        fcm.answer_all(Some(plan));
        for user in users {
            send(&alice, user.id, &format!("to {}", user.name), None).await;
        }
        eventually("FCM is asked", async || (asked(status) >= users.len()).then_some(())).await;
    }
    server.kill().await;

    let server = ServerProcess::start_on(&data, &variables).await;
    let alice = at(&server, &alice);
    for user in &users {
        send(&alice, user.id, &format!("again to {}", user.name), None).await;
    }
    let before = asked(Some(503));
    patiently("the outage goes on", || asked(Some(503)) > before + 1).await;
    fcm.answer_all(None);
    patiently("no wake-up is lost", || (0..DEVICES).all(|device| accepted(&doubles, device) > 0)).await;
    let status = async || -> Value {
        let output = run_on(&data, &["admin", "--json", "push", "status"], &variables).await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    eventually("nothing is owed", async || (status().await["owed"] == 0).then_some(())).await;
    server.stop().await;
    assert_eq!(status().await["owed"], 0);
    for device in 0..DEVICES {
        assert_eq!(accepted(&doubles, device), 1, "of device {device}");
        assert!(requests_for(&doubles, device).len() > 1, "its first request was in the outage");
    }
    doubles.check(&["to user"]);
}
