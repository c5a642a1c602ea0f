//! All modules of a server, built in and from files, and what can be done with them.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use module_api::HostServices;

use crate::name::stem;
use crate::plan::Present;
use crate::table::{Code, Status, Table};
use crate::{Builtin, Contract, LoadError, ModuleInfo, Row, Source, UnloadError};

/// Where what modules bring is put to use: the daemon implements it.
pub trait Registry: Send + Sync {
    /// Puts everything in `contract` to use. Clones of what is in it keep the module's file open.
    ///
    /// # Errors
    ///
    /// Why it cannot be used, such as a media type that has a generator already. Then nothing of
    /// it is kept.
    fn add(&self, module: &str, contract: &Arc<Contract>) -> Result<(), String>;

    /// Puts `contract` to use in place of what the same module brought before, in one step: nobody
    /// finds neither.
    ///
    /// # Errors
    ///
    /// Why it cannot be used; then what was there before stays in use.
    fn replace(&self, module: &str, contract: &Arc<Contract>) -> Result<(), String>;

    /// Lets go of all that came from that module.
    fn remove(&self, module: &str);

    /// How many subscriptions and the like need that module now.
    fn use_count(&self, module: &str) -> usize {
        let _ = module;
        0
    }
}

/// All modules of a server.
pub struct ModuleHost {
    pub(crate) moddir: PathBuf,
    pub(crate) builtins: Vec<Arc<dyn Builtin>>,
    pub(crate) services: Arc<dyn HostServices>,
    pub(crate) registry: Arc<dyn Registry>,
    unload_wait: Duration,
    /// Held while a module is loaded, unloaded or reloaded: one at a time.
    operation: Mutex<()>,
    /// Held for a look or a change only: never while code of a module runs.
    table: Mutex<Table>,
}

/// What became of a module that was unloaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unloaded {
    /// It is gone, and so is its code.
    Gone,
    /// It did not run; it is off the list.
    NotRunning,
    /// It is gone, but its code is still mapped: it left a thread, or a thread-local in a thread
    /// that lives.
    StillMapped,
    /// It is out of use, but somebody still holds what it brought. It is closed when they let go.
    StillHeld,
}

/// What became of a `module reload`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reload {
    /// It has its new configuration.
    Done,
    /// There is no such module.
    NotFound,
    /// It keeps its old configuration, for this reason.
    Failed(String),
    /// It is not running.
    NotRunning,
    /// It has no configuration to read again.
    NotSupported,
}

impl ModuleHost {
    /// A server without a running module: the files in `moddir` (`astmoddir` of `asterisk.conf`)
    /// and the built-in modules are there to be loaded.
    pub fn new(
        moddir: impl Into<PathBuf>,
        builtins: Vec<Arc<dyn Builtin>>,
        services: Arc<dyn HostServices>,
        registry: Arc<dyn Registry>,
    ) -> Self {
        Self {
            moddir: moddir.into(),
            builtins,
            services,
            registry,
            unload_wait: Duration::from_secs(5),
            operation: Mutex::default(),
            table: Mutex::default(),
        }
    }

    /// How long [`ModuleHost::unload`] waits for those who still hold what a module brought;
    /// 5 seconds if nothing else is said.
    pub fn unload_wait(mut self, wait: Duration) -> Self {
        self.unload_wait = wait;
        self
    }

    /// `module load`: starts a module, and before it what it requires and does not run yet. Gives the
    /// names of all that were started, the module's own last.
    ///
    /// # Errors
    ///
    /// [`LoadError`]; a module that declined stays on the list, with the reason.
    pub fn load(&self, name: &str) -> Result<Vec<String>, LoadError> {
        let _one = self.operation();
        if name.contains('/') {
            return Err(LoadError::BadName(name.to_owned()));
        }
        if self.is_running(name) {
            return Err(LoadError::Running(name.to_owned()));
        }
        let before: Vec<_> = self.running_names();
        let name = self.open_with_requirements(name, &Present::new(&self.builtins, &self.moddir))?;
        let result = self.start_opened(&name);
        result.map_err(|reason| {
            tracing::error!("module {name} does not run: {reason}");
            LoadError::Declined { module: name, reason }
        })?;
        Ok(self.running_names().into_iter().filter(|name| !before.contains(name)).collect())
    }

    /// `module refresh`: opens the module's file anew, and lets the new code take over from the old one
    /// without a gap: whatever uses the module goes on using it.
    ///
    /// # Errors
    ///
    /// [`LoadError`]; what ran before then still runs.
    pub fn refresh(&self, name: &str) -> Result<Unloaded, LoadError> {
        let _one = self.operation();
        let not_found = || LoadError::NotFound(name.to_owned());
        if !self.is_running(name) {
            return Err(LoadError::NotRunning(name.to_owned()));
        }
        let (name, source) = Present::new(&self.builtins, &self.moddir).find(name).ok_or_else(not_found)?;
        let (info, code) = self.open(&name, &source)?;
        let Code::Opened(library) = code else { return Err(LoadError::BuiltIn(name)) };
        let declined = |reason| LoadError::Declined { module: name.clone(), reason };
        let missing = info.requires.iter().find(|required| !self.is_running(required));
        if let Some(missing) = missing {
            return Err(declined(format!("it requires {missing}, which does not run")));
        }
        let host = module_api::Host::new(&name, self.services.clone());
        let (contract, closed) = Contract::load(library, host).map_err(declined)?;
        let contract = Arc::new(contract);
        self.registry.replace(&name, &contract).map_err(declined)?;
        let old = {
            let mut table = self.table();
            let module = table.get_mut(&name).ok_or_else(not_found)?;
            (module.info, module.file) = (info, source.file());
            std::mem::replace(&mut module.code, Code::Loaded { contract, closed })
        };
        tracing::info!(verbose = 4, "{name} runs new code");
        Ok(self.wait_for_end(&name, old))
    }

    /// Opens a module, and what it requires and does not run; gives its own name.
    fn open_with_requirements(&self, name: &str, present: &Present) -> Result<String, LoadError> {
        let Some((name, source)) = present.find(name) else {
            return Err(LoadError::NotFound(name.to_owned()));
        };
        let (info, code) = self.open(&name, &source)?;
        // A declined one is on the list already.
        self.table().remove(&name);
        self.table().push(info.clone(), code, source.file(), None);
        for required in &info.requires {
            let there = self.table().get(required).map(|module| module.status.clone());
            if !matches!(there, Some(Status::Running | Status::Waiting)) {
                // What is missing is told when the module is started.
                let _ = self.open_with_requirements(required, present);
            }
        }
        Ok(name)
    }

    fn running_names(&self) -> Vec<String> {
        self.table().running().map(|module| module.info.name.clone()).collect()
    }

    /// `module unload`, with `force` also if the module is in use.
    ///
    /// # Errors
    ///
    /// [`UnloadError`]; the module then runs on.
    pub fn unload(&self, name: &str, force: bool) -> Result<Unloaded, UnloadError> {
        let _one = self.operation();
        let not_found = || UnloadError::NotFound(name.to_owned());
        let (module, running) = {
            let table = self.table();
            let module = table.get(name).ok_or_else(not_found)?;
            (module.info.name.clone(), module.status == Status::Running)
        };
        if !running {
            self.table().remove(&module);
            return Ok(Unloaded::NotRunning);
        }
        let dependents = self.table().dependents(&module);
        let users = self.users(&module);
        if !force && (users > 0 || !dependents.is_empty()) {
            return Err(UnloadError::InUse { module, dependents, users });
        }
        let builtin = self.table().builtin(&module);
        if let Some(builtin) = builtin {
            builtin.unload().map_err(|reason| UnloadError::Refused { module: module.clone(), reason })?;
        }
        // Nobody finds it any more; then whoever found it has to let go.
        self.registry.remove(&module);
        let code = self.table().remove(&module).map(|module| module.code);
        Ok(self.wait_for_end(&module, code.unwrap_or(Code::Absent)))
    }

    /// Lets go of code that nobody finds any more, and waits until it is closed.
    fn wait_for_end(&self, module: &str, code: Code) -> Unloaded {
        let Code::Loaded { contract, closed } = code else { return Unloaded::Gone };
        drop(contract);
        match closed.recv_timeout(self.unload_wait) {
            Ok(closed) if closed.unmapped => Unloaded::Gone,
            Ok(_) => {
                tracing::warn!("module {module} is unloaded, but its code stays in memory");
                Unloaded::StillMapped
            }
            Err(_) => {
                tracing::warn!(
                    "module {module} is out of use, but still held; it is closed when it no longer is"
                );
                Unloaded::StillHeld
            }
        }
    }

    /// `module reload NAME`.
    pub fn reload(&self, name: &str) -> Reload {
        let _one = self.operation();
        let builtin = {
            let table = self.table();
            match table.get(name) {
                None => return Reload::NotFound,
                Some(module) if module.status != Status::Running => return Reload::NotRunning,
                Some(_) => table.builtin(name),
            }
        };
        match builtin.and_then(|builtin| builtin.reload()) {
            None => Reload::NotSupported,
            Some(Ok(())) => Reload::Done,
            Some(Err(reason)) => {
                tracing::error!("module {name} keeps its configuration: {reason}");
                Reload::Failed(reason)
            }
        }
    }

    /// `module reload`: every running module that has something to read, in the order in which
    /// they were started, and what became of each.
    pub fn reload_all(&self) -> Vec<(String, Reload)> {
        let names: Vec<_> = self.table().running().map(|module| module.info.name.clone()).collect();
        let results = names.into_iter().map(|name| (self.reload(&name), name));
        results
            .filter(|(result, _)| *result != Reload::NotSupported)
            .map(|(result, name)| (name, result))
            .collect()
    }

    /// The modules for `module show`, in the order in which they were started.
    pub fn modules(&self) -> Vec<Row> {
        let mut rows: Vec<_> = {
            let table = self.table();
            table.modules().iter().map(|module| table.row(module)).collect()
        };
        for row in rows.iter_mut().filter(|row| row.running) {
            row.use_count += self.users(&row.name);
        }
        rows
    }

    /// What a running module from a file brought.
    pub fn contract(&self, name: &str) -> Option<Arc<Contract>> {
        match &self.table().get(name)?.code {
            Code::Loaded { contract, .. } => Some(contract.clone()),
            _ => None,
        }
    }

    /// The names, with `.so`, of what could be loaded and does not run.
    pub fn loadable(&self) -> Vec<String> {
        let names = Present::new(&self.builtins, &self.moddir).names();
        names.into_iter().filter(|name| !self.is_running(name)).map(|name| name + ".so").collect()
    }

    /// Whether a module runs.
    pub fn is_running(&self, name: &str) -> bool {
        self.table().get(name).is_some_and(|module| module.status == Status::Running)
    }

    pub(crate) fn open(&self, name: &str, source: &Source) -> Result<(ModuleInfo, Code), LoadError> {
        match source {
            Source::Builtin(at) => {
                let builtin = self.builtins.get(*at).ok_or_else(|| LoadError::NotFound(name.to_owned()))?;
                Ok((builtin.info(), Code::Builtin(builtin.clone())))
            }
            Source::File(path) => {
                self.check_file(path)?;
                let library = crate::image::open(name, path)?;
                Ok((ModuleInfo::of(library.root()), Code::Opened(library)))
            }
            Source::Missing => Err(LoadError::NotFound(name.to_owned())),
        }
    }

    /// Refuses a file that others than the operator may put code into.
    fn check_file(&self, path: &Path) -> Result<(), LoadError> {
        let refused = |why: String| LoadError::Unsafe { file: path.into(), why };
        let real = path.canonicalize().map_err(|error| refused(error.to_string()))?;
        let moddir = self.moddir.canonicalize().map_err(|error| refused(error.to_string()))?;
        if !real.starts_with(&moddir) {
            return Err(refused(format!(
                "it is a link to {}, outside of the module directory",
                real.display()
            )));
        }
        check_permissions(&real).map_err(refused)
    }

    pub(crate) fn operation(&self) -> MutexGuard<'_, ()> {
        self.operation.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Users beside other modules.
    pub(crate) fn users(&self, name: &str) -> usize {
        let builtin = self.table().builtin(name);
        builtin.map_or(0, |builtin| builtin.use_count()) + self.registry.use_count(stem(name))
    }
}

/// Refuses a file that everybody may write to.
pub(crate) fn check_permissions(file: &Path) -> Result<(), String> {
    let mode = file.metadata().map_err(|error| error.to_string())?.permissions().mode();
    if mode & 0o002 != 0 { Err("everybody may write to it".into()) } else { Ok(()) }
}

impl Drop for ModuleHost {
    /// Takes what files brought out of use, last started first: they and the daemon hold each other.
    fn drop(&mut self) {
        let names: Vec<_> = self.table().running().map(|module| module.info.name.clone()).collect();
        for name in names.iter().rev() {
            self.registry.remove(name);
        }
    }
}
