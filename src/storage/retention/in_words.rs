//! For how long each table keeps its rows, in words for operators.

use super::{invites, push, reports};
use crate::config::Config;
use crate::storage::people::known_networks::KNOWN_S;

const DAY_S: i64 = 24 * 3600;

/// Returns for how long a table keeps its rows; `None` for a table that this version does not know.
#[must_use]
pub fn kept(table: &str, config: &Config) -> Option<String> {
    let tombstones = || days(config.messages.keep_deleted_s());
    let words = match table {
        "messages" => match config.messages.retention() {
            Some(seconds) => format!("{}, or until it is deleted; then {} as a tombstone", days(seconds), tombstones()),
            None => format!("until it is deleted or expires; then {} as a tombstone", tombstones()),
        },
        "bodies" => "as long as its message is not gone".to_owned(),
        "events" => format!("{} (messages.keep_days)", tombstones()),
        "audit" => {
            let audit = config.audit;
            format!("{}, and at most {} entries (audit)", days(audit.keep_s()), audit.keep_entries)
        }
        "address_rules" => {
            format!("until they are removed, or {} days after their end (bans.forget_days)", config.bans.forget_days)
        }
        "invites" => format!("{} after their end", days(invites::KEEP_S)),
        "reports" => {
            format!("{}; what they disclose {} after the decision", days(reports::KEEP_S), days(reports::DISCLOSED_S))
        }
        "push_attempts" => days(push::ATTEMPTS_S),
        "push_targets" => format!("with the login, and {} without a sign of life", days(config.push.forget_after_s())),
        "known_networks" => format!("{} after the last login from there", days(KNOWN_S)),
        "logins" | "devices" | "refresh_tokens" => {
            format!("until they end, or {} without a refresh", days(config.auth.refresh_token_s))
        }
        "tickets" | "login_challenges" => "some minutes at most".to_owned(),
        "ended_users" => "until the last access token has expired".to_owned(),
        "media" | "media_refs" => {
            format!("while a message names the file; without one {}", hours(config.media.unclaimed_s))
        }
        "batches" => format!("{} seconds (cluster.journal_s)", config.cluster.journal_s),
        "nodes" => "while the server runs".to_owned(),
        "sweeps" | "wipes" => "until the messages are destroyed".to_owned(),
        "clock_marks" => "until the clock has caught up".to_owned(),
        "second_factors" | "recovery_codes" | "blocks" | "members" | "conversations" | "name_skeletons"
        | "odd_names" | "stored_messages" | "user_grams" | "users" => "as long as the account".to_owned(),
        "user_limits" | "operator_tokens" | "switches" => "until an operator removes or replaces it".to_owned(),
        "cluster" | "leases" | "seaql_migrations" | "store" => "as long as the store; some rows in all".to_owned(),
        _ => return None,
    };
    Some(words)
}

fn days(seconds: i64) -> String {
    match seconds / DAY_S {
        1 => "1 day".to_owned(),
        0 => hours(seconds),
        days => format!("{days} days"),
    }
}

fn hours(seconds: i64) -> String {
    match seconds / 3600 {
        0 => format!("{seconds} seconds"),
        1 => "1 hour".to_owned(),
        hours => format!("{hours} hours"),
    }
}
