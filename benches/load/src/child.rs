//! A server in a process of its own, so that its costs can be separated from those of the tool.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout_at};

/// Longest wait for its addresses: it may have to migrate a database first.
const START: Duration = Duration::from_mins(1);

/// A server process, which is killed on drop.
pub(crate) struct Child {
    process: std::process::Child,
    log: PathBuf,
    /// The address for clients.
    pub(crate) addr: SocketAddr,
    /// The address for operators, if there is one.
    pub(crate) admin: Option<SocketAddr>,
}

impl Child {
    /// Starts a program that prints its addresses as the server does, and logs into `dir`.
    pub(crate) async fn start(command: &mut Command, dir: &Path) -> Result<Self> {
        let log = dir.join("stderr.log");
        // An earlier process may have written to the same file.
        let stderr = std::fs::File::options().create(true).append(true).open(&log);
        let stderr = stderr.with_context(|| format!("cannot write {}", log.display()))?;
        let program = command.get_program().to_string_lossy().into_owned();
        // The greeting with the addresses is for people.
        command.env("FLUENT__LOG__FORMAT", "text");
        let process = command.current_dir(dir).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(stderr).spawn();
        let process = process.with_context(|| format!("cannot start {program}"))?;
        // From here on the process is killed on any error.
        let unknown = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut this = Self { process, log, addr: unknown, admin: None };
        let (lines, mut told) = mpsc::unbounded_channel();
        if let Some(stdout) = this.process.stdout.take() {
            // Reads to the end, so that the child never blocks on its output.
            std::thread::spawn(move || {
                for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                    let _ = lines.send(line);
                }
            });
        }
        let deadline = Instant::now() + START;
        while let Ok(Some(line)) = timeout_at(deadline, told.recv()).await {
            match line.split_ascii_whitespace().next() {
                Some("clients") => this.addr = address(&line)?,
                Some("operators") => this.admin = Some(address(&line)?),
                // The last line of the greeting.
                Some("Try:") => return Ok(this),
                _ => {}
            }
        }
        bail!("{program} did not start: {}", this.said())
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw).context("no process")?;
        Ok(kill_process(pid, signal)?)
    }

    /// Sends SIGTERM, and waits until the process ends or `limit` has passed.
    pub(crate) async fn stop(mut self, limit: Duration) -> Result<()> {
        self.signal(Signal::TERM)?;
        let deadline = Instant::now() + limit;
        while self.process.try_wait()?.is_none() {
            if Instant::now() > deadline {
                bail!("the server did not stop in {} s", limit.as_secs());
            }
            sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// Returns its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Returns its log.
    pub(crate) fn said(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        if text.trim().is_empty() { "it said nothing".to_owned() } else { text.trim().to_owned() }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns the address in a line such as `clients http://127.0.0.1:8000 …`.
fn address(line: &str) -> Result<SocketAddr> {
    let behind = line.split_once("://").map(|(_, behind)| behind).unwrap_or_default();
    let end = behind.find(|c: char| c != ':' && c != '.' && !c.is_ascii_hexdigit() && c != '[' && c != ']');
    behind.get(..end.unwrap_or(behind.len())).unwrap_or_default().parse().with_context(|| format!("no address: {line}"))
}

/// Runs a program to its end.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let output = command.stdin(Stdio::null()).output().context("cannot start it")?;
    if !output.status.success() {
        bail!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let greeting = "  clients    http://127.0.0.1:4100   (interface: http://127.0.0.1:4100/docs/)";
        assert_eq!(address(greeting).unwrap().port(), 4100);
        assert_eq!(address("clients https://127.0.0.1:4101 (by name)").unwrap().port(), 4101);
        assert_eq!(address("operators http://[::1]:9/metrics").unwrap(), "[::1]:9".parse().unwrap());
        assert!(address("clients nowhere").is_err());
    }
}
