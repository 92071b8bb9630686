//! Links to files: whoever has one may read the file for a while, without signing in.

use aws_lc_rs::{constant_time, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::domain::{MediaId, UserId};

/// Bytes of the user and of the end, four each.
const NAMED: usize = 8;
/// Bytes that are kept of the HMAC: half of it, which nobody can guess.
const MAC: usize = 16;

/// What a link allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MediaLink {
    /// The file.
    pub id: MediaId,
    /// The user who has made it, and whose right to read the file it lends.
    pub user: UserId,
    /// When it ends, in seconds since 1970.
    pub end: u32,
}

/// Makes and checks links.
pub struct MediaLinks(hmac::Key);

impl MediaLinks {
    /// Links under this key: HMAC-SHA256.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// Returns the token of a link, 32 characters of base64url: the user, the end, and half of the HMAC.
    #[must_use]
    pub fn token(&self, link: MediaLink) -> String {
        let mut token = named(link).to_vec();
        token.extend(self.mac(link));
        URL_SAFE_NO_PAD.encode(token)
    }

    /// Returns the link to this file that a token stands for, whether it has ended or not.
    #[must_use]
    pub fn verify(&self, id: MediaId, token: &str) -> Option<MediaLink> {
        let token: [u8; NAMED + MAC] = URL_SAFE_NO_PAD.decode(token).ok()?.try_into().ok()?;
        let (user, rest) = token.split_first_chunk()?;
        let (end, mac) = rest.split_first_chunk()?;
        let (user, end) = (UserId(i32::from_be_bytes(*user)), u32::from_be_bytes(*end));
        let link = MediaLink { id, user, end };
        constant_time::verify_slices_are_equal(&self.mac(link), mac).ok().map(|()| link)
    }

    fn mac(&self, link: MediaLink) -> [u8; MAC] {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(&link.id.0);
        context.update(&named(link));
        let mut half = [0; MAC];
        half.iter_mut().zip(context.sign().as_ref()).for_each(|(to, byte)| *to = *byte);
        half
    }
}

/// Returns user and end, big endian.
fn named(link: MediaLink) -> [u8; NAMED] {
    let mut named = [0; NAMED];
    let bytes = link.user.0.to_be_bytes().into_iter().chain(link.end.to_be_bytes());
    named.iter_mut().zip(bytes).for_each(|(to, byte)| *to = byte);
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_for_its_file_user_and_time_alone() {
        let links = MediaLinks::new(&[1; 32]);
        let link = MediaLink { id: MediaId([2; 16]), user: UserId(7), end: 1_800_000_000 };
        let token = links.token(link);
        assert_eq!(token.len(), 32);
        assert_eq!(links.verify(link.id, &token), Some(link));
        assert_eq!(links.verify(MediaId([3; 16]), &token), None);
        assert_eq!(MediaLinks::new(&[2; 32]).verify(link.id, &token), None);
        let bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
        for at in 0..bytes.len() {
            let mut other = bytes.clone();
            other[at] ^= 1;
            assert_eq!(links.verify(link.id, &URL_SAFE_NO_PAD.encode(other)), None, "byte {at}");
        }
        for wrong in ["", "A", "AAAA", &token[1..], &format!("{token}A")] {
            assert_eq!(links.verify(link.id, wrong), None, "{wrong}");
        }
    }
}
