//! A NATS that has stopped where it is: its connections stay open, and nothing comes through.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fluent_backend::testing::Direction;
use serde_json::json;

use super::{Fate, Pair, Talk, is_record, relay_is};
use crate::support::postgres::database;
use crate::support::v1::live;

/// A login with a socket at the second server is ended at the first one.
async fn end_login(pair: &Pair, name: &str) {
    let user = pair.two.sign_up(name).await;
    let mut device = live(&user, "phone").await;
    let bearer = format!("Bearer {}", user.tokens.access_token);
    pair.one.http().with_authorization(bearer).post("/auth/logout", &json!({})).await.ok();
    assert_eq!(device.socket.close_code().await, 4001);
    assert_eq!(user.http.get("/users/me").await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_nats_is_frozen_everything_comes_once_and_in_order() {
    let Some(database) = database().await else { return };
    let Some(mut pair) = Pair::start(&database, |_| {}).await else { return };
    let mut talk = Talk::begin(&pair).await;
    talk.go_on(5).await;
    pair.nats.freeze().await.unwrap();
    // Nobody has noticed yet.
    talk.go_on(5).await;
    end_login(&pair, "carol").await;
    relay_is(&pair.one, "polling").await;
    relay_is(&pair.two, "polling").await;
    talk.go_on(5).await;
    end_login(&pair, "dave").await;

    let heard = Arc::new(AtomicUsize::new(0));
    let ear = heard.clone();
    pair.nats.thaw().await.unwrap();
    relay_is(&pair.one, "nats").await;
    relay_is(&pair.two, "nats").await;
    pair.link.judge(Direction::ToClient, move |message| {
        ear.fetch_add(usize::from(is_record(message)), Ordering::Relaxed);
        Fate::Pass
    });
    talk.go_on(5).await;
    end_login(&pair, "erin").await;
    assert!(heard.load(Ordering::Relaxed) >= 5, "they come by NATS again");
    assert_eq!(talk.bob.history(talk.alice.id).await.len(), 24);
    pair.stop().await;
}
