//! Devices named `PJSIP/ENDPOINT`: whether the endpoint can be reached.
//!
//! As Asterisk computes it without calls: no such endpoint is INVALID; an endpoint none of whose AORs
//! has a contact is UNAVAILABLE; else it is NOT_INUSE. Contacts are the permanent ones of
//! `pjsip.conf`, as long as nothing registers others; one whose AOR is qualified has not answered.

use std::sync::Weak;

use dialplan::DeviceProvider;
use res_pjsip::Pjsip;
use res_pjsip::config::{Endpoint, PjsipConfig};
use state::DeviceState;

pub(super) struct PjsipDevices(pub(super) Weak<Pjsip>);

impl DeviceProvider for PjsipDevices {
    fn state(&self, rest: &str) -> DeviceState {
        let Some(pjsip) = self.0.upgrade() else { return DeviceState::Invalid };
        let config = pjsip.snapshot().config.clone();
        match config.endpoints.get(rest) {
            None => DeviceState::Invalid,
            Some(endpoint) if is_online(&config, endpoint) => DeviceState::NotInUse,
            Some(_) => DeviceState::Unavailable,
        }
    }
}

fn is_online(config: &PjsipConfig, endpoint: &Endpoint) -> bool {
    let aors = endpoint.aors.iter().filter_map(|name| config.aors.get(name));
    aors.into_iter().any(|aor| !aor.contacts.is_empty() && aor.qualify_frequency.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_online_if_one_of_its_aors_has_a_contact() {
        let file = conf::Loader::new(".").parse(
            "pjsip.conf",
            "[static]\ntype=endpoint\naors=none,static\n[static]\ntype=aor\ncontact=sip:a@192.0.2.1\n\
             [none]\ntype=aor\nmax_contacts=1\n[phone]\ntype=endpoint\naors=none\n[bare]\ntype=endpoint\n\
             [asked]\ntype=endpoint\naors=asked\n[asked]\ntype=aor\ncontact=sip:a@192.0.2.1\nqualify_frequency=60\n",
        );
        let (config, _) = PjsipConfig::parse(&file.unwrap());
        let online: Vec<_> = config
            .endpoints
            .values()
            .filter(|endpoint| is_online(&config, endpoint))
            .map(|e| &*e.id)
            .collect();
        assert_eq!(online, ["static"]);
    }
}
