//! What must hold before a server starts: its directory is there, and it may open enough files.

use super::{LEAST_CONNECTIONS, ServerError};
use crate::config::Config;
use crate::storage::Storage;

/// Makes the directory for the secret, keys and the database, readable to its owner alone. One that exists is left as
/// it is; none is made when nothing of them is kept there.
pub fn make_data_dir(config: &Config) -> Result<(), ServerError> {
    if !config.uses_data_dir() {
        return Ok(());
    }
    let path = &config.server.data_dir;
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|source| ServerError::DataDir { path: path.clone(), source })
}

/// Logs one line when there are accounts whose names the present rules would refuse.
pub(super) async fn warn_of_unusual_names(storage: &Storage) -> Result<(), ServerError> {
    let accounts = storage.count_odd_names().await?;
    if accounts > 0 {
        tracing::warn!(
            accounts,
            "some names would not be accepted as new ones; `fluent-backend admin names` lists them"
        );
    }
    Ok(())
}

/// Returns the greatest number of client connections: the configured one, or less when the process may open too few
/// files. Fails when fewer than [`LEAST_CONNECTIONS`] are possible.
pub(super) fn max_connections(configured: usize, reserved: u64) -> Result<usize, ServerError> {
    let Ok(files) = rlimit::increase_nofile_limit(u64::MAX) else { return Ok(configured) };
    let possible = usize::try_from(files.saturating_sub(reserved)).unwrap_or(usize::MAX);
    let least = configured.min(LEAST_CONNECTIONS);
    if possible < least {
        return Err(ServerError::TooFewFiles { files, least: reserved.saturating_add(least as u64) });
    }
    if possible < configured {
        tracing::warn!(files, connections = possible, "the limit on open files lowers server.max_connections");
    }
    Ok(configured.min(possible))
}
