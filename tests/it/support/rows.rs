//! Every row of a store, whatever tables and columns it has, for tests that look for remains.

use fluent_backend::testing::TestData;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, Statement};
use serde_json::{Map, Value};

use super::tables;

const SQLITE_COLUMNS: &str = "SELECT t.name, c.name FROM sqlite_master AS t JOIN pragma_table_info(t.name) AS c \
     WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY t.name, c.cid";
const POSTGRES_COLUMNS: &str = "SELECT c.table_name::text, c.column_name::text FROM information_schema.columns AS c \
     JOIN information_schema.tables AS t USING (table_schema, table_name) \
     WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE' ORDER BY 1, c.ordinal_position";

/// A row and the table that it is of. Bytes are hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) table: String,
    pub(crate) row: Map<String, Value>,
}

/// A connection to the database of a server, beside the server's own.
pub(crate) struct Rows {
    db: DatabaseConnection,
    is_sqlite: bool,
}

impl Rows {
    pub(crate) async fn of(data: &TestData) -> Self {
        Self { db: tables::open(data).await, is_sqlite: data.is_sqlite() }
    }

    /// Executes a statement without the server's knowledge.
    pub(crate) async fn execute(&self, sql: &str) {
        self.db.execute_unprepared(sql).await.unwrap();
    }

    async fn query(&self, sql: String) -> Vec<sea_orm::QueryResult> {
        self.db.query_all_raw(Statement::from_string(self.db.get_database_backend(), sql)).await.unwrap()
    }

    /// All tables with their columns.
    async fn columns(&self) -> Vec<(String, Vec<String>)> {
        let columns = if self.is_sqlite { SQLITE_COLUMNS } else { POSTGRES_COLUMNS };
        let mut tables: Vec<(String, Vec<String>)> = Vec::new();
        for row in self.query(columns.to_owned()).await {
            let (table, column): (String, String) =
                (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap());
            match tables.last_mut().filter(|(name, _)| *name == table) {
                Some((_, columns)) => columns.push(column),
                None => tables.push((table, vec![column])),
            }
        }
        tables
    }

    /// The names of all tables.
    pub(crate) async fn tables(&self) -> Vec<String> {
        self.columns().await.into_iter().map(|(table, _)| table).collect()
    }

    /// All rows of all tables.
    pub(crate) async fn all(&self) -> Vec<Found> {
        let mut found = Vec::new();
        for (table, columns) in self.columns().await {
            for row in self.query(self.as_json(&table, &columns)).await {
                let text: String = row.try_get_by_index(0).unwrap();
                found.push(Found { table: table.clone(), row: serde_json::from_str(&text).unwrap() });
            }
        }
        assert!(found.iter().any(|found| found.table == "store"), "the tables are found");
        found
    }

    /// All rows of one table.
    pub(crate) async fn of_table(&self, table: &str) -> Vec<Map<String, Value>> {
        self.all().await.into_iter().filter(|found| found.table == table).map(|found| found.row).collect()
    }

    fn as_json(&self, table: &str, columns: &[String]) -> String {
        if !self.is_sqlite {
            return format!("SELECT to_jsonb(t)::text FROM \"{table}\" AS t");
        }
        let cell = |name: &String| {
            format!("'{name}', CASE typeof(\"{name}\") WHEN 'blob' THEN hex(\"{name}\") ELSE \"{name}\" END")
        };
        format!("SELECT json_object({}) FROM \"{table}\"", columns.iter().map(cell).collect::<Vec<_>>().join(", "))
    }
}
