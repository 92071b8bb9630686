//! Why the devices of a receiver were woken for a message, or were not, in words.

use super::{Service, ServiceError};
use crate::domain::{MessageId, PushAttempt, PushProvider, TargetState, Timestamp};
use crate::push::ProviderStatus;
use crate::storage::{Owing, PushTrace};

/// What is known of a device, for one message.
#[derive(Clone, Debug)]
pub struct TracedTarget {
    /// The device.
    pub target: TargetState,
    /// The requests that were made for the message.
    pub attempts: Vec<PushAttempt>,
    /// What has happened, in words.
    pub words: Vec<String>,
}

/// What is known of the wake-ups for a message.
#[derive(Clone, Debug)]
pub struct Traced {
    /// The receiver's devices.
    pub targets: Vec<TracedTarget>,
    /// Requests for devices that are not registered any more.
    pub deleted: Vec<PushAttempt>,
}

/// The state of waking devices.
#[derive(Clone, Debug)]
pub struct PushStatus {
    /// Whether devices are woken at all.
    pub is_enabled: bool,
    /// The providers.
    pub providers: Vec<ProviderStatus>,
    /// The devices, by provider and state.
    pub counts: Vec<Owing>,
}

impl PushStatus {
    /// Returns how many devices of a provider are active, suspended, and owed a wake-up.
    #[must_use]
    pub fn of(&self, provider: PushProvider) -> (i64, i64, i64) {
        let of_provider = || self.counts.iter().filter(|count| count.provider == provider);
        let sum =
            |suspended: bool| of_provider().filter(|count| count.is_suspended == suspended).map(|c| c.targets).sum();
        (sum(false), sum(true), of_provider().map(|count| count.owed).sum())
    }

    /// Returns since when a wake-up has been owed for longest.
    #[must_use]
    pub fn oldest(&self) -> Option<Timestamp> {
        self.counts.iter().filter_map(|count| count.oldest).min()
    }
}

impl Service {
    /// Returns what is known of the wake-ups for a message. [`ServiceError::NoSuchMessage`] when there is none.
    pub async fn trace_push(&self, id: MessageId) -> Result<Traced, ServiceError> {
        let trace = self.storage.push_trace(id).await?.ok_or(ServiceError::NoSuchMessage)?;
        Ok(traced(&trace))
    }

    /// Returns the state of waking devices.
    pub async fn push_status(&self) -> Result<PushStatus, ServiceError> {
        Ok(PushStatus {
            is_enabled: self.storage.devices().is_enabled(),
            providers: self.sender.status(self.clock.now()),
            counts: self.storage.push_counts().await?,
        })
    }
}

fn traced(trace: &PushTrace) -> Traced {
    let PushTrace { targets, attempts, .. } = trace;
    let of = |target: &TargetState| attempts.iter().filter(|one| one.device == target.device).cloned().collect();
    let traced = targets.iter().map(|target| {
        let attempts: Vec<PushAttempt> = of(target);
        TracedTarget { words: words(trace, target, &attempts), target: target.clone(), attempts }
    });
    let is_gone = |attempt: &&PushAttempt| targets.iter().all(|target| target.device != attempt.device);
    Traced { targets: traced.collect(), deleted: attempts.iter().filter(is_gone).cloned().collect() }
}

/// Returns one request in words.
#[must_use]
pub fn attempt_in_words(attempt: &PushAttempt) -> String {
    let status = attempt.status.map(|status| format!(", status {status}")).unwrap_or_default();
    let reason = attempt.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    let (at, provider, outcome) = (attempt.at, attempt.provider.as_str(), attempt.outcome.as_str());
    format!("asked {provider} at {at}: {outcome}{status}, after {} ms{reason}", attempt.took_ms)
}

fn words(trace: &PushTrace, target: &TargetState, attempts: &[PushAttempt]) -> Vec<String> {
    let (seq, outbox) = (trace.seq, &target.outbox);
    let mut words: Vec<String> = Vec::new();
    if trace.sender == trace.receiver {
        words.push("nobody is woken for a message to oneself".to_owned());
        return words;
    }
    if target.created_at > trace.stored_at {
        words.push(format!("registered later, or again, at {}", target.created_at));
    }
    words.extend(attempts.iter().map(attempt_in_words));
    if let Some(debt) = outbox.debt.filter(|_| outbox.acked < seq && outbox.woken < seq) {
        words.push(format!("a wake-up is owed since {}", debt.since));
        match outbox.due_at {
            Some(until) if outbox.is_leased => words.push(format!("a request is on its way, lost at {until}")),
            Some(due) => words.push(format!("due at {due}, after {} tries", outbox.attempts)),
            None => {}
        }
    }
    if outbox.is_suspended {
        let reason = target.reason.as_deref().unwrap_or("the provider refuses this device");
        words.push(format!("suspended, until the device registers again: {reason}"));
    }
    if outbox.acked >= seq {
        words.push(format!("acknowledged: the device has everything up to position {}", outbox.acked));
    } else if outbox.woken >= seq {
        match outbox.woken_at {
            Some(at) => words.push(format!("covered by the wake-up that was accepted at {at}")),
            None => words.push("covered by a wake-up that was given up".to_owned()),
        }
    } else if outbox.debt.is_none() {
        words.push("nothing is owed: the device was connected, or the message was sent with urgency none".to_owned());
    }
    match target.seen_at {
        Some(at) if at >= trace.stored_at => words.push(format!("the device was here at {at}")),
        Some(at) => words.push(format!("the device was here last at {at}, before the message")),
        None => words.push("the device was not here since it is registered".to_owned()),
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Debt, DeviceId, Outbox, PushOutcome, Seq, UserId};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(1_700_000_000_000_000).plus_secs(seconds)
    }

    fn trace(outbox: Outbox, seen_at: Option<Timestamp>, attempts: Vec<PushAttempt>) -> Vec<String> {
        let target = TargetState {
            device: DeviceId::parse("pixel").unwrap(),
            provider: PushProvider::Fcm,
            reason: None,
            created_at: at(-100),
            seen_at,
            outbox,
            last: None,
        };
        let (sender, receiver) = (UserId(1), UserId(2));
        let targets = vec![target];
        let trace = PushTrace { sender, receiver, stored_at: at(0), seq: Seq(7), targets, attempts };
        let mut traced = traced(&trace);
        assert!(traced.deleted.is_empty());
        traced.targets.remove(0).words
    }

    #[test]
    fn each_fate_of_a_wake_up_is_told() {
        let idle = Outbox::new(Seq(3));
        assert!(trace(idle, None, Vec::new())[0].starts_with("nothing is owed"));
        let debt = Some(Debt { seq: Seq(8), is_urgent: true, since: at(1) });
        let owed = trace(Outbox { debt, due_at: Some(at(9)), attempts: 2, ..idle }, None, Vec::new());
        assert_eq!(owed[0], format!("a wake-up is owed since {}", at(1)));
        assert_eq!(owed[1], format!("due at {}, after 2 tries", at(9)));
        let attempt = PushAttempt {
            device: DeviceId::parse("pixel").unwrap(),
            at: at(2),
            from: Seq(3),
            to: Seq(7),
            provider: PushProvider::Fcm,
            outcome: PushOutcome::Accepted,
            status: Some(200),
            reason: None,
            provider_id: None,
            took_ms: 12,
        };
        let woken = Outbox { woken: Seq(7), woken_at: Some(at(2)), unanswered: 1, ..idle };
        let woken = trace(woken, Some(at(-5)), vec![attempt]);
        assert_eq!(woken[0], format!("asked fcm at {}: accepted, status 200, after 12 ms", at(2)));
        assert_eq!(woken[1], format!("covered by the wake-up that was accepted at {}", at(2)));
        assert!(woken[2].ends_with("before the message"));
        let came = trace(Outbox::new(Seq(9)), Some(at(4)), Vec::new());
        assert_eq!(came[0], "acknowledged: the device has everything up to position 9");
        assert_eq!(came[1], format!("the device was here at {}", at(4)));
        let suspended = trace(Outbox { is_suspended: true, ..idle }, None, Vec::new());
        assert!(suspended[0].starts_with("suspended"));
    }
}
