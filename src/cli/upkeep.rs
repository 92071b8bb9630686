//! What operators do to a database.

use std::path::Path;
use std::time::Instant;

use anyhow::Context as _;
use fluent_backend::storage::{self, Storage};
use fluent_backend::{Config, server};

use super::progress::Progress;
use super::{DatabaseCommand, say};

pub(crate) async fn database(config: &Config, command: DatabaseCommand) -> anyhow::Result<()> {
    server::make_data_dir(config)?;
    let storage = Storage::open(config).await?;
    let done = match command {
        DatabaseCommand::NewEpoch => storage.new_epoch().await.map(|epoch| format!("the epoch is {epoch}")),
        DatabaseCommand::Compact => storage.compact().await.map(|()| "compacted".to_owned()),
    };
    storage.close().await?;
    say(&done?);
    Ok(())
}

pub(crate) async fn backup(config: &Config, to: &Path) -> anyhow::Result<()> {
    let (path, holding) = storage::backup(config, to).await?;
    say(&format!("{}: {holding}", path.display()));
    Ok(())
}

pub(crate) async fn restore(config: &Config, from: &Path, force: bool) -> anyhow::Result<()> {
    server::make_data_dir(config)?;
    let (holding, aside) = storage::restore(config, from, force).await?;
    say(&format!("restored: {holding}"));
    if let Some(aside) = aside {
        say(&format!("what was there is kept as {}", aside.display()));
    }
    Ok(())
}

pub(crate) async fn copy_db(config: &Config, from: String, to: String) -> anyhow::Result<()> {
    let (from, to) = (config.on(from), config.on(to));
    from.store().context("--from")?;
    to.store().context("--to")?;
    let begun = Instant::now();
    let progress = Progress::new();
    let copied = storage::copy(&from, &to, &|step| progress.at(step)).await?;
    drop(progress);
    for table in &copied {
        say(&format!("{:<16} {:>12} rows  {}", table.table, table.rows, table.checksum));
    }
    say(&format!(
        "copied in {:.1} s: counts and checksums of all {} tables are equal on both sides",
        begun.elapsed().as_secs_f64(),
        copied.len()
    ));
    Ok(())
}
