//! The header that a proxy puts before everything else on a connection: the PROXY protocol, version 2
//! (<https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt>).

use std::net::IpAddr;

use ppp::v2::{Addresses, Command, Header, ParseError, Protocol};

/// Length of the part of the header that tells the length of the rest, in bytes.
pub const PROXY_HEADER_START: usize = 16;
/// The longest header that is read, in bytes. Longer ones would hold certificates of clients, which nothing here reads.
const MAX_BYTES: usize = 4096;

/// The reason why a connection does not begin with a header that can be used.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum ProxyHeaderError {
    /// It is no header of version 2.
    #[error("no PROXY header of version 2: {0}")]
    Unreadable(ParseError),
    /// It is longer than 4,096 bytes.
    #[error("a PROXY header of {0} bytes; the longest that is read has 4096")]
    TooLong(usize),
    /// The client did not come by TCP.
    #[error("a PROXY header for a connection that is not TCP")]
    NotTcp,
}

/// Returns the length of the whole header in bytes, by its first [`PROXY_HEADER_START`] bytes.
pub fn proxy_header_length(start: &[u8; PROXY_HEADER_START]) -> Result<usize, ProxyHeaderError> {
    match Header::try_from(start.as_slice()) {
        Ok(header) => Ok(header.len()),
        Err(ParseError::Partial(_, rest)) if PROXY_HEADER_START + rest > MAX_BYTES => {
            Err(ProxyHeaderError::TooLong(PROXY_HEADER_START + rest))
        }
        Err(ParseError::Partial(_, rest)) => Ok(PROXY_HEADER_START + rest),
        Err(error) => Err(ProxyHeaderError::Unreadable(error)),
    }
}

/// Returns the address of the client by a whole header, or `None` when the proxy speaks for itself (`LOCAL`, as for a
/// health check) or does not know it (`UNSPEC`). What else the header holds is not read.
pub fn proxy_header_client(header: &[u8]) -> Result<Option<IpAddr>, ProxyHeaderError> {
    let header = Header::try_from(header).map_err(ProxyHeaderError::Unreadable)?;
    let address: IpAddr = match (header.command, header.addresses, header.protocol) {
        (Command::Local, ..) | (_, Addresses::Unspecified, _) => return Ok(None),
        (_, Addresses::IPv4(addresses), Protocol::Stream) => addresses.source_address.into(),
        (_, Addresses::IPv6(addresses), Protocol::Stream) => addresses.source_address.into(),
        (_, Addresses::IPv4(_) | Addresses::IPv6(_) | Addresses::Unix(_), _) => return Err(ProxyHeaderError::NotTcp),
    };
    Ok(Some(address.to_canonical()))
}

#[cfg(test)]
mod tests {
    use ppp::v2::PROTOCOL_PREFIX;
    use proptest::prelude::*;

    use super::*;

    /// A header with this command, family and protocol, and what follows.
    fn header(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let mut bytes = PROTOCOL_PREFIX.to_vec();
        bytes.extend([0x20 | command, family]);
        bytes.extend(u16::try_from(rest.len()).unwrap().to_be_bytes());
        bytes.extend(rest);
        bytes
    }

    /// What a server makes of the beginning of a connection.
    fn read(bytes: &[u8]) -> Result<Option<IpAddr>, ProxyHeaderError> {
        let (start, _) = bytes.split_first_chunk().expect("the first part is there");
        let length = proxy_header_length(start)?;
        proxy_header_client(bytes.get(..length).expect("the header is whole"))
    }

    #[test]
    fn a_client_by_tcp_is_named() {
        let v4 = [198, 51, 100, 7, 10, 0, 0, 1, 0x9c, 0x40, 0, 80];
        assert_eq!(read(&header(1, 0x11, &v4)), Ok(Some(IpAddr::from([198, 51, 100, 7]))));
        let with_more = [&v4[..], &[0x04, 0, 1, 0xff]].concat();
        assert_eq!(read(&header(1, 0x11, &with_more)), Ok(Some(IpAddr::from([198, 51, 100, 7]))));
        let mut v6 = [0; 36];
        v6[10..16].copy_from_slice(&[0xff, 0xff, 198, 51, 100, 7]);
        assert_eq!(read(&header(1, 0x21, &v6)), Ok(Some(IpAddr::from([198, 51, 100, 7]))), "IPv4 in IPv6");
    }

    #[test]
    fn a_proxy_that_names_nobody_speaks_for_itself() {
        assert_eq!(read(&header(0, 0x00, &[])), Ok(None));
        assert_eq!(read(&header(0, 0x11, &[1; 12])), Ok(None));
        assert_eq!(read(&header(1, 0x00, &[])), Ok(None));
        assert_eq!(read(&header(1, 0x00, &[9; 7])), Ok(None));
    }

    #[test]
    fn what_is_no_tcp_or_no_header_is_refused() {
        for (family, rest) in [(0x12, vec![0; 12]), (0x10, vec![0; 12]), (0x22, vec![0; 36]), (0x31, vec![0; 216])] {
            assert_eq!(read(&header(1, family, &rest)), Err(ProxyHeaderError::NotTcp), "{family:#x}");
        }
        for bytes in [
            header(1, 0x11, &[0; 11]),
            header(1, 0x21, &[0; 35]),
            header(2, 0x11, &[0; 12]),
            header(1, 0x41, &[0; 12]),
            header(1, 0x13, &[0; 12]),
            b"PROXY TCP4 198.51.100.7 10.0.0.1 40000 80\r\n".to_vec(),
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
        ] {
            assert!(matches!(read(&bytes), Err(ProxyHeaderError::Unreadable(_))), "{bytes:?}");
        }
        let most = header(1, 0x11, &vec![0; MAX_BYTES - PROXY_HEADER_START]);
        assert_eq!(read(&most), Ok(Some(IpAddr::from([0, 0, 0, 0]))));
        let longer = header(1, 0x11, &vec![0; MAX_BYTES - PROXY_HEADER_START + 1]);
        assert_eq!(read(&longer), Err(ProxyHeaderError::TooLong(MAX_BYTES + 1)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(command in 0_u8..3, family: u8, rest: Vec<u8>) {
            let _ = read(&header(command, family, &rest));
        }
    }
}
