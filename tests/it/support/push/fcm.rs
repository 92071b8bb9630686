//! Firebase Cloud Messaging, and Google's token endpoint.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use fluent_backend::clock::Clock;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::json;
use tokio::net::TcpListener;

use super::authority::Authority;
use super::captured::Captured;
use super::keys::{rsa, verified};
use super::server::{Double, Judge, Plan, lock};

/// The Firebase project.
pub(crate) const PROJECT: &str = "fluent-test";
const EMAIL: &str = "push@fluent-test.iam.gserviceaccount.com";
const KEY_ID: &str = "0123456789abcdef";

/// FCM and the token endpoint.
pub(crate) struct FcmDouble {
    double: Double,
    google: Arc<Google>,
    account: String,
}

struct Google {
    key: DecodingKey,
    token_uri: String,
    clock: Clock,
    /// Access tokens that are good.
    tokens: Mutex<HashSet<String>>,
    fetches: Mutex<Vec<Plan>>,
    fetched: Mutex<usize>,
}

impl FcmDouble {
    pub(super) async fn start(authority: &Authority, clock: &Clock) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let token_uri = format!("https://localhost:{}/token", listener.local_addr().unwrap().port());
        let (private, key) = rsa();
        let account = json!({
            "type": "service_account", "project_id": PROJECT, "private_key_id": KEY_ID, "private_key": private,
            "client_email": EMAIL, "client_id": "1", "auth_uri": "https://localhost/auth", "token_uri": token_uri,
            "universe_domain": "googleapis.com",
        });
        let google = Arc::new(Google {
            key,
            token_uri,
            clock: clock.clone(),
            tokens: Mutex::default(),
            fetches: Mutex::default(),
            fetched: Mutex::default(),
        });
        let tls = authority.server("localhost", &["h2", "http/1.1"]);
        Self { double: Double::serve(listener, tls, google.clone()), google, account: account.to_string() }
    }

    /// Returns the file with the key of the service account.
    pub(super) fn account(&self) -> &str {
        &self.account
    }

    pub(crate) fn double(&self) -> &Double {
        &self.double
    }

    /// Returns how many access tokens were fetched.
    pub(crate) fn fetches(&self) -> usize {
        *lock(&self.google.fetched)
    }

    /// Ends all access tokens.
    pub(crate) fn end_tokens(&self) {
        lock(&self.google.tokens).clear();
    }

    /// Answers the next requests for an access token so.
    pub(crate) fn plan_fetches(&self, plans: impl IntoIterator<Item = Plan>) {
        lock(&self.google.fetches).extend(plans);
    }

    /// Returns the requests that were no fetches.
    pub(crate) fn messages(&self) -> Vec<Captured> {
        self.double.captured().into_iter().filter(|captured| captured.path != "/token").collect()
    }
}

impl Judge for Google {
    fn judge(&self, request: &mut Captured) -> Result<Plan, String> {
        if request.path == "/token" {
            *lock(&self.fetched) += 1;
            self.check_assertion(request)?;
            let mut plans = lock(&self.fetches);
            return Ok(if plans.is_empty() { self.grant() } else { plans.remove(0) });
        }
        if request.path != format!("/v1/projects/{PROJECT}/messages:send") {
            return Err(format!("no such path: {}", request.path));
        }
        let token = request.header("authorization").strip_prefix("Bearer ").unwrap_or_default();
        if !lock(&self.tokens).contains(token) {
            return Ok(Plan::body(401, r#"{"error":{"code":401,"status":"UNAUTHENTICATED"}}"#));
        }
        check_message(request)?;
        let name = format!("projects/{PROJECT}/messages/0:{}%abc", *lock(&self.fetched));
        Ok(Plan::body(200, &json!({ "name": name }).to_string()))
    }
}

impl Google {
    /// RFC 7523 §3, as Google checks it.
    fn check_assertion(&self, request: &Captured) -> Result<(), String> {
        if request.header("content-type") != "application/x-www-form-urlencoded" {
            return Err(format!("a form is {:?}", request.header("content-type")));
        }
        let form: Vec<(String, String)> = serde_urlencoded::from_bytes(&request.body).map_err(|e| e.to_string())?;
        let [(grant, kind), (name, assertion)] = form.as_slice() else { return Err(format!("a form: {form:?}")) };
        if (grant.as_str(), kind.as_str(), name.as_str())
            != ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion")
        {
            return Err(format!("a form: {form:?}"));
        }
        let (header, claims) = verified(assertion, &self.key, Algorithm::RS256)?;
        let now = self.clock.now().as_secs();
        let issued = claims["iat"].as_i64().unwrap_or_default();
        let expected = json!({
            "iss": EMAIL, "scope": "https://www.googleapis.com/auth/firebase.messaging", "aud": self.token_uri,
            "iat": issued, "exp": issued + 3600,
        });
        let is_good = claims == expected && (now - issued).abs() <= 60 && header.kid.as_deref() == Some(KEY_ID);
        if is_good { Ok(()) } else { Err(format!("an assertion: {header:?} {claims}")) }
    }

    fn grant(&self) -> Plan {
        let token = format!("ya29.{}", *lock(&self.fetched));
        lock(&self.tokens).insert(token.clone());
        let granted = json!({ "access_token": token, "expires_in": 3599, "token_type": "Bearer" });
        Plan::body(200, &granted.to_string())
    }
}

/// The whole message is what it must be, with nothing beside it.
fn check_message(request: &Captured) -> Result<(), String> {
    let body = request.json();
    let (token, wake) = (body["message"]["token"].clone(), body["message"]["data"]["w"].clone());
    let (priority, ttl) = match body["message"]["android"]["priority"].as_str() {
        Some("NORMAL") => ("NORMAL", "86400s"),
        _ => ("HIGH", "2419200s"),
    };
    let expected = json!({ "message": {
        "token": token,
        "android": { "priority": priority, "ttl": ttl, "collapse_key": "wake" },
        "data": { "t": "wake", "w": wake },
    } });
    let is_wake = wake.as_str().is_some_and(|wake| wake.len() == 16);
    let is_json = request.header("content-type") == "application/json";
    if body == expected && is_wake && is_json { Ok(()) } else { Err(format!("a message: {body}")) }
}
