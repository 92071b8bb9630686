//! A database that is a network away: a link to PostgreSQL on which each byte is on its way for a while.
//!
//! Its threads sleep, as a timer of the runtime has steps of a millisecond.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

/// Chunks of each direction of a connection that are on their way at most.
const UNDERWAY: usize = 1024;
const CHUNK_BYTES: usize = 64 * 1024;

/// The near end of the link.
pub(crate) struct Delayed {
    port: u16,
}

impl Delayed {
    /// Leads to the Unix socket of a PostgreSQL, with `delay` in each direction, until the program ends.
    pub(crate) fn to(socket: PathBuf, delay: Duration) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port for the way to PostgreSQL")?;
        let port = listener.local_addr()?.port();
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                // What cannot be connected is closed: the server sees a database that is away.
                let _ = connect(near, &socket, delay);
            }
        });
        Ok(Self { port })
    }

    /// Returns the URL of a database of this PostgreSQL for those at the near end.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://fluent@127.0.0.1:{}/{database}", self.port)
    }
}

fn connect(near: TcpStream, socket: &Path, delay: Duration) -> Result<()> {
    near.set_nodelay(true)?;
    let far = UnixStream::connect(socket)?;
    let (near_out, far_out) = (near.try_clone()?, far.try_clone()?);
    carry(near, far_out, delay, |far| drop(far.shutdown(Shutdown::Write)));
    carry(far, near_out, delay, |near| drop(near.shutdown(Shutdown::Write)));
    Ok(())
}

/// Carries what is read to the other side `delay` later, and then the end.
fn carry<W: Write + Send + 'static>(
    from: impl Read + Send + 'static,
    to: W,
    delay: Duration,
    end: impl FnOnce(W) + Send + 'static,
) {
    let (sender, receiver) = mpsc::sync_channel(UNDERWAY);
    thread::spawn(move || take(from, delay, &sender));
    thread::spawn(move || end(give(to, &receiver)));
}

fn take(mut from: impl Read, delay: Duration, sender: &SyncSender<(Instant, Vec<u8>)>) {
    let mut chunk = vec![0; CHUNK_BYTES];
    while let Ok(length @ 1..) = from.read(&mut chunk) {
        let bytes = chunk.get(..length).unwrap_or_default().to_vec();
        if sender.send((Instant::now() + delay, bytes)).is_err() {
            break;
        }
    }
}

fn give<W: Write>(mut to: W, receiver: &Receiver<(Instant, Vec<u8>)>) -> W {
    while let Ok((due, bytes)) = receiver.recv() {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        if to.write_all(&bytes).is_err() {
            break;
        }
    }
    to
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    /// All bytes arrive in both directions, each of them no earlier than it may, and then the end.
    #[test]
    fn bytes_take_their_time_and_all_arrive() {
        const DELAY: Duration = Duration::from_millis(20);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket");
        let far = UnixListener::bind(&path).unwrap();
        let link = Delayed::to(path, DELAY).unwrap();
        let echo = thread::spawn(move || {
            let (mut stream, _) = far.accept().unwrap();
            let mut all = Vec::new();
            stream.read_to_end(&mut all).unwrap();
            stream.write_all(&all).unwrap();
        });
        let mut near = TcpStream::connect((Ipv4Addr::LOCALHOST, link.port)).unwrap();
        let sent: Vec<u8> = (0..300_000_u32).map(|n| u8::try_from(n % 251).unwrap()).collect();
        let begun = Instant::now();
        near.write_all(&sent).unwrap();
        near.shutdown(Shutdown::Write).unwrap();
        let mut back = Vec::new();
        near.read_to_end(&mut back).unwrap();
        assert!(begun.elapsed() >= 2 * DELAY);
        assert!(back == sent);
        echo.join().unwrap();
    }
}
