//! The history of the store becomes another one while servers speak by NATS.

use fluent_backend::testing::{TestDevice, send_frame};
use sea_orm::{ConnectionTrait as _, Database};

use super::{Pair, Talk, by_nats_alone, relay_is};
use crate::support::postgres::database;

/// Makes the server of a device notice: it stores nothing for a former epoch.
async fn notice(device: &mut TestDevice, to: i32) {
    device.send(&send_frame(to, "too late")).await;
    assert_eq!(device.expect("error").await["code"], "unavailable");
    assert_eq!(device.socket.close_code().await, 1012);
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
        talk = talk.anew(&pair).await;
        talk.go_on(3).await;
    }
    db.close().await.unwrap();
    pair.stop().await;
}
