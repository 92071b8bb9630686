//! The credentials of a handshake.

use http::HeaderMap;
use http::header::AUTHORIZATION;

use secrecy::SecretString;

use super::handshake::subprotocols;
use crate::auth::{Access, Auth, AuthError, Bearer, bearer};

/// The prefix of a token among the subprotocols.
const BEARER: &str = "bearer.";
/// Most tokens among the subprotocols that are verified.
const MAX_OFFERED: usize = 4;

/// A handshake without a credential that gives access.
#[derive(Debug)]
pub enum Unauthenticated {
    /// There is no credential.
    Nothing,
    /// A token is ours and no longer accepted: its client gets a new one, and comes back.
    Expired {
        /// Whether there was a ticket, too, which had to be looked up.
        has_ticket: bool,
    },
    /// What there is does not verify, or nobody was given it.
    Forged,
    /// Valid credentials name different users, or it could not be decided.
    Failed(AuthError),
}

/// Verifies the credentials of a handshake and returns the access that they give: those of the header, the ticket, the
/// subprotocol `bearer.<token>` (browsers can set no header), and the token of the query where that is allowed.
///
/// The shipped client's retry carries an old token in the URL and the new one in the header. So one valid credential is
/// enough, but all that are valid must name the same user. A ticket is used up by the first handshake that shows it.
/// Fails without a valid credential, and when valid ones name different users.
pub async fn authenticate(
    auth: &Auth,
    headers: &HeaderMap,
    query_token: Option<&str>,
    ticket: Option<&SecretString>,
) -> Result<Access, Unauthenticated> {
    let header = match bearer(headers.get_all(AUTHORIZATION).iter().filter_map(|value| value.to_str().ok())) {
        Bearer::Absent => None,
        Bearer::Token(token) => Some(token),
        Bearer::Ambiguous => return Err(Unauthenticated::Failed(AuthError::InvalidToken)),
    };
    let has_ticket = ticket.is_some();
    let ticket = match ticket {
        Some(ticket) => match auth.consume_ticket(ticket).await {
            Err(AuthError::InvalidToken) => None,
            other => Some(other.map_err(Unauthenticated::Failed)?),
        },
        None => None,
    };
    let verified = |token| auth.access().verify(token).ok();
    let offered = subprotocols(headers).filter_map(|offered| offered.strip_prefix(BEARER));
    // Few, since each is verified.
    let offered = offered.take(MAX_OFFERED).filter_map(verified);
    let mut valid =
        [header.and_then(verified), ticket, query_token.and_then(verified)].into_iter().flatten().chain(offered);
    let Some(first) = valid.next() else {
        let offered = subprotocols(headers).filter_map(|offered| offered.strip_prefix(BEARER)).take(MAX_OFFERED);
        let mut tokens = header.into_iter().chain(query_token).chain(offered).peekable();
        let has_any = has_ticket || tokens.peek().is_some();
        return Err(if tokens.any(|token| auth.access().is_ours(token)) {
            Unauthenticated::Expired { has_ticket }
        } else if has_any {
            Unauthenticated::Forged
        } else {
            Unauthenticated::Nothing
        });
    };
    let is_one_user = valid.all(|other| other.user == first.user);
    if is_one_user { Ok(first) } else { Err(Unauthenticated::Failed(AuthError::InvalidToken)) }
}
