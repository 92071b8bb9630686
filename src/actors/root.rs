//! The root: starts the supervised actors from the table of its [`children`], and starts them again when they fail.
//!
//! Has no supervisor. More than [`MAX_RESTARTS`] in [`RESTART_WINDOW`] mean that restarting does not help: it reports
//! [`Fatal`] and the process ends with an error. Bound: its mailbox holds one message a failed actor.

mod children;
mod link;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ractor::{Actor, ActorId, ActorProcessingErr, ActorRef, SupervisionEvent};
use tokio::sync::oneshot;

use super::health::Health;
use super::janitor::Files;
use super::mailbox::{Mailbox, Slot, Timed};
use super::persistence::messages::PersistenceHandle;
use super::presence::messages::PresenceHandle;
use super::push::PushHandle;
use super::registry::messages::RegistryHandle;
use super::relay::link::LinkError;
use super::relay::messages::RelayHandle;
use super::stats::{ActorCounters, ActorStats};
use super::who::messages::{Others, WhoHandle};
use crate::auth::{AddressRules, Refusals, RefusedTokens};
use crate::clock::Clock;
use crate::config::Config;
use crate::protocol::franking::ReportTokens;
use crate::push::Sender;
use crate::storage::{Storage, StorageError};
use crate::telemetry::ActorKind;
use children::{Child, Handles, children};
use link::open_link;

pub use children::StartError;

/// Most restarts within [`RESTART_WINDOW`] before the root gives up.
const MAX_RESTARTS: usize = 5;
/// The time over which restarts are counted, see [`MAX_RESTARTS`].
const RESTART_WINDOW: Duration = Duration::from_mins(1);
/// Wait before the first restart; doubled for each further one in the window.
const BACKOFF: Duration = Duration::from_millis(50);

/// The error of a server whose actors keep failing: the process should end.
#[derive(Debug, thiserror::Error)]
#[error("the {0} actor failed again and again: giving up")]
pub struct Fatal(&'static str);

/// All actors of a server.
pub struct ActorSystem {
    root: ActorRef<Timed<RootMsg>>,
    /// The registry, which routes to the sessions.
    pub registry: RegistryHandle,
    /// The writer.
    pub persistence: PersistenceHandle,
    /// The presence actor, which knows which users are online.
    pub presence: PresenceHandle,
    /// The relay, which brings the batches of all servers into one order; not there on SQLite.
    pub relay: RelayHandle,
    /// The actor that knows the other servers; not there without NATS.
    pub who: WhoHandle,
    /// What it knows of them, readable without asking it.
    pub others: Others,
    /// The actor that wakes devices; not there without a provider.
    pub push: PushHandle,
    /// The providers that wake devices.
    pub sender: Arc<dyn Sender>,
    /// Which networks may come in; the relay or the writer says when that has changed.
    pub address_rules: Arc<AddressRules>,
    /// The state of the actors, readable without asking them.
    pub health: Arc<Health>,
}

impl ActorSystem {
    /// Starts the actors. What ends is added to `refused`; `files` are those that clients have uploaded, if any. The
    /// receiver gets an error when restarting no longer helps. Fails when the store cannot be read, or when an actor
    /// does not start.
    pub async fn start(
        config: &Config,
        storage: Arc<Storage>,
        (refused, tokens): (&Arc<RefusedTokens>, &Arc<ReportTokens>),
        files: Option<Files>,
        sender: Arc<dyn Sender>,
        clock: Clock,
    ) -> Result<(Self, oneshot::Receiver<Fatal>), ActorSystemError> {
        let head = storage.probe_head(0).await?;
        storage.devices().enable(config.push.enabled && !sender.offers().is_empty());
        storage.look_for_targets().await?;
        let address_rules = AddressRules::new(config.server.trusted_proxies.clone(), clock.clone());
        address_rules.read(&storage).await?;
        let refusals = Refusals { tokens: refused.clone(), addresses: address_rules.clone() };
        let health =
            Arc::new(Health::new(config.admin.stuck_after(), config.log.slow_handler_ms, config.log.slow_batch_ms));
        let relay = RelayHandle(Slot::new(health.stats(ActorKind::Relay).clone()));
        let who = WhoHandle(Slot::new(health.stats(ActorKind::Who).clone()));
        let handles = Handles {
            registry: RegistryHandle(Slot::new(health.stats(ActorKind::Registry).clone())),
            persistence: PersistenceHandle(Slot::new(health.stats(ActorKind::Persistence).clone())),
            presence: PresenceHandle(Slot::new(health.stats(ActorKind::Presence).clone())),
            // Boxed, since this runs once.
            link: Box::pin(open_link(config, &storage, &relay, &who)).await?,
            relay,
            who,
            others: Others::new(storage.boot(), config.cluster.dead_after()),
            push: PushHandle(Slot::new(health.stats(ActorKind::Push).clone())),
            sender,
        };
        let children = children(config, &storage, (&refusals, tokens, files), &clock, &handles, &health, head)?;
        let (root, on_fatal) = start_root(children, health.clone()).await?;
        let Handles { registry, persistence, presence, relay, who, others, push, sender, .. } = handles;
        let actors =
            Self { root, registry, persistence, presence, relay, who, others, push, sender, address_rules, health };
        Ok((actors, on_fatal))
    }

    /// Stops all actors at once. Drain the writer first.
    pub async fn stop(&self) {
        // Fails only when the root has ended already.
        let _ = self.root.stop_and_wait(None, Some(Duration::from_secs(5))).await;
    }
}

impl Drop for ActorSystem {
    fn drop(&mut self) {
        self.root.stop(None);
    }
}

/// The actors could not be started.
#[derive(Debug, thiserror::Error)]
pub enum ActorSystemError {
    /// An actor did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The store could not be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The link to other servers could not be made.
    #[error(transparent)]
    Link(#[from] LinkError),
}

/// Starts a root and its children, in their order.
async fn start_root(
    children: Vec<Child>,
    health: Arc<Health>,
) -> Result<(ActorRef<Timed<RootMsg>>, oneshot::Receiver<Fatal>), StartError> {
    let (fatal, on_fatal) = oneshot::channel();
    let actor = RootActor(health.stats(ActorKind::Root).actor());
    let args = RootArgs { children, health, fatal };
    let (root, _) = Actor::spawn(None, actor, args).await?;
    Ok((root, on_fatal))
}

enum RootMsg {
    /// Start a child again, by its place in the table.
    Respawn(usize),
}

struct RootActor(Arc<ActorCounters>);

struct RootArgs {
    children: Vec<Child>,
    health: Arc<Health>,
    fatal: oneshot::Sender<Fatal>,
}

struct RootState {
    children: Vec<Child>,
    mailbox: Mailbox<RootMsg>,
    health: Arc<Health>,
    restarts: VecDeque<Instant>,
    fatal: Option<oneshot::Sender<Fatal>>,
    _alive: RootAlive,
}

/// Counts the root for as long as it lives.
struct RootAlive(Arc<ActorStats>);

impl Drop for RootAlive {
    fn drop(&mut self) {
        self.0.ended();
    }
}

impl Actor for RootActor {
    type Msg = Timed<RootMsg>;
    type State = RootState;
    type Arguments = RootArgs;

    async fn pre_start(&self, myself: ActorRef<Self::Msg>, args: RootArgs) -> Result<RootState, ActorProcessingErr> {
        let RootArgs { mut children, health, fatal } = args;
        let mailbox = Mailbox::new(myself, self.0.clone());
        for child in &mut children {
            health.expect(child.kind());
            child.start(mailbox.cell()).await?;
        }
        self.0.kind().started();
        let alive = RootAlive(self.0.kind().clone());
        Ok(RootState { children, mailbox, health, restarts: VecDeque::new(), fatal: Some(fatal), _alive: alive })
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut RootState,
    ) -> Result<(), ActorProcessingErr> {
        let (RootMsg::Respawn(index), _busy) = message.open(&self.0);
        state.respawn(index).await;
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<Self::Msg>,
        event: SupervisionEvent,
        state: &mut RootState,
    ) -> Result<(), ActorProcessingErr> {
        match event {
            SupervisionEvent::ActorFailed(cell, error) => {
                if let Some((index, kind)) = state.lost(cell.get_id()) {
                    let counters = state.health.stats(kind);
                    counters.failed(&error);
                    tracing::error!(
                        actor = kind.as_str(),
                        error = %error,
                        waiting = counters.snapshot().waiting,
                        "an actor failed"
                    );
                    state.restart(index);
                }
            }
            SupervisionEvent::ActorTerminated(cell, ..) => {
                if let Some((index, kind)) = state.lost(cell.get_id())
                    && !state.health.is_draining()
                {
                    tracing::error!(actor = kind.as_str(), "an actor ended");
                    state.restart(index);
                }
            }
            SupervisionEvent::ActorStarted(_) | SupervisionEvent::ProcessGroupChanged(_) => {}
        }
        Ok(())
    }
}

impl RootState {
    async fn respawn(&mut self, index: usize) {
        let Some(child) = self.children.get_mut(index) else { return };
        let kind = child.kind();
        if let Err(error) = child.start(self.mailbox.cell()).await {
            tracing::error!(actor = kind.as_str(), error = %error, "cannot restart an actor");
            self.give_up(kind);
        }
    }

    /// Empties the place of a child that has ended; returns `None` for an actor that was replaced already.
    fn lost(&mut self, id: ActorId) -> Option<(usize, ActorKind)> {
        let (index, child) = self.children.iter_mut().enumerate().find(|(_, child)| child.is(id))?;
        child.lost();
        Some((index, child.kind()))
    }

    /// Starts a child again after a back-off, unless the server is stopping.
    fn restart(&mut self, index: usize) {
        let Some(kind) = self.children.get(index).map(Child::kind) else { return };
        if self.health.is_draining() {
            return;
        }
        let now = Instant::now();
        self.restarts.retain(|at| now.duration_since(*at) < RESTART_WINDOW);
        if self.restarts.len() >= MAX_RESTARTS {
            self.give_up(kind);
            return;
        }
        let wait = BACKOFF * 2_u32.saturating_pow(u32::try_from(self.restarts.len()).unwrap_or(u32::MAX));
        self.restarts.push_back(now);
        self.mailbox.cast_after(wait, move || RootMsg::Respawn(index));
    }

    fn give_up(&mut self, kind: ActorKind) {
        self.health.give_up(kind);
        if let Some(fatal) = self.fatal.take() {
            // The receiver is gone only when the server is being dropped.
            let _ = fatal.send(Fatal(kind.as_str()));
        }
    }
}

#[cfg(test)]
mod tests;
