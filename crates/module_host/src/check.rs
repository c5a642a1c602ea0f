//! What `--check-module FILE` finds out: everything that would keep a file from being loaded, and
//! where layouts differ, what differs.
//!
//! This is the complete comparison of abi_stable, type by type. It keeps pointers into what it
//! compared for ever, so it may only run in a process that ends right after: the daemon starts
//! itself with `--check-module`. At boot it is not run: it would cost one process a module, and
//! the digest of all layouts, which is always compared, differs wherever a layout does. The
//! complete comparison only tells what it is that differs.

use std::fmt;
use std::path::{Path, PathBuf};

use abi_stable::StableAbi;
use abi_stable::abi_stability::abi_checking::check_layout_compatibility;
use module_api::abi::{EPOCH, Header, Root};

use crate::host::check_permissions;
use crate::library::{Library, Trust};
use crate::name::stem;
use crate::show::support;
use crate::{ModuleInfo, OpenError};

/// What was found out about a file. It prints as lines for people.
#[derive(Debug)]
pub struct CheckReport {
    /// The file.
    pub file: PathBuf,
    /// What is in it, if it can be opened at all.
    pub module: Option<ModuleInfo>,
    /// What it was built from: its own version, and that of the module interface.
    pub build: Option<[String; 2]>,
    /// Level of the module interface that it needs.
    pub level: u32,
    /// Why it cannot be loaded; empty if it can.
    pub problems: Vec<String>,
}

impl CheckReport {
    /// Whether this server can load the file.
    pub fn is_ok(&self) -> bool {
        self.problems.is_empty()
    }
}

impl fmt::Display for CheckReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(module) = &self.module {
            writeln!(f, "{} ({})", module.name, module.description)?;
            let requires =
                if module.requires.is_empty() { "nothing".into() } else { module.requires.join(", ") };
            writeln!(f, "requires {requires}")?;
            writeln!(f, "priority {}, support {}", module.priority, support(module.support))?;
        }
        if let Some([own, api]) = &self.build {
            writeln!(
                f,
                "version {own}, built with module_api {api}, needs interface {EPOCH}.{}",
                self.level
            )?;
        }
        for problem in &self.problems {
            writeln!(f, "{problem}")?;
        }
        if self.is_ok() {
            writeln!(f, "{} can be loaded", self.file.display())?;
        }
        Ok(())
    }
}

/// Checks a file. It stays open: only for a process that ends right after.
pub fn check_module(file: &Path) -> CheckReport {
    let mut report =
        CheckReport { file: file.into(), module: None, build: None, level: 0, problems: Vec::new() };
    let name = file.file_name().and_then(|name| name.to_str()).map_or("", stem);
    let name = name.strip_prefix("lib").unwrap_or(name);
    if file.exists()
        && let Err(why) = check_permissions(file)
    {
        report.problems.push(format!("{} is not opened: {why}", file.display()));
    }
    let root = match Library::open(name, file, Trust::Epoch) {
        Ok(library) => library.leak(),
        Err(error) => {
            report.problems.push(error.to_string());
            return report;
        }
    };
    if root.header.digest != Header::CURRENT.digest {
        let (theirs, ours) = (root.header.digest, Header::CURRENT.digest);
        report.problems.push(OpenError::Layout { file: file.into(), theirs, ours }.to_string());
        if let Err(error) = check_layout_compatibility(<Root as StableAbi>::LAYOUT, (root.layout)()) {
            report.problems.push(error.to_string());
        }
    }
    report.level = root.level;
    report.module = Some(ModuleInfo::of(root));
    report.build = Some([root.build.as_str().into(), root.api_build.as_str().into()]);
    report
}
