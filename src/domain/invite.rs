//! Invites, and the codes that stand for them.

use aws_lc_rs::digest;
use serde::Serialize;

use super::account::is_too_long;
use super::{EmailAddress, Invalid, InviteId, Timestamp, UserId, UserName, name_key};

/// Digits of Crockford's base 32 (<https://www.crockford.com/base32.html>).
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Bytes of a code: 80 random bits.
const BYTES: usize = 10;
/// Characters of a code without dashes, of 5 bits each.
const CHARS: usize = 16;
/// Characters between two dashes.
const GROUP: usize = 4;
/// Most uses of one invite.
const MAX_USES: i32 = 10_000;
/// Longest life of an invite, in seconds: ten years.
const MAX_LIFE_S: i64 = 10 * 366 * 24 * 3600;
/// Most characters of an operator's note.
const MAX_NOTE_CHARS: usize = 200;

/// The code of an invite in clear. Cannot be printed by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct InviteCode([u8; BYTES]);

impl InviteCode {
    /// Makes a code of random bytes.
    #[must_use]
    pub fn new(random: [u8; BYTES]) -> Self {
        Self(random)
    }

    /// Reads a code. Case and dashes do not count, nor do spaces around it; `O` is read as `0`, `I` and `L` as `1`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // A longer text is none, whatever it holds.
        if text.len() > 4 * CHARS {
            return None;
        }
        let mut bits = 0_u128;
        let mut count = 0;
        for c in text.trim().chars().filter(|c| *c != '-') {
            let digit = match c.to_ascii_uppercase() {
                'O' => 0,
                'I' | 'L' => 1,
                c => u128::try_from(DIGITS.iter().position(|digit| char::from(*digit) == c)?).ok()?,
            };
            bits = bits << 5 | digit;
            count += 1;
            if count > CHARS {
                return None;
            }
        }
        let bytes = bits.to_be_bytes();
        let code = bytes.last_chunk().filter(|_| count == CHARS);
        code.copied().map(Self)
    }

    /// Returns the code as `XXXX-XXXX-XXXX-XXXX`.
    #[must_use]
    pub fn text(&self) -> String {
        let bits = self.0.iter().fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
        let mut text = String::with_capacity(CHARS + CHARS / GROUP);
        for place in 0..CHARS {
            if place > 0 && place % GROUP == 0 {
                text.push('-');
            }
            let digit = usize::try_from(bits >> (5 * (CHARS - 1 - place)) & 31).unwrap_or_default();
            // Always there: five bits are below 32.
            text.push(DIGITS.get(digit).copied().map_or('0', char::from));
        }
        text
    }

    /// Returns its first characters, by which an operator recognises it.
    #[must_use]
    pub fn begins(&self) -> String {
        self.text().chars().take(GROUP).collect()
    }

    /// Returns the SHA-256 that is stored. 80 random bits need no stretching.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest::digest(&digest::SHA256, &self.0).as_ref());
        hash
    }
}

/// What an operator says of an invite that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewInvite {
    /// How many accounts it is good for.
    pub uses: i32,
    /// Its life in seconds.
    pub expires_in_s: i64,
    /// The address or name that it is good for alone, as given.
    pub bound_to: Option<String>,
    /// For operators.
    pub note: String,
}

impl NewInvite {
    /// Checks what an operator wants. A bound invite is good for one account.
    pub fn new(uses: i32, expires_in_s: i64, bound_to: Option<String>, note: String) -> Result<Self, Invalid> {
        let invalid = |field, reason| Err(Invalid { field, reason });
        if !(1..=MAX_USES).contains(&uses) {
            return invalid("uses", "must be 1 to 10000");
        }
        if !(1..=MAX_LIFE_S).contains(&expires_in_s) {
            return invalid("expires_in_s", "must be at least 1 and at most ten years");
        }
        if note.chars().nth(MAX_NOTE_CHARS).is_some() || note.chars().any(char::is_control) {
            return invalid("note", "must have at most 200 characters in one line");
        }
        if let Some(bound) = &bound_to {
            let is_name = !is_too_long(bound) && UserName::parse(bound.clone()).is_ok();
            if !is_name && EmailAddress::parse(bound.clone()).is_err() {
                return invalid("bound_to", "must be a name or an e-mail address that can be registered");
            }
            if uses > 1 {
                return invalid("uses", "must be 1 when the invite is bound");
            }
        }
        Ok(Self { uses, expires_in_s, bound_to, note })
    }

    /// Returns the form in which what it is bound to is compared.
    #[must_use]
    pub fn bound_key(&self) -> Option<String> {
        self.bound_to.as_deref().map(name_key)
    }
}

/// An invite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invite {
    /// Its id.
    pub id: InviteId,
    /// The first characters of its code.
    pub code_begins: String,
    /// How many accounts it was made for.
    pub uses: i32,
    /// How many more it is good for.
    pub uses_left: i32,
    /// The address or name that it is good for alone.
    pub bound_to: Option<String>,
    /// For operators.
    pub note: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When an operator has ended it.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used.
    pub used_at: Option<Timestamp>,
    /// The account that has last used it, while it exists.
    pub used_by: Option<UserId>,
}

/// What has become of an invite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum InviteState {
    /// It can be used.
    Open,
    /// All uses are taken.
    Used,
    /// Its time is over.
    Expired,
    /// An operator has ended it.
    Revoked,
}

impl Invite {
    /// Returns what has become of it by `now`.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> InviteState {
        if self.uses_left <= 0 {
            InviteState::Used
        } else if self.revoked_at.is_some() {
            InviteState::Revoked
        } else if self.expires_at <= now {
            InviteState::Expired
        } else {
            InviteState::Open
        }
    }
}

/// The invite with which an account is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InviteUse {
    /// The invite; none when everybody may register and the account has none.
    pub invite: Option<InviteId>,
    /// Whether no account is made without it.
    pub is_required: bool,
}

impl InviteUse {
    /// That of an account without an invite, which needs none.
    pub const NOT_NEEDED: Self = Self { invite: None, is_required: false };
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_code_is_read_however_it_is_typed(bytes: [u8; BYTES]) {
            let code = InviteCode::new(bytes);
            let text = code.text();
            prop_assert_eq!(text.len(), 19);
            let typed = [
                text.clone(),
                text.to_lowercase(),
                text.replace('-', ""),
                format!(" {text}\n"),
                text.replace('0', "o").replace('1', "l"),
            ];
            for typed in typed {
                prop_assert!(InviteCode::parse(&typed).is_some_and(|read| read == code), "{}", typed);
            }
            prop_assert!(text.starts_with(&code.begins()));
        }

        #[test]
        fn no_text_breaks_the_reader(text in "\\PC{0,80}") {
            if let Some(code) = InviteCode::parse(&text) {
                prop_assert_eq!(InviteCode::parse(&code.text()).map(|code| code.0), Some(code.0));
            }
        }
    }

    #[test]
    fn other_texts_are_no_codes() {
        for text in ["", "-", "ABCD-EFGH-JKMN", "ABCD-EFGH-JKMN-PQRST", "ABCD-EFGH-JKMN-PQRU", "ÄBCD-EFGH-JKMN-PQRS"] {
            assert!(InviteCode::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_bound_invite_is_good_for_one_account() {
        let new = |uses, bound: Option<&str>| NewInvite::new(uses, 60, bound.map(str::to_owned), String::new());
        assert_eq!(new(1, Some("Bob@Example.org")).unwrap().bound_key().as_deref(), Some("bob@example.org"));
        assert!(new(10, None).is_ok() && new(1, Some("bob")).is_ok());
        for (uses, bound, field) in
            [(2, Some("bob"), "uses"), (0, None, "uses"), (10_001, None, "uses"), (1, Some(" "), "bound_to")]
        {
            assert_eq!(new(uses, bound).unwrap_err().field, field, "{uses} {bound:?}");
        }
    }
}
