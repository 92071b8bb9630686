//! Certificates for servers that speak TLS, and clients that trust them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fluent_backend::Config;
use fluent_backend::testing::soon;
use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::front::certificate;

/// Both versions, the newer first.
pub(crate) const BOTH: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13, &rustls::version::TLS12];

/// A certificate and its key, in PEM.
pub(crate) struct Pair {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Pair {
    /// Makes a new one for `chat.example.org`.
    pub(crate) fn new() -> Self {
        let (certificate, key) = certificate();
        Self { certificate, key }
    }

    /// The certificate as a client sees it.
    pub(crate) fn der(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(self.certificate.as_bytes()).unwrap()
    }
}

/// The two files of a server.
pub(crate) struct TlsFiles(TempDir);

impl TlsFiles {
    pub(crate) fn new(pair: &Pair) -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        files.write(pair);
        files
    }

    pub(crate) fn certificate(&self) -> PathBuf {
        self.0.path().join("fullchain.pem")
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.0.path().join("privkey.pem")
    }

    /// Replaces both.
    pub(crate) fn write(&self, pair: &Pair) {
        put(&self.certificate(), &pair.certificate);
        put(&self.key(), &pair.key);
    }

    /// Lets a server speak TLS with them.
    pub(crate) fn configure(&self, config: &mut Config) {
        config.tls.certificate = self.certificate();
        config.tls.key = self.key();
    }
}

/// Replaces a file whole.
pub(crate) fn put(path: &Path, text: &str) {
    let new = path.with_extension("new");
    std::fs::write(&new, text).unwrap();
    std::fs::rename(new, path).unwrap();
}

/// A client that trusts the certificates of these pairs, and keeps its sessions.
pub(crate) fn client(trusted: &[&Pair], versions: &[&'static SupportedProtocolVersion]) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for pair in trusted {
        roots.add(pair.der()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.resumption = Resumption::in_memory_sessions(8);
    Arc::new(config)
}

/// Shakes hands on an open connection.
pub(crate) async fn shake_hands(
    client: &Arc<ClientConfig>,
    stream: TcpStream,
) -> std::io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from("chat.example.org").unwrap();
    soon("the handshake of TLS", TlsConnector::from(client.clone()).connect(name, stream)).await
}

/// Opens a connection by TLS.
pub(crate) async fn connect(client: &Arc<ClientConfig>, addr: SocketAddr) -> std::io::Result<TlsStream<TcpStream>> {
    shake_hands(client, TcpStream::connect(addr).await?).await
}

/// The certificate that the server has shown.
pub(crate) fn shown(stream: &TlsStream<TcpStream>) -> CertificateDer<'static> {
    stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
}
