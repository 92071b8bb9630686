//! What many outboxes go through at once, in SQL: the same as [`Outbox`](crate::domain::Outbox) says of one.

use sea_orm::DatabaseBackend;

use crate::domain::{GATHER_S, NORMAL_EVERY_S, SUSPENDED_S, UNANSWERED_S};

const MICROS: i64 = 1_000_000;

/// The expressions that say what is owed.
#[derive(Clone, Copy)]
pub(in crate::storage) struct OweBy<'a> {
    pub(in crate::storage) seq: &'a str,
    pub(in crate::storage) is_urgent: &'a str,
    pub(in crate::storage) now: &'a str,
    pub(in crate::storage) not_before: &'a str,
}

/// Returns the names of the functions for the greatest and the least of some values.
fn extremes(backend: DatabaseBackend) -> (&'static str, &'static str) {
    if backend == DatabaseBackend::Sqlite { ("MAX", "MIN") } else { ("GREATEST", "LEAST") }
}

/// Returns the changes of a row `t` of `push_targets` that is owed a wake-up. Only for rows that have not acknowledged
/// the message.
pub(in crate::storage) fn owe(backend: DatabaseBackend, by: OweBy<'_>) -> String {
    let OweBy { seq, is_urgent, now, not_before } = by;
    let (max, min) = extremes(backend);
    let [gather, normal_every] = [GATHER_S, NORMAL_EVERY_S].map(|seconds| seconds * MICROS);
    let [first, longest] = [UNANSWERED_S.start, UNANSWERED_S.end].map(|seconds| seconds * MICROS);
    let suspended = SUSPENDED_S.start * MICROS;
    // Doubled no more often than it takes to be longer than the longest.
    let times = UNANSWERED_S.end / UNANSWERED_S.start;
    let times = i64::from(times.ilog2()) + 1;
    let seldom = format!("{min}({longest}, {first} * (1 << {min}(t.unanswered - 1, {times})))");
    let earliest = format!(
        "{max}({not_before}, CASE WHEN NOT {is_urgent} THEN {max}({now} + {gather}, COALESCE(t.woken_at + \
         {normal_every}, 0)) WHEN t.unanswered = 0 OR t.woken_at IS NULL THEN {now} \
         ELSE {max}({now}, t.woken_at + {seldom}) END)"
    );
    format!(
        "owed_seq = {max}(COALESCE(t.owed_seq, 0), {seq}), owed_urgent = (t.owed_urgent OR {is_urgent}), \
         owed_since = COALESCE(t.owed_since, {now}), due_at = CASE WHEN t.lease_until IS NOT NULL THEN t.due_at \
         WHEN t.owed_seq IS NULL THEN CASE WHEN t.suspended THEN {now} + {suspended} ELSE {earliest} END \
         WHEN {is_urgent} AND t.attempts = 0 AND NOT t.suspended THEN {min}(t.due_at, {earliest}) ELSE t.due_at END"
    )
}

/// Returns the changes of a row `t` of `push_targets` whose device has acknowledged everything up to `seq`, at `now`.
pub(in crate::storage) fn acknowledge(backend: DatabaseBackend, seq: &str, now: &str) -> String {
    let (max, _) = extremes(backend);
    let acked = format!("{max}(t.acked_seq, {seq})");
    let stays = format!("COALESCE(t.owed_seq > {acked}, FALSE)");
    format!(
        "acked_seq = {acked}, acked_at = {now}, seen_at = {now}, \
         owed_seq = CASE WHEN {stays} THEN t.owed_seq END, owed_urgent = ({stays} AND t.owed_urgent), \
         owed_since = CASE WHEN {stays} THEN t.owed_since END, \
         due_at = CASE WHEN {stays} OR t.lease_until IS NOT NULL THEN t.due_at END, \
         attempts = CASE WHEN {stays} THEN t.attempts ELSE 0 END, \
         unanswered = CASE WHEN {stays} THEN t.unanswered ELSE 0 END"
    )
}
