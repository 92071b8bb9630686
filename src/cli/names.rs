//! What operators see of names.

use fluent_backend::Config;
use fluent_backend::storage;

use super::{note, say};

/// One line an account.
pub(crate) async fn names(config: &Config) -> anyhow::Result<()> {
    let odd = storage::odd_names(config).await?;
    note(&storage::named(config)?);
    for name in &odd {
        // Escapes for all but ASCII: a letter of another script is what one would not see.
        say(&format!("{}\t{}\t{}", name.user, name.name.escape_default(), name.reasons.join("; ")));
    }
    if odd.is_empty() {
        say("every name would be accepted as a new one");
    }
    Ok(())
}
