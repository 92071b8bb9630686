use std::net::IpAddr;

use super::*;

fn bans() -> Bans {
    let mut config = config::Config::defaults().unwrap().bans;
    (config.failed_names, config.forged_handshakes) = (3, 5);
    Bans::new(&config, &["10.0.0.0/8".parse().unwrap()], true)
}

fn address(text: &str) -> ClientAddress {
    text.parse::<IpAddr>().unwrap().into()
}

/// Counts a login that has failed; where that matters, the network is unknown.
fn failed(bans: &Bans, address: ClientAddress, name: &str, now: Instant) -> Option<NewBan> {
    match bans.failed(address, name, now) {
        Suspicion::None => None,
        Suspicion::Judge => bans.judge(address, Some(false)),
        Suspicion::Ban(ban) => Some(ban),
    }
}

#[test]
fn many_names_that_fail_from_one_address_ban_it() {
    let (bans, now, office) = (bans(), Instant::now(), address("192.0.2.7"));
    for name in ["a", "A", "a", "b", "B"] {
        assert_eq!(failed(&bans, office, name, now), None, "{name} is no new name");
    }
    let ban = failed(&bans, office, "c", now).unwrap();
    assert_eq!((ban.network.to_string().as_str(), ban.first_s, ban.longest_s), ("192.0.2.7/32", 3600, 86_400));
    assert_eq!(failed(&bans, office, "d", now), None, "it begins anew");
    let subscriber = |last: u8| address(&format!("2001:db8::{last}"));
    assert!((1..3).all(|i| failed(&bans, subscriber(i), &i.to_string(), now).is_none()));
    let ban = failed(&bans, subscriber(3), "3", now).unwrap();
    assert_eq!(ban.network.to_string(), "2001:db8::/64");
}

#[test]
fn from_a_network_where_users_log_in_it_takes_ten_times_as_many_names() {
    let (bans, now, office) = (bans(), Instant::now(), address("192.0.2.7"));
    let mut names = (0..).map(|name| name.to_string());
    let mut next = || bans.failed(office, &names.next().unwrap(), now);
    assert_eq!([next(), next(), next()], [Suspicion::None, Suspicion::None, Suspicion::Judge]);
    assert_eq!(next(), Suspicion::None, "it is being judged");
    assert_eq!(bans.judge(office, None), None);
    assert_eq!(next(), Suspicion::Judge, "there was no answer");
    assert_eq!(bans.judge(office, Some(true)), None);
    assert!((5..29).all(|_| next() == Suspicion::None));
    assert!(matches!(next(), Suspicion::Ban(_)), "the thirtieth");
    assert_eq!(next(), Suspicion::None, "it begins anew");
}

#[test]
fn who_mistypes_does_not_count_once_they_are_in() {
    let (bans, start, office) = (bans(), Instant::now(), address("192.0.2.7"));
    for name in 0..50 {
        assert_eq!(failed(&bans, office, &name.to_string(), start), None);
        bans.succeeded(office, &name.to_string(), start);
        // Once more, later in the morning.
        assert_eq!(failed(&bans, office, &name.to_string(), start + Duration::from_mins(30)), None);
        if name % 10 == 9 {
            bans.forget_quiet(start + Duration::from_mins(91));
        }
    }
}

#[test]
fn what_is_older_than_the_window_does_not_count() {
    let (bans, start, one) = (bans(), Instant::now(), address("192.0.2.7"));
    let at = |minutes| start + Duration::from_mins(minutes);
    assert!(failed(&bans, one, "a", at(0)).is_none() && failed(&bans, one, "b", at(30)).is_none());
    assert_eq!(failed(&bans, one, "c", at(60)), None, "the first is forgotten");
    assert!(failed(&bans, one, "d", at(61)).is_some());
    assert!((0..4).all(|i| bans.forged(one, at(i)).is_none()));
    assert_eq!(bans.forged(one, at(61)), None);
    assert!((0..3).all(|_| bans.forged(one, at(62)).is_none()));
    assert!(bans.forged(one, at(62)).is_some());
}

#[test]
fn proxies_loopback_and_everybody_while_limits_are_off_are_never_banned() {
    let now = Instant::now();
    let banned = |bans: &Bans, from: &str| (0..100).any(|_| bans.forged(address(from), now).is_some());
    let on = bans();
    for exempt in ["127.0.0.9", "::1", "10.1.2.3", "::ffff:10.1.2.3"] {
        assert!(!banned(&on, exempt), "{exempt}");
    }
    assert!(banned(&on, "192.0.2.1"));
    let off = Bans::new(&on.config, &[], false);
    assert!(!banned(&off, "192.0.2.1"));
}

#[test]
fn memory_is_bounded() {
    let (bans, now) = (bans(), Instant::now());
    for i in 0..100_000_u32 {
        bans.forged(IpAddr::from(std::net::Ipv4Addr::from_bits(0xc000_0000 + i)).into(), now);
    }
    assert!(bans.classes().len() <= MAX_CLASSES);
    for i in 0..100 {
        bans.succeeded(address("192.0.0.1"), &i.to_string(), now);
    }
    assert!(bans.classes().values().all(|tally| tally.names.len() <= 12));
    bans.forget_quiet(now + Duration::from_hours(1));
    assert_eq!(bans.classes().len(), 0);
}
