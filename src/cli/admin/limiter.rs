//! `admin limiter`: which keys limiters refuse, and limits of single users.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::Shown;
use super::api::Api;
use super::failure::Failure;
use super::table::{cell, table};

const PATH: &str = "/admin/api/limiters";
const COLUMNS: [(&str, &str); 3] = [("LIMITER", "limiter"), ("BURST", "burst"), ("EVERY MS", "every_ms")];

#[derive(clap::Subcommand)]
pub(super) enum LimiterCommand {
    /// Print which keys were refused or made to wait most often since the server's start, as networks, ids and hashes.
    Worst {
        /// Of this limiter alone, such as login.account.
        limiter: Option<String>,
    },
    /// Print the limits that are set for one user.
    List {
        /// The user's id.
        #[arg(long, value_name = "ID")]
        user: i32,
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
        LimiterCommand::Worst { limiter } => {
            let json = api.get(PATH).await?;
            Ok(Shown { text: worst(&json["limiters"], limiter.as_deref()), json })
        }
        LimiterCommand::List { user } => shown(api.get(&of_user(user)).await?, user),
        LimiterCommand::Set { limiter, user, burst, every_ms } => {
            let numbers = json!({"burst": burst, "every_ms": every_ms});
            shown(api.put(&of_user(user), &Value::from(Map::from_iter([(limiter, numbers)]))).await?, user)
        }
        LimiterCommand::Unset { limiter, user } => {
            shown(api.put(&of_user(user), &Value::from(Map::from_iter([(limiter, Value::Null)]))).await?, user)
        }
    }
}

fn of_user(user: i32) -> String {
    format!("/admin/api/users/{user}/limits")
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
    let mut text = String::new();
    let wanted = |limiter: &&Value| only.is_none_or(|only| limiter["limiter"] == only);
    for limiter in limiters.as_array().into_iter().flatten().filter(wanted) {
        for key in limiter["worst"].as_array().into_iter().flatten() {
            // Writing to a text does not fail.
            let _ = writeln!(text, "{}  {}  {}", cell(&limiter["limiter"]), cell(&key["key"]), cell(&key["count"]));
        }
    }
    if text.is_empty() { "nothing was refused".to_owned() } else { text }
}
