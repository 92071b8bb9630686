//! The operator of a NATS server, who makes accounts and users, as `nsc` does: their tokens (JWT) and their keys.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use nkeys::KeyPair;
use serde_json::{Value, json};

/// An operator with one account.
pub(crate) struct Operator {
    operator: KeyPair,
    account: KeyPair,
}

impl Operator {
    pub(crate) fn new() -> Self {
        Self { operator: KeyPair::new_operator(), account: KeyPair::new_account() }
    }

    /// The lines with which a server trusts this operator and knows the account.
    pub(crate) fn settings(&self) -> String {
        let operator = token(&self.operator, &self.operator, &json!({"type": "operator", "version": 2}));
        let limits = json!({
            "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true, "conn": -1,
            "leaf": -1,
        });
        let account = json!({"type": "account", "version": 2, "limits": limits});
        let account = token(&self.operator, &self.account, &account);
        let id = self.account.public_key();
        format!("operator: {operator}\nresolver: MEMORY\nresolver_preload: {{ {id}: {account} }}")
    }

    /// The file of credentials of a new user, who may use `fluent.>` alone.
    pub(crate) fn credentials(&self) -> String {
        let user = KeyPair::new_user();
        let subjects = json!({"allow": ["fluent.>"]});
        let rights = json!({
            "type": "user", "version": 2, "pub": subjects, "sub": subjects, "subs": -1, "data": -1, "payload": -1,
        });
        let (token, seed) = (token(&self.account, &user, &rights), user.seed().unwrap());
        format!(
            "-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n\
             -----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
        )
    }
}

/// What `issuer` says of `subject`, signed.
fn token(issuer: &KeyPair, subject: &KeyPair, said: &Value) -> String {
    let header = json!({"typ": "JWT", "alg": "ed25519-nkey"});
    let subject = subject.public_key();
    let claims = json!({"jti": subject, "iat": 0, "iss": issuer.public_key(), "name": "fluent", "sub": subject,
        "nats": said});
    let text = format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()));
    let signature = BASE64.encode(issuer.sign(text.as_bytes()).unwrap());
    format!("{text}.{signature}")
}
