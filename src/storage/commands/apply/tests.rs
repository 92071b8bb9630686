use super::*;
use sea_orm::ConnectionTrait as _;

use crate::domain::{Ciphertext, Draft, Timestamp, UserId, Viewer};
use crate::storage::Before;
use crate::storage::testing::accounts::store_with;

fn draft(text: String) -> Command {
    let copy = |text| Ciphertext::parse(text, usize::MAX).unwrap();
    let draft = Draft::text(UserId(1), Some(UserId(1)), copy(text), copy("r".to_owned()));
    Command::Send(Box::new(draft))
}

async fn storage(dir: &std::path::Path) -> Storage {
    store_with(dir, &["alice"], Timestamp::from_micros(0)).await
}

/// SQLite rolls back by itself when a write fails, as on a full disk, and the driver does not notice. What is answered
/// as stored afterwards must be committed: other connections see it.
#[tokio::test]
async fn after_a_rollback_behind_the_drivers_back_commits_are_commits() {
    let dir = tempfile::tempdir().unwrap();
    let storage = storage(dir.path()).await;
    for i in 0..5 {
        let tx = storage.begin().await.unwrap();
        tx.execute_unprepared("ROLLBACK").await.unwrap();
        drop(tx);
        // Another failure, which would leave the savepoint open that the driver has made.
        drop(storage.begin().await.unwrap());
        storage.apply(vec![draft(i.to_string())], Timestamp::from_micros(i)).await.unwrap();
        let history = storage
            .history(Viewer { user: UserId(1) }, UserId(1), Before::Newest, 1, Timestamp::from_micros(i))
            .await
            .unwrap();
        assert_eq!(history.first().map(|m| m.sender_copy.clone()), Some(i.to_string()));
    }
    storage.close().await.unwrap();
}

#[tokio::test]
async fn a_batch_in_doubt_is_found_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let storage = storage(dir.path()).await;
    let before = storage.apply(vec![draft("old".to_owned())], Timestamp::from_micros(10)).await.unwrap();
    let drafts = (0..600).map(|i| draft(i.to_string())).collect();
    storage.apply(drafts, Timestamp::from_micros(1000)).await.unwrap();
    let found = async |after, since, sender| {
        let senders = std::collections::HashSet::from([UserId(sender)]);
        let found = storage.committed_since(after, Timestamp::from_micros(since), &senders).await.unwrap();
        found.into_iter().map(|message| message.sender_copy).collect::<Vec<_>>()
    };
    let all: Vec<String> = (0..600).map(|i| i.to_string()).collect();
    assert_eq!(found(before.batch.last, 1000, 1).await, all);
    assert_eq!(found(Seq(0), 1000, 1).await, all, "older ones are not of this batch");
    assert!(found(before.batch.last, 1000, 2).await.is_empty(), "another node's are not ours");
    assert!(found(storage.probe_head(0).await.unwrap(), 0, 1).await.is_empty());
    storage.close().await.unwrap();
}
