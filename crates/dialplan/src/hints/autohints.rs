//! `autohints = yes`: a context that has a hint for each device whose state is reported, named by
//! what stands behind the label: `1000` of `PJSIP/1000`.

use std::sync::Arc;

use super::table::Table;
use super::writer::{Writer, is_plain};
use crate::definition::{HintDefinition, Origin};
use crate::dialplan::Dialplan;
use crate::hint::Hint;

/// Devices that may get hints.
#[derive(Default)]
pub(super) struct AutoHints {
    /// Whether any context wants them.
    wanted: bool,
    devices: Vec<Arc<str>>,
}

impl AutoHints {
    /// Notes that a device is reported.
    pub(super) fn note(&mut self, device: &str) {
        if self.wanted {
            self.devices.push(device.into());
        }
    }
}

impl Writer {
    /// Looks at all devices again, for a dialplan that was read anew.
    pub(super) fn renew_autohints(&mut self, dialplan: &Dialplan) {
        self.autohints.wanted = dialplan.contexts().iter().any(|context| context.autohints);
        for (device, _) in self.states.iter() {
            self.autohints.note(device);
        }
        // Of several devices of one name always the same one.
        self.autohints.devices.sort();
    }

    /// Makes the hints of devices that are reported since.
    pub(super) fn make_autohints(&mut self, table: &Table) {
        for device in std::mem::take(&mut self.autohints.devices) {
            let name = device.split_once(['/', ':']).map_or("", |(_, name)| name);
            let looks_different = device.contains(['&', ',']);
            if name.is_empty() || name.starts_with('_') || looks_different || !is_plain(name) {
                continue;
            }
            let contexts = table.dialplan().contexts().iter();
            for context in contexts.filter(|context| context.autohints) {
                if table.find(&context.name, name, self.now).is_some() {
                    continue;
                }
                let definition = HintDefinition::new(&device, "", context.pos.clone(), Origin::Auto);
                let hint = Hint::new(name, &context.name, Arc::new(definition));
                self.watch_new(&hint);
                table.insert(&hint);
            }
        }
    }
}

/// What an autohint from before is defined as now, if it is to stay.
pub(super) fn renewed(hint: &Hint, dialplan: &Dialplan, now: u64) -> Option<HintDefinition> {
    let definition = hint.definition();
    let context = dialplan.context(hint.context()).filter(|context| context.autohints)?;
    let stays =
        definition.origin == Origin::Auto && dialplan.find_hint(&context.name, hint.exten(), now).is_none();
    let renewed = || HintDefinition::new(definition.text(), "", context.pos.clone(), Origin::Auto);
    stays.then(renewed)
}
