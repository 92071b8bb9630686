//! What is deleted, for good or for one side.

use fluent_backend::domain::{MessageId, Timestamp};
use sea_orm::{ConnectionTrait as _, Database};

use super::{MOMENTS, SOME, Two, all_day, assert_few, chats};

#[tokio::test]
async fn a_batch_of_messages_receipts_and_deletions() {
    let Some(two) = Two::open().await else { return };
    assert_few(&all_day(&two, SOME).await);
    Box::pin(two.close()).await;
}

/// Retention destroys some messages at a time, and lets writers go on between.
#[tokio::test]
async fn each_step_of_the_janitor() {
    const MESSAGES: u64 = 1_000;
    let Some(two) = Two::open().await else { return };
    let now = Timestamp::from_micros(MOMENTS[0]);
    let db = Database::connect(two.postgres.url("fluent")).await.unwrap();
    let (a, b) = (two.users[0], two.users[1]);
    for _ in 0..MESSAGES / 100 {
        two.beside.apply((0..100).map(|_| chats::plain(a, b)).collect(), now).await.unwrap();
    }
    let half = two.beside.shared_head().await.unwrap().0.0 / 2;
    let sweep = format!("INSERT INTO sweeps (seq, before) SELECT 1, timestamp FROM messages WHERE id = {half}");
    db.execute_unprepared(&sweep).await.unwrap();
    let mut swept = MessageId(0);
    while two.storage.sweep(&mut swept).await.unwrap().has_more {}
    let wipe = format!("INSERT INTO wipes (conversation_id, user_id, seq) SELECT id, {}, 1 FROM conversations", a.0);
    db.execute_unprepared(&wipe).await.unwrap();
    while two.storage.wipe_accounts().await.unwrap().has_more {}
    let horizon = Timestamp::from_micros(MOMENTS[0] + 1_000_000);
    while two.storage.drop_before(horizon).await.unwrap().has_more {}
    let held = two.link.take_held();
    assert!(held.len() > 8, "several steps of each");
    // The first steps prepare their statements.
    held.iter().skip(2).for_each(assert_few);
    db.close().await.unwrap();
    Box::pin(two.close()).await;
}
