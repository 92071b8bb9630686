//! Connections to the server, encrypted when its URL begins with `https://`.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;

/// Opens connections for requests and sockets alike.
pub(crate) type Connector = HttpsConnector<HttpConnector>;

/// An open connection, encrypted or not. Boxed: the state of TLS takes a kilobyte and more.
pub(crate) type Connection = TokioIo<Box<MaybeHttpsStream<TokioIo<TcpStream>>>>;

/// A connector that trusts the authorities that browsers know and those in `authority`, a PEM file.
pub(crate) fn connector(authority: Option<&Path>) -> anyhow::Result<Connector> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(path) = authority {
        let found = CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .with_context(|| format!("cannot read certificates from {}", path.display()))?;
        ensure!(!found.is_empty(), "{} holds no certificate in PEM form", path.display());
        for certificate in found {
            let added = roots.add(certificate);
            added.with_context(|| format!("{} holds no valid certificate", path.display()))?;
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    // Frames are small and wanted now.
    tcp.set_nodelay(true);
    Ok(HttpsConnectorBuilder::new().with_tls_config(config).https_or_http().enable_http1().wrap_connector(tcp))
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use fluent_backend::testing::TestServer;
    use fluent_client::transport::Server;
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
    use rustls::ServerConfig;
    use rustls::pki_types::PrivateKeyDer;
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::*;
    use crate::api::{self, Api};
    use crate::http::{CallError, Http};
    use crate::wire::Registration;

    /// A proxy with TLS in front of a server, and the authority of its certificate.
    struct TlsProxy {
        address: SocketAddr,
        authority: tempfile::NamedTempFile,
    }

    impl TlsProxy {
        async fn start(server: SocketAddr) -> Self {
            let mut authority = CertificateParams::default();
            authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
            let key = KeyPair::generate().unwrap();
            let names = vec!["localhost".to_owned()];
            let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &authority).unwrap();
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), authority.pem()).unwrap();

            let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
            let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
            let config = ServerConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(vec![certificate.der().clone()], key)
                .unwrap();
            let acceptor = TlsAcceptor::from(Arc::new(config));
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            tokio::spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let acceptor = acceptor.clone();
                    tokio::spawn(async move {
                        let Ok(mut stream) = acceptor.accept(stream).await else { return };
                        let mut server = TcpStream::connect(server).await.unwrap();
                        // Ends when either side has gone.
                        let _ = tokio::io::copy_bidirectional(&mut stream, &mut server).await;
                    });
                }
            });
            Self { address, authority: file }
        }

        fn http(&self, host: &str, authority: Option<&Path>) -> Http {
            let server: Server = format!("https://{host}:{}", self.address.port()).parse().unwrap();
            Http::new(server, connector(authority).unwrap())
        }
    }

    #[tokio::test]
    async fn requests_and_sockets_go_through_tls_to_a_server_with_a_trusted_certificate() {
        let server = TestServer::start().await;
        let proxy = TlsProxy::start(server.addr()).await;
        let registration = Registration {
            username: "ada@example.org",
            email: "ada@example.org",
            password: "correct horse",
            public_key: "QUJD",
        };

        let trusted = proxy.http("localhost", Some(proxy.authority.path()));
        assert!(api::register(&trusted, &registration).await.unwrap());
        let api = Api::log_in(trusted, "ada@example.org", &"correct horse".into()).await.unwrap();
        let mut socket = api.open_socket("laptop", None).await.unwrap();
        assert!(socket.next().await.unwrap().contains("\"hello\""));
        socket.close().await;

        let unknown_authority = proxy.http("localhost", None);
        let wrong_name = proxy.http("127.0.0.1", Some(proxy.authority.path()));
        for untrusted in [unknown_authority, wrong_name] {
            let refused = api::register(&untrusted, &registration).await;
            assert!(matches!(refused, Err(CallError::Unreachable(_))), "{refused:?}");
        }
        server.stop().await;
    }

    #[test]
    fn a_file_without_a_certificate_is_refused_by_its_name() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let refused = |path: &Path| format!("{:#}", connector(Some(path)).map(drop).unwrap_err());
        assert!(refused(file.path()).contains(&format!("{}", file.path().display())));
        assert!(refused(Path::new("/no/such/file")).contains("/no/such/file"));
    }
}
