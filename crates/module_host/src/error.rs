//! Why the server does not start, and why an operation on a module fails.

use conf::Pos;

use crate::OpenError;

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BootError {
    /// `modules.conf` is missing or cannot be read.
    #[error(transparent)]
    Config(#[from] conf::LoadError),
    /// A line that is none of the options.
    #[error(
        "{pos}: unknown option '{option}'; there are autoload, load, noload, preload, require and preload-require"
    )]
    UnknownOption {
        /// Its name.
        option: String,
        /// Where it is.
        pos: Pos,
    },
    /// A truth that is neither.
    #[error("{pos}: {option} is yes or no, not '{value}'")]
    NotBoolean {
        /// The option.
        option: String,
        /// Its value.
        value: String,
        /// Where it is.
        pos: Pos,
    },
    /// An option without a value.
    #[error("{pos}: {option} names no module")]
    NoModule {
        /// The option.
        option: String,
        /// Where it is.
        pos: Pos,
    },
    /// A module both required and excluded.
    #[error("{pos}: noload excludes {module}, which {required} requires")]
    RequiredExcluded {
        /// The module.
        module: String,
        /// The `noload`.
        pos: Pos,
        /// The `require` or `preload-require`.
        required: Pos,
    },
    /// A required module does not run.
    #[error("{pos}: the required module {module} does not run: {reason}")]
    Required {
        /// The module.
        module: String,
        /// Why.
        reason: String,
        /// The `require` or `preload-require`.
        pos: Pos,
    },
}

impl BootError {
    /// The exit status of a server that does not start for this: 2 if a required module does not
    /// run, 1 for what is wrong in `modules.conf`.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Required { .. } => 2,
            _ => 1,
        }
    }
}

/// Why a module is not loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// There is no such module.
    #[error("there is no module {0}, neither built in nor in the module directory")]
    NotFound(String),
    /// Such a name none has.
    #[error("'{0}' is no name of a module: modules are files of the module directory, without a path")]
    BadName(String),
    /// Its file may not be opened.
    #[error("{} is not opened: {why}", file.display())]
    Unsafe {
        /// The file.
        file: std::path::PathBuf,
        /// Why not.
        why: String,
    },
    /// It runs already.
    #[error("module {0} is already loaded")]
    Running(String),
    /// It does not run, so there is nothing to refresh.
    #[error("module {0} does not run")]
    NotRunning(String),
    /// Its code is the server's own.
    #[error("module {0} is built in: new code comes with a new server")]
    BuiltIn(String),
    /// Its file cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It does not run: it declined, or what it requires does not run.
    #[error("module {module} does not run: {reason}")]
    Declined {
        /// The module.
        module: String,
        /// Why.
        reason: String,
    },
}

/// Why a module is not unloaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnloadError {
    /// It is not loaded.
    #[error("module {0} is not loaded")]
    NotFound(String),
    /// It is in use.
    #[error("module {module} is in use: {}", holders(.dependents, *.users))]
    InUse {
        /// The module.
        module: String,
        /// The running modules that require it.
        dependents: Vec<String>,
        /// Its sessions, subscriptions and the like.
        users: usize,
    },
    /// It does not want to.
    #[error("module {module} refuses to be unloaded: {reason}")]
    Refused {
        /// The module.
        module: String,
        /// Why.
        reason: String,
    },
}

fn holders(dependents: &[String], users: usize) -> String {
    match (dependents, users) {
        ([], users) => format!("{users} subscription(s)"),
        (names, 0) => format!("required by {}", names.join(", ")),
        (names, users) => format!("required by {}, and {users} subscription(s)", names.join(", ")),
    }
}
