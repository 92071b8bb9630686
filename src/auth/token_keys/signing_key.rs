//! An Ed25519 key (RFC 8032), as PEM of PKCS#8 and as a JWK (RFC 8037).

use aws_lc_rs::digest;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{DecodingKey, EncodingKey};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use zeroize::Zeroizing;

use super::unspecified;

/// Characters of the thumbprint of a key that name it: 96 bits.
const KID_CHARS: usize = 16;

/// A private key with its id.
pub(super) struct SigningKey {
    kid: String,
    /// The public key, base64url.
    x: String,
    public: Vec<u8>,
    /// PKCS#8, version 1.
    der: Zeroizing<Vec<u8>>,
}

impl SigningKey {
    /// Makes a new key.
    pub(super) fn generate() -> Result<Self, String> {
        Ed25519KeyPair::generate().map_err(unspecified).and_then(|pair| Self::of(&pair))
    }

    /// Reads a key as `pem` writes it, or `openssl genpkey -algorithm ed25519`.
    pub(super) fn from_pem(pem: &[u8]) -> Result<Self, String> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem).map_err(|_| "no private key in PEM (PKCS#8)".to_owned())?;
        let pair = Ed25519KeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(|_| "no Ed25519 key".to_owned())?;
        Self::of(&pair)
    }

    fn of(pair: &Ed25519KeyPair) -> Result<Self, String> {
        let der = pair.to_pkcs8v1().map_err(unspecified)?;
        let public = pair.public_key().as_ref().to_vec();
        let x = URL_SAFE_NO_PAD.encode(&public);
        let mut kid = thumbprint(&x);
        kid.truncate(KID_CHARS);
        Ok(Self { kid, x, public, der: Zeroizing::new(der.as_ref().to_vec()) })
    }

    pub(super) fn kid(&self) -> &str {
        &self.kid
    }

    pub(super) fn x(&self) -> &str {
        &self.x
    }

    /// Returns the private key as PEM.
    pub(super) fn pem(&self) -> Zeroizing<String> {
        let base64 = Zeroizing::new(STANDARD.encode(self.der.as_slice()));
        // 48 bytes are one line.
        Zeroizing::new(format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", base64.as_str()))
    }

    pub(super) fn encoding(&self) -> EncodingKey {
        EncodingKey::from_ed_der(&self.der)
    }

    pub(super) fn decoding(&self) -> DecodingKey {
        DecodingKey::from_ed_der(&self.public)
    }
}

/// Returns the thumbprint (RFC 7638) of an Ed25519 key: the SHA-256, base64url, of its JWK with the required members in
/// their order and nothing else (RFC 8037 §2).
fn thumbprint(x: &str) -> String {
    let jwk = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, jwk.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8037, appendix A.3.
    #[test]
    fn the_thumbprint_is_that_of_the_rfc() {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        assert_eq!(thumbprint(x), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn a_key_is_read_as_it_was_written() {
        let key = SigningKey::generate().unwrap();
        let read = SigningKey::from_pem(key.pem().as_bytes()).unwrap();
        assert_eq!((read.kid(), read.x(), &read.der), (key.kid(), key.x(), &key.der));
        assert_eq!(key.kid().len(), KID_CHARS);
        for wrong in ["", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "AAAA"] {
            assert!(SigningKey::from_pem(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
