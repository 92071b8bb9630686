//! Access tokens: JWT (RFC 7519) signed with HS256 or EdDSA, by keys that can be rotated.

use std::sync::{Arc, PoisonError, RwLock};

use jsonwebtoken::{Header, decode, decode_header, encode};
use serde::{Deserialize, Serialize};

use super::token_keys::{KeyRing, KeySource, LoadedKeys};
use super::{AuthError, KeyError, PublishedKey, RefusedTokens, TokenKeys};
use crate::clock::Clock;
use crate::domain::{LoginId, UserId, Viewer};

/// The only value of the claim `type`. Refresh tokens are no JWTs.
const ACCESS: &str = "access";
/// Size of the longest token that is parsed, in bytes: a user name of 254 characters takes at most 1.5 KiB of it.
const MAX_TOKEN_BYTES: usize = 4096;

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    user_id: UserId,
    #[serde(rename = "type")]
    kind: String,
    sid: LoginId,
    iat: i64,
    exp: i64,
}

/// The user and login that an access token stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// The user.
    pub user: UserId,
    /// The login.
    pub login: LoginId,
}

impl Access {
    /// Returns who is shown what is asked for with the token.
    #[must_use]
    pub fn viewer(self) -> Viewer {
        Viewer { user: self.user }
    }
}

/// Makes and checks access tokens, without the database.
pub struct AccessTokens {
    keys: KeySource,
    loaded: RwLock<LoadedKeys>,
    lifetime_s: i64,
    clock: Clock,
    refused: Arc<RefusedTokens>,
}

impl AccessTokens {
    /// Makes tokens that are valid for `lifetime_s` seconds.
    pub(super) fn new(keys: TokenKeys, lifetime_s: i64, clock: Clock) -> Self {
        let (keys, loaded) = keys.into_parts();
        let refused = Arc::new(RefusedTokens::new(lifetime_s, clock.clone()));
        Self { keys, loaded: RwLock::new(loaded), lifetime_s, refused, clock }
    }

    /// Loads the keys anew if their directory has changed, and returns whether it has. Reads files. After an error the
    /// keys are those from before.
    pub fn reload(&self) -> Result<bool, KeyError> {
        let said = self.keys.directory().read()?;
        if said == self.loaded.read().unwrap_or_else(PoisonError::into_inner).said {
            return Ok(false);
        }
        let loaded = self.keys.load(said)?;
        *self.loaded.write().unwrap_or_else(PoisonError::into_inner) = loaded;
        Ok(true)
    }

    /// Lets the next Ed25519 key sign from now on. Returns the ids of the key that signs and of the new next one.
    /// Writes files.
    pub fn rotate(&self) -> Result<(String, String), KeyError> {
        let kids = self.keys.directory().rotate(self.clock.now())?;
        self.reload()?;
        Ok(kids)
    }

    /// Drops an Ed25519 key: its tokens are refused from now on. Writes files.
    pub fn revoke(&self, kid: &str) -> Result<(), KeyError> {
        self.keys.revoke(kid, self.clock.now())?;
        self.reload()?;
        Ok(())
    }

    /// Removes the files of keys whose tokens have all expired.
    pub fn sweep(&self) -> Result<(), KeyError> {
        self.keys.directory().sweep(self.clock.now())
    }

    /// Returns the public keys whose tokens are accepted now or soon; secrets are never among them.
    #[must_use]
    pub fn published(&self) -> Vec<PublishedKey> {
        self.ring().published(self.clock.now())
    }

    /// Returns a new token for a login.
    pub(super) fn issue(&self, user: UserId, name: &str, login: LoginId) -> Result<String, AuthError> {
        let iat = self.clock.now().as_secs();
        let exp = iat + self.lifetime_s;
        let claims = Claims { sub: name.to_owned(), user_id: user, kind: ACCESS.to_owned(), sid: login, iat, exp };
        let ring = self.ring();
        encode(&ring.header, &claims, &ring.signing).map_err(|error| AuthError::Internal(error.to_string()))
    }

    /// Returns the user and login of a token, or [`AuthError::InvalidToken`] when it is forged, expired, of another
    /// type or of a login that has ended.
    pub fn verify(&self, token: &str) -> Result<Access, AuthError> {
        self.claims(token)
            .filter(|claims| claims.kind == ACCESS && self.expiry(claims) > self.clock.now().as_secs())
            .map(|claims| Access { user: claims.user_id, login: claims.sid })
            .filter(|access| !self.refused.has_ended(*access))
            .ok_or(AuthError::InvalidToken)
    }

    /// Returns whether a token is one of ours: signed by a key of ours, whether or not it is still accepted.
    #[must_use]
    pub fn is_ours(&self, token: &str) -> bool {
        self.claims(token).is_some_and(|claims| claims.kind == ACCESS)
    }

    /// Returns the tokens that are refused although they look valid.
    #[must_use]
    pub fn refused(&self) -> &Arc<RefusedTokens> {
        &self.refused
    }

    /// Returns whether this login, or its user's account, is known to have ended.
    #[must_use]
    pub fn has_ended(&self, access: Access) -> bool {
        self.refused.has_ended(access)
    }

    /// Returns the expiry of a token, at most the present lifetime after its issue. Ended logins are remembered only
    /// for that long, also when a restart has shortened the lifetime.
    fn expiry(&self, claims: &Claims) -> i64 {
        claims.exp.min(claims.iat.saturating_add(self.lifetime_s))
    }

    fn ring(&self) -> Arc<KeyRing> {
        // Replaced as a whole, so it is whole after any panic.
        self.loaded.read().unwrap_or_else(PoisonError::into_inner).ring.clone()
    }

    fn claims(&self, token: &str) -> Option<Claims> {
        if token.len() > MAX_TOKEN_BYTES {
            return None;
        }
        let header = decode_header(token).ok().filter(names_no_key)?;
        let ring = self.ring();
        // The key says which algorithm verifies, never the token: a public key must not serve as a secret.
        let key = ring.verifying(&header.kid?, self.clock.now()).filter(|key| key.algorithm == header.alg)?;
        decode(token, &key.key, &key.validation).ok().map(|data| data.claims)
    }
}

/// Whether a header leaves the choice of the key to us: it neither brings a key or certificate nor says where one is,
/// and has no extension that would have to be understood (RFC 7515 §4.1.2–4.1.6, §4.1.11).
fn names_no_key(header: &Header) -> bool {
    header.jwk.is_none()
        && header.jku.is_none()
        && header.x5u.is_none()
        && header.x5c.is_none()
        && header.crit.is_none()
}

#[cfg(test)]
mod tests;
