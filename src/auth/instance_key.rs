//! The instance key: the root of all keys that a deployment needs for itself, such as those that encrypt second
//! factors in the database. The database does not hold it, so a copy of the database alone reveals nothing of them.

use std::path::Path;

use aws_lc_rs::hkdf;
use zeroize::Zeroizing;

use super::secrets::SecretError;
use crate::clock::random_bytes;
use crate::config::Config;
use crate::key_file;

/// Size of the instance key and of each derived key, in bytes.
const KEY_BYTES: usize = 32;

/// The instance key. All servers on one database have the same.
pub struct InstanceKey {
    secret: hkdf::Prk,
}

impl InstanceKey {
    /// Reads the file that `auth.instance_key_file` names, which must be there; without that setting the file
    /// `keys/instance.key` in the data directory, which is made with mode 0600 at the first start.
    pub fn load(config: &Config) -> Result<Self, SecretError> {
        let path = config.instance_key_file();
        let io = |source| SecretError::InstanceKey { path: path.clone(), source };
        let bytes = match std::fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                if !config.auth.instance_key_file.is_empty() {
                    return Err(SecretError::NoInstanceKey { path });
                }
                make(&path).map_err(io)?
            }
            read => read.map_err(io)?,
        };
        let bytes = Zeroizing::new(bytes);
        if bytes.len() != KEY_BYTES {
            return Err(SecretError::InstanceKeyLength { path, length: bytes.len() });
        }
        Ok(Self::of(&bytes))
    }

    fn of(bytes: &[u8]) -> Self {
        Self { secret: hkdf::Salt::new(hkdf::HKDF_SHA256, &[]).extract(bytes) }
    }

    /// Returns what the key is recognised by in the database: 32 hexadecimal digits that only its owner can make.
    pub fn check(&self) -> Result<String, SecretError> {
        let key = self.derive("check")?;
        let half = key.iter().take(KEY_BYTES / 2).fold(0, |number: u128, byte| number << 8 | u128::from(*byte));
        Ok(format!("{half:032x}"))
    }

    /// Returns the key for a purpose: HKDF-SHA256 (RFC 5869) with an empty salt and the info `fluent ` followed by the
    /// label. Each purpose has a label of its own.
    pub fn derive(&self, label: &str) -> Result<Zeroizing<[u8; KEY_BYTES]>, SecretError> {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        let info = [b"fluent ".as_slice(), label.as_bytes()];
        let expanded = self.secret.expand(&info, hkdf::HKDF_SHA256);
        expanded.and_then(|okm| okm.fill(key.as_mut_slice())).map_err(|_| SecretError::Derivation)?;
        Ok(key)
    }
}

/// Makes the file. Returns what it holds, which another process may have written.
fn make(path: &Path) -> std::io::Result<Vec<u8>> {
    if let Some(directory) = path.parent() {
        key_file::make_directory(directory)?;
    }
    let key = Zeroizing::new(random_bytes::<KEY_BYTES>().map_err(std::io::Error::other)?);
    key_file::make(path, key.as_slice())?;
    std::fs::read(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(dir: &Path) -> Config {
        let mut config = Config::defaults().unwrap();
        config.server.data_dir = dir.to_owned();
        config
    }

    /// Made with Python's `hmac`: extract with 32 zero bytes as salt, expand with the info `fluent report`.
    #[test]
    fn a_key_is_derived_as_rfc_5869_says() {
        let key = InstanceKey::of(&[7; KEY_BYTES]).derive("report").unwrap();
        let (first, second) = key.split_at(16);
        let hex = |half: &[u8]| format!("{:032x}", u128::from_be_bytes(half.try_into().unwrap()));
        assert_eq!(hex(first), "854ca969363d3f2893c705484ddf517f");
        assert_eq!(hex(second), "66f20f35e808888f7a484f51bed6706a");
    }

    #[test]
    fn the_file_is_made_once_and_is_its_owners_alone() {
        let dir = tempfile::tempdir().unwrap();
        let config = config(&dir.path().join("data"));
        let first = InstanceKey::load(&config).unwrap();
        let path = dir.path().join("data/keys/instance.key");
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(bytes.len(), KEY_BYTES);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        }
        assert_eq!(InstanceKey::load(&config).unwrap().check().unwrap(), first.check().unwrap());
        assert_ne!(*first.derive("report").unwrap(), *first.derive("totp").unwrap());
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn a_file_that_is_named_is_neither_made_nor_guessed_at() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("shared.key");
        let mut config = config(dir.path());
        config.auth.instance_key_file = path.display().to_string();
        assert!(matches!(InstanceKey::load(&config), Err(SecretError::NoInstanceKey { .. })));
        std::fs::write(&path, [1; 33]).unwrap();
        assert!(matches!(InstanceKey::load(&config), Err(SecretError::InstanceKeyLength { length: 33, .. })));
        std::fs::write(&path, [1; 32]).unwrap();
        let key = InstanceKey::load(&config).unwrap();
        assert_eq!(key.check().unwrap(), InstanceKey::of(&[1; 32]).check().unwrap());
        assert!(!dir.path().join("keys").exists());
    }
}
