//! Tests of the actor alone, with a store that may fail: it shows a user only to users who are known to be allowed.

use std::time::Instant;

use ractor::ActorCell;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc;

use super::messages::PresenceMsg;
use super::*;
use crate::actors::probe::{self, SOON, send};
use crate::actors::session::credit::{Credits, InFlightBytes};
use crate::actors::session::messages::{SessionHandle, SessionMsg};
use crate::actors::who::messages::Others;
use crate::actors::who::peers::Place;
use crate::domain::DirectKey;
use crate::protocol::who::{Mark, Page, Said, Stamp, UserSockets, Word};

const ALICE: UserId = UserId(1);
const BOB: UserId = UserId(2);
const SOCKET: SocketId = SocketId(1);

/// Alice, who is connected and wants to know of Bob, who is online.
struct World {
    storage: Arc<Storage>,
    presence: Mailbox<PresenceMsg>,
    others: Others,
    health: Arc<Health>,
    session: SessionHandle,
    told: mpsc::UnboundedReceiver<SessionMsg>,
    credits: Credits,
    _dir: TempDir,
}

impl World {
    async fn new() -> Self {
        let (storage, dir) = probe::store_of_two().await;
        let registry = RegistryHandle(probe::vacant());
        let (others, health) = (Others::new(1, SOON), Arc::new(Health::default()));
        let args = PresenceArgs {
            storage: storage.clone(),
            clock: Clock::system(),
            health: health.clone(),
            registry,
            who: None,
            others: others.clone(),
        };
        let counters = probe::counters();
        let (presence, _) = Actor::spawn(None, PresenceActor(counters.clone()), args).await.unwrap();
        let presence = Mailbox::new(presence, counters);
        presence.cast(PresenceMsg::Seen { user: BOB, is_online: true });
        let (session, told) = probe::mailbox().await;
        let session = SessionHandle(session);
        let credits = Credits::new(1, 1, InFlightBytes::new(1));
        Self { storage, presence, others, health, session, told, credits, _dir: dir }
    }

    /// Makes both users write to each other.
    async fn make_partners(&self) {
        self.storage.apply(vec![send(ALICE, BOB), send(BOB, ALICE)], Timestamp::from_micros(1)).await.unwrap();
    }

    /// Makes Alice watch Bob, and waits for the end of the look-up.
    async fn watch(&self) {
        let (session, users) = (self.session.clone(), vec![BOB]);
        let credit = Some(self.credits.reserve().await);
        self.presence.cast(PresenceMsg::Watch { user: ALICE, socket: SOCKET, session, users, credit });
        tokio::time::timeout(SOON, self.credits.settled()).await.unwrap();
    }

    async fn next(&mut self) -> Value {
        shown(probe::next(&mut self.told).await)
    }

    /// Returns all frames that came of the requests so far.
    async fn finish(mut self) -> Vec<Value> {
        let actors: [ActorCell; 2] = [self.presence.cell(), self.session.cell()];
        for actor in actors {
            actor.drain_and_wait(Some(SOON)).await.unwrap();
        }
        let mut rest = Vec::new();
        while let Some(message) = self.told.recv().await {
            rest.push(shown(message));
        }
        rest
    }
}

/// Returns the frame in a message to a session.
fn shown(message: SessionMsg) -> Value {
    let SessionMsg::Ephemeral { frame, .. } = message else { panic!("a session is only to show frames") };
    serde_json::from_slice(&frame.into_bytes()).unwrap()
}

fn presence(status: &str) -> Value {
    json!({"type": "presence", "user_id": BOB.0, "status": status})
}

#[tokio::test]
async fn partners_are_told() {
    let world = World::new().await;
    world.make_partners().await;
    world.watch().await;
    assert_eq!(world.finish().await, [presence("online")]);
}

/// The sockets of a server that is stopping are closed over a longer time than the grace period, and it does not learn
/// in time where the phones are then.
#[tokio::test]
async fn a_server_that_is_stopping_shows_none_of_its_own_users_as_offline() {
    for is_stopping in [false, true] {
        let mut world = World::new().await;
        world.make_partners().await;
        world.watch().await;
        assert_eq!(world.next().await, presence("online"));
        if is_stopping {
            world.health.begin_drain();
        }
        world.presence.cast(PresenceMsg::Seen { user: BOB, is_online: false });
        world.presence.cast(PresenceMsg::GraceOver { user: BOB, departure: 1 });
        let told: Vec<Value> = world.finish().await.into_iter().map(|frame| frame["status"].clone()).collect();
        assert_eq!(told, if is_stopping { vec![] } else { vec![json!("offline")] });
    }
}

#[tokio::test]
async fn while_it_cannot_be_found_out_nobody_is_told() {
    let world = World::new().await;
    world.make_partners().await;
    world.storage.close().await.unwrap();
    world.watch().await;
    assert_eq!(world.finish().await, Vec::<Value>::new());
}

/// A watcher who saw the user gets the same frame as after a block.
#[tokio::test]
async fn when_it_can_no_longer_be_found_out_nobody_goes_on_seeing() {
    let mut world = World::new().await;
    world.make_partners().await;
    world.watch().await;
    assert_eq!(world.next().await, presence("online"));
    world.storage.close().await.unwrap();
    world.presence.cast(PresenceMsg::Reconsider { user: BOB, other: None });
    assert_eq!(world.next().await, presence("offline"));
    assert_eq!(world.finish().await, Vec::<Value>::new());
}

/// A look-up that began before a change may have found what has changed.
#[tokio::test]
async fn an_answer_from_before_a_change_is_not_used() {
    let world = World::new().await;
    world.watch().await;
    world.presence.cast(PresenceMsg::Reconsider { user: ALICE, other: None });
    world.presence.cast(PresenceMsg::LookedUp { socket: SOCKET, of: BOB, is_visible: true, round: 0 });
    assert_eq!(world.finish().await, Vec::<Value>::new(), "they are no partners");
}

/// The look-up is repeated, so nothing is lost.
#[tokio::test]
async fn an_answer_from_before_a_change_is_sought_again() {
    let mut world = World::new().await;
    world.watch().await;
    world.make_partners().await;
    // A change that has nothing to do with the two.
    world.presence.cast(PresenceMsg::Reconsider { user: UserId(7), other: None });
    world.presence.cast(PresenceMsg::LookedUp { socket: SOCKET, of: BOB, is_visible: true, round: 0 });
    assert_eq!(world.next().await, presence("online"));
    assert_eq!(world.finish().await, Vec::<Value>::new());
}

/// A refusal holds whenever it was found.
#[tokio::test]
async fn that_somebody_may_not_see_needs_no_second_look() {
    let mut world = World::new().await;
    world.make_partners().await;
    world.watch().await;
    assert_eq!(world.next().await, presence("online"));
    world.presence.cast(PresenceMsg::Reconsider { user: UserId(7), other: None });
    world.presence.cast(PresenceMsg::LookedUp { socket: SOCKET, of: BOB, is_visible: false, round: 0 });
    assert_eq!(world.finish().await, [presence("offline")]);
}

/// When nothing was heard of another server for too long, its users are offline, and since when is not known.
#[tokio::test]
async fn who_is_forgotten_elsewhere_is_offline_without_a_time() {
    const ELSEWHERE: i64 = 2;
    let mut world = World::new().await;
    world.make_partners().await;
    world.others.change(|peers| {
        let (now, time) = (Instant::now(), Timestamp::from_micros(0));
        let mark = Mark::new(None, false);
        let users = vec![UserSockets { user: BOB, sockets: vec![(Stamp(1), mark)] }];
        assert!(peers.admit(Place::All, &Word { boot: ELSEWHERE, n: 1, at: time, said: Said::Asked }, now, time));
        assert!(peers.must_ask(ELSEWHERE, None, now));
        assert_eq!(peers.page(ELSEWHERE, Page { number: 0, index: 0, is_last: true, users }).arrived, [BOB]);
    });
    // Bob has left this server: when, is known.
    world.presence.cast(PresenceMsg::Seen { user: BOB, is_online: false });
    world.presence.cast(PresenceMsg::GraceOver { user: BOB, departure: 1 });
    world.watch().await;
    assert_eq!(world.next().await, presence("online"));
    let moves = world.others.change(|peers| peers.drop_sockets(ELSEWHERE));
    let (arrived, left) = (moves.arrived, moves.left);
    world.presence.cast(PresenceMsg::Elsewhere { arrived, left, forgotten: true });
    assert_eq!(world.finish().await, [presence("offline")]);
}

/// Whatever becomes of typing, its credit comes back: dropped for its rate, for the load, or for want of a partner.
#[tokio::test]
async fn typing_gives_its_credit_back_whether_it_is_told_or_not() {
    let mut world = World::new().await;
    world.credits = Credits::new(4 * typing::LOOKUPS, 1, InFlightBytes::new(1));
    for round in 0..4 {
        for number in 0..4 * typing::LOOKUPS {
            let to = UserId(i32::try_from(number / 2).unwrap());
            let credit = tokio::time::timeout(SOON, world.credits.reserve()).await.unwrap();
            world.presence.cast(PresenceMsg::Typing {
                from: ALICE,
                conversation: DirectKey::new(ALICE, to),
                active: round % 2 == 0,
                credit,
            });
        }
    }
    tokio::time::timeout(SOON, world.credits.settled()).await.unwrap();
    assert_eq!(world.finish().await, Vec::<Value>::new());
}
