//! Settings that several tests start their servers with.

use fluent_backend::config::{ClientAddressSource, Config};
use fluent_backend::telemetry::ActorKind;
use fluent_backend::testing::{TestServer, eventually};

/// Lets the janitor look for expired and deleted messages every 20 ms: the clock jumps, and the test waits for what
/// must follow.
pub(crate) fn fast_janitor(config: &mut Config) {
    config.messages.clear_every_ms = 20;
}

/// Lets the janitor come by once, at the start: what is over later stays where it is. See [`first_round_is_over`].
pub(crate) fn lazy_janitor(config: &mut Config) {
    config.messages.clear_every_ms = 3_600_000;
}

/// Waits until the janitor has come by for the first time: on a busy machine it takes longer than a server's start.
pub(crate) async fn first_round_is_over(server: &TestServer) {
    let is_over = async || {
        let seen = server.server().health().snapshot(ActorKind::Janitor);
        (seen.handled > 0 && seen.busy_for.is_none()).then_some(())
    };
    eventually("the janitor's first round is over", is_over).await;
}

/// Lets one password be hashed at a time, which takes a while; others wait a millisecond for their turn.
pub(crate) fn one_hash_at_a_time(config: &mut Config) {
    config.auth.hash_concurrency = 1;
    config.auth.hash_wait_ms = 1;
    config.auth.argon2_memory_kib = 19_456;
}

/// Trusts proxies on this machine, which tell the addresses of clients in this way.
pub(crate) fn behind_proxy(config: &mut Config, source: ClientAddressSource) {
    config.server.client_address = source;
    config.server.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
}

/// Leaves room for 16 frames, and for the bytes of seven large ones, in the queue of a socket.
pub(crate) fn small_queues(config: &mut Config) {
    config.socket.queue_frames = 16;
    config.socket.queue_bytes = 7 * config.socket.max_ciphertext_bytes;
}
