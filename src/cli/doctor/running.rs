//! The server that runs on this machine, if one does.

use fluent_backend::Config;

use super::finding::Finding;
use crate::cli::health;

pub(super) async fn look(config: &Config) -> Vec<Finding> {
    match health::ask(&config.admin.listen).await {
        Ok(readiness) if readiness.is_ready() => vec![Finding::fine("server", "running and ready")],
        Ok(readiness) => vec![
            Finding::error("server", format!("running, and not ready: {}", readiness.reasons().join(", ")))
                .since("clients are refused, or what they send is not kept")
                .mended_by("docs/operations/failures.md says what each means; look at the last lines of the log"),
        ],
        Err(_) => vec![Finding::fine("server", format!("none answers on {} (admin.listen)", config.admin.listen))],
    }
}
