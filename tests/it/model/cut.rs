//! Connections that end in the middle of a frame.

use std::net::SocketAddr;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

/// How a connection ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ending {
    /// By FIN: what was written arrives.
    Orderly,
    /// By RST: what was written may be thrown away.
    Reset,
}

/// A text frame as a client writes it.
pub(super) fn masked(text: &str) -> Vec<u8> {
    const MASK: [u8; 4] = [0x5a, 0x01, 0xfe, 0x33];
    let length = u16::try_from(text.len()).expect("a short text");
    let mut frame = vec![0x81];
    match u8::try_from(length) {
        Ok(length) if length < 126 => frame.push(0x80 | length),
        _ => {
            frame.push(0xfe);
            frame.extend(length.to_be_bytes());
        }
    }
    frame.extend(MASK);
    frame.extend(text.bytes().zip(MASK.into_iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// Writes and goes. That the server has gone first is no matter.
pub(super) async fn write_and_go(mut stream: TcpStream, bytes: &[u8], ending: Ending) {
    let _ = stream.write_all(bytes).await;
    if matches!(ending, Ending::Reset) {
        let _ = stream.set_zero_linger();
    }
}

/// Writes the beginning of a handshake, `permille` of it, and goes.
pub(super) async fn handshake(addr: SocketAddr, token: &str, permille: usize, ending: Ending) {
    let request = format!(
        "GET /chat/ws?device_id=d0 HTTP/1.1\r\nHost: {addr}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: fluent.v1\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    // Never the whole: that would replace a device.
    let length = (request.len() * permille / 1000).min(request.len() - 1);
    if let Ok(stream) = TcpStream::connect(addr).await {
        write_and_go(stream, &request.as_bytes()[..length], ending).await;
    }
}

#[cfg(test)]
mod tests {
    use tokio_tungstenite::WebSocketStream;
    use tokio_tungstenite::tungstenite::Message;
    use tokio_tungstenite::tungstenite::protocol::Role;

    use futures_util::StreamExt as _;

    use super::*;

    #[tokio::test]
    async fn masked_frames_are_frames() {
        for length in [0, 1, 125, 126, 127, 300, 65_535] {
            let text = "x".repeat(length);
            let frame = masked(&text);
            let mut socket = WebSocketStream::from_raw_socket(std::io::Cursor::new(frame), Role::Server, None).await;
            assert_eq!(socket.next().await.unwrap().unwrap(), Message::text(text));
        }
    }
}
