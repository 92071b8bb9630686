//! Requests by HTTP, with an end to their time and to the size of answers.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, header};
use reqwest::dns::Resolve;
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder};
use tokio::time::{Instant, timeout_at};

use super::guard::NotGlobal;
use super::retry_after::retry_after;
use super::{PushError, tls};
use crate::config::Push;
use crate::domain::Timestamp;

/// The most bytes of an answer that are read.
pub(super) const MAX_BODY: usize = 4096;
/// The most bytes of an answer's head.
const MAX_HEAD: u32 = 16 * 1024;
/// Idle connections of one host that are kept.
const IDLE_CONNECTIONS: usize = 4;

/// How long a request may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// To be connected, TLS included.
    pub connect: Duration,
    /// The whole request, with its answer.
    pub whole: Duration,
    /// After so much time without a request it is tried whether the connection to Apple is still there.
    pub ping: Duration,
}

impl Default for Patience {
    /// Google asks for 10 s at least before a request counts as lost, and Apple for no more than one ping an hour.
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), whole: Duration::from_secs(10), ping: Duration::from_hours(1) }
    }
}

/// An answer.
#[derive(Debug)]
pub(super) struct Reply {
    /// The status.
    pub(super) status: u16,
    /// The wait that it asks for.
    pub(super) retry_after: Option<Duration>,
    /// The beginning of the body.
    pub(super) body: Vec<u8>,
    /// Whether the body came to its end or to the most that is read.
    pub(super) is_whole: bool,
}

/// Why there is no answer, in words that hold no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unanswered {
    /// The name has no addresses, or nobody listens there.
    Connect,
    /// The certificate is not good, or TLS fails otherwise.
    Tls,
    /// A name that a user gave leads into a private network.
    NotGlobal,
    /// It took too long.
    Late,
    /// The connection ended before the answer.
    Lost,
}

impl Unanswered {
    /// Returns the reason.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "no connection",
            Self::Tls => "TLS failed",
            Self::NotGlobal => "the host leads to an address that is not on the public internet",
            Self::Late => "no answer in time",
            Self::Lost => "the connection was lost",
        }
    }
}

/// Makes the client of all requests but those to Apple. With a resolver, all names are looked up by it.
pub(super) fn client(push: &Push, patience: Patience, resolver: Option<Arc<dyn Resolve>>) -> Result<Client, PushError> {
    let builder = Client::builder()
        .tls_backend_preconfigured(tls::configuration(push)?)
        .https_only(true)
        .no_proxy()
        .redirect(Policy::none())
        .referer(false)
        // Each wake-up says by itself whether it may be repeated.
        .retry(reqwest::retry::never())
        .connect_timeout(patience.connect)
        .timeout(patience.whole)
        .pool_max_idle_per_host(IDLE_CONNECTIONS)
        .http2_max_header_list_size(MAX_HEAD);
    let builder = match resolver {
        Some(resolver) => builder.dns_resolver(resolver),
        None => builder,
    };
    builder.build().map_err(|error| PushError::Setup(error.to_string()))
}

/// Makes a request and reads its answer until the deadline. An answer whose body is late is there all the same.
pub(super) async fn exchange(request: RequestBuilder, now: Timestamp, deadline: Instant) -> Result<Reply, Unanswered> {
    let mut response = match timeout_at(deadline, request.send()).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => return Err(unanswered(&error)),
        Err(_) => return Err(Unanswered::Late),
    };
    let (status, retry_after) = (response.status().as_u16(), wait(response.headers(), now));
    let (mut body, mut is_whole) = (Vec::new(), false);
    while body.len() < MAX_BODY {
        match timeout_at(deadline, response.chunk()).await {
            Ok(Ok(Some(chunk))) => body.extend_from_slice(&chunk),
            Ok(Ok(None)) => {
                is_whole = true;
                break;
            }
            Ok(Err(_)) | Err(_) => break,
        }
    }
    is_whole |= body.len() >= MAX_BODY;
    body.truncate(MAX_BODY);
    Ok(Reply { status, retry_after, body, is_whole })
}

/// Returns the wait that an answer asks for.
pub(super) fn wait(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    retry_after(headers.get(header::RETRY_AFTER)?.to_str().ok()?, now)
}

fn unanswered(error: &reqwest::Error) -> Unanswered {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if inner.is::<NotGlobal>() {
            return Unanswered::NotGlobal;
        }
        // An error of I/O may hold one of TLS, which is not its source.
        let within = inner.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        let is_tls = within.is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>);
        if is_tls || inner.is::<rustls::Error>() {
            return Unanswered::Tls;
        }
        cause = inner.source();
    }
    match error {
        error if error.is_timeout() => Unanswered::Late,
        error if error.is_connect() => Unanswered::Connect,
        _ => Unanswered::Lost,
    }
}
