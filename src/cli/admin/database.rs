//! `admin database`: the tables of the store.

use serde_json::{Value, json};

use super::Shown;
use super::api::Api;
use super::failure::Failure;
use super::table::table;

const COLUMNS: [(&str, &str); 5] =
    [("TABLE", "table"), ("ROWS", "rows"), ("BYTES", "bytes"), ("OLDEST", "oldest_at"), ("KEPT", "keeps")];

#[derive(clap::Subcommand)]
pub(super) enum DatabaseCommand {
    /// List the tables, the largest first: rows and bytes, for how long they keep their rows, and the oldest. What is
    /// estimated begins with ~.
    Tables,
}

pub(super) async fn run(api: &mut Api, DatabaseCommand::Tables: DatabaseCommand) -> Result<Shown, Failure> {
    let json = api.get("/admin/api/database/tables").await?;
    let rows = json["tables"].as_array().into_iter().flatten().map(row).collect();
    Ok(Shown { text: table(&rows, &COLUMNS, "there are no tables"), json })
}

/// Returns a table as a line, with a mark at what is estimated.
fn row(table: &Value) -> Value {
    let mut row = table.clone();
    for (number, exact) in [("rows", "rows_exact"), ("bytes", "bytes_exact")] {
        if table[exact] == false && table[number].is_number() {
            row[number] = json!(format!("~{}", table[number]));
        }
    }
    row
}
