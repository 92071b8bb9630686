//! Metrics of files.

use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

use super::http::{STATUS_CLASSES, status_class};
use super::names;
use crate::domain::MediaState;

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From clients.
    Up,
    /// To clients.
    Down,
}

impl Direction {
    const ALL: [Self; 2] = [Self::Up, Self::Down];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// What a request wants with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaOp {
    /// To declare one, perhaps with its bytes.
    Create,
    /// To send bytes.
    Append,
    /// To learn how far an upload is.
    Offset,
    /// To read it.
    Read,
    /// To make a link.
    Link,
    /// To delete it.
    Delete,
}

impl MediaOp {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Create, Self::Append, Self::Offset, Self::Read, Self::Link, Self::Delete];

    /// Returns the label's value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Append => "append",
            Self::Offset => "offset",
            Self::Read => "read",
            Self::Link => "link",
            Self::Delete => "delete",
        }
    }
}

/// What is asked of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BucketOp {
    /// To keep an object.
    Put,
    /// To begin an upload in parts.
    Begin,
    /// To keep a part.
    Part,
    /// To make one object of the parts.
    Complete,
    /// To forget the parts.
    Abort,
    /// To read an object, as far as its head.
    Get,
    /// To say whether there is an object.
    Head,
    /// To remove an object.
    Delete,
}

impl BucketOp {
    /// All of them.
    pub const ALL: [Self; 8] =
        [Self::Put, Self::Begin, Self::Part, Self::Complete, Self::Abort, Self::Get, Self::Head, Self::Delete];

    /// Returns the label's value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Put => "put",
            Self::Begin => "begin",
            Self::Part => "part",
            Self::Complete => "complete",
            Self::Abort => "abort",
            Self::Get => "get",
            Self::Head => "head",
            Self::Delete => "delete",
        }
    }
}

/// Handles of the metrics of files, made once.
pub struct MediaMetrics {
    bytes: [Counter; 2],
    transfers: [Gauge; 2],
    /// Time until written bytes are on the disk.
    pub fsync_seconds: Histogram,
    bucket_seconds: Histogram,
    bucket_failures: [Counter; 8],
    stored_bytes: Gauge,
    lost: Gauge,
    /// Files that the disk had and the database did not know, removed.
    pub orphans: Counter,
    /// Unfinished ones of these.
    pub unfinished_orphans: Counter,
}

impl MediaMetrics {
    /// Makes the series, at zero, so that they exist before their first event.
    pub(super) fn new() -> Self {
        let orphans = |kind: &'static str| counter!(names::MEDIA_ORPHANS, "kind" => kind);
        let made = Self {
            bytes: Direction::ALL.map(|way| counter!(names::MEDIA_BYTES, "direction" => way.as_str())),
            transfers: Direction::ALL.map(|way| gauge!(names::MEDIA_TRANSFERS, "direction" => way.as_str())),
            fsync_seconds: histogram!(names::MEDIA_FSYNC_SECONDS),
            bucket_seconds: histogram!(names::MEDIA_BUCKET_SECONDS),
            bucket_failures: BucketOp::ALL.map(|op| counter!(names::MEDIA_BUCKET_FAILURES, "op" => op.as_str())),
            stored_bytes: gauge!(names::MEDIA_STORED_BYTES),
            lost: gauge!(names::MEDIA_LOST),
            orphans: orphans("whole"),
            unfinished_orphans: orphans("unfinished"),
        };
        made.bytes.iter().chain([&made.orphans, &made.unfinished_orphans]).for_each(|counter| counter.increment(0));
        made.transfers.iter().chain([&made.lost, &made.stored_bytes]).for_each(|gauge| gauge.set(0.0));
        for state in MediaState::ALL {
            made.files(state.name(), 0);
        }
        made.bucket_failures.iter().for_each(|counter| counter.increment(0));
        for op in MediaOp::ALL {
            for status in STATUS_CLASSES.into_iter().skip(1) {
                counter!(names::MEDIA_REQUESTS, "op" => op.as_str(), "status" => status).increment(0);
            }
        }
        made
    }

    /// Counts bytes of files that were received or sent.
    pub fn moved(&self, direction: Direction, bytes: u64) {
        self.bytes[direction as usize].increment(bytes);
    }

    /// Returns the number of transfers that are running in this direction.
    pub fn transfers(&self, direction: Direction) -> &Gauge {
        &self.transfers[direction as usize]
    }

    /// Counts a request with the class of its status.
    pub fn request(&self, op: MediaOp, status: u16) {
        counter!(names::MEDIA_REQUESTS, "op" => op.as_str(), "status" => status_class(status)).increment(1);
    }

    /// Counts a request to the bucket of files.
    pub fn bucket(&self, op: BucketOp, took: Duration, has_failed: bool) {
        self.bucket_seconds.record(took);
        if has_failed {
            self.bucket_failures[op as usize].increment(1);
        }
    }

    /// Sets the number of files in a state.
    pub fn files(&self, state: &'static str, count: u64) {
        gauge!(names::MEDIA_FILES, "state" => state).set(number(count));
    }

    /// Sets the bytes of all files that are there.
    pub fn stored_bytes(&self, bytes: u64) {
        self.stored_bytes.set(number(bytes));
    }

    /// Sets the number of files that the database knows and the disk has not.
    pub fn lost(&self, count: u64) {
        self.lost.set(number(count));
    }
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn number(count: u64) -> f64 {
    count as f64
}
