use std::net::Ipv4Addr;

use proptest::prelude::*;

use super::*;
use crate::domain::{RuleAction, RuleSource, Timestamp};

const NOW: i64 = 1_000_000_000;

fn rule(network: &str, action: RuleAction, scope: RuleScope) -> AddressRule {
    AddressRule {
        id: 1,
        network: network.parse().unwrap(),
        action,
        scope,
        source: RuleSource::Manual,
        reason: String::new(),
        strikes: 0,
        created_at: Timestamp::from_micros(0),
        expires_at: None,
    }
}

fn block(network: &str) -> AddressRule {
    rule(network, RuleAction::Block, RuleScope::All)
}

fn allow(network: &str) -> AddressRule {
    rule(network, RuleAction::Allow, RuleScope::All)
}

fn of(scope: RuleScope, mut rule: AddressRule) -> AddressRule {
    rule.scope = scope;
    rule
}

fn until(seconds: i64, mut rule: AddressRule) -> AddressRule {
    rule.expires_at = Some(Timestamp::from_micros(NOW).plus_secs(seconds));
    rule
}

fn rules(rules: &[AddressRule]) -> Arc<AddressRules> {
    let made = AddressRules::new(vec!["10.0.0.0/8".parse().unwrap()], Clock::stopped_at(Timestamp::from_micros(NOW)));
    made.replace(rules);
    made
}

fn address(text: &str) -> ClientAddress {
    text.parse::<IpAddr>().unwrap().into()
}

#[test]
fn the_longest_prefix_decides_and_allow_wins() {
    let rules = rules(&[
        block("203.0.0.0/16"),
        allow("203.0.113.0/24"),
        block("203.0.113.7"),
        block("2001:db8::/32"),
        allow("2001:db8:1::/48"),
    ]);
    for (text, is_banned) in [
        ("203.0.1.1", true),
        ("203.0.113.1", false),
        ("203.0.113.7", true),
        ("::ffff:203.0.113.7", true),
        ("203.1.0.1", false),
        ("2001:db8:2::1", true),
        ("2001:db8:1::1", false),
        ("2001:db9::1", false),
    ] {
        assert_eq!(rules.check(address(text)).is_err(), is_banned, "{text}");
    }
}

#[test]
fn strangers_are_judged_by_both_scopes_and_others_by_one() {
    let both = rules(&[of(RuleScope::Auth, block("192.0.2.0/24")), allow("192.0.2.7")]);
    assert_eq!(both.check(address("192.0.2.1")), Ok(()));
    assert_eq!(both.check_stranger(address("192.0.2.1")), Err(Banned { until: None }));
    assert_eq!(both.check_stranger(address("192.0.2.7")), Ok(()));
    let equal = rules(&[of(RuleScope::Auth, block("192.0.2.0/24")), allow("192.0.2.0/24")]);
    assert_eq!(equal.check_stranger(address("192.0.2.1")), Ok(()), "allow wins at equal length");
    let all = rules(&[block("192.0.2.0/24"), of(RuleScope::Auth, allow("192.0.2.0/24"))]);
    assert!(all.check(address("192.0.2.1")).is_err() && all.check_stranger(address("192.0.2.1")).is_ok());
}

#[test]
fn a_rule_that_has_ended_leaves_the_decision_to_a_wider_one() {
    let wide = until(60, block("192.0.0.0/16"));
    let rules = rules(&[wide.clone(), until(0, allow("192.0.2.0/24")), until(-1, block("198.51.100.0/24"))]);
    assert_eq!(rules.check(address("192.0.2.1")), Err(Banned { until: wide.expires_at }));
    assert_eq!(rules.check(address("198.51.100.1")), Ok(()));
    rules.clock.advance_secs(60);
    assert_eq!(rules.check(address("192.0.2.1")), Ok(()));
}

#[test]
fn two_blocks_of_one_network_last_as_long_as_the_longer() {
    let short = until(60, of(RuleScope::Auth, block("192.0.2.0/24")));
    let forever = rules(&[short.clone(), block("192.0.2.0/24")]);
    assert_eq!(forever.check_stranger(address("192.0.2.1")), Err(Banned { until: None }));
    let longer = until(90, block("192.0.2.0/24"));
    let both = rules(&[short, longer.clone()]);
    assert_eq!(both.check_stranger(address("192.0.2.1")), Err(Banned { until: longer.expires_at }));
}

#[test]
fn trusted_proxies_are_let_in_whatever_the_rules_say() {
    let rules = rules(&[block("0.0.0.0/0"), block("::/0")]);
    assert_eq!(rules.check_stranger(address("10.1.2.3")), Ok(()));
    assert!(rules.check(address("192.0.2.1")).is_err() && rules.check(address("2001:db8::1")).is_err());
}

#[test]
fn what_an_operator_allows_is_not_banned() {
    let mut automatic = allow("192.0.2.0/24");
    automatic.source = RuleSource::Auto;
    let rules = rules(&[allow("203.0.113.0/24"), automatic, until(0, allow("198.51.100.0/24"))]);
    for (network, is_allowed) in [
        ("203.0.113.7", true),
        ("203.0.113.0/24", true),
        ("203.0.0.0/16", false),
        ("192.0.2.1", false),
        ("198.51.100.1", false),
    ] {
        assert_eq!(rules.allows_by_hand(network.parse().unwrap()), is_allowed, "{network}");
    }
}

proptest! {
    /// The decision is that of looking at every rule.
    #[test]
    fn the_trie_decides_as_a_list_does(
        list in prop::collection::vec((any::<u8>(), 24_u8..=32, any::<bool>(), any::<bool>()), 0..30),
        last: u8,
    ) {
        let mut unique: Vec<AddressRule> = Vec::new();
        for (last, length, allows, is_auth) in list {
            let network = format!("192.0.2.{last}/{length}");
            let action = if allows { RuleAction::Allow } else { RuleAction::Block };
            let new = rule(&network, action, if is_auth { RuleScope::Auth } else { RuleScope::All });
            unique.retain(|old| (old.network, old.scope) != (new.network, new.scope));
            unique.push(new);
        }
        let made = rules(&unique);
        let asked: IpAddr = Ipv4Addr::new(192, 0, 2, last).into();
        for scope in [RuleScope::All, RuleScope::Auth] {
            let about = unique.iter().filter(|rule| scope == RuleScope::Auth || rule.scope == RuleScope::All);
            let decisive = about
                .filter(|rule| rule.network.contains(asked))
                .max_by_key(|rule| (rule.network.prefix_len(), rule.action == RuleAction::Allow));
            let expected = decisive.is_some_and(|rule| rule.action == RuleAction::Block);
            prop_assert_eq!(made.judge(asked, scope).is_err(), expected);
        }
    }
}
