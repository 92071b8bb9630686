//! No bytes in `X-Forwarded-For`, `Forwarded` or a PROXY header make their readers panic, and none that a client sends
//! hide what the proxy has written behind them.
#![no_main]

use std::net::IpAddr;

use fluent_backend::protocol::{
    ForwardedList, MAX_FORWARDED_ENTRIES, PROXY_HEADER_START, proxy_header_client, proxy_header_length,
};
use libfuzzer_sys::fuzz_target;

/// The client as a proxy writes it.
const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 7));

fuzz_target!(|data: &[u8]| {
    let is_known = |address: IpAddr| matches!(address, IpAddr::V4(v4) if v4.octets()[0] == 10);
    let proxy = IpAddr::from([10, 0, 0, 1]);
    for (list, entry) in
        [(ForwardedList::XForwardedFor, "198.51.100.7"), (ForwardedList::Forwarded, "for=\"198.51.100.7:1\";by=\"a,b\"")]
    {
        let found = list.client(proxy, [data].into_iter(), is_known);
        let read = list.entries(data).take(MAX_FORWARDED_ENTRIES).flatten().any(|address| address == found);
        assert!(read || found == proxy, "{found} is nowhere in it");
        let line = [data, b", ", entry.as_bytes()].concat();
        assert_eq!(list.client(proxy, [line.as_slice()].into_iter(), is_known), CLIENT);
    }
    if let Some((start, _)) = data.split_first_chunk::<PROXY_HEADER_START>()
        && let Ok(length) = proxy_header_length(start)
        && let Some(header) = data.get(..length)
    {
        let _ = proxy_header_client(header);
    }
});
