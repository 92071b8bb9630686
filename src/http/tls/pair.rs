//! A certificate and its key, as files hold them.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_cert::der::{Decode as _, Error as DerError};
use zeroize::Zeroizing;

use crate::config;
use crate::domain::Timestamp;

/// The most bytes of a file that are read; chains of certificates have some thousand.
const MAX_BYTES: u64 = 1024 * 1024;

/// The files of `[tls]` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A file does not hold what it must.
    #[error("{} holds no {what} in PEM: {source}", path.display())]
    NotPem {
        /// The file.
        path: PathBuf,
        /// What it must hold.
        what: &'static str,
        /// The cause.
        source: pem::Error,
    },
    /// The certificate cannot be read.
    #[error("{} holds no certificate that can be read: {source}", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: DerError,
    },
    /// The two do not belong together, or are of a kind that is not known.
    #[error("tls.certificate and tls.key cannot be used together: {0}")]
    Pair(#[source] rustls::Error),
    /// TLS cannot be set up.
    #[error("cannot set up TLS: {0}")]
    Setup(#[source] rustls::Error),
}

/// The contents of both files.
pub(super) struct Files<'a> {
    config: &'a config::Tls,
    certificate: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
}

/// A certificate with its key.
pub(super) struct Pair {
    pub(super) certified: CertifiedKey,
    /// The last moment at which the certificate is valid.
    pub(super) not_after: Timestamp,
}

impl<'a> Files<'a> {
    /// Reads both files.
    pub(super) fn read(config: &'a config::Tls) -> Result<Self, TlsError> {
        Ok(Self { config, certificate: read(&config.certificate)?, key: read(&config.key)?.into() })
    }

    /// Returns the SHA-256 of both.
    pub(super) fn digest(&self) -> [u8; 32] {
        digest(&[&self.certificate, &self.key])
    }

    /// Reads the contents. Fails when the key is not that of the certificate.
    pub(super) fn pair(&self, provider: &CryptoProvider) -> Result<Pair, TlsError> {
        let (path, key_path) = (&self.config.certificate, &self.config.key);
        let not_pem = |path: &Path, what, source| TlsError::NotPem { path: path.to_owned(), what, source };
        let chain = CertificateDer::pem_slice_iter(&self.certificate).collect::<Result<Vec<_>, _>>();
        let chain = chain.map_err(|source| not_pem(path, "certificate", source))?;
        let Some(first) = chain.first() else { return Err(not_pem(path, "certificate", pem::Error::NoItemsFound)) };
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(|source| not_pem(key_path, "key", source))?;
        let not_after = not_after(first).map_err(|source| TlsError::Certificate { path: path.clone(), source })?;
        let certified = CertifiedKey::from_der(chain, key, provider).map_err(TlsError::Pair)?;
        Ok(Pair { certified, not_after })
    }
}

/// Returns the SHA-256 of these texts, each with its length.
pub(super) fn digest(texts: &[&[u8]]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for text in texts {
        context.update(&(text.len() as u64).to_be_bytes());
        context.update(text);
    }
    let mut digest = [0; 32];
    digest.copy_from_slice(context.finish().as_ref());
    digest
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let mut text = Vec::new();
    let reading = File::open(path).and_then(|file| file.take(MAX_BYTES).read_to_end(&mut text));
    match reading {
        Ok(_) => Ok(text),
        Err(source) => Err(TlsError::Unreadable { path: path.to_owned(), source }),
    }
}

/// Returns the last moment at which a certificate is valid (RFC 5280 §4.1.2.5).
fn not_after(certificate: &CertificateDer<'_>) -> Result<Timestamp, DerError> {
    let certificate = x509_cert::Certificate::from_der(certificate)?;
    let not_after = certificate.tbs_certificate().validity().not_after.to_unix_duration();
    Ok(Timestamp::from_micros(i64::try_from(not_after.as_micros()).unwrap_or(i64::MAX)))
}
