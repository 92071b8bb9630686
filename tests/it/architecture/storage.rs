//! The second level: the wings of storage, each of which uses only those before it, and no circle among their files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::{code, sources};

/// Each wing may use itself and those before it.
const WINGS: [&str; 12] = [
    "engine",
    "schema",
    "cluster",
    "people",
    "push",
    "messages",
    "media",
    "journal",
    "commands",
    "retention",
    "maintenance",
    "testing",
];

/// What a wing may take from the root; all else it names by the wing that has it.
const OF_THE_ROOT: [&str; 2] = ["Storage", "StorageError"];

/// The paths under `crate::storage` that the code of `module` names, without that prefix.
fn paths(module: &str, code: &str) -> BTreeSet<String> {
    let parent = module.rsplit_once("::").map_or("", |(parent, _)| parent);
    let above = parent.rsplit_once("::").map_or("", |(above, _)| above);
    let mut found = BTreeSet::new();
    for (prefix, base) in [("crate::storage::", ""), ("super::super::", above), ("super::", parent)] {
        for (at, _) in code.match_indices(prefix) {
            if prefix == "super::" && code[..at].ends_with("super::") || code[at..].starts_with("super::super::super") {
                continue;
            }
            if prefix == "super::" && code[at..].starts_with("super::super::") {
                continue;
            }
            let base = if base.is_empty() { String::new() } else { format!("{base}::") };
            let (path, rest) = path_and_rest(&code[at + prefix.len()..]);
            let items = rest.strip_prefix('{').map_or("", |list| list.split('}').next().unwrap_or_default());
            for item in items.split(',') {
                found.insert(format!("{base}{path}{}", path_and_rest(item.trim()).0));
            }
        }
    }
    found
}

/// A path at the beginning of the text, and what follows it.
fn path_and_rest(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':').unwrap_or(text.len()))
}

/// What a module of a wing breaks, in words.
fn violations(module: &str, code: &str) -> Vec<String> {
    let level = |path: &str| WINGS.iter().position(|wing| Some(*wing) == path.split("::").next());
    let Some(own) = level(module) else { return Vec::new() };
    let broken = paths(module, code).into_iter().filter(|path| match level(path) {
        Some(other) => other > own,
        None => !OF_THE_ROOT.contains(&path.as_str()) && !path.is_empty(),
    });
    broken.map(|path| format!("{module} uses {path}")).collect()
}

/// The code that is not a test's.
fn without_tests(text: &str) -> String {
    code(text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default())
}

/// The modules of storage and their code; those of tests are left out.
fn modules() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/storage");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let files = files.iter().filter(|file| !file.ends_with("tests.rs") && !file.ends_with("query_plans.rs"));
    let named = files.map(|file| {
        let name = file.strip_prefix(&root).unwrap().with_extension("");
        let name: Vec<_> = name.iter().map(|part| part.to_string_lossy()).collect();
        (name.join("::"), without_tests(&std::fs::read_to_string(file).unwrap()))
    });
    named.collect()
}

/// The modules that each one uses; not those that it is a part of, nor its own parts.
fn uses(modules: &BTreeMap<String, String>) -> BTreeMap<&str, BTreeSet<&str>> {
    let module_of = |path: &str| {
        let holds = |name: &&String| path == name.as_str() || path.starts_with(&format!("{name}::"));
        modules.keys().filter(holds).max_by_key(|name| name.len())
    };
    let is_part = |part: &str, whole: &str| part == whole || part.starts_with(&format!("{whole}::"));
    let arrows = modules.iter().map(|(module, code)| {
        let used: BTreeSet<&str> = paths(module, code)
            .iter()
            .filter_map(|path| module_of(path))
            .map(String::as_str)
            .filter(|other| !is_part(module, other) && !is_part(other, module))
            .collect();
        (module.as_str(), used)
    });
    arrows.collect()
}

/// Modules that can be reached from themselves.
fn circle<'a>(uses: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> Vec<&'a str> {
    let is_in_circle = |start: &&str| {
        let (mut seen, mut waiting) = (BTreeSet::new(), vec![*start]);
        while let Some(module) = waiting.pop() {
            for next in uses.get(module).into_iter().flatten() {
                if seen.insert(*next) {
                    waiting.push(next);
                }
            }
        }
        seen.contains(*start)
    };
    uses.keys().copied().filter(|module| is_in_circle(module)).collect()
}

#[test]
fn wings_of_storage_use_only_those_before_them() {
    let modules = modules();
    let broken: Vec<String> = modules.iter().flat_map(|(module, code)| violations(module, code)).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    for wing in WINGS {
        assert!(modules.contains_key(wing), "there is no wing {wing}");
    }
    let known = |module: &str| module == "opening" || WINGS.contains(&module.split("::").next().unwrap_or_default());
    assert!(modules.keys().all(|module| known(module)), "a module in no wing: {:?}", modules.keys());
}

#[test]
fn no_files_of_storage_use_each_other_in_a_circle() {
    let modules = modules();
    let uses = uses(&modules);
    assert!(uses.values().map(BTreeSet::len).sum::<usize>() > 100, "the test finds the arrows");
    assert!(circle(&uses).is_empty(), "{:?}", circle(&uses));
}

#[test]
fn the_check_finds_each_breach() {
    assert_eq!(
        violations("engine::tx", "use crate::storage::schema::kinds::GoneHow;"),
        ["engine::tx uses schema::kinds::GoneHow"]
    );
    assert_eq!(
        violations("people::users", "use crate::storage::{Page, Storage, StorageError};"),
        ["people::users uses Page"]
    );
    assert_eq!(
        violations("commands", "use super::maintenance::{self, backup};"),
        ["commands uses maintenance::backup", "commands uses maintenance::self"]
    );
    assert!(violations("retention::logins", "use crate::storage::engine::{bulk, tx::Tx};").is_empty());
    let texts = [
        ("engine::a", "use crate::storage::engine::b::B;"),
        ("engine::b", "use super::c::C;"),
        ("engine::c", "fn f(_: crate::storage::engine::a::A) {}"),
        ("engine::d", "use crate::storage::engine::a::A;"),
    ];
    let modules = texts.map(|(module, code)| (module.to_owned(), code.to_owned())).into();
    assert_eq!(circle(&uses(&modules)), ["engine::a", "engine::b", "engine::c"]);
}

/// The arguments of the calls of a constructor in the code.
fn arguments<'a>(code: &'a str, constructor: &str) -> Vec<&'a str> {
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    let calls = code.match_indices(constructor).filter(|(at, _)| !code[..*at].ends_with(in_word));
    let argument = |(at, _): (usize, &str)| {
        let rest = &code[at + constructor.len()..];
        let mut depth = 1;
        let end = rest.find(|c| {
            depth += i32::from(c == '(') - i32::from(c == ')');
            depth == 0
        });
        &rest[..end.unwrap_or(rest.len())]
    };
    calls.map(argument).collect()
}

/// The words of a text.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
}

/// Whether the code makes a place in the order of a message's id, or the other way round.
fn derives(code: &str) -> bool {
    let is_of = |argument: &&str, named: [&str; 2]| words(argument).any(|word| named.contains(&word));
    arguments(code, "Seq(").iter().any(|argument| is_of(argument, ["id", "up_to_id"]))
        || arguments(code, "MessageId(").iter().any(|argument| is_of(argument, ["seq", "up_to_seq"]))
}

#[test]
fn only_storage_knows_that_ids_and_places_are_one_number() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let is_test = |file: &Path| file.iter().any(|part| part == "tests" || part == "tests.rs");
    let outside = files.iter().filter(|file| !file.starts_with(root.join("storage")) && !is_test(file));
    let broken: Vec<_> =
        outside.filter(|file| derives(&without_tests(&std::fs::read_to_string(file).unwrap()))).collect();
    assert!(broken.is_empty(), "{broken:?}");
    for breach in ["Seq(message.id.0)", "MessageId((event.seq).0 + 1)"] {
        assert!(derives(breach), "{breach}");
    }
    assert!(!derives("UserSeq(id) + Seq(number) + MessageId(id.0)"));
}
