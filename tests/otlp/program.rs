//! The real program, with the variables of OpenTelemetry.

use std::fs::File;
use std::net::SocketAddr;
use std::process::Stdio;

use fluent_backend::testing::{Http, soon};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

const BASE: [(&str, &str); 6] = [
    ("FLUENT__SERVER__LISTEN", "127.0.0.1:0"),
    ("FLUENT__ADMIN__LISTEN", "127.0.0.1:0"),
    ("FLUENT__AUTH__ARGON2_MEMORY_KIB", "64"),
    ("FLUENT__AUTH__ARGON2_PASSES", "1"),
    ("FLUENT__LIMITS__ENABLED", "false"),
    ("FLUENT__LOG__FORMAT", "text"),
];

/// The file of its log.
const LOG: &str = "stderr.log";

pub(crate) struct Program {
    child: Child,
    clients: SocketAddr,
    operators: SocketAddr,
    dir: TempDir,
}

fn command(dir: &TempDir, endpoint: &str, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fluent-backend"));
    command
        .env_clear()
        .envs(BASE)
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        .envs(variables.iter().copied())
        .current_dir(dir.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    command
}

impl Program {
    /// Starts the program with a collector at this URL, and waits for its greeting.
    pub(crate) async fn start(endpoint: &str, variables: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let log = File::create(dir.path().join(LOG)).unwrap();
        let mut child = command(&dir, endpoint, variables).stderr(log).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut address = async |who: &str| {
            while let Some(line) = lines.next_line().await.unwrap() {
                if line.trim_start().starts_with(who) {
                    let url = line.split_whitespace().find_map(|word| word.strip_prefix("http://")).unwrap();
                    return url.split('/').next().unwrap().parse().unwrap();
                }
            }
            panic!("the program has ended without its greeting");
        };
        let greeting = async { (address("clients").await, address("operators").await) };
        let (clients, operators) = soon("the server greets", greeting).await;
        Self { child, clients, operators, dir }
    }

    /// Starts the program, which must refuse to. Returns what it says.
    pub(crate) async fn refused(endpoint: &str, variables: &[(&str, &str)]) -> String {
        let dir = tempfile::tempdir().unwrap();
        let mut command = command(&dir, endpoint, variables);
        let output = soon("the program ends", command.stderr(Stdio::piped()).output()).await.unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    }

    pub(crate) fn http(&self) -> Http {
        Http::new(self.clients)
    }

    pub(crate) fn admin(&self) -> Http {
        Http::new(self.operators)
    }

    /// Returns what it has logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join(LOG)).unwrap()
    }

    /// Has `fluent-backend admin` do something at the running program.
    pub(crate) async fn admin_cli(&self, args: &[&str]) {
        let mut command = command(&self.dir, "", &[]);
        let output = soon("the command ends", command.arg("admin").args(args).output()).await.unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    /// Ends the program, which exports what is left.
    pub(crate) async fn stop(mut self) {
        let pid = Pid::from_raw(i32::try_from(self.child.id().unwrap()).unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
        assert!(soon("the server stops", self.child.wait()).await.unwrap().success());
    }
}
