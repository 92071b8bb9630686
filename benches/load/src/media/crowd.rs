//! The server's memory while many files come and go at once.

use std::time::Duration;

use anyhow::{Context as _, Result};
use futures_util::future::{try_join, try_join_all};
use serde::Serialize;
use tokio::time::{Instant, interval, sleep_until};

use super::line::{Content, Line};
use super::side::{Kind, Side, Stored};
use super::{Media, SETTLE};
use crate::memory::Memory;
use crate::place::Place;
use crate::progress::Progress;

/// Transfers of one user at once, as the server allows by default.
const PER_USER: u32 = 4;
/// Interval between two measurements of memory.
const LOOK: Duration = Duration::from_millis(20);

/// The result.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Crowd {
    /// Uploads, and as many downloads.
    each_way: u32,
    before: Memory,
    /// The most while the files moved.
    most: Memory,
    /// So many seconds after the last.
    after_s: u64,
    after: Memory,
}

impl Crowd {
    /// Returns by how much resident memory grew at most, and what of it is left at the end, in MiB.
    pub(super) fn growth_mib(&self) -> (f64, f64) {
        (self.most.beyond(self.before).rss_mib(), self.after.beyond(self.before).rss_mib())
    }
}

pub(super) async fn measure(media: &Media, place: &Place, content: &Content) -> Result<Crowd> {
    let users = media.crowd.div_ceil(PER_USER);
    let side = Side::start(Kind::Server, place, 2 * users).await?.context("no server")?;
    let said = || format!("{}: {}", side.target.name, side.target.said());
    Box::pin(measure_on(media, &side, content, users)).await.with_context(said)
}

async fn measure_on(media: &Media, side: &Side, content: &Content, users: u32) -> Result<Crowd> {
    let pid = side.target.pid.context("whose memory is not known")?;
    let progress = Progress::unknown("files move");
    // What the first half of the users reads. It also warms the server.
    let mut files = Vec::new();
    for user in 0..users as usize {
        let mut line = Line::open(side.target.addr).await?;
        let file = side.upload(&mut line, side.account(user), "", content, media.bytes()).await?;
        side.download(&mut line, side.account(user), &file, content).await?;
        files.push(file);
    }
    sleep_until(Instant::now() + SETTLE).await;
    let before = Memory::of(pid)?;

    let moving = try_join(
        try_join_all((0..media.crowd as usize).map(|number| upload(media, side, content, number, users as usize))),
        try_join_all((0..media.crowd as usize).map(|number| download(side, content, number, &files))),
    );
    tokio::pin!(moving);
    let (mut most, mut looks) = (before, interval(LOOK));
    loop {
        tokio::select! {
            moved = &mut moving => break moved.map(drop)?,
            _ = looks.tick() => {
                let now = Memory::of(pid)?;
                most = if now.rss_kib > most.rss_kib { now } else { most };
            }
        }
    }
    drop(progress);
    let gone = Instant::now();
    let after = Duration::from_secs(media.after);
    let waiting = Progress::over("all files have moved", after);
    while gone.elapsed() < after {
        waiting.at(gone.elapsed());
        sleep_until((gone + after).min(Instant::now() + Duration::from_secs(1))).await;
    }
    Ok(Crowd { each_way: media.crowd, before, most, after_s: media.after, after: Memory::of(pid)? })
}

/// Sends a file as one of the second half of the users.
async fn upload(media: &Media, side: &Side, content: &Content, number: usize, users: usize) -> Result<()> {
    let mut line = Line::open(side.target.addr).await?;
    let account = side.account(users + number / PER_USER as usize);
    side.upload(&mut line, account, "", content, media.bytes()).await.map(drop)
}

/// Reads a file as one of the first half.
async fn download(side: &Side, content: &Content, number: usize, files: &[Stored]) -> Result<()> {
    let mut line = Line::open(side.target.addr).await?;
    let user = number / PER_USER as usize;
    let file = files.get(user).context("a user without a file")?;
    side.download(&mut line, side.account(user), file, content).await
}

impl std::fmt::Display for Crowd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { each_way, before, after_s, .. } = self;
        let (most, after) = self.growth_mib();
        let heap = self.most.beyond(*before).anon_mib();
        write!(f, "memory        {:.1} MiB, with {each_way} uploads and {each_way} downloads ", before.rss_mib())?;
        write!(f, "{most:+.1} MiB (heap {heap:+.1}), {after_s} s after them {after:+.1} MiB")
    }
}
