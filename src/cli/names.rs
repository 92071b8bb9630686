//! The `admin names` command: lists accounts whose names would not be accepted as new ones.

use fluent_backend::Config;
use fluent_backend::storage;

use super::{note, say};

/// Prints one line for each of these accounts: id, name and reasons, separated by tabs.
pub(crate) async fn names(config: &Config) -> anyhow::Result<()> {
    let odd = storage::odd_names(config).await?;
    note(&storage::named(config)?);
    for name in &odd {
        // All but ASCII is escaped: an operator would not see that a letter is of another script.
        say(&format!("{}\t{}\t{}", name.user, name.name.escape_default(), name.reasons.join("; ")));
    }
    if odd.is_empty() {
        say("every name would be accepted as a new one");
    }
    Ok(())
}
