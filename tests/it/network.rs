//! Connections: hostile, slow, cut, too many, behind nginx, Caddy, haproxy, and proxies that speak the PROXY protocol.

mod caddy;
mod cut;
mod flow_control;
mod fronts;
mod haproxy;
mod hostile;
mod nginx;
mod places;
mod proxy_header;
mod slow_reader;
mod tls;
