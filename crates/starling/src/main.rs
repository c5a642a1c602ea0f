//! The daemon: arguments, `asterisk.conf`, boot order, signals.

mod args;
mod boot;
mod builtin;
mod check;
mod commands;
mod http;
mod preview;
mod process;
mod report;
mod server;
mod services;
mod settings;

use std::process::ExitCode;

use clap::Parser;
use cli::remote::ConsoleOptions;

use args::Args;
use settings::Settings;

// Thousands of small objects that come and go: the system's allocator fragments and locks. Modules
// from files keep theirs; what crosses the edge is freed by whoever made it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // --help is no error; everything else about the arguments is, and has status 1 as in Asterisk.
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        }
    };
    if args.version {
        println!("{}", server::PRODUCT);
        return ExitCode::SUCCESS;
    }
    if let Some(file) = &args.check_module {
        let report = module_host::check_module(file);
        print!("{report}");
        return if report.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    if args.check_config {
        return check::check(&args);
    }
    let (mut settings, remarks) = match Settings::load(args.config.as_deref(), args.execute_includes) {
        Ok(loaded) => loaded,
        Err(error) => return fail(&error.to_string(), 1),
    };
    if args.is_remote() {
        return remote(&args, &settings);
    }
    settings.override_by(&args);
    if args.background_child {
        process::leave_terminal();
    } else if settings.in_background() {
        return process::start_in_background().unwrap_or_else(|error| fail(&error.to_string(), 1));
    }
    match boot::run(&args, settings, &remarks) {
        Ok(code) => code,
        Err(failure) => fail(&failure.text, failure.status),
    }
}

/// `-r`, `-R`, `-x`.
fn remote(args: &Args, settings: &Settings) -> ExitCode {
    let socket = args.socket.clone().unwrap_or_else(|| settings.control_socket());
    let result = match &args.execute {
        Some(line) => cli::remote::stream_command(&socket, line, &mut std::io::stdout().lock()),
        None => {
            let options = ConsoleOptions {
                reconnect: args.reconnect,
                verbose: args.verbose,
                debug: args.debug,
                mute: args.mute,
                ..ConsoleOptions::default()
            };
            cli::remote::console(&socket, &options).map(|()| true)
        }
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => fail(&error.to_string(), 1),
    }
}

fn fail(text: &str, status: u8) -> ExitCode {
    eprintln!("{text}");
    ExitCode::from(status)
}
