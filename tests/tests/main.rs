//! End-to-end tests, one file a subject.

mod bad_input;
mod baresip;
mod cli;
mod dns;
mod lamps;
mod modules;
mod modules_at_run_time;
mod network;
mod pjsip_reload;
mod pjsip_tools;
mod proxy;
mod refusals;
mod register;
mod reload;
mod samples;
mod sipp;
