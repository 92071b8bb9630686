//! The way of clients to the server, through whatever stands between: sockets on which nothing happens, the address
//! that the server sees, and files that should pass piece by piece. It is tried with a code of the server that runs
//! here.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use bytes::Bytes;
use fluent_backend::Config;
use futures_util::StreamExt as _;
use futures_util::stream::iter;
use http::StatusCode;
use http_body_util::StreamBody;
use hyper::body::Frame;
use reqwest::{Body, Client, Response};
use serde_json::json;
use tokio::time::sleep;
use url::Url;

use super::finding::Finding;
use super::frames::{ProbeError, Probed, handshake};
use super::outside::at;
use crate::cli::admin::Api;
use crate::cli::http::builder;
use crate::cli::{note, one_line};

/// Signs of life of the server for which a socket on which nothing happens is held open.
const PINGS: u32 = 2;
/// An address that no client has (TEST-NET-2, RFC 5737).
const FORGED: &str = "198.51.100.7";
/// The time after which the rest of an upload follows its first piece.
const REST_AFTER: Duration = Duration::from_secs(4);
/// Within this time the server has said something about the first piece, and the first piece of a download is there.
const AT_ONCE: Duration = Duration::from_millis(2500);

/// How nginx keeps such sockets open.
const NGINX_TIMEOUT: &str = "nginx: proxy_read_timeout and proxy_send_timeout above socket.ping_s, such as 90s; \
     haproxy: timeout tunnel (deploy)";
/// How nginx tells the address.
const NGINX_ADDRESS: &str = "nginx: proxy_set_header X-Forwarded-For $remote_addr; here: server.client_address and \
     server.trusted_proxies (docs/operations/tls-and-proxy.md)";

pub(super) async fn look(config: &Config, url: &Url) -> Vec<Finding> {
    let code = match code(config).await {
        Ok(Some(code)) => code,
        Ok(None) => {
            let found = "no server runs on this machine: what needs one was not tried";
            return vec![Finding::fine("proxy", found)];
        }
        Err(why) => return vec![Finding::warning("proxy", format!("sockets and files were not tried: {why}"))],
    };
    let own = own_address(url);
    let client = match client(own) {
        Ok(client) => client,
        Err(error) => return vec![Finding::error("proxy", one_line(&error))],
    };
    let held_s = config.socket.ping_s.saturating_mul(PINGS.into());
    note(&format!("holding a socket open at {url} for {held_s} s …"));
    let files = async { [upload(&client, url, &code).await, download(&client, url, &code).await] };
    let (held, forged, files) =
        tokio::join!(Box::pin(held(&client, url, &code)), Box::pin(forged(&client, url, &code)), Box::pin(files));
    let mut findings = Vec::new();
    match held {
        Ok((probed, finding)) => findings.extend([finding, address(own, &probed, forged.as_deref())]),
        Err(finding) => findings.push(finding),
    }
    findings.extend(files.into_iter().flatten());
    findings
}

/// Asks the server on this machine for a code; `None` when none runs.
async fn code(config: &Config) -> Result<Option<String>, String> {
    let Some(mut api) = Api::connect(config).await.map_err(|failure| failure.to_string())? else { return Ok(None) };
    let made = api.post("/admin/api/probe", &json!({})).await.map_err(|failure| failure.to_string())?;
    Ok(made["code"].as_str().map(ToOwned::to_owned))
}

/// Makes a client that asks from this address.
fn client(own: Option<IpAddr>) -> anyhow::Result<Client> {
    // A socket lives as long as it lives.
    let builder = builder(None)?.timeout(Duration::from_mins(10));
    Ok(builder.local_address(own.filter(IpAddr::is_loopback)).build()?)
}

/// Returns the address from which this machine asks. On the machine itself it is one that a proxy does not have.
fn own_address(url: &Url) -> Option<IpAddr> {
    let remote: SocketAddr = url.socket_addrs(|| None).ok()?.into_iter().next()?;
    if remote.ip() == IpAddr::V4(Ipv4Addr::LOCALHOST) && cfg!(target_os = "linux") {
        return Some(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)));
    }
    // Sends nothing: the system only chooses the way.
    let any: SocketAddr = if remote.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
    let socket = UdpSocket::bind(any).ok()?;
    socket.connect(remote).ok()?;
    Some(socket.local_addr().ok()?.ip().to_canonical())
}

/// Holds a socket open on which nothing happens but what the server does. Returns what the server has seen, too.
async fn held(client: &Client, url: &Url, code: &str) -> Result<(Probed, Finding), Finding> {
    let started = Instant::now();
    let mut probed = match handshake(client, &at(url, "/chat/ws"), code, None).await {
        Ok(probed) => probed,
        Err(ProbeError::Elsewhere(status)) => return Err(elsewhere(status)),
        Err(ProbeError::HeldBack) => {
            return Err(Finding::error("sockets", "a socket opens, and nothing that the server says arrives")
                .since("messages come by sockets: clients see none of them")
                .mended_by("nginx: proxy_buffering off; and nothing that reads whole responses"));
        }
        Err(ProbeError::Failed(why)) => return Err(Finding::error("sockets", why)),
    };
    for _ in 0..PINGS {
        if !probed.hears_ping().await {
            let found = format!(
                "one on which nothing happens is closed after {} s, and the server says something every {} s",
                started.elapsed().as_secs(),
                probed.ping_s,
            );
            let finding = Finding::error("sockets", found)
                .since("phones open it again and again, which takes their batteries")
                .mended_by(NGINX_TIMEOUT);
            return Ok((probed, finding));
        }
    }
    let found = format!("one on which nothing happens stays open: {} s were tried", started.elapsed().as_secs());
    Ok((probed, Finding::fine("sockets", found)))
}

/// Opens a socket with an address that is not this machine's. Returns the one that the server has seen.
async fn forged(client: &Client, url: &Url, code: &str) -> Option<String> {
    handshake(client, &at(url, "/chat/ws"), code, Some(FORGED)).await.ok()?.address
}

/// Judges the address that the server sees: with what a client says about it, and without.
fn address(own: Option<IpAddr>, probed: &Probed, forged: Option<&str>) -> Finding {
    if forged == Some(FORGED) {
        return Finding::error("address", "a client may say what its address is, and the server believes it")
            .since("whoever does so passes limits and bans, and has others banned")
            .mended_by(NGINX_ADDRESS);
    }
    let (Some(own), Some(seen)) = (own, probed.address.as_deref()) else {
        return Finding::fine("address", "it is not known from which one this machine asks");
    };
    if seen.parse() == Ok(own) {
        return Finding::fine("address", format!("that of a client arrives: {own}"));
    }
    let found = format!("the server takes this machine, {own}, for {seen}");
    Finding::warning("address", found)
        .since("limits and bans count all clients as one, unless an address is translated between here and the proxy")
        .mended_by(NGINX_ADDRESS)
}

/// Sends the first piece of a file, and holds the rest back: the server should say something meanwhile.
async fn upload(client: &Client, url: &Url, code: &str) -> Option<Finding> {
    let started = Instant::now();
    let pieces = iter([Duration::ZERO, REST_AFTER]).then(async |pause| {
        sleep(pause).await;
        Ok::<_, std::convert::Infallible>(Frame::data(Bytes::from_static(&[b'x'; 1024])))
    });
    let body = Body::wrap(StreamBody::new(Box::pin(pieces)));
    let response = client.post(media(url, code)).body(body).send().await;
    let response = match tried(response) {
        Ok(response) => response,
        Err(finding) => return Some(finding),
    };
    drop(response);
    let is_at_once = started.elapsed() < AT_ONCE;
    Some(if is_at_once {
        Finding::fine("files", "uploads pass piece by piece")
    } else {
        Finding::warning("files", "the proxy keeps an upload until all of it is there")
            .since("one that is cut off cannot go on where it was, and the proxy holds each file on its disk")
            .mended_by("nginx: proxy_request_buffering off; in location /media (deploy/nginx)")
    })
}

/// Waits for the first piece of a file whose rest comes later.
async fn download(client: &Client, url: &Url, code: &str) -> Option<Finding> {
    let started = Instant::now();
    // What is wrong with the way itself was said about the upload.
    let mut response = tried(client.get(media(url, code)).send().await).ok()?;
    let is_there = matches!(response.chunk().await, Ok(Some(_))) && started.elapsed() < AT_ONCE;
    Some(if is_there {
        Finding::fine("files", "downloads pass piece by piece")
    } else {
        Finding::warning("files", "the proxy keeps a download back until it has more of it")
            .since("a large file begins late, and the proxy holds it in its memory or on its disk")
            .mended_by("let it pass responses on as they come (nginx: proxy_buffering off;)")
    })
}

fn media(url: &Url, code: &str) -> Url {
    let mut media = at(url, "/media/probe");
    media.query_pairs_mut().append_pair("code", code);
    media
}

fn tried(response: reqwest::Result<Response>) -> Result<Response, Finding> {
    match response {
        Ok(response) if response.status() == StatusCode::OK => Ok(response),
        Ok(response) if response.status() == StatusCode::NOT_FOUND => Err(elsewhere(response.status())),
        Ok(response) => {
            Err(Finding::warning("files", format!("a file that is tried is answered {}", response.status()))
                .since("something in front of the server decides about files"))
        }
        Err(error) => Err(Finding::error("files", one_line(&error.without_url().into()))),
    }
}

/// What is said when the code is not known there.
fn elsewhere(status: StatusCode) -> Finding {
    let found = format!("another server than that of this machine answers there ({status}): its way was not tried");
    Finding::fine("proxy", found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::Level;

    #[test]
    fn an_address_that_is_not_the_clients_is_found() {
        let own = "203.0.113.9".parse().ok();
        let level = |seen: Option<&str>, forged: Option<&str>| {
            let probed = Probed::seen(seen);
            address(own, &probed, forged).level
        };
        assert_eq!(level(Some("203.0.113.9"), Some("203.0.113.9")), Level::Fine);
        assert_eq!(level(Some("203.0.113.9"), Some(FORGED)), Level::Error);
        assert_eq!(level(Some("127.0.0.1"), Some("127.0.0.1")), Level::Warning);
        assert_eq!(level(None, None), Level::Fine);
    }
}
