//! Logs, and every metric of the server.
//!
//! Metrics are process-wide (the `metrics` facade is): two servers in one process count into the same series. No user,
//! device or actor id is ever a label.

mod actor_kind;
mod actors;
mod cluster;
mod handshakes;
mod http;
mod level;
mod limiters;
mod listener;
mod log_filter;
mod log_lines;
mod logging;
mod media;
mod messages;
mod names;
mod process;
mod push;
mod read_at;
mod request_id;
mod seldom;
mod shards;
mod slow;
mod sockets;
mod store;
mod times;
mod trace_span;
#[cfg(feature = "otlp")]
pub mod traces;
mod window;

use std::sync::LazyLock;
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

pub use actor_kind::ActorKind;
pub use actors::ActorMetrics;
pub use cluster::{ClusterMetrics, Dropped};
pub use handshakes::{HandshakeMetrics, HandshakeOutcome};
pub use http::{HttpMetrics, STATUS_CLASSES};
pub use level::{Held, Level, Total};
pub use limiters::LimiterMetrics;
pub use listener::{ListenerKind, ListenerMetrics};
pub use log_filter::{LogFilter, NoFilter, Switched};
pub use log_lines::{LogLine, newest_log_lines};
pub use logging::{LOG_LEVELS, LogGuard, LogMetrics, init_logging};
pub use media::{BucketOp, Direction, MediaMetrics, MediaOp};
pub use messages::{Destroyed, Ephemeral, MessageMetrics, RowKind};
pub use names::{ALL as ALL_METRICS, Metric, MetricKind};
pub use process::{Files, ProcessMetrics, Usage};
pub use push::PushMetrics;
pub use read_at::ReadAt;
pub use request_id::{RequestId, in_current_request};
pub use seldom::Seldom;
pub use slow::{SlowLog, millis};
pub use sockets::{CLOSE_CODES, SocketKind, SocketMetrics, close_labels};
pub use store::{DbFailure, Pool, StoreMetrics};
pub use times::Times;
pub(crate) use trace_span::{TraceSpan, trace_span};
pub use window::{Spread, Window};

use messages::at_zero;

/// How often histograms must be folded; otherwise they grow.
pub const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// Buckets of times, with edges at what the server promises.
const SECONDS: [f64; 12] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Buckets of the waits in mailboxes and for connections: fewer, since there are as many as kinds of actors and pools.
const WAIT_SECONDS: [f64; 10] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];
/// Buckets of the times of requests: fewer, since there are as many as routes.
const REQUEST_SECONDS: [f64; 5] = [0.005, 0.025, 0.1, 0.5, 2.5];
/// Buckets of the times of password hashes.
const HASH_SECONDS: [f64; 9] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];
/// Buckets of the times of deliveries.
const DELIVERY_SECONDS: [f64; 11] = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];
/// Buckets of the commands of a batch.
const COMMANDS: [f64; 11] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0];

/// The commit that the build is of, where whoever built it says so.
const COMMIT: &str = match option_env!("FLUENT_COMMIT") {
    Some(commit) => commit,
    None => "unknown",
};

/// Handles of the metrics, made once.
pub struct Metrics {
    prometheus: Option<PrometheusHandle>,
    /// Those of open sockets.
    pub sockets: SocketMetrics,
    /// Session actors: users with at least one socket.
    pub sessions: Gauge,
    /// Those of messages.
    pub messages: MessageMetrics,
    /// Those of the store.
    pub store: StoreMetrics,
    /// Those of the actors.
    pub actors: ActorMetrics,
    /// Those of handshakes.
    pub handshakes: HandshakeMetrics,
    /// Those of requests.
    pub http: HttpMetrics,
    /// Those of the process and its runtime.
    pub process: ProcessMetrics,
    /// Those of the log.
    pub log: LogMetrics,
    /// Spans of traces that were not exported.
    pub trace_spans_dropped: Counter,
    /// Wait of a password hash for a thread.
    pub password_wait_seconds: Histogram,
    /// Time to hash one password.
    pub password_hash_seconds: Histogram,
    /// Passwords that wait for a thread.
    pub passwords_waiting: Level,
    /// Passwords that are being hashed.
    pub passwords_hashed: Level,
    /// Files with a new certificate that could not be used.
    pub tls_reload_failures: Counter,
    /// Handshakes of TLS that have failed.
    pub tls_handshake_failures: Counter,
    /// Those of several servers on one PostgreSQL.
    pub cluster: ClusterMetrics,
    /// Those of waking devices.
    pub push: PushMetrics,
    /// Those of the limiters.
    pub limiters: LimiterMetrics,
    /// Those of files.
    pub media: MediaMetrics,
    listeners: [ListenerMetrics; ListenerKind::ALL.len()],
    ready: Gauge,
    draining: Gauge,
}

static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::install);

/// Returns the process's metrics. The first call installs the Prometheus recorder, unless the program that embeds this
/// library has installed a recorder of its own: then `/metrics` responds with 404, and that recorder gets everything.
#[must_use]
pub fn metrics() -> &'static Metrics {
    &METRICS
}

/// Makes the recorder.
fn builder() -> Result<PrometheusBuilder, BuildError> {
    let full = |name: &str| Matcher::Full(name.to_owned());
    PrometheusBuilder::new()
        // Adds nothing to names that are right.
        .with_recommended_naming(true)
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
        .set_buckets_for_metric(full(names::HTTP_SECONDS), &REQUEST_SECONDS)?
        .set_buckets_for_metric(full(names::DB_ACQUIRE_SECONDS), &WAIT_SECONDS)?
        .set_buckets_for_metric(full(names::PASSWORD_WAIT_SECONDS), &HASH_SECONDS)?
        .set_buckets_for_metric(full(names::PASSWORD_HASH_SECONDS), &HASH_SECONDS)?
        .set_buckets_for_metric(full(names::BATCH_COMMANDS), &COMMANDS)
}

impl Metrics {
    fn install() -> Self {
        let prometheus = builder().and_then(PrometheusBuilder::install_recorder).ok();
        names::describe();
        let is_foreign = prometheus.is_none();
        let metrics = Self {
            prometheus,
            sockets: SocketMetrics::new(),
            sessions: gauge!(names::SESSIONS),
            messages: MessageMetrics::new(is_foreign),
            store: StoreMetrics::new(),
            actors: ActorMetrics::new(is_foreign),
            handshakes: HandshakeMetrics::new(),
            http: HttpMetrics::new(),
            process: ProcessMetrics::new(),
            log: LogMetrics::new(),
            trace_spans_dropped: at_zero(counter!(names::TRACE_SPANS_DROPPED)),
            password_wait_seconds: histogram!(names::PASSWORD_WAIT_SECONDS),
            password_hash_seconds: histogram!(names::PASSWORD_HASH_SECONDS),
            passwords_waiting: Level::new(Gauge::noop()),
            passwords_hashed: Level::new(Gauge::noop()),
            tls_reload_failures: at_zero(counter!(names::TLS_RELOAD_FAILURES)),
            tls_handshake_failures: at_zero(counter!(names::TLS_HANDSHAKE_FAILURES)),
            cluster: ClusterMetrics::new(),
            push: PushMetrics::new(),
            limiters: LimiterMetrics::new(),
            media: MediaMetrics::new(),
            listeners: ListenerKind::ALL.map(ListenerMetrics::new),
            ready: gauge!(names::READY),
            draining: gauge!(names::DRAINING),
        };
        for gauge in [&metrics.sessions, &metrics.ready, &metrics.draining] {
            gauge.set(0.0);
        }
        metrics
    }

    /// Returns the text for Prometheus, or `None` under a foreign recorder.
    #[must_use]
    pub fn render(&self) -> Option<String> {
        self.publish();
        self.process.collect();
        let mut text = self.prometheus.as_ref()?.render();
        times::write(names::metric(names::DELIVERY_SECONDS)?, [&self.messages.delivery_seconds], &mut text);
        times::write(names::metric(names::MAILBOX_WAIT_SECONDS)?, self.actors.wait_seconds(), &mut text);
        Some(text)
    }

    /// Tells the recorder what the server counts itself.
    pub fn publish(&self) {
        self.sockets.publish();
        self.messages.publish();
        self.store.in_flight.publish();
        self.handshakes.waiting.publish();
    }

    /// Folds the samples that histograms have gathered. Must be called every [`UPKEEP_INTERVAL`].
    pub fn run_upkeep(&self) {
        if let Some(prometheus) = &self.prometheus {
            prometheus.run_upkeep();
        } else {
            self.publish();
        }
    }

    /// Notes that a server has started, on a store of this kind.
    pub fn started(&self, store: &'static str) {
        let version = env!("CARGO_PKG_VERSION");
        gauge!(names::BUILD, "version" => version, "commit" => COMMIT, "store" => store).set(1.0);
    }

    /// Notes whether the server can be used, and whether it is stopping.
    pub fn readiness(&self, is_ready: bool, is_draining: bool) {
        for (gauge, is_so) in [(&self.ready, is_ready), (&self.draining, is_draining)] {
            gauge.set(if is_so { 1.0 } else { 0.0 });
        }
    }

    /// Returns the metrics of a listener.
    #[must_use]
    pub fn listener(&self, listener: ListenerKind) -> &ListenerMetrics {
        &self.listeners[listener as usize]
    }

    /// Notes when the certificate in use ends, in seconds since 1970. Without TLS there is no such series, which an
    /// alert would take for a certificate that has ended.
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are far below 2^52")]
    pub fn tls_certificate_ends(&self, unix_s: i64) {
        gauge!(names::TLS_NOT_AFTER).set(unix_s as f64);
    }
}
