//! `web` and `app`: the web client in this program, compared with what a server serves, and served on this machine for
//! a server elsewhere.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use fluent_backend::http::{StandaloneClient, WebClient, WebFile};
use fluent_backend::{Config, version};
use fluent_client::transport::Server;
use http::StatusCode;
use http::header::{ACCEPT_ENCODING, ACCESS_CONTROL_ALLOW_ORIGIN, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, ORIGIN};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::http::{Http, client as http_client};
use super::output::{note, warn};
use super::signals::ServerSignals;
use super::{browser, say};

/// The start of the client, which is also at the address without a name.
const INDEX: &str = "index.html";

#[derive(clap::Args)]
pub(crate) struct AppArgs {
    /// The server to talk to, such as `https://chat.example.org`.
    #[arg(long, value_name = "URL", value_parser = origin)]
    server: String,
    /// The address of the page. Keep it the same: to the browser, another port is another place, which has no keys.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8010")]
    listen: SocketAddr,
    /// Only print the address.
    #[arg(long)]
    no_open: bool,
    #[command(flatten)]
    trust: Trust,
}

#[derive(clap::Subcommand)]
pub(crate) enum WebCommand {
    /// Print the SHA-256 of each file of the client.
    Hashes,
    /// Fetch the client of a server, and compare it with the one in this program.
    Verify {
        /// The server, such as `https://chat.example.org`.
        #[arg(value_name = "URL", value_parser = origin)]
        server: String,
        #[command(flatten)]
        trust: Trust,
    },
}

/// Whom to trust for the server's certificate.
#[derive(clap::Args)]
pub(crate) struct Trust {
    /// Certificates, in PEM form, of authorities that may vouch for the server beside those that the system trusts.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

impl Trust {
    fn http(&self, server: &str) -> anyhow::Result<Http> {
        Ok(Http::new(server.parse()?, http_client(self.ca.as_deref())?))
    }
}

/// Returns the address of a server as browsers write it.
fn origin(text: &str) -> Result<String, String> {
    let wrong = || "must be the address of a server, such as https://chat.example.org".to_owned();
    text.parse::<Server>().map_err(|error| format!("{}: it {error}", wrong()))?;
    let url = Url::parse(text).map_err(|_| wrong())?;
    Ok(url.origin().ascii_serialization())
}

/// Returns the client in this program.
pub(crate) fn embedded() -> anyhow::Result<WebClient> {
    WebClient::embedded().context("this program was built without the web client (feature `web`)")
}

pub(crate) async fn web(command: WebCommand) -> anyhow::Result<ExitCode> {
    match command {
        WebCommand::Hashes => {
            for (name, file) in embedded()?.files().iter() {
                say(&format!("{}  {name}", file.integrity()));
            }
            Ok(ExitCode::SUCCESS)
        }
        WebCommand::Verify { server, trust } => verify(&server, &trust.http(&server)?).await,
    }
}

/// Compares the files that a server serves. It serves others to whom it likes: this tells what it serves here and now.
async fn verify(server: &str, http: &Http) -> anyhow::Result<ExitCode> {
    let client = embedded()?;
    let version = version::described();
    let (mut differing, mut count) = (Vec::new(), 0);
    for (name, file) in client.files().iter() {
        let paths =
            if name == INDEX { vec!["/app/".to_owned(), format!("/app/{name}")] } else { vec![format!("/app/{name}")] };
        for path in paths {
            count += 1;
            differing.extend(compare(http, &path, file, &client).await?.map(|why| format!("{path}: {why}")));
        }
    }
    for line in &differing {
        say(line);
    }
    if differing.is_empty() {
        say(&format!("{server} serves the web client of fluent-backend {version}: all {count} files are the same"));
        return Ok(ExitCode::SUCCESS);
    }
    let others = differing.len();
    say(&format!(
        "{server} does not serve the web client of fluent-backend {version}: {others} of {count} files differ"
    ));
    Ok(ExitCode::FAILURE)
}

/// Returns in what the file at a path differs, as it is sent plain and compressed.
async fn compare(http: &Http, path: &str, file: &WebFile, client: &WebClient) -> anyhow::Result<Option<String>> {
    for coding in ["identity", "br"] {
        let answer = http.get(path, &[(ACCEPT_ENCODING, coding)]).await?;
        if answer.status != StatusCode::OK {
            return Ok(Some(format!("the server answers {}", answer.status)));
        }
        let sent = answer.headers.get(CONTENT_ENCODING).map_or("identity", |value| value.to_str().unwrap_or_default());
        let expected = match sent {
            "identity" => Some(file.plain()),
            "br" => file.brotli(),
            _ => None,
        };
        // A proxy in front may compress as it likes: what cannot be compared is not the same.
        if expected.is_none_or(|expected| *expected != answer.body) {
            return Ok(Some(format!("other bytes ({sent})")));
        }
        if answer.headers.get(CONTENT_SECURITY_POLICY) != Some(client.content_policy()) {
            return Ok(Some("another Content-Security-Policy".to_owned()));
        }
    }
    Ok(None)
}

/// Serves the client on this machine for a server elsewhere, until a signal.
pub(crate) async fn app(args: AppArgs) -> anyhow::Result<ExitCode> {
    let AppArgs { server, listen, no_open, trust } = args;
    ensure!(
        listen.ip().is_loopback(),
        "--listen {listen}: it must be an address of this machine alone (127.0.0.1 or [::1]), since browsers encrypt \
         nothing on a page of another machine that comes without TLS"
    );
    let http = trust.http(&server)?;
    let Some(client) = embedded()?.of_server(&server) else { bail!("{server} cannot be put into the client") };
    let mut signals = ServerSignals::install()?;
    let standalone = StandaloneClient::bind(listen, client, &Config::defaults()?).await;
    let standalone = standalone.with_context(|| format!("cannot listen on {listen}"))?;
    let page = format!("http://{}", standalone.local_addr()?);
    let stop = CancellationToken::new();
    let serving = tokio::spawn(standalone.serve(stop.clone()));
    if http.server().is_exposed() {
        warn(&format!("{server} is reached without TLS: others on the way can read your password"));
    }
    match lets_in(&http, &page).await {
        Ok(true) => {}
        Ok(false) => {
            warn(&format!("{server} lets no page of {page} in: its operator must add that to http.cors_origins"));
        }
        Err(error) => warn(&format!("{error:#}")),
    }
    let link = format!("{page}/app/");
    say(&format!("The web client of this program, for {server}:  {link}"));
    note("Ctrl-C ends it. What the browser keeps stays for the next time at the same address.");
    if !no_open {
        browser::open(&link);
    }
    signals.stop().await;
    stop.cancel();
    serving.await?;
    Ok(ExitCode::SUCCESS)
}

/// Returns whether the server lets pages of an origin call it.
async fn lets_in(http: &Http, page: &str) -> anyhow::Result<bool> {
    let answer = http.get("/healthz", &[(ORIGIN, page)]).await?;
    let allowed = answer.headers.get(ACCESS_CONTROL_ALLOW_ORIGIN);
    Ok(allowed.is_some_and(|allowed| allowed == "*" || allowed == page))
}

#[cfg(test)]
mod tests {
    use super::origin;

    #[test]
    fn servers_are_written_as_browsers_write_them() {
        assert_eq!(origin("https://Chat.Example:443/").as_deref(), Ok("https://chat.example"));
        assert_eq!(origin("http://127.0.0.1:8000").as_deref(), Ok("http://127.0.0.1:8000"));
        for bad in ["chat.example", "ftp://chat.example", "https://chat.example/app/", ""] {
            assert!(origin(bad).is_err(), "{bad}");
        }
    }
}
