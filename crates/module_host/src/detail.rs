//! `module show detail X`: all that is known of one module.

use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Arc;

use module_api::abi::EPOCH;

use crate::host::ModuleHost;
use crate::show::support;
use crate::table::{Code, Status};
use crate::{Contract, Counters, ModuleInfo};

/// All that is known of a module.
#[derive(Debug, Clone)]
pub struct Detail {
    /// Its description of itself.
    pub info: ModuleInfo,
    /// `running`, or why it does not.
    pub status: String,
    /// Its file; none for one that is built in.
    pub file: Option<PathBuf>,
    /// What it was built from: its own version, and that of the module interface.
    pub build: Option<[String; 2]>,
    /// Running modules that require it.
    pub required_by: Vec<String>,
    /// Subscriptions and the like that need it now.
    pub users: usize,
    /// Its registrations.
    pub hooks: Vec<Arc<Counters>>,
}

impl ModuleHost {
    /// All that is known of a module on the list.
    pub fn detail(&self, name: &str) -> Option<Detail> {
        let mut detail = {
            let table = self.table();
            let module = table.get(name)?;
            let contract = match &module.code {
                Code::Loaded { contract, .. } => Some(contract.clone()),
                _ => None,
            };
            Detail {
                info: module.info.clone(),
                status: match &module.status {
                    Status::Running => running(contract.as_deref()),
                    Status::Declined(reason) => format!("declined: {reason}"),
                    Status::Waiting | Status::Starting => "starting".into(),
                },
                file: module.file.clone(),
                build: contract.as_ref().map(|contract| contract.build.clone()),
                required_by: table.dependents(&module.info.name),
                users: 0,
                hooks: contract.map(|contract| contract.counters().to_vec()).unwrap_or_default(),
            }
        };
        detail.users = self.users(&detail.info.name);
        Some(detail)
    }
}

/// Whether all of a module works, or what of it is called no more.
fn running(contract: Option<&Contract>) -> String {
    let hooks = contract.map(Contract::counters).unwrap_or_default();
    let out: Vec<_> = hooks
        .iter()
        .filter(|hook| hook.out_of_use())
        .map(|hook| format!("{} {}", hook.kind().word(), hook.what()))
        .collect();
    if out.is_empty() {
        return "running".into();
    }
    format!("running, but out of use after {} panics: {}", Counters::PANICS, out.join(", "))
}

impl std::fmt::Display for Detail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let list = |names: &[String]| if names.is_empty() { "-".to_owned() } else { names.join(", ") };
        let mut row = |name: &str, value: &str| writeln!(f, "{name:<13} {value}");
        row("Module", &self.info.name)?;
        row("Description", &self.info.description)?;
        row("Status", &self.status)?;
        match &self.file {
            Some(file) => row("File", &file.display().to_string())?,
            None => row("File", "built in")?,
        }
        if let Some([own, api]) = &self.build {
            row("Build", &format!("version {own}, module_api {api}, ABI epoch {EPOCH}"))?;
        }
        row("Priority", &self.info.priority.to_string())?;
        row("Support", support(self.info.support))?;
        row("Requires", &list(&self.info.requires))?;
        row("Required by", &list(&self.required_by))?;
        row("Used by", &format!("{} subscription(s)", self.users))?;
        if self.hooks.is_empty() {
            return Ok(());
        }
        let mut table = String::new();
        // A String takes everything.
        let _ = writeln!(
            table,
            "\n{:<22} {:<32} {:>10} {:>8} {:>7} {:>6} {:>10}",
            "Registered", "Name", "Calls", "Errors", "Panics", "Slow", "Mean"
        );
        for hook in &self.hooks {
            let calls = hook.calls();
            let mean = hook.time().as_nanos() as u64 / calls.max(1);
            let out_of_use = if hook.out_of_use() { "  OUT OF USE" } else { "" };
            let _ = writeln!(
                table,
                "{:<22} {:<32} {calls:>10} {:>8} {:>7} {:>6} {:>7} ns{out_of_use}",
                hook.kind().word(),
                hook.what(),
                hook.errors(),
                hook.panics(),
                hook.slow(),
                mean
            );
        }
        f.write_str(&table)
    }
}
