//! Rules by their networks: those around an address are found in as many steps as it has bits at most.

use std::net::IpAddr;

use ipnet::IpNet;
use prefix_trie::joint::JointPrefixMap;

use crate::domain::{AddressRule, Network, RuleAction, RuleScope, RuleSource, Timestamp};

/// All rules.
#[derive(Default, PartialEq)]
pub(super) struct Trie(JointPrefixMap<IpNet, Rules>);

/// The rules about one network.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Rules {
    all: Option<Rule>,
    auth: Option<Rule>,
}

/// What a rule says, without its network and scope.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) id: i64,
    pub(super) action: RuleAction,
    pub(super) expires_at: Option<Timestamp>,
    is_manual: bool,
}

impl Rule {
    /// Returns which of two rules for one network decides: the greater one.
    fn weight(&self) -> (bool, bool, Option<Timestamp>) {
        (self.action == RuleAction::Allow, self.expires_at.is_none(), self.expires_at)
    }
}

impl Rules {
    /// Returns the rules that decide about a scope at this time: those of `all` are about everything.
    fn deciding(self, scope: RuleScope, now: Timestamp) -> impl Iterator<Item = Rule> {
        let auth = self.auth.filter(|_| scope == RuleScope::Auth);
        let holds = move |rule: &Rule| rule.expires_at.is_none_or(|end| end > now);
        self.all.into_iter().chain(auth).filter(holds)
    }
}

impl Trie {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the rule that decides about an address and a scope, if one does: that of the longest prefix, where one
    /// that lets it in wins, and of two blocks the one that lasts longer.
    pub(super) fn deciding(&self, address: IpAddr, scope: RuleScope, now: Timestamp) -> Option<Rule> {
        let mut decisive = None;
        // From the widest network to the narrowest.
        for (_, rules) in self.0.cover(&address.into()) {
            decisive = rules.deciding(scope, now).max_by_key(Rule::weight).or(decisive);
        }
        decisive
    }

    /// Returns whether an operator's rule lets the whole network in.
    pub(super) fn allows_by_hand(&self, network: Network, now: Timestamp) -> bool {
        let is_allowed = |rule: Rule| rule.is_manual && rule.action == RuleAction::Allow;
        self.0.cover(&network.cidr()).any(|(_, rules)| rules.deciding(RuleScope::Auth, now).any(is_allowed))
    }
}

impl<'a> FromIterator<&'a AddressRule> for Trie {
    fn from_iter<T: IntoIterator<Item = &'a AddressRule>>(rules: T) -> Self {
        let mut trie = JointPrefixMap::new();
        for rule in rules {
            let entry: &mut Rules = trie.entry(rule.network.cidr()).or_default();
            let slot = match rule.scope {
                RuleScope::All => &mut entry.all,
                RuleScope::Auth => &mut entry.auth,
            };
            let is_manual = rule.source == RuleSource::Manual;
            *slot = Some(Rule { id: rule.id, action: rule.action, expires_at: rule.expires_at, is_manual });
        }
        Self(trie)
    }
}
