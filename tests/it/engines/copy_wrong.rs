//! `copy-db` to a PostgreSQL that changes rows on arrival: nothing of the copy ever becomes visible.

use fluent_backend::testing::{TestClient, send_frame};
use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection, Statement};

use crate::support::binary::{ServerProcess, run};
use crate::support::postgres::database;
use crate::support::v1::live;

/// What becomes of the rows of a table.
const WRONGS: [(&str, &str); 4] = [
    ("bodies", "NEW.receiver_copy := NEW.receiver_copy || '\\x00'; RETURN NEW"),
    ("users", "NEW.email := NEW.email || 'x'; RETURN NEW"),
    ("store", "NEW.last_seq := NEW.last_seq + 1; RETURN NEW"),
    ("messages", "RETURN NULL"),
];

async fn execute(db: &DatabaseConnection, sql: &str) {
    db.execute_unprepared(sql).await.unwrap();
}

async fn rows(db: &DatabaseConnection, table: &str) -> i64 {
    let sql = format!("SELECT COUNT(*) FROM {table}");
    let statement = Statement::from_string(sea_orm::DatabaseBackend::Postgres, sql);
    db.query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_arrives_changed_is_refused_and_leaves_nothing() {
    let Some(database) = database().await else { return };
    let dir = tempfile::tempdir().unwrap();
    let server = ServerProcess::start(dir.path(), &[]).await;
    let (alice, bob) =
        (TestClient::sign_up(server.http(), "alice").await, TestClient::sign_up(server.http(), "bob").await);
    live(&alice, "a").await.store(bob.id, "to bob").await;
    bob.http.post("/chat/messages", &send_frame(alice.id, "to alice")).await.ok();
    assert!(server.stop().await.success());

    let from = format!("sqlite://{}", dir.path().join("data/fluent.db").display());
    let migrated = run(dir.path(), &["migrate", "up"], &[("DATABASE_URL", database.url())]).await;
    assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
    let db = Database::connect(database.url()).await.unwrap();
    let copy = ["copy-db", "--from", &from, "--to", database.url()];
    for (table, wrong) in WRONGS {
        execute(&db, &format!("CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN {wrong}; END$$"))
            .await;
        let trigger = format!("CREATE TRIGGER spoil BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION spoil()");
        execute(&db, &trigger).await;
        let output = run(dir.path(), &copy, &[]).await;
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{table}: {error}");
        assert!(error.contains(&format!("what has arrived in {table} is not what was read")), "{error}");
        for table in ["users", "messages", "bodies"] {
            assert_eq!(rows(&db, table).await, 0, "rows of {table} are to be seen");
        }
        execute(&db, "DROP FUNCTION spoil CASCADE").await;
    }
    // And with nothing in its way it arrives.
    let output = run(dir.path(), &copy, &[]).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(rows(&db, "messages").await, 2);
    db.close().await.unwrap();
}
