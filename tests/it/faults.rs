//! Faults around the real program under load: no acknowledged message is lost or doubled, senders get a retryable
//! error, readiness shows the fault and its end, memory stays bounded, and the log reports it once.

mod clock;
mod commit;
mod database;
mod disk;
mod dropped;
mod files;
mod kill;
mod load;
mod phone;
mod wal;
mod writes;

use fluent_backend::testing::{DatabaseLink, eventually};

use load::Load;

use crate::support::binary::ServerProcess;
use crate::support::postgres::Postgres;

/// What the process itself may grow by while nothing can be written, in KiB.
const MAX_GROWTH_KIB: u64 = 64 * 1024;

/// A way to the database that can be broken.
async fn link_to(postgres: &Postgres) -> DatabaseLink {
    DatabaseLink::to(postgres.socket()).await.unwrap()
}

/// Waits until the status of `/readyz` is this.
async fn readiness(server: &ServerProcess, expected: u16) {
    let what = format!("/readyz is {expected}");
    let status = async || (server.http().get("/readyz").await.status == expected).then_some(());
    eventually(&what, status).await;
}

/// Goes on under load for so many messages; then everything has arrived once and in order, and the log says what had
/// happened.
async fn assert_recovered(server: &ServerProcess, load: Load, messages: usize) {
    load.exchange(messages).await;
    Box::pin(load.settle(server)).await;
    assert_told(server);
}

/// The failures of a test were told once a minute, and there is no flood of other lines.
fn assert_told(server: &ServerProcess) {
    let log = server.log();
    let told = log.matches("cannot write to the database").count();
    assert!((1..=2).contains(&told), "{log}");
    assert_eq!(log.matches("the database works again").count(), told, "{log}");
    assert!(!log.contains("panicked") && log.lines().count() < 50, "{log}");
}
