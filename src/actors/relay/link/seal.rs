//! The seal on each word: it shows that a server on the same store has said it, about the same history.

use aws_lc_rs::{constant_time, hkdf, hmac};
use bytes::Bytes;

use super::word::WordKind;
use crate::domain::Epoch;

/// The bytes of a seal: HMAC-SHA-256, cut.
pub(super) const SEAL: usize = 16;

/// Makes and checks seals, with a key of its own for each history, kind and receiver.
pub(super) struct Seals {
    secret: hkdf::Prk,
    epoch: Epoch,
    log: hmac::Key,
    who: hmac::Key,
}

impl Seals {
    /// Makes the keys of a history; `None` when the cryptography fails, which it does not.
    pub(super) fn new(epoch: &Epoch, key: &[u8]) -> Option<Self> {
        let secret = hkdf::Salt::new(hkdf::HKDF_SHA256, b"fluent relay 1").extract(key);
        let log = derive(&secret, epoch, WordKind::Log)?;
        let who = derive(&secret, epoch, WordKind::Who)?;
        Some(Self { secret, epoch: epoch.clone(), log, who })
    }

    /// Appends the seal.
    pub(super) fn seal(&self, kind: WordKind, mut bytes: Vec<u8>) -> Option<Vec<u8>> {
        let tag = self.tag(kind, &bytes)?;
        bytes.extend_from_slice(tag.as_ref().get(..SEAL)?);
        Some(bytes)
    }

    /// Returns what is sealed; `None` when the seal is not ours.
    pub(super) fn open(&self, kind: WordKind, mut sealed: Bytes) -> Option<Bytes> {
        let seal = sealed.split_off(sealed.len().checked_sub(SEAL)?);
        let tag = self.tag(kind, &sealed)?;
        constant_time::verify_slices_are_equal(tag.as_ref().get(..SEAL)?, &seal).ok()?;
        Some(sealed)
    }

    fn tag(&self, kind: WordKind, bytes: &[u8]) -> Option<hmac::Tag> {
        Some(match kind {
            WordKind::Log => hmac::sign(&self.log, bytes),
            WordKind::Who => hmac::sign(&self.who, bytes),
            WordKind::To(_) => hmac::sign(&derive(&self.secret, &self.epoch, kind)?, bytes),
        })
    }
}

/// Derives the key for a history, a kind, and the run of a server that it is for.
fn derive(secret: &hkdf::Prk, epoch: &Epoch, kind: WordKind) -> Option<hmac::Key> {
    let (kind, boot) = match kind {
        WordKind::Log => (1, 0),
        WordKind::Who => (2, 0),
        WordKind::To(boot) => (3, boot),
    };
    let info = [epoch.as_str().as_bytes(), &[0, kind], &boot.to_be_bytes()];
    Some(hmac::Key::from(secret.expand(&info, hmac::HMAC_SHA256).ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seals(epoch: &str, key: u8) -> Seals {
        Seals::new(&Epoch::parse(epoch).unwrap(), &[key; 32]).unwrap()
    }

    fn kind() -> impl Strategy<Value = WordKind> {
        prop_oneof![Just(WordKind::Log), Just(WordKind::Who), any::<i64>().prop_map(WordKind::To)]
    }

    proptest! {
        #[test]
        fn a_seal_holds_for_its_key_history_kind_and_receiver(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            said in kind(),
            heard in kind(),
        ) {
            let sealed = Bytes::from(seals("epoch", 1).seal(said, bytes.clone()).unwrap());
            prop_assert_eq!(sealed.len(), bytes.len() + SEAL);
            prop_assert_eq!(seals("epoch", 1).open(said, sealed.clone()), Some(Bytes::from(bytes)));
            prop_assert_eq!(seals("epoch", 1).open(heard, sealed.clone()).is_some(), heard == said);
            prop_assert!(seals("another", 1).open(said, sealed.clone()).is_none());
            prop_assert!(seals("epoch", 2).open(said, sealed).is_none());
        }

        #[test]
        fn what_was_changed_is_not_opened(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            kind in kind(),
            at in any::<prop::sample::Index>(),
            bit in 0..8_u32,
        ) {
            let seals = seals("epoch", 1);
            let mut sealed = seals.seal(kind, bytes).unwrap();
            let at = at.index(sealed.len());
            prop_assert!(seals.open(kind, Bytes::from(sealed[..at].to_vec())).is_none());
            sealed[at] ^= 1 << bit;
            prop_assert!(seals.open(kind, Bytes::from(sealed)).is_none());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..40), kind in kind()) {
            prop_assert!(seals("epoch", 1).open(kind, Bytes::from(bytes)).is_none());
        }
    }
}
