//! Commands for the upkeep of a database.

use std::path::Path;
use std::time::Instant;

use anyhow::Context as _;
use fluent_backend::config::Store;
use fluent_backend::storage::{self, Storage, StorageError};
use fluent_backend::{Config, server};

use super::progress::Progress;
use super::{DatabaseCommand, note, say};

pub(crate) async fn database(config: &Config, command: DatabaseCommand) -> anyhow::Result<()> {
    let force = matches!(command, DatabaseCommand::NewEpoch { force: true });
    let storage = Box::pin(Storage::open_existing(config, force)).await?;
    let done = match command {
        DatabaseCommand::NewEpoch { .. } => storage.new_epoch().await.map(|epoch| format!("the epoch is {epoch}")),
        DatabaseCommand::ForgetSecret => match config.store()? {
            Store::Sqlite(_) => Ok("nothing to do: only servers on PostgreSQL compare their secrets".to_owned()),
            Store::Postgres(_) => storage.forget_secret().await.map(|()| "the secret is forgotten".to_owned()),
        },
        DatabaseCommand::ForgetInstanceKey => {
            let told = |factors| format!("the instance key is forgotten, and the second factors of {factors} accounts");
            storage.forget_instance_key().await.map(told)
        }
        DatabaseCommand::Compact => match config.store()? {
            Store::Sqlite(_) => storage.compact().await.map(|()| "compacted".to_owned()),
            Store::Postgres(_) => Ok("nothing to do: its own vacuum gives space back".to_owned()),
        },
    };
    storage.close().await?;
    say(&format!("{}: {}", storage::named(config)?, done?));
    Ok(())
}

/// Brings the schema up to date. Makes the store if there is none.
pub(crate) async fn migrate_up(config: &Config) -> anyhow::Result<()> {
    server::make_data_dir(config)?;
    Storage::open(config).await?.close().await?;
    let count = Storage::migration_state(config).await?.len();
    say(&format!("{} is up to date: {count} migrations", storage::named(config)?));
    Ok(())
}

/// Removes what only older versions need, when no server of one is live.
pub(crate) async fn migrate_contract(config: &Config) -> anyhow::Result<()> {
    if let Some(pending) = Storage::migration_state(config).await?.into_iter().find(|migration| !migration.applied) {
        anyhow::bail!("{} is pending: run `migrate up` first", pending.name);
    }
    if let Store::Postgres(_) = config.store()? {
        let storage = Box::pin(Storage::open(config)).await?;
        let refused = storage.refuse_older_nodes().await;
        storage.close().await?;
        refused?;
    }
    say(&format!("{}: nothing to remove: this version needs all that is there", storage::named(config)?));
    Ok(())
}

/// Lists migrations on standard output, for programs too, and names the database on standard error.
pub(crate) async fn migration_status(config: &Config) -> anyhow::Result<()> {
    let (state, name) = (Storage::migration_state(config).await?, storage::named(config)?);
    if state.iter().all(|migration| !migration.applied) {
        return Err(StorageError::NoStore(name).into());
    }
    note(&name);
    for migration in state {
        say(&format!("{} {}", if migration.applied { "applied" } else { "pending" }, migration.name));
    }
    Ok(())
}

pub(crate) async fn backup(config: &Config, to: &Path) -> anyhow::Result<()> {
    let (path, holding) = storage::backup(config, to).await?;
    say(&format!("{} is in {}: {holding}", storage::named(config)?, path.display()));
    Ok(())
}

pub(crate) async fn restore(config: &Config, from: &Path, force: bool) -> anyhow::Result<()> {
    server::make_data_dir(config)?;
    let (holding, aside) = storage::restore(config, from, force).await?;
    say(&format!("{} is restored from {}: {holding}", storage::named(config)?, from.display()));
    if let Some(aside) = aside {
        say(&format!("what was there is kept as {}", aside.display()));
    }
    Ok(())
}

pub(crate) async fn copy_db(config: &Config, from: String, to: String, force: bool) -> anyhow::Result<()> {
    let (from, to) = (config.on(from), config.on(to));
    from.store().context("--from")?;
    to.store().context("--to")?;
    let begun = Instant::now();
    let progress = Progress::new();
    let copied = Box::pin(storage::copy(&from, &to, force, &|step| progress.at(step))).await?;
    drop(progress);
    for table in &copied {
        say(&format!("{:<16} {:>12} rows  {}", table.table, table.rows, table.checksum));
    }
    say(&format!(
        "copied {} to {} in {:.1} s: counts and checksums of all {} tables are equal on both sides",
        storage::named(&from)?,
        storage::named(&to)?,
        begun.elapsed().as_secs_f64(),
        copied.len()
    ));
    Ok(())
}
