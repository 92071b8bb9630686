//! Connections: hostile, slow, cut, too many, and behind nginx.

mod cut;
mod flow_control;
mod hostile;
mod nginx;
mod places;
mod slow_reader;
