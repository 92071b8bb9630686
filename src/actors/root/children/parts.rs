//! Children that need more words than a line of the table.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use ractor::Actor;

use super::{Child, Handles, StartError};
use crate::actors::health::Health;
use crate::actors::janitor::{JanitorArgs, RemoveFile};
use crate::actors::persistence::messages::PersistenceHandle;
use crate::actors::persistence::thread::DedicatedThread;
use crate::actors::persistence::{PersistenceActor, PersistenceArgs};
use crate::actors::presence::{PresenceActor, PresenceArgs};
use crate::actors::push::{PushActor, PushArgs};
use crate::actors::registry::local_users::LocalUsers;
use crate::actors::relay::batch::Listeners;
use crate::actors::relay::looks::Pace;
use crate::actors::relay::{RelayActor, RelayArgs};
use crate::actors::who::messages::WhoHandle;
use crate::actors::who::{WhoActor, WhoArgs};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::Seq;
use crate::storage::Storage;
use crate::telemetry::ActorKind;

/// Returns the actor that reads the journal and hands on what other servers have written.
pub(super) fn relay(
    config: &Config,
    storage: &Arc<Storage>,
    clock: &Clock,
    handles: &Handles,
    (local, listeners): (LocalUsers, Listeners),
    health: &Arc<Health>,
    head: Seq,
) -> Child {
    let pace = Pace { poll: config.cluster.poll(), check: config.cluster.check(), gap_wait: config.cluster.gap_wait() };
    let start = Arc::new(Mutex::new(Some(head)));
    let (storage, clock, health) = (storage.clone(), clock.clone(), health.clone());
    let (link, others) = (handles.link.clone(), handles.others.clone());
    let args = RelayArgs { storage, clock, local, listeners, health, start, link, others, pace };
    Child::new(ActorKind::Relay, handles.relay.0.clone(), RelayActor, args)
}

/// Returns the actor that knows who is online. It reports to other servers by `who`, where there is a link to them.
pub(super) fn presence_child(
    storage: &Arc<Storage>,
    clock: &Clock,
    handles: &Handles,
    health: &Arc<Health>,
    who: Option<WhoHandle>,
) -> Child {
    let (storage, clock, health) = (storage.clone(), clock.clone(), health.clone());
    let (registry, others) = (handles.registry.clone(), handles.others.clone());
    let sessions = registry.clone();
    let args = PresenceArgs { storage, clock, health, registry, who, others };
    // The list of connected users ended with the previous actor.
    Child::new(ActorKind::Presence, handles.presence.0.clone(), PresenceActor, args)
        .then(move || sessions.report_presence())
}

/// Returns what the janitor works with. It removes files by `remove_file`, where there are some.
pub(super) fn janitor_args(
    config: &Config,
    storage: &Arc<Storage>,
    clock: &Clock,
    handles: &Handles,
    remove_file: Option<RemoveFile>,
) -> JanitorArgs {
    JanitorArgs {
        storage: storage.clone(),
        clock: clock.clone(),
        persistence: handles.persistence.clone(),
        registry: handles.registry.clone(),
        config: config.messages.clone(),
        audit: config.audit,
        journal_s: config.cluster.journal_s,
        access_token_s: config.auth.access_token_s,
        forget_bans_s: config.bans.forget_s(),
        remove_file,
        forget_targets_s: config.push.forget_after_s(),
    }
}

/// Returns the actor that talks to other servers, where there is a link to them.
pub(super) fn who_child(
    config: &Config,
    storage: &Arc<Storage>,
    clock: &Clock,
    handles: &Handles,
    health: &Arc<Health>,
) -> Option<Child> {
    let args = handles.link.as_ref().map(|link| WhoArgs {
        storage: storage.clone(),
        clock: clock.clone(),
        health: health.clone(),
        link: link.clone(),
        others: handles.others.clone(),
        registry: handles.registry.clone(),
        presence: handles.presence.clone(),
        label: config.cluster.name(),
        max_sockets: config.socket.max_per_user,
        hold: config.cluster.presence_hold(),
        fence_after: config.cluster.fence_after(),
    });
    args.map(|args| Child::new(ActorKind::Who, handles.who.0.clone(), WhoActor, args))
}

/// Returns the writer, which has a thread to itself.
pub(super) fn writer(persistence: &PersistenceHandle, args: PersistenceArgs) -> Result<Child, StartError> {
    let thread = Arc::new(DedicatedThread::start("writer").map_err(|error| StartError(error.to_string()))?);
    Ok(Child::started_by(ActorKind::Persistence, persistence.0.clone(), move |counters, supervisor| {
        let (thread, args) = (thread.clone(), args.clone());
        Box::pin(async move {
            let start = Actor::spawn_linked(None, PersistenceActor(counters), args, supervisor);
            let started = thread.run(start).await;
            Ok(started.ok_or_else(|| StartError("its thread has ended".to_owned()))??.0)
        })
    }))
}

/// Returns the actor that wakes devices, if there is a provider.
pub(super) fn push_child(config: &Config, storage: &Arc<Storage>, clock: &Clock, handles: &Handles) -> Option<Child> {
    let args = PushArgs {
        storage: storage.clone(),
        clock: clock.clone(),
        sender: handles.sender.clone(),
        concurrency: config.push.concurrency,
        is_new: Arc::new(AtomicBool::new(true)),
    };
    let is_enabled = storage.devices().is_enabled();
    is_enabled.then(|| Child::new(ActorKind::Push, handles.push.0.clone(), PushActor, args))
}
