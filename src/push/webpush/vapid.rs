//! The key by which push services know this server (RFC 8292), and the tokens that it signs.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use lru::LruCache;
use serde_json::json;
use zeroize::Zeroizing;

use crate::config::Config;
use crate::domain::Timestamp;
use crate::key_file;
use crate::push::PushError;
use crate::push::files::NamedFile;
use crate::push::jwt::{NotSigned, SigningKey};

/// Seconds for which a token is valid; at most a day (RFC 8292 §2).
const VALID_S: i64 = 12 * 3600;
/// A token that is valid for less is not used any more.
const RENEWED_S: i64 = 3600;
/// Tokens that are kept, one an origin.
const TOKENS: NonZeroUsize = NonZeroUsize::new(1000).unwrap();
/// The setting that names the file.
const SETTING: &str = "push.webpush.vapid_key_file";

/// The key, with the tokens that it has signed.
pub(in crate::push) struct Vapid {
    key: SigningKey,
    public: String,
    contact: String,
    tokens: Mutex<LruCache<String, Token>>,
}

struct Token {
    header: String,
    expires_at: i64,
}

impl Vapid {
    /// Reads the key, or makes it at the first start. A file that the settings name must be there.
    pub(in crate::push) fn load(config: &Config) -> Result<Self, PushError> {
        let file = NamedFile::new(SETTING, config.vapid_key_file());
        if !file.path().exists() && config.push.webpush.vapid_key_file.is_empty() {
            make(file.path()).map_err(|source| file.unreadable(source))?;
        }
        Self::read(&file, &config.push.webpush.contact)
    }

    /// Reads the key if it is there or must be.
    pub(in crate::push) fn check(config: &Config) -> Result<(), PushError> {
        let file = NamedFile::new(SETTING, config.vapid_key_file());
        if file.path().exists() || !config.push.webpush.vapid_key_file.is_empty() {
            Self::read(&file, "")?;
        }
        Ok(())
    }

    fn read(file: &NamedFile, contact: &str) -> Result<Self, PushError> {
        let key = SigningKey::es256(&file.read()?).map_err(|reason| file.wrong(reason))?;
        let SigningKey::Es256(pair) = &key else { return Err(file.wrong("holds no key on the curve P-256")) };
        let public = URL_SAFE_NO_PAD.encode(pair.public_key());
        let tokens = Mutex::new(LruCache::new(TOKENS));
        Ok(Self { key, public, contact: contact.to_owned(), tokens })
    }

    /// Returns the public key as browsers want it, 87 characters.
    pub(in crate::push) fn public(&self) -> &str {
        &self.public
    }

    /// Returns the header `Authorization` for an origin (RFC 8292 §3).
    pub(in crate::push) fn authorization(&self, origin: &str, now: Timestamp) -> Result<String, NotSigned> {
        let now = now.as_secs();
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        // One that is valid for too long is of a clock that was set back.
        let is_good = |token: &&Token| (RENEWED_S..=VALID_S).contains(&(token.expires_at - now));
        if let Some(token) = tokens.get(origin).filter(is_good) {
            return Ok(token.header.clone());
        }
        let expires_at = now + VALID_S;
        let claims = json!({ "aud": origin, "exp": expires_at, "sub": self.contact });
        let token = self.key.sign(&json!({ "typ": "JWT", "alg": "ES256" }), &claims)?;
        let header = format!("vapid t={token}, k={}", self.public);
        tokens.put(origin.to_owned(), Token { header: header.clone(), expires_at });
        Ok(header)
    }
}

/// Returns the public key. A server must have made it.
pub fn vapid_public_key(config: &Config) -> Result<String, PushError> {
    Vapid::read(&NamedFile::new(SETTING, config.vapid_key_file()), "").map(|vapid| vapid.public)
}

/// Makes a new key in the place of the present one, and returns its public part. All subscriptions are for the former
/// one, and are lost.
pub fn rotate_vapid(config: &Config) -> Result<String, PushError> {
    let path = config.vapid_key_file();
    let file = NamedFile::new(SETTING, &path);
    replace(&path).map_err(|source| file.unreadable(source))?;
    Vapid::read(&file, "").map(|vapid| vapid.public)
}

fn make(path: &Path) -> std::io::Result<()> {
    if let Some(directory) = path.parent() {
        key_file::make_directory(directory)?;
    }
    key_file::make(path, new_key()?.as_bytes()).map(drop)
}

fn replace(path: &Path) -> std::io::Result<()> {
    let draft = path.with_extension("new");
    match std::fs::remove_file(&draft) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => make(&draft)?,
    }
    std::fs::rename(&draft, path)
}

/// Returns a new key as PKCS #8 in PEM.
fn new_key() -> std::io::Result<Zeroizing<String>> {
    let failed = |_| std::io::Error::other("no key could be made");
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(failed)?;
    let der = pair.to_pkcs8v1().map_err(failed)?;
    let base64 = Zeroizing::new(STANDARD.encode(der.as_ref()));
    let lines: Vec<&str> = base64.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    let lines = Zeroizing::new(lines.join("\n"));
    Ok(Zeroizing::new(format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.as_str())))
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};

    use super::*;

    fn config(dir: &Path) -> Config {
        let mut config = Config::defaults().unwrap();
        config.server.data_dir = dir.join("data");
        config.push.webpush.contact = "mailto:ops@example.org".into();
        config
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn the_key_is_made_once_and_lost_when_it_is_rotated() {
        let dir = tempfile::tempdir().unwrap();
        let config = config(dir.path());
        Vapid::check(&config).unwrap();
        assert!(!dir.path().join("data").exists(), "a check changes nothing");
        let first = Vapid::load(&config).unwrap();
        assert_eq!((first.public().len(), Vapid::load(&config).unwrap().public()), (87, first.public()));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(config.vapid_key_file()).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        let rotated = rotate_vapid(&config).unwrap();
        assert_ne!(rotated, first.public());
        assert_eq!(Vapid::load(&config).unwrap().public(), rotated);
        let keys = dir.path().join("data/keys");
        assert_eq!(std::fs::read_dir(keys).unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn a_file_that_is_named_must_be_there_and_hold_a_key() {
        let dir = tempfile::tempdir().unwrap();
        let mut config = config(dir.path());
        let path = dir.path().join("shared.pem");
        config.push.webpush.vapid_key_file = path.display().to_string();
        let message = |config: &Config| Vapid::load(config).err().unwrap().to_string();
        assert!(message(&config).contains("shared.pem") && message(&config).contains(SETTING));
        for (text, wrong) in
            [("marker", "PKCS #8"), ("-----BEGIN PRIVATE KEY-----\nbWFya2Vy\n-----END PRIVATE KEY-----\n", "P-256")]
        {
            std::fs::write(&path, text).unwrap();
            assert!(message(&config).contains(wrong) && !message(&config).contains("marker"), "{}", message(&config));
            assert!(Vapid::check(&config).is_err());
        }
    }

    #[test]
    fn a_token_names_the_origin_and_is_renewed_an_hour_before_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let vapid = Vapid::load(&config(dir.path())).unwrap();
        let first = vapid.authorization("https://push.example.com", at(1_800_000_000)).unwrap();
        let token = first.strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
        assert_eq!(token.1, vapid.public());
        let key = DecodingKey::from_ec_der(&URL_SAFE_NO_PAD.decode(token.1).unwrap());
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_audience(&["https://push.example.com"]);
        validation.validate_exp = false;
        let claims = decode::<serde_json::Value>(token.0, &key, &validation).unwrap().claims;
        let expected = json!({
            "aud": "https://push.example.com", "exp": 1_800_043_200, "sub": "mailto:ops@example.org",
        });
        assert_eq!(claims, expected);
        let again =
            |seconds: i64| vapid.authorization("https://push.example.com", at(1_800_000_000 + seconds)).unwrap();
        assert_eq!((again(0) == first, again(39_600) == first), (true, true));
        assert_ne!(again(39_601), first);
        assert_ne!(vapid.authorization("https://other.example.com", at(1_800_000_000)).unwrap(), first);
    }
}
