//! Requests that are on their way to providers, and devices that wait for theirs.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use rand::RngExt as _;
use tokio::task::{Id, JoinSet};

use crate::clock::{Clock, random_bytes};
use crate::domain::{LeaseEnd, LeasedTarget, PushOutcome, PushTarget, Sent, Timestamp, Wake, WakeId};
use crate::push::{Admission, Hold, Sender};
use crate::telemetry::{TraceSpan, trace_span};

/// Most requests at once to one origin of Web Push, whose owner may be anybody.
const OF_ONE_ORIGIN: usize = 8;
/// Seconds for which a device waits whose origin has enough requests.
const CROWDED_S: std::ops::Range<i64> = 1..4;
/// Seconds of its lease that a request may need.
const NEEDED_S: i64 = 15;

/// Requests on their way, and what waits for its turn.
pub(super) struct Flights {
    sender: Arc<dyn Sender>,
    clock: Clock,
    most: usize,
    waiting: VecDeque<LeasedTarget>,
    flying: JoinSet<(LeasedTarget, LeaseEnd)>,
    /// The origin of each request.
    origins: HashMap<Id, String>,
}

/// What came of starting requests.
pub(super) struct Start {
    /// Devices whose requests cannot be made now, and until when.
    pub(super) put_off: Vec<(LeasedTarget, Timestamp)>,
    /// When one of those that wait may be sent.
    pub(super) next: Option<Duration>,
}

impl Flights {
    pub(super) fn new(sender: Arc<dyn Sender>, clock: Clock, most: usize) -> Self {
        let (waiting, flying, origins) = (VecDeque::new(), JoinSet::new(), HashMap::new());
        Self { sender, clock, most, waiting, flying, origins }
    }

    /// Returns for how many more devices there is room.
    pub(super) fn room(&self) -> usize {
        self.most.saturating_sub(self.flying.len() + self.waiting.len())
    }

    /// Lets devices wait for their requests.
    pub(super) fn wait(&mut self, leased: Vec<LeasedTarget>) {
        self.waiting.extend(leased);
    }

    /// Returns what has become of requests that have ended.
    pub(super) fn landed(&mut self) -> Vec<(LeasedTarget, LeaseEnd)> {
        let mut landed = Vec::new();
        while let Some(done) = self.flying.try_join_next_with_id() {
            match done {
                Ok((id, end)) => {
                    self.origins.remove(&id);
                    landed.push(end);
                }
                // Its lease runs out.
                Err(error) => {
                    self.origins.remove(&error.id());
                    tracing::error!(error = %error, "a request to a push provider has failed");
                }
            }
        }
        landed
    }

    /// Makes the requests that may be made now. Calls `landed` whenever one has ended.
    pub(super) fn start(&mut self, now: Timestamp, landed: impl Fn() + Clone + Send + 'static) -> Start {
        let mut start = Start { put_off: Vec::new(), next: None };
        let mut still_waiting = VecDeque::new();
        while let Some(target) = self.waiting.pop_front() {
            if target.until < now.plus_secs(NEEDED_S) {
                start.put_off.push((target, now));
                continue;
            }
            let origin = self.sender.origin(&target.address);
            if self.is_crowded(&target, &origin) {
                let until = now.plus_secs(rand::rng().random_range(CROWDED_S));
                start.put_off.push((target, until));
                continue;
            }
            match self.sender.admit(&target.address, now) {
                Admission::Go => self.launch(target, origin, landed.clone()),
                Admission::Wait { until, why: Hold::Rate } => {
                    let micros = (until.as_micros() - now.as_micros()).max(0);
                    let wait = Duration::from_micros(micros.unsigned_abs());
                    start.next = Some(start.next.map_or(wait, |next| next.min(wait)));
                    still_waiting.push_back(target);
                }
                Admission::Wait { until, why: Hold::Breaker | Hold::Stopped } => start.put_off.push((target, until)),
            }
        }
        self.waiting = still_waiting;
        start
    }

    fn is_crowded(&self, target: &LeasedTarget, origin: &str) -> bool {
        let is_foreign = target.address.provider() == crate::domain::PushProvider::WebPush;
        is_foreign && self.origins.values().filter(|other| *other == origin).count() >= OF_ONE_ORIGIN
    }

    fn launch(&mut self, target: LeasedTarget, origin: String, landed: impl Fn() + Send + 'static) {
        let (sender, clock) = (self.sender.clone(), self.clock.clone());
        let span = trace_span!(
            parent: None,
            "push.send",
            provider = target.address.provider().as_str(),
            outcome = tracing::field::Empty,
            otel.kind = "client",
            otel.status_code = tracing::field::Empty,
        );
        let flight = self.flying.spawn(async move {
            let (sent, wake_id) = span.around(send(&*sender, &target)).await;
            note_outcome(&span, &sent);
            let end = LeaseEnd::Sent { sent, at: clock.now(), wake_id };
            landed();
            (target, end)
        });
        self.origins.insert(flight.id(), origin);
    }
}

/// Notes in the span of a request what has become of it.
fn note_outcome(span: &TraceSpan, sent: &Sent) {
    span.record("outcome", sent.outcome.as_str());
    if sent.outcome != PushOutcome::Accepted {
        span.fail();
    }
}

/// Makes one request.
async fn send(sender: &dyn Sender, target: &LeasedTarget) -> (Sent, WakeId) {
    let id = WakeId::of(random_bytes().unwrap_or_default());
    let wake = Wake { id: id.clone(), is_urgent: target.debt.is_none_or(|debt| debt.is_urgent) };
    let address = PushTarget { address: target.address.clone(), created_at: target.created_at };
    let sent = sender.send(&address, &wake).await;
    let sent = Sent { reason: sent.reason.filter(|_| sent.outcome != PushOutcome::Accepted), ..sent };
    (sent, id)
}
