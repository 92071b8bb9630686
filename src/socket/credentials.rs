//! Who opens a socket.

use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::auth::{Access, AccessTokens, AuthError, Bearer, bearer};

/// Who the credentials of a handshake name: those of the header, and the token of the query where that is allowed.
///
/// The shipped client's retry carries an old token in the URL and the new one in the header. So one valid credential is
/// enough, but all that are valid must name the same user.
pub fn authenticate(
    tokens: &AccessTokens,
    headers: &HeaderMap,
    query_token: Option<&str>,
) -> Result<Access, AuthError> {
    let header = match bearer(headers.get_all(AUTHORIZATION).iter().filter_map(|value| value.to_str().ok())) {
        Bearer::Absent => None,
        Bearer::Token(token) => Some(token),
        Bearer::Ambiguous => return Err(AuthError::InvalidToken),
    };
    let mut valid = [header, query_token].into_iter().flatten().filter_map(|token| tokens.verify(token).ok());
    let first = valid.next().ok_or(AuthError::InvalidToken)?;
    if valid.all(|other| other.user == first.user) { Ok(first) } else { Err(AuthError::InvalidToken) }
}
