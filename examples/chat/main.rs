//! A chat in the terminal, end-to-end encrypted as the Android app does it: a model for authors of clients.
//!
//! ```text
//! cargo run --release --example chat -- --user alice@example.org --to bob@example.org
//! cargo run --release --example chat -- --user bob@example.org --to alice@example.org      # in another terminal
//! ```
//!
//! It speaks `fluent.v1`, or with `--legacy` the dialect of the app.
//!
//! What is worth using is `clients/rust`: when to save what, and when to send, reconnect and give up, without any I/O.
//! What is not: RSA with PKCS#1 v1.5 padding, directly on the text, is what the app speaks. It has no forward secrecy,
//! does not tell who wrote a message, and takes the partner's key from the server on trust.
//!
//! `fluent_client` decides; `chat` does what it says, with `link` for the network, `device`, `book` and `marks` for
//! what is kept, `screen` for what is shown, `editor` and `command` for what is typed; `seal`, `envelope` and `keys`
//! encrypt, and `files` are on their way. `api`
//! keeps the login, `http` carries what `wire` spells, over the connections of `tls`; `history` asks for what was
//! before. `legacy` is the conversation in the other dialect.

mod api;
mod book;
mod chat;
mod command;
mod device;
mod disk;
mod editor;
mod envelope;
#[cfg(test)]
mod fake;
mod files;
mod history;
mod http;
mod keys;
mod legacy;
mod link;
mod marks;
mod screen;
mod seal;
mod terminal;
mod tls;
mod wire;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use clap::Parser as _;
use email_address::{EmailAddress, Options};
use fluent_client::transport::Server;
use secrecy::{ExposeSecret as _, SecretString};

use api::Api;
use chat::Chat;
use device::Device;
use http::Http;
use keys::{KeyPair, PartnerKey};
use legacy::LegacyChat;
use wire::{Registration, User};

/// Time between two looks whether the partner is there.
const PARTNER_POLL: Duration = Duration::from_secs(2);

/// Chat with one person over a Fluent server, end-to-end encrypted.
#[derive(clap::Parser)]
struct Args {
    /// Your user name, an e-mail address; registered on first use.
    #[arg(long, value_name = "ADDRESS", value_parser = user_name)]
    user: String,
    /// The user name of the one to chat with; may register later.
    #[arg(long, value_name = "ADDRESS")]
    to: String,
    /// Where the server is: `https://…`, or `http://…` on this machine.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8000")]
    server: Server,
    /// Certificates, in PEM form, of authorities that may vouch for the server beside those that browsers know.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Your password, 8 to 256 characters; asked for when it is not given. Others on this machine can read the command
    /// line: the environment is the better place.
    #[arg(long, value_name = "PW", env = "FLUENT_PASSWORD", hide_env_values = true)]
    password: Option<SecretString>,
    /// The directory of your private key, and of what this device keeps.
    #[arg(long, value_name = "DIR", default_value = "chat-keys")]
    keys: PathBuf,
    /// Speak the dialect of the Android app: no receipts, and nothing is kept but the key.
    #[arg(long)]
    legacy: bool,
}

/// As the app does, one text is both the user name and the e-mail address.
fn user_name(text: &str) -> Result<String, String> {
    match EmailAddress::parse_with_options(text, Options::default().without_display_text()) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(format!("a user name must look like an e-mail address, such as alice@example.org ({error})")),
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    let result = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")
        .and_then(|runtime| runtime.block_on(run(args)));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            terminal::notice(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> anyhow::Result<()> {
    let password = password(args.password, &args.user)?;
    // On disk before the account exists: an account without its key is of no use.
    let keys = KeyPair::load_or_create(&args.keys, &args.user)?;
    let directory = args.keys.join(disk::file_name(&args.server.address())).join(disk::file_name(&args.user));
    if args.server.is_exposed() {
        terminal::notice("the connection is not encrypted: others on the way can read your password; use https://");
    }
    let http = Http::new(args.server, tls::connector(args.ca.as_deref())?);
    let api = sign_in(http, &args.user, &password, keys.public_key()).await?;
    let me = own_account(&api, &args.user, &keys).await?;

    let partner = wait_for(&api, &args.to).await?;
    let partner_key = PartnerKey::parse(&partner.public_key)
        .with_context(|| format!("nothing can be encrypted for {}", partner.name))?;
    let device = if args.legacy { None } else { Some(Device::open(directory, me.id)?) };
    terminal::notice(&format!("you are {}, chatting with {}; /quit or Ctrl-D ends it", me.name, partner.name));
    let (_editor, input) = terminal::input()?;
    match device {
        Some(device) => Chat::new(api, me.id, partner, keys, device, input)?.run().await,
        None => LegacyChat::new(api, me.id, partner, keys, partner_key, input).run().await,
    }
}

fn password(given: Option<SecretString>, user: &str) -> anyhow::Result<SecretString> {
    let password = given.map_or_else(|| terminal::ask_password(user), Ok)?;
    let length = password.expose_secret().chars().count();
    ensure!((8..=256).contains(&length), "the password must have 8 to 256 characters, not {length}");
    Ok(password)
}

/// Registers, or logs in when the account is there already.
async fn sign_in(http: Http, user: &str, password: &SecretString, public_key: &str) -> anyhow::Result<Api> {
    let registration = Registration { username: user, email: user, password: password.expose_secret(), public_key };
    let is_new = api::register(&http, &registration).await.with_context(|| format!("cannot register {user}"))?;
    let done = if is_new { "now registered" } else { "registered already" };
    terminal::notice(&format!("{user} is {done}"));
    let api = Api::log_in(http, user, password).await.with_context(|| format!("cannot log in as {user}"))?;
    Ok(api)
}

/// The user's own entry, if it names the key at hand.
async fn own_account(api: &Api, user: &str, keys: &KeyPair) -> anyhow::Result<User> {
    let Some(me) = api.find_user(user).await.context("cannot look up your account")? else {
        bail!("the server does not list your account {user}");
    };
    ensure!(
        me.public_key == keys.public_key(),
        "{user} is registered with another key than {}: messages cannot be read with this key file. \
         Put the right one in its place, or take another user name",
        keys.path().display(),
    );
    Ok(me)
}

/// The partner, as soon as they are registered.
async fn wait_for(api: &Api, name: &str) -> anyhow::Result<User> {
    let mut has_told = false;
    loop {
        match api.find_user(name).await {
            Ok(Some(found)) => return api.partner(found.id).await.with_context(|| format!("cannot look up {name}")),
            Ok(None) => {
                if !has_told {
                    terminal::notice(&format!("waiting for {name} to register; Ctrl-C ends it"));
                    has_told = true;
                }
            }
            Err(error) if error.is_transient() && has_told => {}
            Err(error) => return Err(error).with_context(|| format!("cannot look for {name}")),
        }
        tokio::time::sleep(PARTNER_POLL).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_names_are_addresses() {
        assert_eq!(user_name("alice@example.org").as_deref(), Ok("alice@example.org"));
        for bad in ["", "alice", "Alice <alice@example.org>"] {
            assert!(user_name(bad).is_err(), "{bad}");
        }
    }
}
