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

#[test]
fn many_names_that_fail_from_one_address_ban_it() {
    let (bans, now, office) = (bans(), Instant::now(), address("192.0.2.7"));
    for name in ["a", "A", "a", "b", "B"] {
        assert_eq!(bans.failed(office, name, now), None, "{name} is no new name");
    }
    let ban = bans.failed(office, "c", now).unwrap();
    assert_eq!((ban.network.to_string().as_str(), ban.first_s, ban.longest_s), ("192.0.2.7/32", 3600, 86_400));
    assert_eq!(bans.failed(office, "d", now), None, "it begins anew");
    let subscriber = |last: u8| address(&format!("2001:db8::{last}"));
    assert!((1..3).all(|i| bans.failed(subscriber(i), &i.to_string(), now).is_none()));
    let ban = bans.failed(subscriber(3), "3", now).unwrap();
    assert_eq!(ban.network.to_string(), "2001:db8::/64");
}

#[test]
fn who_mistypes_does_not_count_once_they_are_in() {
    let (bans, start, office) = (bans(), Instant::now(), address("192.0.2.7"));
    for name in 0..50 {
        assert_eq!(bans.failed(office, &name.to_string(), start), None);
        bans.succeeded(office, &name.to_string(), start);
        // Once more, later in the morning.
        assert_eq!(bans.failed(office, &name.to_string(), start + Duration::from_mins(30)), None);
        if name % 10 == 9 {
            bans.forget_quiet(start + Duration::from_mins(91));
        }
    }
}

#[test]
fn what_is_older_than_the_window_does_not_count() {
    let (bans, start, one) = (bans(), Instant::now(), address("192.0.2.7"));
    let at = |minutes| start + Duration::from_mins(minutes);
    assert!(bans.failed(one, "a", at(0)).is_none() && bans.failed(one, "b", at(30)).is_none());
    assert_eq!(bans.failed(one, "c", at(60)), None, "the first is forgotten");
    assert!(bans.failed(one, "d", at(61)).is_some());
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
