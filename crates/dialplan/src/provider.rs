//! Who answers for a device or a presentity that a hint names.

use std::sync::Arc;

use state::{Call, DeviceState, PresenceValue};

/// Answers for devices: `Custom:lamp` is asked of the provider `Custom`, `PJSIP/alice` of the
/// technology `PJSIP`.
///
/// A provider is asked when a hint first names a device, when the provider is added, and whenever
/// [`Hints::device_changed`](crate::Hints::device_changed) says that its answer may be another one.
/// Its answer is kept as the report of a source of the provider's name.
pub trait DeviceProvider: Send + Sync {
    /// The state of a device, by what stands behind the label: `lamp` of `Custom:lamp`.
    ///
    /// Called while the hints are being changed: answer from memory, and do not call back.
    fn state(&self, rest: &str) -> DeviceState;

    /// The call that the device is in, if the provider knows it: who is calling while it rings.
    fn call(&self, rest: &str) -> Option<Arc<Call>> {
        let _ = rest;
        None
    }
}

/// Answers for presentities: `CustomPresence:alice` is asked of the provider `CustomPresence`.
pub trait PresenceProvider: Send + Sync {
    /// What a presentity says, by what stands behind the label: `alice`.
    ///
    /// Called while the hints are being changed: answer from memory, and do not call back.
    fn presence(&self, rest: &str) -> PresenceValue;
}

/// The two kinds of device names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// `PJSIP/alice`
    Technology,
    /// `Custom:lamp`
    Label,
}

/// Splits a device's name. The slash is looked for first: `Custom:a/b` is device `b` of the
/// technology `Custom:a`, as in Asterisk.
pub(crate) fn split_device(device: &str) -> Option<(Kind, &str, &str)> {
    let technology = device.split_once('/').map(|(t, r)| (Kind::Technology, t, r));
    technology.or_else(|| device.split_once(':').map(|(l, r)| (Kind::Label, l, r)))
}

/// Splits a presentity's name; no technology answers for presence.
pub(crate) fn split_presence(presentity: &str) -> Option<(&str, &str)> {
    let split = presentity.split_once(':')?;
    (!presentity.contains('/')).then_some(split)
}
