//! TLS to push services: the authorities that the system trusts, and those of `push.ca_file`.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use super::PushError;
use super::files::NamedFile;
use crate::config::Push;

/// HTTP/2 within TLS (RFC 9113 §3.2).
pub(super) const H2: &[u8] = b"h2";
/// HTTP/1.1 within TLS (RFC 7301 §6).
const HTTP1: &[u8] = b"http/1.1";

/// Returns the configuration of connections that speak HTTP/2, or HTTP/1.1 where the service has nothing newer.
pub(super) fn configuration(push: &Push) -> Result<ClientConfig, PushError> {
    let roots = roots(push)?;
    let setup = |error: rustls::Error| PushError::Setup(error.to_string());
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(setup)?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![H2.to_vec(), HTTP1.to_vec()];
    Ok(config)
}

fn roots(push: &Push) -> Result<RootCertStore, PushError> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    if !push.ca_file.is_empty() {
        let file = NamedFile::new("push.ca_file", &push.ca_file);
        let pem = file.read()?;
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
        let certificates = certificates.ok().filter(|found| !found.is_empty());
        for certificate in certificates.ok_or_else(|| file.wrong("holds no certificates in PEM"))? {
            let added = roots.add(certificate);
            added.map_err(|error| file.wrong(format!("holds a certificate that cannot be used: {error}")))?;
        }
    }
    if roots.is_empty() {
        return Err(PushError::Setup(
            "the system trusts no authority: install its certificates (Debian: the package ca-certificates), or name \
             some in push.ca_file"
                .to_owned(),
        ));
    }
    Ok(roots)
}
