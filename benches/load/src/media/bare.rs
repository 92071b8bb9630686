//! The least that a server of files does, with the server's library and its settings: an upload is written in blocks
//! and is on the disk when it is answered, a download is read in blocks.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Empty, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_blocking};
use tower_http::services::ServeFile;

use super::speed::SERVE_FILE;

/// Bytes that are written or read at once, as in the server.
const BLOCK: usize = 128 * 1024;
/// Largest head of a request, and so the most that is read from a connection at once; as in the server.
const HEAD: usize = 16 * 1024;

type Body = UnsyncBoxBody<Bytes, io::Error>;

/// Serves the files of a directory until the process is killed.
pub(crate) async fn serve(listener: TcpListener, dir: PathBuf) -> Result<()> {
    let dir: Arc<Path> = dir.into();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let dir = dir.clone();
        let service = service_fn(move |request| {
            let dir = dir.clone();
            async move { answer(request, &dir).await }
        });
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).half_close(true).max_buf_size(HEAD);
        tokio::spawn(builder.serve_connection(TokioIo::new(stream), service));
    }
}

async fn answer(request: Request<Incoming>, dir: &Path) -> io::Result<Response<Body>> {
    let path = request.uri().path();
    // Nothing outside of the directory.
    let name = path.rsplit('/').next().filter(|name| *name != "..").unwrap_or_default();
    let file = dir.join(name);
    if path.starts_with(SERVE_FILE) {
        return Ok(ServeFile::new(file).try_call(request).await?.map(UnsyncBoxBody::new));
    }
    let mut response = Response::new(UnsyncBoxBody::new(Empty::new().map_err(|never| match never {})));
    if request.method() == Method::PUT {
        receive(request.into_body(), file).await?;
        *response.status_mut() = StatusCode::NO_CONTENT;
        return Ok(response);
    }
    let file = spawn_blocking(|| File::open(file)).await??;
    let size = file.metadata()?.len();
    response.headers_mut().insert(http::header::CONTENT_LENGTH, size.into());
    *response.body_mut() = send(Arc::new(file), size);
    Ok(response)
}

/// Gathers blocks; while one is written, the next is gathered.
async fn receive(mut body: Incoming, path: PathBuf) -> io::Result<()> {
    let file = Arc::new(spawn_blocking(|| File::create(path)).await??);
    let (mut gathered, mut spare) = (Vec::with_capacity(BLOCK), Vec::with_capacity(BLOCK));
    let (mut pending, mut offset) = (None::<JoinHandle<io::Result<Vec<u8>>>>, 0);
    let mut is_over = false;
    while !is_over {
        let frame = body.frame().await;
        is_over = frame.is_none();
        let piece = frame.transpose().map_err(io::Error::other)?.and_then(|frame| frame.into_data().ok());
        let mut piece = piece.unwrap_or_default();
        loop {
            let part = piece.split_to(piece.len().min(BLOCK - gathered.len()));
            gathered.extend_from_slice(&part);
            if gathered.len() == BLOCK || (is_over && !gathered.is_empty()) {
                if let Some(pending) = pending.take() {
                    spare = pending.await??;
                }
                let block = std::mem::replace(&mut gathered, std::mem::take(&mut spare));
                let (file, at) = (file.clone(), offset);
                offset += block.len() as u64;
                pending = Some(spawn_blocking(move || write(&file, block, at)));
            }
            if piece.is_empty() {
                break;
            }
        }
    }
    if let Some(pending) = pending {
        pending.await??;
    }
    spawn_blocking(move || file.sync_data()).await?
}

/// Writes a block, and returns its buffer, empty.
fn write(file: &File, mut block: Vec<u8>, offset: u64) -> io::Result<Vec<u8>> {
    file.write_all_at(&block, offset)?;
    block.clear();
    Ok(block)
}

/// Reads a block ahead.
fn send(file: Arc<File>, size: u64) -> Body {
    let (blocks, mut sent) = mpsc::channel::<io::Result<Frame<Bytes>>>(1);
    tokio::spawn(async move {
        let mut offset = 0;
        while offset < size {
            let Ok(room) = blocks.reserve().await else { return };
            let count = usize::try_from(size - offset).unwrap_or(BLOCK).min(BLOCK);
            let file = file.clone();
            let read = spawn_blocking(move || {
                let mut block = vec![0; count];
                file.read_exact_at(&mut block, offset).map(|()| Frame::data(Bytes::from(block)))
            });
            room.send(read.await.unwrap_or_else(|error| Err(io::Error::other(error))));
            offset += count as u64;
        }
    });
    UnsyncBoxBody::new(StreamBody::new(futures_util::stream::poll_fn(move |cx| sent.poll_recv(cx))))
}

#[cfg(test)]
mod tests {
    use super::super::line::{Content, Line};
    use super::*;

    /// What comes in blocks and pieces of all sizes goes out again, by both ways.
    #[tokio::test]
    async fn files_come_back_as_they_were() {
        let dir = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        tokio::spawn(serve(listener, dir.path().to_owned()));
        let (content, mut line) = (Content::new(1), Line::open(addr).await.unwrap());
        for bytes in [1, BLOCK as u64 - 1, BLOCK as u64, 2_500_001] {
            let put = format!("PUT /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: {bytes}\r\n\r\n");
            line.send(&put, &content, bytes).await.unwrap();
            for path in ["/a", "/serve-file/a"] {
                let get = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
                line.read(&get, &content, bytes).await.unwrap();
            }
        }
    }
}
