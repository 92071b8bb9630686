//! What somebody does while a socket is open.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use anyhow::Result;
use fluent_client::{ClientFrame, Event};
use tokio::sync::watch;
use tokio::time::{sleep_until, timeout};

use super::person::{Person, Phase, WRITES};
use crate::clock;
use crate::phone::{draft_of, frame_of};
use crate::requests::{Ask, Expect};
use crate::socket::Socket;

/// The time of a message that says nothing about latency: its sender cuts the connection.
pub(super) const UNTIMED: u64 = 0;
/// Longest time until the server answers a close.
const CLOSE: Duration = Duration::from_secs(2);

impl Person {
    /// Until this user leaves, the server ends it, or another phase wants so.
    pub(super) async fn stream(&mut self, mut socket: Socket, phase: &mut watch::Receiver<Phase>) -> Result<()> {
        let opened = *phase.borrow_and_update();
        let leave = clock::now() + self.staying();
        self.next = self.next.max(clock::now());
        loop {
            let now = *phase.borrow_and_update();
            if now == Phase::End || (now == Phase::Return && opened != now) {
                return Ok(());
            }
            self.send(&mut socket);
            if now != Phase::Day && self.done != Some(now) && self.friends.iter().all(|friend| friend.waiting() == 0) {
                self.done = Some(now);
                self.ledger.ready.fetch_add(1, Relaxed);
            }
            let mut due = self.phone.due().unwrap_or(u64::MAX);
            if now == Phase::Day {
                due = due.min(leave).min(self.next);
            }
            tokio::select! {
                turned = socket.transfer() => {
                    turned?;
                    self.take(&mut socket, true)?;
                }
                () = sleep_until(clock::instant(due.min(clock::now() + 60_000_000_000))) => {
                    if now == Phase::Day && clock::now() >= leave {
                        if self.random.chance(500) {
                            close(socket).await;
                        } else {
                            self.cut(socket).await;
                        }
                        return Ok(());
                    }
                    self.act(now);
                }
                // The day begins for all at once.
                _ = phase.changed() => self.next = self.next.max(clock::now()),
            }
        }
    }

    /// Goes without a word, with a message on its way: whether it is stored is not known before the return.
    async fn cut(&mut self, mut socket: Socket) {
        let place = self.random.index(self.friends.len());
        if let Some(friend) = self.friends.get_mut(place) {
            friend.write(UNTIMED);
            self.ledger.sent.fetch_add(1, Relaxed);
        }
        self.send(&mut socket);
        // Not written at all, or cut at once, or a little later.
        if let Some(wait) = self.random.below(3).checked_sub(1) {
            let _ = timeout(Duration::from_millis(wait), socket.transfer()).await;
        }
    }

    /// Sends what may be sent.
    fn send(&mut self, socket: &mut Socket) {
        let now = clock::now();
        if !self.phone.pauses(now) {
            for friend in &mut self.friends {
                if let Some(draft) = friend.next().and_then(draft_of) {
                    self.phone.write(draft);
                }
            }
        }
        while let Some(frame) = self.phone.next_frame(now) {
            socket.queue(&frame_of(&frame));
        }
        while let Some((draft, is_resend)) = self.phone.next() {
            socket.queue(&frame_of(&ClientFrame::Send(draft)));
            self.ledger.resent.fetch_add(is_resend.into(), Relaxed);
        }
    }

    /// Does what is due.
    fn act(&mut self, phase: Phase) {
        let now = clock::now();
        if phase != Phase::Day || self.next > now {
            return;
        }
        let due = self.next;
        self.next = self.after(due);
        if !self.is_active(due) {
            return;
        }
        let place = self.random.index(self.friends.len());
        let deed = self.random.below(1000);
        let Some(friend) = self.friends.get_mut(place) else { return };
        let to = friend.id;
        if let Ok(id @ 1..) = i64::try_from(friend.newest) {
            self.phone.happens(Event::Seen { partner: to.into(), id });
        }
        if deed < WRITES.into() {
            self.phone.happens(Event::Typing { to: to.into(), active: true });
            friend.write(due);
            self.ledger.note_lag(due, now);
            self.ledger.sent.fetch_add(1, Relaxed);
        } else if deed < u64::from(WRITES) + 150 {
            self.phone.happens(Event::Typing { to: to.into(), active: deed.is_multiple_of(2) });
        } else {
            // What has come on the socket is in the history.
            let newest = Some(friend.last).filter(|&id| id > 0).map(|id| Expect::exactly(1, format!(r#""id":{id},"#)));
            let path = format!("/chat/all_messages?partnerID={to}&limit=20");
            let ask = Ask::get(0, &path, self.token(), newest.into_iter().collect());
            let ledger = self.ledger.clone();
            tokio::spawn(async move { ledger.ask(&ask).await });
        }
    }
}

/// Leaves politely. What comes meanwhile is not kept, and so comes again.
async fn close(mut socket: Socket) {
    socket.queue_close();
    let closing = async { while socket.transfer().await.is_ok() && matches!(drain(&mut socket), Ok(())) {} };
    let _ = timeout(CLOSE, closing).await;
}

fn drain(socket: &mut Socket) -> Result<()> {
    while socket.next()?.is_some() {}
    Ok(())
}
