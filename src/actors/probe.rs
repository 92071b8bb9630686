//! An actor that takes any messages and hands them to a test.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Instant;

use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::mailbox::{Mailbox, Slot, Timed};
use super::session::credit::Credit;
use super::session::messages::{SessionHandle, SessionMsg, SocketLease};
use super::stats::{ActorCounters, ActorStats};
use crate::domain::{Command, SocketId};
use crate::telemetry::ActorKind;

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
    Arc::new(ActorStats::new(ActorKind::Session, Instant::now()))
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
