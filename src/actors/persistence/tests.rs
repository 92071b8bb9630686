//! The writer with a real store and a registry that keeps what it is told.

mod effects;
mod turns;

use tempfile::TempDir;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;

use super::messages::PersistenceHandle;
use super::*;
use crate::actors::mailbox::{Mailbox, Slot};
use crate::actors::presence::messages::{PresenceHandle, PresenceMsg};
use crate::actors::probe::{self, SOON};
use crate::actors::registry::messages::{Delivery, RegistryHandle, RegistryMsg};
use crate::actors::relay::batch::Listeners;
use crate::actors::session::messages::Resync;
use crate::auth::{Access, AddressRules, Refusals, RefusedTokens};
use crate::domain::{
    Audience, DeviceId, Draft, LoginEnd, LoginId, LoginMark, NewRefreshToken, Proof, Stored, UserId, WhichLogins,
};
use crate::storage::LoginDialect;
use crate::telemetry::ActorKind;

const ALICE: UserId = UserId(1);
const BOB: UserId = UserId(2);

struct World {
    storage: Arc<Storage>,
    writer: PersistenceHandle,
    health: Arc<Health>,
    registry: UnboundedReceiver<RegistryMsg>,
    presence: UnboundedReceiver<PresenceMsg>,
    refused: Arc<RefusedTokens>,
    _dir: TempDir,
}

fn send() -> Command {
    probe::send(ALICE, BOB)
}

fn draft() -> Box<Draft> {
    let Command::Send(draft) = send() else { panic!("a command that sends") };
    draft
}

fn permit() -> reply::RequestPermit {
    reply::RequestPermit::new(Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap())
}

impl World {
    async fn new() -> Self {
        let (storage, dir) = probe::store_of_two().await;
        let progress = Progress::new(storage.probe_head(0).await.unwrap());
        Self::over(storage, dir, progress).await
    }

    /// A writer that a predecessor has left this progress.
    async fn over(storage: Arc<Storage>, dir: TempDir, progress: Progress) -> Self {
        let health = Arc::new(Health::default());
        let (registry, seen) = probe::slot().await;
        let (presence, reconsidered) = probe::slot().await;
        let refused = Arc::new(RefusedTokens::new(900, Clock::system()));
        let stats = health.stats(ActorKind::Persistence).clone();
        let (slot, counters) = (Slot::new(stats.clone()), stats.actor());
        let args = PersistenceArgs {
            storage: storage.clone(),
            clock: Clock::system(),
            announcer: Announcer::Direct(Listeners {
                registry: RegistryHandle(registry),
                presence: PresenceHandle(presence),
                refusals: Refusals {
                    tokens: refused.clone(),
                    addresses: AddressRules::new(Vec::new(), Clock::system()),
                },
                flow: Arc::default(),
            }),
            health: health.clone(),
            progress,
            flow: Arc::default(),
        };
        let (actor, _) = Actor::spawn(None, PersistenceActor(counters.clone()), args).await.unwrap();
        slot.fill(Mailbox::new(actor, counters));
        Self {
            storage,
            writer: PersistenceHandle(slot),
            health,
            registry: seen,
            presence: reconsidered,
            refused,
            _dir: dir,
        }
    }

    async fn send(&self) -> Result<Stored, FrameError> {
        timeout(SOON, self.writer.send(draft(), permit())).await.unwrap()
    }

    /// A login of Alice, whose password has an empty hash, with this first token.
    async fn log_in(&self, token: u8) -> LoginId {
        let now = Clock::system().now();
        let token = NewRefreshToken { hash: [token; 32], expires_at: now.plus_secs(600) };
        let begun = self.storage.create_login(ALICE, &Proof::of(String::new()), None, None, token, (None, now)).await;
        begun.unwrap().begun().id
    }

    /// Ends all logins of Alice.
    async fn end_all(&self) -> Result<usize, FrameError> {
        let ending = self.writer.end_logins(ALICE, WhichLogins::All, None, LoginEnd::Logout, permit());
        timeout(SOON, ending).await.unwrap()
    }

    async fn delivered(&mut self) -> Vec<Delivery> {
        match probe::next(&mut self.registry).await {
            RegistryMsg::Deliver(deliveries) => deliveries,
            _ => panic!("the writer only delivers"),
        }
    }
}

/// The numbers of the events among these, in their order, once for each of the two who is told.
fn seqs(deliveries: &[Delivery]) -> Vec<i64> {
    let seqs = |delivery: &Delivery| match delivery {
        Delivery::Event { to, event, .. } => {
            [ALICE, BOB].iter().filter(|user| to.includes(**user)).map(|_| event.seq.0).collect()
        }
        _ => Vec::new(),
    };
    deliveries.iter().flat_map(seqs).collect()
}

#[tokio::test]
async fn what_waits_together_is_one_batch_and_announced_in_commit_order() {
    let mut world = World::new().await;
    assert!(world.send().await.is_ok());
    let first = world.delivered().await;
    let (a, b, c) = tokio::join!(world.send(), world.send(), world.send());
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    let batch = world.delivered().await;
    // Each side is told of each message.
    let head = seqs(&first)[0];
    let expected: Vec<i64> = (head + 1..=head + 3).flat_map(|seq| [seq, seq]).collect();
    assert_eq!(seqs(&batch), expected);
}

/// The predecessor died between its commit and the announcement.
#[tokio::test]
async fn a_batch_in_doubt_is_announced_before_anything_newer() {
    let (storage, dir) = probe::store_of_two().await;
    let progress = Progress::new(storage.probe_head(0).await.unwrap());
    let now = Clock::system().now();
    progress.begin(&[send()], now);
    storage.apply(vec![send()], now).await.unwrap();
    let mut world = World::over(storage, dir, progress).await;
    assert!(world.send().await.is_ok() || world.send().await.is_ok(), "at the latest after the recovery");
    let recovered = world.delivered().await;
    let [Delivery::Recovered { to: Audience::Members(both), .. }, resync] = recovered.as_slice() else {
        panic!("the message, then a resync");
    };
    assert!(matches!(resync, Delivery::Resync(Resync::InDoubt)));
    assert_eq!(both.members().collect::<Vec<_>>(), [ALICE, BOB]);
    assert_eq!(seqs(&world.delivered().await).len(), 2);
}

#[tokio::test]
async fn while_the_store_fails_commands_are_refused_and_health_says_so() {
    let mut world = World::new().await;
    assert!(world.send().await.is_ok());
    world.delivered().await;
    world.storage.close().await.unwrap();
    let error = world.send().await.unwrap_err();
    assert!(error.code.is_retryable());
    assert!(!world.health.storage_works());
    let seen = world.health.snapshot(ActorKind::Persistence);
    assert!(seen.last_error.is_some() && seen.restarts == 0, "it goes on trying");
    assert!(world.registry.try_recv().is_err(), "nothing is announced");
}

#[tokio::test]
async fn a_writer_that_is_away_refuses_at_once() {
    let writer = PersistenceHandle(probe::vacant());
    let error = timeout(SOON, writer.send(draft(), permit())).await.unwrap().unwrap_err();
    assert!(error.code.is_retryable());
}

#[tokio::test]
async fn a_drain_writes_what_is_waiting() {
    let mut world = World::new().await;
    assert!(world.send().await.is_ok());
    world.delivered().await;
    world.writer.submit(send(), PendingReply::unattended(permit()));
    timeout(SOON, world.writer.drain(SOON)).await.unwrap();
    assert_eq!(seqs(&world.delivered().await).len(), 2);
    assert!(world.send().await.is_err(), "it has ended");
}
