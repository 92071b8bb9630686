//! `admin drain`, `admin reload` and `admin config`: the process itself.

use std::fmt::Write as _;

use fluent_backend::Config;
use serde_json::json;

use super::Shown;
use super::api::Api;
use super::duration::seconds;
use super::failure::Failure;
use super::remote::RemoteArgs;
use super::table::{cell, table};

const COLUMNS: [(&str, &str); 3] = [("SETTING", "key"), ("VALUE", "value"), ("FROM", "source")];

#[derive(clap::Args)]
pub(super) struct DrainArguments {
    /// The longest time for closing all sockets and writing what was read, such as 30s; without it, what the settings
    /// say (`server.drain_window_s`).
    #[arg(long, value_name = "SPAN", value_parser = seconds)]
    window: Option<i64>,
}

#[derive(clap::Args)]
pub(super) struct ConfigArguments {
    /// Only settings whose names contain this text.
    #[arg(value_name = "TEXT")]
    text: Option<String>,
    /// Leave out what is as it comes.
    #[arg(long)]
    changed: bool,
}

pub(super) async fn drain(api: &mut Api, arguments: &DrainArguments) -> Result<Shown, Failure> {
    let body = arguments.window.map_or_else(|| json!({}), |window_s| json!({"window_s": window_s}));
    let json = api.post("/admin/api/drain", &body).await?;
    Ok(Shown { text: format!("the server stops, within {} s", cell(&json["window_s"])), json })
}

pub(super) async fn reload(api: &mut Api) -> Result<Shown, Failure> {
    let json = api.post("/admin/api/reload", &json!({})).await?;
    let mut text = String::new();
    for part in json["parts"].as_array().into_iter().flatten() {
        let why = part["reason"].as_str().map(|_| format!(": {}", cell(&part["reason"]))).unwrap_or_default();
        // Writing to a text does not fail.
        let _ = writeln!(text, "{}: {}{why}", cell(&part["name"]), cell(&part["outcome"]));
    }
    if json["config_error"].is_string() {
        let _ = writeln!(text, "the configuration cannot be read: {}", cell(&json["config_error"]));
    }
    for key in json["needs_restart"].as_array().into_iter().flatten() {
        let _ = writeln!(text, "{}: has another value, which needs a restart", cell(key));
    }
    Ok(Shown { json, text })
}

/// Shows the settings of the running server; without one, those that a start would use.
pub(super) async fn settings(
    config: &Config,
    remote: RemoteArgs,
    arguments: ConfigArguments,
) -> Result<Shown, Failure> {
    let mut json = match Api::if_running(config, remote).await? {
        Some(mut api) => api.get("/admin/api/config").await?,
        None => json!({"settings": config.settings().map_err(|error| Failure::Unreachable(error.to_string()))?}),
    };
    let ConfigArguments { text, changed } = arguments;
    if let Some(settings) = json["settings"].as_array_mut() {
        settings.retain(|setting| {
            let is_named = text.as_deref().is_none_or(|text| setting["key"].as_str().is_some_and(|k| k.contains(text)));
            is_named && !(changed && setting["source"] == "default")
        });
    }
    let empty = if text.is_some() { "there is no such setting" } else { "everything is as it comes" };
    Ok(Shown { text: table(&json["settings"], &COLUMNS, empty), json })
}
