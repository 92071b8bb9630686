//! Asking by REST, and looking by REST at what has happened.

use std::net::SocketAddr;

use bytes::Bytes;
use fluent_backend::testing::{Answer, eventually};
use http::{HeaderMap, Method, StatusCode};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::Driver;
use super::ask::Exchange;
use crate::model::actions::Request;
use crate::model::event::{Event, Message};
use crate::model::reference::{Asked, Draft, Verdict};
use crate::model::{Checked, in_time};

impl Driver<'_> {
    pub(super) fn addr(&self) -> SocketAddr {
        self.people[0].client.http.addr()
    }

    /// What the user's devices must learn beyond what the reference knows: at least so many events.
    pub(super) async fn news(&self, user: i64, at_least: usize) -> Checked<Vec<Event>> {
        let person = self.people.iter().find(|person| i64::from(person.client.id) == user);
        let http = &person.expect("one of the users").client.http;
        let since = self.model.head(user).max(self.start);
        let path = format!("/chat/sync?since={}:{since}&limit=100", self.epoch);
        let probe = async || {
            let answer: Value = http.get(&path).await.ok().json();
            let events = answer["events"].as_array().cloned().unwrap_or_default();
            (events.len() >= at_least).then_some(events)
        };
        let events = in_time("events", eventually("events", probe)).await?;
        events.iter().map(Event::parse).collect()
    }

    pub(super) async fn by_rest(&mut self, user: usize, request: &Request) -> Checked {
        match self.resolve(user, request) {
            None => Ok(()),
            Some(Asked::Send(draft)) => self.post_message(user, &draft).await,
            Some(asked @ Asked::Delete { .. }) => self.delete_by_rest(user, asked).await,
            Some(Asked::Read { partner, up_to }) => {
                self.post_receipts(user, &json!({"read": [{"partner_id": partner, "up_to_id": up_to}]})).await?;
                self.observe_read(user, partner, up_to).await
            }
        }
    }

    async fn post_message(&mut self, user: usize, draft: &Draft) -> Checked {
        let verdict = self.model.verdict(self.id(user), draft);
        let answer = self.people[user].client.http.post("/chat/messages", &draft.fields()).await;
        let expected = match verdict {
            Verdict::New => (StatusCode::CREATED, None),
            Verdict::Duplicate(_) => (StatusCode::OK, None),
            Verdict::Conflict(_) => (StatusCode::CONFLICT, Some("conflict")),
            Verdict::Blocked => (StatusCode::FORBIDDEN, Some("blocked")),
        };
        let body = body(&answer)?;
        prop_assert_eq!((answer.status, body["code"].as_str()), expected, "{}", body);
        if expected.1.is_none() { self.model.judge_send(self.id(user), draft, &body, false) } else { Ok(()) }
    }

    async fn delete_by_rest(&mut self, user: usize, asked: Asked) -> Checked {
        let Asked::Delete { id, scope } = &asked else { unreachable!("it is a deletion") };
        let path = format!("/chat/messages/{id}?for={}", scope.as_str());
        let answer = self.rest(user, Method::DELETE, &path).await;
        let mut body = body(&answer)?;
        if !answer.status.is_success() {
            let expected = if body["code"] == "forbidden" { StatusCode::FORBIDDEN } else { StatusCode::NOT_FOUND };
            prop_assert_eq!(answer.status, expected, "{}", body);
            body["type"] = "error".into();
            body["retryable"] = false.into();
        }
        self.judge(&[Exchange { user, asked, answer: body }], false)
    }

    pub(super) async fn post_receipts(&mut self, user: usize, body: &Value) -> Checked {
        let answer = self.people[user].client.http.post("/chat/receipts", body).await;
        prop_assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text());
        Ok(())
    }

    /// Learns what has come of a read that was not answered with a receipt.
    pub(super) async fn observe_read(&mut self, user: usize, partner: i64, up_to: i64) -> Checked {
        let id = self.id(user);
        let anew = self.model.reads_anew(id, partner, up_to);
        if anew == Some(false) {
            return Ok(());
        }
        let news = self.news(id, usize::from(anew == Some(true))).await?;
        prop_assert!(news.len() <= 1, "one read is one event: {:?}", news);
        news.into_iter().try_for_each(|event| self.model.observe_read(id, partner, up_to, event))
    }

    pub(super) async fn block(&mut self, user: usize, other: usize, blocked: bool) -> Checked {
        let (id, other) = (self.id(user), self.other(user, other));
        let method = if blocked { Method::PUT } else { Method::DELETE };
        let answer = self.rest(user, method, &format!("/users/{other}/block")).await;
        prop_assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text());
        let news = self.news(id, usize::from(self.model.blocks(id, other) != blocked)).await?;
        prop_assert!(news.len() <= 1, "one event: {:?}", news);
        for event in news {
            match event {
                Event::Block(block) if (block.user_id, block.blocked) == (other, blocked) => {
                    self.model.block(id, block)?;
                }
                event => return Err(TestCaseError::fail(format!("expected a block of {other}: {event:?}"))),
            }
        }
        Ok(())
    }

    /// Moves the clock, and waits until everybody has been told of all that has expired.
    pub(super) async fn advance(&mut self, seconds: i64) -> Checked {
        self.bench.clock.advance_secs(seconds);
        let expiring = self.model.expiring(self.now());
        for user in 0..self.people.len() {
            let id = self.id(user);
            let ids: Vec<i64> = expiring.iter().filter(|(owner, _)| *owner == id).map(|(_, id)| *id).collect();
            if ids.is_empty() {
                continue;
            }
            // Before anybody is told, nothing of it is shown.
            let shown = self.whole_history(user).await?;
            prop_assert!(shown.iter().all(|message| !ids.contains(&message.id)), "{:?} are shown: {:?}", ids, shown);
            for event in self.news(id, ids.len()).await? {
                self.model.expired(id, event)?;
            }
            let left: Vec<(i64, i64)> = self.model.expiring(self.now());
            prop_assert!(left.iter().all(|(owner, _)| *owner != id), "user {} was not told: {:?}", id, left);
        }
        Ok(())
    }

    /// All messages of the user in no special order, as a device loads them that has no cursor.
    pub(super) async fn whole_history(&self, user: usize) -> Checked<Vec<Message>> {
        let mut all = Vec::new();
        for partner in 0..self.people.len() {
            let path = format!("/chat/all_messages?partnerID={}&limit=100", self.id(partner));
            let page = body(&self.people[user].client.http.get(&path).await.ok())?;
            all.extend(messages(&page)?);
        }
        // Drivers write few messages; paging is looked at in the end.
        prop_assert!(all.len() < 100, "a page is full");
        Ok(all)
    }

    pub(super) async fn rest(&self, user: usize, method: Method, path: &str) -> Answer {
        self.people[user].client.http.send(method, path, HeaderMap::new(), Bytes::new()).await
    }
}

/// The body as JSON.
pub(super) fn body(answer: &Answer) -> Checked<Value> {
    serde_json::from_slice(&answer.body)
        .map_err(|error| TestCaseError::fail(format!("{error}: {} {}", answer.status, answer.text())))
}

/// Messages of a history page.
pub(super) fn messages(page: &Value) -> Checked<Vec<Message>> {
    serde_json::from_value(page.clone()).map_err(|error| TestCaseError::fail(format!("no messages ({error}): {page}")))
}
