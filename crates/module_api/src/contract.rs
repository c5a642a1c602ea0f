//! The contracts: what a module can bring.
//!
//! All hooks are called from any thread, from several at once, and while a phone waits: they
//! compute, they do not wait.

use crate::{Body, BodyContext, Document, Fail, Inputs, Payload, ResourceQuery};

/// Makes bodies of one media type from one kind of data.
pub trait BodyGenerator: Send + Sync {
    /// The type and subtype, in lower case: `application/pidf+xml`.
    fn media_type(&self) -> &str;

    /// The [`Payload::kind`] that it understands.
    fn data_kind(&self) -> &str;

    /// What a body depends on beside the data.
    fn inputs(&self) -> Inputs;

    /// Fills `body`, which is empty.
    ///
    /// # Errors
    ///
    /// [`Fail`] if there is no body for this data; what was filled in is then ignored.
    fn generate(&self, cx: &BodyContext<'_>, body: &mut Body) -> Result<(), Fail>;
}

/// Adds to the documents of a generator. Supplements of one media type are applied one after the
/// other, in the order in which their modules were loaded.
pub trait BodySupplement: Send + Sync {
    /// The media type of the generator whose documents it extends.
    fn media_type(&self) -> &str;

    /// The [`Payload::kind`] that it understands.
    fn data_kind(&self) -> &str;

    /// What the addition depends on beside the data.
    fn inputs(&self) -> Inputs;

    /// Extends `doc`, which has a root.
    ///
    /// # Errors
    ///
    /// [`Fail`] if it cannot: the body is then not sent.
    fn supplement(&self, cx: &BodyContext<'_>, doc: &mut Document) -> Result<(), Fail>;
}

/// What can be subscribed to under one event name (RFC 6665 section 7.2).
pub trait EventPackage: Send + Sync {
    /// The name in the Event header: `presence`.
    fn event(&self) -> &str;

    /// The media type for a SUBSCRIBE without Accept.
    fn default_media_type(&self) -> &str;

    /// The [`Payload::kind`] of its data.
    fn data_kind(&self) -> &str;

    /// Where its changes are published. Packages of the same topic share resource keys and data:
    /// a change of `1000@default` is one change for `presence` and for `dialog`.
    fn topic(&self) -> &str;

    /// Finds what a SUBSCRIBE asks for: the resource's key in the topic, `1000@default`.
    ///
    /// # Errors
    ///
    /// The SIP status to answer, such as 404.
    fn resolve(&self, query: &ResourceQuery<'_>) -> Result<String, u16>;

    /// The resource's data as it is now.
    ///
    /// # Errors
    ///
    /// [`Fail::NoData`] if the resource is gone.
    fn current(&self, key: &str) -> Result<Payload, Fail>;
}

/// Hears every change of an extension's state.
pub trait ExtensionListener: Send + Sync {
    /// The hint `key`, `1000@default`, has a new state. `state.extension` is there.
    fn extension_state_changed(&self, key: &str, state: &Payload);
}

/// Answers for devices of one label, which hints then may name: `Queue:sales`, `DAHDI/1`.
pub trait DeviceStateProvider: Send + Sync {
    /// The label with its separator: `Queue:` for devices such as `Queue:sales`, `DAHDI/` for `DAHDI/1`.
    fn label(&self) -> &str;

    /// The state of a device, one of [`DeviceInfo::UNKNOWN`](crate::DeviceInfo::UNKNOWN) to
    /// [`DeviceInfo::ON_HOLD`](crate::DeviceInfo::ON_HOLD), by what stands behind the label. It is asked
    /// when a hint first names the device and whenever
    /// [`Host::device_changed`](crate::Host::device_changed) says so.
    ///
    /// # Errors
    ///
    /// [`Fail`] if it cannot say: the device is then unknown.
    fn state(&self, rest: &str) -> Result<u8, Fail>;
}

/// A command of the server's CLI.
pub trait CliCommand: Send + Sync {
    /// Its words: `weather show`.
    fn words(&self) -> &str;

    /// What it is for, in one line.
    fn summary(&self) -> &str;

    /// How it is used; lines end with a line feed. The first one is `Usage: weather show CITY`.
    fn usage(&self) -> &str;

    /// Runs it with the words behind its own; gives what it prints.
    ///
    /// # Errors
    ///
    /// What it prints if it failed; an empty text if it was used wrongly: its usage is shown.
    fn run(&self, args: &[&str]) -> Result<String, String>;
}
