//! Which networks may come in: the rules of operators, and bans.

use std::sync::Arc;
use std::time::Instant;

use serde_json::json;

use super::monitor::{NoticeLevel, Notices};
use super::{Service, ServiceError};
use crate::auth::{AddressRules, AuthError, Bans, Suspicion};
use crate::domain::{
    AddressRule, AddressRuleChange, AuditEvent, ClientAddress, NewAddressRule, NewAuditEntry, NewBan, Operator,
    RuleAction, RuleScope, WhichRules,
};

/// The rules about addresses, and the counts that bans follow from.
pub struct Addresses {
    rules: Arc<AddressRules>,
    bans: Bans,
    notices: Arc<Notices>,
}

impl Addresses {
    /// Puts the two together. Bans are given notice of.
    #[must_use]
    pub fn new(rules: Arc<AddressRules>, bans: Bans, notices: Arc<Notices>) -> Self {
        Self { rules, bans, notices }
    }
}

impl Service {
    /// Returns some rules about addresses after the one with this number, in the order of their numbers.
    pub async fn address_rules(&self, after: i64, limit: u64) -> Result<Vec<AddressRule>, ServiceError> {
        Ok(self.storage.address_rules_after(after, limit).await?)
    }

    /// Makes a rule, which replaces the one for the same network and scope, and returns it. It holds at once, here and
    /// on all servers. [`ServiceError::OwnAddress`] when it would shut out the address that asks, unless it is forced.
    pub async fn set_address_rule(
        &self,
        new: NewAddressRule,
        asking: Option<ClientAddress>,
        is_forced: bool,
        by: Operator,
    ) -> Result<AddressRule, ServiceError> {
        let shuts_out = |client: ClientAddress| new.action == RuleAction::Block && new.network.contains(client.ip());
        if !is_forced && asking.is_some_and(shuts_out) {
            return Err(ServiceError::OwnAddress);
        }
        let made = self.change_address_rules(AddressRuleChange::Set(new)).await?;
        let rule = made.ok_or_else(|| ServiceError::Internal("a rule was not made".to_owned()))?;
        let entry = NewAuditEntry::of_operator(AuditEvent::AddressRuleAdded, by);
        let until = rule.expires_at;
        let detail = json!({"rule": rule.id, "cidr": rule.network, "action": rule.action, "scope": rule.scope,
            "until": until, "by": by});
        self.audit.record_now(entry.with(detail)).await?;
        let shown = rule.network.shown();
        tracing::info!(network = %shown, action = %rule.action, scope = %rule.scope, ?by, "an address rule was made");
        Ok(rule)
    }

    /// Removes rules. [`ServiceError::NoSuchRule`] when there are none.
    pub async fn remove_address_rules(&self, which: WhichRules, by: Operator) -> Result<(), ServiceError> {
        self.change_address_rules(AddressRuleChange::Remove(which)).await?;
        let entry = NewAuditEntry::of_operator(AuditEvent::AddressRuleRemoved, by);
        let removed = match which {
            WhichRules::Id(id) => json!({"rule": id, "by": by}),
            WhichRules::Network { network, scope } => json!({"cidr": network, "scope": scope, "by": by}),
        };
        self.audit.record_now(entry.with(removed)).await?;
        tracing::info!(?by, "address rules were removed");
        Ok(())
    }

    /// Returns the rule that decides about an address and a scope, if one does.
    pub async fn deciding_address_rule(
        &self,
        client: ClientAddress,
        scope: RuleScope,
    ) -> Result<Option<AddressRule>, ServiceError> {
        match self.addresses.rules.deciding(client, scope) {
            Some(id) => Ok(self.storage.address_rules_after(id - 1, 1).await?.pop().filter(|rule| rule.id == id)),
            None => Ok(None),
        }
    }

    /// Counts a handshake with a forged token or an unknown ticket.
    pub fn count_forged_handshake(self: &Arc<Self>, address: Option<ClientAddress>) {
        if let Some(address) = address
            && let Some(ban) = self.addresses.bans.forged(address, Instant::now())
        {
            self.ban(ban);
        }
    }

    /// Counts a login with this name: its password was right or wrong.
    pub(super) fn count_login<T>(
        self: &Arc<Self>,
        address: Option<ClientAddress>,
        name: &str,
        outcome: &Result<T, AuthError>,
    ) {
        let Some(address) = address else { return };
        match outcome {
            // A code is asked for once the password was right.
            Ok(_) | Err(AuthError::CodeNeeded { .. }) => {
                self.addresses.bans.succeeded(address, name, Instant::now());
            }
            Err(AuthError::WrongCredentials { .. }) => {
                match self.addresses.bans.failed(address, name, Instant::now()) {
                    Suspicion::None => {}
                    Suspicion::Judge => self.judge(address),
                    Suspicion::Ban(ban) => self.ban(ban),
                }
            }
            Err(_) => {}
        }
    }

    /// Bans an address from which many names have failed, unless users log in from its network, in the background.
    fn judge(self: &Arc<Self>, address: ClientAddress) {
        let service = self.clone();
        tokio::spawn(async move {
            let is_known = service.auth.is_anybodys_network(address).await;
            if let Err(error) = &is_known {
                tracing::warn!(error = ?error, "cannot see whether users log in from a network");
            }
            if let Some(ban) = service.addresses.bans.judge(address, is_known.ok()) {
                service.ban(ban);
            }
        });
    }

    /// Forgets the counts of addresses that were quiet. Must be called every few seconds.
    pub fn forget_quiet_addresses(&self) {
        self.addresses.bans.forget_quiet(Instant::now());
    }

    /// Bans a network, in the background: whoever has asked last need not wait for it.
    fn ban(self: &Arc<Self>, ban: NewBan) {
        if self.addresses.rules.allows_by_hand(ban.network) {
            return;
        }
        let service = self.clone();
        tokio::spawn(async move {
            let (shown, reason) = (ban.network.shown(), ban.reason.clone());
            match service.change_address_rules(AddressRuleChange::Ban(ban)).await {
                Ok(Some(rule)) => {
                    let entry = NewAuditEntry::of_server(AuditEvent::Ban);
                    let detail = json!({"cidr": rule.network, "strikes": rule.strikes, "until": rule.expires_at,
                        "reason": reason});
                    service.audit.record(entry.with(detail));
                    let until = rule.expires_at.map(|end| end.to_string());
                    let text = match &until {
                        Some(until) => format!("the network {shown} is banned until {until}: {reason}"),
                        None => format!("the network {shown} is banned: {reason}"),
                    };
                    service.addresses.notices.add(service.clock.now(), NoticeLevel::Warn, "ban", text);
                    tracing::warn!(network = %shown, strikes = rule.strikes, until, reason, "a network was banned");
                }
                // An operator's rule is there, or another server was faster.
                Ok(None) | Err(ServiceError::NoSuchRule) => {}
                Err(error) => tracing::warn!(network = %shown, error = ?error, "a network was not banned"),
            }
        });
    }

    async fn change_address_rules(&self, change: AddressRuleChange) -> Result<Option<AddressRule>, ServiceError> {
        let (writer, permit) = self.writer.permitted().await?;
        let made = writer.change_address_rules(change, permit).await.map_err(ServiceError::of_rule)?;
        // What is asked for holds when it is answered; other servers follow by the journal.
        self.addresses.rules.read(&self.storage).await?;
        Ok(made)
    }
}
