//! Tests of the registry with real sessions: connected users, and sessions that end.

use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;

use super::*;
use crate::actors::presence::messages::PresenceMsg;
use crate::actors::probe::{self, SOON};
use crate::actors::session::send_queue::{Outgoing, SendQueue, send_queue};
use crate::clock::Clock;
use crate::domain::{LoginEnd, LoginId, Seq, SocketId};
use crate::protocol::CloseReason;
use crate::protocol::franking::ReportTokens;

const ME: UserId = UserId(1);
const OTHER: UserId = UserId(2);

/// A registry, and its messages to the presence actor.
struct World {
    registry: RegistryHandle,
    health: Arc<Health>,
    presence: UnboundedReceiver<PresenceMsg>,
    sockets: u64,
    _dir: TempDir,
}

impl World {
    async fn new() -> Self {
        let (storage, config, dir) = probe::store().await;
        let health = Arc::new(Health::default());
        let stats = health.stats(ActorKind::Registry).clone();
        let (slot, counters) = (crate::actors::mailbox::Slot::new(stats.clone()), stats.actor());
        let (presence, seen) = probe::slot().await;
        let args = RegistryArgs {
            max_sockets: 2,
            handle: RegistryHandle(slot.clone()),
            local: LocalUsers::default(),
            persistence: PersistenceHandle(probe::vacant()),
            presence: PresenceHandle(presence),
            who: None,
            replays: Arc::new(Replays::new(
                &config,
                storage,
                Clock::system(),
                Arc::new(ReportTokens::new(&[0; 32]).unwrap()),
            )),
            health: health.clone(),
        };
        let (actor, _) = Actor::spawn(None, RegistryActor(counters.clone()), args).await.unwrap();
        slot.fill(Mailbox::new(actor, counters));
        Self { registry: RegistryHandle(slot), health, presence: seen, sockets: 0, _dir: dir }
    }

    async fn attach(&mut self, user: UserId) -> (SocketLease, SendQueue) {
        self.sockets += 1;
        let (end, queue) = send_queue(16, 1 << 20);
        let socket = NewSocket {
            id: SocketId(self.sockets),
            login: LoginId(1),
            queue: end,
            opening: None,
            above: Seq(0),
            stamp: None,
        };
        (timeout(SOON, self.registry.attach(user, socket)).await.unwrap().unwrap(), queue)
    }

    async fn next_report(&mut self) -> PresenceMsg {
        probe::next(&mut self.presence).await
    }

    async fn sessions(&self, expected: u64) {
        let reached = async {
            while self.health.snapshot(ActorKind::Session).alive != expected {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(SOON, reached).await.unwrap();
    }
}

fn event(seq: i64, to: UserId) -> Delivery {
    let event = probe::message(seq, OTHER, ME, &seq.to_string());
    Delivery::Event { to: Audience::User(to), event, reply: None, read_at: None }
}

async fn content(queue: &mut SendQueue) -> String {
    match timeout(SOON, queue.next()).await.unwrap() {
        Outgoing::Frame(frame) => {
            let frame: serde_json::Value = serde_json::from_slice(&frame.frame.into_bytes()).unwrap();
            frame["content"].as_str().unwrap().to_owned()
        }
        Outgoing::Close(reason) => panic!("closed: {reason:?}"),
    }
}

#[tokio::test]
async fn a_batch_reaches_the_user_it_is_for_in_its_order() {
    let mut world = World::new().await;
    let ((_mine, mut mine), (_other, mut other)) = (world.attach(ME).await, world.attach(OTHER).await);
    world.registry.deliver(vec![event(1, ME), event(2, ME), event(3, UserId(7)), event(4, ME)]);
    world.registry.deliver(vec![event(5, ME)]);
    for expected in ["1", "2", "4", "5"] {
        assert_eq!(content(&mut mine).await, expected);
    }
    assert!(other.try_next().is_none());
}

#[tokio::test]
async fn one_session_serves_all_sockets_of_a_user_and_ends_with_the_last() {
    let mut world = World::new().await;
    let ((first, _queue), (second, _other_queue)) = (world.attach(ME).await, world.attach(ME).await);
    world.sessions(1).await;
    drop(first);
    drop(second);
    world.sessions(0).await;
    let (_again, mut queue) = world.attach(ME).await;
    world.registry.deliver(vec![event(1, ME)]);
    assert_eq!(content(&mut queue).await, "1");
}

/// The count that the session reports is older than a socket on its way to it.
#[tokio::test]
async fn a_session_with_a_socket_on_its_way_is_not_stopped() {
    let mut world = World::new().await;
    let (first, _queue) = world.attach(ME).await;
    let (end, mut queue) = send_queue(16, 1 << 20);
    drop(first);
    let socket =
        NewSocket { id: SocketId(9), login: LoginId(1), queue: end, opening: None, above: Seq(0), stamp: None };
    let _lease = timeout(SOON, world.registry.attach(ME, socket)).await.unwrap().unwrap();
    world.registry.deliver(vec![event(1, ME)]);
    assert_eq!(content(&mut queue).await, "1");
}

#[tokio::test]
async fn all_sockets_of_a_user_are_closed_and_no_others() {
    let mut world = World::new().await;
    let ((_mine, mut mine), (_other, mut other)) = (world.attach(ME).await, world.attach(OTHER).await);
    world.registry.end_user(ME, LoginEnd::Password);
    let reason = timeout(SOON, mine.closed()).await.unwrap();
    assert_eq!(reason, CloseReason::LoginEnded(LoginEnd::Password));
    assert!(other.try_next().is_none());
}

#[cfg(feature = "testing")]
#[tokio::test]
async fn a_session_that_fails_is_counted_and_followed_by_another() {
    let mut world = World::new().await;
    assert!(
        matches!(world.next_report().await, PresenceMsg::RegistryReplaced),
        "nothing is known of a predecessor's users"
    );
    let (_lease, mut queue) = world.attach(ME).await;
    assert!(matches!(world.next_report().await, PresenceMsg::Seen { user: ME, is_online: true }));
    world.registry.crash_session(ME);
    assert_eq!(timeout(SOON, queue.closed()).await.unwrap(), CloseReason::Fault);
    assert!(matches!(world.next_report().await, PresenceMsg::Seen { user: ME, is_online: false }));
    let failed = world.health.snapshot(ActorKind::Session);
    assert_eq!((failed.restarts, failed.alive, failed.busy_for), (1, 0, None));
    assert!(failed.last_error.unwrap().text.contains("crashed"));
    let (_again, mut queue) = world.attach(ME).await;
    world.registry.deliver(vec![event(1, ME)]);
    assert_eq!(content(&mut queue).await, "1");
}
