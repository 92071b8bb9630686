//! Phones on a bad network: cut at any byte, stalled, delayed. After every cut they resume, and the totals match.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use fluent_backend::testing::{TestClient, TestServer, TestSocket, send_frame};
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::support::kept::Kept;
use crate::support::proxy::Proxy;
use crate::support::v1::{conversations, history, integer};

const USERS: usize = 4;
/// Messages a device sends to each other user.
const MESSAGES: usize = 60;
/// What a device may have on its way.
const WINDOW: usize = 10;

/// A device with an outbox: what it does not know to be stored, it sends again.
struct Phone<'a> {
    user: &'a TestClient,
    kept: Kept,
    outbox: VecDeque<Value>,
    /// Sent on this connection, not yet answered.
    waiting: VecDeque<Value>,
    /// The answers to each of its messages.
    answers: BTreeMap<String, Vec<Value>>,
    connections: usize,
}

impl<'a> Phone<'a> {
    fn new(user: &'a TestClient, device_id: &str, others: &[i32]) -> Self {
        let rounds = (0..MESSAGES).flat_map(|n| others.iter().map(move |to| (n, *to)));
        let name = |n: usize, to: i32| format!("{}.{device_id}.{to}.{n}", user.name);
        let outbox: VecDeque<Value> = rounds.map(|(n, to)| send_frame(to, &name(n, to))).collect();
        let answers = outbox.iter().map(|frame| (frame["client_id"].as_str().unwrap().to_owned(), Vec::new()));
        let (answers, kept) = (answers.collect(), Kept::nothing(device_id));
        Self { user, kept, outbox, waiting: VecDeque::new(), answers, connections: 0 }
    }

    fn is_done(&self, expected: usize) -> bool {
        self.outbox.is_empty() && self.waiting.is_empty() && self.kept.messages.len() == expected
    }

    /// Connects again and again until everything is sent and everything is here.
    async fn run(&mut self, addr: SocketAddr, expected: usize) {
        while !self.is_done(expected) {
            self.connections += 1;
            self.one_connection(addr, expected).await;
            // What was not answered goes first the next time, in the old order.
            while let Some(frame) = self.waiting.pop_back() {
                self.outbox.push_front(frame);
            }
            let pause = Duration::from_millis(rand::random_range(0..20));
            tokio::time::sleep(pause).await;
        }
    }

    async fn one_connection(&mut self, addr: SocketAddr, expected: usize) {
        let since = self.kept.cursor.as_ref().map(|cursor| format!("&since={cursor}")).unwrap_or_default();
        let path = format!("/chat/ws?device_id={}{since}", self.kept.name());
        let bearer = format!("Bearer {}", self.user.tokens.access_token);
        let headers = [("authorization", bearer.as_str()), ("sec-websocket-protocol", "fluent.v1")];
        let Ok(mut socket) = TestSocket::open_with(addr, &path, &headers).await else { return };
        let Some(hello) = next(&mut socket).await else { return };
        assert_eq!(hello["type"], "hello", "the first frame: {hello}");
        let without_cursor = self.kept.cursor.is_none();
        self.kept.begin(&hello);
        if without_cursor {
            return;
        }
        let mut received = 0_usize;
        while !self.is_done(expected) {
            let goes = self.waiting.len() < WINDOW;
            let next_frame = if goes { self.outbox.pop_front() } else { None };
            let (frame, waits) = if let Some(frame) = next_frame {
                (frame.to_string(), Some(frame))
            } else {
                let Some(frame) = next(&mut socket).await else { return };
                self.take(&frame);
                received += 1;
                let Some(answer) = self.acknowledgement(&frame, received) else { continue };
                (answer.to_string(), None)
            };
            // Before it is sent: who knows how much of it arrives.
            self.waiting.extend(waits);
            if socket.send(Message::text(frame)).await.is_err() {
                return;
            }
        }
        socket.close().await;
    }

    fn take(&mut self, frame: &Value) {
        if self.kept.take(frame) == "stored" {
            let client_id = frame["client_id"].as_str().unwrap();
            self.waiting.retain(|sent| sent["client_id"] != client_id);
            self.answers.get_mut(client_id).expect("an own message").push(frame.clone());
        }
    }

    /// Every few messages this is kept safely, and this is read.
    fn acknowledgement(&self, frame: &Value, received: usize) -> Option<Value> {
        let theirs = frame["type"] == "message" && frame["sender_id"] != self.user.id;
        match received % 7 {
            0 => Some(json!({"type": "delivered", "up_to_seq": self.kept.seq()})),
            3 if theirs => Some(json!({"type": "read", "partner_id": frame["sender_id"], "up_to_id": frame["id"]})),
            _ => None,
        }
    }
}

/// The next frame; none when the connection has gone in whatever way a network or a patient server ends it.
async fn next(socket: &mut TestSocket) -> Option<Value> {
    match socket.next().await {
        Some(Ok(Message::Text(text))) => Some(serde_json::from_str(&text).unwrap()),
        Some(Ok(Message::Close(Some(frame)))) => {
            let code = u16::from(frame.code);
            assert!([1001, 1013].contains(&code), "closed with {code} {}", frame.reason);
            None
        }
        _ => None,
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
            phones.push((i, Phone::new(user, device_id, &others)));
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
        let kept: Vec<&Kept> = phones.iter().filter(|(of, _)| *of == i).map(|(_, phone)| &phone.kept).collect();
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
fn assert_accounted(phone: &Phone<'_>) {
    let kept: HashMap<&str, i64> =
        phone.kept.messages.iter().filter_map(|m| Some((m.client_id.as_deref()?, m.id))).collect();
    for (client_id, answers) in &phone.answers {
        assert!(!answers.is_empty(), "{client_id} was never answered");
        assert!(answers.iter().all(|answer| answer["id"] == answers[0]["id"]), "{answers:?}");
        assert!(answers.iter().filter(|answer| answer["duplicate"] == false).count() <= 1, "{answers:?}");
        assert_eq!(kept.get(client_id.as_str()).copied(), answers[0]["id"].as_i64(), "{client_id}");
    }
}

/// Reads everything that its user was sent; nothing new but receipts comes.
async fn settle(phone: &mut Phone<'_>, addr: SocketAddr) {
    let before = phone.kept.messages.len();
    let user = TestClient { http: fluent_backend::testing::Http::new(addr), ..phone.user.clone() };
    let mut device = phone.kept.open(&user).await;
    phone.kept.catch_up(&mut device).await;
    for chat in conversations(phone.user).await {
        let partner = &chat["partner"]["id"];
        device.send(&json!({"type": "read", "partner_id": partner, "up_to_id": 1_u64 << 52, "ref": "last"})).await;
        let mut answer = json!(null);
        while answer["ref"] != "last" {
            answer = device.next().await;
            phone.kept.take(&answer);
        }
    }
    device.socket.close().await;
    assert_eq!(phone.kept.messages.len(), before, "no message came late or again");
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
fn kept_with(phones: &[(usize, Phone<'_>)], i: usize, partner: i32) -> Vec<i64> {
    let (_, phone) = phones.iter().find(|(of, _)| *of == i).unwrap();
    let partner_name = format!("user{}", partner_index(phones, partner));
    let between = |name: &str| {
        let parts: Vec<&str> = name.split('.').collect();
        parts[0] == partner_name || parts[2] == partner.to_string()
    };
    let messages = phone.kept.messages.iter();
    let named =
        messages.map(|m| (m.content.as_deref().map(|text| &text[2..]).or(m.client_id.as_deref()).unwrap(), m.id));
    named.filter(|(name, _)| between(name)).map(|(_, id)| id).collect()
}

fn partner_index(phones: &[(usize, Phone<'_>)], partner: i32) -> usize {
    phones.iter().find(|(_, phone)| phone.user.id == partner).unwrap().0
}
