//! The rules about addresses while the server runs: they change here, and at other servers.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::http::App;
use crate::telemetry::Seldom;

/// The time after which the rules are read anew in any case.
const INTERVAL: Duration = Duration::from_mins(1);
/// Wait before they are read once more.
const RETRY: Duration = Duration::from_millis(500);

/// Reads the rules about addresses anew whenever they have changed, here or at another server, and closes the sockets
/// of blocked networks.
pub(super) async fn follow(app: Arc<App>, stop: CancellationToken) {
    let failed = Seldom::new(Duration::from_mins(1));
    // A server that is older than the rules does not say that it has changed them.
    let mut rounds = tokio::time::interval(INTERVAL);
    loop {
        let changed = async {
            tokio::select! {
                () = app.address_rules.changed() => {}
                _ = rounds.tick() => {}
            }
        };
        if stop.run_until_cancelled(changed).await.is_none() {
            return;
        }
        while let Err(error) = app.address_rules.read(&app.storage).await {
            if failed.is_due() {
                tracing::warn!(error = %error, "cannot read the address rules; trying again");
            }
            if stop.run_until_cancelled(tokio::time::sleep(RETRY)).await.is_none() {
                return;
            }
        }
        app.close_banned_sockets();
    }
}
