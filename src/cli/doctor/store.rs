//! The store: whether it opens, what its next start would change, and how safely it keeps.

use std::time::Duration;

use fluent_backend::Config;
use fluent_backend::clock::Clock;
use fluent_backend::config::{Store, Synchronous};
use fluent_backend::storage::{PostgresFacts, Storage, StorageError, inspect_postgres};

use super::disk::size;
use super::finding::Finding;
use crate::cli::one_line;

/// A round trip that makes each batch of messages wait noticeably.
const SLOW: Duration = Duration::from_millis(5);
/// Clocks that differ by more should be set right.
const MOST_AHEAD_US: i64 = 2_000_000;

pub(super) async fn look(config: &Config) -> Vec<Finding> {
    let mut findings = vec![schema(config).await];
    match config.store() {
        Ok(Store::Sqlite(path)) => {
            if let Ok(file) = std::fs::metadata(&path) {
                findings.push(Finding::fine("database", format!("{}, {}", path.display(), size(file.len()))));
            }
            if config.database.synchronous == Synchronous::Normal {
                let found = "database.synchronous is \"normal\": a loss of power may take the last messages";
                findings.push(Finding::warning("database", found).since("their senders were told that they are kept"));
            }
        }
        Ok(Store::Postgres(_)) => {
            // When it cannot be reached, that was said above.
            let facts = inspect_postgres(config, &Clock::system()).await.ok().flatten();
            findings.extend(facts.iter().flat_map(postgres));
        }
        Err(error) => findings.push(Finding::error("database", one_line(&error.into()))),
    }
    findings
}

async fn schema(config: &Config) -> Finding {
    match Box::pin(Storage::migration_state(config)).await {
        Ok(state) => match state.iter().filter(|migration| !migration.applied).count() {
            0 => Finding::fine("schema", format!("up to date: {} migrations", state.len())),
            pending => Finding::warning("schema", format!("{pending} migrations are pending"))
                .since("the next start runs them, which takes a while on a large database")
                .mended_by("make a backup, then: fluent-backend migrate up"),
        },
        Err(StorageError::NoStore(_)) => Finding::fine("schema", "there is no database yet: the first start makes it"),
        Err(error) => Finding::error("database", one_line(&error.into())).since("the server does not start"),
    }
}

fn postgres(facts: &PostgresFacts) -> Vec<Finding> {
    let version = format!("PostgreSQL {}.{}", facts.version / 10_000, facts.version % 10_000);
    let mut findings = vec![if facts.is_too_old() {
        Finding::error("database", version).since("it lacks what the server uses").mended_by("install 15 or newer")
    } else {
        Finding::fine("database", format!("{version}, a round trip of {:.1} ms", millis(facts.round_trip)))
    }];
    let mut warn = |found: String, why, cure: &str| {
        findings.push(Finding::warning("database", found).since(why).mended_by(cure));
    };
    let servers = facts.connections / facts.connections_of_a_server.max(1);
    if servers < 2 {
        let (all, each) = (facts.connections, facts.connections_of_a_server);
        let why = "while one server takes over from another, both are connected";
        warn(format!("{all} connections, of which each server takes up to {each}"), why, "raise max_connections there");
    }
    if !facts.waits_for_disk {
        let why = "a loss of power may take messages whose senders were told that they are kept";
        warn("fsync is off".to_owned(), why, "fsync = on in postgresql.conf");
    }
    if facts.sorts_otherwise {
        let why = "an operating system with other rules for sorting leaves indexes that do not find everything";
        let cure = "REINDEX DATABASE, then ALTER DATABASE … REFRESH COLLATION VERSION";
        warn("the rules for sorting have changed since the database was made".to_owned(), why, cure);
    }
    if facts.round_trip > SLOW {
        let why = "each batch of messages waits for several";
        warn(format!("a round trip of {:.1} ms", millis(facts.round_trip)), why, "put it nearer to the server");
    }
    if facts.ahead_us.abs() > MOST_AHEAD_US {
        let why = "expiry and tokens follow this clock, time stamps that one";
        warn(format!("its clock differs by {} s", facts.ahead_us / 1_000_000), why, "set both clocks right");
    }
    findings
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::Level;

    const GOOD: PostgresFacts = PostgresFacts {
        version: 150_018,
        connections: 97,
        connections_of_a_server: 16,
        waits_for_disk: true,
        sorts_otherwise: false,
        round_trip: Duration::from_micros(200),
        ahead_us: -1000,
    };

    #[test]
    fn each_weakness_of_a_postgresql_is_found() {
        assert_eq!(postgres(&GOOD).iter().map(|finding| finding.level).collect::<Vec<_>>(), [Level::Fine]);
        assert_eq!(postgres(&PostgresFacts { version: 140_011, ..GOOD })[0].level, Level::Error);
        for bad in [
            PostgresFacts { connections: 31, ..GOOD },
            PostgresFacts { waits_for_disk: false, ..GOOD },
            PostgresFacts { sorts_otherwise: true, ..GOOD },
            PostgresFacts { round_trip: Duration::from_millis(6), ..GOOD },
            PostgresFacts { ahead_us: -3_000_000, ..GOOD },
        ] {
            let found = postgres(&bad);
            assert_eq!((found.len(), found[1].level), (2, Level::Warning), "{bad:?}");
        }
    }
}
