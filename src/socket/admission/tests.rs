//! Who is let in, when, and who is not.

use tokio::sync::mpsc;
use tokio::task::yield_now;

use super::*;

const PATIENCE: Duration = Duration::from_secs(8);

fn admission(places: usize) -> (Admission, CancellationToken) {
    let drain = CancellationToken::new();
    (Admission::with_permits(places, 3, PATIENCE, drain.clone()), drain)
}

type Came = (i32, Result<AdmissionPermit, NotAdmitted>);

/// Asks for admission, and reports the outcome.
async fn come(admission: &Admission, user: i32, outcomes: &mpsc::UnboundedSender<Came>) -> tokio::task::JoinHandle<()> {
    let (admission, outcomes) = (admission.clone(), outcomes.clone());
    let coming = tokio::spawn(async move {
        let entry = admission.admit(UserId(user)).await;
        let _ = outcomes.send((user, entry));
    });
    // On one thread: until it waits, or is in.
    yield_now().await;
    coming
}

#[tokio::test]
async fn those_who_wait_are_let_in_one_by_one_in_their_order() {
    let (admission, _drain) = admission(1);
    let (outcomes, mut came) = mpsc::unbounded_channel();
    let first = admission.admit(UserId(0)).await.unwrap();
    for user in 1..=5 {
        come(&admission, user, &outcomes).await;
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
    let (admission, _drain) = admission(1);
    let (outcomes, mut came) = mpsc::unbounded_channel();
    let first = admission.admit(UserId(0)).await.unwrap();
    let gone = come(&admission, 1, &outcomes).await;
    come(&admission, 2, &outcomes).await;
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    drop(first);
    assert_eq!(came.recv().await.unwrap().0, 2);
    assert_eq!(lock(&admission.users).len(), 0, "nobody is counted any more: the last entry is dropped");
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_ever() {
    let (admission, _drain) = admission(1);
    let first = admission.admit(UserId(0)).await.unwrap();
    let start = tokio::time::Instant::now();
    assert_eq!(admission.admit(UserId(1)).await.unwrap_err(), NotAdmitted::Crowded);
    assert_eq!(start.elapsed().as_secs(), PATIENCE.as_secs());
    drop(first);
    assert!(admission.admit(UserId(1)).await.is_ok());
}

#[tokio::test]
async fn a_drain_turns_all_who_wait_away_at_once() {
    let (admission, drain) = admission(1);
    let (outcomes, mut came) = mpsc::unbounded_channel();
    let _first = admission.admit(UserId(0)).await.unwrap();
    for user in 1..=3 {
        come(&admission, user, &outcomes).await;
    }
    drain.cancel();
    for _ in 1..=3 {
        assert_eq!(came.recv().await.unwrap().1.unwrap_err(), NotAdmitted::Closing);
    }
}

#[tokio::test]
async fn one_user_does_not_fill_the_queue() {
    let (admission, _drain) = admission(2);
    let (outcomes, mut came) = mpsc::unbounded_channel();
    let greedy = [admission.admit(UserId(1)).await.unwrap(), admission.admit(UserId(1)).await.unwrap()];
    come(&admission, 1, &outcomes).await;
    assert_eq!(admission.admit(UserId(1)).await.unwrap_err(), NotAdmitted::TooMany, "three at once");
    come(&admission, 2, &outcomes).await;
    drop(greedy);
    let mut users = Vec::new();
    for _ in 0..2 {
        let (user, entry) = came.recv().await.unwrap();
        assert!(entry.is_ok());
        users.push(user);
    }
    assert_eq!(users, [1, 2]);
    assert!(admission.admit(UserId(1)).await.is_ok(), "none of its openings is left");
}
