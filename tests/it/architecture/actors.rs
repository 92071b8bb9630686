//! The order of the actors: each module of `actors` uses only modules before it, so that no two use each other.

use std::path::Path;

use super::{code, sources};

/// The modules in their order: what all share, then the messages and handles of the actors, then the actors.
const ORDER: &[&str] = &[
    "fault",
    "session::figures",
    "stats::snapshot",
    "stats",
    "mailbox",
    "gate",
    "judge",
    "health",
    "relay::link::word",
    "relay::link::seal",
    "relay::link::line",
    "relay::link::connect",
    "relay::link",
    "who::peers",
    "who::peers::sockets",
    "who::peers::reach",
    "who::messages",
    "who::voice",
    "who::fence",
    "session::credit",
    "session::send_queue",
    "session::new_socket",
    "session::origin",
    "session::stream::behind",
    "session::stream",
    "session::messages",
    "presence::messages",
    "registry::messages",
    "registry::local_users",
    "relay::sequencer",
    "relay::copies",
    "relay::batch",
    "relay::foreign",
    "relay::journal",
    "relay::messages",
    "relay::looks",
    "persistence::reply",
    "persistence::messages",
    "persistence::requests",
    "session::replay",
    "session::socket_stream",
    "session::socket",
    "session::alive",
    "session",
    "session::confirmations",
    "session::presence",
    "presence::watchers",
    "presence::typing",
    "presence",
    "registry",
    "relay",
    "relay::history",
    "relay::passing",
    "relay::words",
    "who",
    "persistence::disk_space",
    "persistence::origins",
    "persistence::slow",
    "persistence::span",
    "persistence::doubt",
    "persistence::thread",
    "persistence::announce",
    "persistence::time_limits",
    "persistence::pending_row",
    "persistence",
    "persistence::recovery",
    "janitor::chores",
    "janitor::files",
    "janitor",
    "push::flights",
    "push",
    "push::counts",
];

/// The modules that start all others.
const LAST: [&str; 4] = ["root::children", "root::children::kinds", "root", "root::link"];

fn place(module: &str) -> Option<usize> {
    ORDER.iter().chain(&LAST).position(|known| *known == module)
}

/// The module that a path names which begins in `parent`.
fn named(parent: &str, path: &str) -> String {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let first = word(path);
    let second = path.strip_prefix(first.as_str()).and_then(|rest| rest.strip_prefix("::")).map(word);
    let joined = |a: &str, b: &str| if a.is_empty() { b.to_owned() } else { format!("{a}::{b}") };
    let short = joined(parent, &first);
    let long = second.map(|second| joined(&short, &second)).filter(|long| place(long).is_some());
    match long {
        Some(long) => long,
        None if place(&short).is_some() => short,
        // An item of the parent itself.
        None => parent.to_owned(),
    }
}

/// What a module's source breaks, in words.
fn violations(module: &str, text: &str) -> Vec<String> {
    let Some(own) = place(module) else { return vec![format!("{module} has no place in the order")] };
    let code = code(text);
    let code = code.split("#[cfg(test)]\nmod tests").next().unwrap();
    let parent = module.rsplit_once("::").map_or("", |(parent, _)| parent);
    let mut broken = Vec::new();
    for (prefix, base) in [("crate::actors::", ""), ("super::", parent)] {
        for (at, _) in code.match_indices(prefix) {
            let used = named(base, &code[at + prefix.len()..]);
            match place(&used) {
                Some(other) if other < own => {}
                _ => broken.push(format!("{module} uses {used}")),
            }
        }
    }
    broken
}

#[test]
fn actors_use_only_what_is_before_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/actors");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut broken = Vec::new();
    let mut seen = Vec::new();
    for file in files {
        let relative = file.strip_prefix(&root).unwrap().with_extension("");
        let module = relative.to_string_lossy().replace('/', "::");
        if module.split("::").any(|part| part == "tests") || module == "probe" {
            continue;
        }
        broken.extend(violations(&module, &std::fs::read_to_string(&file).unwrap()));
        seen.push(module);
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert_eq!(seen.len(), ORDER.len() + LAST.len(), "modules in the order that there are not");
}

#[test]
fn the_check_finds_what_is_out_of_order() {
    let found = |module: &str, text: &str| violations(module, text);
    assert_eq!(
        found("session::messages", "use crate::actors::presence::messages::PresenceHandle;"),
        ["session::messages uses presence::messages"]
    );
    assert_eq!(
        found("session::stream", "use super::messages::SessionMsg;"),
        ["session::stream uses session::messages"]
    );
    assert_eq!(found("session::stream", "use super::SessionState;"), ["session::stream uses session"]);
    assert_eq!(found("presence", "use super::registry::RegistryActor;"), ["presence uses registry"]);
    assert_eq!(found("newcomer", ""), ["newcomer has no place in the order"]);
    assert!(found("registry", "use super::presence::messages::PresenceHandle;").is_empty());
    assert!(found("session::socket", "use super::credit::Credit; // super::super::root").is_empty());
}

#[test]
fn only_the_relay_knows_nats() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/actors");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let text = |file: &Path| code(&std::fs::read_to_string(file).unwrap());
    let broken: Vec<_> = files.iter().filter(|file| text(file).contains("async_nats")).collect();
    assert!(!broken.is_empty() && broken.iter().all(|file| file.starts_with(root.join("relay"))), "{broken:?}");
}
