//! Every ciphertext that is kept belongs to a message: refused and repeated sends leave none behind.

use fluent_backend::domain::{Answer, Ciphertext, ClientId, Command, Draft, Once, Timestamp, UserId};
use fluent_backend::storage::{Applied, Storage};
use fluent_backend::testing::{TestClient, TestData, TestServer, seed, send_frame};
use futures_util::future::join_all;
use serde_json::json;

use crate::support::rows::Rows;
use crate::support::v1::{assert_fields, live, merged, two_users};

/// A message of its sender's name for it, both of whose copies are this text.
fn send(from: UserId, to: Option<UserId>, name: &str, text: &str) -> Command {
    let copy = || Ciphertext::parse(text.to_owned(), usize::MAX).unwrap();
    let mut draft = Draft::text(from, to, copy(), copy());
    let mut content_hash = [0; 32];
    content_hash[..text.len()].copy_from_slice(text.as_bytes());
    draft.once = Some(Once { client_id: ClientId::parse(name).unwrap(), content_hash });
    Command::Send(Box::new(draft))
}

/// Of each command: `s`tored, `d`uplicate or `r`efused.
fn outcomes(applied: &Applied) -> String {
    let code = |outcome: &fluent_backend::domain::Outcome| match &outcome.answer {
        Ok(Answer::Stored(stored)) if stored.duplicate => 'd',
        Ok(_) => 's',
        Err(_) => 'r',
    };
    applied.outcomes.iter().map(code).collect()
}

/// The ciphertexts of `count` messages are there, and no others.
async fn whole(rows: &Rows, count: usize) {
    let (messages, bodies) = (rows.of_table("messages").await, rows.of_table("bodies").await);
    let stray: Vec<_> =
        bodies.iter().filter(|body| messages.iter().all(|message| message["id"] != body["id"])).collect();
    assert!(stray.is_empty(), "ciphertexts without a message: {stray:?}");
    assert_eq!((messages.len(), bodies.len()), (count, count));
}

#[tokio::test]
async fn what_is_refused_or_sent_twice_leaves_no_ciphertext() {
    let data = TestData::new().await;
    let mut config = TestServer::config();
    data.configure(&mut config);
    let users = seed::users(&config, 0, 3, TestClient::PASSWORD).await;
    let (alice, bob, carol) = (users[0], Some(users[1]), Some(users[2]));
    let storage = Storage::open(&config).await.unwrap();
    let rows = Rows::of(&data).await;
    let mut now = 1_000;
    let mut apply = async |commands: Vec<Command>| {
        now += 1_000;
        outcomes(&storage.apply(commands, Timestamp::from_micros(now)).await.unwrap())
    };
    // Both are known to the writer then, so that it looks for repetitions only where it stores.
    assert_eq!(apply(vec![send(alice, bob, "a", "a"), send(alice, carol, "b", "b")]).await, "ss");
    whole(&rows, 2).await;
    // Alone, beside others, before and behind them, and as something else.
    assert_eq!(apply(vec![send(alice, bob, "a", "a")]).await, "d");
    assert_eq!(apply(vec![send(alice, bob, "a", "else")]).await, "r");
    whole(&rows, 2).await;
    let mixed = vec![
        send(alice, bob, "a", "a"),
        send(alice, bob, "c", "c"),
        send(alice, carol, "b", "else"),
        send(alice, carol, "d", "d"),
        send(alice, carol, "b", "b"),
    ];
    assert_eq!(apply(mixed).await, "dsrsd");
    whole(&rows, 4).await;
    // Twice in one batch.
    let twice = vec![send(alice, bob, "e", "e"), send(alice, bob, "e", "e"), send(alice, bob, "e", "else")];
    assert_eq!(apply(twice).await, "sdr");
    whole(&rows, 5).await;
    // And what may not be sent at all, beside what may.
    let block = Command::Block { user: users[2], other: alice, blocked: true };
    assert_eq!(apply(vec![block]).await, "s");
    let refused = vec![
        send(alice, carol, "f", "f"),
        send(alice, Some(UserId(4711)), "g", "g"),
        send(alice, None, "h", "h"),
        send(alice, carol, "d", "d"),
        send(alice, bob, "i", "i"),
    ];
    assert_eq!(apply(refused).await, "rrrds");
    whole(&rows, 6).await;
    storage.close().await.unwrap();
}

/// The same through the door, where several devices send the same at once.
#[tokio::test(flavor = "multi_thread")]
async fn devices_that_send_the_same_at_once_leave_one_ciphertext() {
    const DEVICES: usize = 4;
    const MESSAGES: usize = 20;
    let server = TestServer::start().await;
    let (alice, bob) = two_users(&server).await;
    let names: Vec<String> = (0..DEVICES).map(|device| format!("d{device}")).collect();
    let mut devices = join_all(names.iter().map(|name| live(&alice, name))).await;
    let sending = devices.iter_mut().map(|device| async move {
        for number in 0..MESSAGES {
            device.send(&send_frame(bob.id, &number.to_string())).await;
            let large = json!({"receiver_encrypted": "x".repeat(98_305)});
            device.send(&merged(&send_frame(bob.id, &format!("large-{number}")), large)).await;
            device
                .send(&merged(&send_frame(bob.id, &format!("stale-{number}")), json!({"receiver_key_id": "00"})))
                .await;
        }
        let (mut answered, mut new) = (0, 0);
        while answered < MESSAGES {
            let (_, stored) = device.read_until("stored").await;
            answered += 1;
            new += usize::from(stored["duplicate"] == false);
        }
        new
    });
    let new: usize = join_all(sending).await.into_iter().sum();
    assert_eq!(new, MESSAGES, "each is stored once");
    for frame in [json!({"to": 4711}), json!({"attachment_ids": ["x"]})] {
        assert_fields(&devices[0].ask(&merged(&send_frame(bob.id, "refused"), frame)).await, &json!({"type": "error"}));
    }
    whole(&Rows::of(server.data()).await, MESSAGES).await;
    server.stop().await;
}
