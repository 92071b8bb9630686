//! The rules about addresses, in memory: asked with every request, and replaced whole when they change.

mod trie;

use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::Notify;

use crate::clock::Clock;
use crate::domain::{AddressRule, Banned, ClientAddress, Network, RuleAction, RuleScope};
use crate::storage::{Storage, StorageError};
use trie::{Rule, Trie};

/// The rules, as they were when they were last read from the store.
pub struct AddressRules {
    current: ArcSwap<Trie>,
    /// Notified when a change was committed, here or by another server.
    changed: Notify,
    /// One reader at a time, so that an older state never replaces a newer one.
    reading: tokio::sync::Mutex<()>,
    /// Networks that no rule is about: those of trusted proxies.
    exempt: Vec<Network>,
    clock: Clock,
}

impl AddressRules {
    /// No rules yet. What comes from one of the `exempt` networks is let in whatever the rules will say.
    #[must_use]
    pub fn new(exempt: Vec<Network>, clock: Clock) -> Arc<Self> {
        Arc::new(Self {
            current: ArcSwap::default(),
            changed: Notify::new(),
            reading: tokio::sync::Mutex::default(),
            exempt,
            clock,
        })
    }

    /// Reads the rules from the store. Returns whether others hold now.
    pub async fn read(&self, storage: &Storage) -> Result<bool, StorageError> {
        let _reading = self.reading.lock().await;
        let rules = storage.address_rules().await?;
        let former = self.current.load_full();
        self.replace(&rules);
        Ok(*former != **self.current.load())
    }

    /// Puts these rules in the place of all others.
    pub(crate) fn replace(&self, rules: &[AddressRule]) {
        self.current.store(Arc::new(rules.iter().collect()));
    }

    /// Says that the store has other rules now.
    pub fn note_change(&self) {
        self.changed.notify_one();
    }

    /// Waits until the store has other rules. Changes that come meanwhile count as one.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Checks an address for what comes with a valid credential, or needs none: the rules of the scope `all` decide.
    pub fn check(&self, address: ClientAddress) -> Result<(), Banned> {
        self.judge(address.ip(), RuleScope::All)
    }

    /// Checks an address for what comes without a valid credential: the rules of both scopes decide.
    pub fn check_stranger(&self, address: ClientAddress) -> Result<(), Banned> {
        self.judge(address.ip(), RuleScope::Auth)
    }

    /// Returns whether an operator's rule lets the whole network in: then it is not banned.
    #[must_use]
    pub fn allows_by_hand(&self, network: Network) -> bool {
        self.current.load().allows_by_hand(network, self.clock.now())
    }

    /// Returns the number of the rule that decides about an address and a scope, if one does.
    #[must_use]
    pub fn deciding(&self, address: ClientAddress, scope: RuleScope) -> Option<i64> {
        self.find(address.ip(), scope).map(|rule| rule.id)
    }

    fn judge(&self, address: IpAddr, scope: RuleScope) -> Result<(), Banned> {
        match self.find(address, scope) {
            Some(Rule { action: RuleAction::Block, expires_at, .. }) => Err(Banned { until: expires_at }),
            _ => Ok(()),
        }
    }

    fn find(&self, address: IpAddr, scope: RuleScope) -> Option<Rule> {
        let trie = self.current.load();
        if trie.is_empty() || self.exempt.iter().any(|network| network.contains(address)) {
            return None;
        }
        trie.deciding(address, scope, self.clock.now())
    }
}

#[cfg(test)]
mod tests;
