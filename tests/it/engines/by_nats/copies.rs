//! Copies that nobody at another server needs are not told there; whoever needs one all the same gets it by a read.

use std::time::Duration;

use fluent_backend::domain::{EventBody, RecordedEvent};
use fluent_backend::protocol::record::decode_part;

use super::*;

/// As long as a short text is when it is encrypted.
const COPY: usize = 344;
/// The bytes of a seal, at the end of each word.
const SEAL: usize = 16;

/// The sockets of a user at a server, one of each dialect.
struct Place {
    v1: TestDevice,
    legacy: TestSocket,
}

impl Place {
    async fn open(server: &TestServer, user: &TestClient, device: &str) -> Self {
        let user = at(server, user).await;
        Self { v1: live(&user, device).await, legacy: user.connect().await }
    }

    /// Reads these messages, which have these copies.
    async fn read(&mut self, messages: &[(i64, String)]) {
        for (expected, copy) in messages {
            let message = self.v1.expect("message").await;
            assert_eq!((seq(&message), message["content"].as_str().unwrap()), (*expected, copy.as_str()));
            assert_eq!(self.legacy.next_message().await.content, *copy);
        }
    }

    async fn close(self) {
        self.v1.socket.close().await;
        self.legacy.close().await;
    }
}

/// What the second server was told of some messages.
#[derive(Debug, Default)]
struct Told {
    /// The number up to which it was told everything.
    last: i64,
    /// How many copies for senders and for receivers.
    copies: (usize, usize),
    /// All bytes of these words.
    bytes: usize,
}

/// Alice speaks at the first server, where both of them have other sockets, too. Each server has a link to NATS.
struct Scene {
    one: TestServer,
    two: TestServer,
    to_one: NatsLink,
    /// What the second server hears.
    words: Arc<Mutex<Vec<NatsMessage>>>,
    alice: TestClient,
    bob: TestClient,
    speaker: TestDevice,
    alices: Vec<Place>,
    bobs: Vec<Place>,
    sent: usize,
    /// What must live as long.
    #[expect(dead_code, reason = "dropped with the scene")]
    kept: (NatsLink, Nats),
}

impl Scene {
    async fn begin(database: &TestDatabase) -> Option<Self> {
        let nats = nats().await?;
        let (to_one, to_two) = (NatsLink::to(nats.addr()).await.unwrap(), NatsLink::to(nats.addr()).await.unwrap());
        let settings = |config: &mut Config| {
            by_nats_alone(config);
            // What is silent is still believed to be as it was.
            config.cluster.dead_after_s = 15;
        };
        let one = server(database, &to_one.url(), settings).await;
        let two = server(database, &to_two.url(), settings).await;
        let words = Arc::new(Mutex::new(Vec::new()));
        let ear = words.clone();
        to_two.judge(Direction::ToClient, move |message| {
            if is_record(message) {
                ear.lock().unwrap().push(message.clone());
            }
            Fate::Pass
        });
        let (alice, bob) = (one.sign_up("alice").await, two.sign_up("bob").await);
        let speaker = live(&alice, "speaker").await;
        let (alices, bobs) = (vec![Place::open(&one, &alice, "a1").await], vec![Place::open(&one, &bob, "b1").await]);
        Some(Self { one, two, to_one, words, alice, bob, speaker, alices, bobs, sent: 0, kept: (to_two, nats) })
    }

    /// Opens sockets at the second server.
    async fn open(&mut self, for_alice: bool, for_bob: bool) {
        if for_alice {
            self.alices.push(Place::open(&self.two, &self.alice, "a2").await);
        }
        if for_bob {
            self.bobs.push(Place::open(&self.two, &self.bob, "b2").await);
        }
    }

    /// Closes the sockets at the second server.
    async fn close(&mut self) {
        for place in self.alices.drain(1..).chain(self.bobs.drain(1..)) {
            place.close().await;
        }
    }

    /// Sends so many messages. They come to all sockets, each once, in order, and with the copy of its user.
    async fn say(&mut self, count: usize) -> Told {
        let (mut hers, mut his) = (Vec::new(), Vec::new());
        self.words.lock().unwrap().clear();
        for _ in 0..count {
            self.sent += 1;
            let copy = |of: &str| format!("{of}{:x>1$}", self.sent, COPY - of.len());
            hers.push(copy("sender"));
            his.push(copy("receiver"));
            let id = format!("client-{}", self.sent);
            self.speaker.send_message(self.bob.id, &id, his.last().unwrap(), hers.last().unwrap()).await;
        }
        let mut numbers = Vec::new();
        for _ in 0..count {
            numbers.push(seq(&self.speaker.expect("stored").await));
        }
        let with = |copies: Vec<String>| numbers.iter().copied().zip(copies).collect::<Vec<_>>();
        let (hers, his) = (with(hers), with(his));
        for place in &mut self.alices {
            place.read(&hers).await;
        }
        for place in &mut self.bobs {
            place.read(&his).await;
        }
        let last = numbers[count - 1];
        let told = async || Some(self.told()).filter(|told| told.last >= last);
        eventually("the second server was told", told).await
    }

    fn told(&self) -> Told {
        let mut all = Told::default();
        for word in self.words.lock().unwrap().iter() {
            let record = decode_part(&word.payload[..word.payload.len() - SEAL]).unwrap().record;
            all.last = all.last.max(record.last.0);
            all.bytes += word.payload.len();
            for event in record.events {
                let RecordedEvent::Other { event, .. } = event else { continue };
                let EventBody::Message(message) = &event.body else { continue };
                all.copies.0 += usize::from(!message.sender_copy.is_empty());
                all.copies.1 += usize::from(!message.receiver_copy.is_empty());
            }
        }
        all
    }

    /// Sends messages until the first server knows for whom there are sockets at the second.
    async fn until_known(&mut self, for_alice: bool, for_bob: bool) {
        let known = async { while self.say(1).await.copies != (usize::from(for_alice), usize::from(for_bob)) {} };
        tokio::time::timeout(Duration::from_secs(30), known).await.expect("it is known");
    }

    async fn stop(self) {
        self.one.stop().await;
        self.two.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_told_the_copies_that_it_needs() {
    let Some(database) = database().await else { return };
    let Some(mut scene) = Scene::begin(&database).await else { return };
    for (for_alice, for_bob) in [(false, false), (true, false), (true, true), (false, true)] {
        scene.open(for_alice, for_bob).await;
        scene.until_known(for_alice, for_bob).await;
        for count in [1, 1, 20] {
            let told = scene.say(count).await;
            let needed = usize::from(for_alice) + usize::from(for_bob);
            assert_eq!(told.copies, (count * usize::from(for_alice), count * usize::from(for_bob)));
            let bound = needed * COPY * 13 / 10 + 100;
            assert!(told.bytes <= bound * count, "{told:?} for {count} with {needed} copies each");
        }
        scene.close().await;
    }
    scene.stop().await;
}

/// What the first server believes is not so any more: it hears nothing of new sockets for a while.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_where_nobody_knows_reads_the_copy() {
    let Some(database) = database().await else { return };
    let Some(mut scene) = Scene::begin(&database).await else { return };
    for (for_alice, for_bob) in [(false, false), (true, false), (false, true)] {
        scene.open(for_alice, for_bob).await;
        scene.until_known(for_alice, for_bob).await;
        scene.to_one.judge(Direction::ToClient, |message| {
            let is_of_sockets = matches!(message.subject.split('.').nth(2), Some("who" | "to"));
            if is_of_sockets { Fate::Drop } else { Fate::Pass }
        });
        scene.open(!for_alice, !for_bob).await;
        for count in [1, 20] {
            let told = scene.say(count).await;
            assert_eq!(told.copies, (count * usize::from(for_alice), count * usize::from(for_bob)));
        }
        scene.to_one.spare(Direction::ToClient);
        scene.until_known(true, true).await;
        scene.close().await;
    }
    scene.stop().await;
}
