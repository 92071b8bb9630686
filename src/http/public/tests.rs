//! Bodies that stream, in both directions, through all layers of the interface for clients.

use std::sync::LazyLock;

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::StatusCode;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::sync::Notify;
use tower::BoxError;

use super::*;
use crate::actors::ActorSystem;
use crate::auth::{Auth, InstanceKey, TokenKeys};
use crate::clock::Clock;
use crate::config::Config;
use crate::http::Places;
use crate::http::error::ApiError;
use crate::http::extract::Request;
use crate::http::respond::{Body, Response, no_content};
use crate::http::route::{BodyLimits, route};
use crate::limits::Limiters;
use crate::protocol::franking::ReportTokens;
use crate::push::Nothing;
use crate::storage::Storage;
use crate::telemetry::ListenerKind;

const SHORT: Duration = Duration::from_millis(50);
const SMALL_BODY: BodyLimits = BodyLimits { bytes: 8, takes_room: true, ..BodyLimits::NOTHING };

/// Lets the stream of `/broken` fail.
static PIECE_READ: Notify = Notify::const_new();

static ROUTES: LazyLock<Vec<Route>> = LazyLock::new(|| {
    vec![
        route!(optional POST "/echo" echo, reads: BodyLimits::USERS),
        route!(optional POST "/count" count, reads: SMALL_BODY),
        route!(optional POST "/count/soon" count, reads: BodyLimits { time: Some(SHORT), ..SMALL_BODY }),
        route!(public GET "/never" never, timeout: Some(SHORT)),
        route!(optional GET "/json" json_stream),
        route!(optional GET "/broken" broken),
    ]
});

/// Returns the body while it comes.
async fn echo(_: Arc<App>, request: Request) -> Result<Response, ApiError> {
    Ok(Response::new(Body::stream(request.into_body())))
}

/// Reads the body piece by piece and keeps none of it.
async fn count(_: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let (mut body, mut bytes) = (request.into_body(), 0);
    while let Some(frame) = body.frame().await {
        bytes += frame?.data_ref().map_or(0, Bytes::len);
    }
    Ok(crate::http::respond::typed(StatusCode::OK, "text/plain", bytes.to_string()))
}

async fn never(_: Arc<App>, _: Request) -> Result<Response, ApiError> {
    std::future::pending::<()>().await;
    Ok(no_content())
}

fn frames(frames: usize) -> impl futures_util::Stream<Item = Result<Frame<Bytes>, BoxError>> + Send {
    futures_util::stream::iter((0..frames).map(|_| Ok(Frame::data(Bytes::from_static(&[b'1'; 1000])))))
}

async fn json_stream(_: Arc<App>, _: Request) -> Result<Response, ApiError> {
    let mut response = Response::new(Body::stream(StreamBody::new(frames(3))));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

async fn broken(_: Arc<App>, _: Request) -> Result<Response, ApiError> {
    let error = futures_util::stream::once(async {
        PIECE_READ.notified().await;
        Err(BoxError::from("the disk is gone"))
    });
    Ok(Response::new(Body::stream(StreamBody::new(frames(1).chain(error)))))
}

/// A connection to the routes above, and what they live on.
struct World {
    app: Arc<App>,
    client: DuplexStream,
    _actors: ActorSystem,
    _data: TempDir,
}

impl World {
    async fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut config = Config::defaults().unwrap();
        config.server.data_dir = data.path().to_owned();
        config.http.unwritten_bytes = 1 << 20;
        let clock = Clock::system();
        let keys = TokenKeys::load(&config, clock.now()).unwrap();
        let storage = Arc::new(Storage::open(&config).await.unwrap());
        let instance_key = InstanceKey::load(&config).unwrap();
        let (keys, limiters) = ((keys, &instance_key), Limiters::new(&config, &clock));
        let auth = Auth::new(&config.auth, keys, storage.clone(), limiters, clock.clone()).await.unwrap();
        let auth = Arc::new(auth);
        let tokens = Arc::new(ReportTokens::new(&[0; 32]).unwrap());
        let checks = (auth.access().refused(), &tokens);
        let sender = Arc::new(Nothing::default());
        let (actors, _) =
            ActorSystem::start(&config, storage.clone(), checks, None, sender, clock.clone()).await.unwrap();
        let places = Places::new(ListenerKind::Public, 1, 0);
        let app = App::new(config, storage, (auth, tokens), None, &actors, clock, places);
        // Small, so that what is not read is not written either.
        let (client, server) = tokio::io::duplex(256);
        let service = TowerToHyperService::new(stack(&app, &ROUTES).unwrap());
        let connection = http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(server), service);
        tokio::spawn(connection);
        Self { app, client, _actors: actors, _data: data }
    }

    async fn send(&mut self, text: &str) {
        self.client.write_all(text.as_bytes()).await.unwrap();
    }

    /// Sends the head of a request.
    async fn ask(&mut self, line: &str, headers: &str) {
        self.send(&format!("{line} HTTP/1.1\r\nHost: x\r\n{headers}\r\n")).await;
    }

    /// Reads until `end` was read, or the connection has ended.
    async fn read_to(&mut self, end: &str) -> String {
        let mut read = Vec::new();
        while !read.ends_with(end.as_bytes()) {
            match self.client.read_u8().await {
                Ok(byte) => read.push(byte),
                Err(_) => break,
            }
        }
        String::from_utf8(read).unwrap()
    }

    async fn head(&mut self) -> String {
        self.read_to("\r\n\r\n").await.to_ascii_lowercase()
    }
}

const CHUNKED: &str = "Transfer-Encoding: chunked\r\n";

#[tokio::test]
async fn a_body_streams_in_and_out_at_once() {
    let mut world = World::new().await;
    world.ask("POST /echo", CHUNKED).await;
    let head = world.head().await;
    assert!(head.starts_with("http/1.1 200 ok") && head.contains("transfer-encoding: chunked"), "{head}");
    assert!(head.contains("x-request-id: ") && head.contains("x-content-type-options: nosniff"), "{head}");
    for piece in ["one", "two", "six"] {
        world.send(&format!("3\r\n{piece}\r\n")).await;
        assert_eq!(world.read_to(&format!("{piece}\r\n")).await, format!("3\r\n{piece}\r\n"));
    }
    world.send("0\r\n\r\n").await;
    assert_eq!(world.read_to("0\r\n\r\n").await, "0\r\n\r\n");
    world.ask("POST /count", "Content-Length: 3\r\n").await;
    world.send("end").await;
    assert!(world.head().await.starts_with("http/1.1 200 ok"), "the connection goes on");
}

#[tokio::test]
async fn a_streamed_body_keeps_to_the_limit_of_its_route() {
    let mut world = World::new().await;
    // Known beforehand, and found out on the way: the rest is read and dropped, so that another request can follow.
    for (headers, body) in [("Content-Length: 9\r\n", "123456789"), (CHUNKED, "9\r\n123456789\r\n0\r\n\r\n")] {
        world.ask("POST /count", headers).await;
        world.send(body).await;
        assert!(world.head().await.starts_with("http/1.1 413 "));
        assert!(world.read_to("}").await.contains("larger than 8 bytes"));
        world.ask("POST /count", "Content-Length: 8\r\n").await;
        world.send("12345678").await;
        assert!(world.head().await.starts_with("http/1.1 200 "));
        assert_eq!(world.read_to("8").await, "8");
    }
}

#[tokio::test]
async fn a_route_states_the_time_for_its_body_and_for_its_response() {
    let mut world = World::new().await;
    world.ask("POST /count/soon", "Content-Length: 2\r\n").await;
    world.send("1").await;
    assert!(world.head().await.starts_with("http/1.1 503 "));
    world.read_to("}").await;
    world.send("2").await;
    world.ask("GET /never", "").await;
    assert!(world.head().await.starts_with("http/1.1 503 "));
}

#[tokio::test]
async fn a_stream_is_not_compressed() {
    let mut world = World::new().await;
    world.ask("GET /json", "Accept-Encoding: gzip\r\n").await;
    let head = world.head().await;
    assert!(head.contains("application/json") && !head.contains("content-encoding"), "{head}");
    assert_eq!(world.read_to("0\r\n\r\n").await.matches('1').count(), 3000);
}

#[tokio::test]
async fn a_stream_that_fails_ends_the_connection_without_its_last_chunk() {
    let mut world = World::new().await;
    world.ask("GET /broken", "").await;
    assert!(world.head().await.starts_with("http/1.1 200 "));
    assert_eq!(world.read_to("1\r\n").await.matches('1').count(), 1000);
    PIECE_READ.notify_one();
    assert_eq!(world.read_to("0\r\n\r\n").await, "");
}

#[tokio::test]
async fn a_stream_holds_its_share_until_it_is_written() {
    let mut world = World::new().await;
    let free = world.app.shares.free();
    world.ask("GET /json", "").await;
    world.head().await;
    assert!(world.app.shares.free() < free, "most of it waits for its reader");
    world.read_to("0\r\n\r\n").await;
    // The connection lets go of the last frame before it reads the next request.
    world.ask("GET /never", "").await;
    world.head().await;
    assert_eq!(world.app.shares.free(), free);
}
