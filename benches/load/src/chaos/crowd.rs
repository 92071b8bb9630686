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
