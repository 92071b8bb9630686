//! The history of the store becomes another one under running servers: by a new epoch, or by a failover that has lost
//! commits.

use fluent_backend::Config;
use fluent_backend::clock::Clock;
use fluent_backend::config::Failover::{self, Check, Lossless};
use fluent_backend::testing::{DatabaseLink, TestClient, TestDevice, TestServer, eventually, send_frame};
use sea_orm::{ConnectionTrait as _, Database, DatabaseBackend, DatabaseConnection, Statement, TransactionTrait as _};

use super::two_servers::{SECRET, at, two_servers};
use crate::support::postgres::{Postgres, WAITING, database};
use crate::support::v1::{live, seq};

pub(super) async fn text(db: &DatabaseConnection, sql: &str) -> String {
    let row = db.query_one_raw(Statement::from_string(DatabaseBackend::Postgres, sql)).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}

async fn number(db: &DatabaseConnection, sql: &str) -> i64 {
    let row = db.query_one_raw(Statement::from_string(DatabaseBackend::Postgres, sql)).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}

pub(super) const EPOCH: &str = "SELECT epoch FROM store";

pub(super) async fn is_ready(server: &TestServer) {
    let ready = async || (server.admin().get("/readyz").await.status == 200).then_some(());
    eventually("the server is ready", ready).await;
}

/// Nobody writes, and yet all notice. The devices' tokens hold, their cursors do not.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_epoch_closes_all_sockets_and_devices_begin_anew() {
    let Some(database) = database().await else { return };
    let (one, two) = two_servers(&database).await;
    let (alice, bob) = (one.sign_up("alice").await, two.sign_up("bob").await);
    let (mut a, mut b) = (live(&alice, "a").await, live(&bob, "b").await);
    let mut legacy = at(&two, &bob).await.connect().await;
    let stored = seq(&a.store(bob.id, "before").await);
    b.expect("message").await;
    let cursor = b.cursor(stored);
    let db = Database::connect(database.url()).await.unwrap();
    db.execute_unprepared("UPDATE store SET epoch = 'another'").await.unwrap();
    assert_eq!(a.socket.close_code().await, 1012);
    assert_eq!(b.socket.close_code().await, 1012);
    legacy.next_message().await;
    assert_eq!(legacy.close_code().await, 1012);
    is_ready(&one).await;
    is_ready(&two).await;
    let (mut b, missed) = bob.live_device("b", Some(&cursor)).await;
    assert_eq!((&missed[0]["type"], &missed[0]["reason"]), (&"reset".into(), &"epoch".into()));
    let mut a = live(&alice, "a").await;
    let stored = seq(&a.store(bob.id, "after").await);
    assert_eq!(seq(&b.expect("message").await), stored);
    assert_eq!(bob.history(alice.id).await.len(), 2);
    db.close().await.unwrap();
    one.stop().await;
    two.stop().await;
}

/// A server that looks rarely notices by the batch itself, which is not stored.
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_for_a_former_epoch_is_not_stored() {
    let Some(database) = database().await else { return };
    let server = TestServer::start_with(|config| {
        config.database.url = database.url().into();
        config.cluster.poll_ms = 10_000;
        config.messages.clear_every_ms = 3_600_000;
    });
    let server = server.await;
    let alice = server.sign_up("alice").await;
    let mut a = live(&alice, "a").await;
    a.store(alice.id, "before").await;
    let db = Database::connect(database.url()).await.unwrap();
    // The batch waits when the epoch changes, so that no look can come between.
    let change = db.begin().await.unwrap();
    change.execute_unprepared("UPDATE store SET epoch = 'another'").await.unwrap();
    a.send(&send_frame(alice.id, "too late")).await;
    let waits = async || (number(&db, WAITING).await > 0).then_some(());
    eventually("the batch waits for the row", waits).await;
    change.commit().await.unwrap();
    assert_eq!(a.expect("error").await["code"], "unavailable");
    assert_eq!(a.socket.close_code().await, 1012);
    assert_eq!(text(&db, "SELECT COUNT(*)::text FROM messages").await, "1");
    is_ready(&server).await;
    live(&alice, "a").await.store(alice.id, "too late").await;
    db.close().await.unwrap();
    server.stop().await;
}

/// Sends a message until it is stored: the first batch may find that its connection is dead.
pub(super) async fn store_again(device: &mut TestDevice, to: i32, text: &str) -> i64 {
    loop {
        let answer = device.ask(&send_frame(to, text)).await;
        if answer["type"] == "stored" {
            return seq(&answer);
        }
        assert_eq!(answer["code"], "unavailable", "{answer}");
    }
}

/// A primary and its standby, and two servers that reach whichever of them the link leads to.
struct Pair {
    primary: Postgres,
    standby: Postgres,
    link: DatabaseLink,
    servers: [TestServer; 2],
}

impl Pair {
    async fn start() -> Option<Self> {
        let primary = Postgres::start().await?;
        let link = DatabaseLink::to(primary.socket()).await.unwrap();
        let start = |url: String| {
            TestServer::start_at(Clock::system(), move |config: &mut Config| {
                config.auth.secret_key = SECRET.into();
                config.database.url = url.into();
            })
        };
        let url = link.url("fluent", "fluent");
        let servers = [start(url.clone()).await, start(url).await];
        let standby = primary.standby().await;
        Some(Self { primary, standby, link, servers })
    }

    /// Waits until the standby has everything.
    async fn replicated(&self) {
        let primary = Database::connect(self.primary.url("fluent")).await.unwrap();
        let standby = Database::connect(self.standby.url("fluent")).await.unwrap();
        let newest = text(&primary, "SELECT pg_current_wal_lsn()::text").await;
        let sql = format!("SELECT (pg_last_wal_replay_lsn() >= '{newest}'::pg_lsn)::text");
        eventually("the standby has everything", async || (text(&standby, &sql).await == "true").then_some(())).await;
        primary.close().await.unwrap();
        standby.close().await.unwrap();
    }

    /// Makes the standby the primary, as if the other had burnt down.
    async fn fail_over(&mut self) -> DatabaseConnection {
        self.primary.crash();
        self.standby.promote().await;
        self.link.lead_to(self.standby.socket());
        self.link.cut();
        Database::connect(self.standby.url("fluent")).await.unwrap()
    }

    /// Two users with a device each, one at each server. The first has written to the second, and the standby has it.
    async fn acquainted(&self) -> [(TestClient, TestDevice); 2] {
        let (alice, bob) = (self.servers[0].sign_up("alice").await, self.servers[1].sign_up("bob").await);
        let (mut a, mut b) = (live(&alice, "a").await, live(&bob, "b").await);
        a.store(bob.id, "kept").await;
        b.expect("message").await;
        self.replicated().await;
        [(alice, a), (bob, b)]
    }

    async fn stop(self) {
        for server in self.servers {
            server.stop().await;
        }
    }
}

/// An acknowledged message is lost, its number is given again: each device is told to load its history anew.
#[tokio::test(flavor = "multi_thread")]
async fn a_failover_that_has_lost_commits_makes_devices_begin_anew() {
    let Some(mut pair) = Pair::start().await else { return };
    let [(alice, mut a), (bob, mut b)] = Box::pin(pair.acquainted()).await;
    let epoch = {
        let db = Database::connect(pair.primary.url("fluent")).await.unwrap();
        let standby = Database::connect(pair.standby.url("fluent")).await.unwrap();
        pair.standby.fall_behind().await;
        let receives = "SELECT COUNT(*)::text FROM pg_stat_wal_receiver";
        eventually("it receives nothing", async || (text(&standby, receives).await == "0").then_some(())).await;
        standby.close().await.unwrap();
        text(&db, EPOCH).await
    };
    let lost = seq(&a.store(bob.id, "lost").await);
    b.expect("message").await;
    let cursor = b.cursor(lost);
    let db = pair.fail_over().await;
    // Not only by what is stored now, which takes the lost number.
    assert_eq!(a.socket.close_code().await, 1012);
    assert_eq!(b.socket.close_code().await, 1012);
    assert_ne!(text(&db, EPOCH).await, epoch);
    for server in &pair.servers {
        is_ready(server).await;
    }
    let (mut b, missed) = bob.live_device("b", Some(&cursor)).await;
    assert_eq!((&missed[0]["type"], &missed[0]["reason"]), (&"reset".into(), &"epoch".into()));
    let mut a = live(&alice, "a").await;
    let stored = store_again(&mut a, bob.id, "new").await;
    assert_eq!(seq(&b.expect("message").await), stored);
    assert_eq!(bob.history(alice.id).await.len(), 2, "the kept one and the new one");
    // Both have agreed on one new epoch.
    let now = text(&db, EPOCH).await;
    assert_eq!(pair.servers[0].admin().get("/admin/cluster").await.json::<serde_json::Value>()["epoch"], *now);
    assert_eq!(pair.servers[1].admin().get("/admin/cluster").await.json::<serde_json::Value>()["epoch"], *now);
    db.close().await.unwrap();
    pair.stop().await;
}

/// Nothing was lost, and the servers can tell: sockets stay open, cursors hold.
#[tokio::test(flavor = "multi_thread")]
async fn a_failover_that_has_lost_nothing_is_not_noticed_by_devices() {
    let Some(mut pair) = Pair::start().await else { return };
    let [(_, mut a), (bob, mut b)] = Box::pin(pair.acquainted()).await;
    let before = Database::connect(pair.primary.url("fluent")).await.unwrap();
    let (epoch, timeline) =
        (text(&before, EPOCH).await, text(&before, "SELECT COALESCE(timeline, 0)::text FROM cluster").await);
    let db = pair.fail_over().await;
    let agreed =
        async || (text(&db, "SELECT COALESCE(timeline, 0)::text FROM cluster").await != timeline).then_some(());
    eventually("a server has compared", agreed).await;
    for server in &pair.servers {
        is_ready(server).await;
    }
    assert_eq!(text(&db, EPOCH).await, epoch);
    let stored = store_again(&mut a, bob.id, "after").await;
    assert_eq!(seq(&b.expect("message").await), stored);
    db.close().await.unwrap();
    pair.stop().await;
}

/// No server has lived through the promotion: whether something was lost, only the operator can say.
#[tokio::test(flavor = "multi_thread")]
async fn a_failover_that_no_server_has_lived_through_changes_the_epoch_unless_it_is_lossless() {
    let Some(database) = database().await else { return };
    let start = |failover: Failover| {
        let url = database.url().to_owned();
        TestServer::start_with(move |config| {
            config.auth.secret_key = SECRET.into();
            config.database.url = url.into();
            config.database.failover = failover;
        })
    };
    start(Check).await.stop().await;
    let db = Database::connect(database.url()).await.unwrap();
    let epoch = text(&db, EPOCH).await;
    start(Check).await.stop().await;
    assert_eq!(text(&db, EPOCH).await, epoch, "nothing has happened");
    db.execute_unprepared("UPDATE cluster SET timeline = timeline + 1").await.unwrap();
    start(Lossless).await.stop().await;
    assert_eq!(text(&db, EPOCH).await, epoch);
    db.execute_unprepared("UPDATE cluster SET timeline = timeline + 1").await.unwrap();
    let server = start(Check).await;
    assert_ne!(text(&db, EPOCH).await, epoch);
    let alice = server.sign_up("alice").await;
    live(&alice, "a").await.store(alice.id, "under the new epoch").await;
    server.stop().await;
    db.close().await.unwrap();
}
