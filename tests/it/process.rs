//! The program: its commands, its start and stop, and what fails inside it.

mod admin;
mod admin_live;
mod admin_log;
mod admin_people;
mod admin_process;
mod admin_users;
mod bucket;
mod chat_files;
mod demo;
mod doctor;
mod edge;
mod health;
mod keys;
mod program;
mod service_manager;
mod slow;
mod stopping;
mod supervision;
mod two_processes;
mod upkeep;
mod web_client;
