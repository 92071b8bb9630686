//! Files on their way, beside everything else.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use fluent_client::files::FileEntry;
use tokio::task::spawn_blocking;

use super::{Happening, Link};
use crate::files::{self, Files, Gauge, Outgoing};

/// What has become of a file that was to be sent.
pub(crate) struct Sent {
    /// The name of the file.
    pub(crate) name: String,
    /// The file, once it is encrypted.
    pub(crate) outgoing: Option<Box<Outgoing>>,
    /// Its id.
    pub(crate) result: anyhow::Result<String>,
}

impl Link {
    /// Returns how far the files are that are on their way.
    pub(crate) fn gauges(&self) -> &[Rc<Gauge>] {
        &self.gauges
    }

    /// Encrypts and uploads a file.
    pub(crate) fn send_file(&mut self, files: Files, path: String, partner: i64, limit: u64) {
        let (api, gauge) = (Arc::clone(&self.api), self.gauge(&path));
        self.call(async move {
            let (source, encrypting) = (PathBuf::from(&path), files.clone());
            let encrypted = spawn_blocking(move || encrypting.encrypt(&source, partner, limit)).await;
            let (outgoing, result) = match encrypted.map_err(anyhow::Error::from).flatten() {
                Ok(mut outgoing) => {
                    let result = files::upload(&api, &files, &mut outgoing, &gauge).await;
                    (Some(Box::new(outgoing)), result)
                }
                Err(error) => (None, Err(error)),
            };
            Happening::Sent(Sent { name: path, outgoing, result })
        });
    }

    /// Goes on with an upload.
    pub(crate) fn resume_file(&mut self, files: Files, mut outgoing: Outgoing) {
        let name = outgoing.file.file_name.clone();
        let (api, gauge) = (Arc::clone(&self.api), self.gauge(&name));
        self.call(async move {
            let result = files::upload(&api, &files, &mut outgoing, &gauge).await;
            Happening::Sent(Sent { name, outgoing: Some(Box::new(outgoing)), result })
        });
    }

    /// Brings a file, whose ciphertext has `size` bytes if that is known, and decrypts it into the present directory.
    pub(crate) fn save_file(&mut self, files: Files, file: FileEntry, size: Option<u64>) {
        let (api, gauge) = (Arc::clone(&self.api), self.gauge(&file.file_name));
        self.call(async move {
            let name = file.file_name.clone();
            let saving = async {
                files::download(&api, &files, &file, size, &gauge).await?;
                spawn_blocking(move || files.decrypt(&file, Path::new("."))).await?
            };
            Happening::Saved(name, saving.await)
        });
    }

    /// Forgets how far a file was, which is not on its way any more.
    pub(crate) fn arrived(&mut self, name: &str) {
        if let Some(place) = self.gauges.iter().position(|gauge| gauge.is_of(name)) {
            self.gauges.remove(place);
        }
    }

    fn gauge(&mut self, name: &str) -> Rc<Gauge> {
        let gauge = Rc::new(Gauge::new(name));
        self.gauges.push(Rc::clone(&gauge));
        gauge
    }
}
