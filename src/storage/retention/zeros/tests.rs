use super::*;
use crate::storage::engine::tx::run_unprepared;
use crate::storage::testing::accounts::store_with;

/// The rows of a table of `count` that may be deleted, each with content of so many bytes, when some stay.
fn far(count: i64, content_bytes: i64, staying: &[i64]) -> Vec<i64> {
    let (mut run, mut far) = (Run::new(4096), Vec::new());
    for id in 1..=count {
        run.pass(id, content_bytes, staying.contains(&id), &mut far);
    }
    far.into_iter().map(|[id]| id).collect()
}

#[test]
fn of_a_run_of_zeros_all_goes_but_what_is_near_to_a_row_that_stays() {
    // Of a long content 455 bytes count, and 8 more: 36 rows are four pages.
    assert_eq!(far(1000, 5000, &[500]), (1..464).chain(537..965).collect::<Vec<_>>());
    assert_eq!(far(1000, 455, &[500]), far(1000, 5000, &[500]));
    // Empty rows are smaller than any page could hold many of.
    assert_eq!(far(10_000, 0, &[10_000]), (1..7952).collect::<Vec<_>>());
    assert_eq!(far(30, 5000, &[]), Vec::<i64>::new(), "the newest messages are next to come");
    let every_fifty: Vec<i64> = (1..20).map(|n| n * 50).collect();
    assert!(far(1000, 5000, &every_fifty).iter().all(|id| *id < 50), "there is no room between them");
}

const ROWS: &str = "WITH RECURSIVE n (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < 3000) \
     INSERT INTO bodies (id, sender_copy, receiver_copy) SELECT id, \
     CASE WHEN id IN (1000, 1001, 2000, 3000) THEN CAST('MARKER' || id || hex(zeroblob(100)) AS BLOB) \
     ELSE zeroblob(200) END, zeroblob(100) FROM n";
const STAYING: &str = "INSERT INTO messages (id, conversation_id, sender_id, receiver_id, message_type, timestamp) \
     SELECT id, 1, 1, 2, 'text', id FROM bodies WHERE id IN (1000, 1001, 2000, 3000)";

#[tokio::test]
async fn zeros_make_room_for_new_messages_and_what_stays_can_still_be_destroyed() {
    let (dir, now) = (tempfile::tempdir().unwrap(), Timestamp::from_micros(1_700_000_000_000_000));
    let storage = store_with(dir.path(), &["alice", "bob"], now).await;
    for sql in [ROWS, STAYING] {
        run_unprepared(&storage.request_writes, sql).await.unwrap();
    }
    let number = async |sql: &str| -> i64 {
        storage.reads.query_one(storage.statement(sql, [])).await.unwrap().unwrap().get(0).unwrap()
    };
    let mut walk = ZerosWalk::default();
    let sweep = async |walk: &mut ZerosWalk, now| {
        let mut dropped = 0;
        loop {
            let cleared = storage.drop_zeros(walk, now).await.unwrap();
            dropped += cleared.dropped;
            if !cleared.has_more {
                return dropped;
            }
        }
    };
    let dropped = sweep(&mut walk, now).await;
    assert!(dropped > 2600, "{dropped}");
    assert_eq!(number("SELECT COUNT(*) FROM bodies").await, 3000 - i64::try_from(dropped).unwrap());
    assert!(number("SELECT freelist_count FROM pragma_freelist_count").await > 150, "their pages are free");
    assert_eq!(number("SELECT COUNT(*) FROM bodies WHERE CAST(sender_copy AS TEXT) LIKE 'MARKER%'").await, 4);
    // Once a day, and only after something was dropped; what is near to a row that stays is left.
    assert_eq!(sweep(&mut walk, now.plus_secs(EVERY_S)).await, 0);
    walk.note();
    assert_eq!(sweep(&mut walk, now.plus_secs(EVERY_S - 1)).await, 0);
    assert!(!walk.is_clean, "it is too early");
    assert_eq!(sweep(&mut walk, now.plus_secs(EVERY_S)).await, 0);
    assert!(walk.is_clean);
    // No copies of what has stayed were left anywhere.
    for sql in ["UPDATE bodies SET sender_copy = zeroblob(length(sender_copy))", "DELETE FROM messages"] {
        run_unprepared(&storage.request_writes, sql).await.unwrap();
    }
    assert!(storage.checkpoint().await.unwrap());
    let file = std::fs::read(dir.path().join("fluent.db")).unwrap();
    assert!(!file.windows(6).any(|bytes| bytes == b"MARKER"));
    walk.note();
    assert!(sweep(&mut walk, now.plus_secs(2 * EVERY_S)).await > 100);
    storage.close().await.unwrap();
}
