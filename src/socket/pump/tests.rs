//! The pump over a connection in memory, with paused time: what it reads, what it writes, and how it ends.

mod flood;

use futures_util::SinkExt as _;
use tokio::io::{AsyncReadExt as _, DuplexStream};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_util::sync::CancellationToken;

use flood::Flood;

use super::bad_frames::{BAD_FRAMES_WINDOW, MAX_BAD_FRAMES};
use super::*;
use crate::actors::{Credit, InFlightBytes, QueueSender, send_queue};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::{Command, LoginEnd};
use crate::protocol::{FrameError, legacy};

const SOON: Duration = Duration::from_secs(30);
/// A message in the legacy dialect.
const MESSAGE: &str = r#"{"receiverID":2,"receiver_encrypted":"r","sender_encrypted":"s","messageType":"text"}"#;

fn frame() -> Frame {
    legacy::error(&FrameError::unavailable(1))
}

/// A running pump.
struct Running {
    /// What the session was handed.
    commands: UnboundedReceiver<(Command, Credit)>,
    drain: CancellationToken,
    /// The close code that is counted and logged.
    code: JoinHandle<u16>,
}

/// Starts a pump over `io`.
async fn pump(
    io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    dialect: Dialect,
    queue: SendQueue,
    credits: Credits,
) -> Running {
    let config = Config::defaults().unwrap();
    let limiters = Limiters::new(&config, &Clock::system());
    let settings = Arc::new(Settings::new(&config, limiters, None));
    let (session, commands) = SocketLease::probe().await;
    let token = CancellationToken::new();
    let drain = SocketDrain::new(token.clone(), || Duration::ZERO);
    let links = Links { dialect, queue, session, credits, drain };
    let mut pump = Pump::new(io, Vec::new(), UserId(1), settings, links).await;
    Running { commands, drain: token, code: tokio::spawn(async move { pump.run().await }) }
}

/// A pump and its client.
struct World {
    client: WebSocketStream<DuplexStream>,
    queue: QueueSender,
    credits: Credits,
    /// What the session was handed.
    commands: UnboundedReceiver<(Command, Credit)>,
    drain: CancellationToken,
    /// The close code that is counted and logged.
    code: JoinHandle<u16>,
}

impl World {
    async fn new(dialect: Dialect) -> Self {
        let (server, client) = tokio::io::duplex(64 * 1024);
        let (end, queue) = send_queue(64, 1 << 20);
        let credits = Credits::new(2, 1 << 20, InFlightBytes::new(1 << 20));
        let Running { commands, drain, code } = pump(server, dialect, queue, credits.clone()).await;
        let client = WebSocketStream::from_raw_socket(client, Role::Client, None).await;
        Self { client, queue: end, credits, commands, drain, code }
    }

    async fn send(&mut self, text: &str) {
        self.client.send(Message::text(text)).await.unwrap();
    }

    async fn receive(&mut self) -> Message {
        timeout(SOON * 10, self.client.next()).await.unwrap().unwrap().unwrap()
    }

    /// The code and the text of the close frame, which is the next frame but for pings.
    async fn closed(mut self) -> (u16, String) {
        loop {
            match self.receive().await {
                Message::Ping(_) => {}
                Message::Close(Some(close)) => {
                    while let Some(Ok(_)) = self.client.next().await {}
                    assert_eq!(self.code.await.unwrap(), u16::from(close.code));
                    return (close.code.into(), close.reason.to_string());
                }
                other => panic!("not a close frame, but {other:?}"),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_frame_becomes_a_command_and_holds_its_credit() {
    let mut world = World::new(Dialect::Legacy).await;
    world.send(MESSAGE).await;
    let (command, credit) = timeout(SOON, world.commands.recv()).await.unwrap().unwrap();
    assert!(matches!(command, Command::Send(draft) if draft.sender == UserId(1)));
    assert!(timeout(SOON, world.credits.settled()).await.is_err());
    drop(credit);
    // The pump itself holds one while it may read.
    drop(world.client);
    timeout(SOON, world.credits.settled()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn without_credit_nothing_is_read() {
    let mut world = World::new(Dialect::Legacy).await;
    for _ in 0..3 {
        world.send(MESSAGE).await;
    }
    let mut held = Vec::new();
    for _ in 0..2 {
        held.push(timeout(SOON, world.commands.recv()).await.unwrap().unwrap());
    }
    assert!(timeout(SOON / 3, world.commands.recv()).await.is_err(), "two may be on their way");
    held.pop();
    assert!(timeout(SOON, world.commands.recv()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_v1_socket_is_read_when_its_first_frame_is_written() {
    let mut world = World::new(Dialect::V1).await;
    world.send(r#"{"type":"ping"}"#).await;
    assert!(timeout(SOON / 10, world.client.next()).await.is_err());
    assert!(world.queue.put(frame().into()));
    assert!(matches!(world.receive().await, Message::Text(_)), "the first frame");
    let Message::Text(pong) = world.receive().await else { panic!("no text") };
    assert!(pong.contains("pong"));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_answer_pings_is_closed_with_1001() {
    let settings = Config::defaults().unwrap().socket;
    let started = Instant::now();
    let mut world = World::new(Dialect::Legacy).await;
    // Not polled, a client answers no ping; the close frame waits behind it.
    let limit = Duration::from_secs((settings.ping_s + settings.pong_timeout_s) * 2);
    let code = timeout(limit, &mut world.code).await.unwrap().unwrap();
    assert_eq!(code, 1001);
    assert!(started.elapsed() >= Duration::from_secs(settings.pong_timeout_s));
}

#[tokio::test(start_paused = true)]
async fn too_many_bad_frames_are_closed_with_1008() {
    let mut world = World::new(Dialect::Legacy).await;
    for _ in 0..MAX_BAD_FRAMES {
        world.send("not JSON").await;
        assert!(matches!(world.receive().await, Message::Text(_)));
    }
    world.send("not JSON").await;
    assert_eq!(world.closed().await, (1008, "too many bad frames".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn bad_frames_are_forgiven_after_a_while() {
    let mut world = World::new(Dialect::Legacy).await;
    for _ in 0..MAX_BAD_FRAMES * 2 {
        world.send("not JSON").await;
        loop {
            match world.receive().await {
                Message::Ping(_) => {}
                Message::Text(_) => break,
                other => panic!("closed: {other:?}"),
            }
        }
        tokio::time::sleep(BAD_FRAMES_WINDOW / MAX_BAD_FRAMES).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_session_closes_the_socket_with_its_reason() {
    let mut world = World::new(Dialect::Legacy).await;
    world.queue.end(CloseReason::LoginEnded(LoginEnd::Password));
    assert_eq!(world.closed().await, (4001, "password".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_session_that_fails_closes_with_1011() {
    let world = World::new(Dialect::Legacy).await;
    let World { client, queue, credits, commands, drain, code } = world;
    drop(queue);
    let (end, _queue) = send_queue(1, 1);
    let world = World { client, queue: end, credits, commands, drain, code };
    assert_eq!(world.closed().await, (1011, "server fault".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_drain_says_so_waits_for_what_was_read_and_closes_with_1012() {
    let mut world = World::new(Dialect::V1).await;
    assert!(world.queue.put(frame().into()));
    assert!(matches!(world.receive().await, Message::Text(_)), "the first frame");
    world.send(r#"{"type":"delivered","up_to_seq":1}"#).await;
    let (_, credit) = timeout(SOON, world.commands.recv()).await.unwrap().unwrap();
    world.drain.cancel();
    let Message::Text(away) = world.receive().await else { panic!("no text") };
    assert!(away.contains("going_away"));
    let answer = QueuedFrame { credit: Some(credit), ..QueuedFrame::from(frame()) };
    assert!(world.queue.put(answer));
    assert!(matches!(world.receive().await, Message::Text(_)), "the answer");
    assert_eq!(world.closed().await, (1012, "restart".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_closes_is_answered_with_its_code() {
    let mut world = World::new(Dialect::Legacy).await;
    let close = CloseFrame { code: CloseCode::Normal, reason: Utf8Bytes::default() };
    world.client.close(Some(close)).await.unwrap();
    while let Some(Ok(_)) = world.client.next().await {}
    assert_eq!(world.code.await.unwrap(), 1000);
}

/// What it writes uses up what a task may do at a time, again and again: the timers have their turn all the same.
#[tokio::test(start_paused = true)]
async fn a_client_that_writes_without_a_pause_does_not_put_off_the_end() {
    let (mut end, queue) = send_queue(8, 1 << 20);
    let credits = Credits::new(2, 1 << 20, InFlightBytes::new(1 << 20));
    assert!(end.put(frame().into()));
    let Running { drain, code, commands: _commands } = pump(Flood { written: 0 }, Dialect::V1, queue, credits).await;
    tokio::task::yield_now().await;
    drain.cancel();
    // Time does not go on by itself, since the pump is never idle.
    for _ in 0..100 {
        tokio::time::advance(Duration::from_millis(200)).await;
    }
    assert!(code.is_finished(), "20 s after the server began to stop");
    assert_eq!(code.await.unwrap(), 1012);
}

/// What hangs on a frame is given back when it is written, and no sooner: so a client that does not read is bounded.
#[tokio::test]
async fn credit_and_permit_of_a_frame_come_back_when_it_is_written() {
    // Of a frame so much gets through that the pump is seen to have begun.
    let (io, mut client) = tokio::io::duplex(8);
    let (mut end, queue): (QueueSender, SendQueue) = send_queue(8, 1 << 20);
    let credits = Credits::new(2, 1 << 20, InFlightBytes::new(1 << 20));
    let page_permits = Arc::new(Semaphore::new(1));
    for page_permit in [None, Some(page_permits.clone().acquire_owned().await.unwrap())] {
        assert!(end.put(QueuedFrame {
            credit: Some(credits.reserve().await),
            page_permit,
            ..QueuedFrame::from(frame())
        }));
    }
    pump(io, Dialect::V1, queue, credits.clone()).await;
    let mut first = vec![0; frame().len() + 8];
    timeout(SOON, client.read_exact(&mut first)).await.unwrap().unwrap();
    // The first frame and some of the second have been read: both are still on their way, as far as the pump can know.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(
        credits.reserve().now_or_never().is_none() && page_permits.available_permits() == 0,
        "not before they are written"
    );
    tokio::spawn(async move { client.read_to_end(&mut Vec::new()).await });
    let credit = timeout(SOON, credits.reserve()).await.unwrap();
    assert_eq!(page_permits.available_permits(), 1);
    drop(credit);
}
