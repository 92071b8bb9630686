//! Connections: hostile, slow, cut, too many, behind nginx, and behind haproxy.

mod cut;
mod flow_control;
mod haproxy;
mod hostile;
mod nginx;
mod places;
mod slow_reader;
