//! Full handshakes of TLS, each on a connection of its own, at the server and at a bare acceptor in turn.
//!
//! The client closes each connection as soon as it is open, and waits until the server has closed it as well. So each
//! handshake is complete on both sides, and nothing else is measured.

mod bare;

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures_util::future::try_join_all;
use rustls::client::Resumption;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde::Serialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::TlsConnector;

use crate::costs::{Costs, Snapshot};
use crate::place::Place;
use crate::report::{self, Spread};
use crate::target::Target;
use bare::{CERTIFICATE, KEY, write_pair};
pub(crate) use bare::{accept, acceptor};

const NAME: &str = "chat.example.org";
/// Longest time for one handshake.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A load of handshakes.
#[derive(Clone, Debug, clap::Args, Serialize)]
#[group(skip)]
pub(crate) struct Tls {
    /// Connections that are opened at once
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=1000))]
    clients: u32,
    /// How long each of the two is measured in a round
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    /// Rounds, in each of which both run
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
}

/// The result of all rounds.
#[derive(Serialize)]
pub(crate) struct Outcome {
    workload: &'static str,
    #[serde(flatten)]
    tls: Tls,
    /// Handshakes a second.
    server_per_second: Spread,
    bare_per_second: Spread,
    /// Server to bare, round by round.
    per_second_ratio: Spread,
    /// Processor time of one.
    server_cpu_us: Spread,
    bare_cpu_us: Spread,
    cpu_ratio: Spread,
    other_cores: Spread,
}

impl Tls {
    pub(crate) async fn run(&self, place: &Place) -> Result<Outcome> {
        let files = place.fresh_dir()?;
        let client = client(write_pair(files.path(), NAME)?)?;
        let (certificate, key) = (files.path().join(CERTIFICATE), files.path().join(KEY));
        let settings = [("FLUENT__TLS__CERTIFICATE", certificate.as_path()), ("FLUENT__TLS__KEY", key.as_path())];
        let mut rounds = Vec::new();
        for number in 0..self.rounds {
            let server = async || self.measure(&client, &place.server_with(&settings).await?).await;
            let bare = async || self.measure(&client, &place.bare_tls(files.path()).await?).await;
            // Alternating, so that effects of running first do not always favour the same one.
            rounds.push(if number % 2 == 0 {
                let server = server().await?;
                (server, bare().await?)
            } else {
                let bare = bare().await?;
                (server().await?, bare)
            });
        }
        let of = |figure: fn(&Costs) -> f64| {
            let server = Spread::of(rounds.iter().map(|(server, _)| figure(server)));
            let bare = Spread::of(rounds.iter().map(|(_, bare)| figure(bare)));
            (server, bare, Spread::of(rounds.iter().map(|(server, bare)| figure(server) / figure(bare))))
        };
        let (server_per_second, bare_per_second, per_second_ratio) = of(|costs| costs.per_second);
        let (server_cpu_us, bare_cpu_us, cpu_ratio) = of(|costs| costs.cpu_us.unwrap_or(f64::NAN));
        let others = rounds.iter().flat_map(|(server, bare)| [server.other_cores, bare.other_cores]).flatten();
        Ok(Outcome {
            workload: "tls",
            tls: self.clone(),
            server_per_second,
            bare_per_second,
            per_second_ratio,
            server_cpu_us,
            bare_cpu_us,
            cpu_ratio,
            other_cores: Spread::of(others),
        })
    }

    async fn measure(&self, client: &Arc<ClientConfig>, target: &Target) -> Result<Costs> {
        let begin = Instant::now() + Duration::from_secs(1);
        let end = begin + Duration::from_secs(self.seconds);
        let done = Cell::new(0_u64);
        let shaking = try_join_all((0..self.clients).map(|_| async {
            while Instant::now() < end {
                timeout(TIMEOUT, shake_hands(client, target)).await.context("no handshake in time")??;
                done.set(done.get() + 1);
            }
            anyhow::Ok(())
        }));
        let watching = async {
            sleep_until(begin).await;
            let first = Snapshot::take(target, done.get()).await?;
            sleep_until(end).await;
            let second = Snapshot::take(target, done.get()).await?;
            anyhow::Ok(Costs::between(target, &first, &second))
        };
        let said = || format!("{}: {}", target.name, target.said());
        let (_, costs) = tokio::try_join!(shaking, watching).with_context(said)?;
        report::say(&format!("tls {}: {:.0} handshakes/s, {costs}", target.name, costs.per_second));
        Ok(costs)
    }
}

/// Returns a client that trusts a certificate, and shakes hands in full each time.
fn client(trusted: CertificateDer<'static>) -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

async fn shake_hands(client: &Arc<ClientConfig>, target: &Target) -> Result<()> {
    let stream = TcpStream::connect(target.addr).await?;
    stream.set_nodelay(true)?;
    let mut stream = TlsConnector::from(client.clone()).connect(ServerName::try_from(NAME)?, stream).await?;
    stream.shutdown().await?;
    let mut nothing = Vec::new();
    // However the other side closes it.
    let _ = stream.read_to_end(&mut nothing).await;
    Ok(())
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { server_per_second, bare_per_second, per_second_ratio, other_cores, .. } = self;
        writeln!(f, "tls server against a bare acceptor, {} rounds, median (min–max):", self.tls.rounds)?;
        let ratio = per_second_ratio;
        writeln!(f, "  handshakes/s {server_per_second:.0}  bare {bare_per_second:.0}  ratio {ratio:.3}")?;
        let Self { server_cpu_us, bare_cpu_us, cpu_ratio, .. } = self;
        writeln!(f, "  CPU-µs each  {server_cpu_us:.1}  bare {bare_cpu_us:.1}  ratio {cpu_ratio:.3}")?;
        write!(f, "  other programs {other_cores:.2} cores")
    }
}
