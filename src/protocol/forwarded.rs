//! The lists in which proxies name the addresses that a request has come from: `X-Forwarded-For`, and `Forwarded` (RFC
//! 7239).
//!
//! They are read from the right. Each proxy adds its entry at the end, so what stands before the entries of known
//! proxies may have been written by anybody, with any quote left open: it must not change how the rest is read.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The most entries of a list that are looked at, the last ones: more proxies do not stand before one server.
pub const MAX_FORWARDED_ENTRIES: usize = 20;

/// A header in which proxies name the addresses that a request has come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForwardedList {
    /// `X-Forwarded-For`: addresses, separated by commas.
    XForwardedFor,
    /// `Forwarded` (RFC 7239 §4): elements with a `for=` each.
    Forwarded,
}

impl ForwardedList {
    /// Returns the header's name, in lower case.
    #[must_use]
    pub const fn header(self) -> &'static str {
        match self {
            Self::XForwardedFor => "x-forwarded-for",
            Self::Forwarded => "forwarded",
        }
    }

    /// Returns the entries of a line of the header, the last one first. An entry that names no address is `None`:
    /// `unknown`, a name that hides one (`_hidden`), an address with a zone, nothing, or an element without `for=`.
    pub fn entries(self, line: &[u8]) -> impl Iterator<Item = Option<IpAddr>> {
        let respects_quotes = self == Self::Forwarded;
        FromRight { rest: Some(line), separator: b',', respects_quotes }.map(move |entry| match self {
            Self::XForwardedFor => node(unquoted(entry.trim_ascii())?.as_ref()),
            Self::Forwarded => element(entry),
        })
    }

    /// Returns the client that has sent a request with these lines of the header over a connection from `peer`, a known
    /// proxy. `is_known` returns whether an address is one of a known proxy.
    ///
    /// From the right, the first address that is not one of a known proxy is the client. An entry that names no address
    /// ends the search: then the client is the proxy that has reported it.
    pub fn client<'a>(
        self,
        peer: IpAddr,
        lines: impl DoubleEndedIterator<Item = &'a [u8]>,
        is_known: impl Fn(IpAddr) -> bool,
    ) -> IpAddr {
        let mut reporter = peer;
        for entry in lines.rev().flat_map(|line| self.entries(line)).take(MAX_FORWARDED_ENTRIES) {
            match entry {
                None => break,
                Some(address) if is_known(address) => reporter = address,
                Some(address) => return address,
            }
        }
        reporter
    }
}

/// Returns the address in `for=` of an element of `Forwarded`. A parameter occurs at most once (RFC 7239 §4).
fn element(element: &[u8]) -> Option<IpAddr> {
    let mut found = None;
    for pair in (FromRight { rest: Some(element), separator: b';', respects_quotes: true }) {
        let pair = pair.trim_ascii();
        let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        let (name, value) = pair.split_at(at);
        if name.eq_ignore_ascii_case(b"for") && found.replace(value.get(1..)?).is_some() {
            return None;
        }
    }
    node(unquoted(found?)?.as_ref())
}

/// The parts of a text, the last one first.
struct FromRight<'a> {
    rest: Option<&'a [u8]>,
    separator: u8,
    /// Whether a separator within quotes is none.
    respects_quotes: bool,
}

impl<'a> Iterator for FromRight<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let text = self.rest.take()?;
        let mut is_quoted = false;
        for (at, byte) in text.iter().enumerate().rev() {
            match *byte {
                // Only within quotes is a backslash more than itself.
                b'"' if self.respects_quotes && is_quoted => is_quoted = is_escaped(&text[..at]),
                b'"' if self.respects_quotes => is_quoted = true,
                byte if byte == self.separator && !is_quoted => {
                    self.rest = Some(&text[..at]);
                    return Some(&text[at + 1..]);
                }
                _ => {}
            }
        }
        Some(text)
    }
}

/// Returns whether what follows this text is escaped by its last backslash.
fn is_escaped(before: &[u8]) -> bool {
    before.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

/// Returns the text, or what is between its quotes (RFC 9110 §5.6.4).
fn unquoted(text: &[u8]) -> Option<Cow<'_, str>> {
    let Some(rest) = text.strip_prefix(b"\"") else { return std::str::from_utf8(text).ok().map(Cow::Borrowed) };
    let inner = rest.strip_suffix(b"\"").filter(|inner| !is_escaped(inner))?;
    if !inner.contains(&b'\\') {
        return std::str::from_utf8(inner).ok().map(Cow::Borrowed);
    }
    let mut plain = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter();
    while let Some(byte) = bytes.next() {
        plain.push(if *byte == b'\\' { *bytes.next()? } else { *byte });
    }
    String::from_utf8(plain).ok().map(Cow::Owned)
}

/// Returns the address of a node (RFC 7239 §6), as proxies write it: alone, in brackets, with a port or without.
fn node(text: &str) -> Option<IpAddr> {
    let address = if let Some(rest) = text.strip_prefix('[') {
        let (address, port) = rest.split_once(']')?;
        let is_whole = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
        is_whole.then(|| address.parse::<Ipv6Addr>().ok()).flatten()?.into()
    } else if let Some((address, port)) = text.split_once(':').filter(|(_, port)| !port.contains(':')) {
        is_port(port).then(|| address.parse::<Ipv4Addr>().ok()).flatten()?.into()
    } else {
        text.parse::<IpAddr>().ok()?
    };
    Some(address.to_canonical())
}

/// Returns whether this is a port, or a name that hides one.
fn is_port(text: &str) -> bool {
    match text.strip_prefix('_') {
        Some(name) => {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
        }
        None => (1..=5).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()),
    }
}

#[cfg(test)]
mod tests;
