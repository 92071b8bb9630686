//! The checks behind `/readyz`: those that the server must pass to be used, and warnings about the rest.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use super::{Monitor, PING_TIMEOUT};
use crate::actors::{ActorSnapshot, ActorState};
use crate::domain::Timestamp;
use crate::push::ProviderState;
use crate::telemetry::ActorKind;

/// Bytes of a MiB.
const MIB: u64 = 1024 * 1024;

/// What is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckName {
    /// The actor that routes to the connected users.
    Registry,
    /// The actor that brings the batches of all servers into one order, on PostgreSQL.
    Relay,
    /// The actor that writes.
    Persistence,
    /// The database answers, and takes writes.
    Database,
    /// There is room on the disk of a SQLite store.
    Disk,
    /// The runtime runs tasks.
    Runtime,
}

impl CheckName {
    /// All of them, in the order of their discriminants.
    pub const ALL: [Self; 6] =
        [Self::Registry, Self::Relay, Self::Persistence, Self::Database, Self::Disk, Self::Runtime];

    /// Returns its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Registry => "registry",
            Self::Relay => "relay",
            Self::Persistence => "persistence",
            Self::Database => "database",
            Self::Disk => "disk",
            Self::Runtime => "runtime",
        }
    }
}

/// One check, for operators and their tools.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Check {
    /// What is checked.
    #[schema(value_type = String, example = "persistence")]
    pub name: &'static str,
    /// Whether the server can be used as far as this goes.
    pub ok: bool,
    /// Why it cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "has worked on one message for 7.2 s")]
    pub reason: Option<String>,
    /// What an operator should look at although the server can be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
    /// Since when it fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub since: Option<Timestamp>,
}

/// The checks of one moment.
#[derive(Clone, Debug)]
pub struct Readiness {
    /// Each check; then what is worth a warning.
    pub checks: Vec<Check>,
    /// Whether the database passes.
    pub database: bool,
    /// Whether the actors pass without which no message passes.
    pub actors: bool,
    /// Whether disk and runtime pass.
    pub machine: bool,
}

/// Returns whether a check says how a kind of actor does, or its supervisor.
const fn is_judged_elsewhere(kind: ActorKind) -> bool {
    matches!(
        kind,
        ActorKind::Root | ActorKind::Session | ActorKind::Registry | ActorKind::Relay | ActorKind::Persistence
    )
}

impl Monitor {
    /// Asks the database, and returns all checks.
    pub async fn readiness(&self) -> Readiness {
        let pinged = tokio::time::timeout(PING_TIMEOUT, self.storage.ping()).await;
        let database = self.why_no_database(matches!(pinged, Ok(Ok(()))));
        self.database_works.store(database.is_none(), Ordering::Relaxed);
        let mut checks = Vec::new();
        for name in CheckName::ALL {
            let reason = match name {
                CheckName::Database => Some(database.clone()),
                _ => self.reason(name),
            };
            let Some(reason) = reason else { continue };
            let since = self.note(name, reason.as_deref());
            checks.push(Check { name: name.as_str(), ok: reason.is_none(), reason, warning: None, since });
        }
        let passes = |name: CheckName| checks.iter().all(|check| check.name != name.as_str() || check.ok);
        let actors = [CheckName::Registry, CheckName::Relay, CheckName::Persistence].into_iter().all(passes);
        let machine = passes(CheckName::Disk) && passes(CheckName::Runtime);
        checks.extend(self.warnings().into_iter().map(|(name, warning)| Check {
            name,
            ok: true,
            reason: None,
            warning: Some(warning),
            since: None,
        }));
        Readiness { checks, database: database.is_none(), actors, machine }
    }

    /// Notes since when checks fail that nobody has to wait for. Returns whether all of them pass.
    pub(super) fn note_checks(&self) -> bool {
        let mut all = true;
        for name in CheckName::ALL {
            if let Some(reason) = self.reason(name) {
                self.note(name, reason.as_deref());
                all &= reason.is_none();
            }
        }
        all
    }

    /// Returns why a check fails, `Some(None)` when it passes, and `None` where it is not made or has to be waited for.
    #[expect(clippy::option_option, reason = "whether there is such a check, and whether it fails")]
    fn reason(&self, name: CheckName) -> Option<Option<String>> {
        match name {
            CheckName::Registry => Some(self.why_not_running(ActorKind::Registry)),
            CheckName::Relay => self.storage.has_journal().then(|| self.why_not_running(ActorKind::Relay)),
            CheckName::Persistence => Some(self.why_not_running(ActorKind::Persistence)),
            CheckName::Database => None,
            CheckName::Disk => {
                let free = self.store_disk.as_ref()?.free_bytes();
                Some(free.filter(|free| *free < self.min_free_bytes).map(|free| too_little(free, self.min_free_bytes)))
            }
            CheckName::Runtime => {
                let late = self.health.runtime_is_late_by();
                Some((!self.health.runtime_runs()).then(|| format!("has run no task for {}", seconds(late))))
            }
        }
    }

    fn why_no_database(&self, answers: bool) -> Option<String> {
        let why = if !answers {
            "does not answer, or is not in its place"
        } else if !self.health.storage_works() {
            "the last batch could not be written"
        } else if !self.storage.requests_can_write() {
            "the last request could not be written"
        } else {
            return None;
        };
        Some(why.to_owned())
    }

    /// Returns why an actor does not work; `None` while it does.
    fn why_not_running(&self, kind: ActorKind) -> Option<String> {
        let state = self.health.state(kind);
        match state {
            ActorState::Running => None,
            ActorState::Stuck => Some(why_stuck(&self.health.snapshot(kind))),
            ActorState::Restarting => Some("has failed and is being restarted".to_owned()),
            ActorState::Failed => Some("has failed too often".to_owned()),
            ActorState::Stopped => Some("has stopped".to_owned()),
        }
    }

    /// What an operator should look at, by the name of the part.
    fn warnings(&self) -> Vec<(&'static str, String)> {
        let actors = self.health.kinds().filter(|kind| !is_judged_elsewhere(*kind));
        let mut found: Vec<_> = actors.filter_map(|kind| Some((kind.as_str(), self.why_not_running(kind)?))).collect();
        let now = self.clock.now();
        if self.storage.devices().is_enabled() {
            let ill = |status: &crate::push::ProviderStatus| status.state != ProviderState::Working;
            found.extend(self.sender.status(now).into_iter().filter(ill).map(|status| {
                let why = status.why.map(|why| format!(": {why}")).unwrap_or_default();
                ("push", format!("{} is {}{why}", status.provider.as_str(), status.state.as_str()))
            }));
        }
        let media_free = self.media_disk.as_ref().and_then(super::Disk::free_bytes);
        if let Some(free) = media_free.filter(|free| *free < self.min_free_bytes) {
            found.push(("media", too_little(free, self.min_free_bytes)));
        }
        let certificate = self.edge.get().and_then(|edge| edge.certificate_warning(now));
        found.extend(certificate.map(|warning| ("certificate", warning)));
        found
    }
}

fn too_little(free: u64, least: u64) -> String {
    format!("{} MiB are free, less than {} MiB", free / MIB, least.div_ceil(MIB))
}

/// Returns why an actor counts as stuck.
pub(super) fn why_stuck(seen: &ActorSnapshot) -> String {
    match (seen.busy_for, seen.oldest_wait) {
        (Some(busy), wait) if wait.is_none_or(|wait| wait <= busy) => {
            format!("has worked on one message for {}", seconds(busy))
        }
        (_, Some(wait)) => {
            format!("has let a message wait for {}; {} are waiting", seconds(wait), seen.waiting)
        }
        _ => "was stuck until now".to_owned(),
    }
}

fn seconds(span: Duration) -> String {
    format!("{:.1} s", span.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_what_takes_longest() {
        let span = Duration::from_millis;
        let seen = |busy: Option<u64>, wait: Option<u64>| ActorSnapshot {
            busy_for: busy.map(span),
            oldest_wait: wait.map(span),
            waiting: 3,
            ..ActorSnapshot::default()
        };
        assert_eq!(why_stuck(&seen(Some(7200), Some(100))), "has worked on one message for 7.2 s");
        assert_eq!(why_stuck(&seen(Some(7200), None)), "has worked on one message for 7.2 s");
        assert_eq!(why_stuck(&seen(None, Some(6000))), "has let a message wait for 6.0 s; 3 are waiting");
        assert_eq!(why_stuck(&seen(Some(10), Some(6000))), "has let a message wait for 6.0 s; 3 are waiting");
    }

    #[test]
    fn too_little_room_is_told_in_mib() {
        assert_eq!(too_little(200 * MIB + 5, 256 * MIB), "200 MiB are free, less than 256 MiB");
    }
}
