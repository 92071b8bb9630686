//! Tests that choose their engine themselves, whatever `FLUENT_TEST_STORE` says: about features of only one engine,
//! about what must be the same on both, and about the program with a file of its own. CI runs them once.

mod backup;
mod behind;
mod by_nats;
mod catch_up;
mod cluster;
mod copy_db;
mod copy_wrong;
mod deletions;
mod failover;
mod fence;
mod foreign;
mod held_lock;
mod instance_key;
mod lost_files;
mod nodes;
mod plain_batches;
mod postgres;
mod postgres_settings;
mod query_plans;
mod retention;
mod round_trips;
mod row_lock;
mod schema;
mod search;
mod secrets;
mod seed;
mod stopped_in_batch;
mod turns;
mod two_servers;
mod who_is_where;
mod writers;
