//! The calls of a signed-in user. Tokens are refreshed when the server asks for it.

use http::StatusCode;
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::IgnoredAny;

use crate::http::{CallError, Http};
use crate::socket::Socket;
use crate::wire::{Credentials, Message, Refresh, Registration, Tokens, User};

/// Most users or messages that the server puts on a page.
const MAX_PAGE: u32 = 100;

/// Makes an account; `false` when the name is taken.
pub(crate) async fn register(http: &Http, registration: &Registration<'_>) -> Result<bool, CallError> {
    match http.post::<IgnoredAny>("/auth/register", registration).await {
        Ok(_) => Ok(true),
        Err(error) if error.has_status(StatusCode::BAD_REQUEST) => Ok(false),
        Err(error) => Err(error),
    }
}

/// A login session.
pub(crate) struct Api {
    http: Http,
    tokens: Tokens,
}

impl Api {
    /// Begins one.
    pub(crate) async fn log_in(http: Http, user: &str, password: &SecretString) -> Result<Self, CallError> {
        let credentials = Credentials { username: user, password: password.expose_secret() };
        let tokens = http.post("/auth/login", &credentials).await?;
        Ok(Self { http, tokens })
    }

    /// The user with this name, in whatever case.
    pub(crate) async fn find_user(&mut self, name: &str) -> Result<Option<User>, CallError> {
        let wanted = name.to_lowercase();
        let mut after = 0;
        loop {
            let query = encode(&[("query", name), ("limit", &MAX_PAGE.to_string()), ("after", &after.to_string())])?;
            let path = format!("/users/search?{query}");
            let page: Vec<User> = self.with_token(async |http, token| http.get(&path, token).await).await?;
            let Some(last) = page.last() else { return Ok(None) };
            after = last.id;
            if let Some(user) = page.into_iter().find(|user| user.name.to_lowercase() == wanted) {
                return Ok(Some(user));
            }
        }
    }

    /// A user's name and public key.
    pub(crate) async fn partner(&mut self, id: i32) -> Result<User, CallError> {
        let path = format!("/chat/partnerinfo?partnerID={id}");
        self.with_token(async |http, token| http.get(&path, token).await).await
    }

    /// A page of messages with a partner, newest first, ending before the time stamp `before`.
    pub(crate) async fn history(
        &mut self,
        partner: i32,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Message>, CallError> {
        let (partner, limit) = (partner.to_string(), limit.to_string());
        let mut query = vec![("partnerID", partner.as_str()), ("limit", &limit)];
        query.extend(before.map(|before| ("before", before)));
        let path = format!("/chat/all_messages?{}", encode(&query)?);
        self.with_token(async |http, token| http.get(&path, token).await).await
    }

    /// Everything with a partner that was stored after `since`, oldest first.
    pub(crate) async fn history_since(
        &mut self,
        partner: i32,
        since: jiff::Timestamp,
    ) -> Result<Vec<Message>, CallError> {
        let mut found: Vec<Message> = Vec::new();
        loop {
            let before = found.last().map(|oldest| oldest.timestamp.text.clone());
            let page = self.history(partner, before.as_deref(), MAX_PAGE).await?;
            let length = page.len();
            let known = found.len();
            found.extend(page.into_iter().take_while(|message| message.timestamp.moment > since));
            if length == 0 || found.len() < known + length {
                found.reverse();
                return Ok(found);
            }
        }
    }

    /// Opens a socket.
    pub(crate) async fn open_socket(&mut self) -> Result<Socket, CallError> {
        self.with_token(async |http, token| Socket::open(http.server(), token).await).await
    }

    /// Calls once more with new tokens when the access token has expired.
    async fn with_token<T>(
        &mut self,
        call: impl AsyncFn(&Http, &SecretString) -> Result<T, CallError>,
    ) -> Result<T, CallError> {
        match call(&self.http, &self.tokens.access_token).await {
            Err(error) if error.has_status(StatusCode::UNAUTHORIZED) => {
                let refresh = Refresh { refresh_token: self.tokens.refresh_token.expose_secret() };
                self.tokens = self.http.post("/auth/refresh", &refresh).await?;
                call(&self.http, &self.tokens.access_token).await
            }
            answer => answer,
        }
    }
}

fn encode(query: &[(&str, &str)]) -> Result<String, CallError> {
    serde_urlencoded::to_string(query).map_err(|error| CallError::BadRequest(error.into()))
}
