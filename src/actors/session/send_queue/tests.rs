//! Tests of when a queue takes frames, and what its pump gets.

use super::*;
use crate::protocol::{FrameError, legacy};

fn frame() -> QueuedFrame {
    legacy::error(&FrameError::unavailable(1)).into()
}

fn pushes(sender: &mut QueueSender, count: usize) -> bool {
    (0..count).all(|_| sender.push(frame()))
}

/// Sets the queue's last movement back by more than the grace time.
fn stand_still(sender: &QueueSender) {
    lock(&sender.queue).moved_at = Instant::now().checked_sub(GRACE * 2).unwrap();
}

#[tokio::test]
async fn a_full_queue_that_stands_still_closes_with_1013() {
    let (mut sender, mut queue) = send_queue(2, 1 << 20);
    assert!(pushes(&mut sender, 2));
    stand_still(&sender);
    assert!(!pushes(&mut sender, 1));
    assert!(matches!(queue.next().await, Outgoing::Close(CloseReason::SlowReader)));
}

#[tokio::test]
async fn one_big_frame_passes_a_queue_that_was_idle() {
    let (mut sender, mut queue) = send_queue(2, frame().frame.len() / 2);
    stand_still(&sender);
    assert!(pushes(&mut sender, 1));
    assert!(matches!(queue.next().await, Outgoing::Frame(_)));
}

#[tokio::test]
async fn a_burst_passes_up_to_four_times_the_bound() {
    let (mut by_frames, _outbox) = send_queue(2, 1 << 20);
    assert!(pushes(&mut by_frames, 8) && !pushes(&mut by_frames, 1));
    let (mut by_bytes, _outbox) = send_queue(100, frame().frame.len());
    assert!(pushes(&mut by_bytes, 4) && !pushes(&mut by_bytes, 1));
}

#[tokio::test]
async fn what_is_taken_out_makes_room() {
    let (mut sender, mut queue) = send_queue(1, 1 << 20);
    for _ in 0..20 {
        assert!(pushes(&mut sender, 4));
        assert!((0..3).all(|_| queue.try_next().is_some()));
        assert!(matches!(queue.next().await, Outgoing::Frame(_)));
    }
    assert!(queue.try_next().is_none());
}

#[tokio::test]
async fn a_session_that_vanishes_is_a_fault() {
    let (end, mut queue) = send_queue(2, 1 << 20);
    drop(end);
    assert!(matches!(queue.next().await, Outgoing::Close(CloseReason::Fault)));
}

#[tokio::test]
async fn the_first_reason_stands_and_comes_before_what_is_queued() {
    let (mut sender, mut queue) = send_queue(2, 1 << 20);
    assert!(pushes(&mut sender, 1));
    sender.close(CloseReason::Replaced);
    sender.close(CloseReason::TooMany);
    assert!(!pushes(&mut sender, 1));
    drop(sender);
    assert_eq!(queue.closed().await, CloseReason::Replaced);
}

#[tokio::test]
async fn what_comes_later_wakes_the_pump() {
    let (mut sender, mut queue) = send_queue(2, 1 << 20);
    let pump = tokio::spawn(async move {
        let first = queue.next().await;
        (first, queue.next().await)
    });
    tokio::task::yield_now().await;
    assert!(pushes(&mut sender, 1));
    tokio::task::yield_now().await;
    drop(sender);
    let (first, second) = pump.await.unwrap();
    assert!(matches!(first, Outgoing::Frame(_)) && matches!(second, Outgoing::Close(CloseReason::Fault)));
}

#[tokio::test]
async fn a_pump_that_leaves_gives_back_all_credit() {
    let (mut sender, queue) = send_queue(2, 1 << 20);
    let credits = crate::actors::Credits::new(1, 1, crate::actors::InFlightBytes::new(1));
    assert!(sender.push(QueuedFrame { credit: Some(credits.reserve().await), ..frame() }));
    drop(queue);
    credits.settled().await;
    assert!(!pushes(&mut sender, 1));
}
