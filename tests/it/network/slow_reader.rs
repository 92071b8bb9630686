//! The frames that a client gets which reads too slowly.

use fluent_backend::testing::TestServer;
use tokio_tungstenite::tungstenite::Message;

use crate::support::config::small_queues;
use crate::support::flow::{narrow_device, pour};
use crate::support::v1::{live, two_users};

/// Large enough to fill what the kernel buffers.
const LARGE: usize = 90_000;
/// More messages at once than any kernel and queue hold.
const AT_MOST: usize = 400;

/// The kernel decides how much it takes before the server's queue overflows, so more and more are sent to one who reads
/// nothing meanwhile, and then reads on at once: as soon as it was too much, it is closed, and told with which code.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_was_too_slow_gets_1013_and_nothing_else() {
    let server = TestServer::start_with(small_queues).await;
    let (alice, bob) = two_users(&server).await;
    let mut a = live(&alice, "a").await;
    let mut sent = 0;
    for burst in (8..AT_MOST).step_by(8) {
        let mut slow = narrow_device(&bob, &format!("slow{burst}"), None).await;
        slow.expect("live").await;
        pour(&mut a, bob.id, "m", sent..sent + burst, (LARGE, 8)).await;
        sent += burst;
        let mut read = 0;
        let close = loop {
            match slow.socket.next().await {
                Some(Ok(Message::Text(_))) => read += 1,
                Some(Ok(Message::Close(frame))) => break frame,
                other => panic!("neither a message nor a close frame, but {other:?}"),
            }
            if read == burst {
                break None;
            }
        };
        if read < burst {
            let close = close.expect("a close frame with a code");
            assert_eq!((u16::from(close.code), close.reason.as_str()), (1013, "reading too slowly"));
            println!("closed after {read} of {burst} messages");
            server.stop().await;
            return;
        }
        slow.socket.close().await;
    }
    panic!("{AT_MOST} messages of {LARGE} bytes were taken for a device that does not read");
}
