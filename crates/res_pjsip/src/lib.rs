//! pjsip.conf objects, transports, shards and endpoint identification.

pub mod config;
pub mod identify;
pub mod show;
