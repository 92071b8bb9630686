//! Asking on sockets: one frame, many, and many at once.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Driver, NO_MESSAGE};
use crate::model::Checked;
use crate::model::actions::{Place, Request};
use crate::model::event::Scope;
use crate::model::reference::{Asked, Draft, check_error};

/// What a device has asked and was not answered yet.
pub(super) struct Waiting {
    place: Place,
    asked: Asked,
    reference: i64,
}

/// What a user has asked, and the answer.
pub(super) struct Exchange {
    pub(super) user: usize,
    pub(super) asked: Asked,
    pub(super) answer: Value,
}

impl Driver<'_> {
    /// What a request means now; `None` when there is nothing that it could mean.
    pub(super) fn resolve(&mut self, user: usize, request: &Request) -> Option<Asked> {
        let own = |driver: &Self| -> Vec<Draft> {
            let id = driver.id(user);
            driver.model.drafts().into_iter().filter(|(sender, _)| *sender == id).map(|(_, draft)| draft).collect()
        };
        let any = |driver: &Self, index: &prop::sample::Index| -> i64 {
            let ids = driver.model.ids();
            if ids.is_empty() { NO_MESSAGE } else { *index.get(&ids) }
        };
        Some(match request {
            Request::Send { to, text, expires_in_s } => {
                let to = self.other(user, *to);
                Asked::Send(self.draft(to, *text, *expires_in_s))
            }
            Request::Resend(index) => {
                let own = own(self);
                Asked::Send((!own.is_empty()).then(|| index.get(&own).clone())?)
            }
            Request::Conflict(index) => {
                let own = own(self);
                let first = (!own.is_empty()).then(|| index.get(&own).clone())?;
                Asked::Send(Draft { receiver_copy: format!("{} but other", first.receiver_copy), ..first })
            }
            Request::Read { partner, up_to } => {
                Asked::Read { partner: self.other(user, *partner), up_to: any(self, up_to) }
            }
            Request::Delete { message, everyone } => {
                let scope = if *everyone { Scope::Everyone } else { Scope::Me };
                Asked::Delete { id: any(self, message), scope }
            }
        })
    }

    pub(super) fn resolve_all(&mut self, user: usize, requests: &[Request]) -> Vec<Asked> {
        requests.iter().filter_map(|request| self.resolve(user, request)).collect()
    }

    /// Writes all frames without waiting.
    pub(super) async fn ask(&mut self, place: Place, asked: Vec<Asked>) -> Checked<Vec<Waiting>> {
        let device = self.device(place);
        let mut waiting = Vec::with_capacity(asked.len());
        for asked in asked {
            if let Asked::Send(draft) = &asked {
                device.will_send(draft);
            }
            let reference = device.new_ref();
            device.send(&asked.frame(reference)).await?;
            waiting.push(Waiting { place, asked, reference });
        }
        Ok(waiting)
    }

    /// Waits for all answers.
    pub(super) async fn answers(&mut self, waiting: Vec<Waiting>) -> Checked<Vec<Exchange>> {
        let mut exchanges = Vec::with_capacity(waiting.len());
        for Waiting { place, asked, reference } in waiting {
            let answer = self.device(place).answer(reference).await?;
            exchanges.push(Exchange { user: place.user, asked, answer });
        }
        Ok(exchanges)
    }

    /// Asks, waits and judges. `resent`: earlier tries may have reached the server.
    pub(super) async fn exchange(&mut self, place: Place, asked: Vec<Asked>, resent: bool) -> Checked {
        let waiting = self.ask(place, asked).await?;
        let exchanges = self.answers(waiting).await?;
        self.judge(&exchanges, resent)
    }

    /// Judges what was asked at once: sends and deletions in this order, then reads, which may have been merged.
    pub(super) fn judge(&mut self, exchanges: &[Exchange], resent: bool) -> Checked {
        let now = self.now();
        let mut reads: BTreeMap<(i64, i64), Vec<(i64, &Value)>> = BTreeMap::new();
        for Exchange { user, asked, answer } in exchanges {
            let user = self.id(*user);
            let Asked::Read { partner, up_to } = asked else { continue };
            if self.model.conversation(user, *partner).is_none() && answer["type"] == "error" {
                // Asked before the first message of the conversation was there.
                check_error(answer, &["not_found"])?;
            } else {
                reads.entry((user, *partner)).or_default().push((*up_to, answer));
            }
        }
        for Exchange { user, asked, answer } in exchanges {
            let user = self.id(*user);
            match asked {
                Asked::Send(draft) => self.model.judge_send(user, draft, answer, resent)?,
                Asked::Delete { id, scope } => self.model.judge_delete(user, (*id, *scope), answer, now, resent)?,
                Asked::Read { .. } => {}
            }
        }
        reads.into_iter().try_for_each(|((user, partner), reads)| self.model.judge_reads(user, partner, &reads, resent))
    }

    pub(super) async fn burst(&mut self, place: Place, requests: &[Request]) -> Checked {
        self.come_online(place).await?;
        let asked = self.resolve_all(place.user, requests);
        self.exchange(place, asked, false).await
    }

    /// Sends requests of two devices at once. They commute but for the order of the numbers, which is learned from the
    /// answers.
    pub(super) async fn at_once(&mut self, one: &(Place, Request), two: &(Place, Request)) -> Checked {
        let (one, mut two) = (one.clone(), two.clone());
        if one.0.user == two.0.user {
            two.0.user = (two.0.user + 1) % self.people.len();
        }
        // What a read covers depends on whether the other's message was there yet, and its answer may not tell.
        let is_read = |request: &Request| matches!(request, Request::Read { .. });
        let commute = is_read(&one.1) == is_read(&two.1);
        let mut all = Vec::new();
        for (place, request) in [one, two] {
            self.come_online(place).await?;
            let asked = (place, self.resolve_all(place.user, &[request]));
            if commute {
                all.push(asked);
            } else {
                self.together(vec![asked]).await?;
            }
        }
        self.together(all).await
    }

    /// Both devices of a user send the same: exactly one is the first.
    pub(super) async fn race(&mut self, user: usize, to: usize) -> Checked {
        let to = self.other(user, to);
        let asked = Asked::Send(self.draft(to, true, None));
        let mut all = Vec::new();
        for place in [0, 1].map(|device| Place { user, device }) {
            self.come_online(place).await?;
            all.push((place, vec![asked.clone()]));
        }
        self.together(all).await
    }

    async fn together(&mut self, all: Vec<(Place, Vec<Asked>)>) -> Checked {
        let mut waiting = Vec::new();
        for (place, asked) in all {
            waiting.extend(self.ask(place, asked).await?);
        }
        let mut exchanges = self.answers(waiting).await?;
        exchanges.sort_by_key(|exchange| (exchange.answer["seq"].as_i64(), exchange.answer["duplicate"] == true));
        self.judge(&exchanges, false)
    }

    /// Waits until the server has done all that this socket has asked so far: answers come in the order of the frames.
    pub(super) async fn fence(&mut self, place: Place) -> Checked {
        self.exchange(place, vec![Asked::Delete { id: NO_MESSAGE, scope: Scope::Me }], false).await
    }

    /// Frames have no answer to `delivered`: what has come of it is seen at the partners.
    pub(super) async fn delivered(&mut self, place: Place, but: usize, by_rest: bool) -> Checked {
        self.come_online(place).await?;
        let cursors = self.device(place).cursors();
        let up_to_seq = cursors[cursors.len().saturating_sub(1 + but)];
        if by_rest {
            let body = json!({"delivered": {"up_to_seq": up_to_seq}});
            self.post_receipts(place.user, &body).await?;
        } else {
            self.device(place).send(&json!({"type": "delivered", "up_to_seq": up_to_seq})).await?;
            self.fence(place).await?;
        }
        for expected in self.model.deliver(self.id(place.user), up_to_seq) {
            let news = self.news(expected.partner, usize::from(expected.must)).await?;
            prop_assert!(news.len() <= 1, "expected {:?}, got {:?}", expected, news);
            for event in news {
                self.model.delivered(&expected, event)?;
            }
        }
        Ok(())
    }
}
