//! The names of all metrics, and their help texts.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

pub(super) const CONNECTIONS: &str = "fluent_connections";
pub(super) const EVICTED: &str = "fluent_connections_evicted_total";
pub(super) const REFUSED: &str = "fluent_connections_refused_total";
pub(super) const SOCKETS: &str = "fluent_sockets";
pub(super) const SESSIONS: &str = "fluent_sessions";
pub(super) const MESSAGES_STORED: &str = "fluent_messages_stored_total";
pub(super) const MESSAGES_DELIVERED: &str = "fluent_messages_delivered_total";
pub(super) const COMMIT_SECONDS: &str = "fluent_commit_seconds";
pub(super) const BATCH_ROWS: &str = "fluent_batch_rows";
pub(super) const IN_FLIGHT: &str = "fluent_messages_in_flight";
pub(super) const PASSWORD_SECONDS: &str = "fluent_password_seconds";
pub(super) const MAILBOX_WAIT_SECONDS: &str = "fluent_mailbox_wait_seconds";
pub(super) const ACTOR_RESTARTS: &str = "fluent_actor_restarts_total";
pub(super) const HTTP_REQUESTS: &str = "fluent_http_requests_total";
pub(super) const HTTP_SECONDS: &str = "fluent_http_seconds";
pub(super) const SOCKETS_CLOSED: &str = "fluent_sockets_closed_total";
pub(super) const FRAME_ERRORS: &str = "fluent_frame_errors_total";

pub(super) const EXPIRED: &str = "fluent_messages_expired_total";
pub(super) const DESTROYED: &str = "fluent_ciphertexts_destroyed_total";
pub(super) const DROPPED: &str = "fluent_tombstones_dropped_total";
pub(super) const CHECKPOINTS: &str = "fluent_wal_checkpoints_total";
pub(super) const OPENINGS_WAITING: &str = "fluent_openings_waiting";
pub(super) const OPENINGS_REFUSED: &str = "fluent_openings_refused_total";
pub(super) const ANSWERS_REFUSED: &str = "fluent_answers_refused_total";
pub(super) const REPLAYED: &str = "fluent_events_replayed_total";
pub(super) const STORE_AHEAD_SECONDS: &str = "fluent_store_ahead_seconds";
pub(super) const WHISPERS_DROPPED: &str = "fluent_whispers_dropped_total";
pub(super) const TLS_RELOAD_FAILURES: &str = "fluent_tls_reload_failures_total";
pub(super) const TLS_HANDSHAKE_FAILURES: &str = "fluent_tls_handshake_failures_total";
pub(super) const TLS_NOT_AFTER: &str = "fluent_tls_certificate_not_after_timestamp_seconds";
pub(super) const CLUSTER_NODES: &str = "fluent_cluster_nodes";
pub(super) const FENCED: &str = "fluent_cluster_fenced";
pub(super) const TOLD: &str = "fluent_cluster_told";
pub(super) const RECORDS: &str = "fluent_cluster_records_total";
pub(super) const GAPS: &str = "fluent_cluster_gaps_total";
pub(super) const RELAY_UP: &str = "fluent_cluster_relay_up";
pub(super) const BYTES: &str = "fluent_cluster_bytes_total";
pub(super) const WORDS_DROPPED: &str = "fluent_cluster_dropped_total";
pub(super) const LIMITER_REFUSALS: &str = "fluent_limiter_refusals_total";
pub(super) const LIMITER_DELAYS: &str = "fluent_limiter_delays_total";
pub(super) const LIMITER_OVERFLOWS: &str = "fluent_limiter_overflows_total";
pub(super) const LIMITER_KEYS: &str = "fluent_limiter_keys";
pub(super) const MEDIA_BYTES: &str = "fluent_media_bytes_total";
pub(super) const MEDIA_TRANSFERS: &str = "fluent_media_transfers";
pub(super) const MEDIA_REQUESTS: &str = "fluent_media_requests_total";
pub(super) const MEDIA_STORED_BYTES: &str = "fluent_media_stored_bytes";
pub(super) const MEDIA_FILES: &str = "fluent_media_files";
pub(super) const MEDIA_ORPHANS: &str = "fluent_media_orphans_total";
pub(super) const MEDIA_LOST: &str = "fluent_media_lost";
pub(super) const MEDIA_FSYNC_SECONDS: &str = "fluent_media_fsync_seconds";
pub(super) const PUSH_ATTEMPTS: &str = "fluent_push_attempts_total";
pub(super) const PUSH_SEND_SECONDS: &str = "fluent_push_send_seconds";
pub(super) const PUSH_WAKE_SECONDS: &str = "fluent_push_wake_seconds";
pub(super) const PUSH_OWED: &str = "fluent_push_owed";
pub(super) const PUSH_OLDEST_OWED: &str = "fluent_push_oldest_owed_seconds";
pub(super) const PUSH_TARGETS: &str = "fluent_push_targets";
pub(super) const PUSH_BREAKER_OPEN: &str = "fluent_push_breaker_open";
pub(super) const PUSH_UNCONFIRMED: &str = "fluent_push_unconfirmed_total";
pub(super) const PUSH_DELETED: &str = "fluent_push_deleted_total";
pub(super) const FOREIGN_DELIVERY_SECONDS: &str = "fluent_cluster_foreign_delivery_seconds";

/// The kinds of actor, as the label `actor`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ActorKind {
    /// The root: supervises all others.
    Root,
    /// The registry: knows the sessions, and routes to them.
    Registry,
    /// The session of one connected user.
    Session,
    /// The writer: stores commands in batches.
    Persistence,
    /// Presence: who is online and who is typing.
    Presence,
    /// The janitor: deletes what has expired.
    Janitor,
    /// The relay: brings the batches of all servers into one order.
    Relay,
    /// Who is where: what this server knows of the others and of their sockets.
    Who,
    /// Push: wakes devices whose apps sleep.
    Push,
}

impl ActorKind {
    /// All kinds, in the order of their discriminants.
    pub const ALL: [Self; 9] = [
        Self::Root,
        Self::Registry,
        Self::Session,
        Self::Persistence,
        Self::Presence,
        Self::Janitor,
        Self::Relay,
        Self::Who,
        Self::Push,
    ];

    /// Returns the label's value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Registry => "registry",
            Self::Session => "session",
            Self::Persistence => "persistence",
            Self::Presence => "presence",
            Self::Janitor => "janitor",
            Self::Relay => "relay",
            Self::Who => "who",
            Self::Push => "push",
        }
    }
}

pub(super) fn describe() {
    describe_gauge!(CONNECTIONS, Unit::Count, "Connections that have a place");
    describe_counter!(EVICTED, Unit::Count, "Idle connections of strangers closed to make room for newcomers");
    describe_counter!(
        REFUSED,
        Unit::Count,
        "Connections that got no place: all taken, too many of one address, or no PROXY header"
    );
    describe_gauge!(SOCKETS, Unit::Count, "Open sockets");
    describe_gauge!(SESSIONS, Unit::Count, "Session actors: users with at least one socket");
    describe_counter!(MESSAGES_STORED, Unit::Count, "Messages committed");
    describe_counter!(MESSAGES_DELIVERED, Unit::Count, "Message frames put into sockets' send queues");
    describe_histogram!(COMMIT_SECONDS, Unit::Seconds, "Time of a batch's transaction");
    describe_histogram!(BATCH_ROWS, Unit::Count, "Commands in a batch");
    describe_gauge!(IN_FLIGHT, Unit::Count, "Commands that wait for their commit");
    describe_histogram!(PASSWORD_SECONDS, Unit::Seconds, "Time of a password hash with its wait");
    describe_histogram!(MAILBOX_WAIT_SECONDS, Unit::Seconds, "Time that a message waited in an actor's mailbox");
    describe_counter!(EXPIRED, Unit::Count, "Messages that expired");
    describe_counter!(DESTROYED, Unit::Count, "Messages destroyed by retention or with an account");
    describe_counter!(DROPPED, Unit::Count, "Tombstones and events no longer kept");
    describe_counter!(CHECKPOINTS, Unit::Count, "Write-ahead logs emptied after something was destroyed");
    describe_gauge!(OPENINGS_WAITING, Unit::Count, "Handshakes that wait for admission");
    describe_counter!(OPENINGS_REFUSED, Unit::Count, "Handshakes that were not admitted in time");
    describe_counter!(ANSWERS_REFUSED, Unit::Count, "Requests refused because clients do not read their responses");
    describe_counter!(REPLAYED, Unit::Count, "Events read from the store for sockets that catch up");
    describe_gauge!(STORE_AHEAD_SECONDS, Unit::Seconds, "How far the newest time stamp is ahead of the clock");
    describe_gauge!(FENCED, Unit::Count, "1 while clients are sent to other servers, which reach the database");
    describe_counter!(TLS_RELOAD_FAILURES, Unit::Count, "Files with a new certificate that could not be used");
    describe_counter!(TLS_HANDSHAKE_FAILURES, Unit::Count, "Handshakes of TLS that have failed");
    describe_gauge!(TLS_NOT_AFTER, Unit::Seconds, "When the certificate in use ends, since 1970");
    describe_gauge!(CLUSTER_NODES, Unit::Count, "Servers on the database that were seen lately, with this one");
    describe_gauge!(TOLD, Unit::Count, "The number up to which everything was announced here");
    describe_counter!(RECORDS, Unit::Count, "Batches that were announced, by where they came from");
    describe_counter!(GAPS, Unit::Count, "Batches of other servers that were missing, by what has brought them");
    describe_gauge!(RELAY_UP, Unit::Count, "Whether NATS answers");
    describe_counter!(BYTES, Unit::Bytes, "Bytes of words between servers by NATS");
    describe_counter!(WORDS_DROPPED, Unit::Count, "Words between servers that were dropped, by the cause");
    describe_histogram!(FOREIGN_DELIVERY_SECONDS, Unit::Seconds, "Time from another server's commit to the registry");
    describe_counter!(WHISPERS_DROPPED, Unit::Count, "Typing and presence requests dropped because of load");
    describe_counter!(LIMITER_REFUSALS, Unit::Count, "Refusals and drops, by limiter");
    describe_counter!(LIMITER_DELAYS, Unit::Count, "What was made to wait, by limiter");
    describe_counter!(LIMITER_OVERFLOWS, Unit::Count, "New keys that found the table of limiters full, by limiter");
    describe_gauge!(LIMITER_KEYS, Unit::Count, "Keys that limiters count just now");
    describe_counter!(MEDIA_BYTES, Unit::Bytes, "Bytes of files, received or sent");
    describe_gauge!(MEDIA_TRANSFERS, Unit::Count, "Files that are being received or sent");
    describe_counter!(MEDIA_REQUESTS, Unit::Count, "Requests about files, by what they want and the status");
    describe_gauge!(MEDIA_STORED_BYTES, Unit::Bytes, "Bytes of the files that are there");
    describe_gauge!(MEDIA_FILES, Unit::Count, "Files, by state");
    describe_counter!(MEDIA_ORPHANS, Unit::Count, "Files on the disk that nobody knew, removed");
    describe_gauge!(MEDIA_LOST, Unit::Count, "Files that are missing on the disk");
    describe_histogram!(MEDIA_FSYNC_SECONDS, Unit::Seconds, "Time until bytes of a file are on the disk");
    describe_counter!(PUSH_ATTEMPTS, Unit::Count, "Requests to providers that wake devices, by outcome");
    describe_histogram!(PUSH_SEND_SECONDS, Unit::Seconds, "Time of a request to a provider that wakes devices");
    describe_histogram!(PUSH_WAKE_SECONDS, Unit::Seconds, "Time from an accepted wake-up until the device came");
    describe_gauge!(PUSH_OWED, Unit::Count, "Devices that are owed a wake-up");
    describe_gauge!(PUSH_OLDEST_OWED, Unit::Seconds, "For how long the oldest wake-up has been owed");
    describe_gauge!(PUSH_TARGETS, Unit::Count, "Devices that are registered to be woken, by state");
    describe_gauge!(PUSH_BREAKER_OPEN, Unit::Count, "1 while a provider is held back; of Web Push, how many origins");
    describe_counter!(PUSH_UNCONFIRMED, Unit::Count, "Messages that connected devices did not acknowledge in time");
    describe_counter!(PUSH_DELETED, Unit::Count, "Devices that providers no longer know");
    describe_counter!(ACTOR_RESTARTS, Unit::Count, "Actors that failed; all but sessions are replaced by a successor");
    describe_counter!(HTTP_REQUESTS, Unit::Count, "Requests by route and status");
    describe_histogram!(HTTP_SECONDS, Unit::Seconds, "Time from request head to response head");
    describe_counter!(SOCKETS_CLOSED, Unit::Count, "Sockets closed, by close code");
    describe_counter!(FRAME_ERRORS, Unit::Count, "Error frames sent, by code");
}
