//! The list of modules that are loaded, or that should be.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use conf::Pos;
use module_api::Support;

use crate::image::Closed;
use crate::library::Library;
use crate::name::key;
use crate::{Builtin, Contract, ModuleInfo, Row};

/// The modules: running ones in the order in which they were started, then the others.
#[derive(Default)]
pub(crate) struct Table(Vec<Module>);

/// One of them.
pub(crate) struct Module {
    pub(crate) info: ModuleInfo,
    pub(crate) code: Code,
    pub(crate) status: Status,
    /// Where its code is read from; none for a built-in one.
    pub(crate) file: Option<PathBuf>,
    /// The line that requires it.
    pub(crate) required: Option<Pos>,
}

/// Where its code is.
pub(crate) enum Code {
    /// In the daemon.
    Builtin(Arc<dyn Builtin>),
    /// In an open file, of which nothing was called yet.
    Opened(Library),
    /// In a file that is loaded.
    Loaded { contract: Arc<Contract>, closed: Receiver<Closed> },
    /// Nowhere: not found, not opened, or closed because it declined.
    Absent,
}

/// How far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Status {
    Waiting,
    Starting,
    Running,
    Declined(String),
}

impl Table {
    pub(crate) fn modules(&self) -> &[Module] {
        &self.0
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Module> {
        let wanted = key(name);
        self.0.iter().find(|module| key(&module.info.name) == wanted)
    }

    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut Module> {
        let wanted = key(name);
        self.0.iter_mut().find(|module| key(&module.info.name) == wanted)
    }

    pub(crate) fn push(
        &mut self,
        info: ModuleInfo,
        code: Code,
        file: Option<PathBuf>,
        required: Option<Pos>,
    ) {
        self.0.push(Module { info, code, status: Status::Waiting, file, required });
    }

    /// A module of which nothing is known but that it should be there.
    pub(crate) fn push_absent(&mut self, name: &str, reason: String) {
        let info = ModuleInfo {
            name: name.to_owned(),
            description: String::new(),
            requires: Vec::new(),
            optional: Vec::new(),
            priority: u8::MAX,
            support: Support::Unknown,
        };
        self.0.push(Module {
            info,
            code: Code::Absent,
            status: Status::Declined(reason),
            file: None,
            required: None,
        });
    }

    pub(crate) fn remove(&mut self, name: &str) -> Option<Module> {
        let wanted = key(name);
        let at = self.0.iter().position(|module| key(&module.info.name) == wanted)?;
        Some(self.0.remove(at))
    }

    /// Notes how a module's start ended. What runs moves behind what ran before.
    pub(crate) fn started(&mut self, name: &str, code: Code, status: Status) {
        let Some(mut module) = self.remove(name) else {
            return;
        };
        module.code = code;
        module.status = status;
        let at = match module.status {
            Status::Running => self.running().count(),
            _ => self.0.len(),
        };
        self.0.insert(at, module);
    }

    pub(crate) fn running(&self) -> impl Iterator<Item = &Module> {
        self.0.iter().filter(|module| module.status == Status::Running)
    }

    /// The running modules that need that one: they require it, or it is optional to them.
    pub(crate) fn dependents(&self, name: &str) -> Vec<String> {
        let wanted = key(name);
        let needs = |module: &&Module| {
            let info = &module.info;
            info.requires.iter().chain(&info.optional).any(|other| key(other) == wanted)
        };
        self.running().filter(needs).map(|module| module.info.name.clone()).collect()
    }

    pub(crate) fn builtin(&self, name: &str) -> Option<Arc<dyn Builtin>> {
        match &self.get(name)?.code {
            Code::Builtin(builtin) => Some(builtin.clone()),
            _ => None,
        }
    }

    /// A module's row, with only the dependents in its use count.
    pub(crate) fn row(&self, module: &Module) -> Row {
        let running = module.status == Status::Running;
        let reason = match &module.status {
            Status::Declined(reason) => Some(reason.clone()),
            _ => None,
        };
        Row {
            name: format!("{}.so", module.info.name),
            description: module.info.description.clone(),
            use_count: if running { self.dependents(&module.info.name).len() } else { 0 },
            running,
            support: module.info.support,
            reason,
        }
    }
}
