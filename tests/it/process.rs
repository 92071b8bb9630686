//! The program: its commands, its start and stop, and what fails inside it.

mod admin;
mod admin_users;
mod edge;
mod keys;
mod program;
mod stopping;
mod supervision;
mod two_processes;
mod upkeep;
