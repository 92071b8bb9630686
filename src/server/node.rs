//! This server as one of several on a PostgreSQL database: it says every two seconds that it is there.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::actors::Beat;
use crate::auth::SecretKeys;
use crate::config::{Config, Failover};
use crate::http::App;
use crate::storage::{Joining, Pulse, Storage, StorageError};
use crate::telemetry::metrics;

/// Time between two signs of life.
const BEAT_EVERY: Duration = Duration::from_secs(2);

/// Joins the servers that use the database; does nothing on SQLite.
pub(super) async fn join(config: &Config, keys: &SecretKeys, storage: &Storage) -> Result<(), StorageError> {
    let joining = Joining {
        label: config.cluster.name(),
        secret_checks: keys.checks(),
        is_lossless: config.database.failover == Failover::Lossless,
    };
    storage.join(joining).await
}

/// Says that this server is there, until it is stopped: by NATS, whatever the database does, and in the database.
pub(super) async fn beats(app: Arc<App>, stop: CancellationToken) {
    let (saying, stopped) = (app.clone(), stop.clone());
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(BEAT_EVERY);
        while stopped.run_until_cancelled(ticks.tick()).await.is_some() {
            say(&saying);
        }
    });
    let mut ticks = tokio::time::interval(BEAT_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut is_alone = app.config.cluster.nats().is_ok_and(|nats| nats.is_none());
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        if beat(&app).await > 1 && std::mem::take(&mut is_alone) {
            tracing::warn!(
                "another server uses the database: without cluster.nats_url presence, typing and the sockets of one \
                 device are each server's own"
            );
        }
    }
}

/// Says once, by both ways, that this server is there.
pub(super) async fn say_now(app: &App) {
    say(app);
    beat(app).await;
}

fn say(app: &App) {
    app.who.beat(Beat { sockets: app.sockets.count(), leaving_in: leaving_in(app) });
}

/// Returns the time in which this server will have closed its sockets, if it is stopping.
fn leaving_in(app: &App) -> Option<Duration> {
    app.health.is_draining().then(|| app.drain_window())
}

/// Renews the row of this server. Returns how many servers are there, as far as is known.
async fn beat(app: &App) -> usize {
    let pulse = Pulse { told: app.health.told(), sockets: app.sockets.count(), leaving_in: leaving_in(app) };
    match app.storage.beat(pulse, app.config.cluster.dead_after()).await {
        Ok(Some(beat)) => {
            #[expect(clippy::cast_precision_loss, reason = "a few servers")]
            metrics().cluster.nodes.set(beat.live as f64);
            app.health.note_row_renewed();
            app.who.rows(beat.seen);
            beat.live
        }
        Ok(None) => 0,
        // The relay says so at the level that it deserves.
        Err(error) => {
            tracing::debug!(error = %error, "the other servers cannot be told that this one is there");
            0
        }
    }
}
