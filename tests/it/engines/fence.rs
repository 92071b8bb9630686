//! A server that has lost the database alone sends its phones to the others; what all have lost closes nothing.

use std::time::Duration;

use fluent_backend::clock::Clock;
use fluent_backend::testing::{DatabaseLink, Http, Nats, TestClient, TestDevice, TestServer, TestSocket, eventually};
use serde_json::{Value, json};

use super::failover::{is_ready, store_again};
use super::two_servers::{at, server_on};
use crate::support::nats::nats;
use crate::support::postgres::Postgres;
use crate::support::v1::{live, seq};

/// The shortest time that may be set.
const FENCE_AFTER_S: u64 = 10;
/// By then a server would have been fenced: the row of a server is renewed each two seconds.
const WOULD_BE_FENCED: Duration = Duration::from_secs(FENCE_AFTER_S + 5);

/// Two servers on one PostgreSQL: Alice is at the first one, Bob at the second one with a socket of each dialect.
struct Pair {
    link: DatabaseLink,
    one: TestServer,
    two: TestServer,
    alice: TestClient,
    bob: TestClient,
    a: TestDevice,
    b: TestDevice,
    legacy: TestSocket,
    _nats: Option<Nats>,
    postgres: Postgres,
}

impl Pair {
    /// The second server, or both, reach PostgreSQL by the link.
    async fn start(nats: Option<Nats>, both_by_link: bool) -> Option<Self> {
        let postgres = Postgres::start().await?;
        let link = DatabaseLink::to(postgres.socket()).await.unwrap();
        let by_link = link.url("fluent", "fluent");
        let url = nats.as_ref().map(Nats::url).unwrap_or_default();
        let server = async |database: String| {
            server_on(&database, &Clock::system(), |config| {
                config.cluster.nats_url = url.as_str().into();
                config.cluster.fence_after_s = FENCE_AFTER_S;
            })
            .await
        };
        let one = server(if both_by_link { by_link.clone() } else { postgres.url("fluent") }).await;
        let two = server(by_link).await;
        let (alice, bob) = (one.sign_up("alice").await, two.sign_up("bob").await);
        let (a, b) = (live(&alice, "a").await, live(&bob, "b").await);
        let legacy = at(&two, &bob).await.connect().await;
        Some(Self { link, one, two, alice, bob, a, b, legacy, _nats: nats, postgres })
    }

    /// Alice writes to Bob, and he gets it on both sockets.
    async fn exchange(&mut self, text: &str) -> i64 {
        let stored = seq(&self.a.store(self.bob.id, text).await);
        assert_eq!(seq(&self.b.expect("message").await), stored);
        assert_eq!(self.legacy.next_message().await.sender_id, self.alice.id);
        stored
    }

    async fn stop(self) {
        self.one.stop().await;
        self.two.stop().await;
    }
}

async fn ready(http: &Http) -> (u16, Value) {
    let answer = http.get("/readyz").await;
    (answer.status.as_u16(), answer.json())
}

/// The second server loses the database in one way, and gets it back.
async fn alone_without_the_database(lose: fn(&DatabaseLink), get_back: fn(&DatabaseLink, &Postgres)) {
    let Some(nats) = nats().await else { return };
    let Some(mut pair) = Box::pin(Pair::start(Some(nats), false)).await else { return };
    let before = pair.exchange("before").await;
    let cursor = pair.b.cursor(before);
    lose(&pair.link);
    let (_, going_away) = pair.b.read_until("going_away").await;
    assert!(going_away["reconnect_after_ms"].is_u64(), "{going_away}");
    assert_eq!(pair.b.socket.close_code().await, 1012);
    assert_eq!(pair.legacy.close_code().await, 1012);

    for http in [pair.two.http(), pair.two.admin()] {
        let (status, ready) = ready(&http).await;
        assert_eq!((status, &ready["fenced"]), (503, &json!(true)), "{ready}");
        assert_eq!(http.get("/healthz").await.status, 200);
    }
    // It tells what it knows of itself, and by NATS of the other.
    let listed: Value = pair.two.admin().get("/admin/cluster").await.ok().json();
    let nodes = listed["nodes"].as_array().unwrap();
    let of = |is_self: bool| nodes.iter().find(|node| node["self"] == is_self).unwrap();
    assert_eq!((&of(true)["store_ok"], &of(true)["relay"]), (&json!(false), &json!("nats")), "{listed}");
    assert_eq!((&of(false)["store_ok"], nodes.len()), (&json!(true), 2), "{listed}");
    assert!(pair.two.admin().get("/metrics").await.ok().text().contains("fluent_cluster_fenced"));
    let profile = pair.bob.http.get("/users/me").await;
    assert_eq!(profile.problem(), (503, "unavailable".to_owned()));
    assert!(profile.headers.contains_key("retry-after"));
    let login = pair.two.http().post("/auth/login", &json!({"username": "bob", "password": "x"})).await;
    assert_eq!(login.problem(), (503, "unavailable".to_owned()));
    let refused = TestDevice::open(pair.two.addr(), &pair.bob.tokens.access_token, "device_id=b").await;
    assert!(refused.err().unwrap().to_string().contains("503"));

    // Elsewhere all goes on.
    assert_eq!(ready(&pair.one.http()).await.0, 200);
    let stored = seq(&pair.a.store(pair.bob.id, "meanwhile").await);
    let elsewhere = at(&pair.one, &pair.bob).await;
    let (mut b, missed) = elsewhere.live_device("b", Some(&cursor)).await;
    assert_eq!(missed.iter().map(seq).collect::<Vec<_>>(), [stored]);
    b.store(pair.alice.id, "from elsewhere").await;
    pair.a.expect("message").await;

    get_back(&pair.link, &pair.postgres);
    is_ready(&pair.two).await;
    assert_eq!(ready(&pair.two.http()).await.1.get("fenced"), None);
    (pair.b, _) = pair.bob.live_device("b", Some(&b.cursor(stored))).await;
    store_again(&mut pair.b, pair.alice.id, "back again").await;
    pair.legacy = at(&pair.two, &pair.bob).await.connect().await;
    pair.a.expect("message").await;
    pair.exchange("after").await;
    pair.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn phones_of_a_server_that_postgresql_does_not_answer_go_elsewhere() {
    Box::pin(alone_without_the_database(DatabaseLink::stall, |link, _| link.flow())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn phones_of_a_server_that_cannot_connect_to_postgresql_go_elsewhere() {
    let lose = |link: &DatabaseLink| {
        link.lead_to("/nowhere/.s.PGSQL.5432".into());
        link.cut();
    };
    Box::pin(alone_without_the_database(lose, |link, postgres| link.lead_to(postgres.socket()))).await;
}

/// After the time of the fence all sockets of both servers are as they were, and go on with the database.
async fn nobody_is_fenced(mut pair: Pair, without: &[bool]) {
    pair.exchange("before").await;
    pair.link.stall();
    let servers = [(&pair.one, without[0]), (&pair.two, without[1])];
    for (server, _) in servers.into_iter().filter(|(_, is_without)| *is_without) {
        let is_away = async || (ready(&server.http()).await.0 == 503).then_some(());
        eventually("the database is away", is_away).await;
    }
    tokio::time::sleep(WOULD_BE_FENCED).await;
    for (server, is_without) in servers {
        let (status, ready) = ready(&server.http()).await;
        assert_eq!((status == 503, ready.get("fenced")), (is_without, None), "{ready}");
    }
    for device in [&mut pair.a, &mut pair.b] {
        device.send(&json!({"type": "ping"})).await;
        device.expect("pong").await;
    }
    pair.link.flow();
    is_ready(&pair.one).await;
    is_ready(&pair.two).await;
    pair.exchange("after").await;
    pair.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_all_lose_the_database_sockets_stay() {
    let Some(nats) = nats().await else { return };
    let Some(pair) = Box::pin(Pair::start(Some(nats), true)).await else { return };
    Box::pin(nobody_is_fenced(pair, &[true, true])).await;
}

/// Nobody says that others reach it.
#[tokio::test(flavor = "multi_thread")]
async fn without_nats_sockets_stay() {
    let Some(pair) = Box::pin(Pair::start(None, false)).await else { return };
    Box::pin(nobody_is_fenced(pair, &[false, true])).await;
}
