//! What clients meet at the server's public address: TLS, the proxy in front, and what must not be there.

use http::header::{CONNECTION, STRICT_TRANSPORT_SECURITY, UPGRADE};
use http::{HeaderMap, HeaderValue, StatusCode};
use reqwest::{Client, Response};
use url::Url;

use super::finding::Finding;
use crate::cli::http::client;
use crate::cli::one_line;

/// The greeting of the original server, by which the app knows one.
const GREETING: &str = "Backend is online";
/// The directives by which nginx lets sockets through.
const NGINX_UPGRADE: &str = "nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; \
     proxy_set_header Connection $connection_upgrade; (deploy/nginx)";

/// Returns whether a server answers there, and what was found.
pub(super) async fn look(url: &Url) -> (bool, Vec<Finding>) {
    let client = match client(None) {
        Ok(client) => client,
        Err(error) => return (false, vec![Finding::error("public", one_line(&error))]),
    };
    let root = match get(&client, url, "/root").await {
        Ok(response) => response,
        Err(error) => {
            let finding = Finding::error("public", format!("{url}: {}", one_line(&error)))
                .since("no client reaches the server there")
                .mended_by("see whether the name leads to this machine, and who listens there");
            return (false, vec![finding]);
        }
    };
    let (status, headers) = (root.status(), root.headers().clone());
    if status != StatusCode::OK || !text(root).await.contains(GREETING) {
        let found = format!("{url}: something else answers ({status})");
        let finding = Finding::error("public", found).mended_by("let the proxy pass everything on to server.listen");
        return (false, vec![finding]);
    }
    let mut findings = vec![encryption(url, &headers)];
    findings.push(sockets(&client, url).await);
    findings.extend(secrets(&client, url).await);
    (true, findings)
}

async fn get(client: &Client, url: &Url, path: &str) -> anyhow::Result<Response> {
    Ok(client.get(at(url, path)).send().await.map_err(reqwest::Error::without_url)?)
}

/// Returns the address of a path below that of the server.
pub(super) fn at(url: &Url, path: &str) -> Url {
    let mut at = url.clone();
    at.set_path(&format!("{}{path}", url.path().trim_end_matches('/')));
    at
}

async fn text(response: Response) -> String {
    response.text().await.unwrap_or_default()
}

fn encryption(url: &Url, headers: &HeaderMap) -> Finding {
    let is_here = url.host_str().is_some_and(|host| ["127.0.0.1", "[::1]", "localhost"].contains(&host));
    if url.scheme() != "https" {
        let found = format!("{url} is not encrypted");
        return if is_here {
            Finding::fine("public", format!("{found}, and is reached on this machine alone"))
        } else {
            Finding::error("public", found)
                .since("passwords, tokens and who writes to whom cross the network in clear text")
                .mended_by("docs/operations/tls-and-proxy.md")
        };
    }
    if headers.contains_key(STRICT_TRANSPORT_SECURITY) {
        Finding::fine("public", format!("{url} answers by TLS, with a certificate that is trusted"))
    } else {
        Finding::warning("public", "Strict-Transport-Security is not sent")
            .since("a browser may be led to the address without TLS")
            .mended_by("set http.behind_tls = true")
    }
}

/// Tries to open a socket without a token: the server refuses that with 401 if it sees a handshake.
async fn sockets(client: &Client, url: &Url) -> Finding {
    let handshake = [
        (CONNECTION.as_str(), "Upgrade"),
        (UPGRADE.as_str(), "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-protocol", "fluent.v1"),
        // The sample nonce of RFC 6455 §1.3.
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let mut request = client.get(at(url, "/chat/ws"));
    for (name, value) in handshake {
        request = request.header(name, HeaderValue::from_static(value));
    }
    let response = match request.send().await {
        Ok(response) => response,
        Err(error) => return Finding::error("sockets", one_line(&error.without_url().into())),
    };
    let status = response.status();
    if status != StatusCode::UNAUTHORIZED {
        return Finding::warning("sockets", format!("a handshake without a token is answered {status}, not 401"))
            .since("something in front of the server decides about sockets");
    }
    if text(response).await.contains("no WebSocket handshake") {
        return Finding::error("sockets", "the proxy takes the headers of handshakes away")
            .since("messages come by sockets: without them clients see nothing until they ask")
            .mended_by(NGINX_UPGRADE);
    }
    Finding::fine("sockets", "handshakes arrive")
}

/// What is the operators' alone must not be there.
async fn secrets(client: &Client, url: &Url) -> Option<Finding> {
    let response = get(client, url, "/metrics").await.ok()?;
    let is_there = response.status().is_success() && text(response).await.contains("# HELP");
    is_there.then(|| {
        Finding::error("public", "/metrics of the operators' listener can be reached there")
            .since("everybody sees how the server is used")
            .mended_by("let the proxy pass on to server.listen, and never to admin.listen")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::Level;

    #[test]
    fn only_this_machine_may_be_reached_in_clear_text() {
        let level = |url: &str, hsts: bool| {
            let mut headers = HeaderMap::new();
            if hsts {
                headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=1"));
            }
            encryption(&url.parse().unwrap(), &headers).level
        };
        assert_eq!(level("http://127.0.0.1:8000", false), Level::Fine);
        assert_eq!(level("http://chat.example.org", false), Level::Error);
        assert_eq!(level("https://chat.example.org", false), Level::Warning);
        assert_eq!(level("https://chat.example.org", true), Level::Fine);
    }

    #[test]
    fn paths_go_below_that_of_the_address() {
        let below = |url: &str| at(&url.parse().unwrap(), "/root").to_string();
        assert_eq!(below("https://a.example"), "https://a.example/root");
        assert_eq!(below("https://a.example/chat/"), "https://a.example/chat/root");
    }
}
