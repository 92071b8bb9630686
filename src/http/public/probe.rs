//! What `doctor` tries at the public address with a code that an operator has made: a socket on which nothing happens,
//! the address that the server takes for the client's, and whether bodies come through piece by piece. Without a code
//! there is nothing here.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::iter;
use futures_util::{SinkExt as _, StreamExt as _};
use http::StatusCode;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::time::{interval_at, sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::http::app::App;
use crate::http::error::ApiError;
use crate::http::extract::{Connection, Request, client_address, query};
use crate::http::respond::{Body, Response, json, typed};
use crate::socket::Handshake;

/// Longest life of a socket that is tried.
const LONGEST: Duration = Duration::from_mins(5);
/// The time between the two pieces of a body that is tried: a proxy that passes it on as it comes lets them be seen
/// apart.
const PAUSE: Duration = Duration::from_secs(3);

#[derive(Deserialize)]
struct Code {
    code: String,
}

/// What the server says first on a socket that is tried.
#[derive(Serialize)]
struct Seen {
    /// The address that it takes for the client's.
    address: Option<String>,
    /// After so many seconds it pings, again and again, as on any socket.
    ping_s: u64,
}

#[derive(Serialize)]
struct Received {
    bytes: usize,
}

/// Opens a socket that carries no message: it says what the server sees of the client, and pings as any other does.
pub(super) fn open(app: &Arc<App>, mut request: Request) -> Result<Response, ApiError> {
    let handshake = Handshake::read(&request)?;
    let place = request.extensions().get::<Connection>().map(|connection| connection.place.clone());
    let ping_s = app.config.socket.ping_s;
    let address = client_address(&request).map(|client| client.ip().to_string());
    let seen = serde_json::to_string(&Seen { address, ping_s }).unwrap_or_default();
    let (upgrade, drain) = (hyper::upgrade::on(&mut request), app.health.gate().drain().clone());
    tokio::spawn(async move {
        let Ok(upgraded) = upgrade.await else { return };
        let mut socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
        let every = Duration::from_secs(ping_s.max(1));
        let idle = async {
            if socket.send(Message::text(seen)).await.is_err() {
                return;
            }
            let mut ticks = interval_at(tokio::time::Instant::now() + every, every);
            loop {
                tokio::select! {
                    _ = ticks.tick() => {
                        if socket.send(Message::Ping(Bytes::new())).await.is_err() {
                            return;
                        }
                    }
                    said = socket.next() => match said {
                        Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                        Some(Ok(_)) => {}
                    },
                }
            }
        };
        let _ = timeout(LONGEST, drain.run_until_cancelled(idle)).await;
        let _ = socket.close(None).await;
        drop(place);
    });
    Ok(handshake.response().map(|()| Body::Whole(Bytes::new())))
}

/// Says how many bytes the first piece of a body has, before the rest of it is there.
pub(super) async fn upload(app: Arc<App>, mut request: Request) -> Result<Response, ApiError> {
    admit(&app, &request)?;
    let bytes = loop {
        match request.body_mut().frame().await {
            Some(frame) => {
                let piece = frame?.into_data().unwrap_or_default();
                if !piece.is_empty() {
                    break piece.len();
                }
            }
            None => break 0,
        }
    };
    Ok(json(StatusCode::OK, &Received { bytes }))
}

/// Sends a piece of a body, and another one later.
pub(super) async fn download(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    admit(&app, &request)?;
    let pieces = iter([Duration::ZERO, PAUSE]).then(async |pause| {
        sleep(pause).await;
        Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"a piece of a file\n")))
    });
    let mut response = typed(StatusCode::OK, "application/octet-stream", Bytes::new());
    *response.body_mut() = Body::stream(StreamBody::new(pieces));
    Ok(response)
}

fn admit(app: &App, request: &Request) -> Result<(), ApiError> {
    let asked: Result<Code, ApiError> = query(request);
    let is_good = asked.is_ok_and(|Code { code }| app.probes.get(&code).is_some());
    if is_good { Ok(()) } else { Err(ApiError::NotFound("there is nothing at this path")) }
}
