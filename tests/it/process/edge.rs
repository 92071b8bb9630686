//! The edge of the program: output that is not read, signals, secrets in files, addresses by name, and what it tells
//! operators.

use std::net::SocketAddr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::{Output, Stdio};

use fluent_backend::testing::{Http, TestClient, eventually, soon};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::support::binary::{ServerProcess, program, run};
use crate::support::postgres::database;

/// An address that was free a moment ago.
fn free() -> String {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// Starts the server under a shell that redirects its output, on a known address; waits until it accepts connections.
async fn under_shell(dir: &Path, redirections: &str, variables: &[(&str, &str)]) -> (Child, SocketAddr) {
    let listen = free();
    let mut command = Command::new("/bin/sh");
    let line = format!("exec {} {redirections}", env!("CARGO_BIN_EXE_fluent-backend"));
    command.arg("-c").arg(line).env_clear().envs(variables.iter().copied()).current_dir(dir);
    command.env("FLUENT__SERVER__LISTEN", &listen).env("FLUENT__ADMIN__LISTEN", "127.0.0.1:0");
    command.env("FLUENT__AUTH__ARGON2_MEMORY_KIB", "64").env("FLUENT__AUTH__ARGON2_PASSES", "1");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let addr = listen.parse().unwrap();
    eventually("the server accepts connections", || {
        assert!(child.try_wait().unwrap().is_none(), "the server has ended");
        async move { TcpStream::connect(addr).await.ok() }
    })
    .await;
    (child, addr)
}

async fn terminate(mut child: Child) {
    let pid = Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    assert_eq!(soon("the server stops", child.wait()).await.unwrap().code(), Some(0));
}

#[tokio::test]
async fn a_server_whose_output_nobody_takes_serves_all_the_same() {
    let everything = [("FLUENT__LOG__FILTER", "debug")];
    for redirections in [">/dev/full", "2>/dev/full", ">/dev/full 2>&1", ">&- 2>&-"] {
        let dir = tempfile::tempdir().unwrap();
        let (child, addr) = under_shell(dir.path(), redirections, &everything).await;
        let alice = TestClient::sign_up(Http::new(addr), "alice").await;
        let mut socket = alice.connect().await;
        socket.send_message(alice.id, "r", "s").await;
        assert_eq!(socket.next_message().await.content, "s");
        drop(socket);
        terminate(child).await;
    }
    // As in `fluent-backend | true`.
    let dir = tempfile::tempdir().unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command =
        program(dir.path(), &[("FLUENT__SERVER__LISTEN", "127.0.0.1:0"), ("FLUENT__ADMIN__LISTEN", &free())]);
    let child = command.stdout(writer).stderr(Stdio::null()).spawn().unwrap();
    let database = dir.path().join("data/fluent.db");
    eventually("the server runs", || async { database.is_file().then_some(()) }).await;
    terminate(child).await;
}

#[tokio::test]
async fn commands_end_without_a_panic_when_their_output_cannot_be_written() {
    let dir = tempfile::tempdir().unwrap();
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    for args in [
        &["config", "show"][..],
        &["config", "check"],
        &["migrate", "up"],
        &["migrate", "status"],
        &["database", "compact"],
        &["--help"],
        &["--version"],
    ] {
        ended(args, 0, &with_output(program(dir.path(), &[]).args(args).stdout(full())).await);
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        ended(args, 0, &with_output(program(dir.path(), &[]).args(args).stdout(writer)).await);
    }
    for args in [&["--config", "missing.toml"][..], &["healthcheck"], &["restore", "--from", "missing"]] {
        let mut command =
            program(dir.path(), &[("FLUENT__SERVER__LISTEN", "127.0.0.1:1"), ("FLUENT__ADMIN__LISTEN", "127.0.0.1:1")]);
        let status = soon("the command ends", command.args(args).stdout(full()).stderr(full()).status()).await.unwrap();
        assert_eq!(status.code(), Some(1), "{args:?}");
    }
}

/// Runs the command to its end, whatever it prints to.
async fn with_output(command: &mut Command) -> Output {
    // Not `output()`, which would give it another standard output.
    soon("the command ends", command.spawn().unwrap().wait_with_output()).await.unwrap()
}

fn ended(args: &[&str], code: i32, output: &Output) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {error}");
    assert!(!error.contains("panicked"), "{args:?}: {error}");
}

#[tokio::test]
async fn signals_that_end_other_programs_are_told_and_end_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let server = ServerProcess::start(dir.path(), &[]).await;
    let alice = TestClient::sign_up(server.http(), "alice").await;
    let mut socket = alice.connect().await;
    let pid = Pid::from_raw(i32::try_from(server.pid()).unwrap()).unwrap();
    let signals = [("SIGUSR1", Signal::USR1), ("SIGUSR2", Signal::USR2), ("SIGALRM", Signal::ALARM)];
    for (name, signal) in signals {
        kill_process(pid, signal).unwrap();
        eventually("the signal is told", || async { server.log().contains(name).then_some(()) }).await;
        kill_process(pid, signal).unwrap();
        socket.send_message(alice.id, "r", "s").await;
        assert_eq!(socket.next_message().await.content, "s");
    }
    let log = server.log();
    for (name, _) in &signals[1..] {
        assert_eq!(log.lines().filter(|line| line.contains(name)).count(), 1, "{log}");
    }
    assert_eq!(server.stop().await.code(), Some(0));
}

#[tokio::test]
async fn a_secret_in_a_file_is_kept_as_it_is_written() {
    let secret = r"before$TOKENxyz${HOME}\n#tail-of-it";
    for line in [format!("SECRET_KEY={secret}"), format!("SECRET_KEY='{secret}'")] {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(".env"), format!("\u{feff}{line}\n")).unwrap();
        let server = ServerProcess::start(dir.path(), &[]).await;
        let alice = TestClient::sign_up(server.http(), "alice").await;
        server.stop().await;
        // The token is still good under the same secret from elsewhere.
        std::fs::remove_file(dir.path().join(".env")).unwrap();
        let server = ServerProcess::start(dir.path(), &[("SECRET_KEY", secret)]).await;
        let http = server.http().with_authorization(format!("Bearer {}", alice.tokens.access_token));
        http.get("/users/me").await.ok();
        server.stop().await;
    }
}

#[tokio::test]
async fn a_byte_order_mark_is_no_part_of_the_first_line() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join(".env"), "\u{feff}FLUENT__SOCKET__PING_S=7\r\n").unwrap();
    std::fs::write(dir.path().join("fluent.toml"), "\u{feff}[socket]\r\npong_timeout_s = 8\r\n").unwrap();
    let output = run(dir.path(), &["--config", "fluent.toml", "config", "show"], &[]).await;
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(shown.contains("ping_s = 7") && shown.contains("pong_timeout_s = 8"), "{output:?}");

    // Nor of the secret that an editor has touched.
    let server = ServerProcess::start(dir.path(), &[]).await;
    let alice = TestClient::sign_up(server.http(), "alice").await;
    server.stop().await;
    let file = dir.path().join("data/secret.key");
    std::fs::write(&file, format!("\u{feff}{}", std::fs::read_to_string(&file).unwrap())).unwrap();
    let server = ServerProcess::start(dir.path(), &[]).await;
    let http = server.http().with_authorization(format!("Bearer {}", alice.tokens.access_token));
    http.get("/users/me").await.ok();
    server.stop().await;
}

#[tokio::test]
async fn a_setting_that_cannot_be_read_is_never_left_out() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["SECRET_KEY", "FLUENT__HTTP__CORS_ORIGINS"] {
        let value = std::ffi::OsStr::from_bytes(b"\xff that is no text, and long enough for a secret");
        let output = program(dir.path(), &[]).env(name, value).args(["config", "check"]).output().await.unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && error.contains(name), "{error}");
    }
    for line in ["SECRET_KEY", "SECRET_KEY=\"hunter22\\n\"", "SECRET_KEY='hunter22"] {
        std::fs::write(dir.path().join(".env"), format!("# first\n{line}\n")).unwrap();
        let output = run(dir.path(), &["config", "check"], &[]).await;
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && error.contains("line 2") && !error.contains("hunter"), "{error}");
    }
}

#[tokio::test]
async fn machines_get_every_line_as_json_and_each_span_once() {
    let dir = tempfile::tempdir().unwrap();
    let json = [("FLUENT__LOG__FORMAT", "json"), ("FLUENT__LOG__FILTER", "info,tower_http=debug")];
    let (mut child, addr) = under_shell(dir.path(), "2>server.log", &json).await;
    Http::new(addr).get("/root").await.ok();
    let stdout = child.stdout.take().unwrap();
    terminate(child).await;
    let mut printed = String::new();
    soon("the end", tokio::io::AsyncReadExt::read_to_string(&mut { stdout }, &mut printed)).await.unwrap();
    assert_eq!(printed, "");
    let log = std::fs::read_to_string(dir.path().join("server.log")).unwrap();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let greeting = lines.iter().find(|line| line["fields"]["clients"] == addr.to_string()).expect(&log);
    assert!(greeting["fields"]["version"].is_string() && greeting["fields"]["operators"].is_string(), "{greeting}");
    assert!(lines.iter().any(|line| line["spans"][0]["path"] == "/root"), "{log}");
    assert!(lines.iter().all(|line| line.get("span").is_none()), "{log}");

    // Why it does not start is told in the same form.
    let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = held.local_addr().unwrap().to_string();
    let output = run(dir.path(), &[], &[json[0], ("FLUENT__SERVER__LISTEN", &taken)]).await;
    let error = String::from_utf8_lossy(&output.stderr);
    let line: Value = serde_json::from_str(error.lines().last().unwrap()).expect(&error);
    assert!(output.status.code() == Some(1) && line["fields"]["message"].to_string().contains(&taken), "{error}");
}

#[tokio::test]
async fn config_check_warns_of_what_would_hurt_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("file"), "").unwrap();
    std::fs::write(dir.path().join("junk.db"), "no database, but long enough to look at").unwrap();
    let check = async |variables: &[(&str, &str)]| {
        let output = run(dir.path(), &["config", "check"], variables).await;
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).contains("valid"), "{error}");
        assert!(error.lines().all(|line| line.starts_with("fluent-backend: warning: ")), "{error}");
        error
    };
    assert_eq!(check(&[]).await, "");
    for (variable, value, warning) in [
        ("FLUENT__ADMIN__LISTEN", "0.0.0.0:9000", "admin.listen is 0.0.0.0:9000"),
        ("FLUENT__SERVER__LISTEN", "0.0.0.0:8000", "clear text"),
        ("FLUENT__HTTP__BEHIND_TLS", "true", "all clients count as one"),
        ("DATABASE_URL", "postgres://u:hunter22@127.0.0.1:1/fluent", "cannot connect to the database"),
        ("DATABASE_URL", "sqlite://no/such/fluent.db", "no/such"),
        ("DATABASE_URL", "sqlite://junk.db", "junk.db"),
        ("FLUENT__SERVER__DATA_DIR", "file/data", "file/data"),
        // Not even the superuser may write there.
        ("FLUENT__SERVER__DATA_DIR", "/proc/self/data", "/proc/self/data"),
    ] {
        let warnings = check(&[(variable, value)]).await;
        assert!(warnings.contains(warning) && warnings.lines().count() == 1, "{variable}={value}: {warnings}");
        assert!(!warnings.contains("hunter"), "{warnings}");
    }
    let proxies = ("FLUENT__SERVER__TRUSTED_PROXIES", "10.0.0.0/8");
    let behind = [("FLUENT__SERVER__LISTEN", "0.0.0.0:8000"), ("FLUENT__HTTP__BEHIND_TLS", "true"), proxies];
    assert_eq!(check(&behind).await, "");
    let tls = [("FLUENT__TLS__CERTIFICATE", "nowhere.pem"), ("FLUENT__TLS__KEY", "nowhere.key")];
    let warnings = check(&tls).await;
    assert!(warnings.contains("cannot read nowhere.pem") && warnings.lines().count() == 1, "{warnings}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
}

#[tokio::test]
async fn config_show_hides_user_and_password_of_the_database_and_nothing_else_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let url =
        "postgres://jane:hunter22@db.example:5433/fluent?sslmode=verify-full&sslrootcert=/etc/ca.pem&password=hunter23";
    let output = run(dir.path(), &["config", "show"], &[("DATABASE_URL", url)]).await;
    let shown = String::from_utf8_lossy(&output.stdout);
    let expected = "@db.example:5433/fluent?sslmode=verify-full&sslrootcert=/etc/ca.pem&password=[redacted]\"";
    assert!(shown.contains(expected), "{shown}");
    assert!(!shown.contains("jane") && !shown.contains("hunter"), "{shown}");
}

#[tokio::test]
async fn addresses_may_be_names_and_advice_can_be_followed() {
    let dir = tempfile::tempdir().unwrap();
    let server = ServerProcess::start(dir.path(), &[("FLUENT__SERVER__LISTEN", "localhost:0")]).await;
    assert!(server.addr.ip().is_loopback());
    server.http().get("/root").await.ok();
    server.stop().await;

    let everywhere = [("FLUENT__SERVER__LISTEN", "0.0.0.0:0"), ("FLUENT__ADMIN__LISTEN", "[::]:0")];
    let server = ServerProcess::start(dir.path(), &everywhere).await;
    assert!(
        !server.greeting.contains("http://0.0.0.0") && !server.greeting.contains("http://[::]"),
        "{}",
        server.greeting
    );
    assert!(server.greeting.contains("0.0.0.0:"), "{}", server.greeting);
    server.http().get("/root").await.ok();
    assert!(server.log().contains("clear text") && server.log().contains("admin.listen"), "{}", server.log());
    server.stop().await;

    for bad in ["localhost", "127.0.0.1", "300.0.0.1:80", "127.0.0.1:99999"] {
        let output = run(dir.path(), &["config", "check"], &[("FLUENT__SERVER__LISTEN", bad)]).await;
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(error.contains(bad) && error.contains("server.listen"), "{error}");
    }
}

#[tokio::test]
async fn a_cause_is_told_once() {
    let dir = tempfile::tempdir().unwrap();
    let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = held.local_addr().unwrap().to_string();
    std::fs::write(dir.path().join("file"), "").unwrap();
    let free = ("FLUENT__SERVER__LISTEN", "127.0.0.1:0");
    for (args, variable, cause) in [
        (&[][..], ("FLUENT__SERVER__LISTEN", taken.as_str()), "os error"),
        (&["--config", "missing.toml"], free, "os error"),
        (&[], ("FLUENT__SERVER__DATA_DIR", "file/data"), "os error"),
        (&["healthcheck"], ("FLUENT__SERVER__LISTEN", "127.0.0.1:1"), "os error"),
        (&["restore", "--from", "missing"], free, "missing"),
    ] {
        let variables = [("FLUENT__ADMIN__LISTEN", "127.0.0.1:1"), free, variable];
        let output = run(dir.path(), args, &variables[usize::from(args != ["healthcheck"] && args.is_empty())..]).await;
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(error.matches(cause).count(), 1, "{args:?}: {error}");
    }
    let Some(database) = database().await else { return };
    let (scheme, rest) = database.url().split_once("://").unwrap();
    let stranger = format!("{scheme}://stranger@{}", rest.split_once('@').unwrap().1);
    let output = run(dir.path(), &["migrate", "status"], &[("DATABASE_URL", &stranger)]).await;
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("stranger") && !error.contains(" at line "), "{error}");

    // And of a statement that fails.
    let connection = sea_orm::Database::connect(database.url()).await.unwrap();
    sea_orm::ConnectionTrait::execute_unprepared(&connection, "CREATE TABLE seaql_migrations (x int)").await.unwrap();
    connection.close().await.unwrap();
    let output = run(dir.path(), &["migrate", "status"], &[("DATABASE_URL", database.url())]).await;
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && !error.contains(" at line "), "{error}");
}

#[tokio::test]
async fn with_too_few_files_the_server_says_so_instead_of_starting() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(format!("ulimit -n 40; exec {}", env!("CARGO_BIN_EXE_fluent-backend")));
    command.env_clear().current_dir(dir.path()).kill_on_drop(true);
    command.env("FLUENT__SERVER__LISTEN", "127.0.0.1:0").env("FLUENT__ADMIN__LISTEN", "127.0.0.1:0");
    let output = soon("the program ends", command.output()).await.unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.code() == Some(1) && error.contains("open files is 40") && error.contains("LimitNOFILE"),
        "{error}"
    );
    assert!(!dir.path().join("data").exists());
}
