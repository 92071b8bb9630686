//! The history of the store becomes another one while servers speak by NATS.

use fluent_backend::testing::{TestDevice, send_frame};
use sea_orm::{ConnectionTrait as _, Database};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::{Pair, Talk, by_nats_alone, relay_is};
use crate::engines::failover::{EPOCH, is_ready, text};
use crate::support::postgres::database;
use crate::support::v1::{assert_fields, seq};

/// Makes the server of a device notice, unless it has heard from another one: it stores nothing for a former epoch.
async fn notice(device: &mut TestDevice, to: i32) {
    let _closed_already = device.socket.send(Message::text(send_frame(to, "too late").to_string())).await;
    loop {
        match device.socket.next().await {
            Some(Ok(Message::Text(text))) => {
                let frame: Value = serde_json::from_str(&text).unwrap();
                assert_fields(&frame, &json!({"type": "error", "code": "unavailable"}));
            }
            Some(Ok(Message::Close(Some(close)))) => return assert_eq!(u16::from(close.code), 1012),
            other => panic!("neither a refusal nor a close frame: {other:?}"),
        }
    }
}

/// Both speak by NATS again, under the new epoch, and what is said under a former one is not listened to.
#[tokio::test(flavor = "multi_thread")]
async fn under_a_new_epoch_batches_come_by_nats_again() {
    let Some(database) = database().await else { return };
    let Some(pair) = Pair::start(&database, by_nats_alone).await else { return };
    let db = Database::connect(database.url()).await.unwrap();
    let mut talk = Talk::begin(&pair).await;
    talk.go_on(3).await;
    for epoch in ["second", "third"] {
        db.execute_unprepared(&format!("UPDATE store SET epoch = '{epoch}'")).await.unwrap();
        notice(&mut talk.a, talk.bob.id).await;
        notice(&mut talk.b, talk.alice.id).await;
        relay_is(&pair.one, "nats").await;
        relay_is(&pair.two, "nats").await;
        talk = Box::pin(talk.anew(&pair)).await;
        talk.go_on(3).await;
        // Nobody has taken what it noticed twice for another one.
        assert_eq!(text(&db, EPOCH).await, epoch);
    }
    db.close().await.unwrap();
    pair.stop().await;
}

/// A batch that a server knows by NATS alone is replaced by another one, as after a failover that has lost it.
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_was_heard_and_is_lost_makes_a_new_epoch() {
    let Some(database) = database().await else { return };
    let Some(pair) = Pair::start(&database, by_nats_alone).await else { return };
    let db = Database::connect(database.url()).await.unwrap();
    let mut talk = Talk::begin(&pair).await;
    talk.go_on(3).await;
    let stored = seq(&talk.a.store(talk.bob.id, "lost").await);
    talk.arrive(&[stored]).await;
    let Pair { one, two, nats: _nats, link: _link } = pair;
    one.stop().await;
    let replace = format!("UPDATE batches SET nonce = nonce # 1 WHERE last = {stored}");
    assert_eq!(db.execute_unprepared(&replace).await.unwrap().rows_affected(), 1);
    notice(&mut talk.b, talk.alice.id).await;
    is_ready(&two).await;
    let (epoch, before) = (text(&db, EPOCH).await, talk.b.cursor(stored));
    assert!(!before.starts_with(&epoch), "{before} {epoch}");
    db.close().await.unwrap();
    two.stop().await;
}
