//! What the tests of several actors share: an actor that takes any messages and hands them to a test, stores, messages.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use tempfile::TempDir;
use tokio::time::timeout;

use super::mailbox::{Mailbox, Slot, Timed};
use super::persistence::messages::{PersistenceHandle, PersistenceMsg};
use super::registry::messages::RegistryHandle;
use super::session::credit::Credit;
use super::session::messages::{SessionHandle, SessionMsg, SocketLease};
use super::stats::{ActorCounters, ActorStats};
use crate::config::Config;
use crate::domain::{
    Ciphertext, Command, ConversationId, Draft, Event, EventBody, Message, MessageId, Seq, SocketId, Timestamp, UserId,
};
use crate::storage::Storage;
use crate::storage::testing::accounts::{add_users, config_in};
use crate::telemetry::ActorKind;

/// How long anything may take.
pub(super) const SOON: Duration = Duration::from_secs(30);

/// Waits for the next message.
pub(super) async fn next<T>(messages: &mut UnboundedReceiver<T>) -> T {
    timeout(SOON, messages.recv()).await.unwrap().unwrap()
}

/// An empty store, its settings, and its directory.
pub(super) async fn store() -> (Arc<Storage>, Config, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let config = config_in(dir.path());
    (Arc::new(Storage::open(&config).await.unwrap()), config, dir)
}

/// A store with two users, whose ids are 1 and 2, and its directory.
pub(super) async fn store_of_two() -> (Arc<Storage>, TempDir) {
    let (storage, _, dir) = store().await;
    add_users(&storage, &["alice", "bob"], Timestamp::from_micros(0)).await;
    (storage, dir)
}

/// A command that sends a message.
pub(super) fn send(from: UserId, to: UserId) -> Command {
    let copy = || Ciphertext::parse("x".to_owned(), usize::MAX).unwrap();
    Command::Send(Box::new(Draft::text(from, Some(to), copy(), copy())))
}

/// The event that message `number` is stored, whose copies are `receiver_copy` and `s`.
pub(super) fn message(number: i64, sender: UserId, receiver: UserId, receiver_copy: &str) -> Arc<Event> {
    let body = EventBody::Message(Message {
        id: MessageId(number),
        seq: Seq(number),
        conversation_id: ConversationId(1),
        sender,
        receiver,
        sender_copy: "s".to_owned(),
        receiver_copy: receiver_copy.to_owned(),
        message_type: "text".to_owned(),
        timestamp: Timestamp::from_micros(number),
        client_id: None,
        reply_to: None,
        expires_at: None,
        franking_tag: None,
        attachments: Vec::new(),
    });
    Arc::new(Event { seq: Seq(number), body })
}

struct Probe<M> {
    counters: Arc<ActorCounters>,
    message: PhantomData<fn(M)>,
}

impl<M: Send + 'static> Actor for Probe<M> {
    type Msg = Timed<M>;
    type State = UnboundedSender<M>;
    type Arguments = UnboundedSender<M>;

    async fn pre_start(&self, _: ActorRef<Timed<M>>, seen: Self::State) -> Result<Self::State, ActorProcessingErr> {
        Ok(seen)
    }

    async fn handle(
        &self,
        _: ActorRef<Timed<M>>,
        message: Timed<M>,
        seen: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        let (message, _busy) = message.open(&self.counters);
        // The test may have dropped the receiver.
        let _ = seen.send(message);
        Ok(())
    }
}

/// Counters for a kind of actor of a test.
fn stats() -> Arc<ActorStats> {
    Arc::new(ActorStats::new(ActorKind::Session, Instant::now(), 0))
}

/// Counters for an actor of a test.
pub(super) fn counters() -> Arc<ActorCounters> {
    stats().actor()
}

/// A slot without an actor.
pub(super) fn vacant<M: Send + 'static>() -> Slot<M> {
    Slot::new(stats())
}

/// A mailbox, and what is put into it.
pub(super) async fn mailbox<M: Send + 'static>() -> (Mailbox<M>, UnboundedReceiver<M>) {
    let (sender, seen) = unbounded_channel();
    let counters = counters();
    let probe = Probe { counters: counters.clone(), message: PhantomData };
    let (actor, _) = Actor::spawn(None, probe, sender).await.unwrap();
    (Mailbox::new(actor, counters), seen)
}

/// A slot, and what is sent to it.
pub(super) async fn slot<M: Send + 'static>() -> (Slot<M>, UnboundedReceiver<M>) {
    let (mailbox, seen) = mailbox().await;
    let slot = vacant();
    slot.fill(mailbox);
    (slot, seen)
}

impl RegistryHandle {
    /// A handle without an actor.
    pub(crate) fn vacant() -> Self {
        Self(vacant())
    }
}

impl PersistenceHandle {
    /// A handle without an actor: every command is refused, as while the writer is being replaced.
    pub(crate) fn vacant() -> Self {
        Self(vacant())
    }

    /// A handle, and the commands that are submitted with it. None is answered.
    pub(crate) async fn probe() -> (Self, UnboundedReceiver<Command>) {
        let (slot, mut messages) = slot().await;
        let (sender, commands) = unbounded_channel();
        tokio::spawn(async move {
            while let Some(message) = messages.recv().await {
                if let PersistenceMsg::Submit(job) = message {
                    // The test may have dropped the receiver.
                    let _ = sender.send(job.command);
                }
            }
        });
        (Self(slot), commands)
    }
}

impl SocketLease {
    /// Returns a lease, and the commands that are submitted with it, each with its credit.
    pub(crate) async fn probe() -> (Self, UnboundedReceiver<(Command, Credit)>) {
        let (session, mut messages) = mailbox().await;
        let (sender, commands) = unbounded_channel();
        tokio::spawn(async move {
            while let Some(message) = messages.recv().await {
                if let SessionMsg::Inbound { command, credit, .. } = message {
                    // The test may have dropped the receiver.
                    let _ = sender.send((command, credit));
                }
            }
        });
        (Self::new(SessionHandle(session), SocketId(1)), commands)
    }
}
