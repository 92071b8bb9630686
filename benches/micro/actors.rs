//! Messages through the actors: submitted on sockets of senders, stored, and taken out of the queues of both sides. The
//! difference to the part `append_legacy_*` of as many messages is the cost of sessions, writer and registry.

use std::sync::Arc;

use fluent_backend::actors::{
    ActorSystem, Credits, InFlightBytes, NewSocket, Outgoing, SendQueue, SocketLease, send_queue,
};
use fluent_backend::auth::RefusedTokens;
use fluent_backend::clock::Clock;
use fluent_backend::domain::{LoginId, Seq, SocketId, UserId};
use fluent_backend::protocol::v1::Context;
use fluent_backend::push::Nothing;
use tokio::runtime::Runtime;

use crate::append::{PAIRS, send, storage};
use crate::{Part, config};

pub(crate) fn parts() -> impl Iterator<Item = Part> {
    [8, 200].into_iter().map(|messages| Part {
        name: format!("actors_legacy_{messages}"),
        messages,
        prepare: Box::new(move || passing(messages)),
    })
}

/// A socket without a network.
struct Socket {
    attachment: SocketLease,
    queue: SendQueue,
}

fn passing(messages: u64) -> Box<dyn FnMut()> {
    let runtime = Runtime::new().unwrap();
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let config = config(dir.path());
    let (actors, mut sockets) = runtime.block_on(async {
        let storage = std::sync::Arc::new(storage(&config).await);
        let refused = std::sync::Arc::new(RefusedTokens::new(0, Clock::system()));
        let tokens = std::sync::Arc::new(fluent_backend::protocol::franking::ReportTokens::new(&[0; 32]).unwrap());
        let sender = Arc::new(Nothing::default());
        let (actors, _) =
            Box::pin(ActorSystem::start(&config, storage, (&refused, &tokens), None, sender, Clock::system()))
                .await
                .unwrap();
        let mut sockets = Vec::new();
        for user in 1..=PAIRS * 2 {
            let (end, queue) = send_queue(config.socket.queue_frames, config.socket.queue_bytes);
            let socket = NewSocket {
                id: SocketId(user.unsigned_abs().into()),
                login: LoginId(1),
                queue: end,
                opening: None,
                above: Seq(0),
                stamp: None,
            };
            let attachment = actors.registry.attach(UserId(user), socket).await.unwrap();
            sockets.push(Socket { attachment, queue });
        }
        (actors, sockets)
    });
    let credits = Credits::new(1000, usize::MAX / 2, InFlightBytes::new(usize::MAX / 2));
    let mut names = 0;
    Box::new(move || {
        let _keep = (&dir, &actors);
        runtime.block_on(async {
            let mut expected = vec![0; sockets.len()];
            for _ in 0..messages {
                let (sender, receiver, command) = send(false, &mut names);
                let credit = credits.reserve().await;
                sockets[sender].attachment.submit(command, Context::default(), credit);
                expected[sender] += 1;
                expected[receiver] += 1;
            }
            for (socket, expected) in sockets.iter_mut().zip(expected) {
                for _ in 0..expected {
                    assert!(matches!(socket.queue.next().await, Outgoing::Frame(_)));
                }
            }
        });
    })
}
