//! The check of an operator's request: it may come from programs and people of this network, but from no page of
//! another site.
//!
//! A browser sends what any page wants to any address, also to those that only its own machine reaches. CORS keeps the
//! page from reading the response, unless the page's own name was made to point here (DNS rebinding): then `Host` shows
//! it.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv6Addr};

use http::HeaderValue;
use http::header::{HOST, HeaderName, ORIGIN};

use super::error::ApiError;

/// The header in which a browser says where the page that asks is from (Fetch Metadata).
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The names under which operators reach their listener, besides IP addresses and `localhost`.
pub struct Operators {
    names: HashSet<String>,
}

impl Operators {
    /// Operators that use these names.
    #[must_use]
    pub fn new(names: &[String]) -> Self {
        Self { names: names.iter().map(|name| name.to_ascii_lowercase()).collect() }
    }

    /// Checks a request. Fails when a page of another site has sent it, or when it names an unknown host.
    pub(super) fn admit<B>(&self, request: &http::Request<B>) -> Result<(), ApiError> {
        let headers = request.headers();
        if headers.get(&SEC_FETCH_SITE).is_some_and(|site| site == "cross-site") {
            return Err(ApiError::Forbidden("pages of other sites may not ask here"));
        }
        // A browser always names a host, so a client that names none is no browser.
        let in_header = headers.get_all(HOST).iter().map(|host| host.to_str().unwrap_or_default());
        let named: Vec<&str> = in_header.chain(request.uri().authority().map(http::uri::Authority::as_str)).collect();
        if !named.into_iter().all(|host| self.knows(host)) {
            return Err(ApiError::Misdirected);
        }
        match headers.get(ORIGIN) {
            Some(origin) if !is_own(origin, headers.get(HOST)) => {
                Err(ApiError::Forbidden("pages of other sites may not ask here"))
            }
            _ => Ok(()),
        }
    }

    fn knows(&self, host: &str) -> bool {
        let name = without_port(host);
        is_address(name) || name.eq_ignore_ascii_case("localhost") || self.names.contains(&name.to_ascii_lowercase())
    }
}

/// Returns whether a page with this origin (RFC 6454) comes from the host that is asked.
fn is_own(origin: &HeaderValue, host: Option<&HeaderValue>) -> bool {
    let (Ok(origin), Some(Ok(host))) = (origin.to_str(), host.map(HeaderValue::to_str)) else { return false };
    let name = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    name.is_some_and(|name| name.eq_ignore_ascii_case(host))
}

/// Returns the host of `name:port` or `[v6]:port`, each with its port or without.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    }
}

fn is_address(name: &str) -> bool {
    match name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(inside) => inside.parse::<Ipv6Addr>().is_ok(),
        None => matches!(name.parse(), Ok(IpAddr::V4(_))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_the_host_itself_may_ask() {
        let own = |origin: &'static str| {
            is_own(&HeaderValue::from_static(origin), Some(&HeaderValue::from_static("127.0.0.1:9000")))
        };
        assert!(own("http://127.0.0.1:9000") && own("https://127.0.0.1:9000"));
        for foreign in
            ["null", "", "http://127.0.0.1", "http://127.0.0.1:9001", "http://evil.example", "127.0.0.1:9000"]
        {
            assert!(!own(foreign), "{foreign}");
        }
        assert!(!is_own(&HeaderValue::from_static("http://127.0.0.1:9000"), None));
    }

    #[test]
    fn addresses_localhost_and_configured_names_are_known() {
        let operators = Operators::new(&["Fluent".to_owned()]);
        for known in
            ["127.0.0.1", "127.0.0.1:9000", "[::1]", "[fe80::1]:9000", "localhost:9000", "LocalHost", "fluent:1"]
        {
            assert!(operators.knows(known), "{known}");
        }
        for foreign in ["", ":9000", "evil.example", "fluent.evil.example", "127.0.0.1.nip.io", "[::1", "::1", "1.2.3"]
        {
            assert!(!operators.knows(foreign), "{foreign}");
        }
    }
}
