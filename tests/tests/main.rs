//! End-to-end tests, one file a subject.

mod authentication;
mod bad_input;
mod bad_stream;
mod baresip;
mod cli;
mod dns;
mod fail2ban;
mod lamps;
mod modules;
mod modules_at_run_time;
mod network;
mod pjsip_reload;
mod pjsip_tools;
mod proxy;
mod refusals;
mod register;
mod register_connections;
mod reload;
mod samples;
mod sipp;
mod tcp;
mod third_party;
mod tls;
mod websocket;
