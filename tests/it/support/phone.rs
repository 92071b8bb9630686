//! A model of the Android app, as strict as its decoders: it fails on unknown keys where the app does.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fluent_backend::testing::{Http, MessageFrame, TestSocket, TokenPair};
use rsa::pkcs8::{DecodePrivateKey as _, DecodePublicKey as _, EncodePublicKey as _};
use rsa::{Pkcs1v15Encrypt, RsaPrivateKey, RsaPublicKey};
use serde::Deserialize;
use serde_json::json;

pub(crate) const PASSWORD: &str = "pass word with % and _ 🔑";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Registered {
    pub(crate) id: i32,
    pub(crate) username: String,
    pub(crate) email: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FoundUser {
    pub(crate) id: i32,
    pub(crate) user_name: String,
    pub(crate) public_key: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Partner {
    pub(crate) id: i32,
    pub(crate) user_name: String,
    pub(crate) public_key: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Chat {
    pub(crate) partner: Partner,
    pub(crate) message: MessageFrame,
}

/// A phone with its key.
pub(crate) struct Phone {
    key: RsaPrivateKey,
    pub(crate) public_key: String,
    http: Http,
    pub(crate) id: i32,
    pub(crate) tokens: Option<TokenPair>,
}

impl Phone {
    pub(crate) fn new(http: Http) -> Self {
        Self::of(http, RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).unwrap())
    }

    /// A phone to which a key was brought, as PKCS #8 in PEM.
    pub(crate) fn with_key(http: Http, pem: &str) -> Self {
        Self::of(http, RsaPrivateKey::from_pkcs8_pem(pem).unwrap())
    }

    fn of(http: Http, key: RsaPrivateKey) -> Self {
        let spki = RsaPublicKey::from(&key).to_public_key_der().unwrap();
        let public_key = STANDARD.encode(spki.as_bytes());
        assert_eq!(public_key.len(), 392, "the app's keys have this length");
        Self { key, public_key, http, id: 0, tokens: None }
    }

    /// Signs up as the app's screen does: one field is name and address, then it logs in with the name that was echoed.
    pub(crate) async fn sign_up(&mut self, name: &str) {
        let body = json!({"username": name, "email": name, "password": PASSWORD, "public_key": self.public_key});
        let answer = self.http.post("/auth/register", &body).await.ok();
        assert!(answer.headers["content-type"].to_str().unwrap().starts_with("application/json"));
        let registered: Registered = answer.json();
        assert_eq!((registered.username.as_str(), registered.email.as_str()), (name, name));
        self.id = registered.id;
        self.log_in(&registered.username).await;
    }

    pub(crate) async fn log_in(&mut self, name: &str) {
        self.log_in_with(name, PASSWORD).await;
    }

    pub(crate) async fn log_in_with(&mut self, name: &str, password: &str) {
        let body = json!({"username": name, "password": password});
        let tokens: TokenPair = self.http.post("/auth/login", &body).await.ok().json();
        assert_eq!(tokens.token_type, "Bearer");
        self.tokens = Some(tokens);
    }

    pub(crate) fn signed_in(&self) -> Http {
        self.http.with_authorization(format!("Bearer {}", self.access()))
    }

    fn access(&self) -> &str {
        &self.tokens.as_ref().unwrap().access_token
    }

    pub(crate) async fn find(&self, text: &str) -> Vec<FoundUser> {
        self.http.get(&format!("/auth/get_all_users?search={text}")).await.ok().json()
    }

    pub(crate) async fn partner(&self, id: i32) -> Partner {
        self.signed_in().get(&format!("/chat/partnerinfo?partnerID={id}")).await.ok().json()
    }

    pub(crate) async fn chats(&self) -> Vec<Chat> {
        self.signed_in().get("/chat/chat_list").await.ok().json()
    }

    pub(crate) async fn messages(&self, partner: i32, query: &str) -> Vec<MessageFrame> {
        let path = format!("/chat/all_messages?partnerID={partner}{query}");
        self.signed_in().get(&path).await.ok().json()
    }

    pub(crate) async fn connect(&self) -> TestSocket {
        let path = format!("/chat/ws?token={}", self.access());
        TestSocket::open(self.http.addr(), &path, Some(self.access())).await.unwrap()
    }

    /// Encrypts both copies as the app does: RSA PKCS#1 v1.5 in base64.
    pub(crate) fn encrypt_for(&self, partner: &Partner, text: &str) -> (String, String) {
        let der = STANDARD.decode(&partner.public_key).unwrap();
        let theirs = RsaPublicKey::from_public_key_der(&der).unwrap();
        let encrypt = |key: &RsaPublicKey| {
            STANDARD.encode(key.encrypt(&mut rsa::rand_core::OsRng, Pkcs1v15Encrypt, text.as_bytes()).unwrap())
        };
        (encrypt(&theirs), encrypt(&RsaPublicKey::from(&self.key)))
    }

    pub(crate) fn decrypt(&self, content: &str) -> String {
        let bytes = self.key.decrypt(Pkcs1v15Encrypt, &STANDARD.decode(content).unwrap()).unwrap();
        String::from_utf8(bytes).unwrap()
    }
}
