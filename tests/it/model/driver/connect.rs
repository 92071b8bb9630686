//! Connecting, and losing the connection at any byte.

use proptest::prelude::*;

use super::{Driver, moved};
use crate::model::actions::{Place, Request, Since};
use crate::model::cut::{self, Ending};
use crate::model::device::Start;
use crate::model::event::check_replay;
use crate::model::reference::{Asked, Verdict};
use crate::model::{Checked, in_time};

impl Driver<'_> {
    /// Connects a device from its last cursor, if it is not connected.
    pub(super) async fn come_online(&mut self, place: Place) -> Checked {
        if self.device(place).is_connected() {
            return Ok(());
        }
        Box::pin(self.connect(place, &Since::Saved, &[], None)).await
    }

    fn start(&mut self, place: Place, since: &Since) -> Start {
        let cursors = self.device(place).cursors();
        match since {
            Since::Saved => cursors.last().map_or(Start::Head, |seq| Start::At(*seq)),
            Since::Older(_) if cursors.is_empty() => Start::Head,
            Since::Older(index) => Start::At(*index.get(cursors)),
            Since::Zero => Start::At(0),
            Since::Absent => Start::Head,
            Since::OtherEpoch => Start::Bogus("0therEp0ch:1".to_owned(), "epoch"),
            Since::Future => Start::Bogus(format!("{}:{}", self.epoch, 1_i64 << 50), "future"),
        }
    }

    /// Shakes hands and loads by history what the stream will not bring.
    async fn open(&mut self, place: Place, start: &Start) -> Checked {
        let (addr, token) = (self.addr(), self.people[place.user].client.tokens.access_token.clone());
        let epoch = self.epoch.clone();
        self.device(place).connect((addr, &token, &epoch), start, true).await
    }

    pub(super) async fn connect(
        &mut self,
        place: Place,
        since: &Since,
        early: &[Request],
        limit: Option<usize>,
    ) -> Checked {
        let start = self.start(place, since);
        self.open(place, &start).await?;
        // The outcome of what is asked before one goes would be unknown.
        let early = if limit.is_some() { &[] } else { early };
        let asked = self.resolve_all(place.user, early);
        let nothing_asked = asked.is_empty();
        let waiting = self.ask(place, asked).await?;
        let epoch = self.epoch.clone();
        let replay = self.device(place).come_live(&epoch, &start, limit).await?;
        if !matches!(start, Start::At(_)) {
            let history = self.whole_history(place.user).await?;
            self.device(place).load(history);
        }
        if limit.is_some() && !self.device(place).is_connected() {
            return Ok(());
        }
        if let (Start::At(seq), true) = (&start, nothing_asked) {
            check_replay(&replay, &self.model.list(self.id(place.user), *seq), &format!("since {since:?}"))?;
        }
        let exchanges = self.answers(waiting).await?;
        self.judge(&exchanges, false)?;
        self.check_device(place).await
    }

    /// The device has everything, as soon as its newest event has come.
    pub(super) async fn check_device(&mut self, place: Place) -> Checked {
        let user = self.id(place.user);
        let (head, list) = (self.model.head(user), self.model.list(user, 0));
        let device = self.device(place);
        device.read_to(head).await?;
        prop_assert_eq!(device.list(), device.share_of(list), "{:?} differs from the reference", place);
        Ok(())
    }

    /// The connection ends after some bytes of a frame. The device does not know what has become of it, and asks again.
    pub(super) async fn cut(&mut self, place: Place, request: &Request, permille: usize, ending: Ending) -> Checked {
        self.come_online(place).await?;
        let Some(asked) = self.resolve(place.user, request) else { return Ok(()) };
        let frame = cut::masked(&asked.frame(0).to_string());
        let mut length = frame.len() * permille / 1000;
        if let Asked::Send(draft) = &asked {
            let verdict = self.model.verdict(self.id(place.user), draft);
            if !matches!(verdict, Verdict::New | Verdict::Duplicate(_)) {
                // It must not be waiting somewhere until it can be stored.
                length = length.min(frame.len() - 1);
            }
            self.device(place).will_send(draft);
        }
        let socket = self.device(place).disconnect().expect("it is connected").socket;
        cut::write_and_go(socket.into_stream(), &frame[..length], ending).await;

        self.ask_again(place, vec![asked], length == frame.len()).await
    }

    /// Comes back from the last cursor and repeats what was not answered.
    async fn ask_again(&mut self, place: Place, asked: Vec<Asked>, resent: bool) -> Checked {
        let start = self.start(place, &Since::Saved);
        self.open(place, &start).await?;
        let epoch = self.epoch.clone();
        self.device(place).come_live(&epoch, &start, None).await?;
        self.exchange(place, asked, resent).await?;
        self.check_device(place).await
    }

    pub(super) async fn cut_handshake(&mut self, place: Place, permille: usize, ending: Ending) {
        let (addr, token) = (self.addr(), &self.people[place.user].client.tokens.access_token);
        cut::handshake(addr, token, permille, ending).await;
    }

    /// The server goes down while sends are on their way, and comes back; the device asks again.
    pub(super) async fn restart(&mut self, drained: bool, place: Place, sends: usize) -> Checked {
        self.come_online(place).await?;
        for user in 0..self.people.len() {
            self.legacy_disconnect(user).await?;
        }
        let to = self.other(place.user, 1);
        let asked: Vec<Asked> = (0..sends).map(|_| Asked::Send(self.draft(to, true, None))).collect();
        self.ask(place, asked.clone()).await?;
        if drained {
            let devices = self.people.iter_mut().flat_map(|person| &mut person.devices);
            let closing =
                futures_util::future::join_all(devices.filter(|device| device.is_connected()).map(async |device| {
                    let code = device.read_to_close().await?;
                    prop_assert_eq!(code, 1012);
                    Ok(())
                }));
            let (drain, closed) = tokio::join!(in_time("the drain", self.bench.drain()), closing);
            drain?;
            closed.into_iter().collect::<Checked>()?;
        } else {
            self.bench.kill().await;
        }
        self.bench.restart().await;
        let http = self.bench.http();
        for person in &mut self.people {
            person.client = moved(&person.client, &http);
            person.legacy.move_to(&http);
            for device in &mut person.devices {
                device.disconnect();
            }
        }
        self.ask_again(place, asked, true).await
    }
}
