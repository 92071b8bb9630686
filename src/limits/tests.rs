//! All rows of the table, and the table of keys when it is full.

use std::net::IpAddr;

use super::*;
use crate::config::{self, Config};
use crate::domain::{AddressClass, ClientAddress, LimitRule, LimiterKind, LoginId, SocketId, Timestamp, UserId};

fn clock() -> Clock {
    Clock::stopped_at(Timestamp::from_micros(1_700_000_000_000_000))
}

fn class(text: &str) -> AddressClass {
    ClientAddress::from(text.parse::<IpAddr>().unwrap()).class()
}

fn limiters(clock: &Clock, change: impl FnOnce(&mut config::Limits)) -> Arc<Limiters> {
    let mut config = Config::defaults().unwrap();
    change(&mut config.limits);
    Limiters::new(&config, clock)
}

/// The `number`th key of a limiter.
fn key(limiters: &Limiters, limiter: Limiter, number: u8) -> LimiterKey {
    let (user, other) = (UserId(i32::from(number)), UserId(1000));
    match (limiter, limiter.kind()) {
        (Limiter::LoginAddressV6, _) => class(&format!("2001:db8:{number}::1")).into(),
        (_, LimiterKind::Class) => class(&format!("198.51.100.{number}")).into(),
        (_, LimiterKind::User) => user.into(),
        (_, LimiterKind::Pair) => LimiterKey::Pair(user, other),
        (_, LimiterKind::Name) => limiters.name_key(&format!("name{number}")),
        (_, LimiterKind::Known) => LimiterKey::Known(user, "203.0.113.0/24".parse().unwrap()),
        (_, LimiterKind::Login) => LoginId(number.into()).into(),
        (_, LimiterKind::Socket) => LimiterKey::Socket(SocketId(number.into())),
        (_, LimiterKind::Server) => LimiterKey::Server,
    }
}

/// `count` tokens, one at a time where that does not take long.
fn take(limiters: &Limiters, limiter: Limiter, key: LimiterKey, count: u32) -> Result<(), Limited> {
    // The row for IPv6 is asked for by the name of the other.
    let limiter = if limiter == Limiter::LoginAddressV6 { Limiter::LoginAddress } else { limiter };
    if count > 10_000 {
        return limiters.take_some(limiter, key, count);
    }
    (0..count).try_for_each(|_| limiters.take(limiter, key))
}

#[test]
fn of_each_row_a_burst_passes_then_one_after_its_time_and_other_keys_are_untouched() {
    let (clock, config) = (clock(), Config::defaults().unwrap());
    let limiters = Limiters::new(&config, &clock);
    for limiter in Limiter::ALL {
        let Some(rule) = config.limit(*limiter) else {
            let is_cap =
                matches!(limiter, Limiter::ConnectionsAddress | Limiter::SocketsUser | Limiter::MediaTransfers);
            assert!(is_cap, "{limiter:?} is off");
            continue;
        };
        let (one, other) = (key(&limiters, *limiter, 1), key(&limiters, *limiter, 2));
        let bucket = || take(&limiters, *limiter, one, rule.burst);
        assert_eq!(bucket(), Ok(()), "{limiter:?}");
        let Err(Limited { limiter: named, wait }) = take(&limiters, *limiter, one, 1) else {
            panic!("{limiter:?} lets one more pass");
        };
        assert_eq!((named.name(), wait), (limiter.name(), rule.every));
        if limiter.kind() != LimiterKind::Server {
            assert_eq!(take(&limiters, *limiter, other, 1), Ok(()), "{limiter:?}");
        }
        // The clock moves by whole seconds.
        let seconds = i64::try_from(rule.every.as_nanos().div_ceil(1_000_000_000)).unwrap();
        clock.advance_secs(seconds);
        assert_eq!(take(&limiters, *limiter, one, 1), Ok(()), "{limiter:?} after {seconds} s");
        let filling = rule.every * rule.burst;
        clock.advance_secs(i64::try_from(filling.as_secs()).unwrap() + 1);
        assert_eq!(bucket(), Ok(()), "{limiter:?} is full again");
    }
}

#[test]
fn limits_that_are_off_refuse_nothing() {
    let off = limiters(&clock(), |config| config.enabled = false);
    let zero = limiters(&clock(), |config| config.login.account.burst = 0);
    for _ in 0..10_000 {
        let taken = |limiters: &Limiters| limiters.take(Limiter::LoginAccount, limiters.name_key("alice"));
        assert_eq!((taken(&off), taken(&zero)), (Ok(()), Ok(())));
    }
    assert_eq!(off.keys.len() + zero.keys.len(), 0);
}

#[test]
fn the_site_around_an_ipv6_address_may_do_sixteen_times_as_much() {
    let limiters = limiters(&clock(), |config| config.login.address_v6.burst = 2);
    let taken =
        |network: u16| limiters.take(Limiter::LoginAddress, class(&format!("2001:db8:7:{network:x}::1"))).is_ok();
    assert_eq!((0..100).filter(|network| taken(*network)).count(), 32);
    assert!(limiters.take(Limiter::LoginAddress, class("2001:db8:8::1")).is_ok(), "another site");
    // What the site has refused is not taken from the address.
    assert_eq!(limiters.keys.len(), 32 + 1 + 68 + 2);
    limiters.sweep();
    assert_eq!(limiters.keys.len(), 32 + 1 + 2);
}

#[test]
fn a_token_that_is_given_back_can_be_taken_again() {
    let limiters = limiters(&clock(), |config| config.login.address.burst = 3);
    for address in ["198.51.100.1", "2001:db8::1"] {
        for _ in 0..100 {
            assert_eq!(limiters.take(Limiter::LoginAddress, class(address)), Ok(()));
            limiters.give_back(Limiter::LoginAddress, class(address));
        }
    }
    let taken = (0..10).filter(|_| limiters.take(Limiter::LoginAddress, class("198.51.100.1")).is_ok()).count();
    assert_eq!(taken, 3, "never more than the bucket holds");
}

#[test]
fn more_than_a_bucket_holds_takes_all_of_it() {
    let (clock, key) = (clock(), UserId(1));
    let limiters =
        limiters(&clock, |config| (config.inbound.strangers.burst, config.inbound.strangers.per_s) = (10, 1));
    assert_eq!(limiters.take_some(Limiter::InboundStrangers, key, 1_000_000), Ok(()));
    assert!(limiters.take(Limiter::InboundStrangers, key).is_err());
    clock.advance_secs(10);
    assert_eq!(limiters.take_some(Limiter::InboundStrangers, key, 11), Ok(()));
}

#[test]
fn spellings_of_one_name_have_one_key() {
    let limiters = limiters(&clock(), |_| {});
    assert_eq!(limiters.name_key("Alice"), limiters.name_key("ALICE"));
    assert_ne!(limiters.name_key("alice"), limiters.name_key("bob"));
    assert_ne!(limiters.name_key("\u{200b}"), limiters.name_key("\u{200c}"), "texts that no account can have, too");
}

/// U+FDFA folds to 18 letters. Folding one of these names takes longer than a thousand looks at their lengths.
#[test]
fn a_name_that_is_too_long_is_not_folded() {
    let (limiters, long) = (limiters(&clock(), |_| {}), "\u{fdfa}".repeat(87_000));
    let begun = Instant::now();
    assert!(crate::domain::fold_name(&long).len() > long.len());
    let folding = begun.elapsed();
    let begun = Instant::now();
    let refused = (0..8).filter(|_| limiters.take(Limiter::LoginAccount, limiters.name_key(&long)).is_err()).count();
    assert_eq!(refused, 3, "it is counted all the same");
    assert!(begun.elapsed() < folding, "{:?} for eight, {folding:?} for one that is folded", begun.elapsed());
}

#[test]
fn a_full_table_keeps_who_is_in_it_and_lets_newcomers_share_buckets() {
    let clock = clock();
    let limiters = limiters(&clock, |config| {
        config.max_keys = 1024;
        (config.login.address.burst, config.login.address.every_ms) = (2, 1_000_000);
    });
    for user in 0..1024 {
        assert_eq!(limiters.take(Limiter::PasswordUser, UserId(user)), Ok(()));
    }
    let known = || (0..5).filter(|_| limiters.take(Limiter::PasswordUser, UserId(7)).is_ok()).count();
    assert_eq!(known(), 4, "of five one was taken before");
    assert_eq!(limiters.take(Limiter::PasswordUser, UserId(5000)), Ok(()), "a newcomer is not locked out");
    let more = (0..200).filter(|_| limiters.take(Limiter::PasswordUser, UserId(5000)).is_ok()).count();
    assert_eq!(more, 16 * 5 - 1, "of a bucket that others share");
    assert_eq!(limiters.take(Limiter::SendUser, UserId(5000)), Ok(()), "fail_open");
    // Of one provider 16 times what one address may do; another provider is let in.
    let mut passed = 0;
    for (b, c) in (0..4).flat_map(|b| (0..25).map(move |c| (b, c))) {
        passed += i32::from(limiters.take(Limiter::LoginAddress, class(&format!("10.7.{b}.{c}"))).is_ok());
    }
    assert_eq!(passed, 32);
    assert_eq!(limiters.take(Limiter::LoginAddress, class("10.8.0.1")), Ok(()));
    assert_eq!(limiters.take(Limiter::LoginAddress, class("2001:db8::1")), Ok(()));
    assert_eq!(limiters.keys.len(), 1024);
    // Once buckets are full again there is room.
    clock.advance_secs(61);
    assert_eq!(limiters.take(Limiter::PasswordUser, UserId(5000)), Ok(()));
    assert!(limiters.keys.len() < 10);
}

/// A million addresses and a million names: the table stays within its bound, whoever is in it keeps what is left,
/// newcomers are let in, and when the buckets are full again nothing is kept of them.
#[test]
fn two_million_keys_neither_exceed_the_table_nor_lock_anybody_out() {
    const EACH: u32 = 1_000_000;
    let (clock, config) = (clock(), Config::defaults().unwrap());
    let limiters = Limiters::new(&config, &clock);
    let owner = limiters.name_key("owner");
    for _ in 0..5 {
        assert_eq!(limiters.take(Limiter::LoginAccount, owner), Ok(()));
    }
    let address = |number: u32| ClientAddress::from(IpAddr::from(number.reverse_bits().to_be_bytes())).class();
    for number in 0..EACH {
        assert_eq!(limiters.take(Limiter::LoginAddress, address(number)), Ok(()), "{number}");
        let _ = limiters.take(Limiter::LoginAccount, LimiterKey::Name(u64::from(number).wrapping_mul(0x9E37_79B9)));
    }
    let most = config.limits.max_keys;
    assert_eq!(limiters.keys.len(), most);
    assert!(limiters.take(Limiter::LoginAccount, owner).is_err(), "what is used up stays so");
    for newcomer in 0..100 {
        let elsewhere = class(&format!("198.51.{newcomer}.7"));
        assert_eq!(limiters.take(Limiter::LoginAddress, elsewhere), Ok(()), "{newcomer}");
        let name = limiters.name_key(&format!("newcomer {newcomer}"));
        assert_eq!(limiters.take(Limiter::LoginAccount, name), Ok(()), "{newcomer}");
    }
    assert_eq!(limiters.keys.len(), most);
    // Five tokens are back after as many minutes.
    clock.advance_secs(301);
    limiters.sweep();
    assert_eq!(limiters.keys.len(), 0);
}

#[tokio::test]
async fn who_waits_gets_the_next_token_unless_it_takes_too_long() {
    let limiters = limiters(&Clock::system(), |config| {
        (config.refresh.chain.burst, config.refresh.chain.every_ms) = (1, 20);
    });
    let take = |longest| limiters.take_in_time(Limiter::RefreshChain, LoginId(1), Duration::from_millis(longest));
    let begun = Instant::now();
    for _ in 0..3 {
        assert_eq!(take(60_000).await, Ok(()));
    }
    assert!(begun.elapsed() >= Duration::from_millis(40));
    assert!(take(0).await.is_err());
}

#[test]
fn limits_of_a_single_user_hold_for_that_user_and_begin_full() {
    let clock = clock();
    let limiters = limiters(&clock, |config| (config.send.user.burst, config.send.user.every_ms) = (3, 3_600_000));
    let passed = |user: i32| (0..10).filter(|_| limiters.take(Limiter::SendUser, UserId(user)).is_ok()).count();
    let rule = |burst, every| LimitRule { burst, every: Duration::from_secs(every), fail_open: true };
    let set = |burst, every| UserLimit { user: UserId(1), limiter: Limiter::SendUser, rule: rule(burst, every) };
    assert_eq!((passed(1), passed(2)), (3, 3));
    limiters.set_user_limits(&[set(5, 1000)]);
    assert_eq!((passed(1), passed(2)), (5, 0));
    // The same again goes on as it is; another begins anew.
    limiters.set_user_limits(&[set(5, 1000)]);
    assert_eq!(passed(1), 0);
    limiters.set_user_limits(&[set(1, 1_000_000)]);
    assert_eq!(passed(1), 1);
    limiters.set_user_limits(&[set(0, 0)]);
    assert_eq!(passed(1), 10, "no limit at all");
    // Without one the user has the limit of all, with a full bucket, whatever debts there were.
    limiters.set_user_limits(&[]);
    assert_eq!((passed(1), passed(2)), (3, 0));
}

#[test]
fn the_worst_keys_are_shown_without_addresses_and_names() {
    let limiters = limiters(&clock(), |config| (config.login.address.burst, config.login.account.burst) = (1, 1));
    for _ in 0..5 {
        let _ = limiters.take(Limiter::LoginAddress, class("198.51.100.77"));
        let _ = limiters.take(Limiter::LoginAccount, limiters.name_key("hunter2"));
    }
    let shown = |limiter| limiters.worst(limiter).iter().map(|worst| (worst.key.to_string(), worst.count)).collect();
    let addresses: Vec<(String, u64)> = shown(Limiter::LoginAddress);
    assert_eq!(addresses, [("198.51.100.0/24".to_owned(), 4)]);
    let names: Vec<(String, u64)> = shown(Limiter::LoginAccount);
    assert!(names[0].0.starts_with("name #") && !names[0].0.contains("hunter2"), "{names:?}");
    assert_eq!(limiters.worst(Limiter::SendUser), []);
}

/// A row without a use would be a limit that nobody keeps.
#[test]
fn each_row_is_used_somewhere() {
    fn read(dir: &std::path::Path, text: &mut String) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if path.is_dir() && name != "limits" && name != "limiter" {
                read(&path, text);
            } else if path.extension().is_some_and(|kind| kind == "rs")
                && !["limits.rs", "limiter.rs", "tests.rs"].contains(&name.as_str())
            {
                text.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut text = String::new();
    read(&root.join("src"), &mut text);
    for name in ["src/limits/sends.rs", "src/storage/commands/sends/limits.rs"] {
        text.push_str(&std::fs::read_to_string(root.join(name)).unwrap());
    }
    let elsewhere = [
        // Chosen by the family of the address.
        Limiter::LoginAddressV6,
        // There are no admin tokens yet.
        Limiter::AdminToken,
    ];
    let unused = Limiter::ALL.iter().filter(|limiter| !elsewhere.contains(limiter));
    let unused: Vec<_> = unused.filter(|limiter| !text.contains(&format!("Limiter::{limiter:?}"))).collect();
    assert!(unused.is_empty(), "{unused:?}");
}
