//! The HTTP interface: requests and responses in general, accounts, logins, names, search, guessing, and blocked
//! networks.

mod accounts;
mod address_rules;
mod audit;
mod authorisation;
mod compression;
mod events;
mod guesses;
mod http;
mod known_networks;
mod limiters;
mod limits;
mod login_lives;
mod logins;
pub(crate) mod media;
mod metrics;
mod names;
mod office;
mod old_names;
mod operator_tokens;
mod operators;
mod overview;
mod pages;
mod password_races;
mod passwords;
mod people;
mod refresh;
mod registration;
mod request_ids;
mod requests;
mod second_factor;
mod step_up;
mod token_keys;
mod tokens;
mod unread;
mod web_client;
