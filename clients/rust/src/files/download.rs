//! A download that goes on after cuts.

use crate::backoff::{Backoff, Pause};

/// The download of a ciphertext: what there is of it on this device is all of its state.
#[derive(Debug)]
pub struct Download {
    size: u64,
    have: u64,
    backoff: Backoff,
}

/// The head of the response to `GET /media/{id}`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DownloadAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The first byte and the size of the whole file in `Content-Range`, if there is one.
    pub range: Option<(u64, u64)>,
    /// `Retry-After`.
    pub retry_after: Option<std::time::Duration>,
}

/// The reason why a file will not come.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DownloadFailed {
    /// No message that you are shown names it any more, or the server has lost it.
    #[error("the file is gone")]
    Gone,
    /// The server says something else about it than the message.
    #[error("the server has another file")]
    OtherFile,
    /// The server refuses it.
    #[error("the server refuses it with status {0}")]
    Refused(u16),
}

impl Download {
    /// Makes a download of `size` bytes, of which the device has the first `have`.
    #[must_use]
    pub fn new(size: u64, have: u64) -> Self {
        // More than there can be is of another file.
        Self { size, have: if have > size { 0 } else { have }, backoff: Backoff::default() }
    }

    /// Returns the first byte to ask for, with `Range: bytes={first}-`; `None` when all are there.
    #[must_use]
    pub fn next(&self) -> Option<u64> {
        (self.have < self.size).then_some(self.have)
    }

    /// Returns how many bytes are there.
    #[must_use]
    pub fn have(&self) -> u64 {
        self.have
    }

    /// Handles the head of a response. Returns where the bytes of its body belong, or how long to wait before the next
    /// request.
    pub fn answered(&mut self, answer: DownloadAnswer) -> Result<Result<u64, Pause>, DownloadFailed> {
        match (answer.status, answer.range) {
            (206, Some((first, size))) if size == self.size && first <= self.have => {
                self.have = first;
                Ok(Ok(first))
            }
            // All of it, whatever was asked for.
            (200, _) => {
                self.have = 0;
                Ok(Ok(0))
            }
            (206 | 416, _) => Err(DownloadFailed::OtherFile),
            (404, _) => Err(DownloadFailed::Gone),
            (408 | 429 | 500..=599, _) => {
                Ok(Err(self.backoff.next_pause().after(answer.retry_after.unwrap_or_default())))
            }
            (status, _) => Err(DownloadFailed::Refused(status)),
        }
    }

    /// Handles bytes of a body, which are on the disk.
    pub fn received(&mut self, bytes: u64) -> Result<(), DownloadFailed> {
        self.have = self.have.saturating_add(bytes);
        self.backoff.reset();
        if self.have > self.size { Err(DownloadFailed::OtherFile) } else { Ok(()) }
    }

    /// Handles a response that did not come or ended too early. Returns how long to wait before the next request.
    pub fn cut(&mut self) -> Pause {
        self.backoff.next_pause()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(status: u16, range: Option<(u64, u64)>) -> DownloadAnswer {
        DownloadAnswer { status, range, retry_after: None }
    }

    #[test]
    fn a_download_goes_on_where_it_was() {
        let mut download = Download::new(100, 40);
        assert_eq!(download.next(), Some(40));
        assert_eq!(download.answered(head(206, Some((40, 100)))), Ok(Ok(40)));
        download.received(30).unwrap();
        download.cut();
        assert_eq!(download.next(), Some(70));
        assert!(matches!(download.answered(head(503, None)), Ok(Err(_))));
        // A server that knows no ranges begins anew.
        assert_eq!(download.answered(head(200, None)), Ok(Ok(0)));
        download.received(100).unwrap();
        assert_eq!((download.next(), download.have()), (None, 100));
        assert_eq!(download.received(1), Err(DownloadFailed::OtherFile));
        assert_eq!(Download::new(100, 101).next(), Some(0));
    }

    #[test]
    fn what_is_another_file_or_none_ends_it() {
        let failed = |answer| Download::new(100, 40).answered(answer).unwrap_err();
        assert_eq!(failed(head(206, Some((40, 99)))), DownloadFailed::OtherFile);
        assert_eq!(failed(head(206, Some((41, 100)))), DownloadFailed::OtherFile);
        assert_eq!(failed(head(416, None)), DownloadFailed::OtherFile);
        assert_eq!(failed(head(404, None)), DownloadFailed::Gone);
        assert_eq!(failed(head(403, None)), DownloadFailed::Refused(403));
    }
}
