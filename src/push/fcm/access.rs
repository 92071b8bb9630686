//! Access tokens of Google (RFC 7523 §2.1): one is fetched at a time, and used until shortly before its end.

use std::time::Duration;

use reqwest::Client;
use reqwest::header::HeaderValue;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

use super::account::Account;
use crate::domain::{PushOutcome, Timestamp};
use crate::push::http::{Reply, Unanswered, exchange};
use crate::push::time::{later, until};
use crate::push::verdict::{Effect, Verdict, code};

/// What the token allows.
const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";
/// Seconds for which an assertion is valid; Google's most.
const ASSERTED_S: i64 = 3600;
/// A token is not used in its last five minutes.
const MARGIN: Duration = Duration::from_mins(5);
/// The longest time for which a token is used, whatever the answer says.
const LONGEST: Duration = Duration::from_hours(1);
/// The wait after a fetch has failed; twice as long each time.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// The present access token.
pub(super) struct Access(Mutex<State>);

#[derive(Default)]
struct State {
    token: Option<Token>,
    /// What the last fetch has come to, when it failed, and until when nobody tries again.
    failed: Option<(Verdict, Timestamp)>,
    failures: u32,
}

/// An access token.
#[derive(Clone)]
pub(super) struct Token {
    /// The header `Authorization`.
    pub(super) header: HeaderValue,
    good_until: Timestamp,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    #[serde(default)]
    expires_in: Option<u64>,
}

#[derive(Deserialize)]
struct Refused {
    error: String,
}

impl Access {
    pub(super) fn new() -> Self {
        Self(Mutex::default())
    }

    /// Returns the token, fetched if there is none, or if it is the one that was refused.
    pub(super) async fn token(
        &self,
        (client, account): (&Client, &Account),
        refused: Option<&Token>,
        now: Timestamp,
        deadline: Instant,
    ) -> Result<Token, Verdict> {
        let late = || Verdict::unanswered(Unanswered::Late.as_str());
        // Whoever waits here gets what the first one fetches.
        let mut state = timeout_at(deadline, self.0.lock()).await.map_err(|_| late())?;
        let is_good = |token: &&Token| {
            until(now, token.good_until, LONGEST).is_some() && refused.is_none_or(|other| other.header != token.header)
        };
        if let Some(token) = state.token.as_ref().filter(is_good) {
            return Ok(token.clone());
        }
        if let Some((verdict, end)) = &state.failed
            && until(now, *end, LONGEST_WAIT).is_some()
        {
            return Err(verdict.clone());
        }
        match fetch(client, account, now, deadline).await {
            Ok(token) => {
                *state = State { token: Some(token.clone()), ..State::default() };
                Ok(token)
            }
            Err(verdict) => {
                let wait = FIRST_WAIT.saturating_mul(1 << state.failures.min(6)).min(LONGEST_WAIT);
                state.failures = state.failures.saturating_add(1);
                state.failed = Some((verdict.clone(), later(now, wait)));
                Err(verdict)
            }
        }
    }

    /// Forgets a failure, since an operator has mended something.
    pub(super) fn reset(&self) {
        if let Ok(mut state) = self.0.try_lock() {
            *state = State { token: state.token.take(), ..State::default() };
        }
    }
}

async fn fetch(client: &Client, account: &Account, now: Timestamp, deadline: Instant) -> Result<Token, Verdict> {
    let issued = now.as_secs();
    let claims = json!({
        "iss": account.client_email,
        "scope": SCOPE,
        "aud": account.token_uri,
        "iat": issued,
        "exp": issued + ASSERTED_S,
    });
    let header = json!({ "alg": "RS256", "typ": "JWT", "kid": account.key_id });
    let assertion = account.key.sign(&header, &claims);
    let assertion = assertion.map_err(|_| Verdict::unasked(PushOutcome::Retry, "no token could be signed"))?;
    let form = [("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", &assertion)];
    let form = serde_urlencoded::to_string(form);
    let form = form.map_err(|_| Verdict::unasked(PushOutcome::Retry, "no token could be asked for"))?;
    let request =
        client.post(&account.token_uri).header("Content-Type", "application/x-www-form-urlencoded").body(form);
    match exchange(request, now, deadline).await {
        Ok(reply) => judge(&reply, now),
        Err(why) => Err(Verdict::unanswered(&format!("token endpoint: {}", why.as_str()))),
    }
}

fn judge(reply: &Reply, now: Timestamp) -> Result<Token, Verdict> {
    let status = reply.status;
    if status == 200 && reply.is_whole {
        let granted: Option<Granted> = serde_json::from_slice(&reply.body).ok();
        let token = granted.and_then(|granted| granted.token(now));
        return token.ok_or_else(|| Verdict::failed(status, None).because("token endpoint: no token"));
    }
    let refused: Option<Refused> = serde_json::from_slice(&reply.body).ok();
    let reason = match refused.as_ref().and_then(|refused| code(&refused.error)) {
        Some(error) => format!("token endpoint: {error}"),
        None => format!("token endpoint: HTTP {status}"),
    };
    let verdict = match status {
        400 | 401 | 403 => Verdict::of(status, PushOutcome::Config, Effect::Stop),
        429 => Verdict::pause(status, reply.retry_after.unwrap_or(LONGEST_WAIT)),
        _ => Verdict::failed(status, reply.retry_after),
    };
    Err(verdict.because(&reason))
}

impl Granted {
    fn token(self, now: Timestamp) -> Option<Token> {
        let mut header = HeaderValue::try_from(format!("Bearer {}", self.access_token)).ok()?;
        header.set_sensitive(true);
        let lasts = Duration::from_secs(self.expires_in.unwrap_or(3600)).min(LONGEST);
        // Of a token that lasts less than ten minutes, the first half is used.
        let used = lasts.saturating_sub(MARGIN).max(lasts / 2);
        (!self.access_token.is_empty()).then(|| Token { header, good_until: later(now, used) })
    }
}
