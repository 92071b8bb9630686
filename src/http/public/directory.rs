//! How many users a client may be told of.
//!
//! Names and keys are public, one by one; a list of all users is what the limits here keep from those who would sell or
//! spam it. Partners are free, so that no client runs out of the users that it talks to.

use crate::auth::Access;
use crate::domain::{ClientAddress, Limiter, UserId};
use crate::http::app::App;
use crate::http::error::ApiError;

/// Who asks for users.
#[derive(Clone, Copy)]
pub(super) enum Asker {
    /// A user who is signed in.
    User(UserId),
    /// A client without a token; none in tests without a connection.
    Anonymous(Option<ClientAddress>),
}

impl From<Access> for Asker {
    fn from(access: Access) -> Self {
        Self::User(access.user)
    }
}

/// Counts one search.
pub(super) fn limit_search(app: &App, asker: Asker) -> Result<(), ApiError> {
    match asker {
        Asker::User(user) => app.limiters.take(Limiter::SearchUser, user)?,
        Asker::Anonymous(Some(address)) => app.limiters.take(Limiter::SearchAnonymous, address.class())?,
        Asker::Anonymous(None) => {}
    }
    Ok(())
}

/// Counts the users that an answer tells of. When they are too many, nothing may be told.
pub(super) async fn limit_told(app: &App, asker: Asker, users: &[UserId]) -> Result<(), ApiError> {
    match asker {
        Asker::User(user) => match app.storage.count_strangers(user, users).await? {
            0 => {}
            count => app.limiters.take_some(Limiter::DirectoryUser, user, count)?,
        },
        Asker::Anonymous(Some(address)) if !users.is_empty() => {
            let count = u32::try_from(users.len()).unwrap_or(u32::MAX);
            app.limiters.take_some(Limiter::DirectoryAnonymous, address.class(), count)?;
        }
        Asker::Anonymous(_) => {}
    }
    Ok(())
}
