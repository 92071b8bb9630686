use std::collections::HashMap;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::*;
use crate::domain::{
    Answer, Attempted, Ciphertext, Command, DeviceId, Draft, LeaseEnd, NewRefreshToken, NewTarget, Outbox, Owed, Proof,
    PushAddress, PushOutcome, Sent, Seq, SocketId, Timestamp, Urgency, UserId, WakeId,
};
use crate::push::{Notes, Who};
use crate::storage::testing::accounts::store_with;

const ALICE: UserId = UserId(1);
const BOB: UserId = UserId(2);

fn message(urgency: Urgency) -> Command {
    let copy = || Ciphertext::parse("x".to_owned(), 10).unwrap();
    Command::Send(Box::new(Draft { urgency, ..Draft::text(ALICE, Some(BOB), copy(), copy()) }))
}

async fn registered(storage: &Storage, now: Timestamp) -> DeviceId {
    storage.devices().enable(true);
    let token = NewRefreshToken { hash: [7; 32], expires_at: now.plus_secs(400 * 24 * 3600) };
    let proof = Proof::of(String::new());
    let login = storage.create_login(BOB, &proof, None, None, token, (None, now)).await.unwrap().begun().id;
    let device = DeviceId::parse("pixel").unwrap();
    let address = PushAddress::Fcm { token: "token".into() };
    let target = NewTarget { user: BOB, login, device: device.clone(), address };
    let applied = storage.apply(vec![Command::RegisterTarget(Box::new(target))], now).await.unwrap();
    assert!(matches!(applied.outcomes[0].answer, Ok(Answer::TargetRegistered(_))));
    device
}

/// What SQL says of all at once is what the outbox says of one.
#[tokio::test]
async fn the_store_moves_outboxes_as_they_move_by_themselves() {
    let dir = tempfile::tempdir().unwrap();
    let mut now = Timestamp::from_micros(1_700_000_000_000_000);
    let storage = store_with(dir.path(), &["alice", "bob"], now).await;
    let device = registered(&storage, now).await;
    let seed: u64 = rand::rng().random();
    let mut random = StdRng::seed_from_u64(seed);
    let head = storage.probe_head(0).await.unwrap();
    let mut model = Outbox::new(head);
    let mut newest = head;
    let mut leased = None;
    for step in 0..400 {
        let what = random.random_range(0..9);
        match what {
            0..3 => {
                let urgency = if random.random() { Urgency::High } else { Urgency::Normal };
                let applied = storage.apply(vec![message(urgency)], now).await.unwrap();
                newest = applied.batch.last;
                model.owe(Owed { seq: newest, is_urgent: urgency == Urgency::High, not_before: now }, now);
            }
            3 => {
                let up_to = Seq(newest.0 - random.random_range(0..3));
                let acknowledged = HashMap::from([((BOB, Who::Device(device.clone())), up_to)]);
                storage.write_notes(Notes { acknowledged, ..Notes::default() }, now, now).await.unwrap();
                model.acknowledge(up_to);
            }
            4 => {
                let unconfirmed = HashMap::from([((BOB, Who::Device(device.clone())), newest)]);
                storage.write_notes(Notes { unconfirmed, ..Notes::default() }, now, now).await.unwrap();
                model.owe(Owed { seq: newest, is_urgent: true, not_before: now }, now);
            }
            5 if leased.is_none() => {
                let until = now.plus_secs(10_000_000);
                leased = storage.lease_due(&[], 8, now, until).await.unwrap().pop();
                let debt = model.lease(now, until);
                assert_eq!(leased.as_ref().and_then(|target| target.debt), debt, "seed {seed}, step {step}");
            }
            6 => {
                if let Some(target) = leased.take() {
                    let outcomes = [PushOutcome::Accepted, PushOutcome::Config, PushOutcome::GaveUp];
                    let sent = Sent::new(outcomes[random.random_range(0..3)], Duration::ZERO);
                    let to = target.debt.unwrap().seq;
                    let end = LeaseEnd::Sent { sent: sent.clone(), at: now, wake_id: WakeId::of([0; 12]) };
                    assert_eq!(storage.settle(&[(target, end)], now).await.unwrap(), Vec::<usize>::new());
                    assert!(model.settle(&Attempted { to, sent, random: 0 }, now));
                }
            }
            7 => {
                if leased.take().is_some() {
                    storage.void_leases(true, now).await.unwrap();
                    model.void_lease(now);
                }
            }
            _ => now = now.plus_secs(random.random_range(0..900)),
        }
        let stored = storage.push_targets(BOB).await.unwrap().remove(0).outbox;
        assert_eq!(stored, model, "seed {seed}, step {step}, {what}");
    }
    storage.close().await.unwrap();
}

#[tokio::test]
async fn a_connected_device_is_left_out_and_swept_up_when_it_has_gone() {
    let dir = tempfile::tempdir().unwrap();
    let now = Timestamp::from_micros(1_700_000_000_000_000);
    let storage = store_with(dir.path(), &["alice", "bob"], now).await;
    let device = registered(&storage, now).await;
    let socket = crate::domain::SocketId(1);
    storage.devices().opened(BOB, socket, Who::Device(device.clone()));
    storage.apply(vec![message(Urgency::High)], now).await.unwrap();
    let debt = async || storage.push_targets(BOB).await.unwrap().remove(0).outbox.debt;
    assert_eq!(debt().await, None);
    storage.devices().closed(BOB, socket, now);
    let notes = storage.devices().take(now);
    assert_eq!(notes.closed.len(), 1);
    storage.write_notes(notes.clone(), now, now).await.unwrap();
    assert_eq!(debt().await.map(|debt| debt.seq), Some(storage.probe_head(0).await.unwrap()));
    // What is acknowledged is not owed, neither then nor at the next start; beyond the end it is the end.
    let acknowledged = HashMap::from([((BOB, Who::Device(device)), Seq(1 << 50))]);
    storage.write_notes(Notes { acknowledged, ..Notes::default() }, now, now).await.unwrap();
    storage.write_notes(notes, now, now).await.unwrap();
    let mut after = Some((UserId(0), String::new()));
    while let Some(from) = after {
        after = storage.sweep_targets(&from, now, now).await.unwrap();
    }
    assert_eq!(debt().await, None);
    storage.apply(vec![message(Urgency::High)], now).await.unwrap();
    assert!(debt().await.is_some());
    storage.close().await.unwrap();
}

#[tokio::test]
async fn what_is_old_is_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let now = Timestamp::from_micros(1_700_000_000_000_000);
    let storage = store_with(dir.path(), &["alice", "bob"], now).await;
    registered(&storage, now).await;
    storage.apply(vec![message(Urgency::High)], now).await.unwrap();
    let target = storage.lease_due(&[], 8, now, now.plus_secs(60)).await.unwrap().remove(0);
    for _ in 0..120 {
        let sent = Sent::new(PushOutcome::Retry, Duration::ZERO);
        let end = LeaseEnd::Sent { sent, at: now, wake_id: WakeId::of([0; 12]) };
        storage.settle(&[(target.clone(), end)], now).await.unwrap();
    }
    let id = crate::domain::MessageId(storage.probe_head(0).await.unwrap().0);
    let attempts = async || storage.push_trace(id).await.unwrap().unwrap().attempts.len();
    assert_eq!(attempts().await, 100);
    let later = now.plus_secs(7 * 24 * 3600);
    storage.drop_push(60 * 24 * 3600, later).await.unwrap();
    assert_eq!(attempts().await, 0);
    let outbox = async || storage.push_targets(BOB).await.unwrap().first().map(|target| target.outbox.debt.is_some());
    assert_eq!(outbox().await, Some(true));
    storage.drop_push(60 * 24 * 3600, now.plus_secs(28 * 24 * 3600)).await.unwrap();
    assert_eq!(outbox().await, Some(false));
    storage.drop_push(60 * 24 * 3600, now.plus_secs(60 * 24 * 3600)).await.unwrap();
    assert_eq!(outbox().await, None);
    storage.close().await.unwrap();
}

/// A message that came over a socket which nobody read any more is owed when the socket is closed, whatever else is.
#[tokio::test]
async fn a_closed_socket_leaves_its_newest_message_owed_beside_an_older_one() {
    let dir = tempfile::tempdir().unwrap();
    let now = Timestamp::from_micros(1_700_000_000_000_000);
    let storage = store_with(dir.path(), &["alice", "bob"], now).await;
    let device = registered(&storage, now).await;
    let owed = async || storage.push_targets(BOB).await.unwrap()[0].outbox.debt.map(|debt| debt.seq);
    let older = storage.apply(vec![message(Urgency::High)], now).await.unwrap().batch.last;
    storage.devices().opened(BOB, SocketId(1), Who::Device(device));
    let newest = storage.apply(vec![message(Urgency::High)], now).await.unwrap().batch.last;
    assert_eq!(owed().await, Some(older), "the device is connected");
    storage.devices().closed(BOB, SocketId(1), now);
    let later = storage.write_notes(storage.devices().take(now), now, now).await.unwrap();
    assert!(later.is_empty());
    assert_eq!(owed().await, Some(newest));
}

/// Messages that wake nobody are owed to no device, whatever becomes of it or of the server.
#[tokio::test]
async fn what_wakes_nobody_is_not_owed_later_either() {
    let dir = tempfile::tempdir().unwrap();
    let now = Timestamp::from_micros(1_700_000_000_000_000);
    let storage = store_with(dir.path(), &["alice", "bob"], now).await;
    let device = registered(&storage, now).await;
    let owed = async || storage.push_targets(BOB).await.unwrap()[0].outbox.debt.map(|debt| debt.seq);
    storage.devices().opened(BOB, SocketId(1), Who::Device(device.clone()));
    let send = async |urgencies: &[Urgency]| -> Seq {
        let commands = urgencies.iter().map(|urgency| message(*urgency)).collect();
        storage.apply(commands, now).await.unwrap().batch.last
    };
    let key = || (BOB, Who::Device(device.clone()));
    let gone = async |newest: Seq| {
        let unconfirmed = HashMap::from([(key(), newest)]);
        storage.write_notes(Notes { unconfirmed, ..Notes::default() }, now, now).await.unwrap();
        let unconfirmed = owed().await;
        let closed = HashMap::from([(key(), now)]);
        storage.write_notes(Notes { closed, ..Notes::default() }, now, now).await.unwrap();
        storage.sweep_targets(&(UserId(0), String::new()), now, now).await.unwrap();
        assert_eq!(owed().await, unconfirmed, "whichever way is found out");
        unconfirmed
    };
    let came = async |newest: Seq| {
        let acknowledged = HashMap::from([(key(), newest)]);
        storage.write_notes(Notes { acknowledged, ..Notes::default() }, now, now).await.unwrap();
        assert_eq!(owed().await, None);
    };
    let (high, none) = (Urgency::High, Urgency::None);
    let first = send(&[none]).await;
    assert_eq!(gone(first).await, None);
    let (waking, quiet) = (send(&[Urgency::Normal]).await, send(&[none, none]).await);
    assert_eq!(gone(send(&[none]).await).await, Some(waking));
    came(Seq(waking.0)).await;
    assert_eq!(gone(quiet).await, None, "it has all that matters");
    let newest = send(&[none, high, none]).await;
    assert_eq!(gone(newest).await, Some(Seq(newest.0 - 1)));
    came(newest).await;
    let newest = send(&[high, none, high]).await;
    assert_eq!(gone(newest).await, Some(newest));
    storage.close().await.unwrap();
}
