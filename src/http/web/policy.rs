//! What the browser is told to forbid.

use url::{Host, Url};

/// Scripts, styles and workers are files of the client. Nothing is inline, and no text becomes HTML: the only policy
/// for Trusted Types, `fluent`, makes the addresses of the worker and the service worker. Images may be made in the
/// page, as codes and previews are. `'self'` means the sockets of the server, too (CSP level 3 §6.7.2.8).
pub(super) const CONTENT: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; \
    connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types fluent";

/// The camera reads the codes of other devices. Nothing else is used.
pub(super) const PERMISSIONS: &str = "camera=(self), accelerometer=(), autoplay=(), clipboard-read=(), \
    display-capture=(), encrypted-media=(), fullscreen=(), gamepad=(), geolocation=(), gyroscope=(), hid=(), \
    idle-detection=(), local-fonts=(), magnetometer=(), microphone=(), midi=(), payment=(), picture-in-picture=(), \
    publickey-credentials-create=(), publickey-credentials-get=(), screen-wake-lock=(), serial=(), usb=(), \
    window-management=(), xr-spatial-tracking=()";

/// Of the page for operators: nothing is made into HTML or a script, and images are files or made in the page.
pub(super) const OPERATORS_CONTENT: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'";

/// The page for operators uses nothing of this.
pub(super) const OPERATORS_PERMISSIONS: &str = "camera=(), display-capture=(), geolocation=(), microphone=(), \
    payment=(), publickey-credentials-get=(), usb=()";

/// Returns the policy of the client for a server with this origin, as browsers write it; `None` when it is no origin of
/// HTTP.
pub(super) fn with_server(origin: &str) -> Option<String> {
    let url = Url::parse(origin).ok()?;
    let is_bare = url.origin().ascii_serialization() == origin;
    // Anything else could end the list, and begin another one.
    let is_host = matches!(url.host()?, Host::Ipv4(_) | Host::Ipv6(_))
        || url.host_str()?.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
    let socket = match url.scheme() {
        "https" => origin.replacen("https", "wss", 1),
        "http" => origin.replacen("http", "ws", 1),
        _ => return None,
    };
    (is_bare && is_host)
        .then(|| CONTENT.replace("connect-src 'self'", &format!("connect-src 'self' {origin} {socket}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_server_more_may_be_reached_and_nothing_else() {
        let policy = with_server("https://chat.example:8443").unwrap();
        let added = " https://chat.example:8443 wss://chat.example:8443";
        assert!(policy.contains(&format!("connect-src 'self'{added};")), "{policy}");
        assert_eq!(policy.replace(added, ""), CONTENT);
        assert!(with_server("http://[::1]:8000").unwrap().contains(" ws://[::1]:8000;"));
        for bad in [
            "https://chat.example/",
            "https://chat.example/x",
            "https://CHAT.example",
            "https://a;script-src *",
            "https://a,b",
            "https://*",
            "https://a'b",
            "ftp://a",
            "a",
            "*",
        ] {
            assert_eq!(with_server(bad), None, "{bad}");
        }
    }
}
