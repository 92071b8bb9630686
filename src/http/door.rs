//! The door of a listener: who has connected gets a place, or hears at once that there is none.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection::{self, Limits};
use super::error::ApiError;
use super::extract::Connection;
use super::layers::Service;
use super::places::{Found, NoPlace, Places};
use super::respond::Response;
use crate::telemetry::metrics;

/// What may happen many times a second is told at most once in this time.
const TOLD: Duration = Duration::from_mins(1);
/// Connections without a place that are told so at once; when more come, they are closed without a word.
pub const MAX_REFUSALS: usize = 32;
/// Longest time to tell one.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(2);
/// Bytes of a body that are read before its sender is told: an answer before the end of the body may get lost.
const REFUSAL_BODY: usize = 64 * 1024;

/// Lets something be told now and then.
#[derive(Default)]
pub(super) struct Seldom(Option<Instant>);

impl Seldom {
    /// Whether it is to be told now.
    pub(super) fn is_due(&mut self) -> bool {
        let is_due = self.0.is_none_or(|last| last.elapsed() > TOLD);
        if is_due {
            self.0 = Some(Instant::now());
        }
        is_due
    }
}

/// What is told of a full house.
#[derive(Default)]
struct Told {
    evicted: Seldom,
    full: Seldom,
    too_many: Seldom,
}

/// Gives places to connections.
pub(super) struct Door {
    places: Arc<Places>,
    service: Service,
    limits: Limits,
    /// A proxy brings everybody: its address has no share.
    has_proxy: bool,
    drain: CancellationToken,
    tasks: TaskTracker,
    refusals: Arc<Semaphore>,
    told: Told,
}

impl Door {
    /// A door to `service`, for connections that run in `tasks` until `drain` is cancelled.
    pub(super) fn new(
        places: Arc<Places>,
        service: Service,
        limits: Limits,
        has_proxy: bool,
        drain: CancellationToken,
        tasks: TaskTracker,
    ) -> Self {
        let refusals = Arc::new(Semaphore::new(MAX_REFUSALS));
        Self { places, service, limits, has_proxy, drain, tasks, refusals, told: Told::default() }
    }

    /// Serves the connection, in the place of another if need be, or refuses it.
    pub(super) fn admit(&mut self, stream: TcpStream, peer: SocketAddr) {
        match self.places.enter(peer.ip().into(), brings_others(peer.ip(), self.has_proxy)) {
            Ok(Found { place, evicted }) => {
                if let Some(other) = evicted {
                    self.evict(other.as_ref());
                }
                let place = Arc::new(place);
                let origin = Connection { peer, place: place.clone() };
                let serving = connection::serve(stream, origin, self.service.clone(), self.limits, self.drain.clone());
                place.served_by(self.tasks.spawn(serving).abort_handle());
            }
            Err(NoPlace::TooMany) => {
                metrics().listener(self.places.listener()).too_many.increment(1);
                if self.told.too_many.is_due() {
                    tracing::warn!(
                        "an address has server.max_connections_per_address connections: more of it are closed"
                    );
                }
            }
            Err(NoPlace::Full) => self.refuse(stream),
        }
    }

    fn evict(&mut self, other: Option<&tokio::task::AbortHandle>) {
        if let Some(task) = other {
            task.abort();
        }
        if self.told.evicted.is_due() {
            tracing::warn!(
                listener = self.places.listener().as_str(),
                connections = self.places.count(),
                "all places for connections are taken: idle ones on which nobody is signed in are closed for newcomers"
            );
        }
    }

    /// Nobody can be sent away for this one.
    fn refuse(&mut self, stream: TcpStream) {
        metrics().listener(self.places.listener()).full.increment(1);
        if self.told.full.is_due() {
            tracing::warn!(
                listener = self.places.listener().as_str(),
                connections = self.places.count(),
                "all places for connections are taken by clients that are signed in: newcomers are refused; \
                 raise server.max_connections"
            );
        }
        let Ok(turn) = self.refusals.clone().try_acquire_owned() else { return };
        let drain = self.drain.clone();
        self.tasks.spawn(async move {
            let _turn = turn;
            let service = hyper::service::service_fn(answer_full);
            let telling = http1::Builder::new().keep_alive(false).serve_connection(TokioIo::new(stream), service);
            let _ = drain.run_until_cancelled(timeout(REFUSAL_TIMEOUT, telling)).await;
        });
    }
}

/// Whether the connections of this address may be those of many clients: a proxy on this machine, or any that is
/// configured.
fn brings_others(address: IpAddr, has_proxy: bool) -> bool {
    has_proxy || address.to_canonical().is_loopback()
}

/// Says that there is no place.
async fn answer_full(request: http::Request<Incoming>) -> Result<Response, Infallible> {
    let _ = Limited::new(request.into_body(), REFUSAL_BODY).collect().await;
    Ok(ApiError::Unavailable.into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_has_no_share_of_its_own() {
        for (address, has_proxy, expected) in [
            ("127.0.0.1", false, true),
            ("::1", false, true),
            ("::ffff:127.0.0.1", false, true),
            ("192.0.2.1", false, false),
            ("10.0.0.2", false, false),
            ("2001:db8::1", false, false),
            ("10.0.0.2", true, true),
        ] {
            assert_eq!(brings_others(address.parse().unwrap(), has_proxy), expected, "{address} {has_proxy}");
        }
    }

    #[test]
    fn what_happens_often_is_told_seldom() {
        let mut told = Seldom::default();
        assert!(told.is_due() && !told.is_due());
        told.0 = Instant::now().checked_sub(TOLD * 2);
        assert!(told.is_due() && !told.is_due());
    }
}
