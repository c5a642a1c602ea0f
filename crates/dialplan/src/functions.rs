//! Dialplan functions, `${DB(family/key)}`: what hints and operators may call.
//!
//! Functions are called without any lock held, so they may look hints up. One that leads back to
//! itself, as `HINT` of a pattern whose hint asks for it again, ends after a few rounds.

use std::cell::Cell;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use thiserror::Error;

use crate::hints::Hints;

/// Functions that call each other go so deep.
const DEPTH: u8 = 8;

/// One dialplan function.
pub trait Function: Send + Sync {
    /// Its value for these arguments, the text between the brackets; `None` if there is none.
    fn read(&self, args: &str) -> Option<String>;

    /// Sets its value.
    ///
    /// # Errors
    ///
    /// Why not, for people.
    fn write(&self, args: &str, value: &str) -> Result<(), String>;
}

/// Why a call came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CallError {
    /// There is no function of this name; names have case.
    #[error("there is no function {0}()")]
    Unknown(String),
    /// Not `NAME(arguments)`.
    #[error("'{0}' is not NAME(arguments)")]
    Malformed(String),
    /// It has no value for these arguments.
    #[error("{0} has no value")]
    NoValue(String),
    /// Functions call each other without an end.
    #[error("{0} leads back to itself")]
    TooDeep(String),
    /// The function does not take the value.
    #[error("{0}")]
    Refused(String),
}

/// The functions that there are.
#[derive(Clone, Default)]
pub struct Functions(Arc<Mutex<ByName>>);

type Numbered = (u64, Arc<dyn Function>);

/// Of several of one name the latest is called.
#[derive(Default)]
struct ByName {
    functions: HashMap<Arc<str>, Vec<Numbered>, RandomState>,
    last_id: u64,
}

impl Functions {
    /// Adds a function until the guard is dropped.
    pub fn add(&self, name: &str, function: Arc<dyn Function>) -> FunctionGuard {
        let mut all = self.lock();
        all.last_id += 1;
        let id = all.last_id;
        all.functions.entry(name.into()).or_default().push((id, function));
        FunctionGuard { functions: Arc::downgrade(&self.0), name: name.into(), id }
    }

    /// Whether there is a function of this name.
    pub fn knows(&self, name: &str) -> bool {
        self.lock().functions.contains_key(name)
    }

    /// The value of a call, `DB(family/key)`.
    pub fn read(&self, call: &str) -> Result<String, CallError> {
        let (function, args) = self.find(call)?;
        thread_local!(static RUNNING: Cell<u8> = const { Cell::new(0) });
        let running = RUNNING.get();
        if running >= DEPTH {
            return Err(CallError::TooDeep(call.to_owned()));
        }
        /// Counts down again, also if the function panics.
        struct Back(u8);
        impl Drop for Back {
            fn drop(&mut self) {
                RUNNING.set(self.0);
            }
        }
        RUNNING.set(running + 1);
        let _back = Back(running);
        function.read(args).ok_or_else(|| CallError::NoValue(call.to_owned()))
    }

    /// Sets the value of a call.
    pub fn write(&self, call: &str, value: &str) -> Result<(), CallError> {
        let (function, args) = self.find(call)?;
        function.write(args, value).map_err(CallError::Refused)
    }

    fn find<'c>(&self, call: &'c str) -> Result<(Arc<dyn Function>, &'c str), CallError> {
        let (name, args) = split_call(call).ok_or_else(|| CallError::Malformed(call.to_owned()))?;
        let all = self.lock();
        let function = all.functions.get(name).and_then(|list| list.last());
        let (_, function) = function.ok_or_else(|| CallError::Unknown(name.to_owned()))?;
        Ok((function.clone(), args))
    }

    fn lock(&self) -> MutexGuard<'_, ByName> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Functions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.lock().functions.keys()).finish()
    }
}

/// Splits `NAME(arguments)`.
pub(crate) fn split_call(call: &str) -> Option<(&str, &str)> {
    let (name, rest) = call.trim().split_once('(')?;
    Some((name, rest.strip_suffix(')')?))
}

/// Keeps a function; dropped, the function is gone.
#[must_use = "dropping it removes the function"]
pub struct FunctionGuard {
    functions: Weak<Mutex<ByName>>,
    name: Arc<str>,
    id: u64,
}

impl FunctionGuard {
    /// Leaves the function there for good.
    pub(crate) fn keep(mut self) {
        self.functions = Weak::new();
    }
}

impl fmt::Debug for FunctionGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FunctionGuard").field(&self.name).finish()
    }
}

impl Drop for FunctionGuard {
    fn drop(&mut self) {
        if let Some(functions) = self.functions.upgrade() {
            let functions = Functions(functions);
            let mut all = functions.lock();
            if let Some(list) = all.functions.get_mut(&self.name) {
                list.retain(|(id, _)| *id != self.id);
                if list.is_empty() {
                    all.functions.remove(&self.name);
                }
            }
        }
    }
}

/// `HINT(EXTEN[@CONTEXT][,n])`: the devices of a hint; with `n` its display name.
pub(crate) struct HintFunction(pub(crate) Weak<Hints>);

impl Function for HintFunction {
    fn read(&self, args: &str) -> Option<String> {
        let (what, option) = args.split_once(',').unwrap_or((args, ""));
        let definition = find(&self.0, what)?.definition();
        let name = option.contains('n');
        Some(if name { definition.name().to_owned() } else { definition.text().to_owned() })
    }

    fn write(&self, _: &str, _: &str) -> Result<(), String> {
        Err("HINT() can only be read".into())
    }
}

/// `EXTENSION_STATE(EXTEN[@CONTEXT])`: what a hint shows, `NOT_INUSE`; `UNKNOWN` if there is none.
pub(crate) struct ExtensionStateFunction(pub(crate) Weak<Hints>);

impl Function for ExtensionStateFunction {
    fn read(&self, args: &str) -> Option<String> {
        let hint = find(&self.0, args);
        Some(hint.map_or("UNKNOWN", |hint| hint.snapshot().state.word()).to_owned())
    }

    fn write(&self, _: &str, _: &str) -> Result<(), String> {
        Err("EXTENSION_STATE() can only be read".into())
    }
}

fn find(hints: &Weak<Hints>, what: &str) -> Option<Arc<crate::Hint>> {
    let (exten, context) = what.trim().split_once('@').unwrap_or((what.trim(), "default"));
    hints.upgrade()?.find(context, exten)
}
