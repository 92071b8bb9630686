//! Origins as browsers write them.

use url::{Host, Url};

use super::{ConfigError, Http};

/// Schemes whose URLs are not pages, so that no request ever has them as its origin.
const NO_PAGES: [&str; 4] = ["ws", "wss", "ftp", "file"];

impl Http {
    /// Returns the origins that may call, as browsers write them, without `*`.
    pub fn origins(&self) -> impl Iterator<Item = String> {
        self.cors_origins.iter().filter_map(|origin| canonical(origin))
    }

    pub(super) fn check_origins(&self) -> Result<(), ConfigError> {
        let never = |origin: &&String| *origin != "*" && canonical(origin).is_none();
        let Some(origin) = self.cors_origins.iter().find(never) else { return Ok(()) };
        let reason =
            format!("holds {origin:?}, which no browser sends: an origin is scheme://host or scheme://host:port");
        Err(ConfigError::Value { key: "http.cors_origins".into(), reason })
    }
}

/// Returns the text that a browser sends as `Origin` for pages of this address: small letters, ASCII, no usual port, no
/// path (RFC 6454 §6.2). `None` when no browser ever sends it.
fn canonical(written: &str) -> Option<String> {
    let url = Url::parse(written).ok()?;
    let is_bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
    let names_nobody = url.username().is_empty() && url.password().is_none();
    let is_page = written.contains("://") && !NO_PAGES.contains(&url.scheme());
    let host = match url.host()? {
        Host::Domain(name) => name.to_ascii_lowercase(),
        Host::Ipv4(address) => address.to_string(),
        Host::Ipv6(address) => format!("[{address}]"),
    };
    // A star stands for any origin, and for nothing else.
    let is_one = !host.is_empty() && !host.contains('*');
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    (is_bare && names_nobody && is_page && is_one).then(|| format!("{}://{host}{port}", url.scheme()))
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn origins_are_written_as_browsers_do() {
        for (written, expected) in [
            ("https://app.example", "https://app.example"),
            ("https://app.example/", "https://app.example"),
            ("HTTPS://App.Example:443", "https://app.example"),
            ("http://app.example:80/", "http://app.example"),
            ("http://localhost:5173", "http://localhost:5173"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
            ("http://[2001:DB8:0::1]:8080", "http://[2001:db8::1]:8080"),
            ("http://127.1", "http://127.0.0.1"),
            ("capacitor://Localhost", "capacitor://localhost"),
            ("chrome-extension://abcdef", "chrome-extension://abcdef"),
        ] {
            assert_eq!(canonical(written).as_deref(), Some(expected), "{written}");
        }
    }

    #[test]
    fn what_no_browser_sends_is_refused() {
        for written in [
            "",
            "app.example",
            "null",
            "https:app.example",
            "https://",
            "https://app.example/chat",
            "https://app.example/?x",
            "https://app.example/#x",
            "https://user@app.example",
            "https://*.example",
            "wss://app.example",
            "file:///index.html",
            "https://a b",
            "https://app.example:70000",
        ] {
            assert_eq!(canonical(written), None, "{written}");
        }
    }
}
