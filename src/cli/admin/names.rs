//! `admin names`: lists accounts whose names would not be accepted as new ones.

use std::fmt::Write as _;

use fluent_backend::Config;
use fluent_backend::storage;
use serde_json::{Value, json};

use super::Shown;
use super::failure::Failure;
use crate::cli::{note, one_line};

/// Shows one line for each of these accounts: id, name and reasons, separated by tabs. Reads the database beside any
/// server.
pub(super) async fn run(config: &Config) -> Result<Shown, Failure> {
    let unreachable = |error: storage::StorageError| Failure::Unreachable(one_line(&error.into()));
    let odd = storage::odd_names(config).await.map_err(unreachable)?;
    note(&storage::named(config).map_err(unreachable)?);
    let mut text = String::new();
    for name in &odd {
        // All but ASCII is escaped: an operator would not see that a letter is of another script. Writing to a text
        // does not fail.
        let _ = writeln!(text, "{}\t{}\t{}", name.user, name.name.escape_default(), name.reasons.join("; "));
    }
    if odd.is_empty() {
        text.push_str("every name would be accepted as a new one");
    }
    let names: Vec<Value> =
        odd.iter().map(|odd| json!({"id": odd.user, "name": odd.name, "reasons": odd.reasons})).collect();
    Ok(Shown { json: json!({"names": names}), text })
}
