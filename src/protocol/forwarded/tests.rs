use proptest::prelude::*;

use super::ForwardedList::{Forwarded, XForwardedFor};
use super::*;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// The entries of a line in the order in which they stand there.
fn entries(list: ForwardedList, line: &str) -> Vec<Option<IpAddr>> {
    let mut entries: Vec<_> = list.entries(line.as_bytes()).collect();
    entries.reverse();
    entries
}

/// The client behind proxies in 10.0.0.0/8, by the lines that came from 10.0.0.1.
fn client(list: ForwardedList, lines: &[&str]) -> String {
    let is_known = |address: IpAddr| matches!(address, IpAddr::V4(v4) if v4.octets()[0] == 10);
    list.client(ip("10.0.0.1"), lines.iter().map(|line| line.as_bytes()), is_known).to_string()
}

#[test]
fn every_form_of_an_address_is_read() {
    for (text, expected) in [
        ("198.51.100.7", "198.51.100.7"),
        ("198.51.100.7:40000", "198.51.100.7"),
        ("198.51.100.7:_a.b-c", "198.51.100.7"),
        (" \"198.51.100.7\"\t", "198.51.100.7"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("[::ffff:198.51.100.7]:1", "198.51.100.7"),
    ] {
        assert_eq!(entries(XForwardedFor, text), [Some(ip(expected))], "{text}");
    }
    for text in [
        "",
        "unknown",
        "_hidden",
        "198.51.100",
        "198.51.100.7:",
        "198.51.100.7:x",
        "198.51.100.7:123456",
        "198.51.100.7:_",
        "[2001:db8::1",
        "[2001:db8::1]1",
        "[198.51.100.7]",
        "fe80::1%eth0",
        "[fe80::1%25eth0]",
        "x:1",
        "\"198.51.100.7",
        "198.51.100.7\"",
        "198.51.100.\u{664}",
    ] {
        assert_eq!(entries(XForwardedFor, text), [None], "{text}");
    }
}

#[test]
fn elements_of_forwarded_are_read_by_their_for() {
    let (first, last) = (Some(ip("192.0.2.1")), Some(ip("198.51.100.7")));
    for (line, expected) in [
        ("for=192.0.2.1, for=198.51.100.7;proto=https", vec![first, last]),
        ("proto=https; For=\"[2001:db8::1]:443\"", vec![Some(ip("2001:db8::1"))]),
        ("for=198.51.100.7:1", vec![last]),
        ("for=[2001:db8::1]", vec![Some(ip("2001:db8::1"))]),
        ("for=\"a,b;c\", by=x;for=198.51.100.7:1", vec![None, last]),
        ("for=\"a\\\",for=192.0.2.1\", for=198.51.100.7", vec![None, last]),
        ("for=\"a\\\\\",for=192.0.2.1", vec![None, first]),
        ("for=\"\\1\\92.0.2.1\"", vec![first]),
        ("for=192.0.2.1, proto=https", vec![first, None]),
        ("for=192.0.2.1, for=unknown", vec![first, None]),
        ("for=192.0.2.1;for=192.0.2.1", vec![None]),
        ("for=\"192.0.2.1\\\"", vec![None]),
        ("for=\"192.0.2.1", vec![None]),
        ("for", vec![None]),
        ("for=", vec![None]),
        ("", vec![None]),
    ] {
        assert_eq!(entries(Forwarded, line), expected, "{line}");
    }
}

#[test]
fn the_first_stranger_from_the_right_is_the_client() {
    for (lines, expected) in [
        (&["198.51.100.7"][..], "198.51.100.7"),
        (&["203.0.113.9, 198.51.100.7"], "198.51.100.7"),
        (&["203.0.113.9, 198.51.100.7, 10.0.0.3, 10.0.0.2"], "198.51.100.7"),
        (&["203.0.113.9, 198.51.100.7", "10.0.0.2"], "198.51.100.7"),
        (&["198.51.100.7, unknown, 10.0.0.2"], "10.0.0.2"),
        (&["198.51.100.7, , 10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        (&["198.51.100.7", "", "10.0.0.2"], "10.0.0.2"),
        (&["198.51.100.7, unknown"], "10.0.0.1"),
        (&["10.0.0.9, 10.0.0.8"], "10.0.0.9"),
        (&[""], "10.0.0.1"),
        (&[], "10.0.0.1"),
    ] {
        assert_eq!(client(XForwardedFor, lines), expected, "{lines:?}");
    }
    let hops = "10.0.0.9, ".repeat(MAX_FORWARDED_ENTRIES - 1) + "10.0.0.2";
    assert_eq!(client(XForwardedFor, &[&format!("198.51.100.7, 10.0.0.9, {hops}")]), "10.0.0.9");
    assert_eq!(client(Forwarded, &["for=203.0.113.9", "for=198.51.100.7;by=_x, for=\"10.0.0.2:1\""]), "198.51.100.7");
}

/// An element as a proxy may write it, and its address.
fn written() -> impl Strategy<Value = (String, IpAddr)> {
    let address = prop_oneof![any::<[u8; 4]>().prop_map(IpAddr::from), any::<[u8; 16]>().prop_map(IpAddr::from)];
    let port = prop_oneof![Just(String::new()), any::<u16>().prop_map(|port| format!(":{port}"))];
    let other = prop_oneof![Just(""), Just(";proto=https"), Just(";by=\"a,\\\";b\""), Just(";host=\"x\\\\\"")];
    (address, port, other).prop_map(|(address, port, other)| {
        let node = if address.is_ipv6() { format!("[{address}]") } else { address.to_string() };
        (format!("for=\"{node}{port}\"{other}"), address.to_canonical())
    })
}

proptest! {
    #[test]
    fn a_list_is_read_as_it_was_written(list in prop::collection::vec(written(), 1..8)) {
        let line = list.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>().join(", ");
        let expected: Vec<_> = list.iter().map(|(_, address)| Some(*address)).collect();
        prop_assert_eq!(entries(Forwarded, &line), expected);
    }

    #[test]
    fn nothing_that_a_client_sends_hides_the_entry_of_the_proxy(
        sent in prop::collection::vec(prop_oneof![any::<u8>(), Just(b'"'), Just(b'\\'), Just(b',')], 0..64),
        (element, address) in written(),
    ) {
        let mut line = sent.clone();
        line.extend_from_slice(format!(", {element}").as_bytes());
        prop_assert_eq!(Forwarded.entries(&line).next(), Some(Some(address)));
        let mut line = sent;
        line.extend_from_slice(format!(", {address}").as_bytes());
        prop_assert_eq!(XForwardedFor.entries(&line).next(), Some(Some(address)));
    }
}
