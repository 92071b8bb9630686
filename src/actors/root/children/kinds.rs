//! How each child of the root is made.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use ractor::Actor;

use super::{Child, Handles, StartError};
use crate::actors::health::Health;
use crate::actors::janitor::{JanitorActor, JanitorArgs, RemoveFile};
use crate::actors::mailbox::Slot;
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

/// What most children work with.
#[derive(Clone, Copy)]
pub(super) struct Common<'a> {
    pub(super) config: &'a Config,
    pub(super) storage: &'a Arc<Storage>,
    pub(super) clock: &'a Clock,
    pub(super) handles: &'a Handles,
    pub(super) health: &'a Arc<Health>,
}

impl Common<'_> {
    /// Returns the actor that reads the journal and hands on what other servers have written, where there is a journal.
    pub(super) fn relay(&self, local: LocalUsers, listeners: Listeners, head: Seq) -> Option<Child> {
        let (handles, cluster) = (self.handles, &self.config.cluster);
        let args = self.storage.has_journal().then(|| RelayArgs {
            storage: self.storage.clone(),
            clock: self.clock.clone(),
            health: self.health.clone(),
            local,
            listeners,
            start: Arc::new(Mutex::new(Some(head))),
            link: handles.link.clone(),
            others: handles.others.clone(),
            pace: Pace { poll: cluster.poll(), check: cluster.check(), gap_wait: cluster.gap_wait() },
        });
        args.map(|args| Child::new(ActorKind::Relay, handles.relay.0.clone(), RelayActor, args))
    }

    /// Returns the actor that knows who is online. It reports to other servers by `who`, where there is a link to them.
    pub(super) fn presence(&self, who: Option<WhoHandle>) -> Child {
        let (registry, others) = (self.handles.registry.clone(), self.handles.others.clone());
        let sessions = registry.clone();
        let (storage, clock, health) = (self.storage.clone(), self.clock.clone(), self.health.clone());
        let args = PresenceArgs { storage, clock, health, registry, who, others };
        // The list of connected users ended with the previous actor.
        Child::new(ActorKind::Presence, self.handles.presence.0.clone(), PresenceActor, args)
            .then(move || sessions.report_presence())
    }

    /// Returns the janitor. It removes files by `remove_file`, where there are some.
    pub(super) fn janitor(&self, remove_file: Option<RemoveFile>) -> Child {
        let config = self.config;
        let args = JanitorArgs {
            storage: self.storage.clone(),
            clock: self.clock.clone(),
            persistence: self.handles.persistence.clone(),
            registry: self.handles.registry.clone(),
            config: config.messages.clone(),
            audit: config.audit,
            journal_s: config.cluster.journal_s,
            access_token_s: config.auth.access_token_s,
            forget_bans_s: config.bans.forget_s(),
            remove_file,
            forget_targets_s: config.push.forget_after_s(),
        };
        let slot = Slot::new(self.health.stats(ActorKind::Janitor).clone());
        Child::new(ActorKind::Janitor, slot, JanitorActor, args)
    }

    /// Returns the actor that talks to other servers, where there is a link to them.
    pub(super) fn who(&self) -> Option<Child> {
        let (config, handles) = (self.config, self.handles);
        let args = handles.link.as_ref().map(|link| WhoArgs {
            storage: self.storage.clone(),
            clock: self.clock.clone(),
            health: self.health.clone(),
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

    /// Returns the actor that wakes devices, if there is a provider.
    pub(super) fn push(&self) -> Option<Child> {
        let args = PushArgs {
            storage: self.storage.clone(),
            clock: self.clock.clone(),
            sender: self.handles.sender.clone(),
            concurrency: self.config.push.concurrency,
            is_new: Arc::new(AtomicBool::new(true)),
        };
        let is_enabled = self.storage.devices().is_enabled();
        is_enabled.then(|| Child::new(ActorKind::Push, self.handles.push.0.clone(), PushActor, args))
    }

    /// Returns the actor that stores commands, which has a thread to itself.
    pub(super) fn persistence(&self, args: PersistenceArgs) -> Result<Child, StartError> {
        let thread = Arc::new(DedicatedThread::start("writer").map_err(|error| StartError(error.to_string()))?);
        let slot = self.handles.persistence.0.clone();
        Ok(Child::started_by(ActorKind::Persistence, slot, move |counters, supervisor| {
            let (thread, args) = (thread.clone(), args.clone());
            Box::pin(async move {
                let start = Actor::spawn_linked(None, PersistenceActor(counters), args, supervisor);
                let started = thread.run(start).await;
                Ok(started.ok_or_else(|| StartError("its thread has ended".to_owned()))??.0)
            })
        }))
    }
}
