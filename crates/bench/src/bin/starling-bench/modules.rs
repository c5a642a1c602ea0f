//! What a call into a module's file costs: the pidf generator through the ABI, with the host's guard
//! and counters, against the same code linked in.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use module_api::{Body, BodyContext, BodyGenerator, ExtensionState, Level, Payload, Support};
use module_host::{Builtin, Contract, HostServices, LoadOutcome, ModuleHost, ModuleInfo, Registry};
use res_pjsip_pidf_body_generator::Pidf;

const MODULE: &str = "res_pjsip_pidf_body_generator";

/// What a call through the ABI may cost more, in nanoseconds.
const TARGET: f64 = 100.0;

/// Calls of each kind in a round.
const CALLS: u32 = 20_000;

/// What was measured, in nanoseconds a call.
pub(crate) struct Results {
    direct: f64,
    loaded: f64,
}

/// Loads the module from beside this program, and calls both in turn; the medians of so many rounds.
pub(crate) fn measure(rounds: u32) -> Result<Results, Box<dyn std::error::Error>> {
    let program = std::env::current_exe()?;
    let directory = program.parent().unwrap_or(Path::new("."));
    let required = ["res_pjsip", "res_pjsip_pubsub"].map(|name| Arc::new(Required(name)) as Arc<dyn Builtin>);
    let host = ModuleHost::new(directory, required.into(), Arc::new(Nothing), Arc::new(Nothing));
    host.load(MODULE)?;
    let contract = host.contract(MODULE).ok_or("the module does not run")?;
    let loaded = contract.generators.first().ok_or("the module has no generator")?;
    let (mut direct_times, mut loaded_times) = (Vec::new(), Vec::new());
    for _ in 0..rounds.max(1) {
        direct_times.push(time(&Pidf));
        loaded_times.push(time(&**loaded));
    }
    Ok(Results { direct: median(direct_times), loaded: median(loaded_times) })
}

/// Nanoseconds a call: one body in a warm buffer, printed.
fn time(generator: &dyn BodyGenerator) -> f64 {
    let state = ExtensionState { exten: "1000".into(), state: ExtensionState::INUSE, ..Default::default() };
    let data = Payload::extension_state(1, state);
    let cx = BodyContext {
        local: "sip:1000@192.0.2.1:5060".into(),
        remote: "sip:alice@192.0.2.1".into(),
        ..BodyContext::new(&data)
    };
    let (mut body, mut out) = (Body::new(), Vec::new());
    let begin = Instant::now();
    for _ in 0..CALLS {
        body.clear();
        out.clear();
        if generator.generate(std::hint::black_box(&cx), &mut body).is_ok() {
            body.finish(&mut out);
        }
        std::hint::black_box(&out);
    }
    begin.elapsed().as_nanos() as f64 / f64::from(CALLS)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}

impl Results {
    fn extra(&self) -> f64 {
        self.loaded - self.direct
    }
}

/// The section of the results.
pub(crate) fn markdown(results: &Results) -> String {
    let verdict = if results.extra() < TARGET { "met" } else { "missed" };
    format!(
        "# Modules: a call through the ABI\n\n\
         | one PIDF body | ns |\n| --- | ---: |\n\
         | the code linked in | {:.0} |\n\
         | from the module's file, guarded and counted | {:.0} |\n\
         | more | {:.0} |\n\n\
         Target: under {TARGET:.0} ns more, {verdict}.\n",
        results.direct,
        results.loaded,
        results.extra()
    )
}

/// A module that the generator requires and that does nothing.
struct Required(&'static str);

impl Builtin for Required {
    fn info(&self) -> ModuleInfo {
        ModuleInfo {
            name: self.0.into(),
            description: String::new(),
            requires: Vec::new(),
            optional: Vec::new(),
            priority: 50,
            support: Support::Core,
        }
    }

    fn load(&self) -> Result<LoadOutcome, String> {
        Ok(LoadOutcome::Success)
    }

    fn unload(&self) -> Result<(), String> {
        Ok(())
    }
}

/// A server in which nothing happens.
struct Nothing;

impl HostServices for Nothing {
    fn log(&self, module: &str, _level: Level, message: &str) {
        eprintln!("{module}: {message}");
    }

    fn find_hint(&self, _context: &str, _exten: &str) -> Option<String> {
        None
    }

    fn extension_state(&self, _key: &str) -> Option<Payload> {
        None
    }

    fn publish(&self, _topic: &str, _key: &str, _payload: &Payload) {}

    fn device_changed(&self, _device: &str) {}
}

impl Registry for Nothing {
    fn add(&self, _module: &str, _contract: &Arc<Contract>) -> Result<(), String> {
        Ok(())
    }

    fn replace(&self, _module: &str, _contract: &Arc<Contract>) -> Result<(), String> {
        Ok(())
    }

    fn remove(&self, _module: &str) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_is_that_of_the_difference() {
        assert!(markdown(&Results { direct: 500.0, loaded: 599.0 }).contains("ns more, met."));
        assert!(markdown(&Results { direct: 500.0, loaded: 601.0 }).contains("ns more, missed."));
    }

    #[test]
    fn the_middle_one_counts() {
        assert_eq!(median(vec![9.0, 1.0, 5.0]), 5.0);
    }
}
