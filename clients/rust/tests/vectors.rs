//! The traces under `vectors/`, which clients in other languages run too: each is made here, compared with its file,
//! and replayed from the file alone.
//!
//! `UPDATE_VECTORS=1 cargo test -p fluent-client --test vectors` writes them.

#![expect(clippy::unwrap_used, reason = "a failed expectation fails the test")]

mod scenarios;

use std::path::{Path, PathBuf};

use fluent_client::{Action, Client, Cursor, Draft, Event, Outbox};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A trace: where a client begins, and what it does for each event.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
struct Trace {
    about: String,
    client: Beginning,
    /// The state before the first step.
    state: Value,
    steps: Vec<Step>,
}

/// What a client is made with.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Beginning {
    user_id: i64,
    watch: Vec<i64>,
    cursor: Option<Cursor>,
    outbox: Vec<Draft>,
}

/// The event, what is to be done for it, and the state after that.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
struct Step {
    event: Event,
    actions: Vec<Action>,
    next: Value,
}

impl Beginning {
    fn client(&self) -> Client {
        let mut outbox = Outbox::default();
        self.outbox.iter().for_each(|draft| outbox.push(draft.clone()));
        Client::new(self.user_id, self.watch.clone(), self.cursor.clone(), outbox)
    }
}

impl Trace {
    fn record(about: &str, client: Beginning, events: impl IntoIterator<Item = Event>) -> Self {
        let mut machine = client.client();
        let state = machine.state();
        let step = |event: Event| {
            let actions = machine.on(event.clone());
            Step { event, actions, next: machine.state() }
        };
        let steps = events.into_iter().map(step).collect();
        Self { about: about.to_owned(), client, state, steps }
    }

    /// As text: pretty, but one line an action.
    fn text(&self) -> String {
        let line = |value: &Value| value.to_string();
        let field = |name: &str, value: &Value| format!("  {}: {}", Value::from(name), line(value));
        let head = serde_json::to_value(self).unwrap();
        let steps = head["steps"].as_array().unwrap().iter().map(|step| {
            let actions: Vec<String> =
                step["actions"].as_array().unwrap().iter().map(|action| format!("      {action}")).collect();
            let actions =
                if actions.is_empty() { "[]".to_owned() } else { format!("[\n{}\n    ]", actions.join(",\n")) };
            format!(
                "    \"event\": {},\n    \"actions\": {actions},\n    \"next\": {}\n",
                line(&step["event"]),
                line(&step["next"])
            )
        });
        let steps: Vec<String> = steps.map(|step| format!("  {{\n{step}  }}")).collect();
        let fields = ["about", "client", "state"].map(|name| field(name, &head[name]));
        format!("{{\n{},\n  \"steps\": [\n{}\n  ]\n}}\n", fields.join(",\n"), steps.join(",\n"))
    }
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors")
}

#[test]
fn the_files_are_what_the_machine_does() {
    let is_update = std::env::var_os("UPDATE_VECTORS").is_some();
    let mut names = Vec::new();
    for (name, trace) in scenarios::all() {
        let path = directory().join(format!("{name}.json"));
        if is_update {
            std::fs::write(&path, trace.text()).unwrap();
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        let advice = "UPDATE_VECTORS=1 cargo test -p fluent-client --test vectors";
        assert!(
            found == trace.text(),
            "vectors/{name}.json is out of date; `{advice}` writes it, then look at the diff"
        );
        names.push(format!("{name}.json"));
    }
    let files = std::fs::read_dir(directory()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let others = ["README.md", "files.json", "franking.json"];
    let mut files: Vec<String> = files.filter(|file| !others.contains(&file.as_str())).collect();
    files.sort();
    names.sort();
    assert_eq!(files, names, "a file that no scenario makes");
}

/// What a client in another language does.
#[test]
fn a_client_that_knows_the_files_alone_passes() {
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        return; // The files are being written.
    }
    for (name, _) in scenarios::all() {
        let text = std::fs::read_to_string(directory().join(format!("{name}.json"))).unwrap();
        let trace: Trace = serde_json::from_str(&text).unwrap();
        let mut client = trace.client.client();
        assert_eq!(client.state(), trace.state, "{name}");
        for (number, step) in trace.steps.into_iter().enumerate() {
            let about = format!("{name}, step {number}: {:?}", step.event);
            // As JSON, since `keep` holds what is to be kept and not the `ref` of an answer.
            let actions = serde_json::to_value(client.on(step.event)).unwrap();
            assert_eq!(actions, serde_json::to_value(step.actions).unwrap(), "{about}");
            assert_eq!(client.state(), step.next, "{about}");
        }
    }
}
