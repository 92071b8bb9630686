//! Who gets a turn, and what an answer keeps.

use http::StatusCode;
use http_body_util::BodyExt as _;

use super::super::respond::full;
use super::*;

const ALICE: UserId = UserId(1);
const BOB: UserId = UserId(2);

fn answer(bytes: usize) -> Response {
    full(StatusCode::OK, vec![b'x'; bytes])
}

async fn bytes(response: Response) -> Bytes {
    response.into_body().collect().await.unwrap().to_bytes()
}

#[tokio::test(start_paused = true)]
async fn a_fifth_request_waits_for_its_turn_and_is_refused_when_none_comes() {
    let shares = Shares::new(1 << 20);
    let mut turns = Vec::new();
    for _ in 0..AT_WORK {
        turns.push(shares.turn(ALICE).await.unwrap());
    }
    let started = tokio::time::Instant::now();
    assert!(matches!(shares.turn(ALICE).await, Err(ApiError::Unavailable)));
    assert_eq!(started.elapsed(), WAIT);
    drop(shares.turn(BOB).await.unwrap());
    assert_eq!(started.elapsed(), WAIT, "nobody else waits");
    let fifth = shares.turn(ALICE);
    tokio::pin!(fifth);
    assert!(futures_util::poll!(&mut fifth).is_pending());
    turns.pop();
    turns.push(fifth.await.unwrap());
    drop(turns);
    assert!(lock(&shares.accounts).is_empty(), "nothing is left of accounts without requests");
}

#[tokio::test(start_paused = true)]
async fn no_account_waits_without_end() {
    let shares = Shares::new(1 << 20);
    let mut at_work = Vec::new();
    for _ in 0..AT_WORK {
        at_work.push(shares.turn(ALICE).await.unwrap());
    }
    let mut waiting: Vec<_> = (0..WAITING).map(|_| Box::pin(shares.turn(ALICE))).collect();
    for turn in &mut waiting {
        assert!(futures_util::poll!(turn).is_pending());
    }
    let started = tokio::time::Instant::now();
    assert!(shares.turn(ALICE).await.is_err());
    assert_eq!(started.elapsed(), Duration::ZERO, "refused at once");
}

/// What hyper does: it lets go of the body first, and of the bytes when they are written.
#[tokio::test(start_paused = true)]
async fn a_turn_and_its_room_are_kept_until_the_bytes_are_let_go_of() {
    let shares = Shares::new(100_000);
    let mut unread = Vec::new();
    for _ in 0..AT_WORK {
        let turn = shares.turn(ALICE).await.unwrap();
        unread.push(bytes(shares.hold(answer(20_000), Some(turn)).unwrap()).await);
    }
    assert!(shares.turn(ALICE).await.is_err(), "all four are unread");
    assert_eq!(shares.unwritten.available_permits(), 20_000);
    let turn = shares.turn(BOB).await.unwrap();
    assert!(shares.hold(answer(20_001), Some(turn)).is_err(), "the budget is for all");
    let written = unread.pop().unwrap();
    assert_eq!(written.len(), 20_000);
    drop(written);
    drop(shares.turn(ALICE).await.unwrap());
    let turn = shares.turn(BOB).await.unwrap();
    assert!(shares.hold(answer(40_000), Some(turn)).is_ok());
}

#[tokio::test]
async fn what_is_small_is_answered_though_the_budget_is_spent() {
    let shares = Shares::new(10_000);
    let all = shares.hold(answer(2_500), None).unwrap();
    let most = {
        let turn = shares.turn(ALICE).await.unwrap();
        shares.hold(answer(10_000), Some(turn)).unwrap()
    };
    assert!(shares.hold(answer(10_000), None).is_err());
    assert!(shares.hold(answer(8_192), None).is_ok());
    drop((all, most));
}

#[tokio::test]
async fn strangers_have_a_part_of_the_budget() {
    let shares = Shares::new(400_000);
    let stranger = shares.hold(answer(100_000), None).unwrap();
    assert!(shares.hold(answer(10_000), None).is_err());
    let turn = shares.turn(ALICE).await.unwrap();
    assert!(shares.hold(answer(300_000), Some(turn)).is_ok());
    drop(stranger);
    assert!(shares.hold(answer(100_000), None).is_ok());
}
