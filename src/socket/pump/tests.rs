//! What hangs on a frame is given back when it is written, and no sooner: so one who does not read is bounded.

use tokio::io::AsyncReadExt as _;
use tokio::sync::Semaphore;

use super::*;
use crate::actors::{InFlightBytes, QueueSender, send_queue};
use crate::config::Config;
use crate::protocol::legacy;

const SOON: Duration = Duration::from_secs(30);

fn frame() -> Frame {
    legacy::error(&FrameError::unavailable(1))
}

/// A pump over `io` in the dialect of a client that is not read before the first frame is written.
async fn pump(io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, queue: SendQueue, credits: Credits) {
    let settings = Arc::new(Settings::new(&Config::defaults().unwrap().socket));
    let drain = SocketDrain::new(tokio_util::sync::CancellationToken::new(), || Duration::ZERO);
    let links = Links { dialect: Dialect::V1, queue, session: SocketLease::to_nobody().await, credits, drain };
    let mut pump = Pump::new(io, Vec::new(), UserId(1), settings, links).await;
    tokio::spawn(async move { pump.run().await });
}

#[tokio::test]
async fn credit_and_turn_of_a_frame_come_back_when_it_is_written() {
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
    pump(io, queue, credits.clone()).await;
    let mut first = vec![0; frame().len() + 8];
    tokio::time::timeout(SOON, client.read_exact(&mut first)).await.unwrap().unwrap();
    // The first frame and some of the second have been read: both are still on their way, as far as the pump can know.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(
        credits.reserve().now_or_never().is_none() && page_permits.available_permits() == 0,
        "not before they are written"
    );
    tokio::spawn(async move { client.read_to_end(&mut Vec::new()).await });
    let credit = tokio::time::timeout(SOON, credits.reserve()).await.unwrap();
    assert_eq!(page_permits.available_permits(), 1);
    drop(credit);
}
