//! Settings: the embedded defaults, then a file, then the environment; an unknown key is an error.

mod address;
mod env_file;
mod environment;
mod error;
mod former;
mod nats;
mod origin;
mod redaction;
mod sections;
mod sources;
mod store;
mod warnings;

use std::collections::HashMap;
use std::hash::RandomState;
use std::path::{Path, PathBuf};

use ::config::{Environment, File, FileFormat};
use serde::Deserialize;

use crate::domain::{LimitRule, Limiter, SendLimits};

pub use address::{ListenAddress, NotAnAddress, reachable};
pub(crate) use env_file::without_byte_order_mark;
pub use error::ConfigError;
pub use nats::NatsServers;
pub use sections::{
    Admin, AllowedPlace, Apns, Audit, Auth, Bans, Bytes, ClientAddressSource, Cluster, Database, Failover, Fcm, Http,
    Limits, Log, LogFormat, MAX_ARGON2_MEMORY_KIB, MAX_ARGON2_PASSES, MAX_LINK_S, Media, MediaS3, MediaStore, Messages,
    Push, Quota, Rate, Registration, Reports, S3_PART, Server, Socket, Synchronous, Tls, TlsVersion, TokenAlgorithm,
    Web, WebPush,
};
pub use sources::{Setting, Source};
pub use store::Store;

use sources::Sources;

/// `config/default.toml`: every key with its default and one comment.
pub const DEFAULTS: &str = include_str!("../config/default.toml");

/// All settings.
#[derive(Clone, Debug, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The public listener and the process.
    pub server: Server,
    /// The operators' listener.
    pub admin: Admin,
    /// Where messages are stored.
    pub database: Database,
    /// Tokens and passwords.
    pub auth: Auth,
    /// Who may make an account.
    pub registration: Registration,
    /// Messages that users report.
    pub reports: Reports,
    /// The log of what has happened to accounts and settings.
    pub audit: Audit,
    /// Limits and headers of HTTP.
    pub http: Http,
    /// The web client.
    pub web: Web,
    /// TLS in the process.
    pub tls: Tls,
    /// Limits and deadlines of sockets.
    pub socket: Socket,
    /// How long messages and tombstones are kept.
    pub messages: Messages,
    /// Files.
    pub media: Media,
    /// Waking devices.
    pub push: Push,
    /// How servers on one PostgreSQL learn of each other's batches.
    pub cluster: Cluster,
    /// Limits on rates.
    pub limits: Limits,
    /// Automatic bans of networks.
    pub bans: Bans,
    /// How much of the server one user may take.
    pub quota: Quota,
    /// Logging.
    pub log: Log,
    /// Where they were read.
    #[serde(skip)]
    sources: Sources,
}

impl Config {
    /// Returns the embedded defaults alone.
    pub fn defaults() -> Result<Self, ConfigError> {
        Self::load(None, HashMap::new())
    }

    /// Reads the defaults, then `file`, then `variables` (the process environment, as a rule). Later ones win.
    pub fn load(file: Option<&Path>, variables: HashMap<String, String>) -> Result<Self, ConfigError> {
        Self::read(file, variables, RandomState::new())
    }

    /// Reads the defaults, then `file`, then the environment of this process: what
    /// [`changed_since`](Self::changed_since) reads again.
    pub fn of_process(file: Option<&Path>) -> Result<Self, ConfigError> {
        let mut config = Self::load(file, Self::environment()?)?;
        config.sources.of_process(file);
        Ok(config)
    }

    fn read(
        file: Option<&Path>,
        variables: HashMap<String, String>,
        digests: RandomState,
    ) -> Result<Self, ConfigError> {
        let mut builder = ::config::Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
        let text = file.map(read_file).transpose()?;
        if let Some(text) = &text {
            builder = builder.add_source(File::from_str(text, FileFormat::Toml));
        }
        let variables = environment::with_short_names(variables);
        let environment =
            Environment::with_prefix("FLUENT").prefix_separator("__").separator("__").source(Some(variables));
        let invalid = |error: ::config::ConfigError| ConfigError::Invalid {
            file: file.map(Path::to_owned),
            reason: error.to_string(),
        };
        let settings = builder.add_source(environment).build().map_err(invalid)?;
        former::refuse(&settings)?;
        let sources = Sources::of(&settings, text.as_deref(), digests).map_err(invalid)?;
        let mut config: Self = settings.try_deserialize().map_err(invalid)?;
        config.sources = sources;
        config.validate()?;
        Ok(config)
    }

    /// Returns the process environment over a `.env` file in the working directory.
    pub fn environment() -> Result<HashMap<String, String>, ConfigError> {
        environment::read()
    }

    /// Checks what the types cannot express.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.admin.validate()?;
        self.auth.validate()?;
        self.audit.validate()?;
        self.reports.validate()?;
        self.socket.validate()?;
        self.http.validate(&self.socket)?;
        self.server.validate()?;
        self.tls.validate()?;
        self.database.validate()?;
        let store = self.store()?;
        self.messages.validate()?;
        self.push.validate()?;
        self.cluster.validate(matches!(store, Store::Sqlite(_)))?;
        self.log.validate()?;
        self.media.validate(self.cluster.nats()?.is_some())?;
        self.bans.validate()?;
        self.limits.validate(self.socket.max_ciphertext_bytes)?;
        self.quota.validate(self.socket.max_ciphertext_bytes)
    }

    /// Returns the limits on what a client sends.
    #[must_use]
    pub fn send_limits(&self) -> SendLimits {
        SendLimits { ciphertext_bytes: self.socket.max_ciphertext_bytes, attachments: self.media.per_message }
    }

    /// Returns the store that `database.url` names, or the SQLite file in the data directory.
    pub fn store(&self) -> Result<Store, ConfigError> {
        use secrecy::ExposeSecret as _;
        match self.database.url.expose_secret() {
            "" => Ok(Store::Sqlite(self.server.data_dir.join("fluent.db"))),
            url => Store::parse(url),
        }
    }

    /// Returns the numbers of a limiter; `None` when it is off, or a cap.
    #[must_use]
    pub fn limit(&self, limiter: Limiter) -> Option<LimitRule> {
        match limiter {
            Limiter::QuotaSend => self.quota.send_rule().filter(|_| self.limits.enabled),
            _ => self.limits.rule(limiter),
        }
    }

    /// Returns the same settings on another database. The URL is not checked.
    #[must_use]
    pub fn on(&self, url: String) -> Self {
        let mut config = self.clone();
        config.database.url = url.into();
        config
    }

    /// Returns the same settings on this SQLite file.
    #[must_use]
    pub fn on_file(&self, path: &Path) -> Self {
        // The path is absolute, so that its beginning cannot be taken for something else.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        self.on(Store::Sqlite(path).to_string())
    }

    /// Returns whether clients reach the server by TLS, its own or that of a proxy.
    #[must_use]
    pub fn is_reached_by_tls(&self) -> bool {
        self.http.behind_tls || self.tls.is_on()
    }

    /// Returns whether the secret, the instance key or the database is in the data directory.
    #[must_use]
    pub fn uses_data_dir(&self) -> bool {
        use secrecy::ExposeSecret as _;
        self.auth.secret_key.expose_secret().is_empty()
            || self.auth.instance_key_file.is_empty()
            || (self.auth.token_algorithm == TokenAlgorithm::EdDsa && self.auth.token_keys_dir.is_empty())
            || self.database.url.expose_secret().is_empty()
            || (self.media.is_local() && self.media.directory.is_empty())
            || (self.push.makes_webpush() && self.push.webpush.vapid_key_file.is_empty())
    }

    /// Returns the directory of files.
    #[must_use]
    pub fn media_dir(&self) -> PathBuf {
        match self.media.directory.as_str() {
            "" => self.server.data_dir.join("media"),
            named => named.into(),
        }
    }

    /// Returns the file of the key by which services of Web Push know this server.
    #[must_use]
    pub fn vapid_key_file(&self) -> PathBuf {
        match self.push.webpush.vapid_key_file.as_str() {
            "" => self.server.data_dir.join("keys/vapid.pem"),
            named => named.into(),
        }
    }

    /// Returns the directory of the Ed25519 keys that sign access tokens.
    #[must_use]
    pub fn token_keys_dir(&self) -> PathBuf {
        match self.auth.token_keys_dir.as_str() {
            "" => self.server.data_dir.join("keys"),
            named => named.into(),
        }
    }

    /// Returns the file of the instance key.
    #[must_use]
    pub fn instance_key_file(&self) -> PathBuf {
        match self.auth.instance_key_file.as_str() {
            "" => self.server.data_dir.join("keys/instance.key"),
            named => named.into(),
        }
    }

    /// Returns the Unix socket over which `fluent-backend admin` reaches the server.
    #[must_use]
    pub fn admin_socket(&self) -> PathBuf {
        self.server.data_dir.join("admin.sock")
    }

    /// Returns the file in which the secret is kept when none is configured.
    #[must_use]
    pub fn secret_file(&self) -> PathBuf {
        self.server.data_dir.join("secret.key")
    }

    /// Returns all settings as TOML, with secrets replaced, also those in the database's URL.
    pub fn redacted_toml(&self) -> Result<String, ConfigError> {
        toml::to_string(self).map_err(|error| ConfigError::Invalid { file: None, reason: error.to_string() })
    }
}

/// Returns the text of a file, which is TOML.
fn read_file(path: &Path) -> Result<String, ConfigError> {
    let text =
        std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
    let text = without_byte_order_mark(&text).to_owned();
    check_syntax(path, &text)?;
    Ok(text)
}

/// Returns a syntax error without the text of its line, which may hold a secret.
fn check_syntax(path: &Path, text: &str) -> Result<(), ConfigError> {
    toml::from_str::<toml::Table>(text).map(drop).map_err(|error| {
        let line = error.span().map_or(0, |span| text[..span.start.min(text.len())].lines().count().max(1));
        ConfigError::Invalid { file: Some(path.to_owned()), reason: format!("line {line}: {}", error.message()) }
    })
}

#[cfg(test)]
mod tests;
