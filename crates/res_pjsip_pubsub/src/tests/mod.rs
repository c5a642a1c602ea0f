//! The subscriptions of one shard, packet in and packet out, on simulated time.

mod answers;
mod flows;
mod location;
mod lossy;
mod modules;
mod office;
mod reconfigure;
mod refusals;
mod subscribing;
