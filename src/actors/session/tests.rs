//! Tests of the session alone: its messages to other actors, and the frames for its sockets.

use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;

use super::credit::{Credits, InFlightBytes};
use super::new_socket::Opening;
use super::send_queue::{Outgoing, SendQueue, send_queue};
use super::*;
use crate::actors::persistence::messages::PersistenceMsg;
use crate::actors::persistence::reply::Confirmed;
use crate::actors::presence::messages::PresenceMsg;
use crate::actors::probe::{self, SOON, next};
use crate::actors::registry::messages::RegistryMsg;
use crate::clock::Clock;
use crate::domain::{
    Answer, ConversationId, DeviceId, DirectKey, LoginEnd, LoginId, MessageId, Seq, Stored, Timestamp,
};
use crate::protocol::franking::ReportTokens;

const ME: UserId = UserId(1);
const OTHER: UserId = UserId(2);

/// A session whose messages to other actors are kept.
struct World {
    session: SessionHandle,
    registry: UnboundedReceiver<RegistryMsg>,
    persistence: UnboundedReceiver<PersistenceMsg>,
    presence: UnboundedReceiver<PresenceMsg>,
    credits: Credits,
    sockets: u64,
    _dir: TempDir,
}

async fn outgoing(queue: &mut SendQueue) -> Outgoing {
    timeout(SOON, queue.next()).await.unwrap()
}

async fn closed(queue: &mut SendQueue) -> CloseReason {
    timeout(SOON, queue.closed()).await.unwrap()
}

impl World {
    async fn new() -> Self {
        let (storage, config, dir) = probe::store().await;
        let (registry, seen_by_registry) = probe::slot().await;
        let (persistence, seen_by_persistence) = probe::slot().await;
        let (presence, seen_by_presence) = probe::slot().await;
        let args = SessionArgs {
            user: ME,
            max_sockets: 2,
            registry: RegistryHandle(registry),
            persistence: PersistenceHandle(persistence),
            presence: PresenceHandle(presence),
            who: None,
            replays: Arc::new(Replays::new(
                &config,
                storage,
                Clock::system(),
                Arc::new(ReportTokens::new(&[0; 32]).unwrap()),
            )),
        };
        let counters = probe::counters();
        let (actor, _) = Actor::spawn(None, SessionActor(counters.clone()), args).await.unwrap();
        Self {
            session: SessionHandle(Mailbox::new(actor, counters)),
            registry: seen_by_registry,
            persistence: seen_by_persistence,
            presence: seen_by_presence,
            credits: Credits::new(4, 1 << 20, InFlightBytes::new(1 << 20)),
            sockets: 0,
            _dir: dir,
        }
    }

    async fn attach(&mut self, opening: Option<Opening>) -> (SocketLease, SendQueue) {
        self.sockets += 1;
        let (end, queue) = send_queue(16, 1 << 20);
        let login = LoginId(i64::try_from(self.sockets).unwrap());
        let socket = NewSocket { id: SocketId(self.sockets), login, queue: end, opening, above: Seq(0), stamp: None };
        let (reply, attached) = oneshot::channel();
        self.session.send(SessionMsg::Attach { socket, reply });
        (timeout(SOON, attached).await.unwrap().unwrap(), queue)
    }

    /// Returns the pending reply of the command that the writer got.
    async fn submitted(&mut self) -> PendingReply {
        match next(&mut self.persistence).await {
            PersistenceMsg::Submit(job) => job.reply,
            _ => panic!("a session only submits commands"),
        }
    }
}

fn opening(device: &str, is_background: bool) -> Opening {
    Opening {
        device: DeviceId::parse(device).unwrap(),
        since: None,
        wake: None,
        is_background,
        admission: Box::new(()),
    }
}

fn message(seq: i64) -> Arc<Event> {
    probe::message(seq, ME, OTHER, "r")
}

fn stored(event: &Event) -> Answer {
    Answer::Stored(Stored {
        client_id: None,
        conversation_id: ConversationId(1),
        id: MessageId(event.seq.0),
        seq: event.seq,
        timestamp: Timestamp::from_micros(0),
        duplicate: false,
    })
}

fn command() -> Command {
    Command::Read { user: ME, conversation: DirectKey::new(ME, OTHER), up_to: MessageId(1) }
}

#[tokio::test]
async fn an_event_goes_to_all_sockets_and_the_credit_to_the_one_that_has_caused_it() {
    let mut world = World::new().await;
    let ((first, mut first_queue), (_second, mut second_queue)) = (world.attach(None).await, world.attach(None).await);
    first.submit(command(), Context::default(), world.credits.reserve().await);
    let event = message(1);
    let Confirmed::Socket(reply) = world.submitted().await.confirm(stored(&event)) else { panic!("it is a socket's") };
    world.session.send(SessionMsg::Updates(vec![Update::Event { event, reply: Some(reply), read_at: None }]));
    let Outgoing::Frame(own) = outgoing(&mut first_queue).await else { panic!("closed") };
    let Outgoing::Frame(other) = outgoing(&mut second_queue).await else { panic!("closed") };
    assert!(own.credit.is_some() && other.credit.is_none());
}

#[tokio::test]
async fn a_command_that_is_dropped_is_refused_on_its_socket_alone() {
    let mut world = World::new().await;
    let ((first, mut first_queue), (_second, mut second_queue)) = (world.attach(None).await, world.attach(None).await);
    first.submit(command(), Context::default(), world.credits.reserve().await);
    drop(world.submitted().await);
    let Outgoing::Frame(refusal) = outgoing(&mut first_queue).await else { panic!("closed") };
    assert!(refusal.credit.is_some() && !refusal.is_frame_error, "it may be tried again");
    assert!(second_queue.try_next().is_none());
}

#[tokio::test]
async fn the_oldest_socket_makes_room() {
    let mut world = World::new().await;
    let (_first, mut oldest) = world.attach(None).await;
    let (_second, mut second) = world.attach(None).await;
    let (_third, _queue) = world.attach(None).await;
    assert_eq!(closed(&mut oldest).await, CloseReason::TooMany);
    assert!(second.try_next().is_none());
}

#[tokio::test]
async fn a_device_that_comes_back_replaces_its_own_socket() {
    let mut world = World::new().await;
    let (_first, mut first) = world.attach(Some(opening("phone", false))).await;
    let (_other, _queue) = world.attach(Some(opening("laptop", false))).await;
    let (_again, mut again) = world.attach(Some(opening("phone", false))).await;
    assert_eq!(closed(&mut first).await, CloseReason::Replaced);
    assert!(matches!(outgoing(&mut again).await, Outgoing::Frame(_)), "it is greeted");
}

#[tokio::test]
async fn the_logins_that_end_take_their_sockets_with_them() {
    let mut world = World::new().await;
    let (_first, mut first) = world.attach(None).await;
    let (_second, mut second) = world.attach(None).await;
    world.session.send(SessionMsg::EndLogins { logins: [LoginId(2)].into(), end: LoginEnd::Revoked });
    assert_eq!(closed(&mut second).await, CloseReason::LoginEnded(LoginEnd::Revoked));
    world.session.send(SessionMsg::Close(LoginEnd::Deleted));
    assert_eq!(closed(&mut first).await, CloseReason::LoginEnded(LoginEnd::Deleted));
}

#[tokio::test]
async fn presence_and_registry_hear_of_the_first_socket_and_of_the_last() {
    let mut world = World::new().await;
    let (background, _queue) = world.attach(Some(opening("watch", true))).await;
    let (lease, _queue) = world.attach(None).await;
    let seen = next(&mut world.presence).await;
    assert!(matches!(seen, PresenceMsg::Seen { user: ME, is_online: true }), "with the one in the foreground");
    drop(lease);
    assert!(matches!(next(&mut world.presence).await, PresenceMsg::Unwatch(SocketId(2))));
    assert!(matches!(next(&mut world.presence).await, PresenceMsg::Seen { user: ME, is_online: false }));
    drop(background);
    let idle = next(&mut world.registry).await;
    assert!(matches!(idle, RegistryMsg::Idle { user: ME, attached: 2, .. }));
}

#[tokio::test]
async fn typing_passes_with_its_credit() {
    let mut world = World::new().await;
    let (lease, _queue) = world.attach(Some(opening("phone", true))).await;
    lease.typing(DirectKey::new(ME, OTHER), true, world.credits.reserve().await);
    let typing = next(&mut world.presence).await;
    let with_other = DirectKey::new(ME, OTHER);
    assert!(
        matches!(typing, PresenceMsg::Typing { from: ME, conversation, active: true, .. } if conversation == with_other)
    );
    assert!(timeout(Duration::from_millis(1), world.credits.settled()).await.is_err(), "presence holds it");
    drop(typing);
    timeout(SOON, world.credits.settled()).await.unwrap();
}

#[tokio::test]
async fn a_session_that_ends_without_a_reason_closes_its_sockets_with_a_fault() {
    let mut world = World::new().await;
    let (_lease, mut queue) = world.attach(None).await;
    world.session.stop();
    assert_eq!(closed(&mut queue).await, CloseReason::Fault);
}
