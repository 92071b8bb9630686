//! The real program, as a child process.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output, Stdio};

use command_fds::{CommandFdExt as _, FdMapping};
use fluent_backend::testing::{Http, TestData, eventually, share_instance_key, soon};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

const PROGRAM: &str = env!("CARGO_BIN_EXE_fluent-backend");

/// Settings for free ports and cheap password hashes.
const BASE: [(&str, &str); 5] = [
    ("FLUENT__SERVER__LISTEN", "127.0.0.1:0"),
    ("FLUENT__ADMIN__LISTEN", "127.0.0.1:0"),
    ("FLUENT__AUTH__ARGON2_MEMORY_KIB", "64"),
    ("FLUENT__AUTH__ARGON2_PASSES", "1"),
    ("FLUENT__LIMITS__ENABLED", "false"),
];

/// The command that starts the program with these environment variables and no others.
pub(crate) fn program(dir: &Path, variables: &[(&str, &str)]) -> Command {
    prepared(Command::new(PROGRAM), dir, variables)
}

fn prepared(mut command: Command, dir: &Path, variables: &[(&str, &str)]) -> Command {
    command
        .env_clear()
        // As on a terminal.
        .env("FLUENT__LOG__FORMAT", "text")
        .envs(variables.iter().copied())
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Runs the program to its end.
pub(crate) async fn run(dir: &Path, args: &[&str], variables: &[(&str, &str)]) -> Output {
    soon("the program ends", program(dir, variables).args(args).output()).await.unwrap()
}

/// Runs the program to its end with these named sockets, as a service manager hands them over.
pub(crate) async fn run_with_sockets(dir: &Path, sockets: &[(&str, &TcpListener)]) -> Output {
    soon("the program ends", with_sockets(dir, sockets).envs(BASE).output()).await.unwrap()
}

/// The command that starts the program with these named sockets: `sd_listen_fds(3)`.
fn with_sockets(dir: &Path, sockets: &[(&str, &TcpListener)]) -> Command {
    let names: Vec<&str> = sockets.iter().map(|(name, _)| *name).collect();
    let mut command = std::process::Command::new("/bin/sh");
    // The program has the number of the shell.
    command.arg("-c").arg(format!("LISTEN_PID=$$ exec {PROGRAM}"));
    let mappings = sockets
        .iter()
        .zip(3..)
        .map(|((_, socket), child_fd)| FdMapping { parent_fd: socket.as_fd().try_clone_to_owned().unwrap(), child_fd });
    command.fd_mappings(mappings.collect()).unwrap();
    let count = sockets.len().to_string();
    prepared(command.into(), dir, &[("LISTEN_FDS", &count), ("LISTEN_FDNAMES", &names.join(":"))])
}

/// Runs the program to its end, on the database of `data`.
pub(crate) async fn run_on(data: &TestData, args: &[&str], variables: &[(&str, &str)]) -> Output {
    let variables: Vec<_> = [("DATABASE_URL", data.url())].into_iter().chain(variables.iter().copied()).collect();
    run(data.path(), args, &variables).await
}

/// A running server process.
pub(crate) struct ServerProcess {
    child: Child,
    pub(crate) addr: SocketAddr,
    pub(crate) greeting: String,
    log: PathBuf,
}

impl ServerProcess {
    /// Starts the program on free ports in `dir`, with cheap hashes, and waits for its greeting.
    pub(crate) async fn start(dir: &Path, variables: &[(&str, &str)]) -> Self {
        Self::spawn(dir, program(dir, &[]), variables).await
    }

    /// As [`start`](Self::start), on the database of `data`.
    pub(crate) async fn start_on(data: &TestData, variables: &[(&str, &str)]) -> Self {
        let variables: Vec<_> = [("DATABASE_URL", data.url())].into_iter().chain(variables.iter().copied()).collect();
        Self::start(data.path(), &variables).await
    }

    /// As [`start`](Self::start), with these named sockets in the place of free ports.
    pub(crate) async fn start_on_sockets(dir: &Path, sockets: &[(&str, &TcpListener)]) -> Self {
        Self::spawn(dir, with_sockets(dir, sockets), &[]).await
    }

    /// As [`start`](Self::start), but no file may grow above `kib` KiB, as on a full disk, until
    /// [`lift_limit`](Self::lift_limit).
    pub(crate) async fn start_with_full_disk(dir: &Path, kib: u32) -> Self {
        let mut shell = Command::new("/bin/sh");
        // Ignored, the signal becomes an error of the write.
        shell.arg("-c").arg(format!("trap '' XFSZ; ulimit -S -f $(({kib} * 2)); exec {PROGRAM}"));
        Self::spawn(dir, prepared(shell, dir, &[]), &[]).await
    }

    /// Lets no file grow above `kib` KiB, for a program [started](Self::start_with_full_disk) to survive that.
    pub(crate) fn limit_growth(&self, kib: u64) {
        self.limit_growth_to(Some(kib * 1024));
    }

    /// Lets files grow again.
    pub(crate) fn lift_limit(&self) {
        self.limit_growth_to(None);
    }

    fn limit_growth_to(&self, current: Option<u64>) {
        let limit = rustix::process::Rlimit { current, maximum: None };
        rustix::process::prlimit(Some(pid_of(&self.child)), rustix::process::Resource::Fsize, limit).unwrap();
    }

    /// As [`start`](Self::start), on files whose permissions count, as for any user but the superuser. Returns how it
    /// ends, which it must.
    pub(crate) async fn start_without_privilege(dir: &Path) -> Output {
        let mut command = Command::new(PROGRAM);
        if rustix::process::geteuid().is_root() {
            command = Command::new("setpriv");
            command.args(["--bounding-set", "-dac_override", PROGRAM]);
        }
        soon("the program ends", prepared(command, dir, &BASE).output()).await.unwrap()
    }

    /// Lets the program open no more files than it has open, until [`allow_files`](Self::allow_files).
    pub(crate) fn forbid_files(&self) {
        // As many as are open now: the lowest number that is free is then too high.
        let open = std::fs::read_dir(format!("/proc/{}/fd", self.child.id().unwrap())).unwrap();
        self.limit_files(open.count() as u64);
    }

    /// Lets the program open files again.
    pub(crate) fn allow_files(&self) {
        self.limit_files(1024);
    }

    fn limit_files(&self, count: u64) {
        let resource = rustix::process::Resource::Nofile;
        let maximum = rustix::process::getrlimit(resource).maximum;
        let limit = rustix::process::Rlimit { current: Some(count), maximum };
        rustix::process::prlimit(Some(pid_of(&self.child)), resource, limit).unwrap();
    }

    /// As [`start`](Self::start), with a log that is not on a terminal, in the form that the server chooses then.
    pub(crate) async fn start_with_json_log(dir: &Path, variables: &[(&str, &str)]) -> Self {
        let log = dir.join("server.log");
        let file = std::fs::OpenOptions::new().create(true).append(true).open(&log).unwrap();
        let mut command = program(dir, &BASE);
        command.envs(variables.iter().copied()).env("FLUENT__LOG__FORMAT", "auto").stdout(Stdio::null()).stderr(file);
        let child = command.spawn().unwrap();
        let greeting: Value = eventually("the server greets", async || {
            let text = std::fs::read_to_string(&log).unwrap();
            let mut lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            lines.find(|line| line["fields"]["operators"].is_string())
        })
        .await;
        let address = |key: &str| greeting["fields"][key].as_str().unwrap().to_owned();
        let (addr, greeting) =
            (address("clients").parse().unwrap(), format!("operators http://{}/", address("operators")));
        Self { child, addr, greeting, log }
    }

    async fn spawn(dir: &Path, mut command: Command, variables: &[(&str, &str)]) -> Self {
        if variables.iter().any(|(name, value)| *name == "DATABASE_URL" && value.starts_with("postgres")) {
            // Other servers on the database may have other directories.
            share_instance_key(&dir.join("data"));
        }
        let log = dir.join("server.log");
        let file = std::fs::OpenOptions::new().create(true).append(true).open(&log).unwrap();
        let mut child = command.envs(BASE).envs(variables.iter().copied()).stderr(file).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut greeting = String::new();
        let addr = soon("the server greets", async {
            let mut addr = None;
            while let Some(line) = lines.next_line().await.unwrap() {
                greeting.push_str(&line);
                greeting.push('\n');
                let url = line.split_whitespace().find_map(|word| word.strip_prefix("http://"));
                addr = addr.or_else(|| url.and_then(|url| url.parse().ok()));
                if line.starts_with("Try:") {
                    return addr.unwrap();
                }
            }
            panic!("the server did not start: {}", std::fs::read_to_string(&log).unwrap_or_default());
        })
        .await;
        Self { child, addr, greeting, log }
    }

    pub(crate) fn http(&self) -> Http {
        Http::new(self.addr)
    }

    /// The address of the operators' listener.
    pub(crate) fn admin(&self) -> SocketAddr {
        let line = self.greeting.lines().find(|line| line.contains("operators")).unwrap();
        let url = line.split_whitespace().find_map(|word| word.strip_prefix("http://")).unwrap();
        url.split('/').next().unwrap().parse().unwrap()
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// The memory of the process itself in KiB, without the files that it maps.
    pub(crate) fn own_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id().unwrap())).unwrap();
        let value = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("a line of this name");
        value.trim().trim_end_matches(" kB").parse().unwrap()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Kills the program at once (`SIGKILL`).
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Asks the program to read its files anew (`SIGHUP`).
    pub(crate) fn hang_up(&self) {
        rustix::process::kill_process(pid_of(&self.child), rustix::process::Signal::HUP).unwrap();
    }

    /// Waits for the end of the program, and returns its exit status.
    pub(crate) async fn ended(mut self) -> ExitStatus {
        soon("the server ends", self.child.wait()).await.unwrap()
    }

    /// Asks the program to stop (`SIGTERM`) and returns its exit status.
    pub(crate) async fn stop(mut self) -> ExitStatus {
        rustix::process::kill_process(pid_of(&self.child), rustix::process::Signal::TERM).unwrap();
        soon("the server stops", self.child.wait()).await.unwrap()
    }
}

fn pid_of(child: &Child) -> rustix::process::Pid {
    let id = i32::try_from(child.id().unwrap()).unwrap();
    rustix::process::Pid::from_raw(id).unwrap()
}
