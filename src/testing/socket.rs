//! A client for the socket.

use std::net::{Shutdown, SocketAddr};
use std::os::fd::AsFd as _;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use futures_util::{SinkExt as _, StreamExt as _};
use http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::soon;

/// A message as the shipped client decodes it: all five keys are required, others are ignored.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct MessageFrame {
    /// The sender.
    pub sender_id: i32,
    /// The receiver.
    pub receiver_id: i32,
    /// The copy for the user of this socket.
    pub content: String,
    /// The message type, always `text`.
    pub message_type: String,
    /// The time stamp in RFC 3339.
    pub timestamp: String,
}

/// The connections of all open sockets of this process, with the address of their server.
static CONNECTIONS: Mutex<Vec<(SocketAddr, Weak<std::net::TcpStream>)>> = Mutex::new(Vec::new());

/// Ends the sending side of every socket that is open to the server at `addr`, as if its client had gone.
pub(super) fn hang_up(addr: SocketAddr) {
    CONNECTIONS.lock().unwrap_or_else(PoisonError::into_inner).retain(|(server, connection)| {
        let Some(connection) = connection.upgrade() else { return false };
        if *server == addr {
            // One that has ended already is as it should be.
            let _ = connection.shutdown(Shutdown::Write);
        }
        *server != addr
    });
}

/// An open socket.
#[derive(Debug)]
pub struct TestSocket {
    stream: WebSocketStream<TcpStream>,
    /// The connection once more, for [`hang_up`]; it goes with the socket.
    _connection: Arc<std::net::TcpStream>,
}

impl TestSocket {
    /// Shakes hands on `path`, with a bearer token in the header if given. The error holds the refusal.
    pub async fn open(addr: SocketAddr, path: &str, token: Option<&str>) -> Result<Self, Box<Error>> {
        let bearer = token.map(|token| ("authorization", format!("Bearer {token}")));
        let headers: Vec<(&'static str, &str)> = bearer.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Self::open_with(addr, path, &headers).await
    }

    /// Shakes hands on `path` with these headers. The error holds the refusal.
    pub async fn open_with(addr: SocketAddr, path: &str, headers: &[(&'static str, &str)]) -> Result<Self, Box<Error>> {
        Self::shake_hands(addr, path, headers).await.map(|(socket, _)| socket)
    }

    /// As [`open_with`](Self::open_with), and returns the headers of the server's response, too.
    pub async fn shake_hands(
        addr: SocketAddr,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<(Self, HeaderMap), Box<Error>> {
        let stream = soon("a connection", TcpStream::connect(addr)).await;
        Self::shake_hands_on(stream.map_err(|error| Box::new(Error::Io(error)))?, path, headers).await
    }

    /// As [`shake_hands`](Self::shake_hands), on a connection that was made before.
    pub async fn shake_hands_on(
        stream: TcpStream,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<(Self, HeaderMap), Box<Error>> {
        let addr = stream.peer_addr().map_err(|error| Box::new(Error::Io(error)))?;
        let mut request = format!("ws://{addr}{path}").into_client_request().map_err(Box::new)?;
        for (name, value) in headers {
            let value = value
                .parse()
                .map_err(|error: http::header::InvalidHeaderValue| Box::new(Error::HttpFormat(error.into())))?;
            request.headers_mut().insert(*name, value);
        }
        let (socket, answer) = soon("a handshake", Box::pin(client_async(request, stream))).await.map_err(Box::new)?;
        let connection = socket.get_ref().as_fd().try_clone_to_owned().map_err(|error| Box::new(Error::Io(error)))?;
        let connection = Arc::new(std::net::TcpStream::from(connection));
        let entry = (addr, Arc::downgrade(&connection));
        CONNECTIONS.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
        Ok((Self { stream: socket, _connection: connection }, answer.into_parts().0.headers))
    }

    /// Sends a message in the shipped client's form.
    pub async fn send_message(&mut self, to: i32, receiver_copy: &str, sender_copy: &str) {
        let frame = json!({
            "receiverID": to,
            "receiver_encrypted": receiver_copy,
            "sender_encrypted": sender_copy,
            "messageType": "text",
        });
        self.send_text(&frame.to_string()).await;
    }

    /// Sends any text.
    pub async fn send_text(&mut self, text: &str) {
        self.send(Message::text(text)).await.expect("the server reads");
    }

    /// Sends any message.
    pub async fn send(&mut self, message: Message) -> Result<(), Error> {
        soon("the server reads", self.stream.send(message)).await
    }

    /// Returns the next text frame; fails the test when the socket is closed.
    pub async fn next_text(&mut self) -> String {
        match self.next().await {
            Some(Ok(Message::Text(text))) => text.to_string(),
            other => panic!("expected a text frame, got {other:?}"),
        }
    }

    /// Returns the next text frame as a message.
    pub async fn next_message(&mut self) -> MessageFrame {
        let text = self.next_text().await;
        match serde_json::from_str(&text) {
            Ok(message) => message,
            Err(error) => panic!("not a message ({error}): {text}"),
        }
    }

    /// Returns the next text frame as an error.
    pub async fn next_error(&mut self) -> Value {
        let frame: Value = serde_json::from_str(&self.next_text().await).expect("JSON");
        assert_eq!(frame["type"], "error", "{frame}");
        frame
    }

    /// Reads up to the server's close frame, and returns its code and text; fails the test when there is none.
    pub async fn closed(&mut self) -> (u16, String) {
        loop {
            match self.next().await {
                Some(Ok(Message::Close(Some(frame)))) => return (frame.code.into(), frame.reason.to_string()),
                Some(Ok(_)) => {}
                other => panic!("no close frame: {other:?}"),
            }
        }
    }

    /// Reads up to the server's close frame, and returns its code; 1006 when there is none.
    pub async fn close_code(&mut self) -> u16 {
        loop {
            match self.next().await {
                Some(Ok(Message::Close(frame))) => return frame.map_or(1005, |frame| frame.code.into()),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return 1006,
            }
        }
    }

    /// Returns the next data or close frame.
    pub async fn next(&mut self) -> Option<Result<Message, Error>> {
        soon("a frame", async {
            loop {
                match self.stream.next().await {
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    other => return other,
                }
            }
        })
        .await
    }

    /// Closes with 1000, as the app does, and waits for the server's close frame.
    pub async fn close(mut self) {
        soon("the close", async {
            let _ = self.stream.close(None).await;
            while let Some(Ok(_)) = self.stream.next().await {}
        })
        .await;
    }

    /// Returns the connection below, for tests of misbehaving clients.
    #[must_use]
    pub fn into_stream(self) -> TcpStream {
        self.stream.into_inner()
    }
}
