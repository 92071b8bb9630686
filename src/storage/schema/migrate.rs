//! Migrations, which bring the schema up to date.

use sea_orm::{DatabaseBackend, DatabaseConnection, Statement, TransactionTrait as _};

use crate::storage::StorageError;
use crate::storage::engine::per_engine::PerEngine;
use crate::storage::engine::tx::Tx as _;
use crate::storage::schema::{foreign, versions};

/// Lists the applied migrations, which the migrations record.
const APPLIED: &str = "SELECT version FROM seaql_migrations ORDER BY version";
/// Key of the advisory lock that lets one node at a time migrate: "fluent" in ASCII.
const LOCK_KEY: i64 = 0x66_6c_75_65_6e_74;

/// Takes that lock, in a transaction that idles while another connection migrates. SQLite needs none: the process with
/// the lock of the store is the only one.
const LOCK: PerEngine<Option<&str>> = PerEngine {
    sqlite: None,
    postgres: Some("SELECT set_config('idle_in_transaction_session_timeout', '0', true), pg_advisory_xact_lock($1)"),
};
/// Returns a row when the table of applied migrations exists, which the first migration makes.
const HAS_MIGRATIONS: PerEngine<&str> = PerEngine {
    sqlite: "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'seaql_migrations'",
    postgres: "SELECT 1 WHERE to_regclass('seaql_migrations') IS NOT NULL",
};

/// A migration and whether the database has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationState {
    /// Its name.
    pub name: String,
    /// Whether it was applied.
    pub applied: bool,
}

/// Applies what is missing; one node at a time on PostgreSQL, one process at a time on SQLite.
pub(in crate::storage) async fn up(db: &DatabaseConnection) -> Result<(), StorageError> {
    if state(db).await?.iter().all(|migration| migration.applied) {
        return Ok(());
    }
    let Some(sql) = LOCK.of(db.get_database_backend()) else { return Ok(migration::up(db, None).await?) };
    // Held by a connection of its own until this transaction ends, whatever happens to the migrations' connection.
    let lock = db.begin().await?;
    sea_orm::ConnectionTrait::execute_raw(
        &lock,
        Statement::from_sql_and_values(DatabaseBackend::Postgres, sql, [LOCK_KEY.into()]),
    )
    .await?;
    migration::up(db, None).await?;
    lock.commit().await?;
    Ok(())
}

/// Returns every known migration with its state. Returns [`StorageError::NewerSchema`] when the database has an unknown
/// one, [`StorageError::Foreign`] when it belongs to another program.
///
/// On PostgreSQL, a newer server may have added something beside this one: unknown migrations are no error there,
/// unless the database says that this version is too old ([`StorageError::TooOld`]).
pub(in crate::storage) async fn state(db: &DatabaseConnection) -> Result<Vec<MigrationState>, StorageError> {
    let known: Vec<String> = migration::names().map(str::to_owned).collect();
    let present = foreign::neighbours(db).await?;
    let applied = applied(db).await?;
    foreign::check(db, &present, &applied).await?;
    let may_be_newer = match versions::min_version(db).await? {
        Some(min_version) => versions::check(&min_version).map(|()| known.iter().all(|name| applied.contains(name)))?,
        None => false,
    };
    if let Some(unknown) = applied.iter().find(|name| !known.contains(name) && !may_be_newer) {
        return Err(StorageError::NewerSchema(unknown.clone()));
    }
    Ok(known.into_iter().map(|name| MigrationState { applied: applied.contains(&name), name }).collect())
}

async fn applied(db: &DatabaseConnection) -> Result<Vec<String>, StorageError> {
    let backend = db.get_database_backend();
    if db.query_one(Statement::from_string(backend, HAS_MIGRATIONS.of(backend))).await?.is_none() {
        return Ok(Vec::new());
    }
    let rows = db.query(Statement::from_string(backend, APPLIED)).await?;
    rows.iter().map(|row| row.get(0)).collect()
}

#[cfg(test)]
mod tests {
    use sea_orm::ConnectionTrait as _;

    use crate::config::Config;
    use crate::domain::{Command, EmailAddress, Proof, PublicKey, Timestamp, UserId, UserName, Viewer};
    use crate::storage::engine::connect;
    use crate::storage::engine::purpose::Purpose;
    use crate::storage::people::search::tests::check_index;
    use crate::storage::{Before, Storage, UserPage};

    /// A store from before `fluent.v1` keeps its messages; they count as read.
    #[tokio::test]
    async fn messages_outlive_the_move_of_their_ciphertexts() {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config::defaults().unwrap();
        config.server.data_dir = dir.path().to_owned();
        let old = connect::open(&config, Purpose::Migrate).await.unwrap();
        migration::up(&old, Some(3)).await.unwrap();
        for sql in [
            "INSERT INTO users VALUES (1, 'a', 'a', 'a@x', 'a@x', '', 'AAAA', 0), (2, 'b', 'b', 'b@x', 'b@x', '', \
             'AAAA', 0)",
            "INSERT INTO store VALUES (1, 'epoch', 3, 3)",
            "INSERT INTO conversations VALUES (1, 4294967298, 3)",
            "INSERT INTO members VALUES (1, 1), (2, 1)",
            "INSERT INTO messages VALUES (1, 1, 1, 2, 'text', 1, 's1', 'r1'), (2, 1, 2, 1, 'text', 2, 's2', 'r2'), \
             (3, 1, 1, 2, 'text', 3, 's3', 'r3')",
        ] {
            old.execute_unprepared(sql).await.unwrap();
        }
        old.close().await.unwrap();

        let storage = Storage::open(&config).await.unwrap();
        let now = Timestamp::from_micros(10);
        let viewer = |user| Viewer { user: UserId(user) };
        let history = storage.history(viewer(2), UserId(1), Before::Newest, 10, now).await.unwrap();
        let contents: Vec<&str> = history.iter().map(|message| message.content_for(viewer(2))).collect();
        assert_eq!(contents, ["r3", "s2", "r1"]);
        for (user, read) in [(1, 2), (2, 3)] {
            let overview = storage.conversations(viewer(user), None, 10, now).await.unwrap().remove(0);
            assert_eq!((overview.unread, overview.read_up_to.map(|id| id.0)), (0, Some(read)));
        }
        assert_eq!(storage.position_and_stamp().await.unwrap().0.newest().to_string(), "epoch:3");
        storage.close().await.unwrap();
    }

    /// Users from before the index are found by it, and it is the index that registrations would have made.
    #[tokio::test]
    async fn names_from_before_their_index_are_found() {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config::defaults().unwrap();
        config.server.data_dir = dir.path().to_owned();
        let old = connect::open(&config, Purpose::Migrate).await.unwrap();
        migration::up(&old, Some(4)).await.unwrap();
        // The edges of blocks, and one block where sets are large.
        let ids = [1, 32_767, 32_768, 65_535, 300_000].into_iter().chain(100_000..102_500);
        let users: Vec<String> = ids
            .map(|id| {
                format!("({id}, 'N{id}é \u{df}\u{1f600}', 'n{id}é ss\u{1f600}', 'a{id}', 'a{id}', '', 'AAAA', 0)")
            })
            .collect();
        let columns = "(id, name, name_key, email, email_key, password_hash, public_key, created_at)";
        old.execute_unprepared(&format!("INSERT INTO users {columns} VALUES {}", users.join(", "))).await.unwrap();
        old.close().await.unwrap();

        let storage = Storage::open(&config).await.unwrap();
        check_index(&storage).await;
        let search = async |text: &str| {
            let page = UserPage { after: None, limit: 10_000 };
            storage.search_users(text, page).await.unwrap().into_iter().map(|user| user.id.0).collect::<Vec<_>>()
        };
        assert_eq!(search("n3276").await, [32_767, 32_768]);
        assert_eq!(search("N").await.len(), users.len());
        assert_eq!(search("0e \u{df}\u{1f600}").await.len(), 251);
        // New registrations extend the index.
        let name = UserName::parse("n32766".to_owned()).unwrap();
        let email = EmailAddress::parse("n@example.org".to_owned()).unwrap();
        let key = PublicKey::parse("AAAA".to_owned(), false).unwrap();
        let now = Timestamp::from_micros(0);
        let new = storage.create_account(&name, &email, String::new(), &key, now).await.unwrap();
        assert_eq!(search("n3276").await, [32_767, 32_768, new.0]);
        check_index(&storage).await;
        for id in [UserId(32_768), new, UserId(100_007)] {
            let (proof, until) = (Proof::of(String::new()), now);
            storage.apply(vec![Command::DeleteAccount { user: id, proof, until }], now).await.unwrap();
            check_index(&storage).await;
        }
        assert_eq!(search("n3276").await, [32_767]);
        storage.close().await.unwrap();
    }
}
