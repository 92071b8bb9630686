//! Carries a history out against the server, and compares every reply with the reference.

mod ask;
mod connect;
mod finish;
mod legacy;
mod rest;

use fluent_backend::domain::Timestamp;
use fluent_backend::testing::{Http, TestClient};
use proptest::prelude::*;
use serde_json::Value;

use super::Checked;
use super::actions::{Action, DEVICES, Place, USERS};
use super::bench::Bench;
use super::device::{Device, Start};
use super::reference::{Draft, Reference};
use legacy::Legacy;

/// A message id that no store reaches.
const NO_MESSAGE: i64 = 1 << 52;

/// A user with everything they have.
struct Person {
    client: TestClient,
    devices: Vec<Device>,
    legacy: Legacy,
}

/// A history on its way.
pub(super) struct Driver<'a> {
    bench: &'a mut Bench,
    people: Vec<Person>,
    model: Reference,
    /// The store's epoch and its head when the history began.
    epoch: String,
    start: i64,
    /// Messages so far: each is another.
    drafts: u32,
}

/// Carries out a history with users of its own, and compares everything at the end.
pub(super) async fn run(bench: &mut Bench, history: &[Action]) -> Checked {
    let mut driver = Box::pin(Driver::new(bench)).await?;
    for (i, action) in history.iter().enumerate() {
        let step = Box::pin(driver.step(action)).await;
        step.map_err(|error| TestCaseError::fail(format!("step {i}, {action:?}: {error}")))?;
    }
    let end = Box::pin(driver.finish()).await;
    end.map_err(|error| TestCaseError::fail(format!("at the end: {error}")))
}

impl<'a> Driver<'a> {
    async fn new(bench: &'a mut Bench) -> Checked<Self> {
        let http = bench.http();
        let mut people = Vec::with_capacity(USERS);
        for _ in 0..USERS {
            let client = TestClient::sign_up(http.clone(), &bench.new_name()).await;
            let devices = (0..DEVICES).map(|i| Device::new(client.id.into(), &format!("d{i}"))).collect();
            people.push(Person { client, devices, legacy: Legacy::default() });
        }
        let head: Value = people[0].client.http.get("/chat/sync").await.ok().json();
        let cursor = head["cursor"].as_str().and_then(|cursor| cursor.split_once(':'));
        let (epoch, start) = cursor.ok_or_else(|| TestCaseError::fail(format!("no cursor: {head}")))?;
        let start = start.parse().map_err(|_| TestCaseError::fail(format!("no cursor: {head}")))?;
        let epoch = epoch.to_owned();
        Ok(Self { bench, people, model: Reference::default(), epoch, start, drafts: 0 })
    }

    async fn step(&mut self, action: &Action) -> Checked {
        match action {
            Action::Burst(place, requests) => Box::pin(self.burst(*place, requests)).await,
            Action::AtOnce(one, two) => Box::pin(self.at_once(one, two)).await,
            Action::Race { user, to } => Box::pin(self.race(*user, *to)).await,
            Action::Cut { place, request, permille, ending } => {
                Box::pin(self.cut(*place, request, *permille, *ending)).await
            }
            Action::CutHandshake { place, permille, ending } => {
                self.cut_handshake(*place, *permille, *ending).await;
                Ok(())
            }
            Action::Disconnect(place) => {
                self.device(*place).disconnect();
                Ok(())
            }
            Action::Connect { place, since, early, limit } => {
                Box::pin(self.connect(*place, since, early, *limit)).await
            }
            Action::Delivered { place, but, by_rest } => Box::pin(self.delivered(*place, *but, *by_rest)).await,
            Action::Rest { user, request } => Box::pin(self.by_rest(*user, request)).await,
            Action::Block { user, other, blocked } => Box::pin(self.block(*user, *other, *blocked)).await,
            Action::Advance { seconds } => Box::pin(self.advance(*seconds)).await,
            Action::LegacyConnect(user) => Box::pin(self.legacy_connect(*user)).await,
            Action::LegacySend { user, to } => Box::pin(self.legacy_send(*user, *to)).await,
            Action::LegacyCut { user, permille, ending } => Box::pin(self.legacy_cut(*user, *permille, *ending)).await,
            Action::LegacyHistory { user, partner } => Box::pin(self.legacy_history(*user, *partner)).await,
            Action::Restart { drained, place, sends } => Box::pin(self.restart(*drained, *place, *sends)).await,
        }
    }

    fn device(&mut self, place: Place) -> &mut Device {
        &mut self.people[place.user].devices[place.device]
    }

    fn id(&self, user: usize) -> i64 {
        self.people[user].client.id.into()
    }

    /// The id of the user so many places on.
    fn other(&self, user: usize, places: usize) -> i64 {
        self.id((user + places) % USERS)
    }

    fn now(&self) -> Timestamp {
        self.bench.clock.now()
    }

    /// A message like no other.
    fn draft(&mut self, to: i64, text: bool, expires_in_s: Option<i64>) -> Draft {
        self.drafts += 1;
        let n = self.drafts;
        Draft {
            client_id: Some(format!("c{n}")),
            to,
            receiver_copy: format!("r{n}"),
            sender_copy: format!("s{n}"),
            message_type: if text { "text" } else { "image.v2" },
            expires_in_s,
        }
    }
}

/// The same person at another address.
fn moved(client: &TestClient, http: &Http) -> TestClient {
    let http = http.with_authorization(format!("Bearer {}", client.tokens.access_token));
    TestClient { http, ..client.clone() }
}
