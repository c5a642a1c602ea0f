//! What is known of a module, built in or from a file.

use module_api::Support;
use module_api::abi::Root;

/// A module's description of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleInfo {
    /// The name, without `.so`.
    pub name: String,
    /// The description for `module show`.
    pub description: String,
    /// The modules that must run before it.
    pub requires: Vec<String>,
    /// The modules that are started before it, if they are to be loaded at all.
    pub optional: Vec<String>,
    /// Lower starts first.
    pub priority: u8,
    /// How well it is looked after.
    pub support: Support,
}

impl ModuleInfo {
    /// A copy of what a file says of itself: nothing in it points into the file.
    pub(crate) fn of(root: &Root) -> Self {
        Self {
            name: root.name.as_str().to_owned(),
            description: root.description.as_str().to_owned(),
            requires: root.requires.iter().map(|name| name.as_str().to_owned()).collect(),
            optional: Vec::new(),
            priority: root.priority,
            support: root.support,
        }
    }
}

/// How a module took being loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoadOutcome {
    /// It runs.
    Success,
    /// It does not want to, for a reason that people understand.
    Decline(String),
}

/// A module that is linked into the daemon. To an operator it is like any other.
pub trait Builtin: Send + Sync {
    /// What it is.
    fn info(&self) -> ModuleInfo;

    /// Starts it.
    ///
    /// # Errors
    ///
    /// What went wrong. If the module is not required, that is the same as to decline.
    fn load(&self) -> Result<LoadOutcome, String>;

    /// Stops it.
    ///
    /// # Errors
    ///
    /// Why it cannot be stopped; it then still runs.
    fn unload(&self) -> Result<(), String>;

    /// Reads its configuration again; none if there is nothing to read.
    fn reload(&self) -> Option<Result<(), String>> {
        None
    }

    /// How many sessions, subscriptions and the like need it now.
    fn use_count(&self) -> usize {
        0
    }
}
