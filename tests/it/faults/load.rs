//! A load of phones in a ring: each sends to the next one as fast as it gets its replies. In the end they are checked.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use fluent_backend::testing::{TestClient, eventually};
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::phone::Phone;
use crate::support::binary::ServerProcess;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Write,
    /// Nothing new is written.
    Settle,
    End,
}

/// What all phones share.
pub(super) struct Shared {
    /// The server's address; none while it is down.
    pub(super) addr: watch::Sender<Option<SocketAddr>>,
    pub(super) stage: watch::Sender<Stage>,
    pub(super) written: AtomicUsize,
    pub(super) refused: AtomicUsize,
    /// Of each phone: own messages that are acknowledged, messages kept, messages without an answer.
    progress: Mutex<Vec<(usize, usize, usize)>>,
}

impl Shared {
    pub(super) fn note(&self, place: usize, acknowledged: usize, kept: usize, open: usize) {
        self.progress.lock().unwrap()[place] = (acknowledged, kept, open);
    }
}

/// Phones under load.
pub(super) struct Load {
    shared: Arc<Shared>,
    phones: JoinSet<Phone>,
}

impl Load {
    /// Lets so many phones begin to write.
    pub(super) async fn start(server: &ServerProcess, phones: usize) -> Self {
        let mut users = Vec::new();
        for place in 0..phones {
            users.push(TestClient::sign_up(server.http(), &format!("user{place}")).await);
        }
        let shared = Arc::new(Shared {
            addr: watch::Sender::new(Some(server.addr)),
            stage: watch::Sender::new(Stage::Write),
            written: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
            progress: Mutex::new(vec![(0, 0, 0); phones]),
        });
        let mut load = Self { shared: shared.clone(), phones: JoinSet::new() };
        let ids: Vec<i32> = users.iter().map(|user| user.id).collect();
        for (place, user) in users.into_iter().enumerate() {
            let friend = ids[(place + 1) % ids.len()];
            let phone = Box::pin(Phone::new(&user, friend, place, shared.clone())).await;
            load.phones.spawn(Box::pin(phone.run()));
        }
        load
    }

    /// Tells the phones the server's new address, or that it is down.
    pub(super) fn moved(&self, addr: Option<SocketAddr>) {
        self.shared.addr.send_replace(addr);
    }

    fn acknowledged(&self) -> usize {
        self.shared.progress.lock().unwrap().iter().map(|(acknowledged, ..)| acknowledged).sum()
    }

    /// Waits until so many more messages are acknowledged.
    pub(super) async fn exchange(&self, count: usize) {
        let goal = self.acknowledged() + count;
        eventually("messages are acknowledged", async || (self.acknowledged() >= goal).then_some(())).await;
    }

    /// Waits until senders are told to try again.
    pub(super) async fn refused(&self) {
        let before = self.shared.refused.load(Relaxed);
        let refused = async || (self.shared.refused.load(Relaxed) > before).then_some(());
        eventually("senders are told to try again", refused).await;
    }

    /// Lets everything that is written arrive; then every message is with both sides and in the store, once, under one
    /// number, and everywhere in the same order. Returns their number.
    pub(super) async fn settle(mut self, server: &ServerProcess) -> usize {
        self.shared.stage.send_replace(Stage::Settle);
        let settled = async || {
            let written = self.shared.written.load(Relaxed);
            let progress = self.shared.progress.lock().unwrap().clone();
            let (kept, open) = progress.iter().fold((0, 0), |sum, (_, kept, open)| (sum.0 + kept, sum.1 + open));
            // Each with its sender and with its receiver.
            (open == 0 && kept >= 2 * written).then_some(written)
        };
        let written = eventually("everything has arrived", settled).await;
        self.shared.stage.send_replace(Stage::End);
        let mut names = BTreeSet::new();
        while let Some(phone) = self.phones.join_next().await {
            let phone = phone.unwrap();
            assert_accounted(&phone);
            let told = told(server, &phone).await;
            let kept: Vec<(i64, i64)> =
                phone.device.kept.messages.iter().map(|message| (message.seq, message.id)).collect();
            assert_eq!(kept, told, "{}: what was kept, and what the server tells", phone.device.user.name);
            for message in &phone.device.kept.messages {
                let text = message.content.as_deref().map(|text| text[2..].to_owned());
                let name = text.or_else(|| message.client_id.clone()).unwrap();
                names.insert((name, message.id));
            }
        }
        assert_eq!(names.len(), written, "every message has one id");
        written
    }
}

/// Each message was stored at most once, and has one id.
fn assert_accounted(phone: &Phone) {
    for (client_id, answers) in &phone.device.answers {
        assert!(answers.iter().all(|answer| answer["id"] == answers[0]["id"]), "{client_id}: {answers:?}");
        assert!(answers.iter().filter(|answer| answer["duplicate"] == false).count() <= 1, "{client_id}: {answers:?}");
    }
}

/// The messages that the server tells a user, from the first one on.
async fn told(server: &ServerProcess, phone: &Phone) -> Vec<(i64, i64)> {
    let bearer = format!("Bearer {}", phone.device.user.tokens.access_token);
    let http = server.http().with_authorization(bearer);
    let cursor = phone.device.kept.cursor.as_deref().unwrap();
    let mut since = format!("{}:0", cursor.split_once(':').unwrap().0);
    let mut told = Vec::new();
    loop {
        let page: Value = http.get(&format!("/chat/sync?since={since}&limit=100")).await.ok().json();
        let messages = page["events"].as_array().unwrap().iter().filter(|event| event["type"] == "message");
        told.extend(messages.map(|event| (event["seq"].as_i64().unwrap(), event["id"].as_i64().unwrap())));
        if page["more"] != true {
            return told;
        }
        page["cursor"].as_str().unwrap().clone_into(&mut since);
    }
}
