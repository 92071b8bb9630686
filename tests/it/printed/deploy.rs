//! The systemd unit in `deploy`, and the commands that install the files there.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, Output};

use fluent_backend::Config;
use fluent_backend::clock::Clock;
use fluent_backend::http::Tls;

use super::markdown::{block, read, root};
use crate::support::front::replaced;
use crate::support::installed::installed;
use crate::support::tls::{Pair, TlsFiles};

pub(super) const TEST: &str = "what_the_documents_install_is_installed";

pub(super) const TLS_TEST: &str = "the_settings_for_tls_are_taken";

const UNIT: &str = "deploy/systemd/fluent-backend.service";
/// The others, which need no look of their own.
const OTHER_UNITS: [&str; 3] = ["fluent-backend.socket", "fluent-backup.service", "fluent-backup.timer"];
/// Most exposure in tenths, as `systemd-analyze security` counts it.
const MOST_EXPOSURE: &str = "30";

/// What `systemd-analyze` says of the unit, with the program that was built in the place of the installed one.
fn analyze(dir: &Path, systemd_analyze: &Path, args: &[&str], unit_name: &str) -> (Output, String) {
    assert!(read(UNIT).contains("ExecStart=/usr/local/bin/fluent-backend "));
    for name in ["fluent-backend.service"].iter().chain(&OTHER_UNITS) {
        let unit = read(&format!("deploy/systemd/{name}"));
        let unit = unit.replace("/usr/local/bin/fluent-backend", env!("CARGO_BIN_EXE_fluent-backend"));
        std::fs::write(dir.join(name), unit).unwrap();
    }
    // The units find each other here, before those of the system.
    let places = format!("{}:", dir.display());
    let command =
        Command::new(systemd_analyze).env("SYSTEMD_UNIT_PATH", places).args(args).arg(dir.join(unit_name)).output();
    let output = command.unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output, said)
}

#[test]
fn systemd_takes_the_unit_and_finds_it_little_exposed() {
    let Some(program) = installed("systemd-analyze") else { return };
    let dir = tempfile::tempdir().unwrap();
    for unit in ["fluent-backend.service"].iter().chain(&OTHER_UNITS) {
        let (output, said) = analyze(dir.path(), &program, &["verify", "--man=no"], unit);
        assert!(output.status.success() && said.is_empty(), "{said}");
    }
    let threshold = format!("--threshold={MOST_EXPOSURE}");
    let args = ["security", "--offline=true", "--no-pager", &threshold];
    for unit in ["fluent-backend.service", "fluent-backup.service"] {
        let (output, said) = analyze(dir.path(), &program, &args, unit);
        assert!(output.status.success(), "{said}");
    }
}

/// A crash leaves no core with secrets in it, new files are the server's alone, and what it prints goes to the journal.
#[test]
fn the_unit_says_what_the_documents_promise() {
    let unit = read(UNIT);
    for line in [
        "WantedBy=multi-user.target",
        "After=network-online.target postgresql.service",
        "Wants=network-online.target",
        "EnvironmentFile=-/etc/fluent/fluent.env",
        "LimitCORE=0",
        "UMask=0077",
        "MemoryMax=4G",
        "ProtectProc=invisible",
        "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX",
        "SystemCallFilter=@system-service",
        "SystemCallFilter=~@privileged",
        "Restart=on-failure",
        "Type=notify",
        "WatchdogSec=30",
        "StateDirectory=fluent",
    ] {
        assert!(unit.lines().any(|there| there == line), "{line}");
    }
}

/// The lines run as they are printed, with another directory in the place of `/etc` and no service manager to take
/// orders.
#[test]
fn what_the_documents_install_is_installed() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let etc = dir.path().join("etc");
    for there in ["nginx/conf.d", "systemd/system", "caddy"] {
        std::fs::create_dir_all(etc.join(there)).unwrap();
    }
    for (file, first) in [
        ("docs/operations/tls-and-proxy.md", "cp deploy/nginx/fluent.conf"),
        ("docs/operations/tls-and-proxy.md", "cp deploy/caddy/Caddyfile"),
        ("docs/operations/backup-and-restore.md", "cp deploy/systemd/fluent-backup.service"),
        ("docs/operations/install.md", "cp deploy/systemd/fluent-backend.service"),
        ("docs/operations/stop-and-restart.md", "cp deploy/systemd/fluent-backend.socket"),
    ] {
        let text = block(file, first).replace("/etc/", &format!("{}/", etc.display()));
        let script = format!("set -e\nnginx() {{ :; }}\ncaddy() {{ :; }}\nsystemctl() {{ :; }}\n{text}");
        let output = Command::new("bash").args(["-c", &script]).current_dir(root()).output().unwrap();
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    }
    let unit = std::fs::read_to_string(etc.join("systemd/system/fluent-backend.service")).unwrap();
    let mode = |file: &str| std::fs::metadata(etc.join(file)).unwrap().permissions().mode() & 0o777;
    for (file, expected) in [("fluent/fluent.toml", 0o644), ("fluent/fluent.env", 0o600)] {
        assert_eq!(mode(file), expected, "{file}");
        assert!(unit.contains(&format!("/etc/{file}")), "the unit does not read {file}");
    }
    for file in ["nginx/conf.d/fluent.conf", "caddy/Caddyfile", "systemd/system/fluent-backup.timer"] {
        assert!(etc.join(file).is_file(), "{file}");
    }
}

/// As they are printed, with files that are there.
#[test]
fn the_settings_for_tls_are_taken() {
    let dir = tempfile::tempdir().unwrap();
    let files = TlsFiles::new(&Pair::new());
    let text = block("docs/operations/tls-and-proxy.md", "[server]\nlisten");
    let printed = |path: &str| replaced(&text, &format!("/etc/fluent/tls/{path}"), "");
    assert!(printed("fullchain.pem").contains("privkey.pem") && printed("privkey.pem").contains("fullchain.pem"));
    let here = files.certificate().parent().unwrap().display().to_string();
    let path = dir.path().join("fluent.toml");
    std::fs::write(&path, replaced(&text, "/etc/fluent/tls", &here)).unwrap();
    let config = Config::load(Some(&path), HashMap::new()).unwrap();
    assert!(config.is_reached_by_tls());
    assert!(Tls::load(&config.tls, &Clock::system()).unwrap().is_some());
}
