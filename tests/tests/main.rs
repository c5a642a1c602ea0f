//! End-to-end tests, one file a subject.

mod authentication;
mod bad_input;
mod baresip;
mod cli;
mod fail2ban;
mod lamps;
mod modules;
mod modules_at_run_time;
mod network;
mod refusals;
mod reload;
mod samples;
mod sipp;
