//! A provider in the process of the test, which notes what it is asked and answers as it is told.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fluent_backend::clock::Clock;
use fluent_backend::config::Config;
use fluent_backend::domain::{PushAddress, PushOutcome, PushTarget, Sent, Timestamp, Wake};
use fluent_backend::push::{Admission, FcmOffer, Nothing, Offers, ProviderStatus, Sender, Unusable};
use fluent_backend::testing::{TestClient, TestData, TestServer, eventually};
use futures_util::future::BoxFuture;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::support::v1::stopped_clock;

/// How the provider answers.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Answer {
    Is(PushOutcome),
    /// It does not, until the test goes on.
    Hangs,
}

#[derive(Default)]
struct Book {
    /// The wake-ups that were accepted, by token: whether each was urgent, and its name.
    accepted: HashMap<String, Vec<(bool, String)>>,
    asked: usize,
    on_their_way: HashSet<String>,
    answer: Option<Answer>,
}

/// A provider of FCM.
pub(super) struct Provider {
    book: Mutex<Book>,
    go_on: Semaphore,
}

impl Provider {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { book: Mutex::default(), go_on: Semaphore::new(0) })
    }

    fn book(&self) -> std::sync::MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers so from now on.
    pub(super) fn answers(&self, answer: Answer) {
        self.book().answer = Some(answer);
    }

    /// Lets a request go on that hangs.
    pub(super) fn release(&self) {
        self.go_on.add_permits(1);
    }

    /// The wake-ups of a token that were accepted: whether each was urgent.
    pub(super) fn accepted(&self, token: &str) -> Vec<bool> {
        self.book().accepted.get(token).map(|all| all.iter().map(|(urgent, _)| *urgent).collect()).unwrap_or_default()
    }

    /// The names of the accepted wake-ups of a token.
    pub(super) fn names(&self, token: &str) -> Vec<String> {
        self.book()
            .accepted
            .get(token)
            .map(|all| all.iter().map(|(_, name)| name.clone()).collect())
            .unwrap_or_default()
    }

    /// How many requests were made.
    pub(super) fn asked(&self) -> usize {
        self.book().asked
    }

    /// Waits until so many wake-ups of a token were accepted.
    pub(super) async fn woken(&self, token: &str, times: usize) {
        eventually("the device is woken", async || (self.accepted(token).len() >= times).then_some(())).await;
        assert_eq!(self.accepted(token).len(), times);
    }

    /// Waits until so many requests were made.
    pub(super) async fn is_asked(&self, times: usize) {
        eventually("the provider is asked", async || (self.asked() >= times).then_some(())).await;
    }
}

/// Ends a request also when it is dropped.
struct OnItsWay<'a>(&'a Provider, String);

impl Drop for OnItsWay<'_> {
    fn drop(&mut self) {
        self.0.book().on_their_way.remove(&self.1);
    }
}

impl Sender for Provider {
    fn offers(&self) -> Offers {
        Offers { fcm: Some(FcmOffer { project_id: "test".to_owned() }), ..Offers::default() }
    }

    fn check(&self, address: &PushAddress) -> Result<(), Unusable> {
        match address {
            PushAddress::Fcm { .. } => Ok(()),
            _ => Err(Unusable("this provider is not configured")),
        }
    }

    fn origin(&self, _: &PushAddress) -> String {
        "fcm".to_owned()
    }

    fn admit(&self, _: &PushAddress, _: Timestamp) -> Admission {
        Admission::Go
    }

    fn send<'a>(&'a self, target: &'a PushTarget, wake: &'a Wake) -> BoxFuture<'a, Sent> {
        let token = target.address.secret().expose_secret().to_owned();
        Box::pin(async move {
            let answer = {
                let mut book = self.book();
                book.asked += 1;
                assert!(book.on_their_way.insert(token.clone()), "two requests for a device at once");
                book.answer
            };
            let _on_its_way = OnItsWay(self, token.clone());
            let outcome = match answer {
                None => PushOutcome::Accepted,
                Some(Answer::Is(outcome)) => outcome,
                Some(Answer::Hangs) => {
                    self.go_on.acquire().await.unwrap().forget();
                    PushOutcome::Accepted
                }
            };
            if outcome == PushOutcome::Accepted {
                let mut book = self.book();
                book.accepted.entry(token).or_default().push((wake.is_urgent, wake.id.as_str().to_owned()));
            }
            let reason = (outcome != PushOutcome::Accepted).then(|| "as the test says".to_owned());
            Sent { status: Some(200), reason, ..Sent::new(outcome, Duration::from_millis(1)) }
        })
    }

    fn reset(&self) {}

    fn status(&self, now: Timestamp) -> Vec<ProviderStatus> {
        let mut status = Nothing::default().status(now);
        status[0].is_configured = true;
        status
    }
}

/// A server with this provider, on data of its own.
pub(super) async fn pushing(provider: &Arc<Provider>, clock: Clock) -> TestServer {
    pushing_on(TestData::of_one().await, provider, clock, |_| {}).await
}

/// The same on data that may be another server's.
pub(super) async fn pushing_on(
    data: Arc<TestData>,
    provider: &Arc<Provider>,
    clock: Clock,
    change: impl FnOnce(&mut Config),
) -> TestServer {
    TestServer::start_pushing(data, clock, provider.clone(), change).await
}

/// Alice, who writes, and Bob, whose device `b` is registered.
pub(super) struct Pair {
    pub(super) provider: Arc<Provider>,
    pub(super) clock: Clock,
    pub(super) server: TestServer,
    pub(super) alice: TestClient,
    pub(super) bob: TestClient,
}

impl Pair {
    pub(super) async fn start() -> Self {
        let (provider, clock) = (Provider::new(), stopped_clock());
        let server = pushing(&provider, clock.clone()).await;
        let (alice, bob) = (server.sign_up("alice").await, server.sign_up("bob").await);
        register(&bob, "b").await;
        Self { provider, clock, server, alice, bob }
    }
}

/// Registers a device by its own name as token.
pub(super) async fn register(user: &TestClient, device: &str) {
    let body = json!({"provider": "fcm", "token": format!("token-{device}")});
    let answer = user.http.put(&format!("/push/targets/{device}"), &body).await;
    assert!(answer.status == 200 || answer.status == 201, "{} {}", answer.status, answer.text());
}

/// A user's devices.
pub(super) async fn targets(user: &TestClient) -> Vec<Value> {
    user.http.get("/push/targets").await.ok().json()
}

/// Sends a message without a socket, with an urgency if given. Returns its `stored`.
pub(super) async fn send(from: &TestClient, to: i32, text: &str, urgency: Option<&str>) -> Value {
    let mut frame = fluent_backend::testing::send_frame(to, text);
    if let Some(urgency) = urgency {
        frame["urgency"] = urgency.into();
    }
    from.http.post("/chat/messages", &frame).await.ok().json()
}

/// Lets time pass until a token has so many accepted wake-ups.
pub(super) async fn woken_in_time(provider: &Provider, clock: &Clock, token: &str, times: usize) {
    eventually("the device is woken", async || {
        clock.advance_secs(1);
        (provider.accepted(token).len() >= times).then_some(())
    })
    .await;
    assert_eq!(provider.accepted(token).len(), times);
}

/// Lets time pass until nothing is owed any more.
pub(super) async fn settled_in_time(server: &TestServer, clock: &Clock) {
    let storage = server.server().storage();
    eventually("all debts are settled", async || {
        clock.advance_secs(300);
        let counts = storage.push_counts().await.unwrap();
        (counts.iter().map(|count| count.owed).sum::<i64>() == 0).then_some(())
    })
    .await;
}

/// Waits until nothing is owed any more.
pub(super) async fn settled(server: &TestServer) {
    let storage = server.server().storage();
    let owed = async || storage.push_counts().await.unwrap().iter().map(|count| count.owed).sum::<i64>();
    eventually("all debts are settled", async || (owed().await == 0).then_some(())).await;
}

/// The same people at another server on the same data.
pub(super) fn at(server: &TestServer, user: &TestClient) -> TestClient {
    let http = server.http().with_authorization(format!("Bearer {}", user.tokens.access_token));
    TestClient { http, ..user.clone() }
}
