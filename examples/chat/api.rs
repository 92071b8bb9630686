//! The calls of a signed-in user. Tokens are refreshed when the server asks for it.

mod files;

use fluent_client::Cursor;
use fluent_client::transport::{OpenError, Opening, Socket};
use http::StatusCode;
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::{DeserializeOwned, IgnoredAny};
use tokio::sync::Mutex;

use crate::http::{CallError, Http};
use crate::tls::Connection;
use crate::wire::{Conversation, Credentials, Refresh, Registration, Report, Reported, Tokens, User};

/// Most users or messages that the server puts on a page.
pub(crate) const MAX_PAGE: u32 = 100;

/// Where sockets are opened.
const SOCKET_PATH: &str = "/chat/ws";

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
    /// Locked during a refresh: calls that fail together refresh once.
    tokens: Mutex<Tokens>,
}

impl Api {
    /// Begins one.
    pub(crate) async fn log_in(http: Http, user: &str, password: &SecretString) -> Result<Self, CallError> {
        let credentials = Credentials { username: user, password: password.expose_secret() };
        let tokens = http.post("/auth/login", &credentials).await?;
        Ok(Self::new(http, tokens))
    }

    /// Goes on with one.
    pub(crate) fn new(http: Http, tokens: Tokens) -> Self {
        Self { http, tokens: Mutex::new(tokens) }
    }

    /// The user with this name, in whatever case.
    pub(crate) async fn find_user(&self, name: &str) -> Result<Option<User>, CallError> {
        let wanted = name.to_lowercase();
        let mut after = 0;
        loop {
            let query = [("query", name), ("limit", &MAX_PAGE.to_string()), ("after", &after.to_string())];
            let page: Vec<User> = self.get("/users/search", &query).await?;
            let Some(last) = page.last() else { return Ok(None) };
            after = last.id;
            if let Some(user) = page.into_iter().find(|user| user.name.to_lowercase() == wanted) {
                return Ok(Some(user));
            }
        }
    }

    /// A user's name and public key.
    pub(crate) async fn partner(&self, id: i64) -> Result<User, CallError> {
        self.get("/chat/partnerinfo", &[("partnerID", &id.to_string())]).await
    }

    /// A page of messages with a partner, newest first, ending before a place named by key and value.
    pub(crate) async fn messages<T: DeserializeOwned>(
        &self,
        partner: i64,
        before: Option<(&str, &str)>,
        limit: u32,
    ) -> Result<Vec<T>, CallError> {
        let (partner, limit) = (partner.to_string(), limit.to_string());
        let mut query = vec![("partnerID", partner.as_str()), ("limit", &limit)];
        query.extend(before);
        self.get("/chat/all_messages", &query).await
    }

    /// A page of conversations, newest first.
    pub(crate) async fn conversations(&self, before: Option<u64>) -> Result<Vec<Conversation>, CallError> {
        let (limit, before) = (MAX_PAGE.to_string(), before.map(|seq| seq.to_string()));
        let mut query = vec![("limit", limit.as_str())];
        query.extend(before.as_deref().map(|seq| ("before", seq)));
        self.get("/chat/conversations", &query).await
    }

    /// Opens a socket of the newer dialect. An expired token is the caller's business.
    pub(crate) async fn open_socket(
        &self,
        device_id: &str,
        since: Option<&Cursor>,
    ) -> Result<Socket<Connection>, OpenError> {
        let token = self.tokens.lock().await.access_token.clone();
        let url = self.http.server().socket_url(SOCKET_PATH);
        let opening = Opening { url: &url, token: token.expose_secret(), device_id, since };
        self.http.open(|connection| Socket::open(connection, opening)).await
    }

    /// Opens a socket of the app's dialect.
    pub(crate) async fn open_legacy_socket(&self) -> Result<Socket<Connection>, CallError> {
        let url = self.http.server().socket_url(SOCKET_PATH);
        let open = async |http: &Http, token: &SecretString| {
            let token = token.expose_secret();
            Ok(http.open(|connection| Socket::handshake(connection, &url, None, token)).await?)
        };
        self.with_token(open).await
    }

    /// Reports a message to the operators.
    pub(crate) async fn report(&self, report: &Report) -> Result<Reported, CallError> {
        self.with_token(async |http, token| http.post_with("/reports", token, report).await).await
    }

    /// Gets new tokens.
    pub(crate) async fn refresh(&self) -> Result<(), CallError> {
        self.replace(&mut *self.tokens.lock().await).await
    }

    async fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<T, CallError> {
        let path = with_query(path, query)?;
        self.with_token(async |http, token| http.get(&path, token).await).await
    }

    /// Calls once more with new tokens when the access token has expired.
    async fn with_token<T>(
        &self,
        call: impl AsyncFn(&Http, &SecretString) -> Result<T, CallError>,
    ) -> Result<T, CallError> {
        let token = self.tokens.lock().await.access_token.clone();
        match call(&self.http, &token).await {
            Err(error) if error.has_status(StatusCode::UNAUTHORIZED) => {
                let mut tokens = self.tokens.lock().await;
                if tokens.access_token.expose_secret() == token.expose_secret() {
                    self.replace(&mut tokens).await?;
                }
                let token = tokens.access_token.clone();
                drop(tokens);
                call(&self.http, &token).await
            }
            answer => answer,
        }
    }

    async fn replace(&self, tokens: &mut Tokens) -> Result<(), CallError> {
        let refresh = Refresh { refresh_token: tokens.refresh_token.expose_secret() };
        *tokens = self.http.post("/auth/refresh", &refresh).await?;
        Ok(())
    }
}

fn with_query(path: &str, query: &[(&str, &str)]) -> Result<String, CallError> {
    let query = serde_urlencoded::to_string(query).map_err(|error| CallError::BadRequest(error.into()))?;
    Ok(format!("{path}?{query}"))
}
