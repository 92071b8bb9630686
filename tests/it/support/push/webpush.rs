//! A service of Web Push with its subscriptions: it checks the token of the server, and decrypts as browsers do.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fluent_backend::clock::Clock;
use fluent_backend::config::AllowedPlace;
use fluent_backend::domain::PushAddress;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::authority::Authority;
use super::captured::Captured;
use super::keys::verified;
use super::place;
use super::server::{Double, Judge, Plan, lock};

/// Whom the service may ask.
pub(super) const CONTACT: &str = "mailto:ops@example.org";

/// A service of Web Push.
pub(crate) struct WebPushDouble {
    double: Double,
    service: Arc<Service>,
}

struct Service {
    origin: String,
    clock: Clock,
    subscriptions: Mutex<HashMap<String, Arc<Keys>>>,
}

struct Keys {
    private: PrivateKey,
    public: Vec<u8>,
    auth: [u8; 16],
}

/// A subscription, as a browser has it.
#[derive(Clone)]
pub(crate) struct Subscription {
    pub(crate) endpoint: String,
    pub(crate) p256dh: Vec<u8>,
    pub(crate) auth: Vec<u8>,
}

impl Subscription {
    pub(crate) fn address(&self) -> PushAddress {
        let endpoint = self.endpoint.as_str().into();
        PushAddress::WebPush { endpoint, p256dh: self.p256dh.clone(), auth: self.auth.clone() }
    }
}

impl WebPushDouble {
    pub(super) async fn start(authority: &Authority, clock: &Clock) -> Self {
        Self::start_at("127.0.0.1", authority, clock, None).await
    }

    /// Starts a service at this address, with a certificate for a name under which it seems to be on port 443, or for
    /// `localhost`.
    pub(crate) async fn start_at(address: &str, authority: &Authority, clock: &Clock, name: Option<&str>) -> Self {
        let listener = TcpListener::bind((address, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let origin = name.map_or_else(|| format!("https://localhost:{port}"), |name| format!("https://{name}"));
        let service = Arc::new(Service { origin, clock: clock.clone(), subscriptions: Mutex::default() });
        let tls = authority.server(name.unwrap_or("localhost"), &["h2", "http/1.1"]);
        Self { double: Double::serve(listener, tls, service.clone()), service }
    }

    pub(crate) fn double(&self) -> &Double {
        &self.double
    }

    /// Returns what an operator allows so that it is reached.
    pub(super) fn place(&self) -> AllowedPlace {
        place("localhost", self.double.port())
    }

    /// Makes a subscription.
    pub(crate) fn subscribe(&self) -> Subscription {
        let private = PrivateKey::generate(&ECDH_P256).unwrap();
        let public = private.compute_public_key().unwrap().as_ref().to_vec();
        let mut subscriptions = lock(&self.service.subscriptions);
        let auth = [u8::try_from(subscriptions.len()).unwrap() + 1; 16];
        let path = format!("/push/{:08}secret", subscriptions.len());
        let endpoint = format!("{}{path}", self.service.origin);
        subscriptions.insert(path, Arc::new(Keys { private, public: public.clone(), auth }));
        Subscription { endpoint, p256dh: public, auth: auth.to_vec() }
    }

    /// Returns what devices have read, in the order of the requests.
    pub(crate) fn decrypted(&self) -> Vec<String> {
        self.double.captured().into_iter().filter_map(|captured| captured.decrypted).collect()
    }
}

impl Judge for Service {
    fn judge(&self, request: &mut Captured) -> Result<Plan, String> {
        self.check_token(request)?;
        let keys = lock(&self.subscriptions).get(&request.path).cloned();
        let Some(keys) = keys else { return Ok(Plan::status(404)) };
        let header = |name| request.header(name);
        let expected = [("2419200", "high"), ("86400", "normal")];
        let is_good = expected.contains(&(header("ttl"), header("urgency")))
            && [header("topic"), header("content-encoding"), header("content-type"), header("content-length")]
                == ["wake", "aes128gcm", "application/octet-stream", "230"];
        if !is_good {
            return Err(format!("headers: {:?}", request.headers));
        }
        let text = decrypt(&request.body, &keys).ok_or("a body that cannot be decrypted")?;
        let wake: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        if wake["w"].as_str().is_none_or(|w| w.len() != 16) || wake != json!({ "t": "wake", "w": wake["w"] }) {
            return Err(format!("a wake-up: {text}"));
        }
        request.decrypted = Some(text);
        Ok(Plan::status(201))
    }
}

impl Service {
    /// RFC 8292 §2 and §3.
    fn check_token(&self, request: &Captured) -> Result<(), String> {
        let header = request.header("authorization");
        let parts = header.strip_prefix("vapid t=").and_then(|rest| rest.split_once(", k="));
        let (token, key) = parts.ok_or_else(|| format!("no token: {header}"))?;
        let point = URL_SAFE_NO_PAD.decode(key).map_err(|error| error.to_string())?;
        let (header, claims) = verified(token, &DecodingKey::from_ec_der(&point), Algorithm::ES256)?;
        let left = claims["exp"].as_i64().unwrap_or_default() - self.clock.now().as_secs();
        let expected = json!({ "aud": self.origin, "exp": claims["exp"], "sub": CONTACT });
        let is_good = claims == expected && header.typ.as_deref() == Some("JWT") && (3000..=43_260).contains(&left);
        if is_good && key.len() == 87 { Ok(()) } else { Err(format!("a token: {claims} {left}")) }
    }
}

/// RFC 8291 §3.4 and RFC 8188 §2, on the side of the browser.
fn decrypt(body: &[u8], keys: &Keys) -> Option<String> {
    let (head, sealed) = body.split_at_checked(86)?;
    if body.len() != 230 || head[16..21] != [0, 0, 16, 0, 65] {
        return None;
    }
    let (salt, server) = (&head[..16], &head[21..]);
    let input = agree(&keys.private, UnparsedPublicKey::new(&ECDH_P256, server), (), |shared| {
        let extracted = Salt::new(HKDF_SHA256, &keys.auth).extract(shared);
        Ok(derive::<32>(&extracted, &[b"WebPush: info\0", &keys.public, server]))
    });
    let extracted = Salt::new(HKDF_SHA256, salt).extract(&input.ok()?);
    let key = derive::<16>(&extracted, &[b"Content-Encoding: aes128gcm\0"]);
    let nonce = derive::<12>(&extracted, &[b"Content-Encoding: nonce\0"]);
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).ok()?);
    let mut sealed = sealed.to_vec();
    let opened = key.open_in_place(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut sealed).ok()?;
    let end = opened.iter().rposition(|byte| *byte != 0).filter(|end| opened[*end] == 2)?;
    String::from_utf8(opened[..end].to_vec()).ok()
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn derive<const N: usize>(from: &Prk, info: &[&[u8]]) -> [u8; N] {
    let mut key = [0; N];
    from.expand(info, Length(N)).unwrap().fill(&mut key).unwrap();
    key
}
