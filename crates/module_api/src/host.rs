//! What the server does for a module.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use abi_stable::{
    sabi_trait::TD_Opaque,
    std_types::{RArc, RBox, ROption, RStr, RString},
};

use crate::abi::{HostApi, HostApi_TO};
use crate::{Level, Payload};

/// The server's side of [`Host`]: the daemon, or a test, implements it.
pub trait HostServices: Send + Sync + 'static {
    /// Writes a line of a module to the log.
    fn log(&self, module: &str, level: Level, message: &str);

    /// Milliseconds since 1970.
    fn now_ms(&self) -> u64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        now.map_or(0, |now| now.as_millis() as u64)
    }

    /// The key of the hint, `exten@context`, that a dialplan look-up finds; includes and patterns
    /// count.
    fn find_hint(&self, context: &str, exten: &str) -> Option<String>;

    /// The state of a hint by its key.
    fn extension_state(&self, key: &str) -> Option<Payload>;

    /// Tells the subscriptions of a topic's resource that it changed.
    fn publish(&self, topic: &str, key: &str, payload: &Payload);

    /// The provider of a device has another answer now.
    fn device_changed(&self, device: &str);
}

/// The server, as a module sees it. Clones are cheap and may be kept as long as the module's own
/// objects live.
#[derive(Clone)]
pub struct Host(RArc<HostApi_TO<'static, RBox<()>>>);

impl Host {
    /// The server for the module of that name: what the host hands to
    /// [`load`](crate::declare_module), and how a test makes one.
    pub fn new(module: &str, services: Arc<dyn HostServices>) -> Self {
        let end = HostEnd { module: module.into(), services };
        Self(RArc::new(HostApi_TO::from_value(end, TD_Opaque)))
    }

    /// Writes a line to the server's log.
    pub fn log(&self, level: Level, message: &str) {
        self.0.log(level, message.into());
    }

    /// Milliseconds since 1970.
    pub fn now_ms(&self) -> u64 {
        self.0.now_ms()
    }

    /// The key of the hint that a dialplan look-up of an extension finds, includes and patterns
    /// included: `1000@default`.
    pub fn find_hint(&self, context: &str, exten: &str) -> Option<String> {
        self.0.find_hint(context.into(), exten.into()).into_option().map(RString::into_string)
    }

    /// The state of a hint by its key.
    pub fn extension_state(&self, key: &str) -> Option<Payload> {
        self.0.extension_state(key.into()).into_option()
    }

    /// Tells the subscriptions of a topic's resource that it changed.
    pub fn publish(&self, topic: &str, key: &str, payload: &Payload) {
        self.0.publish(topic.into(), key.into(), payload);
    }

    /// Asks the provider of a device, `Queue:sales`, again: call it when
    /// [`DeviceStateProvider::state`](crate::DeviceStateProvider::state) has another answer than it had.
    pub fn device_changed(&self, device: &str) {
        self.0.device_changed(device.into());
    }

    pub(crate) fn from_abi(api: RArc<HostApi_TO<'static, RBox<()>>>) -> Self {
        Self(api)
    }

    /// As it crosses the edge, for the host.
    #[doc(hidden)]
    pub fn into_abi(self) -> RArc<HostApi_TO<'static, RBox<()>>> {
        self.0
    }
}

/// The host's end of the edge.
struct HostEnd {
    module: Box<str>,
    services: Arc<dyn HostServices>,
}

impl HostApi for HostEnd {
    fn log(&self, level: Level, message: RStr<'_>) {
        self.services.log(&self.module, level, message.as_str());
    }

    fn now_ms(&self) -> u64 {
        self.services.now_ms()
    }

    fn find_hint(&self, context: RStr<'_>, exten: RStr<'_>) -> ROption<RString> {
        self.services.find_hint(context.as_str(), exten.as_str()).map(RString::from).into()
    }

    fn extension_state(&self, key: RStr<'_>) -> ROption<Payload> {
        self.services.extension_state(key.as_str()).into()
    }

    fn publish(&self, topic: RStr<'_>, key: RStr<'_>, payload: &Payload) {
        // A service that keeps the payload must keep one of the host's own: the module's is freed
        // by code of the module, which may be gone by then.
        self.services.publish(topic.as_str(), key.as_str(), &payload.clone());
    }

    fn device_changed(&self, device: RStr<'_>) {
        self.services.device_changed(device.as_str());
    }
}
