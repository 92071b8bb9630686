//! The limits of sending: judged before a message is handed to the writer, and noted in the draft. The writer refuses
//! it for that only when the message is new: a message that is stored already is never refused.

use std::time::{Duration, Instant};

use super::{LimiterKey, Limiters};
use crate::domain::{Draft, Limited, Limiter, Objection, UserId};

/// What a quota of bytes is counted in: a bucket counts up to 2^32.
const QUOTA_UNIT: usize = 1024;

impl Limiters {
    /// Counts a message for its sender and its receiver. When it is one too many, notes that in the draft.
    pub fn count_send(&self, draft: &mut Draft) {
        if let Err(limited) = self.try_count(draft) {
            draft.objection.get_or_insert(Objection::Limited(limited));
        }
    }

    /// As [`count_send`](Self::count_send), for a client that cannot try again: waits for up to `longest` instead.
    pub async fn count_send_in_time(&self, draft: &mut Draft, longest: Duration) {
        let deadline = Instant::now() + longest;
        loop {
            let Err((limited, key)) = self.try_count_quietly(draft) else { return };
            match limited {
                Limited::Until { limiter, wait } if wait <= deadline.saturating_duration_since(Instant::now()) => {
                    self.delayed(limiter, key);
                    tokio::time::sleep(wait).await;
                }
                _ => {
                    self.refused(limited, key);
                    draft.objection.get_or_insert(Objection::Limited(limited));
                    return;
                }
            }
        }
    }

    /// Returns whether a message could be counted now, without counting it as refused when it could not.
    pub fn try_count_send(&self, draft: &Draft) -> Result<(), Limited> {
        self.try_count_quietly(draft).map_err(|(limited, _)| limited)
    }

    fn try_count(&self, draft: &Draft) -> Result<(), Limited> {
        self.try_count_quietly(draft).map_err(|(limited, key)| {
            self.refused(limited, key);
            limited
        })
    }

    /// Takes the tokens of all limiters that a message counts for, or of none. Fails with the key that has none.
    fn try_count_quietly(&self, draft: &Draft) -> Result<(), (Limited, LimiterKey)> {
        let bytes = draft.sender_copy.as_bytes().len() + draft.receiver_copy.as_bytes().len();
        let units = u32::try_from(bytes.div_ceil(QUOTA_UNIT)).unwrap_or(u32::MAX);
        let sender = LimiterKey::User(draft.sender);
        let pair = draft.receiver().map(|receiver| (Limiter::SendPair, LimiterKey::Pair(draft.sender, receiver), 1));
        let counted = [(Limiter::SendUser, sender, 1), (Limiter::QuotaSend, sender, units)];
        let mut taken = Vec::new();
        for (limiter, key, count) in pair.into_iter().chain(counted) {
            if let Err(limited) = self.take_quietly(limiter, key, count) {
                for (limiter, key) in taken {
                    self.give_back(limiter, key);
                }
                return Err((limited, key));
            }
            taken.push((limiter, key));
        }
        Ok(())
    }

    /// Counts the ciphertexts of a message that a receiver gets, from a partner or from somebody to whom the receiver
    /// has never written.
    pub fn count_inbound(&self, receiver: UserId, is_partner: bool, bytes: usize) -> Result<(), Limited> {
        let limiter = if is_partner { Limiter::InboundPartners } else { Limiter::InboundStrangers };
        self.take_some(limiter, receiver, u32::try_from(bytes).unwrap_or(u32::MAX))
    }
}
