//! The limits of sending: judged before a message is handed to the writer, and noted in the draft. The writer refuses
//! it for that only when the message is new: a message that is stored already is never refused.

use std::time::{Duration, Instant};

use super::{LimiterKey, Limiters};
use crate::domain::{Acquaintance, Draft, Limited, Limiter, Objection, UserId};

/// What a quota of bytes is counted in: a bucket counts up to 2^32.
const QUOTA_UNIT: usize = 1024;

/// What a message counts for: limiters, keys and tokens.
type Counted = [Option<(Limiter, LimiterKey, u32)>; 5];

fn counted(draft: &Draft, acquaintance: Option<Acquaintance>) -> Counted {
    let tokens = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let (sender, bytes) = (LimiterKey::User(draft.sender), bytes(draft));
    let receiver = draft.receiver();
    let other = receiver.filter(|receiver| *receiver != draft.sender).zip(acquaintance);
    let inbound = |(receiver, acquaintance): (UserId, Acquaintance)| {
        let is_partner = acquaintance == Acquaintance::Partner;
        let limiter = if is_partner { Limiter::InboundPartners } else { Limiter::InboundStrangers };
        (limiter, LimiterKey::User(receiver), tokens(bytes))
    };
    [
        receiver.map(|receiver| (Limiter::SendPair, LimiterKey::Pair(draft.sender, receiver), 1)),
        Some((Limiter::SendUser, sender, 1)),
        other.filter(|(_, it)| *it == Acquaintance::None).map(|_| (Limiter::ContactUser, sender, 1)),
        other.map(inbound),
        Some((Limiter::QuotaSend, sender, tokens(bytes.div_ceil(QUOTA_UNIT)))),
    ]
}

/// The bytes of both copies.
fn bytes(draft: &Draft) -> usize {
    draft.sender_copy.as_bytes().len() + draft.receiver_copy.as_bytes().len()
}

impl Limiters {
    /// Counts a message for its sender and its receiver. When it is one too many, notes that in the draft.
    pub fn count_send(&self, draft: &mut Draft) {
        if let Err(limited) = self.try_count(draft) {
            draft.objection.get_or_insert(Objection::Limited(limited));
        }
    }

    /// As [`count_send`](Self::count_send), for a client that cannot try again: waits for up to `longest` instead.
    /// `acquaintance` is how well the receiver knows the sender, when that is to be counted for as well.
    pub async fn count_send_in_time(&self, draft: &mut Draft, acquaintance: Option<Acquaintance>, longest: Duration) {
        let (deadline, counted) = (Instant::now() + longest, counted(draft, acquaintance));
        while let Err((limited, key)) = self.take_all(&counted) {
            if limited.wait > deadline.saturating_duration_since(Instant::now()) {
                self.refused(limited, key);
                draft.objection.get_or_insert(Objection::Limited(limited));
                return;
            }
            self.delayed(limited.limiter, key);
            tokio::time::sleep(limited.wait).await;
        }
        draft.is_counted = acquaintance.is_some();
    }

    /// Counts a message if it can be counted now, without counting it as refused when it cannot.
    pub fn try_count_send(&self, draft: &Draft) -> Result<(), Limited> {
        self.take_all(&counted(draft, None)).map_err(|(limited, _)| limited)
    }

    /// Returns whether the writer may find one of its limits reached by a message, when so many of the same size are on
    /// their way to it: half of a bucket is used up, or may be by those.
    pub fn may_be_limited(&self, draft: &Draft, on_their_way: usize) -> bool {
        let Some(receiver) = draft.receiver().filter(|receiver| *receiver != draft.sender) else { return false };
        let (bytes, now) = (bytes(draft).saturating_mul(on_their_way), self.time.nanos());
        self.is_low(Limiter::ContactUser, draft.sender.into(), on_their_way, now)
            || self.is_low(Limiter::InboundStrangers, receiver.into(), bytes, now)
            || self.is_low(Limiter::InboundPartners, receiver.into(), bytes, now)
    }

    fn try_count(&self, draft: &Draft) -> Result<(), Limited> {
        self.take_all(&counted(draft, None)).map_err(|(limited, key)| {
            self.refused(limited, key);
            limited
        })
    }

    /// Takes all these tokens, or none. Fails with the key that has none.
    fn take_all(&self, counted: &Counted) -> Result<(), (Limited, LimiterKey)> {
        self.time.hold(|| self.take_each(counted))
    }

    fn take_each(&self, counted: &Counted) -> Result<(), (Limited, LimiterKey)> {
        let all = || counted.iter().flatten().copied();
        for (place, (limiter, key, count)) in all().enumerate() {
            if let Err(limited) = self.take_quietly(limiter, key, count) {
                for (limiter, key, count) in all().take(place) {
                    self.give_back_some(limiter, key, count);
                }
                return Err((limited, key));
            }
        }
        Ok(())
    }

    /// Runs `work`, for all of which the clock is read once.
    pub fn at_once<T>(&self, work: impl FnOnce() -> T) -> T {
        self.time.hold(work)
    }

    /// Counts the ciphertexts of a message that a receiver gets, from a partner or from somebody to whom the receiver
    /// has never written.
    pub fn count_inbound(&self, receiver: UserId, is_partner: bool, bytes: usize) -> Result<(), Limited> {
        let limiter = if is_partner { Limiter::InboundPartners } else { Limiter::InboundStrangers };
        self.take_some(limiter, receiver, u32::try_from(bytes).unwrap_or(u32::MAX))
    }
}
