//! Devices that open at two servers, one after the other or both at once, and users with one or two sockets too many.
//! Of a device one socket stays, and the other is closed with 4003; of a user the oldest are closed with 4002.

use std::time::Duration;

use anyhow::{Result, bail};
use futures_util::future::join_all;
use futures_util::{StreamExt as _, TryStreamExt as _};
use serde::Serialize;

use super::servers::Servers;
use super::{PATIENCE, Verdict, code_of, end_of};
use crate::client;
use crate::marked_frame::Dialect;
use crate::place::Where;
use crate::progress::Progress;
use crate::socket::{Closed, Socket};
use crate::target::Account;

/// Users at once.
const AT_ONCE: usize = 16;
/// Sockets that a user may have, by default.
const ALLOWED: usize = 10;
/// For how long those that stay are looked at in the end.
const STAYS: Duration = Duration::from_secs(3);
const TOO_MANY: u16 = 4002;
const REPLACED: u16 = 4003;

/// Devices and users with more sockets than one may have.
#[derive(Clone, Debug, clap::Args, Serialize)]
#[group(skip)]
pub(crate) struct Openings {
    /// Servers, with a NATS between them
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(2..=8))]
    nodes: u32,
    /// Devices that open twice, half of them at once
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    devices: u32,
    /// Users with too many sockets, half of them with the last two at once
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=2000))]
    crowded: u32,
}

/// What came of it.
#[derive(Debug, Serialize)]
pub(super) struct Outcome {
    workload: &'static str,
    #[serde(flatten)]
    openings: Openings,
    /// Sockets that were closed with 4003, one of each device.
    replaced: u64,
    /// Sockets that were closed with 4002, one or two of each user.
    too_many: u64,
    #[serde(flatten)]
    faults: Faults,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
struct Faults {
    /// Sockets that should have been closed and were not.
    stayed: u64,
    /// Sockets that should have stayed and did not.
    lost: u64,
    /// Sockets that were closed with another code.
    other_codes: u64,
}

/// What came of one device or user: the sockets that stay, and how those ended that should not have stayed.
type Ended = (Vec<Socket>, Vec<Option<u16>>);

impl Openings {
    pub(super) async fn run(&self, own: &Where) -> Result<Outcome> {
        let servers = Servers::start(own, self.nodes, self.devices + self.crowded).await?;
        self.run_on(&servers).await.map_err(|error| servers.blame(error))
    }

    async fn run_on(&self, servers: &Servers) -> Result<Outcome> {
        let mut outcome = Outcome {
            workload: "devices",
            openings: self.clone(),
            replaced: 0,
            too_many: 0,
            faults: Faults::default(),
        };
        let progress = Progress::counting("devices and users have opened", (self.devices + self.crowded).into());
        let opening = servers.accounts.iter().zip(0..).map(|(account, number)| {
            let progress = &progress;
            async move {
                let is_device = number < self.devices as usize;
                let ended = if is_device {
                    device(servers, account, number).await
                } else {
                    user(servers, account, number).await
                };
                progress.step();
                ended.map(|ended| (is_device, ended))
            }
        });
        let mut opening = futures_util::stream::iter(opening).buffer_unordered(AT_ONCE);
        let mut staying = Vec::new();
        while let Some((is_device, (sockets, codes))) = opening.try_next().await? {
            outcome.note(&codes, is_device);
            staying.extend(sockets);
        }
        let ends = join_all(staying.iter_mut().map(|socket| end_of(socket, STAYS))).await;
        outcome.faults.lost += ends.into_iter().flatten().count() as u64;
        Ok(outcome)
    }
}

impl Outcome {
    /// Counts sockets that should not have stayed.
    fn note(&mut self, codes: &[Option<u16>], is_device: bool) {
        for code in codes {
            match code {
                None => self.faults.stayed += 1,
                Some(REPLACED) if is_device => self.replaced += 1,
                Some(TOO_MANY) if !is_device => self.too_many += 1,
                Some(_) => self.faults.other_codes += 1,
            }
        }
    }
}

/// Opens a device at two servers.
async fn device(servers: &Servers, account: &Account, number: usize) -> Result<Ended> {
    let open = |at| {
        let at = servers.at(at);
        async move { opened(client::connect(at?, &account.token, Dialect::V1, "device_id=phone").await) }
    };
    let (one, other) = if number.is_multiple_of(2) {
        (open(number / 2).await?, open(number / 2 + 1).await?)
    } else {
        tokio::try_join!(open(number / 2), open(number / 2 + 1))?
    };
    let (mut one, mut other) = match (one, other) {
        (Ok(one), Ok(other)) => (one, other),
        // One of them was closed before it was live.
        (Ok(stays), Err(code)) | (Err(code), Ok(stays)) => return Ok((vec![stays], vec![Some(code)])),
        (Err(one), Err(other)) => bail!("no socket of a device stayed: {one} and {other}"),
    };
    let is_at_once = number % 2 == 1;
    tokio::select! {
        code = end_of(&mut one, PATIENCE) => Ok((vec![other], vec![code])),
        // Without a second one that is younger the first is not to be closed.
        code = end_of(&mut other, PATIENCE), if is_at_once => Ok((vec![one], vec![code])),
    }
}

/// Opens as many sockets of a user as there may be, and one or two more.
async fn user(servers: &Servers, account: &Account, number: usize) -> Result<Ended> {
    let open = |at: usize| {
        let address = servers.at(number + at);
        // The oldest have their places before the next one opens.
        let dialect = if at < 2 || at.is_multiple_of(2) { Dialect::V1 } else { Dialect::Legacy };
        async move { client::connect(address?, &account.token, dialect, "").await }
    };
    let mut sockets = Vec::new();
    for at in 0..ALLOWED {
        sockets.push(open(at).await?);
    }
    if number.is_multiple_of(2) {
        sockets.push(open(ALLOWED).await?);
    } else {
        let (one, other) = tokio::try_join!(open(ALLOWED), open(ALLOWED + 1))?;
        sockets.extend([one, other]);
    }
    let staying = sockets.split_off(sockets.len() - ALLOWED);
    let codes = join_all(sockets.iter_mut().map(|socket| end_of(socket, PATIENCE))).await;
    Ok((staying, codes))
}

/// Returns a socket, or the code with which it was closed before it was live.
fn opened(socket: Result<Socket>) -> Result<Result<Socket, u16>> {
    match socket {
        Ok(socket) => Ok(Ok(socket)),
        Err(error) if error.is::<Closed>() => Ok(Err(code_of(&error))),
        Err(error) => Err(error),
    }
}

impl Verdict for Outcome {
    fn holds(&self) -> bool {
        self.faults == Faults::default()
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { openings, replaced, too_many, faults, .. } = self;
        let Faults { stayed, lost, other_codes } = faults;
        write!(
            f,
            "devices at {} servers: {} opened twice, {replaced} closed with 4003",
            openings.nodes, openings.devices
        )?;
        write!(f, "; {} users with too many sockets, {too_many} closed with 4002", openings.crowded)?;
        write!(f, "; not closed {stayed}, closed although they should stay {lost}, with another code {other_codes}")
    }
}
