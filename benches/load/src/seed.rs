//! Accounts that are written directly into a database, so that thousands of them take no time.

use std::path::Path;

use anyhow::{Context as _, Result, anyhow};
use argon2::password_hash::PasswordHasher as _;
use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::clock;
use crate::database::{self, Database};
use crate::marked_frame::Dialect;

/// The password of every account.
pub(crate) const PASSWORD: &str = "correct horse battery staple";
/// The cost of its hash: the server's defaults.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
/// How long the logins last, in microseconds.
pub(crate) const LOGIN_US: i64 = 30 * 24 * 3_600_000_000;

/// Makes the accounts 1 … `count` in a database with the schema, each with a login of the same number that has spoken
/// `dialect` before. All have one password hash.
pub(crate) async fn accounts(database: &Database, count: u32, dialect: Dialect) -> Result<()> {
    match database {
        Database::Sqlite(path) => sqlite(path, count, dialect),
        Database::Postgres(_) => postgres(database.url(), count, dialect).await,
    }
}

/// Returns the refresh token of a login that [`refresh_tokens`] has stored.
pub(crate) fn refresh_token(login: u32) -> String {
    URL_SAFE_NO_PAD.encode(secret(login))
}

/// The token as the server keeps it, of which it stores a hash. Never used outside of this machine.
fn secret(login: u32) -> [u8; 32] {
    let mut secret = [7; 32];
    secret[..4].copy_from_slice(&login.to_be_bytes());
    secret
}

/// Gives each of the logins 1 … `count` of a SQLite database a refresh token.
pub(crate) fn refresh_tokens(database: &Path, count: u32) -> Result<()> {
    let mut db = rusqlite::Connection::open(database).with_context(|| format!("cannot open {}", database.display()))?;
    let (tx, expires_at) = (db.transaction()?, clock::unix_micros() + LOGIN_US);
    {
        let mut token = tx.prepare("INSERT INTO refresh_tokens (hash, login_id, expires_at) VALUES (?1, ?2, ?3)")?;
        for login in 1..=count {
            let hash = digest::digest(&digest::SHA256, &secret(login));
            token.execute((hash.as_ref(), login, expires_at))?;
        }
    }
    Ok(tx.commit()?)
}

fn sqlite(database: &Path, count: u32, dialect: Dialect) -> Result<()> {
    let hash = password_hash()?;
    let now = clock::unix_micros();
    let mut db = rusqlite::Connection::open(database).with_context(|| format!("cannot open {}", database.display()))?;
    let tx = db.transaction()?;
    {
        let mut user = tx.prepare(
            "INSERT INTO users (id, name, name_key, email, email_key, password_hash, public_key, created_at) \
             VALUES (?1, ?2, ?2, ?3, ?3, ?4, 'AAAA', ?5)",
        )?;
        let mut login = tx.prepare(
            "INSERT INTO logins (id, user_id, created_at, last_used_at, expires_at, dialect) \
             VALUES (?1, ?1, ?2, ?2, ?3, ?4)",
        )?;
        for id in 1..=count {
            let name = format!("load-{id}");
            user.execute((id, &name, format!("{name}@example.org"), &hash, now))?;
            login.execute((id, now, now + LOGIN_US, number(dialect)))?;
        }
    }
    Ok(tx.commit()?)
}

async fn postgres(url: &str, count: u32, dialect: Dialect) -> Result<()> {
    let hash = password_hash()?;
    let (now, count) = (clock::unix_micros(), i32::try_from(count)?);
    let db = database::connect(url).await?;
    let users = "INSERT INTO users (id, name, name_key, email, email_key, password_hash, public_key, created_at) \
         SELECT n, 'load-' || n, 'load-' || n, 'load-' || n || '@example.org', 'load-' || n || '@example.org', \
         $2, 'AAAA', $3 \
         FROM generate_series(1, $1) AS n";
    db.execute(users, &[&count, &hash, &now]).await?;
    let logins = "INSERT INTO logins (id, user_id, created_at, last_used_at, expires_at, dialect) \
         SELECT n, n, $2, $2, $3, $4 FROM generate_series(1, $1) AS n";
    db.execute(logins, &[&count, &now, &(now + LOGIN_US), &number(dialect)]).await?;
    for table in ["users", "logins"] {
        let next = "SELECT setval(pg_get_serial_sequence($1, 'id'), $2::integer)";
        db.execute(next, &[&table, &count]).await?;
    }
    Ok(())
}

/// Returns the number by which the server stores a dialect.
pub(crate) fn number(dialect: Dialect) -> i16 {
    match dialect {
        Dialect::Legacy => 1,
        Dialect::V1 => 2,
    }
}

pub(crate) fn password_hash() -> Result<String> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).map_err(|error| anyhow!("argon2: {error}"))?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash = argon2.hash_password(PASSWORD.as_bytes()).map_err(|error| anyhow!("argon2: {error}"))?;
    Ok(hash.to_string())
}
