//! TLS in the process: the handshake, and a certificate that is renewed while connections go on.
//!
//! Files are compared by their contents, since secrets of containers are swapped by symbolic links, which file events
//! do not show. The two files change one after the other: a pair that does not match is not loaded, and the former one
//! stays.

mod pair;

use std::io;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::{NoServerSessionStorage, ProducesTickets};
use rustls::sign::SingleCertAndKey;
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, SupportedProtocolVersion};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::{self, TlsVersion};
use crate::domain::Timestamp;
use crate::telemetry::{Seldom, metrics};
use pair::{Files, Pair, digest};

pub use pair::TlsError;

/// The time between two looks at the files.
const LOOK_INTERVAL: Duration = Duration::from_secs(10);
/// The only protocol that is spoken within TLS (RFC 7301).
const ALPN: &[u8] = b"http/1.1";
/// The most bytes that a connection holds back until its client reads: one record of the largest size.
const SEND_BUFFER: usize = 16 * 1024;
/// A certificate that ends sooner than this is warned of: whoever renews it has failed.
const ENDS_SOON_S: i64 = 7 * 24 * 3600;
/// A certificate that ends sooner than this is a warning of `/readyz`.
const WARNED_OF_S: i64 = 14 * 24 * 3600;
/// The time between two warnings of that.
const WARN_INTERVAL: Duration = Duration::from_hours(24);

/// TLS for the clients' listener.
pub struct Tls {
    files: config::Tls,
    clock: Clock,
    provider: Arc<CryptoProvider>,
    /// One for all certificates, so that sessions are resumed after a change, too.
    ticketer: Arc<dyn ProducesTickets>,
    current: ArcSwap<ServerConfig>,
    looks: Mutex<Looks>,
    /// The end of the certificate in use, in seconds since 1970: read while the files are looked at.
    ends_at: AtomicI64,
    /// Whether there are files that cannot be used.
    has_failed: AtomicBool,
    ends_soon: Seldom,
}

/// What the last looks at the files have found.
struct Looks {
    /// The digest of the files that are in use.
    used: [u8; 32],
    not_after: Timestamp,
    failed: Option<Failed>,
}

/// Files that cannot be used.
struct Failed {
    digest: [u8; 32],
    /// Whether it was logged.
    was_told: bool,
}

impl Tls {
    /// Reads certificate and key; `None` when none are configured. Fails when they do not belong together.
    pub fn load(files: &config::Tls, clock: &Clock) -> Result<Option<Arc<Self>>, TlsError> {
        if !files.is_on() {
            return Ok(None);
        }
        let provider = Arc::new(aws_lc_rs::default_provider());
        let ticketer = aws_lc_rs::Ticketer::new().map_err(TlsError::Setup)?;
        let read = Files::read(files)?;
        let pair = read.pair(&provider)?;
        let (used, not_after) = (read.digest(), pair.not_after);
        let current = configuration(files.min_version, &provider, &ticketer, pair)?;
        let tls = Self {
            files: files.clone(),
            clock: clock.clone(),
            provider,
            ticketer,
            current: ArcSwap::new(current),
            looks: Mutex::new(Looks { used, not_after, failed: None }),
            ends_at: AtomicI64::new(not_after.as_secs()),
            has_failed: AtomicBool::new(false),
            ends_soon: Seldom::new(WARN_INTERVAL),
        };
        metrics().tls_certificate_ends(not_after.as_secs());
        tls.warn_of_its_end(not_after);
        Ok(Some(Arc::new(tls)))
    }

    /// Returns what ails the certificate, if anything does.
    #[must_use]
    pub fn warning(&self, now: Timestamp) -> Option<String> {
        const DAY_S: i64 = 24 * 3600;
        let left_s = self.ends_at.load(Ordering::Relaxed).saturating_sub(now.as_secs());
        if left_s <= 0 {
            return Some("has ended".to_owned());
        }
        if left_s < WARNED_OF_S {
            return Some(format!("ends in {} days", left_s / DAY_S));
        }
        let failed = self.has_failed.load(Ordering::Relaxed);
        failed.then(|| "there is a new one that cannot be used".to_owned())
    }

    /// Shakes hands with the present certificate.
    pub(super) async fn accept(&self, stream: TcpStream) -> io::Result<Box<TlsStream<TcpStream>>> {
        let acceptor = TlsAcceptor::from(self.current.load_full());
        let limit = |connection: &mut rustls::ServerConnection| connection.set_buffer_limit(Some(SEND_BUFFER));
        Box::pin(acceptor.accept_with(stream, limit)).await.map(Box::new)
    }

    /// Returns the last moment at which the present certificate is valid.
    #[must_use]
    pub fn not_after(&self) -> Timestamp {
        self.looks.lock().unwrap_or_else(PoisonError::into_inner).not_after
    }

    /// Looks at the files every 10 seconds until `stop` is cancelled.
    pub async fn watch(self: Arc<Self>, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(LOOK_INTERVAL);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            // What cannot be used was logged.
            let _ = self.look(false).await;
        }
    }

    /// Loads the files when they have changed and belong together. What cannot be used is logged when it stays so until
    /// the next look, since the two files change one after the other; `at_once` means that they should be whole by now.
    /// Returns whether another certificate is in use now.
    pub async fn look(self: &Arc<Self>, at_once: bool) -> Result<bool, TlsError> {
        let tls = self.clone();
        // Ends early only when the process does.
        tokio::task::spawn_blocking(move || tls.look_at_files(at_once)).await.unwrap_or(Ok(false))
    }

    fn look_at_files(&self, at_once: bool) -> Result<bool, TlsError> {
        let mut looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        let read = Files::read(&self.files);
        let found = match &read {
            Ok(files) => files.digest(),
            Err(error) => digest(&[error.to_string().as_bytes()]),
        };
        let mut outcome = Ok(false);
        if found == looks.used {
            looks.failed = None;
        } else if at_once || looks.failed.as_ref().is_none_or(|failed| failed.digest != found || !failed.was_told) {
            match read.and_then(|files| self.replace(&files)) {
                Ok(not_after) => {
                    *looks = Looks { used: found, not_after, failed: None };
                    self.ends_at.store(not_after.as_secs(), Ordering::Relaxed);
                    tracing::info!(not_after = %not_after, "a new certificate is used");
                    outcome = Ok(true);
                }
                Err(error) => {
                    let is_again = looks.failed.as_ref().is_some_and(|failed| failed.digest == found);
                    let was_told = at_once || is_again;
                    if was_told {
                        metrics().tls_reload_failures.increment(1);
                        tracing::error!(error = %error, "the new certificate cannot be used: the former one stays");
                    }
                    looks.failed = Some(Failed { digest: found, was_told });
                    outcome = Err(error);
                }
            }
        }
        self.has_failed.store(looks.failed.as_ref().is_some_and(|failed| failed.was_told), Ordering::Relaxed);
        self.warn_of_its_end(looks.not_after);
        outcome
    }

    /// Puts the pair in these files into use. Returns the end of its certificate.
    fn replace(&self, files: &Files<'_>) -> Result<Timestamp, TlsError> {
        let pair = files.pair(&self.provider)?;
        let not_after = pair.not_after;
        self.current.store(configuration(self.files.min_version, &self.provider, &self.ticketer, pair)?);
        metrics().tls_certificate_ends(not_after.as_secs());
        Ok(not_after)
    }

    fn warn_of_its_end(&self, not_after: Timestamp) {
        if not_after < self.clock.now().plus_secs(ENDS_SOON_S) && self.ends_soon.is_due() {
            tracing::warn!(not_after = %not_after, "the certificate has ended or ends within a week: renew it");
        }
    }
}

/// Returns what new connections are served with.
fn configuration(
    min_version: TlsVersion,
    provider: &Arc<CryptoProvider>,
    ticketer: &Arc<dyn ProducesTickets>,
    pair: Pair,
) -> Result<Arc<ServerConfig>, TlsError> {
    let versions: &[&SupportedProtocolVersion] = match min_version {
        TlsVersion::V1_2 => &[&TLS13, &TLS12],
        TlsVersion::V1_3 => &[&TLS13],
    };
    let mut config = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(versions)
        .map_err(TlsError::Setup)?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(pair.certified)));
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.ticketer = ticketer.clone();
    // Sessions are resumed by tickets, which cost no memory here.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(Arc::new(config))
}
