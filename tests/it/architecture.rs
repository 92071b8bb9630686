//! The order of modules: reads the sources, and fails when a module uses a later one, or a library that is not its own.

mod actors;
mod sizes;
mod storage;
mod text;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Each module may use itself and those before it.
const LAYERS: [&str; 18] = [
    "version",
    "domain",
    "protocol",
    "clock",
    "key_file",
    "config",
    "telemetry",
    "push",
    "limits",
    "media",
    "storage",
    "auth",
    "actors",
    "service",
    "socket",
    "http",
    "server",
    "testing",
];

/// Modules beside each other on one level, which do not know each other.
const APART: [(&str, &str); 7] = [
    ("clock", "protocol"),
    ("config", "protocol"),
    ("config", "clock"),
    ("telemetry", "protocol"),
    ("media", "limits"),
    ("storage", "media"),
    ("socket", "service"),
];

/// Which modules may name a library. The program and the test support are clients of everything.
const LIBRARIES: [(&str, &[&str]); 23] = [
    ("sea_orm", &["storage"]),
    ("rusqlite", &["storage"]),
    ("sqlx", &["storage"]),
    ("migration", &["storage", "main"]),
    ("ractor", &["actors"]),
    ("async_nats", &["actors"]),
    ("hyper", &["cli", "http", "push", "socket"]),
    ("hyper_util", &["http", "push", "socket", "testing"]),
    ("tokio_tungstenite", &["http", "socket", "testing"]),
    ("jsonwebtoken", &["auth", "push"]),
    ("governor", &["limits"]),
    ("indicatif", &["cli"]),
    ("listenfd", &["cli"]),
    ("object_store", &["media"]),
    ("opentelemetry", &["telemetry"]),
    ("ppp", &["protocol"]),
    ("reqwest", &["cli", "media", "push", "telemetry"]),
    ("rustls", &["cli", "http", "media", "push", "telemetry"]),
    ("sd_notify", &["cli"]),
    ("tokio_rustls", &["http", "push", "socket"]),
    ("tracing_opentelemetry", &["telemetry"]),
    // The server can decrypt no message: `push` only signs. The partner in a demo can, as any client.
    ("aws_lc_rs::rsa", &["cli", "push"]),
    ("fluent_client", &["cli"]),
];

/// Libraries that plain data must not know.
const NOT_IN_DOMAIN: [&str; 5] = ["tokio", "hyper", "ractor", "sea_orm", "rusqlite"];

/// The text without comments: documentation may name anybody.
fn code(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// Whether `path` occurs in the code as the beginning of a path, or is imported as a whole.
fn names(code: &str, path: &str) -> bool {
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(path).any(|(at, _)| {
        let (before, after) = (&code[..at], &code[at + path.len()..]);
        let begins = !before.ends_with(|c: char| in_word(c) || c == ':') || before.ends_with("use ::");
        let imported = before.trim_end().ends_with("use") && !after.starts_with(in_word);
        begins && (after.starts_with("::") || imported)
    })
}

/// What `module`'s source breaks, in words.
fn violations(module: &str, text: &str) -> Vec<String> {
    let code = code(text);
    let mut broken = Vec::new();
    let level = |name: &str| LAYERS.iter().position(|layer| *layer == name);
    if let Some(own) = level(module) {
        for (i, other) in LAYERS.iter().enumerate() {
            let apart = APART.contains(&(module, *other));
            if (i > own || apart) && names(&code, &format!("crate::{other}")) {
                broken.push(format!("{module} uses {other}"));
            }
        }
        if code.contains("use crate::{") {
            broken.push(format!("{module} imports from the crate's root"));
        }
    }
    for (library, allowed) in LIBRARIES {
        if !allowed.contains(&module) && names(&code, library) {
            broken.push(format!("{module} uses {library}"));
        }
    }
    if module == "domain" {
        broken.extend(NOT_IN_DOMAIN.iter().filter(|l| names(&code, l)).map(|l| format!("domain uses {l}")));
    }
    broken
}

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The top-level module a file belongs to.
fn module_of(root: &Path, file: &Path) -> String {
    let relative = file.strip_prefix(root).unwrap();
    let first = relative.components().next().unwrap().as_os_str().to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

#[test]
fn modules_use_only_what_is_below_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut broken = Vec::new();
    for file in &files {
        let module = module_of(&root, file);
        let text = std::fs::read_to_string(file).unwrap();
        broken.extend(violations(&module, &text).into_iter().map(|what| format!("{}: {what}", file.display())));
        *seen.entry(module).or_default() += 1;
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    for layer in LAYERS {
        assert!(seen.contains_key(layer), "there is no module {layer}");
    }
    let known: Vec<&str> = LAYERS.into_iter().chain(["lib", "main", "cli"]).collect();
    assert!(seen.keys().all(|module| known.contains(&module.as_str())), "a module without a level: {seen:?}");
}

#[test]
fn the_check_finds_what_is_forbidden() {
    let found = |module: &str, text: &str| violations(module, text);
    assert_eq!(found("domain", "use crate::storage::Storage;"), ["domain uses storage"]);
    assert_eq!(found("auth", "fn f(x: crate::actors::Health) {}"), ["auth uses actors"]);
    assert_eq!(found("http", "use sea_orm::EntityTrait;"), ["http uses sea_orm"]);
    assert_eq!(found("socket", "let x = ractor::cast!(a, b);"), ["socket uses ractor"]);
    assert_eq!(found("domain", "use tokio::sync::mpsc;"), ["domain uses tokio"]);
    assert_eq!(found("domain", "use crate::storage;"), ["domain uses storage"]);
    assert_eq!(found("http", "use sea_orm as db;"), ["http uses sea_orm"]);
    assert!(found("auth", "let migration = 1; use crate::domain::Draft;").is_empty());
    assert_eq!(found("storage", "use crate::{domain, http};"), ["storage imports from the crate's root"]);
    assert!(found("http", "use crate::storage::Storage; // crate::server::").is_empty());
    assert!(found("actors", "use ractor::Actor; use my_ractor::X;").is_empty());
}

/// Short files are read; long ones are skimmed. A longer file needs a reason, given here.
#[test]
fn no_file_is_longer_than_400_lines() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for dir in ["src", "migration/src", "tests", "examples"] {
        sources(&root.join(dir), &mut files);
    }
    for file in files {
        let lines = std::fs::read_to_string(&file).unwrap().lines().count();
        assert!(lines <= 400, "{} has {lines} lines", file.display());
    }
}
