//! Reading the rules about addresses.

use std::sync::LazyLock;

use crate::domain::{AddressRule, RuleAction, RuleScope, RuleSource, Timestamp};
use crate::storage::engine::page::bind;
use crate::storage::engine::row::{Columns as _, Row, columns};
use crate::storage::engine::tx::Tx as _;
use crate::storage::{Storage, StorageError};

columns! {
    /// A row of the rules.
    struct RuleColumns {
        id: i64 = "id",
        cidr: String = "cidr",
        scope: String = "scope",
        action: String = "action",
        source: String = "source",
        reason: String = "reason",
        strikes: i32 = "strikes",
        created_at: Timestamp = "created_at",
        expires_at: Option<Timestamp> = "expires_at",
    }
}

static ALL: LazyLock<String> = LazyLock::new(|| format!("SELECT {} FROM address_rules", RuleColumns::select()));
static PAGE: LazyLock<String> = LazyLock::new(|| format!("{} WHERE id > $1 ORDER BY id LIMIT $2 + 0", *ALL));
static ONE: LazyLock<String> = LazyLock::new(|| format!("{} WHERE cidr = $1 AND scope = $2", *ALL));

/// The statement that finds the rule for a network and a scope.
pub(in crate::storage) fn one() -> &'static str {
    &ONE
}

/// Reads a rule.
pub(in crate::storage) fn rule(row: Row) -> Result<AddressRule, StorageError> {
    let row: RuleColumns = row.read()?;
    let corrupt = StorageError::Corrupt("a rule about an address that cannot be read");
    let words = RuleAction::parse(&row.action).zip(RuleScope::parse(&row.scope)).zip(RuleSource::parse(&row.source));
    let (Some(((action, scope), source)), Ok(network)) = (words, row.cidr.parse()) else { return Err(corrupt) };
    Ok(AddressRule {
        id: row.id,
        network,
        action,
        scope,
        source,
        reason: row.reason,
        strikes: row.strikes,
        created_at: row.created_at,
        expires_at: row.expires_at,
    })
}

impl Storage {
    /// Returns all rules about addresses, those that have ended too.
    pub async fn address_rules(&self) -> Result<Vec<AddressRule>, StorageError> {
        let rows = self.reads.query(self.statement(ALL.as_str(), [])).await?;
        rows.into_iter().map(rule).collect()
    }

    /// Returns some rules after the one with this number, in the order of their numbers.
    pub async fn address_rules_after(&self, id: i64, limit: u64) -> Result<Vec<AddressRule>, StorageError> {
        let rows = self.reads.query(self.statement(PAGE.as_str(), [id.into(), bind(limit)])).await?;
        rows.into_iter().map(rule).collect()
    }
}
