//! This server as one of several on a PostgreSQL database: it says every two seconds that it is there.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

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

/// Says that this server is there, until it is stopped.
pub(super) async fn beats(app: Arc<App>, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(BEAT_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        beat(&app).await;
    }
}

/// Says once that this server is there.
pub(super) async fn beat(app: &App) {
    let leaving_in = app.health.is_draining().then(|| app.config.server.drain_window());
    let pulse = Pulse { told: app.health.told(), sockets: app.sockets.count(), leaving_in };
    match app.storage.beat(pulse, app.config.cluster.dead_after()).await {
        #[expect(clippy::cast_precision_loss, reason = "a few servers")]
        Ok(Some(beat)) => metrics().cluster.nodes.set(beat.live as f64),
        Ok(None) => {}
        // The relay says so at the level that it deserves.
        Err(error) => tracing::debug!(error = %error, "the other servers cannot be told that this one is there"),
    }
}
