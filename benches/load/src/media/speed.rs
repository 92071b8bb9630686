//! Bytes a second and processor time of uploads and downloads, at each server in turn.

use anyhow::{Context as _, Result};
use futures_util::future::try_join_all;
use serde::Serialize;

use super::line::{Content, Line};
use super::side::{Kind, Side, Stored};
use super::{MIB, Media};
use crate::clock;
use crate::costs::{Costs, Snapshot};
use crate::place::Place;
use crate::report::{self, Spread};

/// Size of the files that go first: a server that has served nobody has not even loaded its own program.
const FIRST: u64 = 4 * MIB;
/// Before the names of files at the bare server that are to be sent by `ServeFile` of tower-http.
pub(super) const SERVE_FILE: &str = "/serve-file";

/// One measurement.
#[derive(Clone, Copy, Debug)]
struct Moved {
    mib_per_s: f64,
    /// Processor time of the server for a GiB, in milliseconds.
    cpu_ms: f64,
    other_cores: f64,
}

/// What was measured in one round; what a server does not do, or where there is none, is missing.
#[derive(Clone, Copy, Debug, Default)]
struct Round {
    uploads: [Option<Moved>; 3],
    downloads: [Option<Moved>; 3],
    serve_file: Option<Moved>,
}

/// A server over all rounds.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Over {
    pub(super) mib_per_s: Spread,
    pub(super) cpu_ms_per_gib: Spread,
    /// The measured server to this one, round by round.
    pub(super) speed_ratio: Spread,
    pub(super) cpu_ratio: Spread,
}

/// The result of all rounds.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Speed {
    pub(super) upload: Over,
    pub(super) upload_bare: Over,
    pub(super) upload_nginx: Option<Over>,
    pub(super) download: Over,
    pub(super) download_bare: Over,
    pub(super) download_serve_file: Over,
    pub(super) download_nginx: Option<Over>,
    pub(super) other_cores: Spread,
}

pub(super) async fn measure(media: &Media, place: &Place, content: &Content) -> Result<Speed> {
    let mut rounds = Vec::new();
    for number in 0..media.rounds {
        let mut round = Round::default();
        let mut kinds = [Kind::Server, Kind::Bare, Kind::Nginx];
        // Alternating, so that effects of running first do not always favour the same one.
        if number % 2 == 1 {
            kinds.reverse();
        }
        for kind in kinds {
            if let Some(side) = Side::start(kind, place, media.connections).await? {
                let said = || format!("{}: {}", side.target.name, side.target.said());
                Box::pin(round.measure(media, &side, content)).await.with_context(said)?;
            }
        }
        rounds.push(round);
    }
    Speed::of(&rounds)
}

impl Round {
    async fn measure(&mut self, media: &Media, side: &Side, content: &Content) -> Result<()> {
        let place = side.kind as usize;
        let mut lines = Vec::new();
        for _ in 0..media.connections {
            lines.push(Line::open(side.target.addr).await?);
        }
        let first = upload_all(side, &mut lines, "first", content, FIRST).await?;
        download_all(side, &mut lines, &first, content).await?;

        let mut files = Vec::new();
        let uploading = async {
            files = upload_all(side, &mut lines, "file", content, media.bytes()).await?;
            Ok(())
        };
        self.uploads[place] = Some(moved(media, side, "upload", uploading).await?);
        let downloading = download_all(side, &mut lines, &files, content);
        self.downloads[place] = Some(moved(media, side, "download", downloading).await?);
        if side.kind == Kind::Bare {
            for file in &mut files {
                file.path.insert_str(0, SERVE_FILE);
            }
            let downloading = download_all(side, &mut lines, &files, content);
            self.serve_file = Some(moved(media, side, "download by ServeFile", downloading).await?);
        }
        Ok(())
    }
}

async fn upload_all(side: &Side, lines: &mut [Line], name: &str, content: &Content, bytes: u64) -> Result<Vec<Stored>> {
    try_join_all(lines.iter_mut().enumerate().map(async |(place, line)| {
        side.upload(line, side.account(place), &format!("{name}-{place}"), content, bytes).await
    }))
    .await
}

async fn download_all(side: &Side, lines: &mut [Line], files: &[Stored], content: &Content) -> Result<()> {
    let downloading = lines.iter_mut().zip(files).enumerate();
    try_join_all(
        downloading.map(async |(place, (line, file))| side.download(line, side.account(place), file, content).await),
    )
    .await
    .map(drop)
}

/// Measures while a file moves on each connection.
async fn moved(media: &Media, side: &Side, what: &str, moving: impl Future<Output = Result<()>>) -> Result<Moved> {
    // What others have written and not waited for is no business of this one.
    tokio::task::spawn_blocking(rustix::fs::sync).await?;
    let mib = u64::from(media.mib) * u64::from(media.connections);
    let first = Snapshot::take(&side.target, 0).await?;
    let start = clock::now();
    Box::pin(moving).await?;
    let seconds = std::time::Duration::from_nanos(clock::now() - start).as_secs_f64();
    let costs = Costs::between(&side.target, &first, &Snapshot::take(&side.target, mib).await?);
    let moved = Moved {
        #[expect(clippy::cast_precision_loss, reason = "MiB are far below 2^52")]
        mib_per_s: mib as f64 / seconds,
        cpu_ms: costs.cpu_us.unwrap_or(f64::NAN) * 1024.0 / 1000.0,
        other_cores: costs.other_cores.unwrap_or(f64::NAN),
    };
    let Moved { mib_per_s, cpu_ms, other_cores } = moved;
    let name = &side.target.name;
    report::say(&format!(
        "media {name} {what}: {mib_per_s:.0} MiB/s, {cpu_ms:.0} CPU-ms a GiB, others {other_cores:.2}"
    ));
    Ok(moved)
}

impl Speed {
    fn of(rounds: &[Round]) -> Result<Self> {
        let server = Kind::Server as usize;
        let uploads = |kind: Kind| over(rounds, |round| (round.uploads[server], round.uploads[kind as usize]));
        let downloads = |kind: Kind| over(rounds, |round| (round.downloads[server], round.downloads[kind as usize]));
        let all = rounds.iter().flat_map(|round| {
            let Round { uploads, downloads, serve_file } = *round;
            uploads.into_iter().chain(downloads).chain([serve_file]).flatten().map(|moved| moved.other_cores)
        });
        Ok(Self {
            upload: uploads(Kind::Server).context("no upload")?,
            upload_bare: uploads(Kind::Bare).context("no bare upload")?,
            upload_nginx: uploads(Kind::Nginx),
            download: downloads(Kind::Server).context("no download")?,
            download_bare: downloads(Kind::Bare).context("no bare download")?,
            download_serve_file: over(rounds, |round| (round.downloads[server], round.serve_file))
                .context("no download by ServeFile")?,
            download_nginx: downloads(Kind::Nginx),
            other_cores: Spread::of(all),
        })
    }
}

/// Returns the figures of one server over the rounds in which it was measured beside the server.
fn over(rounds: &[Round], of: impl Fn(&Round) -> (Option<Moved>, Option<Moved>)) -> Option<Over> {
    let both: Vec<(Moved, Moved)> = rounds
        .iter()
        .filter_map(|round| {
            let (a, b) = of(round);
            a.zip(b)
        })
        .collect();
    let spread = |figure: fn(&(Moved, Moved)) -> f64| Spread::of(both.iter().map(figure));
    (!both.is_empty()).then(|| Over {
        mib_per_s: spread(|(_, this)| this.mib_per_s),
        cpu_ms_per_gib: spread(|(_, this)| this.cpu_ms),
        speed_ratio: spread(|(server, this)| server.mib_per_s / this.mib_per_s),
        cpu_ratio: spread(|(server, this)| server.cpu_ms / this.cpu_ms),
    })
}
