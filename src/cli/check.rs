//! `config check`: finds settings that are valid and yet would keep the server from starting or from being safe.
//! Changes nothing.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use fluent_backend::Config;
use fluent_backend::clock::Clock;
use fluent_backend::config::Store;
use fluent_backend::http::Tls;
use fluent_backend::push::Providers;
use fluent_backend::storage::Storage;

use super::output::{one_line, warn};
use super::say;

/// The first bytes of a SQLite file (<https://sqlite.org/fileformat.html> §1.3).
const SQLITE: &[u8] = b"SQLite format 3\0";

/// Prints that the settings are valid, which loading them has shown, and warnings of what is not as it should be.
pub(crate) async fn check(config: &Config) -> anyhow::Result<()> {
    let mut warnings = config.warnings();
    if config.uses_data_dir() {
        warnings.extend(directory("the data directory", &config.server.data_dir));
    }
    warnings.extend(Tls::load(&config.tls, &Clock::system()).err().map(|error| one_line(&error.into())));
    warnings.extend(Providers::check_files(config).into_iter().map(|error| one_line(&error.into())));
    match config.store()? {
        Store::Sqlite(path) => warnings.extend(sqlite(config, &path)),
        Store::Postgres(_) => {
            let state = Box::pin(Storage::migration_state(config)).await;
            warnings.extend(state.err().map(|error| one_line(&error.into())));
        }
    }
    for warning in &warnings {
        warn(warning);
    }
    say("the configuration is valid");
    Ok(())
}

/// Returns what is wrong with a directory that exists or will be made.
fn directory(what: &str, path: &Path) -> Option<String> {
    let nearest = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let nearest = nearest.ancestors().find(|path| path.exists()).map_or_else(|| PathBuf::from("/"), Path::to_owned);
    if !nearest.is_dir() {
        return Some(format!("{what} {} cannot be made: {} is no directory", path.display(), nearest.display()));
    }
    (!may_write(&nearest)).then(|| format!("{what} {} cannot be written by this user", path.display()))
}

/// Returns what is wrong with the file of the database, or with the place where it will be made.
fn sqlite(config: &Config, path: &Path) -> Option<String> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if parent != config.server.data_dir || !config.uses_data_dir() {
        if !parent.is_dir() {
            return Some(format!("{} is not in an existing directory", path.display()));
        }
        if let Some(wrong) = directory("the directory of the database", parent) {
            return Some(wrong);
        }
    }
    if !path.exists() {
        return None;
    }
    if !may_write(path) {
        return Some(format!("the database {} cannot be written by this user", path.display()));
    }
    let mut first = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(SQLITE.len() as u64).read_to_end(&mut first));
    match read {
        Err(error) => Some(format!("the database {} cannot be read: {error}", path.display())),
        Ok(_) if first.is_empty() || first == SQLITE => None,
        Ok(_) => Some(format!("{} is not a database of SQLite", path.display())),
    }
}

#[cfg(target_os = "linux")]
fn may_write(path: &Path) -> bool {
    use rustix::fs::{Access, AtFlags, CWD, accessat};
    let search = if path.is_dir() { Access::EXEC_OK } else { Access::empty() };
    accessat(CWD, path, Access::WRITE_OK | search, AtFlags::EACCESS).is_ok()
}

/// Always true on other systems: there only the start itself shows whether the file can be written.
#[cfg(not(target_os = "linux"))]
fn may_write(_: &Path) -> bool {
    true
}
