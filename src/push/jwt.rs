//! JSON Web Tokens (RFC 7519) by which providers know this server.
//!
//! Not by `jsonwebtoken`: its RSA keys are PKCS #1 alone, while Google's files hold PKCS #8, and it parses a key each
//! time it signs.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde::Serialize;

/// A token could not be signed.
#[derive(Debug, thiserror::Error)]
#[error("a token could not be signed")]
pub(super) struct NotSigned;

/// A key that signs tokens. It cannot be printed.
pub(super) enum SigningKey {
    /// ECDSA with P-256 and SHA-256 (RFC 7518 §3.4).
    Es256(EcdsaKeyPair),
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 §3.3).
    Rs256(RsaKeyPair),
}

impl SigningKey {
    /// Reads an ECDSA key from PKCS #8 in PEM.
    pub(super) fn es256(pem: &[u8]) -> Result<Self, &'static str> {
        let der = pkcs8(pem)?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.secret_pkcs8_der());
        pair.map(Self::Es256).map_err(|_| "holds no key on the curve P-256")
    }

    /// Reads an RSA key from PKCS #8 in PEM.
    pub(super) fn rs256(pem: &[u8]) -> Result<Self, &'static str> {
        let der = pkcs8(pem)?;
        RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).map(Self::Rs256).map_err(|_| "holds no RSA key")
    }

    /// Signs a token in the compact form (RFC 7515 §7.1).
    pub(super) fn sign(&self, header: &impl Serialize, claims: &impl Serialize) -> Result<String, NotSigned> {
        let mut token = encode(header)?;
        token.push('.');
        token.push_str(&encode(claims)?);
        let signature = self.signature(token.as_bytes())?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }

    fn signature(&self, text: &[u8]) -> Result<Vec<u8>, NotSigned> {
        let random = SystemRandom::new();
        match self {
            Self::Es256(pair) => pair.sign(&random, text).map(|signature| signature.as_ref().to_vec()),
            Self::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, text, &mut signature).map(|()| signature)
            }
        }
        .map_err(|_| NotSigned)
    }
}

fn pkcs8(pem: &[u8]) -> Result<PrivatePkcs8KeyDer<'static>, &'static str> {
    PrivatePkcs8KeyDer::from_pem_slice(pem).map_err(|_| "holds no private key in PEM (PKCS #8)")
}

fn encode(part: &impl Serialize) -> Result<String, NotSigned> {
    serde_json::to_vec(part).map(|json| URL_SAFE_NO_PAD.encode(json)).map_err(|_| NotSigned)
}
