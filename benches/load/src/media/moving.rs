//! Transfers that go as fast as the server lets them, until a moment.

use anyhow::Result;
use futures_util::future::try_join_all;
use serde::Serialize;
use tokio::time::Instant;

use super::line::{Content, Line};
use super::side::{Kind, Side, Stored};
use super::{MIB, Media};
use crate::report::Spread;

/// Transfers at once: as many uploads as downloads, each of a user of its own.
pub(super) const TRANSFERS: u32 = 4;

/// How fast all of them went.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rates {
    up_mib_per_s: f64,
    down_mib_per_s: f64,
}

/// The same, over all rounds.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct RatesOver {
    up_mib_per_s: Spread,
    down_mib_per_s: Spread,
}

/// Moves files until `until`, half of the connections in each direction. What is on its way then is moved to its end.
pub(super) async fn transfer(media: &Media, side: &Side, content: &Content, until: Instant) -> Result<Rates> {
    let moving = (0..TRANSFERS as usize).map(async |number| {
        let mut line = Line::open(side.target.addr).await?;
        let is_download = number % 2 == 1;
        let rate = if is_download {
            let file = upload(media, side, content, &mut line, number, None).await?;
            let begun = Instant::now();
            let mut moved = 0;
            while Instant::now() < until {
                side.download(&mut line, side.account(number), &file, content).await?;
                moved += file.bytes;
            }
            let rate = mib_per_s(moved, begun);
            delete(side, content, &mut line, number, &file).await?;
            Rates { down_mib_per_s: rate, ..Rates::default() }
        } else {
            let (mut file, begun, mut moved) = (None, Instant::now(), 0);
            while Instant::now() < until {
                file = Some(upload(media, side, content, &mut line, number, file).await?);
                moved += media.bytes();
            }
            let rate = mib_per_s(moved, begun);
            if let Some(file) = &file {
                delete(side, content, &mut line, number, file).await?;
            }
            Rates { up_mib_per_s: rate, ..Rates::default() }
        };
        anyhow::Ok(rate)
    });
    let rates = try_join_all(moving).await?;
    Ok(Rates {
        up_mib_per_s: rates.iter().map(|rates| rates.up_mib_per_s).sum(),
        down_mib_per_s: rates.iter().map(|rates| rates.down_mib_per_s).sum(),
    })
}

/// Sends a file in the place of an old one.
async fn upload(
    media: &Media,
    side: &Side,
    content: &Content,
    line: &mut Line,
    number: usize,
    old: Option<Stored>,
) -> Result<Stored> {
    let name = format!("beside-{number}");
    let new = side.upload(line, side.account(number), &name, content, media.bytes()).await?;
    if let Some(old) = old {
        delete(side, content, line, number, &old).await?;
    }
    Ok(new)
}

async fn delete(side: &Side, content: &Content, line: &mut Line, number: usize, file: &Stored) -> Result<()> {
    // At the bare server a new file takes the old one's place.
    if side.kind == Kind::Server { side.delete(line, side.account(number), file, content).await } else { Ok(()) }
}

fn mib_per_s(bytes: u64, begun: Instant) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "MiB are far below 2^52")]
    let mib = (bytes / MIB) as f64;
    mib / begun.elapsed().as_secs_f64()
}

impl RatesOver {
    pub(super) fn of(rounds: &[Rates]) -> Self {
        let spread = |figure: fn(&Rates) -> f64| Spread::of(rounds.iter().map(figure));
        Self { up_mib_per_s: spread(|rates| rates.up_mib_per_s), down_mib_per_s: spread(|rates| rates.down_mib_per_s) }
    }
}

impl std::fmt::Display for Rates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.0} MiB/s up, {:.0} MiB/s down", self.up_mib_per_s, self.down_mib_per_s)
    }
}

impl std::fmt::Display for RatesOver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.0} MiB/s up, {:.0} MiB/s down", self.up_mib_per_s, self.down_mib_per_s)
    }
}
