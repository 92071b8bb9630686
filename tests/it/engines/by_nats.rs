//! Two servers on one PostgreSQL with NATS between them: what is done at one reaches the other at once, and whatever
//! happens to NATS, everything comes once and in order.

mod copies;
mod credentials;
mod files;
mod frozen;
mod new_epoch;
mod refused;

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use fluent_backend::Config;
use fluent_backend::clock::Clock;
use fluent_backend::testing::{
    DatabaseLink, Direction, Fate, Nats, NatsLink, NatsMessage, TestClient, TestDatabase, TestDevice, TestServer,
    TestSocket, eventually,
};
use serde_json::{Value, json};

use super::two_servers::{SECRET, at, server_on};
use crate::support::nats::{NatsClient, nats};
use crate::support::postgres::{Postgres, database};
use crate::support::v1::{assert_fields, live, seq};

/// For servers that share no directory of files.
const NO_FILES: (&str, &str) = ("FLUENT__MEDIA__ENABLED", "false");

/// So that nothing comes from the journal while a test runs.
fn by_nats_alone(config: &mut Config) {
    (config.cluster.poll_ms, config.cluster.check_ms, config.cluster.gap_wait_ms) = (10_000, 60_000, 10_000);
}

async fn server(database: &TestDatabase, url: &str, settings: impl FnOnce(&mut Config)) -> TestServer {
    let server = server_on(database.url(), &Clock::system(), |config| {
        config.cluster.nats_url = url.into();
        settings(config);
    })
    .await;
    relay_is(&server, "nats").await;
    server
}

/// Waits until batches of other servers come this way.
async fn relay_is(server: &TestServer, way: &str) {
    let is_so = async || {
        let ready = server.http().get("/readyz").await;
        (ready.status == 200 && ready.json::<Value>()["relay"] == way).then_some(())
    };
    eventually(&format!("the relay is {way}"), is_so).await;
}

/// What is stored at one of two servers with these settings comes to the other by NATS.
async fn two_speak_by_nats(database: &TestDatabase, url: &str, settings: impl Fn(&mut Config)) {
    let (one, two) = (server(database, url, &settings).await, server(database, url, &settings).await);
    let (alice, bob) = (one.sign_up("alice").await, two.sign_up("bob").await);
    let (mut a, mut b) = (live(&alice, "a").await, live(&bob, "b").await);
    let stored = seq(&a.store(bob.id, "by NATS").await);
    assert_eq!(seq(&b.expect("message").await), stored);
    one.stop().await;
    two.stop().await;
}

/// Whether a message tells of a batch: `fluent.<epoch>.log`.
fn is_record(message: &NatsMessage) -> bool {
    message.subject.split('.').nth(2) == Some("log")
}

/// Servers that write in turn, and hear of each other meanwhile, need not wait for their turn: a batch takes one round
/// trip, as where a server is alone.
#[tokio::test(flavor = "multi_thread")]
async fn who_has_heard_of_all_batches_does_not_wait_for_a_turn() {
    let Some((postgres, nats)) = Postgres::start().await.zip(nats().await) else { return };
    let link = DatabaseLink::to(postgres.socket()).await.unwrap();
    let mut servers = Vec::new();
    for database in [link.url("fluent", "fluent"), postgres.url("fluent")] {
        let server = server_on(&database, &Clock::system(), |config| {
            config.cluster.nats_url = nats.url().as_str().into();
            config.messages.clear_every_ms = 3_600_000;
            by_nats_alone(config);
        })
        .await;
        relay_is(&server, "nats").await;
        servers.push(server);
    }
    for server in &servers {
        eventually("it knows the other", async || server.server().storage().is_shared().then_some(())).await;
    }
    let (alice, bob) = (servers[0].sign_up("alice").await, servers[1].sign_up("bob").await);
    let (mut a, mut b) = (live(&alice, "a").await, live(&bob, "b").await);
    link.record_held();
    let mut foreseen = 0;
    // The first ones prepare the statement, and are not foreseen while Alice and Bob are not known. Whoever has got the
    // message knows of its batch.
    for round in 0..20 {
        b.store(alice.id, &format!("from b {round}")).await;
        a.expect("message").await;
        let _ = link.take_held();
        a.store(bob.id, &format!("from a {round}")).await;
        b.expect("message").await;
        let held = link.take_held();
        foreseen += usize::from(held.len() == 1 && held[0].round_trips.len() == 1);
    }
    assert!(foreseen >= 15, "{foreseen}");
    for server in servers {
        server.stop().await;
    }
}

/// Two servers, of which the second one has a link of its own to NATS.
struct Pair {
    nats: Nats,
    link: NatsLink,
    one: TestServer,
    two: TestServer,
}

impl Pair {
    async fn start(database: &TestDatabase, settings: fn(&mut Config)) -> Option<Self> {
        let nats = nats().await?;
        let link = NatsLink::to(nats.addr()).await.unwrap();
        let one = server(database, &nats.url(), settings).await;
        let two = server(database, &link.url(), settings).await;
        Some(Self { nats, link, one, two })
    }

    async fn stop(self) {
        self.one.stop().await;
        self.two.stop().await;
    }
}

/// Alice writes at the first server; Bob listens at the second, with a socket of each dialect.
struct Talk {
    alice: TestClient,
    bob: TestClient,
    a: TestDevice,
    b: TestDevice,
    legacy: TestSocket,
    sent: usize,
}

impl Talk {
    async fn begin(pair: &Pair) -> Self {
        let (alice, bob) = (pair.one.sign_up("alice").await, pair.two.sign_up("bob").await);
        Self::between(pair, alice, bob, 0).await
    }

    /// The same two, when their sockets were closed.
    async fn anew(self, pair: &Pair) -> Self {
        Self::between(pair, self.alice, self.bob, self.sent).await
    }

    async fn between(pair: &Pair, alice: TestClient, bob: TestClient, sent: usize) -> Self {
        let (a, b) = (live(&alice, "a").await, live(&bob, "b").await);
        let legacy = at(&pair.two, &bob).await.connect().await;
        Self { alice, bob, a, b, legacy, sent }
    }

    /// Sends so many messages. All of them arrive, once and in order; and one goes the other way.
    async fn go_on(&mut self, count: usize) {
        let mut stored = Vec::new();
        for _ in 0..count {
            self.sent += 1;
            stored.push(seq(&self.a.store(self.bob.id, &self.sent.to_string()).await));
        }
        self.arrive(&stored).await;
        let back = seq(&self.b.store(self.alice.id, &format!("back {}", self.sent)).await);
        assert_eq!(seq(&self.a.expect("message").await), back);
        assert_eq!(self.legacy.next_message().await.sender_id, self.bob.id);
    }

    async fn arrive(&mut self, stored: &[i64]) {
        for expected in stored {
            assert_eq!(seq(&self.b.expect("message").await), *expected);
            assert_eq!(self.legacy.next_message().await.sender_id, self.alice.id);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_at_one_server_comes_to_the_other_by_nats() {
    let Some(database) = database().await else { return };
    let Some(pair) = Pair::start(&database, by_nats_alone).await else { return };
    let mut talk = Talk::begin(&pair).await;
    talk.go_on(20).await;
    // Too large for a word: it is read from the store.
    let large = "x".repeat(20_000);
    talk.a.send_message(talk.bob.id, "large", &large, &large).await;
    let stored = talk.a.expect("stored").await;
    let message = talk.b.expect("message").await;
    assert_fields(&message, &json!({"seq": stored["seq"], "content": large}));
    assert_eq!(talk.legacy.next_message().await.content, large);
    // A receipt, and what has no frame.
    talk.b.send(&json!({"type": "read", "partner_id": talk.alice.id, "up_to_id": stored["id"]})).await;
    assert_fields(&talk.a.read_until("receipt").await.1, &json!({"kind": "read", "user_id": talk.bob.id}));
    let same = pair.one.http().with_authorization(format!("Bearer {}", talk.bob.tokens.access_token));
    same.post("/auth/logout", &json!({})).await.ok();
    assert_eq!(talk.b.socket.close_code().await, 4001);
    pair.stop().await;
}

/// A batch larger than a word is told in several.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_batch_comes_in_parts() {
    const COUNT: usize = 200;
    let Some(database) = database().await else { return };
    let Some(pair) = Pair::start(&database, by_nats_alone).await else { return };
    let mut talk = Talk::begin(&pair).await;
    let text = "x".repeat(3_900);
    for i in 0..COUNT {
        talk.a.send_message(talk.bob.id, &format!("client-{i}"), &text, &text).await;
    }
    let mut stored = Vec::new();
    for _ in 0..COUNT {
        stored.push(seq(&talk.a.expect("stored").await));
    }
    talk.arrive(&stored).await;
    pair.stop().await;
}

/// The way to NATS breaks in each way, for one server or for both; both go on, and nobody misses anything.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_to_nats_everything_comes_once_and_in_order() {
    let Some(database) = database().await else { return };
    let Some(mut pair) = Pair::start(&database, |_| {}).await else { return };
    let mut talk = Talk::begin(&pair).await;
    talk.go_on(5).await;
    pair.link.sever();
    relay_is(&pair.two, "polling").await;
    talk.go_on(5).await;
    pair.link.mend();
    relay_is(&pair.two, "nats").await;
    talk.go_on(5).await;
    for direction in [Direction::ToClient, Direction::ToServer] {
        pair.link.stall(direction);
        // Nobody has noticed yet.
        talk.go_on(5).await;
        relay_is(&pair.two, "polling").await;
        talk.go_on(5).await;
        pair.link.flow(direction);
        relay_is(&pair.two, "nats").await;
        talk.go_on(5).await;
    }
    pair.nats.kill().unwrap();
    talk.go_on(5).await;
    relay_is(&pair.one, "polling").await;
    pair.nats.restart().await.unwrap();
    relay_is(&pair.one, "nats").await;
    relay_is(&pair.two, "nats").await;
    talk.go_on(5).await;
    pair.stop().await;
}

/// Messages of NATS get lost, come twice, or come late.
#[tokio::test(flavor = "multi_thread")]
async fn lost_doubled_and_late_words_change_nothing() {
    let Some(database) = database().await else { return };
    let Some(pair) = Pair::start(&database, |_| {}).await else { return };
    let mut talk = Talk::begin(&pair).await;
    let mut count = 0_usize;
    pair.link.judge(Direction::ToClient, move |message| {
        if !is_record(message) {
            return Fate::Pass;
        }
        count += 1;
        match count % 7 {
            1 => Fate::Drop,
            3 => Fate::Double,
            5 => Fate::Behind(2),
            _ => Fate::Pass,
        }
    });
    for _ in 0..5 {
        talk.go_on(20).await;
    }
    let counts = pair.link.counts(Direction::ToClient);
    assert!(counts.dropped > 0 && counts.doubled > 0 && counts.late > 0, "{counts:?}");
    pair.stop().await;
}

/// Who can publish, and does not know the store's key, changes nothing; and what was said before is not said again.
#[tokio::test(flavor = "multi_thread")]
async fn forged_and_repeated_words_make_no_frame() {
    let Some(database) = database().await else { return };
    let Some(pair) = Pair::start(&database, by_nats_alone).await else { return };
    let mut talk = Talk::begin(&pair).await;
    let heard = Arc::new(Mutex::new(Vec::<NatsMessage>::new()));
    let ear = heard.clone();
    pair.link.judge(Direction::ToClient, move |message| {
        ear.lock().unwrap().push(message.clone());
        Fate::Pass
    });
    talk.go_on(5).await;
    pair.link.spare(Direction::ToClient);
    let words: Vec<_> = heard.lock().unwrap().iter().filter(|word| is_record(word)).cloned().collect();
    assert!(words.len() >= 5);
    let stranger = NatsClient::connect(&pair.nats.url()).await;
    let say = async |subject: String, payload: Bytes| stranger.client.publish(subject, payload).await.unwrap();
    for word in &words {
        // As it was, and as somebody would like to have it.
        say(word.subject.clone(), word.payload.clone()).await;
        let mut forged = word.payload.to_vec();
        *forged.last_mut().unwrap() ^= 1;
        say(word.subject.clone(), forged.into()).await;
        let mut forged = word.payload.to_vec();
        forged[5] ^= 1;
        say(word.subject.clone(), forged.into()).await;
        say(word.subject.clone(), word.payload.slice(..word.payload.len() / 2)).await;
        say(word.subject.clone(), word.payload.slice(..3)).await;
        say(word.subject.clone(), Bytes::new()).await;
        say(word.subject.replace(".log", ".who"), word.payload.clone()).await;
    }
    stranger.client.flush().await.unwrap();
    // The next frames are those of what is stored now.
    talk.go_on(5).await;
    assert_eq!(talk.bob.history(talk.alice.id).await.len(), 12);
    pair.stop().await;
}

/// A server that finds no NATS at its start serves, and uses it when it is there.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_starts_without_nats_and_uses_it_later() {
    let Some(database) = database().await else { return };
    let Some(mut nats) = nats().await else { return };
    nats.kill().unwrap();
    let url = nats.url();
    let server = TestServer::start_with(|config| {
        config.database.url = database.url().into();
        config.cluster.nats_url = url.into();
    })
    .await;
    relay_is(&server, "polling").await;
    let alice = server.sign_up("alice").await;
    live(&alice, "a").await.store(alice.id, "to myself").await;
    nats.restart().await.unwrap();
    relay_is(&server, "nats").await;
    server.stop().await;
}

/// What is uploaded at one server would be missing at the others.
#[test]
fn servers_that_nats_joins_must_say_where_they_share_files() {
    let loaded = |more: &[(&str, &str)]| {
        let cluster =
            [("DATABASE_URL", "postgres://db/fluent"), ("FLUENT__CLUSTER__NATS_URL", "nats://127.0.0.1:4222")];
        let variables = cluster.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::load(None, variables.collect())
    };
    let error = loaded(&[]).unwrap_err().to_string();
    assert!(error.contains("media.directory must name a directory"), "{error}");
    assert!(loaded(&[NO_FILES]).is_ok());
    let shared = loaded(&[("FLUENT__MEDIA__DIRECTORY", "/srv/fluent")]).unwrap();
    assert_eq!(shared.media_dir(), std::path::Path::new("/srv/fluent"));
}

/// On SQLite there is nobody to talk to: no such key in the answer, and NATS is an error of the settings.
#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_there_is_no_relay() {
    let server = TestServer::start_with(|config| config.database.url = "".into()).await;
    let ready: Value = server.http().get("/readyz").await.ok().json();
    assert!(ready["ready"] == true && ready["relay"].is_null(), "{ready}");
    server.stop().await;
    let variables = [("FLUENT__CLUSTER__NATS_URL".to_owned(), "nats://jane:hunter2@127.0.0.1:4222".to_owned())];
    let error = Config::load(None, variables.into()).unwrap_err().to_string();
    assert!(error.contains("cluster.nats_url needs PostgreSQL") && !error.contains("hunter2"), "{error}");
    assert!(!error.contains('\n'));
}
