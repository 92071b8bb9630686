//! The HTTP interface: requests and answers in general, accounts, logins, names and search, and what may be guessed.

mod accounts;
mod compression;
mod guesses;
mod http;
mod login_lives;
mod logins;
mod names;
mod old_names;
mod operators;
mod pages;
mod password_races;
mod passwords;
mod refresh;
mod requests;
mod step_up;
mod tokens;
mod unread;
