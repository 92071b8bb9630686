//! Settings that several tests start their servers with.

use fluent_backend::config::Config;

/// Lets the janitor look for expired and deleted messages every 20 ms: the clock jumps, and the test waits for what
/// must follow.
pub(crate) fn fast_janitor(config: &mut Config) {
    config.messages.clear_every_ms = 20;
}

/// Lets one password be hashed at a time, which takes a while; others wait a millisecond for their turn.
pub(crate) fn one_hash_at_a_time(config: &mut Config) {
    config.auth.hash_concurrency = 1;
    config.auth.hash_wait_ms = 1;
    config.auth.argon2_memory_kib = 19_456;
}

/// Leaves room for 16 frames, and for the bytes of seven large ones, in the queue of a socket.
pub(crate) fn small_queues(config: &mut Config) {
    config.socket.queue_frames = 16;
    config.socket.queue_bytes = 7 * config.socket.max_ciphertext_bytes;
}
