//! Encryption of a push for one subscription (RFC 8291), as one record of `aes128gcm` (RFC 8188).

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};

use crate::clock::{NoRandomness, random_bytes};

/// Bytes of an uncompressed point on P-256.
pub(super) const POINT: usize = 65;
/// Bytes of the secret of a subscription (RFC 8291 §3.2).
pub(super) const AUTH: usize = 16;
/// Bytes of the salt (RFC 8188 §2.1).
const SALT: usize = 16;
/// The size of records (RFC 8291 §4: 4096 unless the push is longer).
const RECORD: [u8; 4] = 4096_u32.to_be_bytes();
/// Bytes of the text with its padding: all pushes are of one size.
pub(super) const PADDED: usize = 128;
/// The end of the text in the last record (RFC 8188 §2).
const LAST: u8 = 2;

/// Why a push cannot be encrypted.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotEncrypted {
    /// The keys of the subscription are not good.
    #[error("the keys of the subscription cannot be used")]
    Keys,
    /// There is no randomness.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// The library has failed, or the text is too long.
    #[error("a push cannot be encrypted")]
    Failed,
}

/// Encrypts a text of less than 128 bytes. The result always has 230 bytes.
pub(super) fn encrypt(text: &[u8], p256dh: &[u8], auth: &[u8]) -> Result<Vec<u8>, NotEncrypted> {
    let mut padded = text.to_vec();
    padded.push(LAST);
    if padded.len() > PADDED {
        return Err(NotEncrypted::Failed);
    }
    padded.resize(PADDED, 0);
    let private = PrivateKey::generate(&ECDH_P256).map_err(|_| NotEncrypted::Failed)?;
    seal(padded, p256dh, auth, &private, random_bytes()?)
}

/// Returns whether these bytes are a point on P-256.
pub(super) fn is_point(p256dh: &[u8]) -> bool {
    let parsed = || aws_lc_rs::agreement::ParsedPublicKey::try_from(UnparsedPublicKey::new(&ECDH_P256, p256dh));
    p256dh.len() == POINT && p256dh.first() == Some(&4) && parsed().is_ok()
}

/// Encrypts a padded text with this key and salt (RFC 8291 §3.4).
fn seal(
    mut text: Vec<u8>,
    p256dh: &[u8],
    auth: &[u8],
    private: &PrivateKey,
    salt: [u8; SALT],
) -> Result<Vec<u8>, NotEncrypted> {
    let public = private.compute_public_key().map_err(|_| NotEncrypted::Failed)?;
    let input = agree(private, UnparsedPublicKey::new(&ECDH_P256, p256dh), NotEncrypted::Keys, |shared| {
        let extracted = Salt::new(HKDF_SHA256, auth).extract(shared);
        derive::<32>(&extracted, &[b"WebPush: info\0", p256dh, public.as_ref()])
    })?;
    let extracted = Salt::new(HKDF_SHA256, &salt).extract(&input);
    let key = derive::<16>(&extracted, &[b"Content-Encoding: aes128gcm\0"])?;
    let nonce = derive::<12>(&extracted, &[b"Content-Encoding: nonce\0"])?;
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).map_err(|_| NotEncrypted::Failed)?);
    // The key is new for each push, so its nonce is used once.
    let sealed = key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut text);
    sealed.map_err(|_| NotEncrypted::Failed)?;
    // RFC 8188 §2.1.
    let mut body = salt.to_vec();
    body.extend(RECORD);
    body.push(public.as_ref().len().try_into().map_err(|_| NotEncrypted::Failed)?);
    body.extend(public.as_ref());
    body.extend(text);
    Ok(body)
}

/// So many bytes of a key.
struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn derive<const N: usize>(from: &Prk, info: &[&[u8]]) -> Result<[u8; N], NotEncrypted> {
    let mut key = [0; N];
    let expanded = from.expand(info, Length(N));
    expanded.and_then(|okm| okm.fill(&mut key)).map_err(|_| NotEncrypted::Failed)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use proptest::prelude::*;

    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(text).unwrap()
    }

    /// RFC 8291 §5, with the keys of appendix A.
    #[test]
    fn the_example_of_the_rfc_is_made_byte_for_byte() {
        let private = bytes("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw");
        let private = PrivateKey::from_private_key(&ECDH_P256, &private).unwrap();
        let salt = bytes("DGv6ra1nlYgDCS1FRnbzlw").try_into().unwrap();
        let mut text = b"When I grow up, I want to be a watermelon".to_vec();
        text.push(LAST);
        let p256dh = bytes("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4");
        let sealed = seal(text, &p256dh, &bytes("BTBZMqHH6r4Tts7J_aSIgg"), &private, salt).unwrap();
        let expected = [
            "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8w",
            "EqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN",
        ]
        .concat();
        assert_eq!(URL_SAFE_NO_PAD.encode(sealed), expected);
    }

    #[test]
    fn a_key_must_be_a_point_on_the_curve() {
        let good = PrivateKey::generate(&ECDH_P256).unwrap().compute_public_key().unwrap();
        assert!(is_point(good.as_ref()));
        let mut off = good.as_ref().to_vec();
        off[64] ^= 1;
        for bad in [&off[..], &good.as_ref()[..64], &[], &[0; POINT], &[4; POINT]] {
            assert!(!is_point(bad) && encrypt(b"x", bad, &[0; AUTH]).is_err());
        }
    }

    proptest! {
        #[test]
        fn every_push_has_230_bytes_and_the_curve_decides(text in prop::collection::vec(any::<u8>(), 0..140)) {
            let key = PrivateKey::generate(&ECDH_P256).unwrap().compute_public_key().unwrap();
            match encrypt(&text, key.as_ref(), &[7; AUTH]) {
                Ok(body) => prop_assert!(text.len() < PADDED && body.len() == 230),
                Err(_) => prop_assert!(text.len() >= PADDED),
            }
        }

        #[test]
        fn no_bytes_make_the_check_of_a_point_fail_badly(mut key in prop::collection::vec(any::<u8>(), 0..80)) {
            is_point(&key);
            key.insert(0, 4);
            is_point(&key);
        }
    }
}
