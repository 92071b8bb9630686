use super::*;
use crate::domain::Command;
use crate::storage::Storage;
use crate::storage::testing::accounts::store_with;

const HOUR: i64 = 3600;
const START: i64 = 1_000_000_000_000;

fn at(hours: i64) -> Timestamp {
    Timestamp::from_micros(START).plus_secs(hours * HOUR)
}

async fn change(storage: &Storage, change: AddressRuleChange, now: Timestamp) -> Result<Answer, Refusal> {
    let mut applied = storage.apply(vec![Command::ChangeAddressRules(Box::new(change))], now).await.unwrap();
    let answer = applied.outcomes.remove(0).answer;
    assert_eq!(applied.effects.len(), usize::from(answer.is_ok()), "an effect for each change");
    answer
}

fn ban(network: &str) -> AddressRuleChange {
    let network = network.parse().unwrap();
    let (first_s, longest_s, forget_s) = (HOUR, 24 * HOUR, 7 * 24 * HOUR);
    AddressRuleChange::Ban(NewBan { network, reason: "test".to_owned(), first_s, longest_s, forget_s })
}

fn set(network: &str, action: RuleAction, scope: RuleScope) -> AddressRuleChange {
    let network = network.parse().unwrap();
    AddressRuleChange::Set(NewAddressRule { network, action, scope, reason: String::new(), expires_at: None })
}

/// The rule that a change has made.
fn made(answer: Result<Answer, Refusal>) -> AddressRule {
    match answer {
        Ok(Answer::AddressRule(rule)) => rule,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn bans_last_longer_each_time_and_are_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let storage = store_with(dir.path(), &[], at(0)).await;
    let length = |rule: &AddressRule, now: Timestamp| (rule.expires_at.unwrap().as_secs() - now.as_secs()) / HOUR;
    let mut now = 0;
    for (strike, hours) in [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 24), (7, 24)] {
        let rule = made(change(&storage, ban("192.0.2.7"), at(now)).await);
        assert_eq!((rule.strikes, length(&rule, at(now))), (strike, hours));
        assert_eq!(change(&storage, ban("192.0.2.7"), at(now)).await, Err(Refusal::NotFound), "it holds already");
        now += hours;
    }
    let rule = made(change(&storage, ban("192.0.2.7"), at(now + 7 * 24)).await);
    assert_eq!((rule.strikes, length(&rule, at(now + 7 * 24))), (1, 1), "a week later all is forgotten");
    assert_eq!(storage.address_rules().await.unwrap(), [rule]);
    storage.close().await.unwrap();
}

#[tokio::test]
async fn an_operators_rule_is_replaced_by_another_and_never_by_a_ban() {
    let dir = tempfile::tempdir().unwrap();
    let storage = store_with(dir.path(), &[], at(0)).await;
    let banned = made(change(&storage, ban("192.0.2.7"), at(0)).await);
    let allowed = made(change(&storage, set("192.0.2.7", RuleAction::Allow, RuleScope::Auth), at(1)).await);
    assert_eq!((allowed.id, allowed.strikes), (banned.id, 0), "one rule for a network and a scope");
    assert_eq!(change(&storage, ban("192.0.2.7"), at(9)).await, Err(Refusal::NotFound));
    let blocked = made(change(&storage, set("192.0.2.7", RuleAction::Block, RuleScope::All), at(1)).await);
    assert_ne!(blocked.id, allowed.id);
    assert_eq!(storage.address_rules_after(0, 1).await.unwrap(), std::slice::from_ref(&allowed));
    assert_eq!(storage.address_rules_after(allowed.id, 9).await.unwrap(), [blocked]);
    storage.close().await.unwrap();
}

#[tokio::test]
async fn rules_are_removed_by_scope_or_altogether() {
    let dir = tempfile::tempdir().unwrap();
    let storage = store_with(dir.path(), &[], at(0)).await;
    let network: Network = "2001:db8::/32".parse().unwrap();
    for scope in [RuleScope::All, RuleScope::Auth] {
        made(change(&storage, set("2001:db8::/32", RuleAction::Block, scope), at(0)).await);
    }
    let remove = |scope| AddressRuleChange::Remove(WhichRules::Network { network, scope });
    assert_eq!(change(&storage, remove(Some(RuleScope::Auth)), at(0)).await, Ok(Answer::Done));
    assert_eq!(change(&storage, remove(Some(RuleScope::Auth)), at(0)).await, Err(Refusal::NotFound));
    assert_eq!(change(&storage, remove(None), at(0)).await, Ok(Answer::Done));
    let rule = made(change(&storage, set("2001:db8::/32", RuleAction::Block, RuleScope::All), at(0)).await);
    let by_id = |id| AddressRuleChange::Remove(WhichRules::Id(id));
    assert_eq!(change(&storage, by_id(rule.id + 1), at(0)).await, Err(Refusal::NotFound));
    assert_eq!(change(&storage, by_id(rule.id), at(0)).await, Ok(Answer::Done));
    assert_eq!(storage.address_rules().await.unwrap(), []);
    storage.close().await.unwrap();
}

#[tokio::test]
async fn rules_that_have_ended_are_dropped_after_a_week() {
    let dir = tempfile::tempdir().unwrap();
    let storage = store_with(dir.path(), &[], at(0)).await;
    made(change(&storage, ban("192.0.2.7"), at(0)).await);
    let forever = made(change(&storage, set("192.0.2.8", RuleAction::Block, RuleScope::All), at(0)).await);
    assert_eq!(storage.drop_address_rules(at(1).plus_secs(-1)).await.unwrap().dropped, 0);
    assert_eq!(storage.drop_address_rules(at(1)).await.unwrap().dropped, 1);
    assert_eq!(storage.address_rules().await.unwrap(), [forever]);
    storage.close().await.unwrap();
}
