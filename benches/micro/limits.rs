//! The limits of a message's way: what is counted before it is stored, and by the writer.

use std::hint::black_box;

use fluent_backend::clock::Clock;
use fluent_backend::domain::{Ciphertext, Draft, Limiter, SocketId, UserId};
use fluent_backend::limits::{LimiterKey, Limiters};

use crate::{CIPHERTEXT, Part, config};

/// Users who write, each to the next.
const USERS: i32 = 200;

pub(crate) fn parts() -> impl Iterator<Item = Part> {
    [("limits_legacy", true), ("limits_v1", false)].into_iter().map(|(name, is_legacy)| Part {
        name: name.to_owned(),
        messages: u64::from(USERS.unsigned_abs()),
        prepare: Box::new(move || prepare(is_legacy)),
    })
}

/// Counts a message of each user, none of which is one too many.
fn prepare(is_legacy: bool) -> Box<dyn FnMut()> {
    let copy = || Ciphertext::parse("c".repeat(CIPHERTEXT), CIPHERTEXT).unwrap();
    let draft = |user| Draft::text(UserId(user), Some(UserId((user + 1) % USERS)), copy(), copy());
    let drafts: Vec<Draft> = (0..USERS).map(draft).collect();
    let limiters = limiters();
    Box::new(move || {
        for (number, draft) in (1..).zip(&drafts) {
            black_box(limiters.take_or_wait(Limiter::FramesSocket, LimiterKey::Socket(SocketId(number))));
            assert!(!is_legacy || !limiters.may_be_limited(draft, 1));
            assert!(limiters.try_count_send(draft).is_ok());
            let receiver = draft.receiver().unwrap();
            limiters.count_inbound(receiver, true, 2 * CIPHERTEXT).unwrap();
        }
    })
}

/// Limiters whose buckets last for ever, as those of `fluent-load compare --limits` do.
fn limiters() -> std::sync::Arc<Limiters> {
    let mut config = config(std::path::Path::new("."));
    let limits = &mut config.limits;
    for rate in [&mut limits.send.pair, &mut limits.send.user, &mut limits.contact.user, &mut limits.frames.socket] {
        (rate.burst, rate.every_ms) = (1_000_000_000, 1);
    }
    for bytes in [&mut limits.inbound.partners, &mut limits.inbound.strangers] {
        (bytes.burst, bytes.per_s) = (4_000_000_000, 1_000_000_000);
    }
    config.quota.send_bytes_per_day = 4_000_000_000_000;
    Limiters::new(&config, &Clock::system())
}
