//! A server that stops inside a batch has locked the row for which all that write wait: they wait for it no longer than
//! PostgreSQL bears an idle transaction.

use fluent_backend::Config;
use fluent_backend::clock::Clock;
use fluent_backend::testing::{DatabaseLink, send_frame, soon};

use super::two_servers::{at, server_on};
use crate::support::postgres::Postgres;
use crate::support::v1::{column, live};

#[tokio::test(flavor = "multi_thread")]
async fn others_write_again_and_what_it_had_not_committed_is_written_once() {
    let Some(postgres) = Postgres::start().await else { return };
    let link = DatabaseLink::to(postgres.socket()).await.unwrap();
    // So that no other transaction gets into the trap.
    let clears_nothing = |config: &mut Config| config.messages.clear_every_ms = 3_600_000;
    let server = async |url: String| server_on(&url, &Clock::system(), clears_nothing).await;
    let (stops, goes_on) = (server(link.url("fluent", "fluent")).await, server(postgres.url("fluent")).await);
    let (alice, bob) = (stops.sign_up("alice").await, goes_on.sign_up("bob").await);
    let (mut a, mut b) = (live(&alice, "a").await, live(&bob, "b").await);
    let mut elsewhere = live(&at(&goes_on, &alice).await, "elsewhere").await;

    let held = send_frame(bob.id, "held");
    let (batch, ()) = soon("a batch", async { tokio::join!(link.hold_batch(), a.send(&held)) }).await;
    let meanwhile = b.store(alice.id, "meanwhile").await;
    let there = elsewhere.expect("message").await;
    assert_eq!(there["id"], meanwhile["id"], "it does not wait for the one that stands still");
    drop(batch);

    let (_, error) = a.read_until("error").await;
    assert_eq!((error["code"].as_str(), error["retryable"].as_bool()), (Some("unavailable"), Some(true)), "{error}");
    // It may have to find out first what became of the batch.
    while a.ask(&held).await["type"] != "stored" {}
    let (at_bob, at_alice) = (b.so_far().await, elsewhere.so_far().await);
    assert_eq!([column(&at_bob, "content"), column(&at_alice, "client_id")], [vec!["r:held"], vec!["held"]]);
    stops.stop().await;
    goes_on.stop().await;
}
