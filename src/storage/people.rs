//! Users, their logins and devices, and how they are found.

pub(in crate::storage) mod accounts;
pub(in crate::storage) mod audit;
pub(in crate::storage) mod devices;
mod invites;
pub(in crate::storage) mod logins;
pub(in crate::storage) mod name_review;
pub(in crate::storage) mod open_logins;
pub(in crate::storage) mod refresh_tokens;
pub(in crate::storage) mod search;
mod socket_tickets;
mod switches;
pub(in crate::storage) mod users;
