//! `demo`: a server whose data are gone when it ends, with two accounts, and a partner that writes back.
//!
//! All that the partner does, it does as any other client: it registers by REST, has a key of its own, and speaks
//! `fluent.v1` over a socket. The accounts are made in the same way. The server itself learns no key: this program
//! hands those of the two accounts to the browser, by links that work once.

mod account;
mod cipher;
mod echo;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use fluent_backend::{Config, Server, telemetry};
use serde_json::json;
use tokio::sync::oneshot;

use super::browser::{self, RedirectPage};
use super::http::{Http, client};
use super::say;
use super::signals::ServerSignals;
use super::web::embedded;
use account::Account;
use echo::Echo;

/// What is logged: only what a person must know.
const LOG_FILTER: &str = "warn,async_nats=off,ractor=off,sqlx=off,sea_orm=off";

/// Longest time for its end, in seconds: whoever is connected sees that it ends.
const DRAIN_WINDOW_S: u64 = 2;

#[derive(clap::Args)]
pub(crate) struct DemoArgs {
    /// The port on this machine; 0 is any free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Only print the link.
    #[arg(long)]
    no_open: bool,
}

/// Runs a demo until a signal.
pub(crate) async fn demo(args: DemoArgs) -> anyhow::Result<ExitCode> {
    embedded()?;
    let mut signals = ServerSignals::install()?;
    let data = tempfile::Builder::new().prefix("fluent-demo-").tempdir();
    let data = data.context("cannot make a directory for the demo")?;
    let config = config(data.path(), args.port)?;
    let _logging = telemetry::init_logging(&config.log).map_err(|error| anyhow::anyhow!("{error}"))?;
    let mut server = tokio::select! {
        started = Box::pin(Server::start(config)) => started?,
        () = signals.stop() => return Ok(ExitCode::SUCCESS),
    };
    let played = tokio::select! {
        played = Box::pin(play(&mut server, args.no_open)) => played,
        () = signals.stop() => Ok(()),
    };
    // Whoever writes to the files is gone before they are. A second signal does not wait for that.
    let drained = tokio::select! {
        drained = server.drain() => drained.map_err(Into::into),
        () = signals.stop() => Ok(()),
    };
    data.close().context("cannot delete the data of the demo")?;
    played.and(drained).map(|()| ExitCode::SUCCESS)
}

/// Makes the settings of a demo: the defaults, whatever the environment says, on addresses of this machine.
fn config(directory: &Path, port: u16) -> anyhow::Result<Config> {
    let mut config = Config::defaults()?;
    config.server.listen = format!("127.0.0.1:{port}").parse()?;
    config.admin.listen = "127.0.0.1:0".parse()?;
    config.server.data_dir = directory.join("data");
    config.server.drain_window_s = DRAIN_WINDOW_S;
    LOG_FILTER.clone_into(&mut config.log.filter);
    Ok(config)
}

/// Prints the links, and lets the partner write back until an operator stops the server. Fails when that or the server
/// does.
async fn play(server: &mut Server, no_open: bool) -> anyhow::Result<()> {
    let (echo, [alice, bob]) = prepare(server).await?;
    let (tell, is_ready) = oneshot::channel();
    let greeted = [alice.account.id, bob.account.id];
    let writing_back = echo.run(greeted, tell);
    let showing = async {
        let _page = if is_ready.await.is_ok() { show(&alice.link, &bob.link, no_open) } else { None };
        std::future::pending().await
    };
    tokio::select! {
        ended = Box::pin(writing_back) => ended,
        ended = server.until_stop() => ended.map_err(Into::into),
        never = showing => never,
    }
}

/// An account, and the link that makes a browser its device.
struct Linked {
    account: Account,
    link: String,
}

/// Makes the accounts, and signs the partner in.
async fn prepare(server: &Server) -> anyhow::Result<(Echo, [Linked; 2])> {
    let origin = format!("http://{}", server.addr());
    let http = Http::new(origin.parse()?, client(None)?);
    let (echo, alice, bob) = tokio::try_join!(
        Account::register(&http, "echo"),
        Account::register(&http, "alice"),
        Account::register(&http, "bob"),
    )?;
    let partner = json!({"user_id": echo.id, "username": echo.name});
    let link = |account: Account| {
        let document = json!({
            "username": account.name, "password": account.password, "private_key": *account.keys.pem()?,
            "partner": partner,
        });
        let code = server.add_demo_link(document.to_string())?;
        anyhow::Ok(Linked { account, link: format!("{origin}/app/#demo={code}") })
    };
    Ok((Echo::log_in(http, echo).await?, [link(alice)?, link(bob)?]))
}

/// Prints the links, and opens the first one. Returns the page that the browser was given, which must stay.
fn show(alice: &str, bob: &str, no_open: bool) -> Option<RedirectPage> {
    say(&format!(
        "A Fluent server is running, and Echo waits for you: whatever you write comes back.\n\
         \x20 Be Alice:  {alice}\n\
         To write to yourself, open this one in a private window or another browser:\n\
         \x20 Be Bob:    {bob}\n\
         Each link works once. Ctrl-C ends the demo; nothing of it is kept.",
    ));
    if no_open {
        return None;
    }
    // The link is printed in any case.
    browser::open_secret(alice).ok().flatten()
}
