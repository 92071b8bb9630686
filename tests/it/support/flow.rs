//! Connections that are slow on purpose, and senders that are fast.

use std::net::SocketAddr;

use fluent_backend::testing::{TestClient, TestDevice, TestSocket, send_frame, soon};
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};

use super::v1::{assert_fields, merged};

/// A connection whose kernel buffer on this side holds next to nothing, so that the server soon notices that nothing is
/// read.
pub(crate) async fn narrow(addr: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    soon("a connection", socket.connect(addr)).await.unwrap()
}

/// As `TestClient::device`, over a narrow connection.
pub(crate) async fn narrow_device(user: &TestClient, device_id: &str, since: Option<&str>) -> TestDevice {
    let since = since.map(|cursor| format!("&since={cursor}")).unwrap_or_default();
    let path = format!("/chat/ws?device_id={device_id}{since}");
    let bearer = format!("Bearer {}", user.tokens.access_token);
    let headers = [("authorization", bearer.as_str()), ("sec-websocket-protocol", "fluent.v1")];
    let stream = narrow(user.http.addr()).await;
    TestDevice::greeted(TestSocket::shake_hands_on(stream, &path, &headers).await.unwrap().0).await
}

/// The `number`-th message of a stream, whose receiver's copy has about `bytes` bytes.
pub(crate) fn numbered(to: i32, name: &str, number: usize, bytes: usize) -> Value {
    let text = format!("{name}.{number}");
    merged(&send_frame(to, &text), json!({"receiver_encrypted": format!("{text} {}", "x".repeat(bytes))}))
}

/// The start of the content of such a message, as its receiver reads it.
pub(crate) fn label(content: &str) -> &str {
    content.split(' ').next().unwrap_or_default()
}

/// Sends `numbers` of a stream, `window` of them at a time on their way.
pub(crate) async fn pour(
    device: &mut TestDevice,
    to: i32,
    name: &str,
    numbers: std::ops::Range<usize>,
    (bytes, window): (usize, usize),
) {
    let mut waiting = 0;
    for number in numbers {
        if waiting == window {
            stored(device).await;
            waiting -= 1;
        }
        device.send(&numbered(to, name, number, bytes)).await;
        waiting += 1;
    }
    for _ in 0..waiting {
        stored(device).await;
    }
}

async fn stored(device: &mut TestDevice) {
    let answer = device.expect("stored").await;
    assert_fields(&answer, &json!({"duplicate": false}));
}
