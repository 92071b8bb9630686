//! The two stores: what they keep and forget, how they are set up, backed up and copied, and how several servers share
//! one.

mod backup;
mod bodies;
mod copy_db;
mod copy_wrong;
mod ended;
mod foreign;
mod lost_files;
mod plans;
mod postgres;
mod postgres_settings;
mod row_lock;
mod schema;
mod seed;
mod tombstones;
mod two_servers;
mod vanish;
mod wipe;
mod writers;
