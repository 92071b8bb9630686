//! Who is let in, when, and who is not.

use tokio::sync::mpsc;
use tokio::task::yield_now;

use super::*;

const PATIENCE: Duration = Duration::from_secs(8);

fn entrance(places: usize) -> (Entrance, CancellationToken) {
    let drain = CancellationToken::new();
    (Entrance::with_places(places, 3, PATIENCE, drain.clone()), drain)
}

type Came = (i32, Result<Entry, NotAdmitted>);

/// Comes to the entrance, and tells what came of it.
async fn come(entrance: &Entrance, user: i32, told: &mpsc::UnboundedSender<Came>) -> tokio::task::JoinHandle<()> {
    let (entrance, told) = (entrance.clone(), told.clone());
    let coming = tokio::spawn(async move {
        let entry = entrance.enter(UserId(user)).await;
        let _ = told.send((user, entry));
    });
    // On one thread: until it waits, or is in.
    yield_now().await;
    coming
}

#[tokio::test]
async fn those_who_wait_are_let_in_one_by_one_in_their_order() {
    let (entrance, _drain) = entrance(1);
    let (told, mut came) = mpsc::unbounded_channel();
    let first = entrance.enter(UserId(0)).await.unwrap();
    for user in 1..=5 {
        come(&entrance, user, &told).await;
    }
    assert!(came.try_recv().is_err(), "there is no place");
    drop(first);
    for expected in 1..=5 {
        let (user, entry) = came.recv().await.unwrap();
        assert_eq!(user, expected);
        assert!(entry.is_ok());
        yield_now().await;
        assert!(came.try_recv().is_err(), "there is one place");
        drop(entry);
    }
}

#[tokio::test]
async fn whoever_gives_up_gives_the_place_in_the_queue_up_too() {
    let (entrance, _drain) = entrance(1);
    let (told, mut came) = mpsc::unbounded_channel();
    let first = entrance.enter(UserId(0)).await.unwrap();
    let gone = come(&entrance, 1, &told).await;
    come(&entrance, 2, &told).await;
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    drop(first);
    assert_eq!(came.recv().await.unwrap().0, 2);
    assert_eq!(lock(&entrance.users).len(), 0, "nobody is counted any more: the last entry is dropped");
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_ever() {
    let (entrance, _drain) = entrance(1);
    let first = entrance.enter(UserId(0)).await.unwrap();
    let start = tokio::time::Instant::now();
    assert_eq!(entrance.enter(UserId(1)).await.unwrap_err(), NotAdmitted::Crowded);
    assert_eq!(start.elapsed().as_secs(), PATIENCE.as_secs());
    drop(first);
    assert!(entrance.enter(UserId(1)).await.is_ok());
}

#[tokio::test]
async fn a_drain_turns_all_who_wait_away_at_once() {
    let (entrance, drain) = entrance(1);
    let (told, mut came) = mpsc::unbounded_channel();
    let _first = entrance.enter(UserId(0)).await.unwrap();
    for user in 1..=3 {
        come(&entrance, user, &told).await;
    }
    drain.cancel();
    for _ in 1..=3 {
        assert_eq!(came.recv().await.unwrap().1.unwrap_err(), NotAdmitted::Closing);
    }
}

#[tokio::test]
async fn one_user_does_not_fill_the_queue() {
    let (entrance, _drain) = entrance(2);
    let (told, mut came) = mpsc::unbounded_channel();
    let greedy = [entrance.enter(UserId(1)).await.unwrap(), entrance.enter(UserId(1)).await.unwrap()];
    come(&entrance, 1, &told).await;
    assert_eq!(entrance.enter(UserId(1)).await.unwrap_err(), NotAdmitted::TooMany, "three at once");
    come(&entrance, 2, &told).await;
    drop(greedy);
    let mut users = Vec::new();
    for _ in 0..2 {
        let (user, entry) = came.recv().await.unwrap();
        assert!(entry.is_ok());
        users.push(user);
    }
    assert_eq!(users, [1, 2]);
    assert!(entrance.enter(UserId(1)).await.is_ok(), "none of its openings is left");
}
