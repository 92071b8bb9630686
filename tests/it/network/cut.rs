//! Phones on a bad network: cut at any byte, stalled, delayed. After every cut they resume, and the totals match.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use fluent_backend::testing::{TestClient, TestServer};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::device::{Device, Happened};
use crate::support::kept::Kept;
use crate::support::proxy::Proxy;
use crate::support::v1::{conversations, history, integer};

const USERS: usize = 4;
/// Messages a device sends to each other user.
const MESSAGES: usize = 60;
/// What a device may have on its way.
const WINDOW: usize = 10;

/// A device with something to write.
struct Phone {
    device: Device,
    /// The receivers and texts of messages that are not written yet.
    to_write: VecDeque<(i32, String)>,
    connections: usize,
}

impl Phone {
    async fn new(user: &TestClient, device_id: &str, others: &[i32]) -> Self {
        let rounds = (0..MESSAGES).flat_map(|n| others.iter().map(move |to| (n, *to)));
        let to_write = rounds.map(|(n, to)| (to, format!("{}.{device_id}.{to}.{n}", user.name))).collect();
        Self { device: Device::new(user, device_id).await, to_write, connections: 0 }
    }

    fn is_done(&self, expected: usize) -> bool {
        let is_answered = self.to_write.is_empty() && self.device.unanswered() == 0;
        is_answered && self.device.kept.messages.len() == expected
    }

    /// Connects again and again until everything is sent and everything is here.
    async fn run(&mut self, addr: SocketAddr, expected: usize) {
        while !self.is_done(expected) {
            self.connections += 1;
            self.one_connection(addr, expected).await;
            let pause = Duration::from_millis(rand::random_range(0..20));
            tokio::time::sleep(pause).await;
        }
    }

    async fn one_connection(&mut self, addr: SocketAddr, expected: usize) {
        self.device.connect(addr).await;
        let mut received = 0_usize;
        while !self.is_done(expected) {
            while self.device.unanswered() < WINDOW
                && let Some((to, text)) = self.to_write.pop_front()
            {
                self.device.write(to, &text).await;
            }
            let event = self.device.next().await;
            match self.device.take(event).await {
                Happened::Frame(frame) => {
                    assert_ne!(frame["type"], "error", "{frame}");
                    received += 1;
                    self.read(&frame, received).await;
                }
                // In whatever way a network or a patient server ends it.
                Happened::Ended(code) => {
                    assert!(code.is_none_or(|code| [1001, 1013].contains(&code)), "closed with {code:?}");
                    return;
                }
                Happened::Resumed => {}
            }
        }
        self.device.close().await;
    }

    /// Every few messages this is read; that it is kept safely the client says.
    async fn read(&mut self, frame: &Value, received: usize) {
        if received % 7 == 3 && frame["type"] == "message" && frame["sender_id"] != self.device.user.id {
            self.device.see(integer(frame, "sender_id"), integer(frame, "id")).await;
        }
    }
}

fn seed() -> u64 {
    std::env::var("FLUENT_CUT_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(rand::random)
}

#[tokio::test(flavor = "multi_thread")]
async fn after_any_cut_everything_arrives_once_and_in_order() {
    let seed = seed();
    println!("FLUENT_CUT_SEED={seed}");
    let server = TestServer::start().await;
    let proxy = Proxy::start(server.addr(), seed).await;
    let mut users = Vec::new();
    for i in 0..USERS {
        users.push(server.sign_up(&format!("user{i}")).await);
    }
    let ids: Vec<i32> = users.iter().map(|user| user.id).collect();
    // Every other user has a tablet, too.
    let devices = |i: usize| if i.is_multiple_of(2) { &["phone", "tablet"][..] } else { &["phone"][..] };
    let sent_by = |i: usize| devices(i).len() * (USERS - 1) * MESSAGES;
    let sent_to = |i: usize| (0..USERS).filter(|&j| j != i).map(|j| devices(j).len() * MESSAGES).sum::<usize>();
    let mut phones = Vec::new();
    for (i, user) in users.iter().enumerate() {
        let others: Vec<i32> = ids.iter().copied().filter(|&id| id != user.id).collect();
        for device_id in devices(i) {
            phones.push((i, Box::pin(Phone::new(user, device_id, &others)).await));
        }
    }
    join_all(phones.iter_mut().map(|(i, phone)| phone.run(proxy.addr, sent_by(*i) + sent_to(*i)))).await;
    let connections: usize = phones.iter().map(|(_, phone)| phone.connections).sum();
    println!("{} cuts, {connections} connections", proxy.cuts());
    assert!(proxy.cuts() > 3 * phones.len(), "the network was too good: {} cuts", proxy.cuts());

    proxy.calm();
    for (_, phone) in &mut phones {
        assert_accounted(phone);
        settle(phone, proxy.addr).await;
    }
    for (i, user) in users.iter().enumerate() {
        let kept: Vec<&Kept> = phones.iter().filter(|(of, _)| *of == i).map(|(_, phone)| &phone.device.kept).collect();
        for one in &kept {
            assert_eq!(one.messages.len(), sent_by(i) + sent_to(i), "nothing lost, nothing twice");
            assert!(one.messages.iter().map(|m| m.id).eq(kept[0].messages.iter().map(|m| m.id)), "one order");
            assert_in_order_of_sending(one);
        }
        for chat in conversations(user).await {
            assert_eq!(chat["unread"], 0, "{chat}");
            assert!(chat["partner_read_up_to_id"].is_u64(), "{chat}");
        }
    }
    for (a, b) in (0..USERS).flat_map(|a| (0..a).map(move |b| (a, b))) {
        let (hers, his) = (users[a].history(ids[b]).await, users[b].history(ids[a]).await);
        let count = (devices(a).len() + devices(b).len()) * MESSAGES;
        assert_eq!((hers.len(), his.len()), (count, count), "histories of {a} and {b}");
        assert!(hers.iter().zip(&his).all(|(x, y)| x.timestamp == y.timestamp), "they agree");
        let newest = history(&users[a], ids[b]).await;
        let kept: Vec<i64> = kept_with(&phones, a, ids[b]).into_iter().rev().take(newest.len()).collect();
        assert_eq!(
            newest.iter().map(|message| integer(message, "id")).collect::<Vec<_>>(),
            kept,
            "and so do the devices"
        );
    }
    server.stop().await;
}

/// Every message has one id, was stored for the first time at most once, and is kept under that id.
fn assert_accounted(phone: &Phone) {
    let kept: HashMap<&str, i64> =
        phone.device.kept.messages.iter().filter_map(|m| Some((m.client_id.as_deref()?, m.id))).collect();
    for (client_id, answers) in &phone.device.answers {
        assert!(!answers.is_empty(), "{client_id} was never answered");
        assert!(answers.iter().all(|answer| answer["id"] == answers[0]["id"]), "{answers:?}");
        assert!(answers.iter().filter(|answer| answer["duplicate"] == false).count() <= 1, "{answers:?}");
        assert_eq!(kept.get(client_id.as_str()).copied(), answers[0]["id"].as_i64(), "{client_id}");
    }
}

/// Reads everything that its user was sent; nothing new but receipts comes.
async fn settle(phone: &mut Phone, addr: SocketAddr) {
    let before = phone.device.kept.messages.len();
    let user = TestClient { http: fluent_backend::testing::Http::new(addr), ..phone.device.user.clone() };
    let mut device = phone.device.kept.open(&user).await;
    phone.device.kept.catch_up(&mut device).await;
    for chat in conversations(&phone.device.user).await {
        let partner = &chat["partner"]["id"];
        device.send(&json!({"type": "read", "partner_id": partner, "up_to_id": 1_u64 << 52, "ref": "last"})).await;
        let mut answer = json!(null);
        while answer["ref"] != "last" {
            answer = device.next().await;
            phone.device.kept.take(&answer);
        }
    }
    device.socket.close().await;
    assert_eq!(phone.device.kept.messages.len(), before, "no message came late or again");
}

/// What one device sent to one receiver stays in its order.
fn assert_in_order_of_sending(kept: &Kept) {
    let mut next: HashMap<String, usize> = HashMap::new();
    for message in &kept.messages {
        let name = message.content.as_deref().map(|text| &text[2..]).or(message.client_id.as_deref()).unwrap();
        let (stream, n) = name.rsplit_once('.').unwrap();
        let expected = next.entry(stream.to_owned()).or_default();
        assert_eq!(n.parse(), Ok(*expected), "out of order at {}: {name}", kept.name());
        *expected += 1;
    }
}

/// The ids of the messages between a user and a partner, as the user's first device keeps them.
fn kept_with(phones: &[(usize, Phone)], i: usize, partner: i32) -> Vec<i64> {
    let (_, phone) = phones.iter().find(|(of, _)| *of == i).unwrap();
    let partner_name = format!("user{}", partner_index(phones, partner));
    let between = |name: &str| {
        let parts: Vec<&str> = name.split('.').collect();
        parts[0] == partner_name || parts[2] == partner.to_string()
    };
    let messages = phone.device.kept.messages.iter();
    let named =
        messages.map(|m| (m.content.as_deref().map(|text| &text[2..]).or(m.client_id.as_deref()).unwrap(), m.id));
    named.filter(|(name, _)| between(name)).map(|(_, id)| id).collect()
}

fn partner_index(phones: &[(usize, Phone)], partner: i32) -> usize {
    phones.iter().find(|(_, phone)| phone.device.user.id == partner).unwrap().0
}
