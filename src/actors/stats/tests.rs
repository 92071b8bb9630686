//! Counters of one actor, of many, and of actors that have ended.

use super::*;

fn stats() -> Arc<ActorStats> {
    let start = Instant::now().checked_sub(Duration::from_mins(1)).unwrap();
    Arc::new(ActorStats::new(ActorKind::Janitor, start, 0))
}

/// A moment so many seconds ago, for counters that began a minute ago.
fn ago(seconds: u64) -> Moment {
    let Moment(now) = stats().now();
    Moment(now - seconds * 1_000_000)
}

#[test]
fn messages_are_counted_while_they_wait_and_when_they_are_taken_out() {
    let stats = stats();
    let actor = stats.actor();
    let earlier = ago(20);
    actor.queued(earlier);
    actor.queued(ago(0));
    let seen = stats.snapshot();
    assert_eq!((seen.waiting, seen.handled, seen.busy_for), (2, 0, None));
    assert!(seen.oldest_wait.unwrap() >= Duration::from_secs(20));
    let busy = actor.taken(earlier);
    let seen = stats.snapshot();
    assert_eq!((seen.waiting, seen.handled), (1, 1));
    assert!(seen.busy_for.unwrap() < Duration::from_secs(10), "it was taken out just now");
    drop(busy);
    drop(actor.taken(ago(0)));
    let seen = stats.snapshot();
    assert_eq!((seen.waiting, seen.handled, seen.oldest_wait, seen.busy_for), (0, 2, None, None));
}

#[test]
fn after_a_pause_the_wait_begins_with_the_next_message() {
    let stats = stats();
    let actor = stats.actor();
    actor.queued(ago(50));
    drop(actor.taken(ago(50)));
    actor.queued(ago(0));
    assert!(stats.snapshot().oldest_wait.unwrap() < Duration::from_secs(10));
}

#[test]
fn of_many_actors_the_sum_and_the_longest_wait_are_shown() {
    let stats = stats();
    let (first, second) = (stats.actor(), stats.actor());
    first.queued(ago(5));
    second.queued(ago(30));
    second.queued(ago(10));
    let _first = first.taken(ago(5));
    let seen = stats.snapshot();
    assert_eq!((seen.waiting, seen.handled), (2, 1));
    assert!(seen.oldest_wait.unwrap() >= Duration::from_secs(30) && seen.busy_for.is_some());
}

#[test]
fn an_actor_that_has_ended_leaves_what_it_has_handled_and_nothing_that_waits() {
    let stats = stats();
    for _ in 0..100 {
        let actor = stats.actor();
        actor.queued(ago(1));
        actor.queued(ago(1));
        drop(actor.taken(ago(1)));
    }
    let seen = stats.snapshot();
    assert_eq!((seen.waiting, seen.handled, seen.oldest_wait), (0, 100, None));
    assert!(stats.actors.lock().unwrap().len() < 10, "their places are given to others");
}

#[test]
fn what_is_sent_to_an_actor_that_has_ended_does_not_wait() {
    let stats = stats();
    let actor = stats.actor();
    actor.ended();
    actor.queued(ago(20));
    assert_eq!(stats.snapshot(), ActorSnapshot::default());
}

#[test]
fn failures_keep_their_error() {
    let stats = stats();
    stats.started();
    assert_eq!(stats.snapshot().alive, 1);
    stats.failed(&"disk on fire");
    stats.ended();
    let seen = stats.snapshot();
    let last = seen.last_error.unwrap();
    assert_eq!((seen.alive, seen.restarts, last.text.as_str()), (0, 1, "disk on fire"));
    assert!(last.ago < Duration::from_secs(30));
}
