//! An upload that goes on after cuts, over restarts of either side.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::backoff::{Backoff, Pause};

/// Most times that an upload begins anew because the server does not have it any more.
const MAX_BEGINNINGS: u8 = 3;

/// The upload of a ciphertext, which must stay the same until it is complete. Its JSON is for the disk: written before
/// the first request and when [`is_declared`](Self::is_declared) becomes true, it goes on where it was.
#[derive(Debug, Deserialize, Serialize)]
pub struct Upload {
    /// The `Idempotency-Key`, by which a declaration that is repeated is the same file.
    name: String,
    size: u64,
    sha256: String,
    id: Option<String>,
    #[serde(skip)]
    offset: Option<u64>,
    #[serde(skip)]
    beginnings: u8,
    #[serde(skip)]
    backoff: Backoff,
}

/// The next request of an upload.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum UploadStep {
    /// `POST /media` with this `Idempotency-Key` and `{"size","sha256"}`.
    Declare {
        /// The key.
        name: String,
        /// The size of the ciphertext.
        size: u64,
        /// Its SHA-256, in hexadecimal digits.
        sha256: String,
    },
    /// `HEAD /media/{id}` with `Tus-Resumable: 1.0.0`.
    Ask {
        /// The id.
        id: String,
    },
    /// `PATCH /media/{id}` with any number of the bytes from `offset` on.
    Append {
        /// The id.
        id: String,
        /// The `Upload-Offset`.
        offset: u64,
    },
    /// None: a message may name the file.
    Complete {
        /// The id.
        id: String,
    },
}

/// The response to a request of an upload.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct UploadAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The `id` in the body, if there is one.
    pub id: Option<String>,
    /// The `offset` in the body, or `Upload-Offset`.
    pub offset: Option<u64>,
    /// `Retry-After`.
    pub retry_after: Option<Duration>,
}

/// The server refuses the file for good.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the server refuses the file with status {status}")]
pub struct UploadFailed {
    /// The HTTP status.
    pub status: u16,
}

impl Upload {
    /// Makes an upload of `size` bytes with this SHA-256 in hexadecimal digits. `name` is
    /// `[A-Za-z0-9._:-]{1,64}`, and new for each file.
    #[must_use]
    pub fn new(name: String, size: u64, sha256: String) -> Self {
        Self { name, size, sha256, id: None, offset: None, beginnings: 0, backoff: Backoff::default() }
    }

    /// Returns the size in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Returns how many bytes the server is known to have.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset.unwrap_or_default()
    }

    /// Returns whether the server has given it an id.
    #[must_use]
    pub fn is_declared(&self) -> bool {
        self.id.is_some()
    }

    /// Returns the next request.
    #[must_use]
    pub fn step(&self) -> UploadStep {
        let Some(id) = self.id.clone() else {
            return UploadStep::Declare { name: self.name.clone(), size: self.size, sha256: self.sha256.clone() };
        };
        match self.offset {
            None => UploadStep::Ask { id },
            Some(offset) if offset < self.size => UploadStep::Append { id, offset },
            Some(_) => UploadStep::Complete { id },
        }
    }

    /// Handles the response to the request of [`step`](Self::step). Returns how long to wait before the next.
    pub fn answered(&mut self, answer: &UploadAnswer) -> Result<Option<Pause>, UploadFailed> {
        let &UploadAnswer { status, ref id, offset, retry_after } = answer;
        match status {
            200..=299 => {
                if let Some(id) = id {
                    self.id = Some(id.clone());
                }
                if offset > self.offset {
                    self.backoff.reset();
                }
                self.offset = offset;
                Ok(None)
            }
            // Somewhere else than it was thought to be.
            409 if self.id.is_some() => {
                self.offset = offset;
                // Or a newer request has taken over: that is asked for, and not at once.
                Ok(offset.is_none().then(|| self.backoff.next_pause()))
            }
            // Expired, or deleted from another device: its name is free again.
            404 if self.id.is_some() && self.beginnings < MAX_BEGINNINGS => {
                self.beginnings += 1;
                (self.id, self.offset) = (None, None);
                Ok(None)
            }
            408 | 423 | 429 | 460 | 500..=599 => {
                self.offset = None;
                Ok(Some(self.backoff.next_pause().after(retry_after.unwrap_or_default())))
            }
            _ => Err(UploadFailed { status }),
        }
    }

    /// Handles a request without a response. Returns how long to wait before the next.
    pub fn cut(&mut self) -> Pause {
        // Some of what was sent may have come.
        self.offset = None;
        self.backoff.next_pause()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "AAAAAAAAAAAAAAAAAAAAAA";

    fn upload() -> Upload {
        Upload::new("name".to_owned(), 100, "00".repeat(32))
    }

    fn answer(status: u16, offset: Option<u64>) -> UploadAnswer {
        UploadAnswer { status, offset, ..UploadAnswer::default() }
    }

    fn declared() -> Upload {
        let mut upload = upload();
        assert!(matches!(upload.step(), UploadStep::Declare { size: 100, .. }));
        let answer = UploadAnswer { id: Some(ID.to_owned()), ..answer(201, Some(0)) };
        assert_eq!(upload.answered(&answer), Ok(None));
        assert_eq!(upload.step(), UploadStep::Append { id: ID.to_owned(), offset: 0 });
        upload
    }

    #[test]
    fn an_upload_in_parts() {
        let mut upload = declared();
        assert_eq!(upload.answered(&answer(204, Some(60))), Ok(None));
        assert_eq!(upload.step(), UploadStep::Append { id: ID.to_owned(), offset: 60 });
        assert_eq!(upload.answered(&answer(204, Some(100))), Ok(None));
        assert_eq!(upload.step(), UploadStep::Complete { id: ID.to_owned() });
    }

    #[test]
    fn after_a_cut_the_server_is_asked() {
        let mut upload = declared();
        upload.cut();
        assert_eq!(upload.step(), UploadStep::Ask { id: ID.to_owned() });
        assert_eq!(upload.answered(&answer(200, Some(40))), Ok(None));
        assert_eq!(upload.step(), UploadStep::Append { id: ID.to_owned(), offset: 40 });
        // So it is by another program that has only the disk.
        let upload: Upload = serde_json::from_str(&serde_json::to_string(&upload).unwrap()).unwrap();
        assert_eq!((upload.step(), upload.size()), (UploadStep::Ask { id: ID.to_owned() }, 100));
    }

    #[test]
    fn another_offset_is_taken_from_the_server() {
        let mut upload = declared();
        assert_eq!(upload.answered(&answer(409, Some(70))), Ok(None));
        assert_eq!(upload.offset(), 70);
        assert!(upload.answered(&answer(409, None)).unwrap().is_some());
        assert_eq!(upload.step(), UploadStep::Ask { id: ID.to_owned() });
    }

    #[test]
    fn a_file_that_is_gone_begins_anew_a_few_times() {
        let mut upload = declared();
        for _ in 0..MAX_BEGINNINGS {
            assert_eq!(upload.answered(&answer(404, None)), Ok(None));
            assert!(matches!(upload.step(), UploadStep::Declare { .. }));
            upload.answered(&UploadAnswer { id: Some(ID.to_owned()), ..answer(201, Some(0)) }).unwrap();
        }
        assert_eq!(upload.answered(&answer(404, None)), Err(UploadFailed { status: 404 }));
    }

    #[test]
    fn what_passes_is_waited_for_and_what_stays_ends_it() {
        for status in [408, 423, 429, 503, 507] {
            let mut upload = declared();
            let told = UploadAnswer { retry_after: Some(Duration::from_secs(7)), ..answer(status, None) };
            let pause = upload.answered(&told).unwrap().unwrap();
            assert!(pause.draw(0.0) >= Duration::from_secs(7), "{status}");
            assert_eq!(upload.step(), UploadStep::Ask { id: ID.to_owned() }, "{status}");
        }
        for status in [400, 403, 413, 422] {
            assert_eq!(declared().answered(&answer(status, None)), Err(UploadFailed { status }));
        }
        assert_eq!(upload().answered(&answer(409, None)), Err(UploadFailed { status: 409 }), "the name is taken");
    }
}
