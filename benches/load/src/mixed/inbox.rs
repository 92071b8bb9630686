//! What somebody notes of what comes.

use std::sync::atomic::Ordering::Relaxed;

use anyhow::Result;

use super::friend;
use super::person::Person;
use super::stream::UNTIMED;
use crate::clock;
use crate::frame;
use crate::marked_frame::{Mark, Seen, scan};
use crate::socket::Socket;

impl Person {
    /// Notes what has come; whether `live` was among it.
    pub(super) fn take(&mut self, socket: &mut Socket, is_live: bool) -> Result<bool> {
        let now = clock::now();
        let mut is_live = is_live;
        while let Some(frame) = socket.next()? {
            if let Some(seq) = frame::event(frame) {
                self.disorder += u64::from(seq <= self.newest);
                self.newest = self.newest.max(seq);
            }
            self.phone.received(frame);
            match scan(frame) {
                Seen::Received(mark) => self.receive(mark, frame::id(frame), now, is_live),
                Seen::Acknowledged(mark) => self.acknowledge(mark, frame::id(frame)),
                Seen::Error => self.ledger.note_error(String::from_utf8_lossy(frame).into_owned()),
                Seen::Live => is_live = true,
                Seen::Other => self.note(frame),
            }
        }
        Ok(is_live)
    }

    fn receive(&mut self, mark: Mark, id: Option<u64>, now: u64, is_live: bool) {
        let from = friend::of_pair(mark.pair).and_then(|(sender, place)| {
            let users = self.users();
            let friend = self.friends.get_mut(friend::place_there(place) as usize)?;
            (friend::friend_of(sender, place, users) == self.number).then_some(friend)
        });
        let Some(friend) = from else {
            self.strays += 1;
            return;
        };
        friend.received.note(mark.seq);
        friend.newest = friend.newest.max(id.unwrap_or(0));
        friend.last = friend.last.max(friend.newest);
        self.ledger.received.fetch_add(1, Relaxed);
        if is_live && mark.intended != UNTIMED {
            self.ledger.note_time(mark.intended, now);
        } else if !is_live {
            self.ledger.replayed.fetch_add(1, Relaxed);
        }
    }

    fn acknowledge(&mut self, mark: Mark, id: Option<u64>) {
        let to = friend::of_pair(mark.pair).filter(|(sender, _)| *sender == self.number);
        match to.and_then(|(_, place)| self.friends.get_mut(place as usize)) {
            Some(friend) => {
                friend.last = friend.last.max(id.unwrap_or(0));
                self.phone.answered(&mark.to_string());
                if friend.acknowledge(mark) {
                    self.ledger.note_acknowledged();
                }
            }
            None => self.strays += 1,
        }
    }

    fn note(&mut self, frame: &[u8]) {
        match frame::kind(frame) {
            b"reset" => self.ledger.note_error(String::from_utf8_lossy(frame).into_owned()),
            b"typing" => _ = self.ledger.typing.fetch_add(1, Relaxed),
            b"presence" => _ = self.ledger.presence.fetch_add(1, Relaxed),
            b"receipt" => _ = self.ledger.receipts.fetch_add(1, Relaxed),
            _ => {}
        }
    }
}
