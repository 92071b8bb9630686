//! Commands in the text of the documents, between backticks.

use std::path::Path;
use std::process::Output;

use fluent_backend::testing::{TestClient, soon};
use tokio::process::Command;

use super::markdown::{block, inline_code, read, root};
use crate::support::binary::ServerProcess;
use crate::support::installed::installed;
use crate::support::postgres::database;

pub(super) const COPY_TEST: &str = "the_commands_for_postgresql_work_as_they_are_printed";

pub(super) const ADDRESS_TEST: &str = "the_commands_about_addresses_work_as_they_are_printed";

pub(super) const TOKEN_TEST: &str = "the_commands_about_tokens_work_as_they_are_printed";

pub(super) const GLANCE_TEST: &str = "the_commands_about_the_running_server_work_as_they_are_printed";

pub(super) const ADMIN_TEST: &str = "the_commands_for_operators_work_as_they_are_printed";

/// How commands begin.
const PROGRAMS: [&str; 15] = [
    "benches/instructions.sh",
    "cargo",
    "curl",
    "fluent-backend",
    "fluent-load",
    "fuser",
    "fuzz/run.sh",
    "nginx",
    "openssl",
    "perf",
    "pg_dump",
    "pg_restore",
    "systemctl",
    "target/release/fluent-load",
    "websocat",
];

/// Commands that tests of this file run.
const RUN: [&str; 22] = [
    // By tests about the web client.
    "fluent-backend app --server URL",
    "fluent-backend demo",
    "fluent-backend web hashes",
    "fluent-backend web verify URL",
    "fluent-backend config check --config …",
    "fluent-backend migrate up",
    "fluent-backend migrate contract",
    "fluent-backend healthcheck",
    "fluent-backend backup --to /backups/",
    "fluent-backend database compact",
    "fluent-backend database new-epoch",
    "fluent-backend database forget-secret",
    "fluent-backend database forget-instance-key",
    "fluent-backend restore --from FILE",
    "fluent-backend admin names",
    "fluent-backend keys rotate",
    "fluent-backend keys list",
    "fluent-backend keys revoke KID",
    "openssl rand -hex 32",
    "openssl rand -out instance.key 32",
    "pg_dump --format=custom --file=fluent.dump \"$DATABASE_URL\"",
    "pg_restore --clean --if-exists --dbname=\"$DATABASE_URL\" fluent.dump",
];

/// Commands that no test runs, and why. Of cargo's own and of the loads, which take minutes, tests check that what they
/// name is there.
const NOT_RUN: [(&str, &str); 7] = [
    ("fluent-backend doctor", "what it finds is that of the machine; other tests run it"),
    ("fuser data/fluent.db-lock", "of a package that few have; the line that it explains names the process too"),
    ("fuzz/run.sh 60", "for minutes, and compiles everything with instruments first"),
    ("systemctl status fluent-backend", "there is no service manager; another test reads what it is told"),
    ("systemctl restart fluent-backend", "there is none; another test lets one server follow another on a socket"),
    ("systemctl kill -s HUP fluent-backend", "there is no service manager; another test sends the signal"),
    ("perf record --call-graph dwarf -p PID", "needs rights that a test has not"),
];

/// The variables that are set before a command, and its words.
fn words(command: &str) -> (Vec<&str>, Vec<&str>) {
    let all: Vec<&str> = command.split(' ').collect();
    let is_variable = |word: &&str| {
        word.split_once('=').is_some_and(|(name, _)| name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'))
    };
    let begin = all.iter().position(|word| !is_variable(word)).unwrap_or(all.len());
    (all[..begin].to_vec(), all[begin..].to_vec())
}

fn commands() -> Vec<(String, String)> {
    let is_command = |code: &str| {
        let (_, words) = words(code);
        words.len() > 1 && PROGRAMS.contains(&words[0])
    };
    inline_code().into_iter().filter(|(_, code)| is_command(code)).collect()
}

#[test]
fn every_command_in_the_text_is_run_or_listed_with_a_reason() {
    let found = commands();
    for (file, command) in &found {
        let (_, words) = words(command);
        let known = RUN.contains(&command.as_str()) || NOT_RUN.iter().any(|(listed, _)| listed == command);
        let checked = words[0] == "cargo" || words[0].ends_with("fluent-load");
        assert!(known || checked, "{file}: `{command}` is neither run nor listed");
    }
    for (listed, _) in NOT_RUN {
        assert!(found.iter().any(|(_, command)| *command == listed), "`{listed}` stands in no document");
    }
}

/// All Rust sources, for the names that commands mention.
fn sources() -> String {
    fn read_all(dir: &Path, text: &mut String) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                read_all(&path, text);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                text.push_str(&std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    let mut text = String::new();
    for dir in ["src", "tests", "examples", "benches"] {
        read_all(&root().join(dir), &mut text);
    }
    text
}

#[test]
fn cargos_commands_name_what_is_there() {
    let (sources, manifest) = (sources(), read("Cargo.toml"));
    let mut filters = 0;
    for (file, command) in commands() {
        let (variables, words) = words(&command);
        if words[0] != "cargo" {
            continue;
        }
        for variable in variables {
            let name = variable.split('=').next().unwrap();
            assert!(sources.contains(&format!("\"{name}\"")), "{file}: `{command}`: nothing reads {name}");
        }
        let mut rest = words[1..].iter().take_while(|word| **word != "--");
        let kind = *rest.next().unwrap();
        while let Some(word) = rest.next() {
            match *word {
                "--test" | "--example" | "--bench" => {
                    let name = format!("name = \"{}\"", rest.next().unwrap());
                    assert!(manifest.contains(&name), "{file}: `{command}`: there is no {name}");
                }
                flag if flag.starts_with('-') => {}
                // What is behind `test` is a part of the names of tests.
                filter if kind == "test" => {
                    let last = filter.rsplit("::").next().unwrap();
                    let there = list(filter) > 0 || sources.contains(&format!("mod {last}"));
                    assert!(there, "{file}: `{command}`: no test is called {filter}");
                    filters += 1;
                }
                _ => {}
            }
        }
    }
    assert!(filters > 4);
}

#[test]
fn loads_that_are_named_are_there() {
    let program = read("benches/load/src/main.rs");
    let loads = commands().into_iter().filter(|(_, command)| words(command).1[0].ends_with("fluent-load"));
    let mut seen = 0;
    for (file, command) in loads {
        let name = words(&command).1[1];
        // A subcommand is named after its variant; `--help` is everywhere.
        let part = |part: &str| {
            part.chars().next().into_iter().flat_map(char::to_uppercase).chain(part.chars().skip(1)).collect::<String>()
        };
        let variant: String = name.split('-').map(part).collect();
        assert!(name.starts_with('-') || program.contains(&variant), "{file}: `{command}`: there is no such load");
        seen += 1;
    }
    assert!(seen > 3);
}

/// How many tests of this program match a filter.
fn list(filter: &str) -> usize {
    let output =
        std::process::Command::new(std::env::current_exe().unwrap()).args(["--list", filter]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).lines().filter(|line| line.ends_with(": test")).count()
}

/// Runs a line in a shell that finds the program under its name.
pub(super) async fn shell(dir: &Path, line: &str, variables: &[(&str, &str)]) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_fluent-backend"));
    let path = format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let mut command = Command::new("bash");
    command.args(["-c", line]).current_dir(dir).env_clear().env("PATH", path).envs(variables.iter().copied());
    let output = soon("the command ends", command.kill_on_drop(true).output()).await.unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

#[tokio::test]
async fn the_commands_of_the_manual_work_as_they_are_printed() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("backups")).unwrap();
    std::fs::copy(root().join("config/production.example.toml"), dir.path().join("fluent.toml")).unwrap();
    let here = |command: &str| {
        assert!(RUN.contains(&command), "{command}");
        command.replace("/backups/", "backups/").replace('…', "fluent.toml")
    };
    let run = async |command: &str, variables: &[(&str, &str)]| {
        let output = shell(dir.path(), &here(command), variables).await;
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(run("fluent-backend config check --config …", &[]).await.contains("valid"));
    assert!(run("fluent-backend migrate up", &[]).await.contains("up to date"));

    let server = ServerProcess::start(dir.path(), &[]).await;
    TestClient::sign_up(server.http(), "alice").await;
    let admin = server.greeting.split("http://").nth(3).unwrap().split('/').next().unwrap().to_owned();
    let listen = server.addr.to_string();
    let variables = [("FLUENT__SERVER__LISTEN", listen.as_str()), ("FLUENT__ADMIN__LISTEN", &admin)];
    assert_eq!(run("fluent-backend healthcheck", &variables).await, "ready\n");
    let backup = run("fluent-backend backup --to /backups/", &[]).await;
    let file =
        backup.split_whitespace().find(|word| word.starts_with("backups/")).unwrap_or_else(|| panic!("{backup}"));
    let file = file.trim_end_matches(':').to_owned();
    assert!(dir.path().join(&file).is_file(), "{backup}");
    if commands().iter().any(|(_, command)| command == "fluent-backend admin names") {
        run("fluent-backend admin names", &[]).await;
    }
    server.stop().await;

    let signed = [("FLUENT__AUTH__TOKEN_ALGORITHM", "EdDSA")];
    let server = ServerProcess::start(dir.path(), &signed).await;
    assert!(run("fluent-backend keys rotate", &signed).await.contains("signs now"));
    let keys = run("fluent-backend keys list", &signed).await;
    let kid = keys.split('\t').next().unwrap();
    let revoke = here("fluent-backend keys revoke KID").replace("KID", kid);
    shell(dir.path(), &revoke, &signed).await;
    assert!(!run("fluent-backend keys list", &signed).await.contains(kid));
    server.stop().await;

    assert!(run("fluent-backend database compact", &[]).await.contains("compacted"));
    assert!(run("fluent-backend database new-epoch", &[]).await.contains("epoch"));
    std::fs::rename(dir.path().join("data"), dir.path().join("lost")).unwrap();
    let restored = shell(dir.path(), &here("fluent-backend restore --from FILE").replace("FILE", &file), &[]).await;
    assert!(String::from_utf8_lossy(&restored.stdout).contains("restored"), "{restored:?}");
    if installed("openssl").is_some() {
        assert_eq!(run("openssl rand -hex 32", &[]).await.trim().len(), 64);
        run("openssl rand -out instance.key 32", &[]).await;
        assert_eq!(std::fs::read(dir.path().join("instance.key")).unwrap().len(), 32);
    }
}

#[tokio::test]
async fn the_commands_for_operators_work_as_they_are_printed() {
    let dir = tempfile::tempdir().unwrap();
    let printed = block("docs/operations/admin.md", "fluent-backend admin registration");
    let server = ServerProcess::start(dir.path(), &[]).await;
    let shown = shell(dir.path(), &format!("set -e\n{printed}"), &[]).await;
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    for said in ["registration is invite", "good for 3 accounts", "good for bob@example.org alone", "the new team"] {
        assert!(shown.contains(said), "{said}: {shown}");
    }
    server.stop().await;
}

#[tokio::test]
async fn the_commands_about_addresses_work_as_they_are_printed() {
    let dir = tempfile::tempdir().unwrap();
    let printed = block("docs/operations/addresses.md", "fluent-backend admin address block");
    let server = ServerProcess::start(dir.path(), &[]).await;
    let shown = shell(dir.path(), &format!("set -e\n{printed}"), &[]).await;
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    for part in ["floods of registrations", "203.0.113.7/32: let in", "2001:db8::/32: blocked", "scope auth"] {
        assert!(shown.contains(part), "{part:?}: {shown}");
    }
    assert!(shown.contains("requests and sockets: blocked until "), "{shown}");
    assert!(shown.contains("there is no rule for 203.0.113.0/24 any more"), "{shown}");
    server.stop().await;
}

#[tokio::test]
async fn the_commands_for_postgresql_work_as_they_are_printed() {
    let (Some(copy), Some(restored)) = (database().await, database().await) else { return };
    let dir = tempfile::tempdir().unwrap();
    let server = ServerProcess::start(dir.path(), &[]).await;
    TestClient::sign_up(server.http(), "alice").await;
    server.stop().await;
    let printed = block("docs/operations/copy-db.md", "FLUENT_COPY_FROM=");
    let target = "postgres://fluent:…@db.example/fluent";
    assert!(printed.contains(target), "{printed}");
    let copied = shell(dir.path(), &printed.replace(target, copy.url()), &[]).await;
    assert!(String::from_utf8_lossy(&copied.stdout).contains("checksums"), "{copied:?}");

    let [dump, restore] = ["pg_dump ", "pg_restore "]
        .map(|program| RUN.iter().find(|command| command.starts_with(program)).expect("it is in the list"));
    shell(dir.path(), dump, &[("DATABASE_URL", copy.url())]).await;
    shell(dir.path(), restore, &[("DATABASE_URL", restored.url())]).await;
    let variables = [("DATABASE_URL", restored.url())];
    shell(dir.path(), "fluent-backend database new-epoch", &variables).await;
    let server = ServerProcess::start(dir.path(), &variables).await;
    TestClient::log_in(server.http(), "alice", 1).await;
    server.stop().await;
    shell(dir.path(), "fluent-backend migrate contract", &variables).await;
    shell(dir.path(), "fluent-backend database forget-secret", &variables).await;
    shell(dir.path(), "fluent-backend database forget-instance-key", &variables).await;
}

#[tokio::test]
async fn the_commands_about_tokens_work_as_they_are_printed() {
    let dir = tempfile::tempdir().unwrap();
    let printed = block("docs/operations/admin.md", "fluent-backend admin token create");
    let server = ServerProcess::start(dir.path(), &[]).await;
    let shown = shell(dir.path(), &format!("set -e\n{printed}"), &[]).await;
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.starts_with("fla_") && shown.contains("grafana  read   active"), "{shown}");
    let of_page = block("docs/operations/page.md", "fluent-backend admin token create");
    let shown = shell(dir.path(), &of_page, &[]).await;
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.starts_with("fla_") && shown.contains("(write), until "), "{shown}");
    let link = block("docs/operations/page.md", "fluent-backend admin open");
    let shown = shell(dir.path(), &link, &[]).await;
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.starts_with("http://127.0.0.1:9000/admin/#sign-in="), "{shown}");
    server.stop().await;
}

#[tokio::test]
async fn the_commands_about_the_running_server_work_as_they_are_printed() {
    let dir = tempfile::tempdir().unwrap();
    let printed = block("docs/operations/glance.md", "fluent-backend admin overview");
    let server = ServerProcess::start(dir.path(), &[]).await;
    let shown = shell(dir.path(), &format!("set -e\n{printed}"), &[]).await;
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    // Once by itself, and three looks.
    assert_eq!(shown.matches("state       ready\n").count(), 4, "{shown}");
    assert!(shown.contains("registry") && shown.contains("0 are open"), "{shown}");
    server.stop().await;
}
