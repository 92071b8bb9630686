//! The table of the root's children: how each is started, and where the others find it.

mod kinds;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use ractor::{Actor, ActorCell, ActorId, ActorRef};

use crate::actors::health::Health;
use crate::actors::janitor::Files;
use crate::actors::mailbox::{Mailbox, Slot, Timed};
use crate::actors::persistence::PersistenceArgs;
use crate::actors::persistence::doubt::Progress;
use crate::actors::persistence::messages::PersistenceHandle;
use crate::actors::presence::messages::PresenceHandle;
use crate::actors::push::PushHandle;
use crate::actors::registry::local_users::LocalUsers;
use crate::actors::registry::messages::RegistryHandle;
use crate::actors::registry::{RegistryActor, RegistryArgs};
use crate::actors::relay::batch::Listeners;
use crate::actors::relay::link::Link;
use crate::actors::relay::messages::{Announcer, RelayHandle};
use crate::actors::session::replay::Replays;
use crate::actors::stats::{ActorCounters, ActorStats};
use crate::actors::who::messages::{Others, WhoHandle};
use crate::auth::Refusals;
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::Seq;
use crate::protocol::franking::ReportTokens;
use crate::push::Sender;
use crate::storage::Storage;
use crate::telemetry::ActorKind;
use kinds::Common;

/// An actor could not be started.
#[derive(Debug, thiserror::Error)]
#[error("cannot start an actor: {0}")]
pub struct StartError(String);

impl From<ractor::SpawnErr> for StartError {
    fn from(error: ractor::SpawnErr) -> Self {
        Self(error.to_string())
    }
}

/// The handles of the children, which stay the same over restarts.
pub(super) struct Handles {
    pub(super) registry: RegistryHandle,
    pub(super) persistence: PersistenceHandle,
    pub(super) presence: PresenceHandle,
    pub(super) relay: RelayHandle,
    pub(super) who: WhoHandle,
    pub(super) others: Others,
    pub(super) push: PushHandle,
    /// The providers that wake devices.
    pub(super) sender: Arc<dyn Sender>,
    /// The way to other servers, if there is one.
    pub(super) link: Option<Link>,
}

type Start = Box<dyn Fn(ActorCell) -> BoxFuture<'static, Result<ActorId, StartError>> + Send + Sync>;

/// One child of the root.
pub(super) struct Child {
    kind: ActorKind,
    stats: Arc<ActorStats>,
    running: Option<ActorId>,
    start: Start,
    vacate: Box<dyn Fn() + Send + Sync>,
}

impl Child {
    /// Makes a child that is put into `slot` whenever it is started.
    pub(super) fn new<A, M>(
        kind: ActorKind,
        slot: Slot<M>,
        actor: fn(Arc<ActorCounters>) -> A,
        args: A::Arguments,
    ) -> Self
    where
        A: Actor<Msg = Timed<M>, Arguments: Clone + Sync>,
        M: Send + 'static,
    {
        Self::started_by(kind, slot, move |counters, supervisor| {
            let args = args.clone();
            Box::pin(async move { Ok(Actor::spawn_linked(None, actor(counters), args, supervisor).await?.0) })
        })
    }

    /// Makes a child that is started by `spawn`.
    fn started_by<M: Send + 'static>(
        kind: ActorKind,
        slot: Slot<M>,
        spawn: impl Fn(Arc<ActorCounters>, ActorCell) -> BoxFuture<'static, Result<ActorRef<Timed<M>>, StartError>>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        let stats = slot.stats().clone();
        let (place, vacated) = (slot.clone(), slot);
        let start: Start = Box::new(move |supervisor| {
            let counters = place.stats().actor();
            let (place, spawning) = (place.clone(), spawn(counters.clone(), supervisor));
            Box::pin(async move {
                let actor = spawning.await?;
                let id = actor.get_id();
                place.fill(Mailbox::new(actor, counters));
                Ok(id)
            })
        });
        Self { kind, stats, running: None, start, vacate: Box::new(move || vacated.vacate()) }
    }

    /// Returns the same child, with `what` to be called whenever it has started.
    fn then(self, what: impl Fn() + Send + Sync + Clone + 'static) -> Self {
        let start = self.start;
        let start: Start = Box::new(move |supervisor| {
            let (starting, what) = (start(supervisor), what.clone());
            Box::pin(async move { starting.await.inspect(|_| what()) })
        });
        Self { start, ..self }
    }

    pub(super) fn kind(&self) -> ActorKind {
        self.kind
    }

    /// Returns whether this actor is the child as it runs now.
    pub(super) fn is(&self, id: ActorId) -> bool {
        self.running == Some(id)
    }

    pub(super) async fn start(&mut self, supervisor: ActorCell) -> Result<(), StartError> {
        self.running = Some((self.start)(supervisor).await?);
        self.stats.started();
        Ok(())
    }

    /// Empties the place of the child, which has ended.
    pub(super) fn lost(&mut self) {
        self.running = None;
        self.stats.ended();
        (self.vacate)();
    }
}

/// The children of a root, in the order in which they are started. `head` is the number that was given out last.
pub(super) fn children(
    config: &Config,
    storage: &Arc<Storage>,
    (refusals, tokens, files): (&Refusals, &Arc<ReportTokens>, Option<Files>),
    clock: &Clock,
    handles: &Handles,
    health: &Arc<Health>,
    head: Seq,
) -> Result<Vec<Child>, StartError> {
    let common = Common { config, storage, clock, handles, health };
    let Handles { registry, persistence, presence, .. } = handles;
    let local = LocalUsers::default();
    let (remove_file, flow) = files.map(|files| (files.remove, files.flow)).unzip();
    let flow = flow.unwrap_or_default();
    let listeners = Listeners {
        registry: registry.clone(),
        presence: presence.clone(),
        refusals: refusals.clone(),
        flow: flow.clone(),
    };
    let relayed = storage.has_journal().then(|| Announcer::Relayed(handles.relay.clone()));
    let announcer = relayed.unwrap_or_else(|| Announcer::Direct(listeners.clone()));
    // Without NATS nobody takes what is said.
    let spoken_to = handles.link.is_some().then(|| handles.who.clone());
    let registry_args = RegistryArgs {
        max_sockets: config.socket.max_per_user,
        handle: registry.clone(),
        local: local.clone(),
        persistence: persistence.clone(),
        presence: presence.clone(),
        who: spoken_to.clone(),
        replays: Arc::new(Replays::new(config, storage.clone(), clock.clone(), tokens.clone())),
        health: health.clone(),
    };
    let persistence_args = PersistenceArgs {
        storage: storage.clone(),
        clock: clock.clone(),
        announcer,
        health: health.clone(),
        progress: Progress::new(head),
        flow,
    };
    let mut children = vec![
        common.presence(spoken_to),
        Child::new(ActorKind::Registry, registry.0.clone(), RegistryActor, registry_args),
    ];
    // Before the writer, whose batches it takes.
    children.extend(common.relay(local, listeners, head));
    children.extend(common.who());
    children.push(common.persistence(persistence_args)?);
    children.push(common.janitor(remove_file));
    children.extend(common.push());
    Ok(children)
}
