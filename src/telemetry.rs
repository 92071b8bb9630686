//! Logs, and every metric of the server.
//!
//! Metrics are process-wide (the `metrics` facade is): two servers in one process count into the same series. No user,
//! device or actor id is ever a label.

mod cluster;
mod limiters;
mod listener;
mod media;
mod names;
mod push;
mod seldom;

use std::io::IsTerminal as _;
use std::sync::LazyLock;
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::{Log, LogFormat};

pub use cluster::{ClusterMetrics, Dropped};
pub use limiters::LimiterMetrics;
pub use listener::{ListenerKind, ListenerMetrics};
pub use media::{Direction, MediaMetrics, MediaOp};
pub use names::ActorKind;
pub use push::PushMetrics;
pub use seldom::Seldom;

/// How often histograms must be folded; otherwise they grow.
pub const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// Buckets for times from 50 µs to 10 s.
const SECONDS: [f64; 16] =
    [0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
/// Buckets for the rows of a batch.
const ROWS: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

/// Handles of the metrics, made once.
pub struct Metrics {
    prometheus: Option<PrometheusHandle>,
    /// Open sockets.
    pub sockets: Gauge,
    /// Session actors: users with at least one socket.
    pub sessions: Gauge,
    /// Messages committed.
    pub messages_stored: Counter,
    /// Frames with a message handed to a socket's queue.
    pub messages_delivered: Counter,
    /// Time of a batch's transaction.
    pub commit_seconds: Histogram,
    /// Commands in a batch.
    pub batch_rows: Histogram,
    /// Commands that wait for their commit.
    pub in_flight: Gauge,
    /// Time to hash one password, its wait included.
    pub password_seconds: Histogram,
    /// Messages that expired.
    pub expired: Counter,
    /// Messages destroyed by retention or with an account.
    pub destroyed: Counter,
    /// Tombstones and events no longer kept.
    pub dropped: Counter,
    /// Write-ahead logs emptied.
    pub checkpoints: Counter,
    /// Handshakes that wait for admission.
    pub openings_waiting: Gauge,
    /// Handshakes that were not admitted in time.
    pub openings_refused: Counter,
    /// Requests refused because too many responses wait for their clients to read them.
    pub answers_refused: Counter,
    /// Events read from the store for sockets that catch up.
    pub replayed: Counter,
    /// How far the newest time stamp is ahead of the clock.
    pub store_ahead_seconds: Gauge,
    /// Typing notices and presence look-ups dropped because of load.
    pub whispers_dropped: Counter,
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
    mailbox_wait: [Histogram; ActorKind::ALL.len()],
    actor_restarts: [Counter; ActorKind::ALL.len()],
}

static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::install);

/// Returns the process's metrics. The first call installs the Prometheus recorder, unless the program that embeds this
/// library has installed a recorder of its own: then `/metrics` responds with 404, and that recorder gets everything.
#[must_use]
pub fn metrics() -> &'static Metrics {
    &METRICS
}

impl Metrics {
    fn install() -> Self {
        let prometheus = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
            .and_then(|builder| builder.set_buckets_for_metric(Matcher::Full(names::BATCH_ROWS.to_owned()), &ROWS))
            .and_then(PrometheusBuilder::install_recorder)
            .ok();
        names::describe();
        let by_actor = |name: &'static str| ActorKind::ALL.map(|kind| histogram!(name, "actor" => kind.as_str()));
        let metrics = Self {
            prometheus,
            sockets: gauge!(names::SOCKETS),
            sessions: gauge!(names::SESSIONS),
            messages_stored: counter!(names::MESSAGES_STORED),
            messages_delivered: counter!(names::MESSAGES_DELIVERED),
            commit_seconds: histogram!(names::COMMIT_SECONDS),
            batch_rows: histogram!(names::BATCH_ROWS),
            in_flight: gauge!(names::IN_FLIGHT),
            tls_reload_failures: counter!(names::TLS_RELOAD_FAILURES),
            tls_handshake_failures: counter!(names::TLS_HANDSHAKE_FAILURES),
            password_seconds: histogram!(names::PASSWORD_SECONDS),
            expired: counter!(names::EXPIRED),
            destroyed: counter!(names::DESTROYED),
            dropped: counter!(names::DROPPED),
            checkpoints: counter!(names::CHECKPOINTS),
            openings_waiting: gauge!(names::OPENINGS_WAITING),
            openings_refused: counter!(names::OPENINGS_REFUSED),
            answers_refused: counter!(names::ANSWERS_REFUSED),
            replayed: counter!(names::REPLAYED),
            store_ahead_seconds: gauge!(names::STORE_AHEAD_SECONDS),
            whispers_dropped: counter!(names::WHISPERS_DROPPED),
            cluster: ClusterMetrics::new(),
            push: PushMetrics::new(),
            limiters: LimiterMetrics::new(),
            media: MediaMetrics::new(),
            listeners: ListenerKind::ALL.map(ListenerMetrics::new),
            mailbox_wait: by_actor(names::MAILBOX_WAIT_SECONDS),
            actor_restarts: ActorKind::ALL.map(|kind| counter!(names::ACTOR_RESTARTS, "actor" => kind.as_str())),
        };
        // Series exist before their first event, so that a rate over them includes it.
        metrics.sockets.set(0.0);
        metrics.sessions.set(0.0);
        metrics.in_flight.set(0.0);
        metrics.openings_waiting.set(0.0);
        metrics.store_ahead_seconds.set(0.0);
        metrics.openings_refused.increment(0);
        metrics.messages_stored.increment(0);
        metrics.messages_delivered.increment(0);
        for counter in [&metrics.expired, &metrics.destroyed, &metrics.dropped, &metrics.checkpoints] {
            counter.increment(0);
        }
        metrics.answers_refused.increment(0);
        metrics.replayed.increment(0);
        metrics.whispers_dropped.increment(0);
        metrics.tls_reload_failures.increment(0);
        metrics.tls_handshake_failures.increment(0);
        metrics.actor_restarts.iter().for_each(|restarts| restarts.increment(0));
        metrics
    }

    /// Returns the text for Prometheus, or `None` under a foreign recorder.
    #[must_use]
    pub fn render(&self) -> Option<String> {
        self.prometheus.as_ref().map(PrometheusHandle::render)
    }

    /// Folds the samples that histograms have gathered. Must be called every [`UPKEEP_INTERVAL`].
    pub fn run_upkeep(&self) {
        if let Some(prometheus) = &self.prometheus {
            prometheus.run_upkeep();
        }
    }

    /// Returns the metrics of a listener.
    #[must_use]
    pub fn listener(&self, listener: ListenerKind) -> &ListenerMetrics {
        &self.listeners[listener as usize]
    }

    /// Records how long a message lay in a mailbox.
    pub fn mailbox_wait(&self, kind: ActorKind, waited: Duration) {
        self.mailbox_wait[kind as usize].record(waited);
    }

    /// Counts an actor that failed. A successor replaces it, unless it was a session.
    pub fn actor_restarted(&self, kind: ActorKind) {
        self.actor_restarts[kind as usize].increment(1);
    }

    /// Counts a request with its status, and records its duration.
    pub fn http_request(&self, method: &'static str, route: &'static str, status: u16, took: Duration) {
        counter!(names::HTTP_REQUESTS, "method" => method, "route" => route, "status" => status.to_string())
            .increment(1);
        histogram!(names::HTTP_SECONDS, "route" => route).record(took);
    }

    /// Counts a socket that was closed with `code` (1006 when there was no closing handshake). All codes that clients
    /// make up count as one.
    pub fn socket_closed(&self, code: u16) {
        let known = matches!(code, 1000..=1015 | 4001..=4003);
        let code = if known { code.to_string() } else { "other".to_owned() };
        counter!(names::SOCKETS_CLOSED, "code" => code).increment(1);
    }

    /// Notes when the certificate in use ends, in seconds since 1970. Without TLS there is no such series, which an
    /// alert would take for a certificate that has ended.
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are far below 2^52")]
    pub fn tls_certificate_ends(&self, unix_s: i64) {
        gauge!(names::TLS_NOT_AFTER).set(unix_s as f64);
    }

    /// Counts a frame or a message that was refused with an error.
    pub fn frame_error(&self, code: &'static str) {
        counter!(names::FRAME_ERRORS, "code" => code).increment(1);
    }
}

/// Sets up logging for the whole process. Returns an error when the filter cannot be read or logging is set up already.
///
/// The dependencies that log whole frames and requests do so through the `log` crate, which is deliberately not
/// collected: no filter can make the server print message content.
pub fn init_logging(log: &Log) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let filter = EnvFilter::try_new(&log.filter)?;
    let layer = tracing_subscriber::fmt::layer()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        // A line that cannot be written is dropped: to report that on the same stream would be a panic.
        .log_internal_errors(false);
    let registry = tracing_subscriber::registry().with(filter);
    match log.format {
        LogFormat::Text => registry.with(layer).try_init()?,
        // The list of spans ends with the current one.
        LogFormat::Json => registry.with(layer.json().with_current_span(false)).try_init()?,
    }
    Ok(())
}
