use super::*;

fn address(text: &str) -> ClientAddress {
    text.parse::<IpAddr>().unwrap().into()
}

fn network(text: &str) -> Network {
    text.parse().unwrap()
}

#[test]
fn one_subscriber_is_one_class() {
    let class = |text| address(text).class();
    assert_eq!(class("2001:db8:1:2::1"), class("2001:db8:1:2:ffff::9"));
    assert_ne!(class("2001:db8:1:2::1"), class("2001:db8:1:3::1"));
    assert_eq!(class("::ffff:192.0.2.1"), class("192.0.2.1"));
    assert_ne!(class("192.0.2.1"), class("192.0.2.2"));
    assert_ne!(address("2001:db8:1:2::1"), address("2001:db8:1:2::2"), "the whole address stays whole");
}

#[test]
fn each_width_has_its_use() {
    let (v4, v6) = (address("203.0.113.77"), address("2001:db8:1:203:4:5:6:7"));
    assert_eq!([v4.network(), v4.class().network(), v4.household()].map(|n| n.to_string()), ["203.0.113.0/24"; 3]);
    assert_eq!(v6.network().to_string(), "2001:db8:1::/48");
    assert_eq!(v6.class().network(), v6.network());
    assert_eq!(v6.household().to_string(), "2001:db8:1:200::/56");
    assert_eq!(v6.class().site(), Some(network("2001:db8:1::/48")));
    assert_eq!(v4.class().site(), None);
    assert_eq!([v4, v6].map(|a| a.class().exact().to_string()), ["203.0.113.77/32", "2001:db8:1:203::/64"]);
    assert_eq!([v4, v6].map(|a| a.class().provider().to_string()), ["203.0.0.0/16", "2001:db8::/32"]);
}

#[test]
fn texts_are_read_without_host_bits() {
    for (text, expected) in [
        ("203.0.113.7", "203.0.113.7/32"),
        ("203.0.113.7/24", "203.0.113.0/24"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("2001:db8::7", "2001:db8::7/128"),
        ("2001:DB8::7/32", "2001:db8::/32"),
        ("::ffff:203.0.113.7", "203.0.113.7/32"),
        ("::ffff:203.0.113.7/120", "203.0.113.0/24"),
        ("::/0", "::/0"),
    ] {
        assert_eq!(network(text).to_string(), expected, "{text}");
    }
    for text in ["", "203.0.113", "203.0.113.0/33", "2001:db8::/129", "fe80::1%eth0", "203.0.113.0/24 ", "x/8", "1/8"] {
        assert_eq!(text.parse::<Network>(), Err(NotANetwork), "{text}");
    }
}

#[test]
fn nothing_narrower_than_a_network_is_shown() {
    for (text, shown) in [
        ("203.0.113.7", "203.0.113.0/24"),
        ("203.0.0.0/16", "203.0.0.0/16"),
        ("2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("2001:db8::/32", "2001:db8::/32"),
    ] {
        assert_eq!(network(text).shown(), network(shown), "{text}");
    }
    for text in ["203.0.113.77", "2001:db8:1:2:3:4:5:77"] {
        let shown = format!("{:?} {:?}", address(text), address(text).class());
        assert!(!shown.contains("77"), "{shown}");
    }
}

#[test]
fn a_network_contains_its_addresses_in_every_form() {
    let ours = network("203.0.113.0/24");
    assert!(ours.contains("203.0.113.255".parse().unwrap()) && ours.contains("::ffff:203.0.113.1".parse().unwrap()));
    assert!(!ours.contains("203.0.114.0".parse().unwrap()) && !ours.contains("::1".parse().unwrap()));
}
