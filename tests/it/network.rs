//! Connections: hostile, slow, cut, too many, behind nginx, haproxy, and proxies that speak the PROXY protocol.

mod cut;
mod flow_control;
mod haproxy;
mod hostile;
mod nginx;
mod places;
mod proxy_header;
mod slow_reader;
mod tls;
