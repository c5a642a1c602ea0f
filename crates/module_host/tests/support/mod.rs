//! What the tests share: the module files, built for real, and a daemon around the host.

#![allow(dead_code, reason = "each test file uses its own part of this")]

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use module_api::{BodyContext, ExtensionState, Level, Payload};
use module_host::{Builtin, Contract, HostServices, LoadOutcome, ModuleHost, ModuleInfo, Registry};

/// The modules that are built.
const MODULES: [&str; 6] = [
    "res_pjsip_dialog_info_body_generator",
    "res_pjsip_exten_state",
    "res_pjsip_pidf_body_generator",
    "res_pjsip_pidf_digium_body_supplement",
    "res_pjsip_pidf_eyebeam_body_supplement",
    "res_pjsip_xpidf_body_generator",
];

/// The file of a module, built if need be.
pub(crate) fn module_file(name: &str) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let profile = BUILT.get_or_init(|| {
        let test = std::env::current_exe().unwrap();
        // target/debug/deps/this
        let profile = test.parent().and_then(Path::parent).unwrap().to_path_buf();
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
        cargo.args(["build", "--quiet", "--lib", "--package", "module_host", "--example", "res_unruly"]);
        cargo.args(MODULES.iter().flat_map(|module| ["--package", module]));
        if profile.file_name().is_some_and(|name| name == "release") {
            cargo.arg("--release");
        }
        cargo.env("CARGO_TARGET_DIR", profile.parent().unwrap());
        assert!(cargo.status().unwrap().success(), "the modules are not built");
        profile
    });
    let file = format!("lib{name}.so");
    let dir = if name == "res_unruly" { profile.join("examples") } else { profile.clone() };
    dir.join(file)
}

/// A module directory with those modules, and a handle that deletes it.
pub(crate) fn moddir(modules: &[&str]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for name in modules {
        std::fs::copy(module_file(name), dir.path().join(format!("{name}.so"))).unwrap();
    }
    dir
}

/// A daemon's side: what modules ask for, and what they bring.
#[derive(Default)]
pub(crate) struct Daemon {
    /// By `context/exten`.
    pub(crate) hints: Mutex<HashMap<String, String>>,
    pub(crate) states: Mutex<HashMap<String, Payload>>,
    pub(crate) published: Mutex<Vec<(String, String, Payload)>>,
    pub(crate) devices: Mutex<Vec<String>>,
    pub(crate) logged: Mutex<Vec<(String, Level, String)>>,
    pub(crate) contracts: Mutex<HashMap<String, Arc<Contract>>>,
    /// What [`Registry::add`] answers with, if anything.
    pub(crate) refuse: Mutex<Option<String>>,
    pub(crate) users: Mutex<usize>,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Daemon {
    pub(crate) fn hint(&self, context: &str, exten: &str, key: &str) {
        lock(&self.hints).insert(format!("{context}/{exten}"), key.into());
    }

    pub(crate) fn log(&self) -> Vec<String> {
        lock(&self.logged).iter().map(|(module, level, text)| format!("{module} {level:?} {text}")).collect()
    }
}

impl HostServices for Daemon {
    fn log(&self, module: &str, level: Level, message: &str) {
        lock(&self.logged).push((module.into(), level, message.into()));
    }

    fn find_hint(&self, context: &str, exten: &str) -> Option<String> {
        lock(&self.hints).get(&format!("{context}/{exten}")).cloned()
    }

    fn extension_state(&self, key: &str) -> Option<Payload> {
        lock(&self.states).get(key).cloned()
    }

    fn publish(&self, topic: &str, key: &str, payload: &Payload) {
        lock(&self.published).push((topic.into(), key.into(), payload.clone()));
    }

    fn device_changed(&self, device: &str) {
        lock(&self.devices).push(device.into());
    }
}

/// The same, as a registry.
pub(crate) struct Registered(pub(crate) Arc<Daemon>);

impl Registry for Registered {
    fn add(&self, module: &str, contract: &Arc<Contract>) -> Result<(), String> {
        if let Some(reason) = lock(&self.0.refuse).clone() {
            return Err(reason);
        }
        lock(&self.0.contracts).insert(module.into(), contract.clone());
        Ok(())
    }

    fn replace(&self, module: &str, contract: &Arc<Contract>) -> Result<(), String> {
        self.add(module, contract)
    }

    fn remove(&self, module: &str) {
        lock(&self.0.contracts).remove(module);
    }

    fn use_count(&self, _module: &str) -> usize {
        *lock(&self.0.users)
    }
}

/// A host with its daemon.
pub(crate) fn host(moddir: &Path, builtins: Vec<Arc<dyn Builtin>>) -> (ModuleHost, Arc<Daemon>) {
    let daemon = Arc::new(Daemon::default());
    let registry = Arc::new(Registered(daemon.clone()));
    (ModuleHost::new(moddir, builtins, daemon.clone(), registry), daemon)
}

/// A configuration with that text after `[modules]`.
pub(crate) fn config(lines: &str) -> conf::Config {
    conf::Loader::new("/nowhere").parse("modules.conf", &format!("[modules]\n{lines}")).unwrap()
}

/// A built-in module that notes what is done with it.
pub(crate) struct Part {
    pub(crate) info: ModuleInfo,
    pub(crate) outcome: Result<LoadOutcome, String>,
    pub(crate) steps: Arc<Mutex<Vec<String>>>,
    pub(crate) reload: Option<Result<(), String>>,
    pub(crate) unload: Result<(), String>,
}

impl Part {
    pub(crate) fn new(steps: &Arc<Mutex<Vec<String>>>, name: &str, priority: u8, requires: &[&str]) -> Self {
        let info = ModuleInfo {
            name: name.into(),
            description: format!("The {name}"),
            requires: requires.iter().map(|name| (*name).into()).collect(),
            optional: Vec::new(),
            priority,
            support: module_api::Support::Core,
        };
        Self { info, outcome: Ok(LoadOutcome::Success), steps: steps.clone(), reload: None, unload: Ok(()) }
    }
}

impl Builtin for Part {
    fn info(&self) -> ModuleInfo {
        self.info.clone()
    }

    fn load(&self) -> Result<LoadOutcome, String> {
        lock(&self.steps).push(self.info.name.clone());
        self.outcome.clone()
    }

    fn unload(&self) -> Result<(), String> {
        lock(&self.steps).push(format!("-{}", self.info.name));
        self.unload.clone()
    }

    fn reload(&self) -> Option<Result<(), String>> {
        self.reload.clone()
    }
}

/// The state of extension 1000.
pub(crate) fn state(state: i32) -> Payload {
    let exten =
        ExtensionState { exten: "1000".into(), context: "default".into(), state, ..Default::default() };
    Payload::extension_state(1, exten)
}

/// A subscription to it.
pub(crate) fn context(data: &Payload) -> BodyContext<'_> {
    BodyContext {
        data,
        resource: "1000".into(),
        local: "sip:1000@192.0.2.1:5060".into(),
        remote: "sip:alice@192.0.2.1".into(),
        domain: "192.0.2.1".into(),
        user_agent: "".into(),
        endpoint: "alice".into(),
        version: 0,
        early_inuse_ringing: false,
    }
}
