//! The parts that every endpoint can reach.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::body::StrangersBytes;
use super::client_address::ClientAddresses;
use super::codes::Codes;
use super::operators::Operators;
use super::places::Places;
use super::shares::Shares;
use super::web::WebClient;
use crate::actors::{ActorSystem, Health, Others, WhoHandle};
use crate::auth::{AddressRules, Auth, Bans};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::{Operator, OperatorScope};
use crate::limits::Limiters;
use crate::protocol::franking::ReportTokens;
use crate::service::media::MediaService;
use crate::service::{Addresses, Control, Dialects, Monitor, Notices, Service};
use crate::socket::Sockets;
use crate::storage::Storage;

/// Links of a demo: it makes two.
const MAX_DEMO_LINKS: usize = 64;
/// How long `doctor` may try the way of clients with one code.
pub(super) const PROBE_LIFETIME: Duration = Duration::from_mins(10);
/// Codes of `doctor` at once.
const MAX_PROBES: usize = 8;
/// How long a link to the operators' page signs in.
pub(super) const LINK_LIFETIME: Duration = Duration::from_mins(1);
/// Links to the operators' page at once.
const MAX_PAGE_LINKS: usize = 16;

/// What a link to the operators' page gives.
#[derive(Clone, Copy, Debug)]
pub struct PageLink {
    /// What the token is good for.
    pub scope: OperatorScope,
    /// Who has asked for the link.
    pub by: Operator,
}

/// The long-lived parts behind the endpoints.
pub struct App {
    /// All settings.
    pub config: Config,
    /// The use cases.
    pub service: Arc<Service>,
    /// Accounts and tokens.
    pub auth: Arc<Auth>,
    /// For reading users and messages.
    pub storage: Arc<Storage>,
    /// The open sockets.
    pub sockets: Sockets,
    /// The use cases of files; `None` where files are switched off.
    pub media: Option<Arc<MediaService>>,
    /// The dialects that logins have used.
    pub dialects: Arc<Dialects>,
    /// The clock of the server.
    pub clock: Clock,
    /// The state of the actors.
    pub health: Arc<Health>,
    /// What operators see of the server.
    pub monitor: Arc<Monitor>,
    /// What operators ask of the process.
    pub control: Control,
    /// For saying to other servers that this one is there.
    pub who: WhoHandle,
    /// What is known of the other servers.
    pub others: Others,
    /// The places for clients' connections.
    pub places: Arc<Places>,
    /// The shares that one account, and the responses to all clients, may take.
    pub shares: Arc<Shares>,
    /// The limits on rates.
    pub limiters: Arc<Limiters>,
    /// How the addresses of clients are found.
    pub client_addresses: Arc<ClientAddresses>,
    /// Which networks may come in.
    pub address_rules: Arc<AddressRules>,
    /// The names under which operators reach their listener.
    pub operators: Operators,
    /// Room for the bodies of requests without a token.
    pub strangers_bytes: StrangersBytes,
    /// The web client; `None` where it is switched off.
    pub web: Option<WebClient>,
    /// What the links of a demo give.
    pub demo_links: Codes<Bytes>,
    /// With these codes `doctor` tries the way of clients.
    pub probes: Codes<()>,
    /// Links that sign operators in at their page, with whoever has made them.
    pub page_links: Codes<PageLink>,
}

impl App {
    /// Returns the longest time of a drain: what an operator has asked for, or else what is configured.
    #[must_use]
    pub fn drain_window(&self) -> Duration {
        self.health.gate().drain_window(self.config.server.drain_window())
    }

    /// Closes the open sockets of clients whose networks may not come in.
    pub fn close_banned_sockets(&self) {
        let closed = self.sockets.close_banned(|client| self.address_rules.check(client).is_err());
        if closed > 0 {
            tracing::info!(count = closed, "sockets from blocked networks were closed");
        }
    }

    /// Puts the parts together. Clients' connections take `places`.
    #[must_use]
    pub fn new(
        config: Config,
        storage: Arc<Storage>,
        (auth, report_tokens): (Arc<Auth>, Arc<ReportTokens>),
        media: Option<Arc<MediaService>>,
        actors: &ActorSystem,
        clock: Clock,
        places: Arc<Places>,
    ) -> Arc<Self> {
        let (registry, persistence) = (actors.registry.clone(), actors.persistence.clone());
        let bans = Bans::new(&config.bans, &config.server.trusted_proxies, config.limits.enabled);
        let notices = Arc::<Notices>::default();
        let addresses = Addresses::new(actors.address_rules.clone(), bans, notices.clone());
        let parts = (auth.clone(), storage.clone(), actors.sender.clone());
        let service = Service::new(parts, registry, persistence, &config, report_tokens, addresses, clock.clone());
        let (health, sender) = (actors.health.clone(), actors.sender.clone());
        let monitor = Monitor::new(&config, health, storage.clone(), sender, clock.clone(), notices);
        Arc::new(Self {
            monitor: Arc::new(monitor),
            control: Control::default(),
            sockets: Sockets::new(
                &config,
                actors.registry.clone(),
                actors.health.gate().clone(),
                auth.limiters().clone(),
                storage.clone(),
            ),
            limiters: auth.limiters().clone(),
            shares: Shares::new(config.http.unwritten_bytes),
            client_addresses: Arc::new(ClientAddresses::new(&config.server)),
            address_rules: actors.address_rules.clone(),
            operators: Operators::new(&config.admin.hosts),
            strangers_bytes: StrangersBytes::default(),
            web: WebClient::embedded().filter(|_| config.web.enabled),
            demo_links: Codes::new(None, MAX_DEMO_LINKS),
            probes: Codes::new(Some(PROBE_LIFETIME), MAX_PROBES),
            page_links: Codes::new(Some(LINK_LIFETIME), MAX_PAGE_LINKS),
            dialects: service.dialects().clone(),
            media,
            service,
            clock,
            health: actors.health.clone(),
            who: actors.who.clone(),
            others: actors.others.clone(),
            storage,
            auth,
            places,
            config,
        })
    }
}
