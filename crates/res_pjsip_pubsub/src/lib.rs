//! Subscriptions and NOTIFY: RFC 6665 for the event packages that modules bring.
//!
//! [`PubSubService`] puts a part into each shard of `res_pjsip`. A subscription lives in one shard;
//! its event package, body generator and supplements come from modules, found by name at every use.

mod body;
mod flow;
mod intern;
mod location;
mod module;
mod notify;
mod reconfigure;
mod registry;
mod resource;
mod service;
mod show;
mod stats;
mod subscribe;
mod subscription;
mod table;
#[cfg(test)]
mod tests;

pub use flow::NewFlow;
pub use registry::{ModuleParts, Registry};
pub use service::{NotifyAnswer, Pending, PubSubService, SubscriptionInfo, WatcherHook, WatcherInfo};
pub use show::{list_subscriptions, show_subscriptions};
