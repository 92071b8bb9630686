//! Files on their way, and what this device keeps of them until they are there:
//!
//! - `CLIENT_ID.sealed`: the ciphertext of a file to be sent. It is made once: a source that changes would be encrypted
//!   under the same nonces;
//! - `CLIENT_ID.json`: how far its upload is, and the message that names it, once that is written;
//! - `ID.part`: what has come of a file that is being saved.

mod gauge;
mod name;
mod transfer;

use std::fs::{File, OpenOptions};
use std::io::{BufReader, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use fluent_client::Draft;
use fluent_client::files::{self, FileEntry, FileKey, Sealed, Upload};
use serde::{Deserialize, Serialize};

use crate::{disk, seal};
pub(crate) use gauge::Gauge;
pub(crate) use transfer::{download, upload};

/// Most names that are tried for a file that is saved.
const NAMES: u32 = 1000;

/// The directory of files on their way.
#[derive(Clone)]
pub(crate) struct Files {
    directory: PathBuf,
}

/// A file that is being sent.
#[derive(Deserialize, Serialize)]
pub(crate) struct Outgoing {
    /// The name of the message.
    pub(crate) client_id: String,
    /// Whom it is for.
    pub(crate) partner: i64,
    /// What the message says about it; without its id until it is uploaded.
    pub(crate) file: FileEntry,
    pub(crate) upload: Upload,
    /// The message, once it is written.
    pub(crate) draft: Option<Draft>,
}

impl Files {
    /// Takes the directory, and removes ciphertexts of which a crash has left nothing else.
    pub(crate) fn open(directory: PathBuf) -> anyhow::Result<Self> {
        let about = || format!("cannot use {}", directory.display());
        disk::create_directory(&directory).with_context(about)?;
        for entry in std::fs::read_dir(&directory).with_context(about)? {
            let path = entry.with_context(about)?.path();
            if path.extension().is_some_and(|extension| extension == "sealed") && !path.with_extension("json").exists()
            {
                std::fs::remove_file(&path).with_context(about)?;
            }
        }
        Ok(Self { directory })
    }

    /// Encrypts the file at `path` for a partner, for a server that takes files of `limit` bytes.
    pub(crate) fn encrypt(&self, path: &Path, partner: i64, limit: u64) -> anyhow::Result<Outgoing> {
        let file = File::open(path)?;
        let about = file.metadata()?;
        ensure!(about.is_file(), "it is no file");
        let key = FileKey::random().context("no random bytes")?;
        let client_id = seal::client_id();
        let out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(self.sealed(&client_id))?;
        let Sealed { bytes, sha256 } = files::seal(&key, BufReader::new(file), about.len(), limit, &out)?;
        out.sync_all()?;
        let entry = FileEntry {
            id: String::new(),
            file_name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            file_type: name::media_type(path).to_owned(),
            size: about.len(),
            encryption_key: key.text(),
            sha256: sha256.clone(),
            thumbnail: None,
        };
        let upload = Upload::new(client_id.clone(), bytes, sha256);
        let outgoing = Outgoing { client_id, partner, file: entry, upload, draft: None };
        self.save(&outgoing)?;
        Ok(outgoing)
    }

    /// Writes down how far a file is.
    pub(crate) fn save(&self, outgoing: &Outgoing) -> anyhow::Result<()> {
        let path = self.state(&outgoing.client_id);
        disk::replace(&path, &serde_json::to_vec(outgoing)?).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Returns the files that an earlier chat could not send, oldest first.
    pub(crate) fn outgoing(&self) -> anyhow::Result<Vec<Outgoing>> {
        let about = || format!("cannot read {}", self.directory.display());
        let entries = std::fs::read_dir(&self.directory).with_context(about)?;
        let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>();
        let mut paths = paths.with_context(about)?;
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
        // Their names begin with the time.
        paths.sort();
        let read = |path: PathBuf| {
            let about = || format!("cannot read {}", path.display());
            serde_json::from_slice(&std::fs::read(&path).with_context(about)?).with_context(about)
        };
        paths.into_iter().map(read).collect()
    }

    /// Removes what is kept of a file that is sent, or given up.
    pub(crate) fn forget(&self, client_id: &str) -> anyhow::Result<()> {
        // In this order a crash in between leaves a ciphertext that is removed with the next start.
        for path in [self.state(client_id), self.sealed(client_id)] {
            if path.exists() {
                std::fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
            }
        }
        Ok(())
    }

    /// Decrypts a file that has come into `directory`, under a name that nothing has there, and returns its path.
    pub(crate) fn decrypt(&self, file: &FileEntry, directory: &Path) -> anyhow::Result<PathBuf> {
        let part = self.part(&file.id);
        let sealed = File::open(&part)?;
        let bytes = sealed.metadata()?.len();
        let mut plain = tempfile::Builder::new().prefix(".fluent-").tempfile_in(directory)?;
        if let Err(error) = files::open(file, BufReader::new(sealed), bytes, plain.as_file_mut()) {
            if matches!(error, files::OpenError::Damaged(_)) {
                // Coming again helps when it was damaged here.
                std::fs::remove_file(&part)?;
            }
            return Err(error.into());
        }
        plain.as_file_mut().flush()?;
        plain.as_file().sync_all()?;
        for number in 1..=NAMES {
            let path = directory.join(name::numbered(&file.file_name, number));
            match plain.persist_noclobber(&path) {
                Ok(_) => {
                    std::fs::remove_file(&part)?;
                    return Ok(path);
                }
                Err(failed) if failed.error.kind() == std::io::ErrorKind::AlreadyExists => plain = failed.file,
                Err(failed) => return Err(failed.error.into()),
            }
        }
        bail!("there are too many files of this name already")
    }

    /// Where the ciphertext of a file to be sent is.
    fn sealed(&self, client_id: &str) -> PathBuf {
        self.directory.join(format!("{client_id}.sealed"))
    }

    fn state(&self, client_id: &str) -> PathBuf {
        self.directory.join(format!("{client_id}.json"))
    }

    /// Where the ciphertext of a file to be saved grows. Ids differ in case, which file systems may ignore.
    fn part(&self, id: &str) -> PathBuf {
        let hex = id.bytes().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        self.directory.join(format!("{hex}.part"))
    }
}

#[cfg(test)]
mod tests;
