//! HTTP over a bare connection, for requests that no library would send.

use std::io;
use std::net::SocketAddr;

use fluent_backend::testing::soon;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Bytes that are written at once, so that the other end has time to close in between.
const PIECE: usize = 4096;

/// A response as it came, head and body.
#[derive(Debug)]
pub(crate) struct RawAnswer(String);

impl RawAnswer {
    /// The status of the first response, which may be an interim one.
    pub(crate) fn status(&self) -> u16 {
        self.0.get(9..12).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("no answer: {:?}", self.0))
    }

    /// A header of the response.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let head = self.0.split("\r\n\r\n").next()?;
        let mut lines = head.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The whole response as text.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

/// Writes the whole request and then reads until the server closes the connection, as a proxy does. A connection that
/// is reset meanwhile is an error, whatever has come before: a proxy makes a 502 of it.
pub(crate) async fn write_then_read(addr: SocketAddr, request: &[u8]) -> io::Result<RawAnswer> {
    let mut stream = TcpStream::connect(addr).await?;
    for piece in request.chunks(PIECE) {
        stream.write_all(piece).await?;
        tokio::task::yield_now().await;
    }
    read_to_end(&mut stream).await
}

/// Reads everything until the server closes the connection.
pub(crate) async fn read_to_end(stream: &mut TcpStream) -> io::Result<RawAnswer> {
    let mut answer = Vec::new();
    soon("the server closes the connection", stream.read_to_end(&mut answer)).await?;
    Ok(RawAnswer(String::from_utf8_lossy(&answer).into_owned()))
}

/// Reads one response, which must have a `Content-Length`, on a connection that stays open.
pub(crate) async fn read_answer(stream: &mut TcpStream) -> RawAnswer {
    let reading = async {
        let mut answer = String::new();
        loop {
            let mut piece = vec![0; PIECE];
            let n = stream.read(&mut piece).await.unwrap();
            assert_ne!(n, 0, "closed after {answer:?}");
            answer.push_str(&String::from_utf8_lossy(&piece[..n]));
            let Some((head, body)) = answer.split_once("\r\n\r\n") else { continue };
            let length =
                head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return RawAnswer(answer);
            }
        }
    };
    soon("an answer", reading).await
}

/// A request that ends its connection, with these lines of its head and this body.
pub(crate) fn request(line: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
    let headers: String = headers.iter().flat_map(|header| [*header, "\r\n"]).collect();
    let length = body.len();
    let head = format!("{line} HTTP/1.1\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n");
    [head.as_bytes(), body].concat()
}
