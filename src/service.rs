//! What may be done: the use cases, whichever interface they are asked through.
//!
//! A use case takes typed, already parsed arguments of a user who is already authenticated, and has the change made
//! that belongs to it. Interfaces parse, call, and render the result. What follows for open sockets, tokens and
//! presence is announced by the writer: once a command is handed over, neither a caller who stops waiting nor a fault
//! here loses it.

mod account_control;
mod account_lists;
mod accounts;
mod addresses;
mod audit;
mod closed_sockets;
mod commands;
mod control;
mod dialects;
mod error;
mod keys;
mod log;
mod logins;
pub mod media;
mod messages;
mod monitor;
mod operator_tokens;
mod push;
mod push_trace;
mod registration;
mod reports;
mod second_factor;
mod settings;
mod sync;
mod user_limits;

use std::sync::Arc;
use std::time::Instant;

pub use account_lists::AccountDetail;
pub use addresses::Addresses;
pub use audit::Audit;
pub use control::{Control, Outcome, Reload, Reloaded, ReloadedPart};
pub use dialects::Dialects;
pub use error::ServiceError;
pub use log::LogState;
pub use monitor::{
    ActorNode, ActorTree, Batch, Check, CheckName, Edge, ListedSession, LiveEvent, Monitor, NotFollowed, Notice,
    NoticeLevel, Notices, Overview, PlacesTaken, Reader, Readiness, Series, Sessions, ShownError, ShownStatement,
    SlowList, Snapshot, SocketList, Tick,
};
pub use push::TEST_TIMEOUT;
pub use push_trace::{PushStatus, Traced, TracedTarget, attempt_in_words};
pub use sync::SyncPage;

use crate::actors::{PersistenceHandle, RegistryHandle};
use crate::auth::{Auth, AuthError, WrongPasswords};
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::domain::ClientAddress;
use crate::limits::Limiters;
use crate::protocol::franking::ReportTokens;
use crate::push::Sender;
use crate::storage::Storage;
use commands::Writer;
use operator_tokens::UsedTokens;

#[cfg(test)]
mod tests;

/// The use cases, with everything they act on.
pub struct Service {
    auth: Arc<Auth>,
    storage: Arc<Storage>,
    /// Closes a socket that was opened beside the end of its login.
    registry: RegistryHandle,
    /// Carries out commands.
    writer: Writer,
    /// The providers that wake devices.
    sender: Arc<dyn Sender>,
    /// The dialect of each login.
    dialects: Arc<Dialects>,
    /// The limits on rates.
    limiters: Arc<Limiters>,
    /// Counts wrong passwords for operators.
    wrong_passwords: WrongPasswords,
    /// What has happened to accounts and settings, for operators.
    audit: Audit,
    /// The tokens of operators' programs that were used lately.
    used_tokens: Arc<UsedTokens>,
    /// Who may register, as far as no operator has switched it.
    registration: config::Registration,
    reports: config::Reports,
    /// Makes and checks the tokens by which messages are reported.
    report_tokens: Arc<ReportTokens>,
    /// Which networks may come in.
    addresses: Addresses,
    clock: Clock,
}

impl Service {
    /// Use cases that act on these parts.
    #[must_use]
    pub fn new(
        (auth, storage, sender): (Arc<Auth>, Arc<Storage>, Arc<dyn Sender>),
        registry: RegistryHandle,
        persistence: PersistenceHandle,
        config: &Config,
        report_tokens: Arc<ReportTokens>,
        addresses: Addresses,
        clock: Clock,
    ) -> Arc<Self> {
        let limiters = auth.limiters().clone();
        let writer = Writer::new(persistence);
        let dialects = Arc::new(Dialects::new(storage.clone(), clock.clone(), writer.clone()));
        let used_tokens = Arc::<UsedTokens>::default();
        let audit = Audit::new(storage.clone(), clock.clone(), used_tokens.clone());
        Arc::new(Self {
            auth,
            storage,
            registry,
            writer,
            sender,
            dialects,
            limiters,
            wrong_passwords: WrongPasswords::default(),
            audit,
            used_tokens,
            registration: config.registration,
            reports: config.reports,
            report_tokens,
            addresses,
            clock,
        })
    }

    /// Returns what is known of the dialect of each login.
    #[must_use]
    pub fn dialects(&self) -> &Arc<Dialects> {
        &self.dialects
    }

    /// Returns the maker of report tokens.
    #[must_use]
    pub fn report_tokens(&self) -> &ReportTokens {
        &self.report_tokens
    }

    /// Logs the wrong passwords of the last minute; to be called every few seconds.
    pub fn log_wrong_passwords(&self) {
        self.audit.record_due();
        self.wrong_passwords.log_due(Instant::now());
    }

    /// Returns the limits on rates.
    #[must_use]
    pub fn limiters(&self) -> &Arc<Limiters> {
        &self.limiters
    }

    /// Counts a wrong password, if `outcome` is one.
    fn count_wrong_password<T>(&self, address: Option<ClientAddress>, outcome: &Result<T, AuthError>) {
        match outcome {
            Err(AuthError::WrongCredentials { user }) => self.audit.login_failed(*user, address),
            Err(AuthError::WrongPassword) => {}
            _ => return,
        }
        self.wrong_passwords.record(address, Instant::now());
    }
}
