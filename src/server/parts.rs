//! The parts behind all interfaces: a store, its actors, and the use cases on them.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::{ServerError, node};
use crate::actors::{ActorSystem, Fatal};
use crate::auth::{Auth, InstanceKey, SecretError, TokenKeys};
use crate::clock::Clock;
use crate::config::Config;
use crate::http::{App, Places};
use crate::limits::Limiters;
use crate::protocol::franking::ReportTokens;
use crate::push::Sender;
use crate::service::media::MediaService;
use crate::storage::Storage;

/// What a server needs beside its store.
pub(super) struct Keys {
    tokens: TokenKeys,
    instance: InstanceKey,
}

impl Keys {
    /// Reads the keys, or makes them at the first start.
    pub(super) fn load(config: &Config, clock: &Clock) -> Result<Self, ServerError> {
        Ok(Self { tokens: TokenKeys::load(config, clock.now())?, instance: InstanceKey::load(config)? })
    }
}

/// What every interface needs, started.
pub(super) struct Parts {
    pub(super) app: Arc<App>,
    pub(super) actors: ActorSystem,
    pub(super) storage: Arc<Storage>,
    /// Says why the actors cannot go on.
    pub(super) fatal: oneshot::Receiver<Fatal>,
}

impl Parts {
    /// Starts the actors on an open store. Clients' connections take `places`.
    pub(super) async fn start(
        config: Config,
        keys: Keys,
        storage: Storage,
        (clock, sender): (Clock, Arc<dyn Sender>),
        places: Arc<Places>,
    ) -> Result<Self, ServerError> {
        let storage = Arc::new(storage);
        storage.bind_instance_key(&keys.instance.check()?).await?;
        node::join(&config, keys.tokens.secrets(), &storage).await?;
        storage.correct_clock(&clock).await?;
        storage.limit_messages(config.quota.messages_stored).await?;
        let limiters = Limiters::new(&config, &clock);
        storage.limit_by(limiters.clone());
        let tokens = ReportTokens::new(&*keys.instance.derive("report")?).map_err(|_| SecretError::Derivation)?;
        let tokens = Arc::new(tokens);
        let (key, keys) = (&keys.instance, (keys.tokens, &keys.instance));
        let media = MediaService::open(&config, storage.clone(), limiters.clone(), key, clock.clone()).await?;
        let auth = Arc::new(Auth::new(&config.auth, keys, storage.clone(), limiters, clock.clone()).await?);
        let files = media.as_ref().map(|media| media.for_actors());
        let checks = (auth.access().refused(), &tokens);
        let (actors, fatal) =
            ActorSystem::start(&config, storage.clone(), checks, files, sender, clock.clone()).await?;
        let app = App::new(config, storage.clone(), (auth, tokens), media, &actors, clock, places);
        app.service.load_user_limits().await?;
        Ok(Self { app, actors, storage, fatal })
    }
}
