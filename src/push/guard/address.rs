//! Which addresses are on the public internet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// IPv4 networks that are not (IANA's registry of special-purpose addresses, RFC 6890): address and length.
const V4: [(Ipv4Addr, u32); 13] = [
    // "This network".
    (Ipv4Addr::UNSPECIFIED, 8),
    // Private.
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    // Between a provider and its customers.
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    // Loopback.
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // Link-local; clouds tell their machines' secrets there.
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    // Private.
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    // Protocol assignments.
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    // Documentation.
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    // Private.
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    // Benchmarks.
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    // Documentation.
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    // Documentation.
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    // Multicast, reserved, broadcast.
    (Ipv4Addr::new(224, 0, 0, 0), 3),
];
/// Global unicast, the only block of IPv6 from which addresses are given out (RFC 4291 §2.4). What is not in it, as
/// `::1`, `fc00::/7`, `fe80::/10` and `ff00::/8`, is not on the public internet.
const GLOBAL_UNICAST: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
/// IPv6 networks within that block that are not.
const V6: [(Ipv6Addr, u32); 3] = [
    // Protocol assignments, Teredo among them.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    // Documentation.
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    // Documentation (RFC 9637).
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];
/// IPv6 networks whose addresses lead to the IPv4 address that they hold: network, length, and the bits after it.
const V4_INSIDE: [(Ipv6Addr, u32, u32); 3] = [
    // IPv4-mapped (RFC 4291 §2.5.5.2).
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96, 0),
    // NAT64 (RFC 6052 §2.1).
    (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96, 0),
    // 6to4 (RFC 3056 §2).
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, 80),
];

/// Returns whether an address is on the public internet, by whatever spelling of IPv6 it is reached.
pub(super) fn is_global(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_global_v4(address),
        IpAddr::V6(address) => match inside(address) {
            Some(address) => is_global_v4(address),
            None => is_in_v6(address, GLOBAL_UNICAST) && !V6.iter().any(|block| is_in_v6(address, *block)),
        },
    }
}

/// Returns the IPv4 address to which an IPv6 address leads, if it does.
pub(super) fn inside(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let holds = |(network, length, _): &&(Ipv6Addr, u32, u32)| is_in_v6(address, (*network, *length));
    let (_, _, after) = V4_INSIDE.iter().find(holds)?;
    let bits = (address.to_bits() >> after) & u128::from(u32::MAX);
    u32::try_from(bits).ok().map(Ipv4Addr::from_bits)
}

fn is_global_v4(address: Ipv4Addr) -> bool {
    let is_in = |(network, length): &(Ipv4Addr, u32)| (address.to_bits() ^ network.to_bits()) >> (32 - length) == 0;
    !V4.iter().any(is_in)
}

fn is_in_v6(address: Ipv6Addr, (network, length): (Ipv6Addr, u32)) -> bool {
    (address.to_bits() ^ network.to_bits()) >> (128 - length) == 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn global(text: &str) -> bool {
        is_global(text.parse().unwrap())
    }

    #[test]
    fn the_first_and_last_address_of_each_block_and_their_neighbours() {
        for (first, last, before, after) in [
            ("0.0.0.0", "0.255.255.255", None, Some("1.0.0.0")),
            ("10.0.0.0", "10.255.255.255", Some("9.255.255.255"), Some("11.0.0.0")),
            ("100.64.0.0", "100.127.255.255", Some("100.63.255.255"), Some("100.128.0.0")),
            ("127.0.0.0", "127.255.255.255", Some("126.255.255.255"), Some("128.0.0.0")),
            ("169.254.0.0", "169.254.255.255", Some("169.253.255.255"), Some("169.255.0.0")),
            ("172.16.0.0", "172.31.255.255", Some("172.15.255.255"), Some("172.32.0.0")),
            ("192.0.0.0", "192.0.0.255", Some("191.255.255.255"), Some("192.0.1.0")),
            ("192.0.2.0", "192.0.2.255", Some("192.0.1.255"), Some("192.0.3.0")),
            ("192.168.0.0", "192.168.255.255", Some("192.167.255.255"), Some("192.169.0.0")),
            ("198.18.0.0", "198.19.255.255", Some("198.17.255.255"), Some("198.20.0.0")),
            ("198.51.100.0", "198.51.100.255", Some("198.51.99.255"), Some("198.51.101.0")),
            ("203.0.113.0", "203.0.113.255", Some("203.0.112.255"), Some("203.0.114.0")),
            ("224.0.0.0", "255.255.255.255", Some("223.255.255.255"), None),
            ("::", "::1", None, None),
            ("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", None, None),
            ("fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", None, None),
            ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", None, None),
            ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", Some("2001:db7::"), Some("2001:db9::")),
            ("2001::", "2001:1ff:ffff::", Some("2000:ffff::"), Some("2001:200::")),
            ("3fff::", "3fff:fff::", Some("3ffe::"), Some("3fff:1000::")),
        ] {
            assert!(!global(first) && !global(last), "{first} to {last}");
            assert!(before.is_none_or(global) && after.is_none_or(global), "beside {first}");
        }
        assert!(global("2a00:1450:4001:80b::200e") && global("142.250.1.1") && global("64:ff9b::8.8.8.8"));
        assert!(!global("64:ff9b:1::8.8.8.8") && !global("::8.8.8.8") && !global("fec0::1") && !global("4000::1"));
    }

    proptest! {
        /// However an IPv4 address is written in IPv6, it is judged as itself.
        #[test]
        fn an_address_inside_another_is_judged_as_itself(bits in any::<u32>(), low in any::<u128>()) {
            let address = Ipv4Addr::from_bits(bits);
            let low_64 = low & ((1 << 80) - 1);
            let spellings = [
                Ipv6Addr::from_bits(0xffff << 32 | u128::from(bits)),
                Ipv6Addr::from_bits(0x64_ff9b << 96 | u128::from(bits)),
                Ipv6Addr::from_bits(0x2002 << 112 | u128::from(bits) << 80 | low_64),
            ];
            for spelling in spellings {
                prop_assert_eq!(inside(spelling), Some(address));
                prop_assert_eq!(is_global(spelling.into()), is_global(address.into()), "{}", spelling);
            }
        }

        /// What the standard library or another one calls private is never global here.
        #[test]
        fn it_is_no_more_open_than_the_library(bits in any::<u32>(), wide in any::<u128>()) {
            let v4 = Ipv4Addr::from_bits(bits);
            if is_global(v4.into()) {
                prop_assert!(!v4.is_private() && !v4.is_loopback() && !v4.is_link_local() && !v4.is_multicast());
                prop_assert!(!v4.is_unspecified() && !v4.is_broadcast() && !v4.is_documentation());
            }
            // Within and around the block of global unicast.
            for v6 in [Ipv6Addr::from_bits(wide), Ipv6Addr::from_bits(wide >> 3 | 1 << 125)] {
                if is_global(v6.into()) {
                    prop_assert!(!v6.is_loopback() && !v6.is_unspecified() && !v6.is_multicast());
                    prop_assert!(!v6.is_unique_local() && !v6.is_unicast_link_local());
                }
            }
        }
    }
}
