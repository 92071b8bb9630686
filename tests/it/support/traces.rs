//! Search for bytes in the data of a running server: in its files, or in the tables of PostgreSQL, whose files cannot
//! be read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use fluent_backend::testing::TestData;
use sea_orm::{ConnectionTrait as _, Database, DatabaseBackend, Statement};

/// How long the bytes of a message may outlive it.
const PROMISED: Duration = Duration::from_mins(1);

/// A random text of one test that is recognised wherever it was written.
#[derive(Clone, Debug)]
pub(crate) struct Marker(String);

impl Marker {
    pub(crate) fn new() -> Self {
        Self(format!("mark{:016x}", rand::random::<u64>()))
    }

    /// The marker itself, of small letters and digits; its length is a multiple of four, so it is base64 as well.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// A text of about this length which has the marker and `name` (letters, digits, `-`) in every piece of it.
    pub(crate) fn text(&self, name: &str, bytes: usize) -> String {
        let once = format!("{}({name})", self.0);
        once.repeat(bytes.div_ceil(once.len()))
    }

    /// The names that were found, and the files or columns they were found in.
    async fn found(&self, data: &TestData) -> BTreeMap<String, BTreeSet<String>> {
        let mut found = BTreeMap::new();
        if data.is_sqlite() {
            self.look_into_files(&data.path().join("data"), &mut found);
        } else {
            self.look_into_tables(data.url(), &mut found).await;
        }
        found
    }

    fn look_into_files(&self, dir: &Path, found: &mut BTreeMap<String, BTreeSet<String>>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            // A file, such as a journal, may disappear meanwhile.
            let Ok(bytes) = std::fs::read(&path) else { continue };
            self.look(&bytes, &path.file_name().unwrap().to_string_lossy(), found);
        }
    }

    async fn look_into_tables(&self, url: &str, found: &mut BTreeMap<String, BTreeSet<String>>) {
        const COLUMNS: &str = "SELECT table_name::text, column_name::text, data_type::text \
             FROM information_schema.columns WHERE table_schema = 'public' AND data_type IN ('text', 'bytea')";
        let db = Database::connect(url).await.unwrap();
        let query =
            async |sql: String| db.query_all_raw(Statement::from_string(DatabaseBackend::Postgres, sql)).await.unwrap();
        for row in query(COLUMNS.to_owned()).await {
            let [table, column, kind] = [0, 1, 2].map(|i| row.try_get_by_index::<String>(i).unwrap());
            let bytes = if kind == "text" { format!("convert_to({column}, 'UTF8')") } else { column.clone() };
            let sql = format!("SELECT {bytes} FROM {table} WHERE position('{}'::bytea IN {bytes}) > 0", self.0);
            for row in query(sql).await {
                let bytes: Vec<u8> = row.try_get_by_index(0).unwrap();
                self.look(&bytes, &format!("{table}.{column}"), found);
            }
        }
        db.close().await.unwrap();
    }

    /// Adds the names that are found in these bytes; those cut off by the end of a page have none.
    fn look(&self, bytes: &[u8], place: &str, found: &mut BTreeMap<String, BTreeSet<String>>) {
        let text = String::from_utf8_lossy(bytes);
        for (at, _) in text.match_indices(&self.0) {
            let rest = &text[at + self.0.len()..];
            let name = rest.strip_prefix('(').and_then(|rest| rest.split_once(')')).map(|(name, _)| name);
            let whole = |name: &&str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
            let name = name.filter(whole).unwrap_or_default().to_owned();
            found.entry(name).or_default().insert(place.to_owned());
        }
    }

    /// The names that are found.
    pub(crate) async fn names(&self, data: &TestData) -> BTreeSet<String> {
        self.found(data).await.into_keys().filter(|name| !name.is_empty()).collect()
    }

    /// Waits until the marker is found nowhere; fails the test when the promised time is over.
    pub(crate) async fn gone(&self, data: &TestData) {
        let begin = Instant::now();
        loop {
            let left = self.found(data).await;
            if left.is_empty() {
                return;
            }
            assert!(
                begin.elapsed() < PROMISED,
                "after {PROMISED:?} there are traces of {} texts: {left:?}",
                left.len()
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}
