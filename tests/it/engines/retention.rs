//! Retention on PostgreSQL follows the clock of the database, whatever that of the server says.

use fluent_backend::clock::Clock;
use fluent_backend::testing::{TestData, TestServer, eventually};
use sea_orm::{ConnectionTrait as _, Database};

use crate::support::postgres::database;
use crate::support::v1::live;

const HOUR: i64 = 3600;

/// A message that is younger than a day by half an hour stays, one that is older by as much goes.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_while_its_server_runs_ends_nothing_early_or_late() {
    for error in [HOUR, -HOUR] {
        let Some(database) = database().await else { return };
        let (data, clock) = (TestData::postgres(database), Clock::system());
        let server = TestServer::start_on(data.clone(), clock.clone(), |config| {
            (config.messages.retention_days, config.messages.retention_every_s) = (1, 0);
            config.messages.clear_every_ms = 20;
            // Tokens outlive the wrong clock, however late it is corrected.
            config.auth.access_token_s = 3 * HOUR;
            // So that nothing else looks at the clock of the database.
            (config.cluster.poll_ms, config.cluster.check_ms) = (10_000, 60_000);
        })
        .await;
        let alice = server.sign_up("alice").await;
        let mut device = live(&alice, "a").await;
        device.store(alice.id, "older").await;
        let younger = device.store(alice.id, "younger").await;
        clock.advance_secs(error);
        let db = Database::connect(data.url()).await.unwrap();
        let aged = format!(
            "UPDATE messages SET timestamp = timestamp - \
             CASE id WHEN {} THEN 84600000000 ELSE 88200000000 END",
            younger["id"]
        );
        db.execute_unprepared(&aged).await.unwrap();
        let is_one_left = async || (alice.history(alice.id).await.len() < 2).then_some(());
        eventually("retention has ended a message", is_one_left).await;
        let left = alice.history(alice.id).await;
        assert_eq!(left.len(), 1, "a clock that is wrong by {error} s");
        assert_eq!(left[0].content, "s:younger");
        db.close().await.unwrap();
        server.stop().await;
    }
}
