use std::time::Duration;

use proptest::prelude::*;

use super::*;

fn after(seconds: i64) -> Timestamp {
    Timestamp::from_micros(1_700_000_000_000_000).plus_secs(seconds)
}

fn urgent(seq: i64, now: Timestamp) -> Owed {
    Owed { seq: Seq(seq), is_urgent: true, not_before: now }
}

fn normal(seq: i64, now: Timestamp) -> Owed {
    Owed { is_urgent: false, ..urgent(seq, now) }
}

fn sent(outcome: PushOutcome) -> Sent {
    Sent::new(outcome, Duration::ZERO)
}

fn attempted(to: i64, sent: Sent) -> Attempted {
    Attempted { to: Seq(to), sent, random: u64::MAX }
}

fn woken(seq: i64, now: Timestamp) -> Outbox {
    let mut outbox = Outbox::new(Seq(0));
    outbox.owe(urgent(seq, now), now);
    assert!(outbox.lease(now, now.plus_secs(60)).is_some());
    assert!(outbox.settle(&attempted(seq, sent(PushOutcome::Accepted)), now));
    outbox
}

#[test]
fn an_urgent_message_is_due_at_once_and_others_gather() {
    let mut outbox = Outbox::new(Seq(5));
    outbox.owe(urgent(5, after(0)), after(0));
    assert_eq!(outbox.debt, None, "it was there when the device registered");
    outbox.owe(normal(6, after(0)), after(0));
    assert_eq!(outbox.due_at, Some(after(60)));
    outbox.owe(normal(7, after(30)), after(30));
    assert_eq!(outbox.due_at, Some(after(60)), "one wake-up for both");
    outbox.owe(urgent(8, after(31)), after(31));
    assert_eq!(outbox.due_at, Some(after(31)));
    assert_eq!(outbox.debt.unwrap(), Debt { seq: Seq(8), is_urgent: true, since: after(0) });
}

#[test]
fn a_debt_that_waits_for_the_device_to_come_back_is_due_at_once_when_more_comes() {
    let mut outbox = Outbox::new(Seq(0));
    outbox.owe(Owed { not_before: after(10), ..urgent(1, after(0)) }, after(0));
    assert_eq!(outbox.due_at, Some(after(10)));
    outbox.owe(urgent(2, after(1)), after(1));
    assert_eq!(outbox.due_at, Some(after(1)));
}

#[test]
fn a_device_that_does_not_answer_is_woken_more_and_more_seldom_until_it_comes() {
    let mut outbox = woken(1, after(0));
    for (unanswered, wait) in [(1, 60), (2, 120), (3, 240), (4, 480), (5, 900), (6, 900)] {
        assert_eq!(outbox.unanswered, unanswered);
        let at = outbox.woken_at.unwrap();
        let seq = i64::from(unanswered) + 1;
        outbox.owe(urgent(seq, at.plus_secs(1)), at.plus_secs(1));
        let due = at.plus_secs(wait);
        assert_eq!(outbox.due_at, Some(due));
        assert_eq!(outbox.lease(due, due.plus_secs(60)).unwrap().seq, Seq(seq));
        assert!(outbox.settle(&attempted(seq, sent(PushOutcome::Accepted)), due));
    }
    outbox.acknowledge(Seq(7));
    outbox.owe(urgent(8, after(9999)), after(9999));
    assert_eq!((outbox.unanswered, outbox.due_at), (0, Some(after(9999))));
}

#[test]
fn a_device_that_came_before_the_providers_answer_has_answered() {
    let mut outbox = Outbox::new(Seq(0));
    outbox.owe(urgent(3, after(0)), after(0));
    outbox.lease(after(0), after(60)).unwrap();
    outbox.acknowledge(Seq(3));
    assert_eq!((outbox.debt, outbox.due_at), (None, Some(after(60))), "the request is still on its way");
    assert!(outbox.settle(&attempted(3, sent(PushOutcome::Accepted)), after(1)));
    assert_eq!((outbox.unanswered, outbox.due_at, outbox.is_leased), (0, None, false));
}

#[test]
fn what_is_owed_while_a_request_is_on_its_way_stays_owed() {
    let mut outbox = Outbox::new(Seq(0));
    outbox.owe(urgent(1, after(0)), after(0));
    outbox.lease(after(0), after(60)).unwrap();
    outbox.owe(urgent(2, after(1)), after(1));
    assert_eq!(outbox.due_at, Some(after(60)), "never two requests at once");
    assert!(outbox.settle(&attempted(1, sent(PushOutcome::Accepted)), after(2)));
    assert_eq!((outbox.woken, outbox.debt.unwrap().seq), (Seq(1), Seq(2)));
    assert_eq!(outbox.due_at, Some(after(62)), "it was woken just now");
}

#[test]
fn retries_back_off_and_wait_as_the_provider_asks() {
    let mut outbox = Outbox::new(Seq(0));
    outbox.owe(urgent(1, after(0)), after(0));
    let asked = Sent { after: Some(Duration::from_secs(9999)), ..sent(PushOutcome::Retry) };
    outbox.lease(after(0), after(60)).unwrap();
    assert!(outbox.settle(&attempted(1, asked), after(0)));
    assert_eq!(outbox.due_at, Some(after(3600)), "an hour at most");
    outbox.owe(urgent(2, after(1)), after(1));
    assert_eq!(outbox.due_at, Some(after(3600)), "more to tell is no reason to hurry");
    for _ in 0..100 {
        let due = outbox.due_at.unwrap();
        outbox.lease(due, due.plus_secs(60)).unwrap();
        let down = Sent { status: Some(503), ..sent(PushOutcome::Retry) };
        assert!(outbox.settle(&attempted(2, down), due));
        assert!(outbox.due_at.unwrap() <= due.plus_secs(300) && outbox.debt.is_some());
    }
    let due = outbox.due_at.unwrap();
    outbox.lease(due, due.plus_secs(60)).unwrap();
    let odd = Sent { status: Some(302), ..sent(PushOutcome::Retry) };
    assert!(outbox.settle(&attempted(2, odd), due));
    assert_eq!(outbox.debt, None, "an answer that nobody understands is given up in the end");
}

#[test]
fn a_dead_address_is_dropped_unless_too_many_are_said_to_be_dead() {
    let mut outbox = Outbox::new(Seq(0));
    outbox.owe(urgent(1, after(0)), after(0));
    outbox.lease(after(0), after(60)).unwrap();
    assert!(!outbox.clone().settle(&attempted(1, sent(PushOutcome::Dead)), after(0)));
    let fused = Sent { is_fused: true, ..sent(PushOutcome::Dead) };
    assert!(outbox.settle(&attempted(1, fused.clone()), after(0)));
    assert!(outbox.is_suspended && outbox.debt.is_some());
    assert_eq!(outbox.due_at, Some(after(600)));
    outbox.lease(after(600), after(660)).unwrap();
    assert!(outbox.settle(&attempted(1, fused), after(600)));
    assert_eq!(outbox.due_at, Some(after(1800)));
    outbox.registered_again(after(601));
    assert_eq!((outbox.is_suspended, outbox.due_at), (false, Some(after(601))));
}

#[test]
fn a_fault_of_the_configuration_keeps_the_debt_of_all() {
    let mut outbox = Outbox::new(Seq(0));
    outbox.owe(urgent(1, after(0)), after(0));
    outbox.lease(after(0), after(60)).unwrap();
    assert!(outbox.settle(&attempted(1, Sent { for_all: true, ..sent(PushOutcome::Config) }), after(0)));
    assert_eq!((outbox.is_suspended, outbox.attempts, outbox.due_at), (false, 0, Some(after(60))));
    outbox.drop_old(after(DEBT_LASTS_S - 1));
    assert!(outbox.debt.is_some());
    outbox.drop_old(after(DEBT_LASTS_S));
    assert_eq!((outbox.debt, outbox.due_at), (None, None));
}

/// What may happen to a device.
#[derive(Clone, Debug)]
enum Happens {
    Message { is_urgent: bool },
    Acknowledged { behind: i64 },
    Leased,
    Settled(Sent),
    Killed,
    RegisteredAgain,
    TimePasses(i64),
}

fn happens() -> impl Strategy<Value = Happens> {
    let outcome = prop_oneof![
        Just(sent(PushOutcome::Accepted)),
        Just(sent(PushOutcome::Retry)),
        Just(sent(PushOutcome::Config)),
        Just(Sent { for_all: true, ..sent(PushOutcome::Config) }),
        Just(Sent { is_fused: true, ..sent(PushOutcome::Dead) }),
    ];
    prop_oneof![
        any::<bool>().prop_map(|is_urgent| Happens::Message { is_urgent }),
        (0_i64..3).prop_map(|behind| Happens::Acknowledged { behind }),
        Just(Happens::Leased),
        outcome.prop_map(Happens::Settled),
        Just(Happens::Killed),
        Just(Happens::RegisteredAgain),
        (0_i64..2000).prop_map(Happens::TimePasses),
    ]
}

proptest! {
    #[test]
    fn nothing_is_lost_and_never_two_requests_are_on_their_way(all in prop::collection::vec(happens(), 1..80)) {
        let (mut outbox, mut newest, mut now) = (Outbox::new(Seq(0)), 0, after(0));
        let mut on_its_way: Option<Seq> = None;
        let mut accepted = Seq(0);
        for what in all {
            match what {
                Happens::Message { is_urgent } => {
                    newest += 1;
                    outbox.owe(Owed { seq: Seq(newest), is_urgent, not_before: now }, now);
                }
                Happens::Acknowledged { behind } => outbox.acknowledge(Seq((newest - behind).max(0))),
                Happens::Leased => {
                    if let Some(debt) = outbox.lease(now, now.plus_secs(10_000_000)) {
                        prop_assert!(on_its_way.is_none(), "two requests at once");
                        on_its_way = Some(debt.seq);
                    }
                }
                Happens::Settled(sent) => {
                    if let Some(to) = on_its_way.take() {
                        if sent.outcome == PushOutcome::Accepted {
                            accepted = accepted.max(to);
                        }
                        let attempted = Attempted { to, sent, random: 7 };
                        prop_assert!(outbox.settle(&attempted, now));
                    }
                }
                Happens::Killed => {
                    if on_its_way.take().is_some() {
                        outbox.void_lease(now);
                    }
                }
                Happens::RegisteredAgain => outbox.registered_again(now),
                Happens::TimePasses(seconds) => now = now.plus_secs(seconds),
            }
            let owed = outbox.debt.map_or(Seq(0), |debt| debt.seq);
            prop_assert!(outbox.acked.max(accepted).max(owed) >= Seq(newest), "lost: {outbox:?}");
            prop_assert!(outbox.debt.is_none() || outbox.due_at.is_some(), "never due: {outbox:?}");
            prop_assert_eq!(outbox.is_leased, on_its_way.is_some());
            if outbox.debt.is_none() && !outbox.is_leased {
                prop_assert_eq!(outbox.due_at, None);
            }
        }
    }
}
