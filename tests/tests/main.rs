//! End-to-end tests, one file a subject.

mod bad_input;
mod baresip;
mod cli;
mod dns;
mod lamps;
mod modules;
mod network;
mod pjsip_reload;
mod pjsip_tools;
mod refusals;
mod reload;
mod samples;
mod sipp;
