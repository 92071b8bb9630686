//! A reader of a stream of events (`text/event-stream`).

use std::path::Path;

use fluent_backend::testing::{TestServer, soon};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpStream, UnixStream};

/// One event.
#[derive(Debug)]
pub(crate) struct ServerEvent {
    pub(crate) name: String,
    pub(crate) id: Option<u64>,
    pub(crate) data: Value,
}

/// A stream of events, after the head of its response.
pub(crate) struct EventStream<S> {
    status: u16,
    lines: BufReader<S>,
}

impl EventStream<TcpStream> {
    /// Follows a server at the operators' listener, with a token.
    pub(crate) async fn open(server: &TestServer, query: &str, token: &str) -> Self {
        let stream = TcpStream::connect(server.admin().addr()).await.unwrap();
        Self::over(stream, query, &format!("Authorization: Bearer {token}\r\n")).await
    }
}

impl EventStream<UnixStream> {
    /// Follows a server at the local interface.
    pub(crate) async fn local(server: &TestServer, query: &str) -> Self {
        Self::at(&server.data_dir(), query).await
    }

    /// Follows the server with this data directory at its local interface.
    pub(crate) async fn at(data_dir: &Path, query: &str) -> Self {
        let stream = UnixStream::connect(data_dir.join("admin.sock")).await.unwrap();
        Self::over(stream, query, "").await
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> EventStream<S> {
    async fn over(mut stream: S, query: &str, headers: &str) -> Self {
        // To a client of HTTP/1.0 the body comes as it is, not in chunks.
        let head = format!("GET /admin/api/events{query} HTTP/1.0\r\nHost: localhost\r\n{headers}\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut lines = BufReader::new(stream);
        let mut status = None;
        loop {
            let mut line = String::new();
            soon("a line of the head", lines.read_line(&mut line)).await.unwrap();
            match line.trim_end() {
                "" => break,
                line => status = status.or_else(|| line.get(9..12)?.parse().ok()),
            }
        }
        Self { status: status.unwrap(), lines }
    }

    pub(crate) fn status(&self) -> u16 {
        self.status
    }

    /// Reads the whole body of a refusal.
    pub(crate) async fn problem(mut self) -> Value {
        let mut body = Vec::new();
        soon("the end of the answer", self.lines.read_to_end(&mut body)).await.unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    /// Waits for the next event; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<ServerEvent> {
        let (mut name, mut id, mut data) = (None, None, None);
        loop {
            let mut line = String::new();
            if soon("a line of an event", self.lines.read_line(&mut line)).await.unwrap() == 0 {
                return None;
            }
            match line.trim_end_matches('\n').split_once(": ") {
                Some(("event", value)) => name = Some(value.to_owned()),
                Some(("id", value)) => id = Some(value.parse().unwrap()),
                Some(("data", value)) => data = Some(serde_json::from_str(value).unwrap()),
                Some(("retry" | "", _)) => {}
                None if line == "\n" => {
                    if let (Some(name), Some(data)) = (name.take(), data.take()) {
                        return Some(ServerEvent { name, id, data });
                    }
                }
                _ => panic!("no line of an event: {line:?}"),
            }
        }
    }

    /// Waits for the next event of this name.
    pub(crate) async fn next_named(&mut self, name: &str) -> ServerEvent {
        loop {
            let event = self.next().await.expect("the stream goes on");
            if event.name == name {
                return event;
            }
        }
    }
}
