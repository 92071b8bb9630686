//! Uploads and downloads, which go on until they are done or refused for good.

use std::io::SeekFrom;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use fluent_client::Pause;
use fluent_client::files::{Download, FileEntry, UploadStep};
use http_body_util::BodyExt as _;
use tokio::fs::{File, OpenOptions};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};
use tokio::time::{sleep, timeout};

use super::{Files, Gauge, Outgoing};
use crate::api::Api;

/// Bytes of one request of an upload.
const PART: u64 = 1024 * 1024;
/// Longest time without a byte of a download.
const SILENCE: Duration = Duration::from_secs(30);

/// Uploads a file, and returns its id.
pub(crate) async fn upload(api: &Api, files: &Files, outgoing: &mut Outgoing, gauge: &Gauge) -> anyhow::Result<String> {
    let path = files.sealed(&outgoing.client_id);
    let mut sealed = File::open(&path).await.with_context(|| format!("cannot read {}", path.display()))?;
    loop {
        let was_declared = outgoing.upload.is_declared();
        let answer = match outgoing.upload.step() {
            UploadStep::Declare { name, size, sha256 } => api.declare(&name, size, &sha256).await,
            UploadStep::Ask { id } => api.offset(&id).await,
            UploadStep::Append { id, offset } => {
                let part =
                    read(&mut sealed, offset).await.with_context(|| format!("cannot read {}", path.display()))?;
                api.append(&id, offset, part).await
            }
            UploadStep::Complete { id } => return Ok(id),
        };
        let pause = match answer {
            Ok((answer, detail)) => outgoing.upload.answered(&answer).context(detail)?,
            Err(error) if error.is_transient() => Some(outgoing.upload.cut()),
            Err(error) => return Err(error.into()),
        };
        if !was_declared && outgoing.upload.is_declared() {
            files.save(outgoing)?;
        }
        gauge.set(outgoing.upload.offset(), outgoing.upload.size());
        wait(pause).await;
    }
}

/// Brings the ciphertext of a file, of which there may be a part.
pub(crate) async fn download(
    api: &Api,
    files: &Files,
    file: &FileEntry,
    size: Option<u64>,
    gauge: &Gauge,
) -> anyhow::Result<()> {
    let size = match size {
        Some(size) => size,
        // An own message does not tell.
        None => api.size(&file.id).await?,
    };
    let path = files.part(&file.id);
    let about = || format!("cannot write {}", path.display());
    let mut options = OpenOptions::new();
    let mut part =
        options.write(true).create(true).truncate(false).mode(0o600).open(&path).await.with_context(about)?;
    let mut download = Download::new(size, part.metadata().await.with_context(about)?.len());
    while let Some(first) = download.next() {
        gauge.set(first, size);
        let (answer, mut body) = match api.read(&file.id, first).await {
            Ok(found) => found,
            Err(error) if error.is_transient() => {
                wait(Some(download.cut())).await;
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        match download.answered(answer)? {
            Ok(at) => {
                part.set_len(at).await.with_context(about)?;
                part.seek(SeekFrom::Start(at)).await.with_context(about)?;
            }
            Err(pause) => {
                wait(Some(pause)).await;
                continue;
            }
        }
        while let Ok(Some(Ok(frame))) = timeout(SILENCE, body.frame()).await {
            let Ok(bytes) = frame.into_data() else { continue };
            part.write_all(&bytes).await.with_context(about)?;
            download.received(bytes.len() as u64)?;
            gauge.set(download.have(), size);
        }
        part.flush().await.with_context(about)?;
        if download.next().is_some() {
            wait(Some(download.cut())).await;
        }
    }
    // What is on the disk when the power goes is what goes on.
    part.sync_all().await.with_context(about)
}

/// Reads the next part.
async fn read(sealed: &mut File, offset: u64) -> std::io::Result<Bytes> {
    sealed.seek(SeekFrom::Start(offset)).await?;
    let mut part = Vec::new();
    sealed.take(PART).read_to_end(&mut part).await?;
    Ok(part.into())
}

async fn wait(pause: Option<Pause>) {
    if let Some(pause) = pause {
        sleep(pause.draw(rand::random())).await;
    }
}
