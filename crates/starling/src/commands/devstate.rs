//! `devstate list|change` (module `func_devstate`).

use std::sync::Arc;

use cli::{CommandGuard, Outcome, command};
use state::{DeviceState, Party};

use super::{no_arguments, print};
use crate::builtin::CustomDevices;
use crate::server::Server;

/// Registers the commands.
pub(crate) fn register(server: &Arc<Server>, devices: &Arc<CustomDevices>) -> Vec<CommandGuard> {
    let [list, change, delete, names, known] = std::array::from_fn(|_| devices.clone());
    let states = DeviceState::ALL.map(DeviceState::word);
    let usage = format!(
        "Usage: devstate change Custom:NAME STATE [CALLER]\n       Sets the state of a Custom: device. States:\n       {}\n       \
         CALLER is who calls while it rings; phones that show dialog-info show it.\n       \
         Example: devstate change Custom:lamp1 INUSE\n       \
         Example: devstate change Custom:lamp1 RINGING \"Alice <4444>\"\n",
        states.join(" ")
    );
    vec![
        server.cli.register(command(
            "devstate list",
            "List the Custom: devices with their states",
            "Usage: devstate list\n",
            move |cx| match no_arguments(cx) {
                Ok(()) => print(cx, &list.list()),
                Err(outcome) => outcome,
            },
        )),
        server.cli.register(
            command("devstate change", "Change the state of a Custom: device", usage, move |cx| {
                let args = cx.arg_strs();
                let (device, word, caller) = match args[..] {
                    [device, word] => (device, word, None),
                    [device, word, caller] => (device, word, Some(Party::parse(caller))),
                    _ => return Outcome::ShowUsage,
                };
                let Some(name) = custom_name(device) else {
                    cx.print("The devstate command can only be used to set 'Custom:' device state!\n");
                    return Outcome::Failure;
                };
                let known = DeviceState::ALL.iter().find(|state| state.word().eq_ignore_ascii_case(word));
                let Some(state) = known else { return Outcome::ShowUsage };
                let text = format!("Changing {name} to {word}\n");
                change.set_with_caller(name, *state, caller);
                print(cx, &text)
            })
            .completing(move |args, _| match args {
                [] => names.names().iter().map(|name| format!("Custom:{name}")).collect(),
                [_] => states.map(str::to_owned).to_vec(),
                _ => Vec::new(),
            }),
        ),
        server.cli.register(
            command(
                "devstate delete",
                "Forget the state of a Custom: device",
                "Usage: devstate delete Custom:NAME\n       Forgets the device's state; its lamps go to idle.\n",
                move |cx| {
                    let args = cx.arg_strs();
                    let [device] = args[..] else { return Outcome::ShowUsage };
                    match custom_name(device) {
                        Some(name) if delete.remove(name) => print(cx, &format!("Deleted {device}\n")),
                        _ => {
                            cx.print(&format!("There is no custom device '{device}'\n"));
                            Outcome::Failure
                        }
                    }
                },
            )
            .completing(move |args, _| match args {
                [] => known.names().iter().map(|name| format!("Custom:{name}")).collect(),
                _ => Vec::new(),
            }),
        ),
    ]
}

/// The part after `Custom:`, whose case does not matter.
fn custom_name(device: &str) -> Option<&str> {
    let (label, name) = device.split_once(':')?;
    (label.eq_ignore_ascii_case("Custom") && !name.is_empty()).then_some(name)
}
