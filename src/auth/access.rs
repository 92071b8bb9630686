//! Access tokens: JWT (RFC 7519) signed with HS256 by a key that can be rotated.

use std::collections::HashMap;
use std::sync::Arc;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};

use super::secrets::key_id;
use super::{AuthError, RefusedTokens, SecretKeys};
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
    header: Header,
    signing: EncodingKey,
    verifying: HashMap<String, DecodingKey>,
    validation: Validation,
    lifetime_s: i64,
    clock: Clock,
    refused: Arc<RefusedTokens>,
}

impl AccessTokens {
    /// Makes tokens that are valid for `lifetime_s` seconds.
    pub(super) fn new(keys: &SecretKeys, lifetime_s: i64, clock: Clock) -> Result<Self, AuthError> {
        let no_key = || AuthError::Internal("there is no signing key".to_owned());
        let current = keys.iter().next().ok_or_else(no_key)?;
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_required_spec_claims(&["exp", "sub"]);
        // `exp` must be there; `verify` compares it with the injected clock.
        validation.validate_exp = false;
        let bytes = |secret: &secrecy::SecretString| secret.expose_secret().as_bytes().to_vec();
        Ok(Self {
            header: Header { kid: Some(key_id(current)), ..Header::new(Algorithm::HS256) },
            signing: EncodingKey::from_secret(&bytes(current)),
            verifying: keys.iter().map(|key| (key_id(key), DecodingKey::from_secret(&bytes(key)))).collect(),
            validation,
            lifetime_s,
            refused: Arc::new(RefusedTokens::new(lifetime_s, clock.clone())),
            clock,
        })
    }

    /// Returns a new token for a login.
    pub(super) fn issue(&self, user: UserId, name: &str, login: LoginId) -> Result<String, AuthError> {
        let iat = self.clock.now().as_secs();
        let exp = iat + self.lifetime_s;
        let claims = Claims { sub: name.to_owned(), user_id: user, kind: ACCESS.to_owned(), sid: login, iat, exp };
        encode(&self.header, &claims, &self.signing).map_err(|error| AuthError::Internal(error.to_string()))
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

    fn claims(&self, token: &str) -> Option<Claims> {
        if token.len() > MAX_TOKEN_BYTES {
            return None;
        }
        let kid = decode_header(token).ok()?.kid?;
        decode(token, self.verifying.get(&kid)?, &self.validation).ok().map(|data| data.claims)
    }
}

#[cfg(test)]
mod tests;
