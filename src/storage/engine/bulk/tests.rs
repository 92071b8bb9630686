use std::collections::HashSet;

use sea_orm::{ConnectionTrait as _, Database};

use super::*;

fn list(rows: usize) -> Bulk<'static, 3> {
    Bulk::new((0..rows).map(|i| [Cell::Int(i32::try_from(i).unwrap()), Cell::Text("ä"), Cell::Bytes(b"\0x")]))
}

fn sizes(rows: usize, backend: DatabaseBackend) -> Vec<(String, usize)> {
    let statements = list(rows).statements(backend, "WITH {rows} SELECT * FROM v").into_iter();
    statements.map(|s| (s.sql, s.values.map_or(0, |values| values.0.len()))).collect()
}

#[test]
fn sqlite_sees_few_texts() {
    let texts: HashSet<String> =
        (1..=600).flat_map(|rows| sizes(rows, DatabaseBackend::Sqlite)).map(|(sql, _)| sql).collect();
    assert_eq!(texts.len(), 10);
    let values: Vec<usize> = sizes(600, DatabaseBackend::Sqlite).into_iter().map(|(_, values)| values).collect();
    assert_eq!(values, [512 * 5 + 1, 128 * 5 + 1]);
}

#[test]
fn postgresql_sees_one_text() {
    let text = "WITH v(column1, column2, column3) AS \
                (SELECT * FROM UNNEST($1::INTEGER[], $2::TEXT[], $3::BYTEA[])) SELECT * FROM v";
    assert_eq!(sizes(3, DatabaseBackend::Postgres), [(text.to_owned(), 3)]);
    assert_eq!(sizes(600, DatabaseBackend::Postgres), [(text.to_owned(), 3)]);
    assert!(sizes(0, DatabaseBackend::Postgres).is_empty());
}

#[tokio::test]
async fn cells_arrive_as_they_are() {
    let db = Database::connect("sqlite::memory:").await.unwrap();
    for rows in [1, 2, 3, 64, 100] {
        let sql = "WITH {rows} SELECT v.column1, v.column2, v.column3, typeof(v.column2) FROM v \
                   WHERE v.column1 IS NOT NULL ORDER BY v.column1";
        let mut seen = Vec::new();
        for statement in list(rows).statements(DatabaseBackend::Sqlite, sql) {
            for row in db.query_all_raw(statement).await.unwrap() {
                let text: String = row.try_get_by_index(1).unwrap();
                let bytes: Vec<u8> = row.try_get_by_index(2).unwrap();
                let kind: String = row.try_get_by_index(3).unwrap();
                assert_eq!((text.as_str(), bytes.as_slice(), kind.as_str()), ("ä", &b"\0x"[..], "text"));
                seen.push(usize::try_from(row.try_get_by_index::<i32>(0).unwrap()).unwrap());
            }
        }
        assert_eq!(seen, (0..rows).collect::<Vec<_>>());
    }
}
