//! A working day of an office under the limits that are the default: 50 people with three devices each, behind one IPv4
//! address. Nobody is refused or made to wait, and nobody is banned.

use fluent_backend::clock::Clock;
use fluent_backend::domain::RegistrationMode;
use fluent_backend::testing::{TestClient, TestData, TestDevice, TestServer, send_frame};
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Error;

use crate::support::local::Operator;
use crate::support::v1::stopped_clock;

const PEOPLE: usize = 50;
const DEVICES: usize = 3;
/// Working hours, in each of which all devices wake up once.
const HOURS: usize = 8;
/// Devices that wake up side by side.
const AT_ONCE: usize = 16;
/// Bytes of an encrypted photo.
const PHOTO: usize = 90_000;

/// A device of somebody, asleep.
struct Device {
    /// Its user.
    person: usize,
    number: usize,
    access: String,
    refresh: String,
}

struct Office {
    server: TestServer,
    clock: Clock,
    /// Ids, by the number of the person.
    people: Vec<i32>,
}

impl Office {
    async fn open() -> Self {
        let (clock, data) = (stopped_clock(), TestData::of_one().await);
        let server = TestServer::start_on(data, clock.clone(), |config| {
            config.limits.enabled = true;
            config.registration.mode = RegistrationMode::Invite;
            // The office has the address of these tests.
            config.bans.exempt = Vec::new();
        });
        Self { server: server.await, clock, people: Vec::new() }
    }

    async fn register(&mut self, code: &str) {
        for person in 0..PEOPLE {
            let account = json!({
                "username": name(person), "email": format!("{}@example.org", name(person)), "public_key": "AAAA",
                "password": TestClient::PASSWORD, "invite": code,
            });
            let made: Value = self.server.http().post("/auth/register", &account).await.ok().json();
            self.people.push(i32::try_from(made["id"].as_i64().unwrap()).unwrap());
            // They come within a quarter of an hour.
            self.clock.advance_secs(18);
        }
    }

    /// Signs in on a device; every fifth person mistypes the password twice.
    async fn sign_in(&self, person: usize, number: usize) -> Device {
        let login = |password: &str| json!({"username": name(person), "password": password});
        if person.is_multiple_of(5) {
            for _ in 0..2 {
                let answer = self.server.http().post("/auth/login", &login("correct horse battery stapel")).await;
                assert_eq!(answer.status, 401, "{}", answer.text());
            }
        }
        let tokens: Value = self.server.http().post("/auth/login", &login(TestClient::PASSWORD)).await.ok().json();
        let text = |key: &str| tokens[key].as_str().unwrap().to_owned();
        Device { person, number, access: text("access_token"), refresh: text("refresh_token") }
    }

    /// Wakes a device up, whose access token has expired: it gets a new one, connects, looks for somebody, and writes
    /// to a colleague.
    async fn wake(&self, device: Device, hour: usize) -> Device {
        let Device { person, number, .. } = device;
        let (http, query) = (self.server.http(), format!("device_id=device-{number}"));
        let refused = TestDevice::open(self.server.addr(), &device.access, &query).await.unwrap_err();
        let Error::Http(refused) = *refused else { panic!("{refused}") };
        assert_eq!(refused.status(), 401, "{}", name(person));
        let old = http.with_authorization(format!("Bearer {}", device.access));
        assert_eq!(old.get("/chat/conversations").await.status, 401);
        let refresh = json!({"refresh_token": device.refresh});
        let tokens: Value = http.post("/auth/refresh", &refresh).await.ok().json();
        let text = |key: &str| tokens[key].as_str().unwrap().to_owned();
        let (access, refresh) = (text("access_token"), text("refresh_token"));

        let mut socket = TestDevice::open(self.server.addr(), &access, &query).await.unwrap();
        socket.read_until("live").await;
        let http = http.with_authorization(format!("Bearer {access}"));
        http.get("/chat/conversations").await.ok();
        http.get(&format!("/users/search?query=person-{}", (person + hour) % PEOPLE)).await.ok();
        let colleague = self.people[(person + 1 + number) % PEOPLE];
        let mut frame = send_frame(colleague, &format!("{hour} {number}"));
        if number == 0 {
            frame["receiver_encrypted"] = "p".repeat(PHOTO).into();
            frame["sender_encrypted"] = "p".repeat(PHOTO).into();
        }
        socket.send(&frame).await;
        let (_, stored) = socket.read_until("stored").await;
        socket.send(&json!({"type": "delivered", "up_to_seq": stored["seq"]})).await;
        socket.send(&json!({"type": "typing", "to": colleague, "active": true})).await;
        socket.socket.close().await;
        Device { access, refresh, ..device }
    }
}

fn name(person: usize) -> String {
    format!("person-{person}")
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_of_an_office_is_refused_or_banned_all_day() {
    let mut office = Office::open().await;
    let mut operator = Operator::of(&office.server).await;
    let invite = json!({"uses": PEOPLE, "expires_in_s": 86_400, "note": "the office"});
    let invite = operator.post("/admin/api/invites", invite).await;
    office.register(invite["code"].as_str().unwrap()).await;
    let mut devices = Vec::new();
    for number in 0..DEVICES {
        for person in 0..PEOPLE {
            devices.push(office.sign_in(person, number).await);
            office.clock.advance_secs(6);
        }
    }
    for hour in 0..HOURS {
        office.clock.advance_secs(3600);
        // All in the same moment by the server's clock, as after a power cut; as many at once as a busy machine can.
        let mut woken = Vec::new();
        while !devices.is_empty() {
            let some = devices.split_off(devices.len().saturating_sub(AT_ONCE));
            woken.extend(join_all(some.into_iter().map(|device| office.wake(device, hour))).await);
        }
        devices = woken;
        // Somebody has forgotten the password after lunch.
        if hour == HOURS / 2 {
            devices[7] = office.sign_in(devices[7].person, 0).await;
        }
    }
    // The first connection may have been idle for too long.
    let mut operator = Operator::of(&office.server).await;
    let limiters = operator.get("/admin/api/limiters").await;
    // Neither refuses anything: receipts are merged, and the receiver knows already that somebody types, here on
    // several devices at the same moment.
    let merging = [json!("receipt.pair"), json!("typing.pair")];
    let reached =
        |limiter: &&Value| !merging.contains(&limiter["limiter"]) && !limiter["worst"].as_array().unwrap().is_empty();
    let reached: Vec<&Value> = limiters["limiters"].as_array().unwrap().iter().filter(reached).collect();
    assert!(reached.is_empty(), "{reached:?}");
    let rules = operator.get("/admin/api/address_rules").await;
    assert_eq!(rules["rules"], json!([]), "nobody was banned");
    office.server.stop().await;
}
