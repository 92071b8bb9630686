//! The directory of Ed25519 keys: a PEM file a key, and the manifest, which says what each is used for.
//!
//! Commands and servers may change it at the same time: each does so under a lock, and the manifest is replaced by one
//! rename. A key's file is written before the manifest names it, and removed after the manifest has dropped it.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::manifest::{KeyState, Manifest};
use super::ring::StatedKey;
use super::signing_key::SigningKey;
use super::{CLOCK_DIFFERENCE_S, KeyError};
use crate::config::{Config, TokenAlgorithm};
use crate::domain::Timestamp;
use crate::key_file;

/// A directory of Ed25519 keys. It need not exist.
pub struct KeyDirectory {
    path: PathBuf,
    /// Seconds for which an access token is valid.
    lifetime_s: i64,
    /// Whether its keys sign, rather than a secret.
    signs: bool,
}

impl KeyDirectory {
    /// Returns the directory that the settings name.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let signs = config.auth.token_algorithm == TokenAlgorithm::EdDsa;
        Self { path: config.token_keys_dir(), lifetime_s: config.auth.access_token_s, signs }
    }

    /// Makes the next key the current one and the current one a previous one, and makes a new next one. Returns the ids
    /// of the current and the next one. Returns [`KeyError::SignsBySecret`] when another algorithm signs.
    pub fn rotate(&self, now: Timestamp) -> Result<(String, String), KeyError> {
        if !self.signs {
            return Err(KeyError::SignsBySecret);
        }
        self.require_keys()?;
        self.change(|manifest| {
            manifest.advance(now);
            self.complete(manifest)?;
            let kid = |state| manifest.find(state).map(|entry| entry.kid.clone()).unwrap_or_default();
            Ok((kid(KeyState::Current), kid(KeyState::Next)))
        })
    }

    /// Drops a key: its tokens are refused from now on. The current one is rotated first.
    pub fn revoke(&self, kid: &str, now: Timestamp) -> Result<(), KeyError> {
        self.require_keys()?;
        self.change(|manifest| {
            let found = manifest.keys.iter().find(|entry| entry.kid == kid);
            let found = found.ok_or_else(|| KeyError::NoSuchKey(kid.to_owned()))?;
            if found.state == KeyState::Current {
                manifest.advance(now);
            }
            manifest.take(|entry| entry.kid == kid);
            self.complete(manifest)
        })
    }

    /// Sees that a key signs and the next one is there.
    pub(super) fn prepare(&self, now: Timestamp) -> Result<(), KeyError> {
        let manifest = self.manifest()?;
        // A directory that several servers only read is as it must be.
        if manifest.find(KeyState::Current).is_some() && manifest.find(KeyState::Next).is_some() {
            return Ok(());
        }
        key_file::make_directory(&self.path).map_err(|error| self.error(&error))?;
        self.change(|manifest| {
            if manifest.find(KeyState::Current).is_none() {
                manifest.signing_since = now;
            }
            self.complete(manifest)
        })
    }

    /// Retires the keys, for secrets sign from now on. Those that have signed are accepted until their tokens expire.
    pub(super) fn retire(&self, now: Timestamp) -> Result<(), KeyError> {
        let is_over = |manifest: &Manifest| manifest.keys.iter().all(|entry| entry.state == KeyState::Previous);
        if is_over(&self.manifest()?) {
            return Ok(());
        }
        self.change(|manifest| {
            manifest.retire_current(now);
            manifest.take(|entry| entry.state == KeyState::Next);
            Ok(())
        })
    }

    /// Removes the keys whose tokens have all expired. Does nothing when there are none.
    pub(in crate::auth) fn sweep(&self, now: Timestamp) -> Result<(), KeyError> {
        let over = |at: Option<Timestamp>| at.is_some_and(|at| self.accepted_until(at) <= now);
        if !self.manifest()?.keys.iter().any(|entry| over(entry.retired_at)) {
            return Ok(());
        }
        self.change(|manifest| {
            manifest.take(|entry| over(entry.retired_at));
            Ok(())
        })
    }

    /// Returns until when tokens of a key are accepted that was retired at this moment.
    pub(super) fn accepted_until(&self, retired_at: Timestamp) -> Timestamp {
        retired_at.plus_secs(self.lifetime_s.saturating_add(CLOCK_DIFFERENCE_S))
    }

    /// Returns the text of the manifest; empty when there is none.
    pub(in crate::auth) fn read(&self) -> Result<Vec<u8>, KeyError> {
        match std::fs::read(self.manifest_path()) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            read => read.map_err(|error| self.error(&error)),
        }
    }

    pub(super) fn manifest(&self) -> Result<Manifest, KeyError> {
        Manifest::parse(&self.read()?).map_err(|error| self.error(&error))
    }

    /// Reads the keys that the manifest names.
    pub(super) fn load(&self, manifest: &Manifest) -> Result<Vec<StatedKey>, KeyError> {
        let load = |entry: &super::KeyEntry| {
            let path = self.key_path(&entry.kid);
            let about = |reason: String| KeyError::Directory { path: path.clone(), reason };
            let pem = Zeroizing::new(std::fs::read(&path).map_err(|error| about(error.to_string()))?);
            let key = SigningKey::from_pem(&pem).map_err(about)?;
            if key.kid() != entry.kid {
                return Err(about(format!("it holds the key {}", key.kid())));
            }
            Ok((key, entry.state, entry.retired_at.map(|at| self.accepted_until(at))))
        };
        manifest.keys.iter().map(load).collect()
    }

    pub(super) fn error(&self, reason: &impl ToString) -> KeyError {
        KeyError::Directory { path: self.path.clone(), reason: reason.to_string() }
    }

    fn require_keys(&self) -> Result<(), KeyError> {
        if self.read()?.is_empty() { Err(KeyError::NoKeys(self.path.clone())) } else { Ok(()) }
    }

    /// Makes the keys that are missing, of a current and a next one, when they sign.
    fn complete(&self, manifest: &mut Manifest) -> Result<(), KeyError> {
        for state in [KeyState::Current, KeyState::Next] {
            if self.signs && manifest.find(state).is_none() {
                let key = SigningKey::generate().map_err(|error| self.error(&error))?;
                key_file::make(&self.key_path(key.kid()), key.pem().as_bytes()).map_err(|error| self.error(&error))?;
                manifest.add(key.kid().to_owned(), state);
            }
        }
        Ok(())
    }

    /// Changes the manifest under the lock, and removes the files of keys that it names no more.
    fn change<T>(&self, change: impl FnOnce(&mut Manifest) -> Result<T, KeyError>) -> Result<T, KeyError> {
        let _lock = self.lock().map_err(|error| self.error(&error))?;
        let before = self.manifest()?;
        let mut manifest = before.clone();
        let changed = change(&mut manifest)?;
        let text = serde_json::to_vec_pretty(&manifest).map_err(|error| self.error(&error))?;
        self.replace_manifest(&text).map_err(|error| self.error(&error))?;
        let gone = before.keys.iter().filter(|entry| !manifest.keys.iter().any(|kept| kept.kid == entry.kid));
        for entry in gone {
            // The manifest counts: a file that stays is a key that nobody uses.
            let _ = std::fs::remove_file(self.key_path(&entry.kid));
        }
        Ok(changed)
    }

    /// Waits for the lock, which ends with the file.
    fn lock(&self) -> std::io::Result<File> {
        let file = OpenOptions::new().create(true).append(true).open(self.path.join("ed25519.lock"))?;
        file.lock()?;
        Ok(file)
    }

    fn replace_manifest(&self, text: &[u8]) -> std::io::Result<()> {
        // Temporary files have mode 0600.
        let mut draft = tempfile::NamedTempFile::new_in(&self.path)?;
        draft.write_all(text)?;
        draft.as_file().sync_all()?;
        draft.persist(self.manifest_path())?;
        File::open(&self.path)?.sync_all()
    }

    fn manifest_path(&self) -> PathBuf {
        self.path.join("ed25519.json")
    }

    fn key_path(&self, kid: &str) -> PathBuf {
        // A kid comes from a file that others may write: no part of it may lead elsewhere.
        self.path.join(format!("ed25519-{}.pem", Path::new(kid).file_name().unwrap_or_default().display()))
    }
}
