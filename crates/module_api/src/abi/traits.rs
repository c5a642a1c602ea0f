//! The trait objects of the edge. In an epoch a trait only grows at its end, by a method with a
//! default: abi_stable's tables of methods are read by what they hold.

#![allow(unsafe_code, reason = "not ours: `#[sabi_trait]` generates the objects, and that takes unsafe code")]
#![allow(non_local_definitions, reason = "not ours: `#[sabi_trait]` generates them within constants")]

use abi_stable::{
    sabi_trait,
    std_types::{ROption, RResult, RSlice, RStr, RString},
};

use crate::{Body, BodyContext, Document, Fail, Level, Payload, ResourceQuery};

/// What the host does for a module.
#[sabi_trait]
pub trait HostApi: Send + Sync {
    /// See [`Host::log`](crate::Host::log).
    fn log(&self, level: Level, message: RStr<'_>);
    /// See [`Host::now_ms`](crate::Host::now_ms).
    fn now_ms(&self) -> u64;
    /// See [`Host::find_hint`](crate::Host::find_hint).
    fn find_hint(&self, context: RStr<'_>, exten: RStr<'_>) -> ROption<RString>;
    /// See [`Host::extension_state`](crate::Host::extension_state).
    fn extension_state(&self, key: RStr<'_>) -> ROption<Payload>;
    /// See [`Host::publish`](crate::Host::publish).
    fn publish(&self, topic: RStr<'_>, key: RStr<'_>, payload: &Payload);
    /// See [`Host::device_changed`](crate::Host::device_changed).
    #[sabi(last_prefix_field)]
    fn device_changed(&self, device: RStr<'_>);
}

/// [`BodyGenerator`](crate::BodyGenerator) on the edge.
#[sabi_trait]
pub trait GeneratorApi: Send + Sync {
    /// See [`BodyGenerator::generate`](crate::BodyGenerator::generate).
    #[sabi(last_prefix_field)]
    fn generate(&self, cx: &BodyContext<'_>, body: &mut Body) -> RResult<(), Fail>;
}

/// [`BodySupplement`](crate::BodySupplement) on the edge.
#[sabi_trait]
pub trait SupplementApi: Send + Sync {
    /// See [`BodySupplement::supplement`](crate::BodySupplement::supplement).
    #[sabi(last_prefix_field)]
    fn supplement(&self, cx: &BodyContext<'_>, doc: &mut Document) -> RResult<(), Fail>;
}

/// [`EventPackage`](crate::EventPackage) on the edge.
#[sabi_trait]
pub trait EventPackageApi: Send + Sync {
    /// See [`EventPackage::resolve`](crate::EventPackage::resolve); the status may be [`PANICKED`](crate::abi::PANICKED).
    fn resolve(&self, query: &ResourceQuery<'_>) -> RResult<RString, u16>;
    /// See [`EventPackage::current`](crate::EventPackage::current).
    #[sabi(last_prefix_field)]
    fn current(&self, key: RStr<'_>) -> RResult<Payload, Fail>;
}

/// [`ExtensionListener`](crate::ExtensionListener) on the edge.
#[sabi_trait]
pub trait ListenerApi: Send + Sync {
    /// See [`ExtensionListener`](crate::ExtensionListener); fails only if the hook panicked.
    #[sabi(last_prefix_field)]
    fn extension_state_changed(&self, key: RStr<'_>, state: &Payload) -> RResult<(), Fail>;
}

/// [`DeviceStateProvider`](crate::DeviceStateProvider) on the edge.
#[sabi_trait]
pub trait DeviceProviderApi: Send + Sync {
    /// See [`DeviceStateProvider::state`](crate::DeviceStateProvider::state).
    #[sabi(last_prefix_field)]
    fn state(&self, rest: RStr<'_>) -> RResult<u8, Fail>;
}

/// [`CliCommand`](crate::CliCommand) on the edge.
#[sabi_trait]
pub trait CommandApi: Send + Sync {
    /// See [`CliCommand::run`](crate::CliCommand::run); the outer result fails only if the hook
    /// panicked.
    #[sabi(last_prefix_field)]
    fn run(&self, args: RSlice<'_, RStr<'_>>) -> RResult<RResult<RString, RString>, Fail>;
}
