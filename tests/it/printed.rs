//! The commands and snippets in the documents: each is run, or is in a list with the reason why it is not.

mod alerts;
mod chat;
mod commands;
mod deploy;
mod markdown;
mod media;
mod nodes;
mod push;
mod readme;
mod snippet;
mod web_client;

pub(crate) use chat::chat_program;

use std::collections::BTreeSet;

use markdown::{Block, blocks};
use serde_json::Value;

/// Languages of blocks that readers run, compile or install. Others are pictures.
const TO_RUN: [&str; 7] = ["sh", "bash", "console", "rust", "toml", "ini", "nginx"];

/// Blocks that a test runs: where they stand, how they begin, and the test.
const RUN: &[(&str, &str, &str)] = &[
    ("README.md", "$ cargo run --release -- demo", web_client::DEMO_TEST),
    ("docs/operations/web-client.md", "fluent-backend web verify", web_client::TEST),
    ("docs/operations/web-client.md", "fluent-backend app --server", web_client::TEST),
    ("README.md", "URL=http://127.0.0.1:8000", readme::TEST),
    ("README.md", "websocat \"ws://", readme::TEST),
    ("README.md", "EPOCH=", readme::TEST),
    ("README.md", "curl -s $URL/chat/messages", readme::TEST),
    ("README.md", "$ cargo run --release --example chat -- --user ada", chat::TEST),
    ("README.md", "$ cargo run --release --example chat -- --user brian", chat::TEST),
    ("README.md", "[dev-dependencies]", snippet::TEST),
    ("README.md", "use fluent_backend::testing::TestServer;", snippet::TEST),
    ("docs/operations/tls-and-proxy.md", "cp deploy/nginx/fluent.conf", deploy::TEST),
    ("docs/operations/tls-and-proxy.md", "cp deploy/caddy/Caddyfile", deploy::TEST),
    ("docs/operations/backup-and-restore.md", "cp deploy/systemd/fluent-backup.service", deploy::TEST),
    ("docs/operations/tls-and-proxy.md", "[server]\nlisten", deploy::TLS_TEST),
    ("docs/operations/install.md", "cp deploy/systemd/fluent-backend.service", deploy::TEST),
    ("docs/operations/stop-and-restart.md", "cp deploy/systemd/fluent-backend.socket", deploy::TEST),
    ("docs/operations/copy-db.md", "FLUENT_COPY_FROM=", commands::COPY_TEST),
    ("docs/operations/admin.md", "fluent-backend admin registration", commands::ADMIN_TEST),
    ("docs/operations/admin.md", "fluent-backend admin token create", commands::TOKEN_TEST),
    ("docs/operations/glance.md", "fluent-backend admin overview", commands::GLANCE_TEST),
    ("docs/operations/page.md", "fluent-backend admin token create", commands::TOKEN_TEST),
    ("docs/operations/page.md", "fluent-backend admin open", commands::TOKEN_TEST),
    ("docs/operations/addresses.md", "fluent-backend admin address block", commands::ADDRESS_TEST),
    ("docs/operations/media.md", "fluent-backend media reconcile --dry-run", media::TEST),
    ("docs/operations/media.md", "[media]\nstore", media::SETTINGS_TEST),
    ("docs/operations/push.md", "[push.webpush]", push::SETTINGS_TEST),
    ("docs/operations/push.md", "openssl genpkey", push::KEY_TEST),
];

/// Blocks that no test runs, and why.
const NOT_RUN: &[(&str, &str, &str)] = &[
    ("README.md", "cargo run --release", "it is the debug build that is tested"),
    ("README.md", "cargo test --workspace", "it is what runs this"),
    (
        "docs/operations/install.md",
        "cargo build --profile dist\ndeploy/debian/build",
        "installs on this machine; tests/debian/run does it on a copy, with the program that was built",
    ),
    (
        "docs/operations/install.md",
        "cargo build --profile dist\ninstall",
        "installs into /usr/local; the program is started in this way by every test of the binary",
    ),
    (
        "docs/performance.md",
        "cargo build --release",
        "measures for minutes; the loads are listed by `fluent-load --help`",
    ),
    ("benches/README.md", "git worktree add", "builds two releases, and measures for minutes"),
    ("benches/README.md", "cargo build --release", "a million messages; .ci/run runs the same for less long"),
];

fn begins(block: &Block, file: &str, first: &str) -> bool {
    block.file == file && block.text.starts_with(first)
}

#[test]
fn every_block_of_the_documents_is_run_or_listed_with_a_reason() {
    let blocks: Vec<Block> = blocks().into_iter().filter(|block| TO_RUN.contains(&block.language.as_str())).collect();
    let entries = || RUN.iter().chain(NOT_RUN);
    for block in &blocks {
        let known = entries().filter(|(file, first, _)| begins(block, file, first)).count();
        assert_eq!(known, 1, "{} has a block that is neither run nor listed, or is both:\n{}", block.file, block.text);
    }
    for (file, first, _) in entries() {
        let there = blocks.iter().filter(|block| begins(block, file, first)).count();
        assert_eq!(there, 1, "{file} has no block that begins with {first:?}, or several");
    }
}

/// Frames and bodies are JSON, line by line or as a whole, and frames are of types that the reference knows.
#[test]
fn every_json_block_is_json_of_a_known_type() {
    let reference: Value = serde_json::from_str(&markdown::read("docs/asyncapi.json")).unwrap();
    let reference = reference.to_string();
    let mut seen = 0;
    for block in blocks().into_iter().filter(|block| block.language == "json") {
        let values: Result<Vec<Value>, _> = serde_json::Deserializer::from_str(&block.text).into_iter().collect();
        let values = values.unwrap_or_else(|error| panic!("{}: {error} in\n{}", block.file, block.text));
        for kind in values.iter().filter_map(|value| value["type"].as_str()) {
            let constant = format!("{{\"const\":\"{kind}\"");
            assert!(reference.contains(&constant) || reference.contains(&format!("\"type\":\"{kind}\"")), "{kind}");
            seen += 1;
        }
    }
    assert!(seen > 10, "the documents show frames");
}

/// Files that the documents link to are there.
#[test]
fn every_link_of_the_documents_leads_to_a_file() {
    let mut missing = BTreeSet::new();
    for file in markdown::documents() {
        let text = markdown::read(&file);
        let dir = std::path::Path::new(&file).parent().unwrap();
        let links = text.match_indices("](").filter_map(|(at, _)| text[at + 2..].split_once(')'));
        for (link, _) in links.filter(|(link, _)| !link.contains("://")) {
            let (path, _) = link.split_once('#').unwrap_or((link, ""));
            if !path.is_empty() && !markdown::root().join(dir).join(path).exists() {
                missing.insert(format!("{file}: {link}"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
}
