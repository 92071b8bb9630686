//! An account of a demo.

use fluent_backend::clock::random_token;
use serde::Deserialize;
use serde_json::json;

use super::cipher::KeyPair;
use crate::cli::http::Http;

/// An account, with all that its device needs.
pub(super) struct Account {
    pub(super) id: i64,
    pub(super) name: &'static str,
    pub(super) password: String,
    pub(super) keys: KeyPair,
}

impl Account {
    /// Makes a key and an account with it.
    pub(super) async fn register(http: &Http, name: &'static str) -> anyhow::Result<Self> {
        #[derive(Deserialize)]
        struct Registered {
            id: i64,
        }
        // Finding two primes takes a moment.
        let keys = tokio::task::spawn_blocking(KeyPair::generate).await??;
        let password = random_token()?;
        let registration = json!({
            "username": name, "email": format!("{name}@example.org"), "password": password,
            "public_key": keys.public_key(),
        });
        let Registered { id } = http.post_json("/auth/register", &registration).await?;
        Ok(Self { id, name, password, keys })
    }
}
