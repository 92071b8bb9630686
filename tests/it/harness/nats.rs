//! The throw-away NATS, and the faults of the proxy in front of it, seen by a real client.

use std::time::{Duration, Instant};

use async_nats::Event;
use fluent_backend::testing::{Direction, Fate, LaneCounts, NatsLink, NatsMessage};
use tokio::net::TcpStream;

use crate::support::nats::{NatsClient, nats};

const DIRECTIONS: [Direction; 2] = [Direction::ToServer, Direction::ToClient];

fn other(direction: Direction) -> Direction {
    DIRECTIONS.into_iter().find(|other| *other != direction).unwrap()
}

/// By its text.
fn judge(message: &NatsMessage) -> Fate {
    assert_eq!(message.subject, "log");
    match &message.payload[..] {
        b"1" => Fate::Drop,
        b"2" => Fate::Double,
        b"3" => Fate::Behind(2),
        _ => Fate::Pass,
    }
}

#[tokio::test]
async fn messages_are_dropped_doubled_and_reordered_in_one_direction() {
    let Some(nats) = nats().await else { return };
    for direction in DIRECTIONS {
        let link = NatsLink::to(nats.addr()).await.unwrap();
        let (linked, direct) = (NatsClient::connect(&link.url()).await, NatsClient::connect(&nats.url()).await);
        let (writer, reader) = match direction {
            Direction::ToServer => (linked, direct),
            Direction::ToClient => (direct, linked),
        };
        let mut texts = reader.subscribe("log").await;
        let (before, elsewhere) = (link.counts(direction), link.counts(other(direction)));
        link.judge(direction, judge);
        for number in 0..7 {
            writer.publish("log", &number.to_string()).await;
        }
        assert_eq!(texts.take(7).await, ["0", "2", "2", "4", "5", "3", "6"], "{direction:?}");
        let expected = LaneCounts { passed: before.passed + 4, dropped: 1, doubled: 1, late: 1 };
        assert_eq!(link.counts(direction), expected, "{direction:?}");
        assert_eq!(link.counts(other(direction)), elsewhere, "the other direction is spared");
        link.spare(direction);
        writer.publish("log", "1").await;
        assert_eq!(texts.next().await, "1");
    }
}

#[tokio::test]
async fn a_stall_holds_up_one_direction_without_closing() {
    let Some(nats) = nats().await else { return };
    let link = NatsLink::to(nats.addr()).await.unwrap();
    let (linked, direct) = (NatsClient::connect(&link.url()).await, NatsClient::connect(&nats.url()).await);
    let (mut at_linked, mut at_direct) = (linked.subscribe("a").await, direct.subscribe("a").await);
    linked.publish("a", "before").await;
    assert_eq!((at_linked.next().await, at_direct.next().await), ("before".to_owned(), "before".to_owned()));

    link.stall(Direction::ToClient);
    linked.publish("a", "held back").await;
    assert_eq!(at_direct.next().await, "held back", "this direction works");
    assert!(at_linked.is_empty());
    link.flow(Direction::ToClient);
    assert_eq!(at_linked.next().await, "held back");

    link.stall(Direction::ToServer);
    linked.publish("a", "first").await;
    direct.publish("a", "second").await;
    assert_eq!((at_linked.next().await, at_direct.next().await), ("second".to_owned(), "second".to_owned()));
    link.flow(Direction::ToServer);
    assert_eq!((at_linked.next().await, at_direct.next().await), ("first".to_owned(), "first".to_owned()));
}

#[tokio::test]
async fn a_delay_keeps_the_order() {
    const DELAY: Duration = Duration::from_millis(200);
    let Some(nats) = nats().await else { return };
    for direction in DIRECTIONS {
        let link = NatsLink::to(nats.addr()).await.unwrap();
        let linked = NatsClient::connect(&link.url()).await;
        let mut texts = linked.subscribe("log").await;
        link.delay(direction, DELAY);
        let start = Instant::now();
        for number in 0..20 {
            linked.publish("log", &number.to_string()).await;
        }
        let expected: Vec<String> = (0..20).map(|number: u32| number.to_string()).collect();
        assert_eq!(texts.take(20).await, expected);
        assert!(start.elapsed() >= DELAY, "{direction:?}");
    }
}

#[tokio::test]
async fn a_cut_ends_connections_and_a_severed_link_accepts_none() {
    let Some(nats) = nats().await else { return };
    let link = NatsLink::to(nats.addr()).await.unwrap();
    let mut linked = NatsClient::connect(&link.url()).await;
    link.cut();
    linked.expect(&Event::Disconnected).await;
    linked.expect(&Event::Connected).await;
    linked.subscribe("a").await;

    link.sever();
    linked.expect(&Event::Disconnected).await;
    assert!(Box::pin(async_nats::connect(link.url())).await.is_err());
    link.mend();
    linked.expect(&Event::Connected).await;
    linked.subscribe("b").await;
}

#[tokio::test]
async fn a_server_is_killed_comes_back_on_its_port_and_freezes() {
    let Some(mut nats) = nats().await else { return };
    let mut client = NatsClient::connect(&nats.url()).await;
    nats.kill().unwrap();
    client.expect(&Event::Disconnected).await;
    assert!(TcpStream::connect(nats.addr()).await.is_err());
    nats.restart().await.unwrap();
    client.expect(&Event::Connected).await;
    let mut texts = client.subscribe("a").await;

    nats.freeze().await.unwrap();
    client.publish("a", "while it is frozen").await;
    assert!(texts.is_empty());
    nats.thaw().await.unwrap();
    assert_eq!(texts.next().await, "while it is frozen");

    nats.freeze().await.unwrap();
    let addr = nats.addr();
    drop(nats);
    assert!(TcpStream::connect(addr).await.is_err(), "it ends with its value, frozen or not");
}
