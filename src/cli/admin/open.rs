//! `admin open`: a link that signs a browser in at the operators' page.

use fluent_backend::Config;
use fluent_backend::config::reachable;
use serde_json::json;

use super::Shown;
use super::api::Api;
use super::failure::Failure;
use super::remote::RemoteArgs;
use super::table::cell;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// What the page may do: `read` shows everything and changes nothing.
    #[arg(long, default_value = "write", value_parser = ["read", "write"])]
    scope: String,
}

/// Returns where the page of the server is that a command is about, as this machine reaches it.
pub(super) fn page(config: &Config, remote: &RemoteArgs) -> String {
    let listen = &config.admin.listen;
    let local = || match listen.resolve().ok().and_then(|found| found.first().copied()) {
        Some(address) => format!("http://{}", reachable(address)),
        None => format!("http://{listen}"),
    };
    remote.url().map_or_else(local, |url| url.as_str().trim_end_matches('/').to_owned())
}

pub(super) async fn run(api: &mut Api, page: &str, arguments: &Arguments) -> Result<Shown, Failure> {
    let mut json = api.post("/admin/api/links", &json!({"scope": arguments.scope})).await?;
    let link = format!("{page}{}", json["path"].as_str().unwrap_or_default());
    let text = format!("{link}\nIt signs one browser in, within {} s.", cell(&json["for_s"]));
    json["link"] = link.into();
    Ok(Shown { json, text })
}
