//! Ninety days of messages, files, expiry and wake-ups: the rows and bytes of every table level off after their
//! retention, and so do the files.
//!
//! Each table of the schema has a rule here. One without fails the test, and so does one that goes on growing: a table
//! that nobody clears away fills the disk of every operator in the end.

mod day;

use std::collections::BTreeMap;
use std::path::Path;

use fluent_backend::Config;
use fluent_backend::telemetry::ActorKind;
use fluent_backend::testing::{TestServer, eventually};
use serde_json::Value;

use crate::support::push::PushDoubles;
use crate::support::rows::Rows;
use crate::support::v1::stopped_clock;
use day::People;

const DAY_S: i64 = 86_400;
const DAYS: i64 = 90;
/// The days on which is counted: all that is kept for a time has been cleared away before the first of them.
const COUNTED: [i64; 3] = [50, 70, 90];

/// Why a table does not grow for ever.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// Its rows are cleared away after a time, and each day leaves some.
    Cleared,
    /// As `Cleared`, after a longer time than this test lasts: it looks a year later.
    Late,
    /// Its rows go within moments, so that they are hardly seen, or are of servers.
    Passing,
    /// Its rows go after seconds that really pass: how many there are says how fast the days go by here.
    Timed,
    /// It grows with accounts and what is theirs at a time, or with settings.
    Bounded,
}

use Rule::{Bounded, Cleared, Late, Passing, Timed};

const RULES: [(&str, Rule); 40] = [
    ("address_rules", Cleared),
    ("audit", Cleared),
    ("batches", Timed),
    ("blocks", Bounded),
    ("bodies", Cleared),
    ("clock_marks", Cleared),
    ("cluster", Bounded),
    ("conversations", Bounded),
    ("devices", Cleared),
    ("ended_users", Cleared),
    ("events", Cleared),
    ("invites", Cleared),
    ("known_networks", Late),
    ("leases", Bounded),
    ("login_challenges", Cleared),
    ("logins", Cleared),
    ("media", Cleared),
    ("media_refs", Cleared),
    ("members", Bounded),
    ("messages", Cleared),
    ("name_skeletons", Bounded),
    ("nodes", Passing),
    ("odd_names", Bounded),
    ("operator_tokens", Bounded),
    ("push_attempts", Cleared),
    ("push_targets", Late),
    ("recovery_codes", Bounded),
    ("refresh_tokens", Cleared),
    ("reports", Late),
    ("seaql_migrations", Bounded),
    ("second_factors", Bounded),
    ("store", Bounded),
    ("stored_messages", Bounded),
    ("sweeps", Passing),
    ("switches", Bounded),
    ("tickets", Bounded),
    ("user_grams", Bounded),
    ("user_limits", Bounded),
    ("users", Bounded),
    ("wipes", Passing),
];

/// Short times, so that ninety days are many of each.
fn brief(config: &mut Config) {
    config.messages.clear_every_ms = 5;
    (config.messages.retention_days, config.messages.retention_every_s) = (20, 0);
    config.messages.keep_days = 10;
    config.audit.keep_days = 15;
    (config.auth.access_token_s, config.auth.refresh_token_s) = (DAY_S / 4, 5 * DAY_S);
    config.media.enabled = true;
    config.cluster.journal_s = 10;
}

/// Waits until the janitor has done everything at least twice.
async fn cleared(server: &TestServer) {
    let ticks = || server.server().health().snapshot(ActorKind::Janitor).handled;
    let before = ticks();
    // All chores are done within 64 ticks, what they leave within the next, and logins that have expired in between.
    eventually("the janitor has come by", async || (ticks() > before + 3 * 64).then_some(())).await;
}

/// Rows and bytes.
type Size = (usize, usize);

/// The rows and the bytes of each table, and under `files` the number and the bytes of the files.
async fn sizes(server: &TestServer, rows: &Rows) -> BTreeMap<String, Size> {
    let mut sizes: BTreeMap<String, Size> = BTreeMap::new();
    for found in rows.all().await {
        let (rows, bytes) = sizes.entry(found.table).or_default();
        *rows += 1;
        *bytes += Value::Object(found.row).to_string().len();
    }
    sizes.insert("files".to_owned(), files(&server.data_dir().join("media")));
    sizes
}

/// The number and the bytes of the files below a directory.
fn files(dir: &Path) -> Size {
    let (mut count, mut bytes) = (0, 0);
    for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
        // One may go in this moment.
        let Ok(metadata) = entry.metadata() else { continue };
        let (more, of_them) =
            if metadata.is_dir() { files(&entry.path()) } else { (1, usize::try_from(metadata.len()).unwrap()) };
        (count, bytes) = (count + more, bytes + of_them);
    }
    (count, bytes)
}

#[tokio::test(flavor = "multi_thread")]
async fn after_ninety_days_every_table_has_levelled_off() {
    let clock = stopped_clock();
    let doubles = PushDoubles::start(&clock).await;
    let change = |config: &mut Config| {
        brief(config);
        doubles.configure(config);
    };
    let server = TestServer::start_at(clock.clone(), change).await;
    let rows = Rows::of(server.data()).await;
    for table in rows.tables().await {
        let is_known = RULES.iter().any(|(name, _)| *name == table);
        assert!(is_known, "say in RULES why the table {table} does not grow for ever");
    }
    let people = Box::pin(People::come(&server, &clock)).await;
    let mut counted = Vec::new();
    for number in 1..=DAYS {
        Box::pin(people.spend(&server, &clock, &doubles, number)).await;
        if COUNTED.contains(&number) {
            let used = sizes(&server, &rows).await;
            for (table, _) in RULES.iter().filter(|(_, rule)| [Cleared, Late].contains(rule)) {
                assert!(used.contains_key(*table), "nothing is in {table}, so nothing is seen of it");
            }
            cleared(&server).await;
            counted.push(sizes(&server, &rows).await);
        }
        clock.advance_secs(DAY_S);
    }
    let [first, .., last] = &counted[..] else { panic!("counted on fewer days") };
    let compared =
        RULES.iter().filter(|(_, rule)| ![Late, Timed].contains(rule)).map(|(table, _)| *table).chain(["files"]);
    for table in compared {
        let of = |sizes: &BTreeMap<String, Size>| sizes.get(table).copied().unwrap_or_default();
        let ((rows_then, bytes_then), (rows_now, bytes_now)) = (of(first), of(last));
        // Numbers have grown by a digit here and there.
        let (most_rows, most_bytes) = (rows_then + rows_then / 10 + 2, bytes_then + bytes_then / 5 + 500);
        assert!(rows_now <= most_rows, "{table} grows: {rows_then} rows on day 50, {rows_now} on day 90");
        assert!(bytes_now <= most_bytes, "{table} grows: {bytes_then} bytes on day 50, {bytes_now} on day 90");
    }
    let timed = RULES.iter().filter(|(_, rule)| *rule == Timed);
    for (table, _) in timed {
        let is_cleared = async || (rows.of_table(table).await.len() <= 2).then_some(());
        eventually(&format!("the rows of {table} have gone"), is_cleared).await;
    }
    clock.advance_secs(365 * DAY_S);
    cleared(&server).await;
    let left = sizes(&server, &rows).await;
    for (table, _) in RULES.iter().filter(|(_, rule)| *rule == Late) {
        assert!(!left.contains_key(*table), "{table} is empty after a year: {:?}", left.get(*table));
    }
    doubles.check(&[]);
    server.stop().await;
}
