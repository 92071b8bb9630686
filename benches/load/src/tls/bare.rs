//! The least that a server of TLS does: it shakes hands, waits until the client closes, and closes too.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::NoServerSessionStorage;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

pub(super) const CERTIFICATE: &str = "fullchain.pem";
pub(super) const KEY: &str = "privkey.pem";

/// Writes a new certificate for `name` and its key, and returns the certificate.
pub(super) fn write_pair(dir: &Path, name: &str) -> Result<CertificateDer<'static>> {
    let key = rcgen::KeyPair::generate()?;
    let certificate = rcgen::CertificateParams::new([name.to_owned()])?.self_signed(&key)?;
    std::fs::write(dir.join(CERTIFICATE), certificate.pem())?;
    std::fs::write(dir.join(KEY), key.serialize_pem())?;
    Ok(certificate.der().clone())
}

/// Returns an acceptor with the server's settings.
pub(crate) fn acceptor(dir: &Path) -> Result<TlsAcceptor> {
    let certificate = CertificateDer::from_pem_file(dir.join(CERTIFICATE)).context("no certificate")?;
    let key = PrivateKeyDer::from_pem_file(dir.join(KEY)).context("no key")?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = builder.with_no_client_auth().with_single_cert(vec![certificate], key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new()?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Accepts until the process is killed.
pub(crate) async fn accept(listener: TcpListener, acceptor: TlsAcceptor) -> Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            let mut nothing = [0; 256];
            while stream.read(&mut nothing).await.is_ok_and(|bytes| bytes > 0) {}
            let _ = stream.shutdown().await;
        });
    }
}
