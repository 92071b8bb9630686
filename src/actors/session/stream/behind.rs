//! A socket that catches up: the seam of new events, and the replies and the page that wait.

use std::any::Any;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;

use crate::actors::session::origin::Reply;
use crate::domain::{Epoch, Event, EventBody, Seq};
use crate::storage::Page;

/// The bound of a seam: it fits into the socket's queue beside a page.
#[derive(Clone, Copy, Debug)]
pub(in crate::actors) struct SeamLimit {
    pub(in crate::actors) events: usize,
    /// Bytes of ciphertext above which it overflows.
    pub(in crate::actors) bytes: usize,
}

/// A page, and the permit whose drop lets the next one be read.
#[derive(Debug)]
pub(in crate::actors) struct PageInHand {
    pub(in crate::actors) page: Page,
    pub(in crate::actors) permit: OwnedSemaphorePermit,
    /// The admission of a new socket, held until its first page is made into frames.
    pub(in crate::actors) admission: Option<Box<dyn Any + Send>>,
}

/// The state of a socket that catches up.
#[derive(Debug)]
pub(super) struct Behind {
    pub(super) limit: SeamLimit,
    pub(super) seam: VecDeque<Arc<Event>>,
    pub(super) seam_bytes: usize,
    pub(super) overflowed: bool,
    /// Replies that wait for the place of their event.
    pub(super) held: BTreeMap<Seq, Reply>,
    /// A page that waits for the replies to all commands up to the number.
    pub(super) page: Option<(u64, PageInHand)>,
    /// The epoch for the frame `live` that ends the opening; `None` for a socket that was live before.
    pub(super) epoch: Option<Epoch>,
}

impl Behind {
    pub(super) fn new(limit: SeamLimit) -> Self {
        Self {
            limit,
            seam: VecDeque::new(),
            seam_bytes: 0,
            overflowed: false,
            held: BTreeMap::new(),
            page: None,
            epoch: None,
        }
    }

    pub(super) fn join(&mut self, event: &Arc<Event>) {
        let bytes =
            if let EventBody::Message(m) = &event.body { m.sender_copy.len() + m.receiver_copy.len() } else { 0 };
        if self.overflowed || self.seam.len() >= self.limit.events || self.seam_bytes >= self.limit.bytes {
            self.overflow();
        } else {
            self.seam_bytes += bytes;
            self.seam.push_back(event.clone());
        }
    }

    pub(super) fn overflow(&mut self) {
        self.overflowed = true;
        self.seam = VecDeque::new();
        self.seam_bytes = 0;
    }
}
