//! Records what goes over the wire, and compares it with the recording that is kept.

use std::io::Read as _;
use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fluent_backend::testing::{TestServer, soon};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::masks::Masks;

/// An open socket and its name in the recording.
pub(super) struct Peer {
    name: String,
    socket: WebSocketStream<TcpStream>,
}

/// A session with one server as it goes over the wire: each request and answer with its head, each frame of a socket.
pub(super) struct Recording {
    file: &'static str,
    addr: SocketAddr,
    client: &'static [&'static str],
    text: String,
    masks: Masks,
}

/// An answer: its status, the lines of its head, and its body.
struct RawAnswer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl RawAnswer {
    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Reads the head byte by byte, so that nothing of what follows is taken, and then the body, if it has one.
    async fn read(stream: &mut TcpStream, has_body: bool) -> Self {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap();
        let status = head[9..12].parse().unwrap();
        let mut answer = Self { status, head, body: Vec::new() };
        let length = answer.header("content-length").map(|length| length.parse().unwrap());
        if let Some(length) = length.filter(|_| has_body) {
            answer.body = vec![0; length];
            stream.read_exact(&mut answer.body).await.unwrap();
        }
        assert!(answer.header("transfer-encoding").is_none(), "{}", answer.head);
        answer
    }
}

impl Recording {
    /// Begins the recording that is kept in `wire/<file>.txt`, with a server's public listener. The client sends its
    /// headers with each request.
    pub(super) fn of(server: &TestServer, file: &'static str, client: &'static [&'static str]) -> Self {
        Self { file, addr: server.addr(), client, text: String::new(), masks: Masks::default() }
    }

    /// Goes on with another listener.
    pub(super) fn move_to(&mut self, addr: SocketAddr) {
        self.addr = addr;
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(self.masks.mask(line).trim_end());
        self.text.push('\n');
    }

    /// Begins a part of the session, with a heading.
    pub(super) fn part(&mut self, heading: &str) {
        let gap = if self.text.is_empty() { "" } else { "\n" };
        self.line(&format!("{gap}== {heading}"));
    }

    /// Sends a request on a connection of its own, without a body when `body` is empty; returns the answer's body as
    /// JSON, null when it is none.
    pub(super) async fn request(&mut self, line: &str, headers: &[String], body: &str) -> Value {
        let mut headers = headers.to_vec();
        if !body.is_empty() {
            headers.push(format!("Content-Length: {}", body.len()));
        }
        let (answer, _) = self.exchange(line, &headers, body).await;
        serde_json::from_slice(&answer.body).unwrap_or_default()
    }

    async fn exchange(&mut self, line: &str, headers: &[String], body: &str) -> (RawAnswer, TcpStream) {
        let head = [format!("{line} HTTP/1.1"), "Host: chat.example.org".to_owned()];
        let head: Vec<&str> = head
            .iter()
            .map(String::as_str)
            .chain(self.client.iter().copied())
            .chain(headers.iter().map(String::as_str))
            .collect();
        self.line("");
        for line in &head {
            self.line(&format!("> {line}"));
        }
        if !body.is_empty() {
            self.line(&format!(">\n> {body}"));
        }
        let request = format!("{}\r\n\r\n{body}", head.join("\r\n"));
        let mut stream = soon("a connection", TcpStream::connect(self.addr)).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let answer = soon("an answer", RawAnswer::read(&mut stream, !line.starts_with("HEAD "))).await;
        self.record(&answer);
        (answer, stream)
    }

    fn record(&mut self, answer: &RawAnswer) {
        let is_compressed = answer.header("content-encoding") == Some("gzip");
        let mut body = String::new();
        if is_compressed {
            flate2::read::GzDecoder::new(answer.body.as_slice()).read_to_string(&mut body).unwrap();
        } else {
            body.push_str(str::from_utf8(&answer.body).unwrap());
        }
        self.learn(&body);
        for line in answer.head.trim_end().lines() {
            let line = self.masks.header(line, is_compressed);
            self.line(&format!("< {line}"));
        }
        if !body.is_empty() {
            self.line(&format!("<\n< {}", body.trim_end().replace('\n', "\n< ")));
        }
        self.claims(&body);
    }

    fn learn(&mut self, text: &str) {
        if let Ok(value) = serde_json::from_str(text) {
            self.masks.learn(&value);
        }
    }

    /// Records what an access token says: header and claims, without the signature.
    fn claims(&mut self, body: &str) {
        let Ok(body) = serde_json::from_str::<Value>(body) else { return };
        let Some(token) = body["access_token"].as_str() else { return };
        for part in token.split('.').take(2) {
            let text = String::from_utf8(URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
            self.learn(&text);
            self.line(&format!("# {text}"));
        }
    }

    /// Shakes hands for a WebSocket; none when the server refuses.
    pub(super) async fn try_open(&mut self, name: &str, path: &str, headers: &[String]) -> Option<Peer> {
        let mut all: Vec<String> =
            ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"].map(str::to_owned).into();
        all.push("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==".to_owned());
        all.extend_from_slice(headers);
        let (answer, stream) = self.exchange(&format!("GET {path}"), &all, "").await;
        if answer.status != 101 {
            return None;
        }
        let socket = WebSocketStream::from_raw_socket(stream, Role::Client, None).await;
        Some(Peer { name: name.to_owned(), socket })
    }

    /// As [`try_open`](Self::try_open); fails the test when the server refuses.
    pub(super) async fn open(&mut self, name: &str, path: &str, headers: &[String]) -> Peer {
        let peer = self.try_open(name, path, headers).await.expect("the server takes the socket");
        self.line("");
        peer
    }

    /// Sends a text frame.
    pub(super) async fn send(&mut self, peer: &mut Peer, text: &str) {
        self.line(&format!("{} > {text}", peer.name));
        soon("the server reads", peer.socket.send(Message::text(text))).await.unwrap();
    }

    /// Sends a binary frame.
    pub(super) async fn send_binary(&mut self, peer: &mut Peer, bytes: &'static [u8]) {
        self.line(&format!("{} > binary {bytes:?}", peer.name));
        soon("the server reads", peer.socket.send(Message::binary(bytes))).await.unwrap();
    }

    /// Sends a text frame and receives one, which is its answer on a socket where nothing else happens.
    pub(super) async fn ask(&mut self, peer: &mut Peer, text: &str) -> Value {
        self.send(peer, text).await;
        self.receive(peer).await
    }

    /// Receives a text frame.
    pub(super) async fn receive(&mut self, peer: &mut Peer) -> Value {
        match Self::next(peer).await {
            Message::Text(text) => {
                self.learn(&text);
                self.line(&format!("{} < {text}", peer.name));
                serde_json::from_str(&text).unwrap()
            }
            other => panic!("expected a text frame for {}, got {other:?}", peer.name),
        }
    }

    /// Receives text frames up to one of this type, and returns it.
    pub(super) async fn receive_until(&mut self, peer: &mut Peer, kind: &str) -> Value {
        loop {
            let frame = self.receive(peer).await;
            if frame["type"] == kind {
                return frame;
            }
        }
    }

    /// Receives the server's close frame, which must be the next.
    pub(super) async fn receive_close(&mut self, mut peer: Peer) {
        match Self::next(&mut peer).await {
            Message::Close(Some(frame)) => {
                self.line(&format!("{} < close {} {:?}", peer.name, u16::from(frame.code), frame.reason.as_str()));
            }
            other => panic!("expected a close frame for {}, got {other:?}", peer.name),
        }
    }

    async fn next(peer: &mut Peer) -> Message {
        let data_or_close = async {
            loop {
                match peer.socket.next().await.unwrap().unwrap() {
                    // Heartbeats come by the machine's clock.
                    Message::Ping(_) | Message::Pong(_) => {}
                    message => return message,
                }
            }
        };
        soon("a frame", data_or_close).await
    }

    /// Closes a socket with 1000, as the app does.
    pub(super) async fn close(&mut self, mut peer: Peer) {
        self.line(&format!("{} > close", peer.name));
        peer.socket.close(None).await.unwrap();
        while let Some(Ok(message)) = soon("the close", peer.socket.next()).await {
            if let Message::Close(frame) = message {
                let code = frame.map(|frame| u16::from(frame.code));
                self.line(&format!("{} < close {code:?}", peer.name));
            }
        }
    }

    /// Ends the recording. Fails the test when it is not, byte by byte, the one that is kept; with `UPDATE_SNAPSHOTS`
    /// it is kept instead.
    pub(super) fn finish(self) {
        let path = format!("{}/tests/it/wire/{}.txt", env!("CARGO_MANIFEST_DIR"), self.file);
        if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
            std::fs::write(&path, &self.text).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        let differs = self.text.lines().zip(kept.lines()).position(|(now, before)| now != before);
        let at = differs.unwrap_or_else(|| self.text.lines().count().min(kept.lines().count()));
        let part = |text: &str| text.lines().skip(at.saturating_sub(3)).take(6).collect::<Vec<_>>().join("\n");
        assert!(
            self.text == kept,
            "{path} differs at line {}. Recorded now:\n{}\nbefore:\n{}\n\
             If it is meant: UPDATE_SNAPSHOTS=1 cargo test --test it wire::",
            at + 1,
            part(&self.text),
            part(&kept)
        );
    }
}
