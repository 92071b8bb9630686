//! Servers on one PostgreSQL take turns at the row of `store`: what comes while one waits for its turn is in its batch,
//! and a turn that does not come costs nothing.

use fluent_backend::clock::Clock;
use fluent_backend::domain::{Ciphertext, Command, Draft, UserId};
use fluent_backend::storage::Storage;
use fluent_backend::telemetry::ActorKind;
use fluent_backend::testing::{DatabaseLink, TestClient, TestDevice, TestServer, eventually, send_frame, soon};
use sea_orm::{
    ConnectionTrait as _, Database, DatabaseBackend, DatabaseConnection, DatabaseTransaction, Statement,
    TransactionTrait as _,
};
use serde_json::{Value, json};

use super::two_servers::{at, server_on};
use crate::support::postgres::{Postgres, WAITING};
use crate::support::v1::{column, history, live, seq};

const EACH: usize = 40;

async fn numbers(db: &DatabaseConnection, sql: &str) -> Vec<i64> {
    let statement = Statement::from_string(DatabaseBackend::Postgres, sql.to_owned());
    let rows = db.query_all_raw(statement).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}

/// The turn of one that is not a server.
async fn turn(db: &DatabaseConnection) -> DatabaseTransaction {
    let turn = db.begin().await.unwrap();
    turn.execute_unprepared("SELECT last_seq FROM store WHERE id = 1 FOR UPDATE").await.unwrap();
    turn
}

async fn waits(db: &DatabaseConnection, servers: i64) {
    let all_wait = async || (numbers(db, WAITING).await[0] >= servers).then_some(());
    eventually("they wait for their turn", all_wait).await;
}

/// A server that clears nothing away, so that only its writer takes turns, and knows that it is not alone.
async fn servers(urls: &[String]) -> Vec<TestServer> {
    let mut servers = Vec::new();
    for url in urls {
        let change = |config: &mut fluent_backend::Config| config.messages.clear_every_ms = 3_600_000;
        servers.push(server_on(url, &Clock::system(), change).await);
    }
    for server in &servers {
        eventually("it knows the others", async || server.server().storage().is_shared().then_some(())).await;
    }
    servers
}

/// Lets somebody write last of whom the servers read in the journal alone, where no time stamp is: so none of them
/// foresees the row, and all wait for their turn.
async fn outsider_writes(url: &str, user: i32, servers: &[TestServer]) {
    let mut config: fluent_backend::Config = TestServer::config();
    config.database.url = url.to_owned().into();
    let outsider = Storage::open(&config).await.unwrap();
    let copy = || Ciphertext::parse("a note".to_owned(), usize::MAX).unwrap();
    let note = Draft::text(UserId(user), Some(UserId(user)), copy(), copy());
    let command = Command::Send(Box::new(note));
    Box::pin(outsider.carry_out(vec![command], &Clock::system())).await.unwrap();
    Box::pin(outsider.close()).await.unwrap();
    for server in servers {
        let storage = server.server().storage();
        let is_unsure = async || (!storage.foresees_row(&Clock::system())).then_some(());
        eventually("it has heard of it", is_unsure).await;
    }
}

fn handled(server: &TestServer) -> u64 {
    server.server().health().snapshot(ActorKind::Persistence).handled
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_while_three_servers_wait_is_one_batch_of_each() {
    let Some(postgres) = Postgres::start().await else { return };
    let servers = servers(&[(); 3].map(|()| postgres.url("fluent"))).await;
    let reader = servers[0].sign_up("reader").await;
    let mut senders: Vec<TestDevice> = Vec::new();
    for (i, server) in servers.iter().enumerate() {
        let sender = server.sign_up(&format!("sender{i}")).await;
        senders.push(live(&sender, "sender").await);
        senders[i].store(reader.id, &format!("{i}-first")).await;
    }
    outsider_writes(&postgres.url("fluent"), reader.id, &servers).await;
    let mut device = live(&reader, "reader").await;
    let db = Database::connect(postgres.url("fluent")).await.unwrap();
    let turn = turn(&db).await;
    let head = numbers(&db, "SELECT last_seq FROM store").await[0];
    for (i, server) in servers.iter().enumerate() {
        let before = handled(server);
        for number in 0..EACH {
            senders[i].send(&send_frame(reader.id, &format!("{i}-{number}"))).await;
        }
        let all = before + EACH as u64;
        // A writer that had formed its batch would take no more.
        eventually("they wait in the writer", async || (handled(server) >= all).then_some(())).await;
    }
    waits(&db, 3).await;
    turn.commit().await.unwrap();

    let mut told = Vec::new();
    while told.len() < 3 * EACH {
        told.push(device.expect("message").await);
    }
    assert!(told.is_sorted_by(|older, newer| seq(older) < seq(newer)));
    for (i, sender) in senders.iter_mut().enumerate() {
        let stored = soon("the answers", async {
            let mut stored = Vec::new();
            while stored.len() < EACH {
                stored.push(sender.read_until("stored").await.1);
            }
            stored
        });
        let names: Vec<Value> = (0..EACH).map(|number| json!(format!("{i}-{number}"))).collect();
        assert_eq!(column(&stored.await, "client_id"), names.iter().collect::<Vec<_>>());
    }
    let sizes =
        numbers(&db, &format!("SELECT last - first + 1 FROM batches WHERE first > {head} ORDER BY first")).await;
    assert_eq!(sizes.iter().sum::<i64>(), 3 * i64::try_from(EACH).unwrap());
    // A sign of life of the writer may be counted among what it has taken, so that a message came just behind.
    assert!(sizes.len() <= 6 && sizes.iter().filter(|size| **size > 30).count() == 3, "{sizes:?}");
    db.close().await.unwrap();
    for server in servers {
        server.stop().await;
    }
}

/// Sends once more for as long as the server cannot tell what became of it.
async fn insist(device: &mut TestDevice, to: i32, name: &str) {
    let again = async {
        loop {
            let answer = device.ask(&send_frame(to, name)).await;
            // One that was sent before may be answered only now.
            if answer["type"] == "stored" && answer["client_id"] == name {
                return;
            }
        }
    };
    soon("it is stored", again).await;
}

/// Two servers, the first by a link; Alice is at the first, Bob at the second.
struct Two {
    servers: Vec<TestServer>,
    link: DatabaseLink,
    db: DatabaseConnection,
    alice: TestClient,
    a: TestDevice,
    bob: TestClient,
    b: TestDevice,
    postgres: Postgres,
}

impl Two {
    async fn start() -> Option<Self> {
        let postgres = Postgres::start().await?;
        let link = DatabaseLink::to(postgres.socket()).await.unwrap();
        let servers = servers(&[link.url("fluent", "fluent"), postgres.url("fluent")]).await;
        let (alice, bob) = (servers[0].sign_up("alice").await, servers[1].sign_up("bob").await);
        let (mut a, b) = (live(&alice, "a").await, live(&bob, "b").await);
        a.store(bob.id, "before").await;
        let db = Database::connect(postgres.url("fluent")).await.unwrap();
        Some(Self { servers, link, db, alice, a, bob, b, postgres })
    }
}

/// Whatever was waited for was not begun: all of it is refused, nothing is in doubt, and what is sent again is stored
/// once.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_cut_while_its_turn_is_waited_for() {
    let Some(two) = Box::pin(Two::start()).await else { return };
    let Two { servers, link, db, alice, mut a, bob, mut b, postgres } = two;
    assert_eq!(b.expect("message").await["content"], "r:before");
    let names: Vec<String> = (0..5).map(|number| format!("n{number}")).collect();
    for cut in ["meanwhile", "in-between"] {
        outsider_writes(&postgres.url("fluent"), alice.id, &servers[..1]).await;
        let other = turn(&db).await;
        for name in &names {
            a.send(&send_frame(bob.id, &format!("{name}-{cut}"))).await;
        }
        waits(&db, 1).await;
        link.cut();
        if cut == "meanwhile" {
            for _ in &names {
                assert_eq!(a.read_until("error").await.1["code"], "unavailable");
            }
        }
        // The server whose connection was cut may still be given the turn, and gives it back unused.
        other.commit().await.unwrap();
        for name in &names {
            insist(&mut a, bob.id, &format!("{name}-{cut}")).await;
        }
        let told = b.so_far().await;
        let told: Vec<_> = told.iter().filter(|frame| frame["type"] == "message").collect();
        assert_eq!(told.len(), names.len(), "{told:?}");
    }
    // Not by the link, on which idle connections may still be dead.
    let kept = history(&at(&servers[1], &alice).await, bob.id).await;
    assert_eq!(kept.len(), 1 + 2 * names.len(), "nothing is lost, and nothing is there twice");
    db.close().await.unwrap();
    for server in servers {
        server.stop().await;
    }
}

/// A server that stops while it waits stores first what was read.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_while_its_turn_is_waited_for() {
    let Some(two) = Box::pin(Two::start()).await else { return };
    let Two { mut servers, link: _link, db, mut a, bob, mut b, alice, postgres } = two;
    outsider_writes(&postgres.url("fluent"), alice.id, &servers[..1]).await;
    let other = turn(&db).await;
    a.send(&send_frame(bob.id, "last")).await;
    waits(&db, 1).await;
    let stops = servers.remove(0);
    let health = stops.server().health().clone();
    let stopping = tokio::spawn(stops.drain());
    eventually("it is stopping", async || health.is_draining().then_some(())).await;
    other.commit().await.unwrap();
    assert_eq!(a.read_until("stored").await.1["client_id"], "last");
    soon("the stop", stopping).await.unwrap();
    let told = [b.expect("message").await, b.expect("message").await];
    assert_eq!(column(&told, "content"), ["r:before", "r:last"]);
    db.close().await.unwrap();
    for server in servers {
        server.stop().await;
    }
}
