//! All clients of a run.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::again::{Later, Post};
use super::device::{Device, Identity};
use super::legacy::Legacy;
use super::ring::Ring;
use super::shared::{Order, Shared};
use crate::marked_frame::Dialect;
use crate::outbox::Outbox;
use crate::place;
use crate::random::Random;

/// What all clients do alike.
#[derive(Clone, Copy, Debug)]
pub(super) struct Habits {
    pub(super) seed: u64,
    /// Of a thousand users so many have the shipped app as their second client.
    pub(super) legacy: u32,
    /// Of a thousand messages so many are sent once more without need.
    pub(super) again: u64,
    pub(super) bytes: u32,
    /// Between two messages of a device; without one it writes to each friend as fast as it is answered.
    pub(super) pause: Duration,
}

/// All clients: first ready, then running, then at their end.
pub(super) struct Crowd {
    devices: Vec<Device>,
    apps: Vec<Legacy>,
    orders: Vec<watch::Sender<Order>>,
    running: JoinSet<Device>,
    running_apps: JoinSet<()>,
}

impl Crowd {
    pub(super) fn gather(habits: &Habits, ring: Ring, shared: &Arc<Shared>) -> Result<Self> {
        let post = Arc::new(Post::new(shared.clone()));
        let mut crowd = Self {
            devices: Vec::new(),
            apps: Vec::new(),
            orders: Vec::new(),
            running: JoinSet::new(),
            running_apps: JoinSet::new(),
        };
        for (account, user) in place::accounts(ring.users())?.into_iter().zip(0..) {
            let mut random = Random::of(habits.seed, user.into());
            let is_legacy = random.chance(habits.legacy.into());
            let phone = Later::default();
            // Without a second device it is the phone itself, a little later.
            let tablet = if is_legacy { phone.clone() } else { Later::default() };
            let device = |client: u32, name, later, orders, random| {
                let row = |(to, pair)| Outbox::new(Dialect::V1, pair, to, habits.bytes, habits.seed);
                let outboxes = ring.rows(user, client).map(row).collect::<Result<_>>()?;
                let who = Identity { user, id: account.id, name, token: account.token.clone(), outboxes, later };
                anyhow::Ok(Device::new(shared, who, random, orders, habits, &post))
            };
            let mut number = || Random::of(random.next(), 0);
            let orders = crowd.next_orders();
            crowd.devices.push(device(0, "phone", [phone.clone(), tablet.clone()], orders, number())?);
            let orders = crowd.next_orders();
            if is_legacy {
                crowd.apps.push(Legacy {
                    shared: shared.clone(),
                    token: account.token.clone(),
                    friends: ring.rows(user, 1).collect(),
                    pairs: ring.pairs(),
                    bytes: habits.bytes,
                    seed: habits.seed,
                    random: number(),
                    orders,
                    generation: 0,
                    received: HashMap::new(),
                    done: None,
                    not_before: 0,
                });
            } else {
                crowd.devices.push(device(1, "tablet", [tablet, phone], orders, number())?);
            }
        }
        Ok(crowd)
    }

    fn next_orders(&mut self) -> watch::Receiver<Order> {
        let orders = watch::Sender::default();
        let receiver = orders.subscribe();
        self.orders.push(orders);
        receiver
    }

    /// The way to make each client do something.
    pub(super) fn orders(&self) -> Vec<watch::Sender<Order>> {
        self.orders.clone()
    }

    /// Lets all of them live; how many there are.
    pub(super) fn spawn(&mut self) -> u64 {
        for device in self.devices.drain(..) {
            self.running.spawn(Box::pin(device.live()));
        }
        for app in self.apps.drain(..) {
            self.running_apps.spawn(Box::pin(app.live()));
        }
        self.orders.len() as u64
    }

    /// All devices at their end.
    pub(super) async fn devices(&mut self) -> Result<Vec<Device>> {
        let mut devices = Vec::new();
        while let Some(device) = self.running.join_next().await {
            devices.push(device.context("a device has failed")?);
        }
        while let Some(app) = self.running_apps.join_next().await {
            app.context("an app has failed")?;
        }
        devices.sort_by_key(|device| device.user);
        Ok(devices)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::chaos::shared::Phase;
    use crate::socket::TEST_ACCEPT;

    /// Answers a handshake and says in the same breath that nothing was missed; then keeps the socket and its peace.
    async fn greet(mut phone: TcpStream) -> std::io::Result<()> {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            request.push(phone.read_u8().await?);
        }
        let live = r#"{"type":"live","cursor":"a:1"}"#;
        let head = format!("HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: {TEST_ACCEPT}\r\n\r\n");
        let length = u8::try_from(live.len()).unwrap();
        phone.write_all(&[head.as_bytes(), &[0x81, length], live.as_bytes()].concat()).await?;
        while phone.read_u8().await.is_ok() {}
        Ok(())
    }

    #[tokio::test]
    async fn phones_see_what_comes_together_with_the_answer_to_their_handshakes() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let nodes = watch::Sender::new(vec![Some(listener.local_addr().unwrap())]);
        tokio::spawn(async move {
            while let Ok((phone, _)) = listener.accept().await {
                tokio::spawn(greet(phone));
            }
        });
        let phase = watch::Sender::new(Phase::Come);
        let shared = Arc::new(Shared::new(nodes.subscribe(), phase.subscribe(), 1));
        let habits = Habits { seed: 1, legacy: 0, again: 0, bytes: 100, pause: Duration::from_secs(10) };
        let mut crowd = Crowd::gather(&habits, Ring::new(24), &shared).unwrap();
        let everybody = crowd.spawn();
        shared.all_ready(everybody, "came", Duration::from_secs(10)).await;
        phase.send_replace(Phase::End);
        assert_eq!((everybody, crowd.devices().await.unwrap().len(), shared.problems()), (24, 24, Vec::new()));
    }
}
