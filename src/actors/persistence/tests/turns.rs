//! Tests of batches whose turn is waited for, as where other servers write to the store.

use super::*;
use crate::storage::HeldRow;

impl World {
    /// A writer on a store that others use, too.
    async fn shared() -> Self {
        let mut world = Self::new().await;
        assert!(world.send().await.is_ok());
        world.delivered().await;
        world.storage.note_shared(true);
        world
    }

    /// The turn of another server.
    async fn held(&self) -> HeldRow {
        timeout(SOON, self.storage.hold_row(&Clock::system())).await.unwrap().unwrap()
    }

    /// Submits messages, and waits until the writer has taken them while it waits for its turn.
    async fn submit(&self, count: u64) {
        let before = self.handled();
        for _ in 0..count {
            self.writer.submit(send(), PendingReply::unattended(permit()));
        }
        let taken = async {
            while self.handled() < before + count {
                tokio::task::yield_now().await;
            }
        };
        timeout(SOON, taken).await.unwrap();
    }

    fn handled(&self) -> u64 {
        self.health.snapshot(ActorKind::Persistence).handled
    }
}

#[tokio::test]
async fn what_comes_while_the_turn_is_waited_for_is_in_the_batch() {
    let mut world = World::shared().await;
    let other = world.held().await;
    for _ in 0..3 {
        world.submit(2).await;
    }
    assert!(world.registry.try_recv().is_err(), "its turn has not come");
    drop(other);
    assert_eq!(seqs(&world.delivered().await).len(), 12, "all in one batch");
    // And so again, without anybody else.
    let (one, two) = tokio::join!(world.send(), world.send());
    assert!(one.is_ok() && two.is_ok());
    assert_eq!(seqs(&world.delivered().await).len(), 4);
}

#[tokio::test]
async fn more_than_one_batch_takes_two_turns() {
    let mut world = World::shared().await;
    let other = world.held().await;
    world.submit(MAX_BATCH as u64 + 1).await;
    drop(other);
    assert_eq!(seqs(&world.delivered().await).len(), 2 * MAX_BATCH);
    assert_eq!(seqs(&world.delivered().await).len(), 2);
}

#[tokio::test]
async fn a_turn_that_does_not_come_refuses_all_who_wait() {
    let world = World::shared().await;
    world.storage.close().await.unwrap();
    let (one, two) = tokio::join!(world.send(), world.send());
    assert!(one.unwrap_err().code.is_retryable() && two.unwrap_err().code.is_retryable());
    assert!(!world.health.storage_works());
}

#[tokio::test]
async fn a_drain_waits_for_its_turn() {
    let mut world = World::shared().await;
    let other = world.held().await;
    world.submit(2).await;
    let before = world.handled();
    let writer = world.writer.clone();
    let drained = tokio::spawn(async move { writer.drain(SOON).await });
    let taken = async {
        while world.handled() == before {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, taken).await.unwrap();
    drop(other);
    timeout(SOON, drained).await.unwrap().unwrap();
    assert_eq!(seqs(&world.delivered().await).len(), 4);
    drop(world.held().await);
}

/// A writer that ends while it waits must not take a turn that nobody uses.
#[tokio::test]
async fn a_writer_that_dies_gives_its_turn_back() {
    let world = World::shared().await;
    let other = world.held().await;
    world.submit(1).await;
    world.writer.crash();
    drop(other);
    drop(world.held().await);
    assert!(world.send().await.unwrap_err().code.is_retryable());
}
