//! What the server tells at the end, compared with what the clients know.

mod told;

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::pin::pin;

use anyhow::{Context as _, Result};
use fluent_client::Cursor;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::Serialize;

use super::book::Book;
use super::device::{Device, Kept};
use super::ring::Ring;
use crate::progress::Progress;
use crate::requests::Connection;
pub(super) use told::Told;

/// Users whose messages are read at once.
const AT_ONCE: usize = 6;

/// What was found, each message counted once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Findings {
    /// Messages in the store.
    pub(super) stored: u64,
    /// Of those: that every device of the receiver has got.
    pub(super) delivered: u64,
    /// Acknowledged, or shown to somebody, and not in the store; or in the store, and not with a device that followed.
    pub(super) lost: u64,
    /// In the store or with a device more than once, or with another id.
    pub(super) duplicated: u64,
    /// With a lower number than one that was sent before it.
    pub(super) out_of_order: u64,
    /// In the histories that were read, and not in the events or the other way round.
    pub(super) history_differs: u64,
}

/// Reads everything that every user has, and compares.
pub(super) async fn audit(servers: &[SocketAddr], ring: Ring, devices: &[Device], book: &Book) -> Result<Findings> {
    let mut findings = Findings::default();
    let mut all = Vec::new();
    let progress = Progress::counting("what the server has is read", ring.users().into());
    let readings = stream::iter(0..ring.users()).map(|user| read(servers, ring, devices, user));
    let mut readings = pin!(readings.buffered(AT_ONCE));
    while let Some((told, differs)) = readings.try_next().await? {
        findings.history_differs += differs;
        check_order(&told, &mut findings);
        all.push(told);
        progress.step();
    }
    let missed = compare_devices(&all, devices, &mut findings);
    compare_sides(&all, ring, book, &missed, &mut findings);
    Ok(findings)
}

/// All that a user is told, and how much of a history differs from it.
async fn read(servers: &[SocketAddr], ring: Ring, devices: &[Device], user: u32) -> Result<(Vec<Told>, u64)> {
    let phone = devices.iter().find(|device| device.user == user).context("a user without a phone")?;
    let cursor = phone.phone.cursor().context("a phone without a cursor")?;
    // Each server tells the same.
    let addr = servers.get(user as usize % servers.len().max(1)).context("no server is up")?;
    // A server closes one on which nothing is asked for some seconds.
    let mut connection = Connection::open(*addr).await?;
    let told = told::events(&mut connection, &phone.token, &Cursor::new(cursor.epoch(), 0)).await?;
    let differs = told::history(&mut connection, &phone.token, ring, user, &told).await?;
    Ok((told, differs))
}

/// Growing numbers, each message once.
fn check_order(told: &[Told], findings: &mut Findings) {
    let mut last = 0;
    let mut newest: HashMap<u64, u64> = HashMap::new();
    let mut seen = HashSet::new();
    for &Told { kept: Kept { seq, pair, number }, .. } in told {
        findings.out_of_order += u64::from(seq <= last);
        last = last.max(seq);
        if !seen.insert((pair, number)) {
            findings.duplicated += 1;
        } else if let Some(before) = newest.insert(pair, number) {
            findings.out_of_order += u64::from(number < before);
        }
    }
}

/// What each device has kept must be what its user was told. Answers what some receiver's device lacks.
fn compare_devices(all: &[Vec<Told>], devices: &[Device], findings: &mut Findings) -> HashSet<(u64, u64)> {
    let mut missed = HashSet::new();
    for device in devices {
        let Some(told) = all.get(device.user as usize) else { continue };
        let mut log = device.log.iter().peekable();
        let mut seen = HashSet::new();
        findings.duplicated += device.log.iter().filter(|kept| !seen.insert((kept.pair, kept.number))).count() as u64;
        for Told { kept, .. } in told {
            // What the device has and the store has not.
            while log.next_if(|own| own.seq < kept.seq).is_some() {
                findings.lost += 1;
            }
            if log.next_if_eq(&kept).is_none() {
                findings.lost += 1;
                missed.insert((kept.pair, kept.number));
            }
        }
        findings.lost += log.count() as u64;
    }
    missed
}

/// Both sides have every message, and all that was acknowledged is there under its id.
fn compare_sides(all: &[Vec<Told>], ring: Ring, book: &Book, missed: &HashSet<(u64, u64)>, findings: &mut Findings) {
    let mut sides: HashMap<(u64, u64), [u64; 2]> = HashMap::new();
    for (told, user) in all.iter().zip(0..) {
        for &Told { kept: Kept { pair, number, .. }, id } in told {
            let ids = sides.entry((pair, number)).or_default();
            let is_sender = ring.sender(pair) == user;
            ids[usize::from(!is_sender)] = id;
        }
    }
    for (message, [sent, received]) in &sides {
        findings.stored += 1;
        findings.delivered += u64::from(*received != 0 && !missed.contains(message));
        findings.lost += u64::from(*sent == 0 || *received == 0);
        findings.duplicated += u64::from(*sent != 0 && *received != 0 && sent != received);
    }
    book.each(|pair, number, fate| match sides.get(&(pair, number)) {
        None => findings.lost += 1,
        Some([id, _]) => findings.duplicated += u64::from(fate.id != 0 && *id != 0 && fate.id != *id),
    });
    findings.duplicated += book.doubled();
}

#[cfg(test)]
mod tests;
