//! `--check-config`: reads every configuration file as a start would, and says what is wrong.

use std::process::ExitCode;

use conf::{Diagnostic, LoadError, Severity};
use logger::Logger;
use module_host::Source;
use store::Store;
use tokio::sync::mpsc;

use crate::args::Args;
use crate::server::Server;
use crate::settings::Settings;
use crate::{builtin, http, report};

/// What was found in one file.
struct Found {
    file: &'static str,
    /// Why the file cannot be used at all.
    failure: Option<String>,
    remarks: Vec<Diagnostic>,
}

impl Found {
    fn of<T>(file: &'static str, result: Result<(T, Vec<Diagnostic>), String>) -> Self {
        match result {
            Ok((_, remarks)) => Self { file, failure: None, remarks },
            Err(failure) => Self { file, failure: Some(failure), remarks: Vec::new() },
        }
    }

    fn is_bad(&self) -> bool {
        self.failure.is_some() || self.remarks.iter().any(|remark| remark.severity == Severity::Error)
    }
}

/// Prints what is wrong, file by file. Not 0 if a file cannot be used or has an error.
pub(crate) fn check(args: &Args) -> ExitCode {
    let loaded = Settings::load(args.config.as_deref(), args.execute_includes);
    let loaded = loaded.map_err(|error| error.to_string());
    let mut all = Vec::new();
    if let Ok((settings, _)) = &loaded {
        let loader = conf::Loader::new(&settings.etc_dir).exec(settings.execute_includes);
        let modules = modules(&loader, settings);
        let names = modules.as_ref().map(|(names, _)| names.clone()).unwrap_or_default();
        all.push(Found::of("modules.conf", modules));
        let loaded = |name: &str| names.iter().any(|loaded| loaded == name);
        all.push(Found::of("pjsip.conf", builtin::sip::check(&loader, loaded)));
        all.push(Found::of("resolver_unbound.conf", builtin::resolver::parse(&loader)));
        if !matches!(loader.load("pjsip_notify.conf"), Err(LoadError::Missing { .. })) {
            all.push(Found::of("pjsip_notify.conf", builtin::notify::parse(&loader)));
        }
        all.push(Found::of("extensions.conf", builtin::dialplan::parse(&loader, None)));
        all.push(Found::of("http.conf", http::load(&loader)));
        all.push(Found::of("logger.conf", log(&loader)));
    }
    all.insert(0, Found::of("asterisk.conf", loaded));
    for found in &all {
        let errors = found.remarks.iter().filter(|remark| remark.severity == Severity::Error).count();
        let warnings = found.remarks.iter().filter(|remark| remark.severity == Severity::Warning).count();
        for remark in &found.remarks {
            println!("{}", report::text(remark));
        }
        match &found.failure {
            Some(failure) => println!("{}: cannot be used\n{failure}", found.file),
            None => println!("{}: {errors} error(s), {warnings} warning(s)", found.file),
        }
    }
    if all.iter().any(Found::is_bad) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// The modules that `modules.conf` loads, and whether each is there.
fn modules(loader: &conf::Loader, settings: &Settings) -> Result<(Vec<String>, Vec<Diagnostic>), String> {
    let file = loader.load("modules.conf").map_err(|error| error.to_string())?;
    // A server that is never started, for the names of its built-in modules.
    let (logger, _) = Logger::start(logger::Options::default()).map_err(|error| error.to_string())?;
    let store = Store::memory().map_err(|error| error.to_string())?;
    let server = Server::new(settings.clone(), logger, store, mpsc::unbounded_channel().0);
    let plan = module_host::plan(&file, &builtin::all(&server), &settings.module_dir)
        .map_err(|error| error.to_string())?;
    let names = plan.modules.iter().map(|module| module.name.clone()).collect();
    let foreign = plan.foreign_line().zip(plan.foreign.first().map(|(_, pos)| pos.clone()));
    let foreign =
        foreign.map(|(message, pos)| Diagnostic { severity: Severity::Notice, pos: Some(pos), message });
    let missing = plan.modules.into_iter().filter(|module| module.source == Source::Missing);
    let remarks = missing.map(|module| Diagnostic {
        severity: if module.required.is_some() { Severity::Error } else { Severity::Warning },
        message: format!(
            "there is no module {name}: it is not built in, and {} has no {name}.so",
            settings.module_dir.display(),
            name = module.name
        ),
        pos: module.pos,
    });
    Ok((names, file.diagnostics.iter().cloned().chain(foreign).chain(remarks).collect()))
}

/// `logger.conf`, which need not be there.
fn log(loader: &conf::Loader) -> Result<((), Vec<Diagnostic>), String> {
    match loader.load("logger.conf") {
        Ok(file) => Ok(((), file.diagnostics.iter().cloned().chain(logger::check(&file)).collect())),
        Err(LoadError::Missing { .. }) => Ok(((), Vec::new())),
        Err(error) => Err(error.to_string()),
    }
}
