//! Carrying out commands: numbers, rows and events of a batch in one transaction.

mod account_control;
mod accounts;
mod address_rules;
pub(in crate::storage) mod apply;
pub(in crate::storage) mod attachments;
mod batch;
mod blocks_and_settings;
pub(in crate::storage) mod cache;
mod caution;
pub(in crate::storage) mod clock_marks;
pub(in crate::storage) mod deletions;
mod events;
pub(in crate::storage) mod forecast;
mod known;
mod login_marks;
mod logins;
pub(in crate::storage) mod lookup;
pub(in crate::storage) mod numbers;
mod outline;
mod plain;
pub(in crate::storage) mod receipts;
mod retain;
mod room;
pub(in crate::storage) mod sends;
pub(in crate::storage) mod targets;
