//! Devices named `PJSIP/ENDPOINT`: whether the endpoint can be reached.
//!
//! As Asterisk computes it without calls: no such endpoint is INVALID; an endpoint none of whose AORs
//! has a contact that answers is UNAVAILABLE; else it is NOT_INUSE. A contact that is not asked
//! (`qualify_frequency=0`) counts as one that answers.

use std::sync::{Arc, Weak};

use dialplan::{DeviceProvider, Hints};
use res_pjsip::Pjsip;
use res_pjsip::location::{ContactChange, ContactEvent, LocationGuard};
use state::DeviceState;

pub(super) struct PjsipDevices(pub(super) Weak<Pjsip>);

impl DeviceProvider for PjsipDevices {
    fn state(&self, rest: &str) -> DeviceState {
        let Some(pjsip) = self.0.upgrade() else { return DeviceState::Invalid };
        let config = pjsip.snapshot().config.clone();
        let Some(endpoint) = config.endpoints.get(rest) else { return DeviceState::Invalid };
        let is_online = |aor: &Arc<str>| config.aors.contains_key(aor) && pjsip.location().is_available(aor);
        if endpoint.aors.iter().any(is_online) { DeviceState::NotInUse } else { DeviceState::Unavailable }
    }
}

/// Asks the devices of a contact's endpoints again whenever it comes, goes, or changes its status.
pub(super) fn follow(pjsip: &Arc<Pjsip>, hints: &Arc<Hints>) -> LocationGuard {
    let (weak, hints) = (Arc::downgrade(pjsip), hints.clone());
    pjsip.location().listen(Box::new(move |event: &ContactEvent| {
        if event.change == ContactChange::Refreshed {
            return;
        }
        let Some(pjsip) = weak.upgrade() else { return };
        let config = pjsip.snapshot().config.clone();
        for endpoint in config.endpoints_of(&event.binding.contact.aor) {
            hints.device_changed(&format!("PJSIP/{}", endpoint.id));
        }
    }))
}
