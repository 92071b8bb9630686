//! `admin limiter`: limits on rates, which keys they refuse, and limits of single users.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::Shown;
use super::api::Api;
use super::failure::Failure;
use super::table::{cell, table};

const PATH: &str = "/admin/api/limiters";
/// The characters that no limiter has in its name.
const NOT_IN_A_NAME: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'_');
const COLUMNS: [(&str, &str); 3] = [("LIMITER", "limiter"), ("BURST", "burst"), ("EVERY MS", "every_ms")];
const ALL: [(&str, &str); 7] = [
    ("LIMITER", "limiter"),
    ("COUNTS BY", "counts_by"),
    ("BURST", "burst"),
    ("EVERY MS", "every_ms"),
    ("REFUSED", "refused"),
    ("DELAYED", "delayed"),
    ("OVERFLOWED", "overflowed"),
];
const WORST: [(&str, &str); 4] =
    [("LIMITER", "limiter"), ("KEY", "key"), ("REFUSED", "count"), ("NEXT IN MS", "next_token_ms")];

#[derive(clap::Subcommand)]
pub(super) enum LimiterCommand {
    /// List all limiters: their numbers, and what they have refused since the server's start; or the limits that are
    /// set for one user.
    List {
        /// The user's id.
        #[arg(long, value_name = "ID")]
        user: Option<i32>,
    },
    /// List which keys were refused or made to wait most often since the server's start, as networks, ids and hashes.
    #[command(alias = "worst")]
    Top {
        /// Of this limiter alone, such as login.account.
        limiter: Option<String>,
    },
    /// Fill the bucket of a key, so that what it counts may be done again at once.
    Refill {
        /// The limiter, such as login.account.
        limiter: String,
        /// The key as `limiter top` shows it, or an address, a network, an id or a name.
        #[arg(allow_hyphen_values = true)]
        key: String,
    },
    /// Set a limit of one user in place of that of all, with a full bucket.
    Set {
        /// The limiter, one that counts by users, such as send.user.
        limiter: String,
        /// The user's id.
        #[arg(long, value_name = "ID")]
        user: i32,
        /// How much may be done at once; 0: no limit.
        #[arg(long, value_name = "N")]
        burst: u32,
        /// Milliseconds until one more may be done.
        #[arg(long, value_name = "MS", default_value_t = 1000.0)]
        every_ms: f64,
    },
    /// Give a user the limit of all again, with a full bucket.
    Unset {
        /// The limiter.
        limiter: String,
        /// The user's id.
        #[arg(long, value_name = "ID")]
        user: i32,
    },
}

pub(super) async fn run(api: &mut Api, command: LimiterCommand) -> Result<Shown, Failure> {
    match command {
        LimiterCommand::List { user: Some(user) } => of_user(api, user).await,
        LimiterCommand::List { user: None } => {
            let json = api.get(PATH).await?;
            Ok(Shown {
                text: table(&json["limiters"].as_array().into_iter().flatten().map(row).collect(), &ALL, ""),
                json,
            })
        }
        LimiterCommand::Top { limiter } => {
            api.needs_server("what is refused is counted by the server")?;
            let json = api.get(PATH).await?;
            Ok(Shown { text: worst(&json["limiters"], limiter.as_deref()), json })
        }
        LimiterCommand::Refill { limiter, key } => {
            api.needs_server("all buckets are full at its start")?;
            let name = utf8_percent_encode(&limiter, NOT_IN_A_NAME);
            let query = utf8_percent_encode(&key, NON_ALPHANUMERIC);
            let json = api.delete(&format!("{PATH}/{name}?key={query}")).await?;
            Ok(Shown { text: format!("the bucket of {limiter} for {} is full", cell(&key.into())), json })
        }
        LimiterCommand::Set { limiter, user, burst, every_ms } => {
            let numbers = json!({"burst": burst, "every_ms": every_ms});
            shown(api.put(&path_of(user), &Value::from(Map::from_iter([(limiter, numbers)]))).await?, user)
        }
        LimiterCommand::Unset { limiter, user } => {
            shown(api.put(&path_of(user), &Value::from(Map::from_iter([(limiter, Value::Null)]))).await?, user)
        }
    }
}

/// Shows the limits that are set for one user.
pub(super) async fn of_user(api: &mut Api, user: i32) -> Result<Shown, Failure> {
    shown(api.get(&path_of(user)).await?, user)
}

fn path_of(user: i32) -> String {
    format!("/admin/api/users/{user}/limits")
}

/// Returns a limiter as a line of the table.
fn row(limiter: &Value) -> Value {
    let mut row = limiter.clone();
    for number in ["burst", "every_ms"] {
        row[number] = limiter["numbers"][number].clone();
    }
    row
}

#[expect(clippy::unnecessary_wraps, reason = "the last step of each command")]
fn shown(json: Value, user: i32) -> Result<Shown, Failure> {
    let row = |(limiter, numbers): (&String, &Value)| {
        let (burst, every_ms) = (&numbers["burst"], &numbers["every_ms"]);
        json!({"limiter": limiter, "burst": burst, "every_ms": every_ms})
    };
    let rows: Vec<Value> = json.as_object().map(|limits| limits.iter().map(row).collect()).unwrap_or_default();
    let empty = format!("user {user} has the limits of all");
    Ok(Shown { text: table(&rows.into(), &COLUMNS, &empty), json })
}

fn worst(limiters: &Value, only: Option<&str>) -> String {
    let wanted = |limiter: &&Value| only.is_none_or(|only| limiter["limiter"] == only);
    let keys = |limiter: &Value| {
        let name = limiter["limiter"].clone();
        let keys = limiter["worst"].as_array().cloned().unwrap_or_default();
        keys.into_iter().map(move |mut key| {
            key["limiter"] = name.clone();
            key
        })
    };
    let rows: Value = limiters.as_array().into_iter().flatten().filter(wanted).flat_map(keys).collect();
    table(&rows, &WORST, "nothing was refused")
}
