//! The schema of the store, as an ordered list of migrations. They run on SQLite and on PostgreSQL.
//!
//! A released migration never changes; what must change gets a new one.

pub use sea_orm_migration::{MigrationStatus, MigratorTrait};

use sea_orm_migration::{MigrationTrait, async_trait};

mod m0001_accounts;
mod m0002_messages;
mod m0003_tickets;
mod m0004_events;
mod m0005_user_search;
mod m0006_who_still_has_it;
mod m0007_names;
mod m0008_login_lives;
mod m0009_clock_marks;
mod m0010_batches;
mod m0011_relay_key;
mod m0012_nodes;
mod m0013_stamps;
mod m0014_instance_check;
mod m0015_limits;
mod m0016_address_rules;
mod m0017_invites;
mod m0018_audit;
mod m0019_reports;
mod m0020_second_factors;
mod m0021_account_control;
mod m0022_media;

/// All migrations, oldest first.
#[derive(Clone, Copy, Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_accounts::Migration),
            Box::new(m0002_messages::Migration),
            Box::new(m0003_tickets::Migration),
            Box::new(m0004_events::Migration),
            Box::new(m0005_user_search::Migration),
            Box::new(m0006_who_still_has_it::Migration),
            Box::new(m0007_names::Migration),
            Box::new(m0008_login_lives::Migration),
            Box::new(m0009_clock_marks::Migration),
            Box::new(m0010_batches::Migration),
            Box::new(m0011_relay_key::Migration),
            Box::new(m0012_nodes::Migration),
            Box::new(m0013_stamps::Migration),
            Box::new(m0014_instance_check::Migration),
            Box::new(m0015_limits::Migration),
            Box::new(m0016_address_rules::Migration),
            Box::new(m0017_invites::Migration),
            Box::new(m0018_audit::Migration),
            Box::new(m0019_reports::Migration),
            Box::new(m0020_second_factors::Migration),
            Box::new(m0021_account_control::Migration),
            Box::new(m0022_media::Migration),
        ]
    }
}
