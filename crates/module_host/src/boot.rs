//! Starting modules: all of a plan, and what they require before them.
//!
//! First everything is opened, so that it is known what each module requires and its priority.
//! Then they are started: the preloaded ones first, then by priority, then as the plan has them;
//! but what a module requires is always started before it.

use std::sync::Arc;

use module_api::Host;

use crate::plan::{Plan, Planned, Source, plan};
use crate::table::{Code, Status};
use crate::{BootError, Contract, LoadError, LoadOutcome, ModuleHost, ModuleInfo};

/// What is told of a module that does not run.
enum Told {
    /// Why.
    Problem(String),
    /// It, by name, requires a module that does not run either.
    Follows(String, String),
}

/// Modules that do not run, each with the one that it requires.
#[derive(Default)]
struct Followers(Vec<(String, String)>);

impl Followers {
    /// A line for each module that others wait for.
    fn lines(&self) -> Vec<String> {
        let mut roots: Vec<(&str, Vec<&str>)> = Vec::new();
        for (module, _) in &self.0 {
            let root = self.root(module);
            match roots.iter_mut().find(|(other, _)| *other == root) {
                Some((_, modules)) => modules.push(module),
                None => roots.push((root, vec![module])),
            }
        }
        let line = |(root, modules): (&str, Vec<&str>)| {
            let subject = match modules.len() {
                1 => "1 module does".to_owned(),
                n => format!("{n} modules do"),
            };
            format!("{subject} not run because {root} does not: {}", modules.join(", "))
        };
        roots.into_iter().map(line).collect()
    }

    /// The module at whose door it lies. Modules follow only what was told before them, so there is no
    /// way around in a circle.
    fn root<'a>(&'a self, module: &'a str) -> &'a str {
        let required = |module: &str| self.0.iter().find(|(it, _)| it == module).map(|(_, it)| &**it);
        std::iter::successors(Some(module), |module| required(module)).last().unwrap_or(module)
    }
}

impl ModuleHost {
    /// Loads what `modules.conf` says. A module that is not required and does not run costs one
    /// line, in the log and in the result, and another one for all that do not run for that reason.
    ///
    /// # Errors
    ///
    /// [`BootError`] for what is wrong in `modules.conf`, before anything is loaded, and for a
    /// required module that does not run.
    pub fn boot(&self, config: &conf::Config) -> Result<Vec<String>, BootError> {
        let _one = self.operation();
        let plan = plan(config, &self.builtins, &self.moddir)?;
        tracing::info!("{} modules will be loaded", plan.modules.len());
        if let Some(line) = plan.foreign_line() {
            tracing::info!("{line}");
        }
        let mut problems = Vec::new();
        let mut problem = |text: String| {
            tracing::error!("{text}");
            problems.push(text);
        };
        let mut order = self.open_all(plan, &mut problem)?;
        order.sort_by_key(|(planned, info)| (!planned.preload, info.priority));
        let mut followers = Followers::default();
        for (_, info) in order {
            // What comes of it is in the table, and was told.
            let _ = self.start(&info.name, &mut |told| match told {
                Told::Problem(text) => problem(text),
                Told::Follows(module, required) => followers.0.push((module, required)),
            });
            self.check_required()?;
        }
        followers.lines().into_iter().for_each(problem);
        Ok(problems)
    }

    /// Starts an opened module, and what it requires of what is opened too.
    pub(crate) fn start_opened(&self, name: &str) -> Result<(), String> {
        self.start(name, &mut |_| {})
    }

    fn open_all(
        &self,
        plan: Plan,
        problem: &mut impl FnMut(String),
    ) -> Result<Vec<(Planned, ModuleInfo)>, BootError> {
        let mut opened = Vec::new();
        for planned in plan.modules {
            match self.open(&planned.name, &planned.source) {
                Ok((info, code)) => {
                    let file = planned.source.file();
                    self.table().push(info.clone(), code, file, planned.required.clone());
                    opened.push((planned, info));
                }
                Err(error) => {
                    let reason = self.not_opened(&planned, &error);
                    if let Some(pos) = planned.required {
                        return Err(BootError::Required { module: planned.name, reason, pos });
                    }
                    problem(match &planned.pos {
                        Some(pos) => format!("{pos}: {reason}"),
                        None => reason.clone(),
                    });
                    self.table().push_absent(&planned.name, reason);
                }
            }
        }
        Ok(opened)
    }

    fn not_opened(&self, planned: &Planned, error: &LoadError) -> String {
        match planned.source {
            Source::Missing => format!(
                "there is no module {name}: it is not built in, and {dir} has no {name}.so",
                name = planned.name,
                dir = self.moddir.display()
            ),
            _ => error.to_string(),
        }
    }

    fn check_required(&self) -> Result<(), BootError> {
        let table = self.table();
        let failed = table.modules().iter().find_map(|module| match (&module.required, &module.status) {
            (Some(pos), Status::Declined(reason)) => Some(BootError::Required {
                module: module.info.name.clone(),
                reason: reason.clone(),
                pos: pos.clone(),
            }),
            _ => None,
        });
        failed.map_or(Ok(()), Err)
    }

    /// Starts a module. Whatever does not run is told to `problem`, once.
    fn start(&self, name: &str, tell: &mut dyn FnMut(Told)) -> Result<(), String> {
        let (info, code) = {
            let mut table = self.table();
            let Some(module) = table.get_mut(name) else {
                return Err("nothing loads it".into());
            };
            match &module.status {
                Status::Running => return Ok(()),
                Status::Declined(reason) => return Err(reason.clone()),
                Status::Starting => return Err("it requires itself in a circle".into()),
                Status::Waiting => module.status = Status::Starting,
            }
            (module.info.clone(), std::mem::replace(&mut module.code, Code::Absent))
        };
        let result = self.start_requirements(&info, tell).and_then(|()| self.run(&info.name, code));
        match result {
            Ok(code) => {
                tracing::info!(verbose = 4, "Loaded {} => ({})", info.name, info.description);
                self.table().started(&info.name, code, Status::Running);
                Ok(())
            }
            Err(reason) => {
                tell(match self.declined_requirement(&info) {
                    Some(required) => Told::Follows(info.name.clone(), required),
                    None => Told::Problem(format!("module {} does not run: {reason}", info.name)),
                });
                self.table().started(&info.name, Code::Absent, Status::Declined(reason.clone()));
                Err(reason)
            }
        }
    }

    /// What a module requires and was told of itself already that it does not run.
    fn declined_requirement(&self, info: &ModuleInfo) -> Option<String> {
        let table = self.table();
        let required = info.requires.iter().filter_map(|name| table.get(name));
        let mut declined = required.filter(|module| matches!(module.status, Status::Declined(_)));
        declined.next().map(|module| module.info.name.clone())
    }

    fn start_requirements(&self, info: &ModuleInfo, tell: &mut dyn FnMut(Told)) -> Result<(), String> {
        for name in info.optional.iter().chain(&info.requires) {
            // What comes of it is asked below.
            let _ = self.start(name, tell);
        }
        let table = self.table();
        info.requires.iter().try_for_each(|name| match table.get(name).map(|module| &module.status) {
            Some(Status::Running) => Ok(()),
            Some(Status::Starting) => Err(format!("it requires {name}, which in turn requires it")),
            Some(Status::Declined(reason)) => {
                Err(format!("it requires {name}, which does not run: {reason}"))
            }
            Some(Status::Waiting) => Err(format!("it requires {name}, which does not run")),
            None => Err(format!("it requires {name}, which is not loaded")),
        })
    }

    /// Calls a module's load hook and puts to use what it brings.
    fn run(&self, name: &str, code: Code) -> Result<Code, String> {
        match code {
            Code::Builtin(builtin) => match builtin.load()? {
                LoadOutcome::Success => Ok(Code::Builtin(builtin)),
                LoadOutcome::Decline(reason) => Err(reason),
            },
            Code::Opened(library) => {
                let (contract, closed) = Contract::load(library, Host::new(name, self.services.clone()))?;
                let contract = Arc::new(contract);
                self.registry.add(name, &contract)?;
                Ok(Code::Loaded { contract, closed })
            }
            Code::Loaded { .. } | Code::Absent => Err("its file is not open".into()),
        }
    }
}
