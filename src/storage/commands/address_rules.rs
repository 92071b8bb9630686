//! Changes of the rules about addresses. Other servers learn of them by the effect in the journal.

use crate::domain::{
    AddressRule, AddressRuleChange, Answer, Effect, Network, NewAddressRule, NewBan, Outcome, Refusal, RuleAction,
    RuleScope, RuleSource, Timestamp, WhichRules,
};
use crate::storage::StorageError;
use crate::storage::commands::batch::Batch;
use crate::storage::engine::tx::Tx as _;
use crate::storage::people::address_rules::{one, rule};

/// Makes a rule, or makes the one for the same network and scope anew.
const PUT: &str = "INSERT INTO address_rules (cidr, scope, action, source, reason, strikes, created_at, expires_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (cidr, scope) DO UPDATE SET action = EXCLUDED.action, \
     source = EXCLUDED.source, reason = EXCLUDED.reason, strikes = EXCLUDED.strikes, \
     created_at = EXCLUDED.created_at, expires_at = EXCLUDED.expires_at RETURNING id";
const REMOVE: &str = "DELETE FROM address_rules WHERE id = $1";
const REMOVE_NAMED: &str = "DELETE FROM address_rules WHERE cidr = $1 AND ($2 = '' OR scope = $2)";

impl Batch<'_> {
    pub(super) async fn change_address_rules(&mut self, change: AddressRuleChange) -> Result<Outcome, StorageError> {
        let answer = match change {
            AddressRuleChange::Set(new) => Some(self.set_rule(new).await?),
            AddressRuleChange::Ban(ban) => self.ban(ban).await?,
            AddressRuleChange::Remove(which) => {
                let statement = match which {
                    WhichRules::Id(id) => self.statement(REMOVE, [id.into()]),
                    WhichRules::Network { network, scope } => {
                        let scope = scope.map_or("", RuleScope::as_str);
                        self.statement(REMOVE_NAMED, [network.to_string().into(), scope.into()])
                    }
                };
                (self.tx.execute(statement).await? > 0).then_some(Answer::Done)
            }
        };
        let Some(answer) = answer else { return Ok(Outcome::refused(Refusal::NotFound)) };
        self.changed = true;
        self.effects.push(Effect::AddressRulesChanged);
        Ok(Outcome::done(answer))
    }

    async fn set_rule(&mut self, new: NewAddressRule) -> Result<Answer, StorageError> {
        let NewAddressRule { network, action, scope, reason, expires_at } = new;
        let source = RuleSource::Manual;
        let made =
            AddressRule { id: 0, network, action, scope, source, reason, strikes: 0, created_at: self.now, expires_at };
        self.put(made).await
    }

    /// Makes a ban, unless a rule of an operator is there, or another server has made the same ban a moment ago.
    async fn ban(&mut self, ban: NewBan) -> Result<Option<Answer>, StorageError> {
        let former = self.find_rule(ban.network, RuleScope::Auth).await?;
        let strikes = match &former {
            Some(former) if former.source == RuleSource::Manual || former.holds(self.now) => return Ok(None),
            Some(former) if former.holds(self.now.plus_secs(-ban.forget_s)) => former.strikes.saturating_add(1),
            _ => 1,
        };
        let expires_at = Some(self.now.plus_secs(ban.length_s(strikes)));
        let made = AddressRule {
            id: 0,
            network: ban.network,
            action: RuleAction::Block,
            scope: RuleScope::Auth,
            source: RuleSource::Auto,
            reason: ban.reason,
            strikes,
            created_at: self.now,
            expires_at,
        };
        self.put(made).await.map(Some)
    }

    async fn find_rule(&self, network: Network, scope: RuleScope) -> Result<Option<AddressRule>, StorageError> {
        let values = [network.to_string().into(), scope.as_str().into()];
        self.tx.query_one(self.statement(one(), values)).await?.map(rule).transpose()
    }

    /// Stores the rule, and returns it with its number.
    async fn put(&mut self, mut rule: AddressRule) -> Result<Answer, StorageError> {
        let values = [
            rule.network.to_string().into(),
            rule.scope.as_str().into(),
            rule.action.as_str().into(),
            rule.source.as_str().into(),
            rule.reason.clone().into(),
            rule.strikes.into(),
            rule.created_at.as_micros().into(),
            rule.expires_at.map(Timestamp::as_micros).into(),
        ];
        let row = self.tx.query_one(self.statement(PUT, values)).await?;
        rule.id = row.ok_or(StorageError::Corrupt("a rule without an id"))?.get(0)?;
        Ok(Answer::AddressRule(rule))
    }
}

#[cfg(test)]
mod tests;
