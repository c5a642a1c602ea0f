//! `modules.conf`: which modules are to be loaded.
//!
//! | option | value | meaning |
//! | --- | --- | --- |
//! | `autoload` | boolean | load everything that there is, built in and in `astmoddir` |
//! | `load` | module | load it |
//! | `require` | module | load it, or do not start |
//! | `preload`, `preload-require` | module | the same, before all others |
//! | `noload` | module | do not load it, whatever else says so |
//!
//! ```ini
//! [modules]
//! autoload = yes
//! noload => res_pjsip_xpidf_body_generator.so
//! require => res_pjsip.so
//! ```

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use conf::{Config, Entry, Pos};

use crate::name::{files, key, stem};
use crate::{BootError, Builtin};

/// The modules to load, in the order of [`plan`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// The modules.
    pub modules: Vec<Planned>,
    /// Names without `.so` that Starling has no module for but Asterisk may well have, with their lines:
    /// a file that was written for Asterisk names dozens.
    pub foreign: Vec<(String, Pos)>,
}

/// A module to load.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// The name without `.so`: its own, or as it was written if there is no such module.
    pub name: String,
    /// Where to find it.
    pub source: Source,
    /// Load it before all others.
    pub preload: bool,
    /// Do not start without it: the line that says so.
    pub required: Option<Pos>,
    /// The first line that names it; none if only `autoload` does.
    pub pos: Option<Pos>,
}

/// Where a module is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// In the daemon, by its index among the built-in modules.
    Builtin(usize),
    /// In a file.
    File(PathBuf),
    /// Nowhere.
    Missing,
}

impl Source {
    /// The file, if it is one.
    pub fn file(&self) -> Option<PathBuf> {
        match self {
            Self::File(path) => Some(path.clone()),
            Self::Builtin(_) | Self::Missing => None,
        }
    }
}

/// What the names of Asterisk's modules begin with.
const FAMILIES: [&str; 10] =
    ["app_", "bridge_", "cdr_", "cel_", "chan_", "codec_", "format_", "func_", "pbx_", "res_"];

/// Reads the `[modules]` sections: the lines in their order, then what `autoload` adds (built-in
/// modules first, files by name), less what `noload` takes away. A module that is named twice has
/// its first place, and is required or preloaded if one of the lines says so.
///
/// # Errors
///
/// [`BootError`] for an unknown option, a value that is none, and a `noload` of what is required.
pub fn plan(config: &Config, builtins: &[Arc<dyn Builtin>], moddir: &Path) -> Result<Plan, BootError> {
    let present = Present::new(builtins, moddir);
    let mut plan = Plan::default();
    let mut autoload = false;
    let entries = || config.named("modules").flat_map(|section| &section.entries);
    for entry in entries() {
        match entry.name.to_ascii_lowercase().as_str() {
            "autoload" => autoload = boolean(entry)?,
            "noload" => {}
            "load" => {
                plan.add(&present, entry)?;
            }
            "preload" => plan.add(&present, entry)?.preload = true,
            "require" => plan.add(&present, entry)?.required = Some(entry.pos.clone()),
            "preload-require" => {
                let module = plan.add(&present, entry)?;
                module.preload = true;
                module.required = Some(entry.pos.clone());
            }
            _ => {
                return Err(BootError::UnknownOption {
                    option: entry.name.to_string(),
                    pos: entry.pos.clone(),
                });
            }
        };
    }
    if autoload {
        for (name, source) in &present.all {
            if plan.find(name).is_none() {
                plan.modules.push(Planned {
                    name: name.clone(),
                    source: source.clone(),
                    preload: false,
                    required: None,
                    pos: None,
                });
            }
        }
    }
    for entry in entries().filter(|entry| entry.name.eq_ignore_ascii_case("noload")) {
        plan.remove(entry)?;
    }
    plan.set_foreign_aside(&present);
    Ok(plan)
}

impl Plan {
    /// One line about the foreign modules, if there are any.
    pub fn foreign_line(&self) -> Option<String> {
        let names: Vec<_> = self.foreign.iter().map(|(name, _)| &**name).collect();
        let subject = match names.len() {
            0 => return None,
            1 => "1 module that modules.conf names is not part of Starling and is".to_owned(),
            n => format!("{n} modules that modules.conf names are not part of Starling and are"),
        };
        Some(format!("{subject} left out: {}", names.join(", ")))
    }

    fn set_foreign_aside(&mut self, present: &Present) {
        self.modules.retain(|module| match &module.pos {
            Some(pos) if module.source == Source::Missing && module.required.is_none() => {
                let is_foreign = present.takes_for_foreign(&module.name);
                if is_foreign {
                    self.foreign.push((module.name.clone(), pos.clone()));
                }
                !is_foreign
            }
            _ => true,
        });
    }

    fn find(&self, name: &str) -> Option<usize> {
        let key = key(name);
        self.modules.iter().position(|module| crate::name::key(&module.name) == key)
    }

    fn add(&mut self, present: &Present, entry: &Entry) -> Result<&mut Planned, BootError> {
        let name = value(entry)?;
        let at = match self.find(name) {
            Some(at) => at,
            None => {
                let (name, source) = present.find(name).unwrap_or((stem(name).to_owned(), Source::Missing));
                let pos = Some(entry.pos.clone());
                self.modules.push(Planned { name, source, preload: false, required: None, pos });
                self.modules.len() - 1
            }
        };
        Ok(&mut self.modules[at])
    }

    fn remove(&mut self, noload: &Entry) -> Result<(), BootError> {
        let name = value(noload)?;
        let Some(at) = self.find(name) else {
            return Ok(());
        };
        let module = self.modules.remove(at);
        match module.required {
            None => Ok(()),
            Some(required) => {
                Err(BootError::RequiredExcluded { module: module.name, pos: noload.pos.clone(), required })
            }
        }
    }
}

/// Everything that could be loaded.
pub(crate) struct Present {
    all: Vec<(String, Source)>,
    by_key: HashMap<String, usize>,
}

impl Present {
    pub(crate) fn new(builtins: &[Arc<dyn Builtin>], moddir: &Path) -> Self {
        let builtins = builtins.iter().enumerate();
        let builtins = builtins.map(|(at, builtin)| (builtin.info().name, Source::Builtin(at)));
        let files = files(moddir).into_iter().map(|(name, path)| (name, Source::File(path)));
        let mut present = Self { all: Vec::new(), by_key: HashMap::new() };
        for (name, source) in builtins.chain(files) {
            let at = present.all.len();
            if present.by_key.insert(key(&name), at).is_none() {
                present.all.push((name, source));
            }
        }
        present
    }

    /// Whether a missing module is one of Asterisk's families, and not one of ours misspelt.
    fn takes_for_foreign(&self, name: &str) -> bool {
        let name = key(name);
        let of_asterisk = FAMILIES.iter().any(|family| name.starts_with(family));
        of_asterisk && !self.by_key.keys().any(|ours| strsim::osa_distance(ours, &name) <= 2)
    }

    /// The names of all.
    pub(crate) fn names(&self) -> Vec<String> {
        self.all.iter().map(|(name, _)| name.clone()).collect()
    }

    /// A module by any of its names.
    pub(crate) fn find(&self, name: &str) -> Option<(String, Source)> {
        self.by_key.get(&key(name)).and_then(|&at| self.all.get(at)).cloned()
    }
}

fn value(entry: &Entry) -> Result<&str, BootError> {
    match entry.value.trim() {
        "" => Err(BootError::NoModule { option: entry.name.to_string(), pos: entry.pos.clone() }),
        name => Ok(name),
    }
}

fn boolean(entry: &Entry) -> Result<bool, BootError> {
    conf::parse_bool(&entry.value).ok_or_else(|| BootError::NotBoolean {
        option: entry.name.to_string(),
        value: entry.value.to_string(),
        pos: entry.pos.clone(),
    })
}

#[cfg(test)]
mod tests;
