//! Tokens by which Apple knows this server, signed with its key.
//!
//! Apple takes one for an hour, and refuses connections whose token changes more often than every 20 minutes. So `iat`
//! is rounded down to the half hour: several servers with one key have the same one, and look as one.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::HeaderValue;
use serde_json::json;

use crate::config::Apns;
use crate::domain::Timestamp;
use crate::push::PushError;
use crate::push::files::NamedFile;
use crate::push::jwt::{NotSigned, SigningKey};
use crate::push::time::has_passed;

/// What `iat` is rounded down to, in seconds.
const STEP_S: i64 = 30 * 60;
/// Tokens are renewed no more often than this.
const LEAST_AGE: Duration = Duration::from_mins(20);
/// Apple takes no token whose `iat` is older than an hour; its clock may differ.
const OLDEST_S: i64 = 55 * 60;

/// The key, with its present token.
pub(super) struct ProviderToken {
    key: SigningKey,
    key_id: String,
    team_id: String,
    current: Mutex<Option<Current>>,
}

struct Current {
    header: HeaderValue,
    issued_at: i64,
    made_at: Timestamp,
}

impl ProviderToken {
    /// Reads the key that the settings name.
    pub(super) fn load(apns: &Apns) -> Result<Self, PushError> {
        let file = NamedFile::new("push.apns.key_file", &apns.key_file);
        let key = SigningKey::es256(&file.read()?).map_err(|reason| file.wrong(reason))?;
        let (key_id, team_id) = (apns.key_id.clone(), apns.team_id.clone());
        Ok(Self { key, key_id, team_id, current: Mutex::default() })
    }

    /// Returns the header `authorization`.
    pub(super) fn header(&self, now: Timestamp) -> Result<HeaderValue, NotSigned> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let rounded = now.as_secs() - now.as_secs().rem_euclid(STEP_S);
        let is_good = |current: &&Current| {
            let age = now.as_secs() - current.issued_at;
            let is_newest = current.issued_at >= rounded || !has_passed(current.made_at, now, LEAST_AGE);
            (0..OLDEST_S).contains(&age) && is_newest
        };
        if let Some(current) = current.as_ref().filter(is_good) {
            return Ok(current.header.clone());
        }
        self.renew(&mut current, rounded, now)
    }

    /// Returns a token that is issued now, since Apple says that this one has expired: its clock counts. `None` when
    /// the present one is another, or too new to be changed.
    pub(super) fn after_expired(
        &self,
        expired: &HeaderValue,
        now: Timestamp,
    ) -> Result<Option<HeaderValue>, NotSigned> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        match current.as_ref() {
            Some(current) if current.header != expired => return Ok(Some(current.header.clone())),
            // One that was issued now cannot be helped by another.
            Some(current) if current.issued_at % STEP_S != 0 && !has_passed(current.made_at, now, LEAST_AGE) => {
                return Ok(None);
            }
            _ => {}
        }
        self.renew(&mut current, now.as_secs(), now).map(Some)
    }

    /// Keeps the present token for another 20 minutes: Apple says that it changes too often.
    pub(super) fn keep(&self, now: Timestamp) {
        if let Some(current) = self.current.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            current.made_at = now;
        }
    }

    fn renew(&self, current: &mut Option<Current>, issued_at: i64, now: Timestamp) -> Result<HeaderValue, NotSigned> {
        let claims = json!({ "iss": self.team_id, "iat": issued_at });
        let token = self.key.sign(&json!({ "alg": "ES256", "kid": self.key_id }), &claims)?;
        let mut header = HeaderValue::try_from(format!("bearer {token}")).map_err(|_| NotSigned)?;
        header.set_sensitive(true);
        *current = Some(Current { header: header.clone(), issued_at, made_at: now });
        Ok(header)
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use proptest::prelude::*;

    use super::*;

    /// A key for tests alone.
    const KEY: &str = "-----BEGIN PRIVATE KEY-----\n\
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgevZzL1gdAFr88hb2\n\
        OF/2NxApJCzGCEDdfSp6VQO30hyhRANCAAQRWz+jn65BtOMvdyHKcvjBeBSDZH2r\n\
        1RTwjmYSi9R/zpBnuQ4EiMnCqfMPWiZqB4QdbAd0E7oH50VpuZ1P087G\n\
        -----END PRIVATE KEY-----\n";

    fn token() -> ProviderToken {
        let key = SigningKey::es256(KEY.as_bytes()).unwrap();
        ProviderToken { key, key_id: "KEY4567890".into(), team_id: "TEAM567890".into(), current: Mutex::default() }
    }

    fn issued_at(header: &HeaderValue) -> i64 {
        let claims = header.to_str().unwrap().split('.').nth(1).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
        assert_eq!(claims["iss"], "TEAM567890");
        claims["iat"].as_i64().unwrap()
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn after_an_expired_token_one_is_issued_now_and_no_more_for_twenty_minutes() {
        let token = token();
        let first = token.header(at(1_800_000_100)).unwrap();
        assert_eq!(issued_at(&first), 1_800_000_000);
        let second = token.after_expired(&first, at(1_800_000_100)).unwrap().unwrap();
        assert_eq!(issued_at(&second), 1_800_000_100);
        // Others that were refused with the first one get the second one.
        assert_eq!(token.after_expired(&first, at(1_800_000_101)).unwrap(), Some(second.clone()));
        assert_eq!(token.after_expired(&second, at(1_800_000_101)).unwrap(), None);
        assert_eq!(token.header(at(1_800_001_299)).unwrap(), second);
        token.keep(at(1_800_001_299));
        assert_eq!(token.header(at(1_800_001_801)).unwrap(), second, "kept although the half hour is over");
        assert_eq!(issued_at(&token.header(at(1_800_002_499)).unwrap()), 1_800_001_800);
    }

    proptest! {
        /// At any time, a token is younger than an hour, not from the future, and not renewed within 20 minutes, unless
        /// the clock was set back.
        #[test]
        fn tokens_are_of_the_right_age(steps in prop::collection::vec((0_i64..3000, 0_u8..8), 1..60)) {
            let (token, mut now, mut last) = (token(), 1_800_000_000, None::<(HeaderValue, i64)>);
            for (step, what) in steps {
                now += step;
                if what == 0 {
                    token.keep(at(now));
                }
                let header = token.header(at(now)).unwrap();
                let age = now - issued_at(&header);
                prop_assert!((0..3600).contains(&age), "{age}");
                match &last {
                    Some((before, made_at)) if *before != header => {
                        prop_assert!(now - made_at >= 1200);
                        last = Some((header, now));
                    }
                    None => last = Some((header, now)),
                    _ => {}
                }
            }
        }

        /// Servers with one key have tokens of one `iat`, whenever they start.
        #[test]
        fn servers_agree(start in 0_i64..1800, other in 0_i64..1800) {
            let issued = |offset| issued_at(&token().header(at(1_800_000_000 + offset)).unwrap());
            prop_assert_eq!(issued(start), issued(other));
        }
    }
}
