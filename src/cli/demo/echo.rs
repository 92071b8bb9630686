//! The partner of a demo: a client that sends back what it reads.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use fluent_backend::clock::random_token;
use fluent_client::transport::{Connector, Link, OpenError, Opening, Socket, Stream};
use fluent_client::{Action, Client, Cursor, Draft, Event, Message, Notice, Outbox, Refreshed, ServerFrame};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::account::Account;
use super::cipher::PartnerKey;
use crate::cli::http::Http;

/// The only type of message that is understood.
const TEXT: &str = "text";
/// The first message to each account.
const GREETING: &str = "Hello! Whatever you write to me comes back. Only you and I can read it: it is encrypted on \
    your device, and the server has no key.";
/// The answer to what is no text.
const NO_TEXT: &str = "That has arrived. I can only read texts.";
/// Longest time to connect and shake hands: a busy server lets clients wait for their turn.
const OPEN_TIMEOUT: Duration = Duration::from_secs(15);

/// The tokens of a login.
#[derive(Deserialize)]
struct Tokens {
    access_token: String,
    refresh_token: String,
}

/// A user as the server knows them.
#[derive(Deserialize)]
struct User {
    public_key: String,
    key_id: String,
}

/// The partner, signed in.
pub(super) struct Echo {
    http: Http,
    account: Account,
    tokens: Arc<Mutex<Tokens>>,
    /// The keys of those who have written, until they change.
    users: HashMap<i64, User>,
}

impl Echo {
    /// Signs in.
    pub(super) async fn log_in(http: Http, account: Account) -> anyhow::Result<Self> {
        let credentials = json!({"username": account.name, "password": account.password});
        let tokens: Tokens = http.post_json("/auth/login", &credentials).await?;
        Ok(Self { http, account, tokens: Arc::new(Mutex::new(tokens)), users: HashMap::new() })
    }

    /// Greets these users, tells when that is stored, and writes back for ever. Fails when the server shuts it out.
    pub(super) async fn run<const N: usize>(
        mut self,
        greeted: [i64; N],
        tell: oneshot::Sender<()>,
    ) -> anyhow::Result<()> {
        let mut link = self.link()?;
        let mut client = Client::new(self.account.id, Vec::new(), None, Outbox::default());
        let mut events = VecDeque::from([Event::Start]);
        for user in greeted {
            events.push_back(Event::Written(self.seal(GREETING, user).await?));
        }
        let (mut tell, mut is_live) = (Some(tell), false);
        loop {
            let event = match events.pop_front() {
                Some(event) => event,
                None => link.next().await,
            };
            for action in client.on(event) {
                let Some(action) = link.perform(action).await else { continue };
                is_live |= matches!(action, Action::Tell(Notice::Live));
                events.extend(self.perform(action).await?);
            }
            if is_live && client.outbox().waiting().next().is_none() {
                // Whoever listened may have gone.
                let _ = tell.take().map(|tell| tell.send(()));
            }
        }
    }

    /// Returns what opens the sockets.
    fn link(&self) -> anyhow::Result<Link<Stream>> {
        let (server, tokens, connector) = (self.http.server().clone(), self.tokens.clone(), Connector::new([])?);
        Ok(Link::new(move |since: Option<Cursor>| {
            let (server, connector) = (server.clone(), connector.clone());
            let token = lock(&tokens).access_token.clone();
            let open = async move {
                let stream = connector.connect(&server).await?;
                let url = server.socket_url("/chat/ws");
                Socket::open(stream, Opening { url: &url, token: &token, device_id: "echo", since: since.as_ref() })
                    .await
            };
            async move { timeout(OPEN_TIMEOUT, open).await.map_err(OpenError::unreachable)? }
        }))
    }

    /// Does what the machine asks for, and returns what comes of it. Nothing is kept: the process holds it all.
    async fn perform(&mut self, action: Action) -> anyhow::Result<Vec<Event>> {
        Ok(match action {
            Action::Keep(ServerFrame::Message(message)) if message.sender_id != self.account.id => {
                self.answer(&message).await
            }
            Action::Keep(ServerFrame::KeyChanged { user_id, .. }) => {
                self.users.remove(&user_id);
                Vec::new()
            }
            Action::StartOver(number) => vec![Event::Reloaded(number)],
            Action::Refresh => vec![Event::Refreshed(self.refresh().await)],
            Action::Renew(draft) => vec![self.renew(draft).await],
            Action::Tell(Notice::Failed { code, .. }) => {
                tracing::warn!(code, "a message of the partner was refused");
                Vec::new()
            }
            Action::Stop(why) => return Err(why.into()),
            _ => Vec::new(),
        })
    }

    /// Reads a message, and returns that, with a message back. What cannot be decrypted is not answered: the difference
    /// would help who wants to decrypt what is not theirs (Bleichenbacher).
    async fn answer(&mut self, message: &Message) -> Vec<Event> {
        let seen = Event::Seen { partner: message.sender_id, id: message.id };
        let text = match message.kind.as_str() {
            TEXT => self.account.keys.decrypt(&message.content),
            _ => Some(NO_TEXT.to_owned()),
        };
        let Some(text) = text else { return vec![seen] };
        match self.seal(&text, message.sender_id).await {
            Ok(draft) => vec![seen, Event::Written(draft)],
            Err(error) => {
                tracing::warn!(error = %format!("{error:#}"), "the partner cannot answer");
                vec![seen]
            }
        }
    }

    /// Encrypts a text for both sides.
    async fn seal(&mut self, text: &str, to: i64) -> anyhow::Result<Draft> {
        if !self.users.contains_key(&to) {
            let token = lock(&self.tokens).access_token.clone();
            let found: Vec<User> = self.http.get_json(&format!("/users?ids={to}"), &token).await?;
            self.users.insert(to, found.into_iter().next().context("the user is gone")?);
        }
        let user = self.users.get(&to).context("the user is gone")?;
        Ok(Draft {
            client_id: random_token()?,
            to,
            receiver_encrypted: PartnerKey::parse(&user.public_key)?.encrypt(text)?,
            sender_encrypted: self.account.keys.encrypt(text)?,
            kind: TEXT.to_owned(),
            receiver_key_id: Some(user.key_id.clone()),
            franking_tag: None,
            attachment_ids: Vec::new(),
        })
    }

    /// Encrypts a message for the receiver's present key.
    async fn renew(&mut self, draft: Draft) -> Event {
        self.users.remove(&draft.to);
        let client_id = draft.client_id;
        let Some(text) = self.account.keys.decrypt(&draft.sender_encrypted) else {
            return Event::NotEncryptable { client_id, why: "the own copy cannot be read".to_owned() };
        };
        match self.seal(&text, draft.to).await {
            Ok(draft) => Event::Renewed { client_id, draft },
            Err(error) => Event::NotEncryptable { client_id, why: format!("{error:#}") },
        }
    }

    async fn refresh(&self) -> Refreshed {
        let body = json!({"refresh_token": lock(&self.tokens).refresh_token});
        match self.http.post_json("/auth/refresh", &body).await {
            Ok(tokens) => {
                *lock(&self.tokens) = tokens;
                Refreshed::Done
            }
            Err(error) => Refreshed::Refused(format!("{error:#}")),
        }
    }
}

fn lock(tokens: &Mutex<Tokens>) -> std::sync::MutexGuard<'_, Tokens> {
    // Two texts, whole after any panic.
    tokens.lock().unwrap_or_else(PoisonError::into_inner)
}
