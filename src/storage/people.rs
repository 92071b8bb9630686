//! Users, their logins and devices, how they are found, and the rules about addresses.

mod account_control;
pub(in crate::storage) mod accounts;
pub(in crate::storage) mod address_rules;
pub(in crate::storage) mod audit;
pub(in crate::storage) mod devices;
mod invites;
pub(in crate::storage) mod known_networks;
mod login_challenges;
pub(in crate::storage) mod logins;
pub(in crate::storage) mod name_review;
pub(in crate::storage) mod open_logins;
mod operator_tokens;
pub(in crate::storage) mod refresh_tokens;
pub(in crate::storage) mod reports;
pub(in crate::storage) mod search;
pub(in crate::storage) mod second_factors;
mod socket_tickets;
mod switches;
mod user_limits;
pub(in crate::storage) mod users;
