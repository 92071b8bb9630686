//! The root: starts the registry, the writer, the presence actor and the janitor, and starts them again when they fail.
//!
//! Has no supervisor. More than [`MAX_RESTARTS`] in [`RESTART_WINDOW`] mean that restarting does not help: it reports
//! [`Fatal`] and the process ends with an error. Bound: its mailbox holds one message a failed actor.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ractor::{Actor, ActorId, ActorProcessingErr, ActorRef, SupervisionEvent};
use tokio::sync::oneshot;

use super::StartError;
use super::health::Health;
use super::janitor::{JanitorActor, JanitorArgs};
use super::mailbox::{Slot, Timed};
use super::persistence::thread::OwnThread;
use super::persistence::{PersistenceActor, PersistenceArgs, PersistenceHandle, Progress};
use super::presence::{PresenceActor, PresenceArgs, PresenceHandle};
use super::registry::{RegistryActor, RegistryArgs, RegistryHandle};
use super::session::replay::Replays;
use crate::clock::Clock;
use crate::config::Config;
use crate::storage::{Storage, StorageError};
use crate::telemetry::ActorKind;

/// Restarts within [`RESTART_WINDOW`] that are still taken for bad luck.
const MAX_RESTARTS: usize = 5;
/// See [`MAX_RESTARTS`].
const RESTART_WINDOW: Duration = Duration::from_mins(1);
/// Wait before the first restart; doubled for each further one in the window.
const BACKOFF: Duration = Duration::from_millis(50);

/// Actors keep failing: the process should end.
#[derive(Debug, thiserror::Error)]
#[error("the {0} actor failed again and again: giving up")]
pub struct Fatal(&'static str);

/// All actors of a server.
pub struct ActorSystem {
    root: ActorRef<Timed<RootMsg>>,
    /// Routes to the sessions.
    pub registry: RegistryHandle,
    /// Writes.
    pub persistence: PersistenceHandle,
    /// Knows who is online.
    pub presence: PresenceHandle,
    /// Who is alive.
    pub health: Arc<Health>,
}

impl ActorSystem {
    /// Starts the actors. The receiver gets a word when restarting no longer helps.
    pub async fn start(
        config: &Config,
        storage: Arc<Storage>,
        clock: Clock,
    ) -> Result<(Self, oneshot::Receiver<Fatal>), ActorSystemError> {
        let head = storage.probe_head(0).await?;
        let health = Arc::new(Health::default());
        let (registry, persistence) = (RegistryHandle(Slot::empty()), PersistenceHandle(Slot::empty()));
        let presence = PresenceHandle(Slot::empty());
        let (fatal, on_fatal) = oneshot::channel();
        let replays = Arc::new(Replays::new(config, storage.clone(), clock.clone()));
        let state = RootState {
            persistence: PersistenceArgs {
                storage: storage.clone(),
                clock: clock.clone(),
                registry: registry.clone(),
                health: health.clone(),
                progress: Arc::new(Mutex::new(Progress::new(head))),
            },
            registry: RegistryArgs {
                max_sockets: config.socket.max_per_user,
                handle: registry.clone(),
                persistence: persistence.clone(),
                presence: presence.clone(),
                replays,
                health: health.clone(),
            },
            presence: PresenceArgs { storage: storage.clone(), clock: clock.clone(), registry: registry.clone() },
            janitor: JanitorArgs {
                storage,
                clock,
                persistence: persistence.clone(),
                registry: registry.clone(),
                config: config.messages.clone(),
                access_token_s: config.auth.access_token_s,
            },
            handles: (persistence.clone(), presence.clone()),
            health: health.clone(),
            thread: OwnThread::start("writer").map_err(|error| StartError(error.to_string()))?,
            children: Vec::new(),
            restarts: VecDeque::new(),
            fatal: Some(fatal),
        };
        let (root, _) = Actor::spawn(None, RootActor, state).await.map_err(StartError::from)?;
        Ok((Self { root, registry, persistence, presence, health }, on_fatal))
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
    /// One did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The store did not answer.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

pub(super) enum RootMsg {
    Respawn(ActorKind),
}

struct RootActor;

struct RootState {
    persistence: PersistenceArgs,
    registry: RegistryArgs,
    presence: PresenceArgs,
    janitor: JanitorArgs,
    handles: (PersistenceHandle, PresenceHandle),
    health: Arc<Health>,
    /// The writer's.
    thread: OwnThread,
    children: Vec<(ActorId, ActorKind)>,
    restarts: VecDeque<Instant>,
    fatal: Option<oneshot::Sender<Fatal>>,
}

impl Actor for RootActor {
    type Msg = Timed<RootMsg>;
    type State = RootState;
    type Arguments = RootState;

    async fn pre_start(
        &self,
        myself: ActorRef<Self::Msg>,
        mut state: RootState,
    ) -> Result<RootState, ActorProcessingErr> {
        for kind in [ActorKind::Presence, ActorKind::Registry, ActorKind::Persistence, ActorKind::Janitor] {
            state.spawn(&myself, kind).await?;
        }
        Ok(state)
    }

    async fn handle(
        &self,
        myself: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut RootState,
    ) -> Result<(), ActorProcessingErr> {
        let RootMsg::Respawn(kind) = message.open(ActorKind::Root);
        if let Err(error) = state.spawn(&myself, kind).await {
            tracing::error!(actor = kind.as_str(), error = %error, "cannot restart an actor");
            state.give_up(kind);
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<Self::Msg>,
        event: SupervisionEvent,
        state: &mut RootState,
    ) -> Result<(), ActorProcessingErr> {
        match event {
            SupervisionEvent::ActorFailed(cell, error) => {
                if let Some(kind) = state.lost(cell.get_id()) {
                    state.health.actor_failed(kind);
                    tracing::error!(actor = kind.as_str(), error = %error, "an actor failed");
                    if !state.health.is_draining() {
                        state.restart(&myself, kind);
                    }
                }
            }
            SupervisionEvent::ActorTerminated(cell, ..) => {
                if let Some(kind) = state.lost(cell.get_id())
                    && !state.health.is_draining()
                {
                    tracing::error!(actor = kind.as_str(), "an actor ended");
                    state.restart(&myself, kind);
                }
            }
            SupervisionEvent::ActorStarted(_) | SupervisionEvent::ProcessGroupChanged(_) => {}
        }
        Ok(())
    }
}

impl RootState {
    async fn spawn(&mut self, myself: &ActorRef<Timed<RootMsg>>, kind: ActorKind) -> Result<(), StartError> {
        let supervisor = myself.get_cell();
        let id = match kind {
            ActorKind::Registry => {
                let (actor, _) = Actor::spawn_linked(None, RegistryActor, self.registry.clone(), supervisor).await?;
                self.registry.handle.0.set(Some(actor.clone()));
                actor.get_id()
            }
            ActorKind::Persistence => {
                let start = Actor::spawn_linked(None, PersistenceActor, self.persistence.clone(), supervisor);
                let started = self.thread.run(start).await;
                let (actor, _) = started.ok_or_else(|| StartError("its thread has ended".to_owned()))??;
                self.handles.0.0.set(Some(actor.clone()));
                actor.get_id()
            }
            ActorKind::Presence => {
                let (actor, _) = Actor::spawn_linked(None, PresenceActor, self.presence.clone(), supervisor).await?;
                self.handles.1.0.set(Some(actor.clone()));
                // A predecessor took with it who is here.
                self.registry.handle.introduce();
                actor.get_id()
            }
            ActorKind::Janitor => {
                let (actor, _) = Actor::spawn_linked(None, JanitorActor, self.janitor.clone(), supervisor).await?;
                actor.get_id()
            }
            ActorKind::Root | ActorKind::Session => return Ok(()),
        };
        self.children.push((id, kind));
        self.health.set_alive(kind, true);
        Ok(())
    }

    /// Forgets a child that has ended; `None` for one that was replaced already.
    fn lost(&mut self, id: ActorId) -> Option<ActorKind> {
        let index = self.children.iter().position(|(child, _)| *child == id)?;
        let (_, kind) = self.children.swap_remove(index);
        self.health.set_alive(kind, false);
        match kind {
            ActorKind::Registry => self.registry.handle.0.set(None),
            ActorKind::Persistence => self.handles.0.0.set(None),
            ActorKind::Presence => self.handles.1.0.set(None),
            ActorKind::Janitor | ActorKind::Root | ActorKind::Session => {}
        }
        Some(kind)
    }

    fn restart(&mut self, myself: &ActorRef<Timed<RootMsg>>, kind: ActorKind) {
        let now = Instant::now();
        self.restarts.retain(|at| now.duration_since(*at) < RESTART_WINDOW);
        if self.restarts.len() >= MAX_RESTARTS {
            self.give_up(kind);
            return;
        }
        let wait = BACKOFF * 2_u32.saturating_pow(u32::try_from(self.restarts.len()).unwrap_or(u32::MAX));
        self.restarts.push_back(now);
        myself.send_after(wait, move || Timed::new(RootMsg::Respawn(kind)));
    }

    fn give_up(&mut self, kind: ActorKind) {
        if let Some(fatal) = self.fatal.take() {
            // The receiver is gone only when the server is being dropped.
            let _ = fatal.send(Fatal(kind.as_str()));
        }
    }
}
