//! Batches that are made for a row of `store` that is foreseen.

use fluent_backend::clock::Clock;
use fluent_backend::domain::Refusal;
use fluent_backend::limits::Limiters;
use fluent_backend::storage::CommittedBatch;

use super::*;

/// A retry finds what was stored, and whoever else has written is not overwritten.
#[tokio::test]
async fn what_was_not_foreseen_is_stored_all_the_same() {
    let Some(world) = World::open().await else { return };
    world.acquaint(STEP).await;
    let (a, b) = (world.users[0], world.users[1]);
    let (first, _) = world.apply(vec![send(a, b, Some("once"))], 2 * STEP).await;
    let (again, held) = world.apply(vec![send(a, b, Some("once")), send(a, b, None)], 3 * STEP).await;
    assert!(held.len() == 2 && held[1].round_trips[0].starts_with("BEGIN"), "{held:#?}");
    assert_eq!(id_of(&again[0]), id_of(&first[0]));
    let mut newest = id_of(&again[1]).unwrap();
    assert!(Some(newest) > id_of(&first[0]));

    let beside = Storage::open(&config(&world.url)).await.unwrap();
    for round in 4..60 {
        let now = Timestamp::from_micros(round * STEP);
        for storage in [&world.storage, &beside] {
            let applied = Box::pin(storage.apply(vec![send(b, a, None)], now)).await.unwrap();
            let id = id_of(&applied.outcomes[0]).unwrap();
            assert!(id > newest, "round {round}");
            newest = id;
        }
    }
    assert_eq!(rows(&world.url, "SELECT id::text FROM messages").await.len(), 2 + 2 + 2 * 56);
    Box::pin(beside.close()).await.unwrap();
    world.close().await;
}

/// What another server has left is foreseen when that has said where its batch ends, and its messages are not
/// overwritten when it has not.
#[tokio::test]
async fn what_other_servers_leave_is_foreseen_as_far_as_they_have_said_it() {
    let Some(world) = World::open().await else { return };
    world.acquaint(STEP).await;
    let (a, b) = (world.users[0], world.users[1]);
    world.apply(vec![send(a, b, None)], 2 * STEP).await;
    let beside = Storage::open(&config(&world.url)).await.unwrap();
    let mut newest = MessageId(0);
    // The outsider says nothing, then all, then all but the time stamp, and then all again.
    for (round, says) in [(3, "nothing"), (4, "all"), (5, "no time stamp"), (6, "all")] {
        let now = Timestamp::from_micros(round * STEP);
        let other = Box::pin(beside.apply(vec![send(b, a, None)], now)).await.unwrap();
        let CommittedBatch { epoch, nonce, last, clock, .. } = other.batch;
        if says != "nothing" {
            let clock = clock.filter(|_| says == "all");
            world.storage.note_batch(&epoch.unwrap(), last, nonce, clock);
        }
        let (outcomes, held) = world.apply(vec![send(a, b, None)], round * STEP).await;
        match says {
            "nothing" => assert!(held.len() == 2 && held[1].round_trips[0].starts_with("BEGIN"), "{held:#?}"),
            "all" => assert!(is_one_statement(&held), "{held:#?}"),
            _ => assert!(held.len() == 1 && held[0].round_trips[0].starts_with("BEGIN"), "{held:#?}"),
        }
        for id in [id_of(&other.outcomes[0]), id_of(&outcomes[0])] {
            assert!(id > Some(newest), "{says}");
            newest = id.unwrap();
        }
    }
    assert_eq!(rows(&world.url, "SELECT id::text FROM messages").await.len(), 3 + 4 * 2);
    let unread = "SELECT unread::text FROM members ORDER BY user_id LIMIT 2";
    assert_eq!(rows(&world.url, unread).await, ["5", "6"]);
    Box::pin(beside.close()).await.unwrap();
    world.close().await;
}

/// A device reads from the store what another server has put there, before that has told this one.
#[tokio::test]
async fn receipts_of_what_nobody_has_said_yet_are_kept() {
    let Some(world) = World::open().await else { return };
    world.acquaint(STEP).await;
    let (a, b) = (world.users[0], world.users[1]);
    let beside = Storage::open(&config(&world.url)).await.unwrap();
    let position = async |column: &str| {
        let sql = format!("SELECT {column}::text FROM members WHERE user_id = {}", b.0);
        rows(&world.url, &sql).await[0].clone()
    };
    let receipt = |column: &str, id: MessageId| match column {
        "read_id" => Command::Read { user: b, conversation: DirectKey::new(a, b), up_to: id },
        _ => Command::Delivered { user: b, up_to: Seq(id.0) },
    };
    for (round, column) in [(3, "delivered_id"), (4, "read_id")] {
        let (start, then) = (round * STEP, round * STEP + STEP / 2);
        let (sent, _) = world.apply(vec![send(a, b, None)], start).await;
        world.apply(vec![receipt(column, id_of(&sent[0]).unwrap())], start).await;
        let other = Box::pin(beside.apply(vec![send(a, b, None)], Timestamp::from_micros(then))).await.unwrap();
        let unsaid = id_of(&other.outcomes[0]).unwrap();
        let (outcomes, _) = world.apply(vec![receipt(column, unsaid)], then).await;
        assert!(!outcomes[0].events.is_empty(), "{outcomes:?}");
        assert_eq!(position(column).await, unsaid.0.to_string());
        // Once more it changes nothing, and the next batch is one statement again.
        world.apply(vec![send(a, b, None)], then).await;
        let (outcomes, _) = world.apply(vec![receipt(column, unsaid)], then).await;
        assert!(outcomes[0].events.is_empty(), "{outcomes:?}");
        let (_, held) = world.apply(vec![send(a, b, None)], then).await;
        assert!(is_one_statement(&held), "{held:#?}");
    }
    Box::pin(beside.close()).await.unwrap();
    world.close().await;
}

/// The attempt that has stored nothing has counted the message already.
#[tokio::test]
async fn a_message_that_is_carried_out_again_is_counted_once() {
    let Some(world) = World::open().await else { return };
    world.acquaint(STEP).await;
    let [a, b, c, d] = world.users[..4] else { panic!("there are more users") };
    world.apply(vec![send(c, d, None), send(d, c, None)], 2 * STEP).await;
    let mut config = config(&world.url);
    let limited = Storage::open(&config).await.unwrap();
    config.limits.enabled = true;
    // A receiver may get one of these messages.
    (config.limits.inbound.partners.burst, config.limits.inbound.partners.per_s) = (9, 1);
    limited.limit_by(Limiters::new(&config, &Clock::stopped_at(Timestamp::from_micros(0))));
    let apply = async |command: Command, now: i64| {
        let applied = Box::pin(limited.apply(vec![command], Timestamp::from_micros(now))).await;
        applied.unwrap().outcomes.swap_remove(0).answer
    };
    // It foresees the row, and has yet to look up the conversation of the two.
    apply(send(c, d, None), 3 * STEP).await.unwrap();
    world.apply(vec![send(c, d, None)], 4 * STEP).await;
    apply(send(a, b, None), 4 * STEP).await.unwrap();
    assert!(matches!(apply(send(a, b, None), 5 * STEP).await, Err(Refusal::Limited(_))));
    Box::pin(limited.close()).await.unwrap();
    world.close().await;
}

/// What is cleared away meanwhile is taken from the unread ones by that alone.
#[tokio::test]
async fn a_batch_is_not_foreseen_across_what_is_cleared_away() {
    let Some(world) = World::open().await else { return };
    world.acquaint(STEP).await;
    let (a, b) = (world.users[0], world.users[1]);
    world.apply(vec![Command::Retain(Timestamp::from_micros(2 * STEP))], 3 * STEP).await;
    world.apply(vec![send(a, b, None)], 4 * STEP).await;
    world.apply(vec![send(a, b, None)], 5 * STEP).await;
    let (sent, held) = world.apply(vec![send(a, b, None)], 6 * STEP).await;
    assert!(is_one_statement(&held), "{held:#?}");
    let cleared = Box::pin(world.storage.sweep(&mut MessageId(0))).await.unwrap();
    assert_eq!(cleared.destroyed, 2);
    let up_to = id_of(&sent[0]).unwrap();
    let read = Command::Read { user: b, conversation: DirectKey::new(a, b), up_to };
    let (_, held) = world.apply(vec![read], 7 * STEP).await;
    assert!(held.len() == 2 && held[1].round_trips[0].starts_with("BEGIN"), "{held:#?}");
    world.close().await;
}
