//! The greeting at the start of the server.

use fluent_backend::config::{LogFormat, Store, reachable};
use fluent_backend::{Config, Server, version};

use super::say;

/// Returns the kind of database and, for SQLite, its file; never a password.
pub(crate) fn describe_database(config: &Config) -> anyhow::Result<String> {
    Ok(match config.store()? {
        Store::Sqlite(path) => format!("SQLite, {}", path.display()),
        Store::Postgres(_) => "PostgreSQL".to_owned(),
    })
}

/// Prints where the server listens and what to try next: for people on standard output, for machines in the log.
pub(crate) fn greet(server: &Server, database: &str, format: LogFormat) {
    let (public, admin) = (server.addr(), server.admin_addr());
    let version = version::described();
    if format.is_json() {
        tracing::info!(version, database, clients = %public, operators = %admin, "the server is running");
        return;
    }
    let (near, admin) = (reachable(public), reachable(admin));
    let everywhere = if near == public { String::new() } else { format!(", listening on {public}") };
    let (scheme, name) = if server.speaks_tls() { ("https", ", by the name in its certificate") } else { ("http", "") };
    let chat = if server.has_web_client() { format!("\n  chat       {scheme}://{near}/app/") } else { String::new() };
    say(&format!(
        "fluent-backend {version} is running ({database}{everywhere})\n\
         \x20 clients    {scheme}://{near}   (interface: {scheme}://{near}/docs/{name}){chat}\n\
         \x20 operators  http://{admin}/metrics\n\
         Try:  curl {scheme}://{near}/root",
    ));
}
