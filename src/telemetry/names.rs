//! The names of all metrics, with what they are: one line each.
//!
//! The rules are Prometheus' (<https://prometheus.io/docs/practices/naming/>): base units at the end of the name, a
//! counter ends in `_total`. Each series exists from the start, at zero, unless its metric says otherwise; no label has
//! a value that a client, a user or a device brings. A test keeps these rules.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts values by size.
    Histogram,
}

/// A metric.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// What it is.
    pub kind: MetricKind,
    /// Its name.
    pub name: &'static str,
    /// Its unit.
    pub unit: Unit,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// What it tells, in a line.
    pub help: &'static str,
}

macro_rules! metrics {
    ($($kind:ident $constant:ident = $name:literal [$($label:literal)*] $unit:ident $help:literal;)+) => {
        $(pub(super) const $constant: &str = $name;)+

        /// All metrics of the server.
        pub const ALL: &[Metric] = &[$(Metric {
            kind: MetricKind::$kind,
            name: $name,
            unit: Unit::$unit,
            labels: &[$($label),*],
            help: $help,
        },)+];
    };
}

metrics! {
    Gauge BUILD = "fluent_build_info" ["version" "commit" "store"] Count "1: which build runs, on which store";
    Gauge READY = "fluent_ready" [] Count "Whether the server can be used, as /readyz says";
    Gauge DRAINING = "fluent_draining" [] Count "Whether the server is stopping";

    Gauge CONNECTIONS = "fluent_connections" ["listener"] Count "Connections that have a place";
    Counter EVICTED = "fluent_connections_evicted_total" ["listener"] Count
        "Idle connections of strangers closed to make room for newcomers";
    Counter REFUSED = "fluent_connections_refused_total" ["listener" "reason"] Count
        "Connections that got no place, by why";
    Counter TLS_RELOAD_FAILURES = "fluent_tls_reload_failures_total" [] Count
        "Files with a new certificate that could not be used";
    Counter TLS_HANDSHAKE_FAILURES = "fluent_tls_handshake_failures_total" [] Count
        "Handshakes of TLS that have failed";
    Gauge TLS_NOT_AFTER = "fluent_tls_certificate_not_after_timestamp_seconds" [] Seconds
        "When the certificate in use ends, since 1970; not there without TLS";

    Counter HTTP_REQUESTS = "fluent_http_requests_total" ["method" "route" "status"] Count
        "Requests by route and class of status; 4xx has those for which the client did not wait";
    Histogram HTTP_SECONDS = "fluent_http_request_duration_seconds" ["method" "route"] Seconds
        "Time from request head to response head";
    Counter ANSWERS_REFUSED = "fluent_answers_refused_total" [] Count
        "Requests refused because clients do not read their responses";

    Gauge HANDSHAKES_WAITING = "fluent_handshakes_waiting" [] Count "Handshakes of sockets that wait for admission";
    Counter HANDSHAKES = "fluent_handshakes_total" ["outcome"] Count "Handshakes of sockets, by how they have ended";
    Histogram HANDSHAKE_SECONDS = "fluent_handshake_duration_seconds" [] Seconds
        "Time until the handshake of a socket is answered, its wait for admission included";
    Gauge SOCKETS = "fluent_sockets" ["dialect" "mode"] Count "Open sockets";
    Gauge SESSIONS = "fluent_sessions" [] Count "Session actors: users with at least one socket";
    Counter SOCKETS_CLOSED = "fluent_sockets_closed_total" ["code"] Count "Sockets closed, by close code";
    Counter FRAME_ERRORS = "fluent_frame_errors_total" ["code"] Count "Error frames sent, by code";
    Counter EPHEMERAL_DROPPED = "fluent_ephemeral_dropped_total" ["type"] Count
        "Frames that may be lost and were, because of load or a slow reader";

    Counter MESSAGES_STORED = "fluent_messages_stored_total" [] Count "Messages committed";
    Counter FRAMES_QUEUED = "fluent_message_frames_queued_total" ["dialect"] Count
        "Frames with a message put into sockets' send queues";
    Histogram DELIVERY_SECONDS = "fluent_delivery_seconds" [] Seconds
        "Time from reading a message from its sender's socket to having written it to one of its receiver's";
    Counter REPLAYED = "fluent_events_replayed_total" [] Count
        "Events read from the store for sockets that catch up";
    Counter MESSAGES_DESTROYED = "fluent_messages_destroyed_total" ["reason"] Count "Messages destroyed, by why";
    Counter ROWS_DROPPED = "fluent_rows_dropped_total" ["kind"] Count "Rows that were kept for long enough";

    Gauge IN_FLIGHT = "fluent_commands_in_flight" [] Count "Commands that wait for their commit";
    Histogram COMMIT_SECONDS = "fluent_commit_duration_seconds" [] Seconds "Time of a batch's transaction";
    Histogram BATCH_COMMANDS = "fluent_batch_commands" [] Count "Commands in a batch";
    Gauge DB_CONNECTIONS = "fluent_db_connections" ["pool" "state"] Count "Connections to the database, by use";
    Histogram DB_ACQUIRE_SECONDS = "fluent_db_acquire_seconds" ["pool"] Seconds
        "Wait of a transaction for the right to write and for its connection";
    Counter DB_ERRORS = "fluent_db_errors_total" ["kind"] Count "Failures of the database, by kind";
    Counter DB_SLOW = "fluent_db_slow_queries_total" [] Count "Statements that took longer than log.slow_query_ms";
    Gauge DB_BYTES = "fluent_database_bytes" [] Bytes "Size of the database";
    Gauge WAL_BYTES = "fluent_wal_bytes" [] Bytes "Size of SQLite's write-ahead log";
    Gauge DISK_FREE = "fluent_disk_free_bytes" ["disk"] Bytes "Room on the disks of SQLite's store and of files";
    Gauge DISK_SIZE = "fluent_disk_size_bytes" ["disk"] Bytes "Size of these disks";
    Counter CHECKPOINTS = "fluent_wal_checkpoints_total" [] Count
        "Write-ahead logs emptied after something was destroyed";
    Gauge STORE_AHEAD_SECONDS = "fluent_store_ahead_seconds" [] Seconds
        "How far the newest time stamp is ahead of the clock";
    Counter CLOCK_BACKSTEPS = "fluent_clock_backsteps_total" [] Count "Times that the clock was set back";

    Histogram MAILBOX_WAIT_SECONDS = "fluent_mailbox_wait_seconds" ["actor"] Seconds
        "Time that a message waited in an actor's mailbox";
    Counter ACTOR_RESTARTS = "fluent_actor_restarts_total" ["actor"] Count
        "Actors that failed; all but sessions are replaced by a successor";
    Gauge ACTOR_WAITING = "fluent_actor_waiting" ["actor"] Count "Messages in the mailboxes of a kind of actor";
    Gauge ACTOR_BUSY = "fluent_actor_busy_seconds" ["actor"] Seconds
        "For how long the message in hand has been worked on, the longest of a kind";
    Gauge ACTOR_STUCK = "fluent_actor_stuck" ["actor"] Count "Whether an actor of the kind stands still";
    Gauge RUNTIME_WORKERS = "fluent_runtime_workers" [] Count "Threads that run tasks";
    Gauge RUNTIME_TASKS = "fluent_runtime_tasks" [] Count "Tasks that have not ended";
    Gauge RUNTIME_QUEUE = "fluent_runtime_queue_tasks" [] Count "Tasks that wait in the queue of all threads";
    Gauge RUNTIME_BUSY = "fluent_runtime_busy_ratio" [] Count
        "The part of the last second for which the threads ran tasks";
    Counter LOG_LINES = "fluent_log_lines_total" ["level"] Count "Lines logged";
    Counter TRACE_SPANS_DROPPED = "fluent_trace_spans_dropped_total" [] Count
        "Spans of traces dropped because the collector did not take them in time";

    Histogram PASSWORD_WAIT_SECONDS = "fluent_password_wait_seconds" [] Seconds "Wait of a password hash for a thread";
    Histogram PASSWORD_HASH_SECONDS = "fluent_password_hash_duration_seconds" [] Seconds "Time of a password hash";
    Counter LIMITER_REFUSALS = "fluent_limiter_refusals_total" ["limiter"] Count "Refusals and drops, by limiter";
    Counter LIMITER_DELAYS = "fluent_limiter_delays_total" ["limiter"] Count "What was made to wait, by limiter";
    Counter LIMITER_OVERFLOWS = "fluent_limiter_overflows_total" ["limiter"] Count
        "New keys that found the table of limiters full, by limiter";
    Gauge LIMITER_KEYS = "fluent_limiter_keys" [] Count "Keys that limiters count just now";

    Gauge CLUSTER_NODES = "fluent_cluster_nodes" [] Count
        "Servers on the database that were seen lately, with this one";
    Gauge FENCED = "fluent_cluster_fenced" [] Count
        "1 while clients are sent to other servers, which reach the database";
    Gauge TOLD = "fluent_cluster_told" [] Count "The number up to which everything was announced here";
    Counter RECORDS = "fluent_cluster_records_total" ["from"] Count
        "Batches that were announced, by where they came from";
    Counter GAPS = "fluent_cluster_gaps_total" ["by"] Count
        "Batches of other servers that were missing, by what has brought them";
    Gauge RELAY_UP = "fluent_cluster_relay_up" [] Count "Whether NATS answers";
    Counter BYTES = "fluent_cluster_bytes_total" ["direction"] Bytes "Bytes of words between servers by NATS";
    Counter WORDS_DROPPED = "fluent_cluster_dropped_total" ["what"] Count
        "Words between servers that were dropped, by the cause";
    Histogram FOREIGN_DELIVERY_SECONDS = "fluent_cluster_foreign_delivery_seconds" [] Seconds
        "Time from another server's commit to the registry";

    Counter MEDIA_BYTES = "fluent_media_bytes_total" ["direction"] Bytes "Bytes of files, received or sent";
    Gauge MEDIA_TRANSFERS = "fluent_media_transfers" ["direction"] Count "Files that are being received or sent";
    Counter MEDIA_REQUESTS = "fluent_media_requests_total" ["op" "status"] Count
        "Requests about files, by what they want and the class of status";
    Gauge MEDIA_STORED_BYTES = "fluent_media_stored_bytes" [] Bytes "Bytes of the files that are there";
    Gauge MEDIA_FILES = "fluent_media_files" ["state"] Count "Files, by state";
    Counter MEDIA_ORPHANS = "fluent_media_orphans_total" ["kind"] Count
        "Files on the disk that nobody knew, removed";
    Gauge MEDIA_LOST = "fluent_media_lost" [] Count "Files that the database knows, and that are missing";
    Histogram MEDIA_FSYNC_SECONDS = "fluent_media_fsync_seconds" [] Seconds
        "Time until bytes of a file are on the disk";
    Histogram MEDIA_BUCKET_SECONDS = "fluent_media_bucket_seconds" [] Seconds
        "Time of a request to the bucket of files, with its repetitions";
    Counter MEDIA_BUCKET_FAILURES = "fluent_media_bucket_failures_total" ["op"] Count
        "Requests to the bucket of files that have failed, repetitions too";

    Counter PUSH_ATTEMPTS = "fluent_push_attempts_total" ["provider" "outcome"] Count
        "Requests to providers that wake devices, by outcome";
    Histogram PUSH_SEND_SECONDS = "fluent_push_send_seconds" ["provider"] Seconds
        "Time of a request to a provider that wakes devices";
    Histogram PUSH_WAKE_SECONDS = "fluent_push_wake_seconds" ["provider"] Seconds
        "Time from an accepted wake-up until the device came";
    Gauge PUSH_OWED = "fluent_push_owed" ["provider"] Count "Devices that are owed a wake-up";
    Gauge PUSH_OLDEST_OWED = "fluent_push_oldest_owed_seconds" [] Seconds
        "For how long the oldest wake-up has been owed";
    Gauge PUSH_TARGETS = "fluent_push_targets" ["provider" "state"] Count
        "Devices that are registered to be woken, by state";
    Gauge PUSH_BREAKER_OPEN = "fluent_push_breaker_open" ["provider"] Count
        "1 while a provider is held back; of Web Push, how many origins";
    Counter PUSH_UNCONFIRMED = "fluent_push_unconfirmed_total" [] Count
        "Messages that connected devices did not acknowledge in time";
    Counter PUSH_DELETED = "fluent_push_deleted_total" ["provider"] Count "Devices that providers no longer know";
}

/// Returns the metric of this name.
pub(super) fn metric(name: &str) -> Option<&'static Metric> {
    ALL.iter().find(|metric| metric.name == name)
}

/// Tells the recorder what the metrics are.
pub(super) fn describe() {
    for Metric { kind, name, unit, help, .. } in ALL {
        match kind {
            MetricKind::Counter => describe_counter!(*name, *unit, *help),
            MetricKind::Gauge => describe_gauge!(*name, *unit, *help),
            MetricKind::Histogram => describe_histogram!(*name, *unit, *help),
        }
    }
}
