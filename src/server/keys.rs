//! The keys of access tokens while the server runs: `fluent-backend keys`, or a deployment, changes their files.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::auth::KeyError;
use crate::http::App;

/// Time between two looks at the files.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Looks until the files of keys that are over are removed: once a minute.
const LOOKS_UNTIL_SWEEP: u32 = 30;

/// Loads the keys anew whenever they have changed, at the latest [`LOOK_EVERY`] after that.
pub(super) async fn watch(app: Arc<App>, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    let (mut looks, mut is_sound) = (0, true);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        if looks == 0 {
            sweep(&app).await;
        }
        looks = (looks + 1) % LOOKS_UNTIL_SWEEP;
        // A failure is told once, until the keys can be loaded again.
        is_sound = look(&app, is_sound).await.is_ok();
    }
}

/// Loads the keys anew if they have changed, and returns whether they have, or why they cannot be used; that is logged
/// if it is to be told.
pub(super) async fn look(app: &Arc<App>, is_told: bool) -> Result<bool, KeyError> {
    let app = app.clone();
    // Files may be on a slow disk.
    match tokio::task::spawn_blocking(move || app.auth.access().reload()).await {
        Ok(Ok(true)) => {
            tracing::info!("the keys of access tokens have changed, and were loaded");
            Ok(true)
        }
        Ok(Err(error)) => {
            if is_told {
                tracing::error!(error = %error, "the keys of access tokens stay as they were");
            }
            Err(error)
        }
        Ok(Ok(false)) | Err(_) => Ok(false),
    }
}

/// Removes the files of keys that are over. Their tokens are refused all the same, so a directory that is only read may
/// stay as it is.
async fn sweep(app: &Arc<App>) {
    let app = app.clone();
    if let Ok(Err(error)) = tokio::task::spawn_blocking(move || app.auth.access().sweep()).await {
        tracing::debug!(error = %error, "files of keys that are over were not removed");
    }
}
