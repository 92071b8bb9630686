//! The HTTP interface: requests and responses in general, accounts, logins, names, search, guessing, and blocked
//! networks.

mod accounts;
mod address_rules;
mod audit;
mod authorisation;
mod compression;
mod guesses;
mod http;
mod known_networks;
mod limits;
mod login_lives;
mod logins;
mod names;
mod old_names;
mod operators;
mod pages;
mod password_races;
mod passwords;
mod refresh;
mod registration;
mod requests;
mod second_factor;
mod step_up;
mod token_keys;
mod tokens;
mod unread;
