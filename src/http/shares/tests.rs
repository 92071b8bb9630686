//! Who gets a permit, and what a response keeps.

use http::StatusCode;
use http_body_util::{BodyExt as _, StreamBody};

use super::super::respond::full;
use super::*;

const ALICE: UserId = UserId(1);
const BOB: UserId = UserId(2);

fn response(bytes: usize) -> Response {
    full(StatusCode::OK, vec![b'x'; bytes])
}

async fn bytes(response: Response) -> Bytes {
    response.into_body().collect().await.unwrap().to_bytes()
}

#[tokio::test(start_paused = true)]
async fn a_fifth_request_waits_for_its_permit_and_is_refused_when_none_comes() {
    let shares = Shares::new(1 << 20);
    let mut permits = Vec::new();
    for _ in 0..AT_WORK {
        permits.push(shares.permit(ALICE).await.unwrap());
    }
    let started = tokio::time::Instant::now();
    assert!(matches!(shares.permit(ALICE).await, Err(ApiError::Unavailable)));
    assert_eq!(started.elapsed(), WAIT);
    drop(shares.permit(BOB).await.unwrap());
    assert_eq!(started.elapsed(), WAIT, "nobody else waits");
    let fifth = shares.permit(ALICE);
    tokio::pin!(fifth);
    assert!(futures_util::poll!(&mut fifth).is_pending());
    permits.pop();
    permits.push(fifth.await.unwrap());
    drop(permits);
    assert!(lock(&shares.accounts).is_empty(), "nothing is left of accounts without requests");
}

#[tokio::test(start_paused = true)]
async fn no_account_waits_without_end() {
    let shares = Shares::new(1 << 20);
    let mut at_work = Vec::new();
    for _ in 0..AT_WORK {
        at_work.push(shares.permit(ALICE).await.unwrap());
    }
    let mut waiting: Vec<_> = (0..WAITING).map(|_| Box::pin(shares.permit(ALICE))).collect();
    for request in &mut waiting {
        assert!(futures_util::poll!(request).is_pending());
    }
    let started = tokio::time::Instant::now();
    assert!(shares.permit(ALICE).await.is_err());
    assert_eq!(started.elapsed(), Duration::ZERO, "refused at once");
}

/// What hyper does: it lets go of the body first, and of the bytes when they are written.
#[tokio::test(start_paused = true)]
async fn a_permit_and_its_room_are_kept_until_the_bytes_are_let_go_of() {
    let shares = Shares::new(100_000);
    let mut unread = Vec::new();
    for _ in 0..AT_WORK {
        let permit = shares.permit(ALICE).await.unwrap();
        unread.push(bytes(shares.hold(response(20_000), Some(permit)).unwrap()).await);
    }
    assert!(shares.permit(ALICE).await.is_err(), "all four are unread");
    assert_eq!(shares.unwritten.available_permits(), 20_000);
    let permit = shares.permit(BOB).await.unwrap();
    assert!(shares.hold(response(20_001), Some(permit)).is_err(), "the budget is for all");
    let written = unread.pop().unwrap();
    assert_eq!(written.len(), 20_000);
    drop(written);
    drop(shares.permit(ALICE).await.unwrap());
    let permit = shares.permit(BOB).await.unwrap();
    assert!(shares.hold(response(40_000), Some(permit)).is_ok());
}

#[tokio::test]
async fn what_is_small_is_answered_though_the_budget_is_spent() {
    let shares = Shares::new(10_000);
    let all = shares.hold(response(2_500), None).unwrap();
    let most = {
        let permit = shares.permit(ALICE).await.unwrap();
        shares.hold(response(10_000), Some(permit)).unwrap()
    };
    assert!(shares.hold(response(10_000), None).is_err());
    assert!(shares.hold(response(8_192), None).is_ok());
    drop((all, most));
}

#[tokio::test]
async fn strangers_have_a_part_of_the_budget() {
    let shares = Shares::new(400_000);
    let stranger = shares.hold(response(100_000), None).unwrap();
    assert!(shares.hold(response(10_000), None).is_err());
    let permit = shares.permit(ALICE).await.unwrap();
    assert!(shares.hold(response(300_000), Some(permit)).is_ok());
    drop(stranger);
    assert!(shares.hold(response(100_000), None).is_ok());
}

/// A stream of frames of a kilobyte.
fn stream(frames: usize) -> Response {
    let frames = (0..frames).map(|_| Ok::<_, BoxError>(Frame::data(Bytes::from(vec![b'x'; 1024]))));
    Response::new(Body::stream(StreamBody::new(futures_util::stream::iter(frames))))
}

async fn next(body: &mut Body) -> Option<Bytes> {
    body.frame().await.map(|frame| frame.unwrap().into_data().unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_stream_keeps_its_permit_until_its_last_frame_is_let_go_of() {
    let shares = Shares::new(STREAM);
    let permit = shares.permit(ALICE).await.unwrap();
    let mut body = shares.hold(stream(2), Some(permit)).unwrap().into_body();
    assert_eq!(shares.unwritten.available_permits(), 0);
    assert!(shares.hold(stream(1), None).is_err(), "the budget is for all");
    let first = next(&mut body).await.unwrap();
    let last = next(&mut body).await.unwrap();
    assert!(next(&mut body).await.is_none());
    drop((body, first));
    assert_eq!((shares.unwritten.available_permits(), last.len()), (0, 1024));
    assert!(!lock(&shares.accounts).is_empty());
    drop(last);
    assert_eq!(shares.unwritten.available_permits(), STREAM);
    assert!(lock(&shares.accounts).is_empty());
}

#[tokio::test]
async fn a_stream_that_is_given_up_gives_back_what_it_has_taken() {
    let shares = Shares::new(4 * STREAM);
    drop(shares.hold(stream(1000), None).unwrap());
    assert_eq!((shares.unwritten.available_permits(), shares.strangers.available_permits()), (4 * STREAM, STREAM));
}
