//! The part of PostgreSQL's protocol that is needed to find a `COMMIT` and its result
//! (<https://www.postgresql.org/docs/current/protocol-message-formats.html>).

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// Size of the longest message that is read, in bytes; the database's own bound is 1 GiB.
const MAX_MESSAGE: usize = 256 * 1024 * 1024;
/// The code of a request for TLS, and of one for GSSAPI, in place of a version.
const NEGOTIATIONS: [u32; 2] = [80_877_103, 80_877_104];

/// Reads whole messages of one direction.
pub(super) struct Messages<R> {
    from: R,
    buffer: BytesMut,
}

impl<R: AsyncRead + Unpin> Messages<R> {
    pub(super) fn new(from: R) -> Self {
        Self { from, buffer: BytesMut::with_capacity(16 * 1024) }
    }

    /// Returns the next message with its head; `None` when the connection has ended. Cancel-safe.
    pub(super) async fn next(&mut self) -> Option<BytesMut> {
        self.whole(1).await
    }

    /// Returns whether another complete message is buffered.
    pub(super) fn has_next(&self) -> bool {
        let length = self.buffer.get(1..5).map(|mut bytes| bytes.get_u32() as usize);
        length.is_some_and(|length| self.buffer.len() > length)
    }

    /// As [`next`](Self::next), for the first messages of a connection, which have no byte for their kind.
    pub(super) async fn next_unnamed(&mut self) -> Option<BytesMut> {
        self.whole(0).await
    }

    /// Reads one byte: the reply to a request for TLS.
    pub(super) async fn byte(&mut self) -> Option<BytesMut> {
        self.fill(1).await?;
        Some(self.buffer.split_to(1))
    }

    /// Returns a message whose length is at the offset `at` and counts from there.
    async fn whole(&mut self, at: usize) -> Option<BytesMut> {
        self.fill(at + 4).await?;
        let length = usize::try_from(self.buffer.get(at..)?.get_u32()).ok()?;
        if !(4..=MAX_MESSAGE).contains(&length) {
            return None;
        }
        self.fill(at + length).await?;
        Some(self.buffer.split_to(at + length))
    }

    async fn fill(&mut self, count: usize) -> Option<()> {
        while self.buffer.len() < count {
            if self.from.read_buf(&mut self.buffer).await.ok()? == 0 {
                return None;
            }
        }
        Some(())
    }
}

/// Returns whether a first message only asks for encryption, so that another first message follows.
pub(super) fn is_negotiation(message: &[u8]) -> bool {
    message.get(4..8).is_some_and(|mut code| NEGOTIATIONS.contains(&code.get_u32()))
}

/// Returns whether a client's statement, or the last of several, is `COMMIT`.
pub(super) fn ends_with_commit(statement: &str) -> bool {
    let text = statement.trim_end();
    let text = text.strip_suffix(';').unwrap_or(text).trim_end();
    let last = text.rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    last.eq_ignore_ascii_case("COMMIT")
}

/// Returns whether a server's message says that a transaction is committed, or, behind a statement that stood for
/// itself, that there is none any more.
pub(super) fn ends_transaction(message: &[u8]) -> bool {
    match message {
        [b'C', _, _, _, _, tag @ ..] => tag.starts_with(b"COMMIT\0"),
        [b'Z', _, _, _, _, state] => *state == b'I',
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
        [&[kind], length.as_slice(), body].concat()
    }

    #[test]
    fn commits_and_their_answers() {
        for (statement, expected) in [
            ("COMMIT", true),
            ("UPDATE x SET y = 1; commit ;", true),
            ("INSERT INTO batches VALUES (1, E'\\\\x00'); COMMIT", true),
            ("INSERT INTO batches VALUES ('COMMIT')", false),
            ("SELECT 'COMMIT'", false),
            ("SELECT uncommit", false),
            ("", false),
        ] {
            assert_eq!(ends_with_commit(statement), expected, "{statement}");
        }
        for (kind, body, expected) in [
            (b'C', b"COMMIT\0".as_slice(), true),
            (b'C', b"ROLLBACK\0", false),
            (b'C', b"SELECT 1\0", false),
            (b'Z', b"T", false),
            (b'Z', b"I", true),
        ] {
            assert_eq!(ends_transaction(&message(kind, body)), expected);
        }
    }

    #[tokio::test]
    async fn messages_in_pieces() {
        let startup = [&[0, 0, 0, 8], 196_608_u32.to_be_bytes().as_slice()].concat();
        let whole = [startup.clone(), message(b'Q', b"SELECT 1\0"), message(b'S', b"")].concat();
        let (near, far) = tokio::io::duplex(3);
        let writing = tokio::spawn(async move { tokio::io::copy(&mut whole.as_slice(), &mut { near }).await });
        let mut messages = Messages::new(far);
        assert_eq!(messages.next_unnamed().await.unwrap(), startup);
        assert_eq!(messages.next().await.unwrap(), message(b'Q', b"SELECT 1\0"));
        assert_eq!(messages.next().await.unwrap(), message(b'S', b""));
        assert_eq!(messages.next().await, None);
        writing.await.unwrap().unwrap();
    }
}
