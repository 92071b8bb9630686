//! A server that was cut off from PostgreSQL for a while learns of what the others have stored meanwhile, piece by
//! piece.

use fluent_backend::clock::Clock;
use fluent_backend::testing::DatabaseLink;

use super::two_servers::server_on;
use crate::support::flow::{label, pour};
use crate::support::postgres::Postgres;
use crate::support::v1::live;

const MESSAGES: usize = 1_000;

#[tokio::test(flavor = "multi_thread")]
async fn what_came_meanwhile_comes_once_and_in_order() {
    let Some(postgres) = Postgres::start().await else { return };
    let link = DatabaseLink::to(postgres.socket()).await.unwrap();
    let server = async |url: String| server_on(&url, &Clock::system(), |_| {}).await;
    let (one, two) = (server(postgres.url("fluent")).await, server(link.url("fluent", "fluent")).await);
    let (alice, bob) = (one.sign_up("alice").await, two.sign_up("bob").await);
    let (mut a, mut b) = (live(&alice, "a").await, live(&bob, "b").await);
    link.stall();
    pour(&mut a, bob.id, "m", 0..MESSAGES, (100, 20)).await;
    link.flow();
    for number in 0..MESSAGES {
        let message = b.expect("message").await;
        assert_eq!(label(message["content"].as_str().unwrap()), format!("m.{number}"));
    }
    one.stop().await;
    two.stop().await;
}
