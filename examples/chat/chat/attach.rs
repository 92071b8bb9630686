//! Files that are sent and saved.

use std::path::PathBuf;

use fluent_client::Event;
use fluent_client::files::UploadFailed;
use tokio::time::Instant;

use super::{Chat, LAST_WAIT};
use crate::link::Sent;
use crate::{editor, seal, terminal};

impl Chat {
    /// Goes on with files that an earlier chat could not send to this partner.
    pub(super) fn resume_files(&mut self) -> anyhow::Result<()> {
        for outgoing in self.files.outgoing()? {
            if outgoing.partner != self.partner.id {
                continue;
            }
            match &outgoing.draft {
                Some(draft) if self.is_in_outbox(&draft.client_id) => self.files.forget(&outgoing.client_id)?,
                // The same bytes: the server knows them if they were sent.
                Some(draft) => {
                    self.posted.push(outgoing.client_id.clone());
                    self.events.push_back(Event::Written(draft.clone()));
                }
                None => {
                    terminal::notice(&format!("going on with {}", outgoing.file.file_name));
                    self.link.resume_file(self.files.clone(), outgoing);
                }
            }
        }
        Ok(())
    }

    /// Sends a file, once it is known how large one may be.
    pub(super) fn send_file(&mut self, path: &str) {
        self.files_to_send.push(path.to_owned());
        if self.client.is_live() {
            self.send_files();
        }
    }

    /// Sends the files that have waited for a connection.
    pub(super) fn send_files(&mut self) {
        for path in std::mem::take(&mut self.files_to_send) {
            match self.client.media_bytes() {
                Some(limit) => self.link.send_file(self.files.clone(), path, self.partner.id, limit),
                None => terminal::notice("the server takes no files"),
            }
        }
    }

    /// Writes the message that names an uploaded file.
    pub(super) fn file_sent(&mut self, sent: Sent) -> anyhow::Result<()> {
        let Sent { name, outgoing, result } = sent;
        self.link.arrived(&name);
        self.show_progress();
        let (mut outgoing, id) = match (outgoing, result) {
            (Some(outgoing), Ok(id)) => (outgoing, id),
            (outgoing, Err(error)) => {
                terminal::notice(&format!("{name} is not sent: {error:#}"));
                match outgoing {
                    Some(outgoing) if error.downcast_ref::<UploadFailed>().is_some() => {
                        self.files.forget(&outgoing.client_id)?;
                    }
                    Some(_) => terminal::notice("the next chat tries it again"),
                    None => {}
                }
                return Ok(());
            }
            (None, Ok(_)) => return Ok(()),
        };
        outgoing.file.id = id;
        let draft = seal::seal_file(&outgoing.file, outgoing.client_id.clone(), &self.keys, &self.partner)?;
        outgoing.draft = Some(draft.clone());
        self.files.save(&outgoing)?;
        self.posted.push(outgoing.client_id);
        self.events.push_back(Event::Written(draft));
        Ok(())
    }

    /// Removes what is kept of files whose messages are in the outbox on disk.
    pub(super) fn forget_posted(&mut self) -> anyhow::Result<()> {
        for client_id in std::mem::take(&mut self.posted) {
            if self.is_in_outbox(&client_id) {
                self.files.forget(&client_id)?;
            } else {
                self.posted.push(client_id);
            }
        }
        Ok(())
    }

    /// Saves the files of a message that is on the screen.
    pub(super) fn save_files(&mut self, id: i64) {
        let Some(files) = self.shown_files.get(&id) else {
            return terminal::notice(&format!("there is no message [{id}] with a file on the screen"));
        };
        for (file, size) in files {
            if self.link.gauges().iter().any(|gauge| gauge.is_of(&file.file_name)) {
                terminal::notice(&format!("{} is on its way", file.file_name));
            } else {
                self.link.save_file(self.files.clone(), file.clone(), *size);
            }
        }
    }

    pub(super) fn file_saved(&mut self, name: &str, result: anyhow::Result<PathBuf>) -> anyhow::Result<()> {
        self.link.arrived(name);
        self.show_progress();
        match result {
            Ok(path) => {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                terminal::say(&format!("         saved as {}", terminal::printable(&name)))?;
            }
            Err(error) => terminal::notice(&format!("{name} is not saved: {error:#}; /save goes on")),
        }
        Ok(())
    }

    /// Shows how far files are. Where nobody can type, the end waits for them.
    pub(super) fn show_progress(&mut self) {
        let gauges = self.link.gauges();
        let moved = gauges.iter().map(|gauge| gauge.done()).sum();
        if self.moved != moved && !terminal::is_interactive() {
            self.closing = self.closing.map(|_| Instant::now() + LAST_WAIT);
        }
        self.moved = moved;
        editor::set_status(&gauges.iter().map(|gauge| gauge.bar()).collect::<Vec<_>>().join(", "));
    }

    /// Returns whether files are not where they should be yet.
    pub(super) fn has_files_on_their_way(&self) -> bool {
        !self.link.gauges().is_empty() || !self.files_to_send.is_empty()
    }

    fn is_in_outbox(&self, client_id: &str) -> bool {
        let outbox = self.client.outbox();
        let failed = outbox.failed().map(|(draft, _)| draft);
        outbox.waiting().chain(failed).any(|draft| draft.client_id == client_id)
    }
}
