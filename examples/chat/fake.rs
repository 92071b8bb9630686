//! A server that says what a test wants it to say.

use std::time::Duration;

use fluent_client::transport::Server;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use crate::api::Api;
use crate::http::Http;
use crate::tls;

/// Longest wait for what a client should do.
const DEADLINE: Duration = Duration::from_secs(10);

/// See the module.
pub(crate) struct Fake {
    listener: TcpListener,
}

impl Fake {
    pub(crate) async fn start() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").await.unwrap() }
    }

    pub(crate) fn http(&self) -> Http {
        let server: Server = format!("http://{}", self.listener.local_addr().unwrap()).parse().unwrap();
        Http::new(server, tls::connector(None).unwrap())
    }

    /// A login session whose tokens are `old` and `refresh`.
    pub(crate) fn api(&self) -> Api {
        Api::new(self.http(), serde_json::from_value(tokens("old")).unwrap())
    }

    /// The next request.
    pub(crate) async fn next(&self) -> Request {
        let read = async {
            let (mut stream, _) = self.listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            Request { head: String::from_utf8(head).unwrap(), stream }
        };
        timeout(DEADLINE, read).await.expect("a request")
    }

    /// The next request, which must be for this path.
    pub(crate) async fn expect(&self, path: &str) -> Request {
        let request = self.next().await;
        assert!(request.path().starts_with(path), "{path} expected: {}", request.head);
        request
    }

    /// Opens the socket that the client asks for next, says `hello` and `live`; and the path it asked with.
    pub(crate) async fn go_live(&self, start: &str, end: &str) -> (String, Peer) {
        let request = self.expect("/chat/ws").await;
        let path = request.path().to_owned();
        let mut peer = request.upgrade().await;
        peer.say(&json!({"type":"hello","user_id":1,"device_id":"d","cursor":start,"server_time":"t","limits":{}}))
            .await;
        peer.say(&json!({"type":"live","cursor":end})).await;
        (path, peer)
    }
}

/// New tokens.
pub(crate) fn tokens(access: &str) -> Value {
    json!({"access_token":access,"refresh_token":"refresh","token_type":"Bearer"})
}

/// A request whose body nobody has read.
pub(crate) struct Request {
    head: String,
    stream: TcpStream,
}

impl Request {
    pub(crate) fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let line = self.head.lines().find(|line| line.to_lowercase().starts_with(&format!("{name}:")))?;
        line.split_once(':').map(|(_, value)| value.trim())
    }

    pub(crate) async fn answer(self, status: &str, body: &Value) {
        self.exchange(status, body).await;
    }

    /// Answers, and returns the body that was sent.
    pub(crate) async fn exchange(mut self, status: &str, body: &Value) -> Value {
        let length = self.header("content-length").and_then(|length| length.parse().ok());
        let mut sent = vec![0; length.unwrap_or_default()];
        self.stream.read_exact(&mut sent).await.unwrap();
        let body = body.to_string();
        let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
        self.stream.write_all((head + &body).as_bytes()).await.unwrap();
        self.stream.shutdown().await.unwrap();
        serde_json::from_slice(&sent).unwrap_or_default()
    }

    pub(crate) async fn upgrade(mut self) -> Peer {
        let key = derive_accept_key(self.header("sec-websocket-key").unwrap().as_bytes());
        let protocol = self.header("sec-websocket-protocol").unwrap();
        let head = format!(
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-accept: {key}\r\nsec-websocket-protocol: {protocol}\r\n\r\n"
        );
        self.stream.write_all(head.as_bytes()).await.unwrap();
        Peer { stream: WebSocketStream::from_raw_socket(self.stream, Role::Server, None).await }
    }
}

/// The server's end of a socket.
pub(crate) struct Peer {
    stream: WebSocketStream<TcpStream>,
}

impl Peer {
    pub(crate) async fn say(&mut self, frame: &Value) {
        self.stream.send(Message::text(frame.to_string())).await.unwrap();
    }

    /// The next frame of this type; others are skipped.
    pub(crate) async fn hear(&mut self, kind: &str) -> Value {
        let hear = async {
            loop {
                let Message::Text(text) = self.stream.next().await.unwrap().unwrap() else { continue };
                let frame: Value = serde_json::from_str(&text).unwrap();
                if frame["type"] == kind {
                    return frame;
                }
            }
        };
        timeout(DEADLINE, hear).await.unwrap_or_else(|_| panic!("no {kind}"))
    }

    /// Closes with this code.
    pub(crate) async fn close(mut self, code: u16) {
        let frame = CloseFrame { code: CloseCode::from(code), reason: Utf8Bytes::from_static("why") };
        self.stream.close(Some(frame)).await.unwrap();
        while let Some(Ok(_)) = self.stream.next().await {}
    }

    /// The code with which the client closes.
    pub(crate) async fn closed(mut self) -> Option<u16> {
        loop {
            match timeout(DEADLINE, self.stream.next()).await.expect("a close") {
                Some(Ok(Message::Close(frame))) => return frame.map(|frame| frame.code.into()),
                Some(Ok(_)) => {}
                _ => return None,
            }
        }
    }
}
