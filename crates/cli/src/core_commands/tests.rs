use logger::Options;

use super::*;
use crate::command::Session;

struct Bench {
    cli: std::sync::Arc<Cli>,
    logger: Logger,
    session: Session,
    _guards: Vec<CommandGuard>,
    _dir: tempfile::TempDir,
}

fn bench(conf: &str) -> Bench {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("logger.conf"), conf).unwrap();
    let (loader, log_dir) = (conf::Loader::new(dir.path()), dir.path().to_owned());
    let (logger, _layer) =
        Logger::start(Options { loader, log_dir, quiet: true, ..Options::default() }).unwrap();
    let cli = Cli::new();
    let _guards = register_core_commands(&cli, &logger);
    let session = Session::new(logger.attach().0);
    Bench { cli, logger, session, _guards, _dir: dir }
}

impl Bench {
    fn text(&self, line: &str) -> String {
        self.cli.run(line, &self.session).text
    }
}

#[test]
fn verbosity_is_each_consoles_own() {
    let bench = bench("");
    assert_eq!(bench.text("core set verbose 5"), include_str!("../../testdata/core_set_verbose_5.txt"));
    assert_eq!(bench.text("core set verbose 5"), "Console verbose is still 5.\n");
    assert_eq!(bench.text("core set verbose atleast 3"), "Console verbose is still 5.\n");
    assert_eq!(bench.text("core set verbose atleast 7 silent"), "");
    assert_eq!(bench.text("core set verbose off"), "Console verbose was 7 and is now OFF.\n");
    assert_eq!(bench.text("core set verbose 0"), "Console verbose is still OFF.\n");
    assert_eq!(bench.logger.root_console().verbose(), 0);
    for wrong in
        ["core set verbose", "core set verbose 256", "core set verbose silent", "core set verbose 1 2"]
    {
        assert!(bench.text(wrong).starts_with("Usage: core set verbose "), "{wrong}");
    }
}

#[test]
fn debug_and_trace_are_for_all() {
    let bench = bench("");
    assert_eq!(bench.text("core set debug 2"), "Core debug was OFF and is now 2.\n");
    assert_eq!(bench.text("core set trace 1"), "Core trace was OFF and is now 1.\n");
    assert_eq!((bench.logger.debug(), bench.logger.trace()), (2, 1));
}

#[test]
fn a_reload_says_only_what_is_wrong() {
    let bench = bench("[logfiles]\nmessages = notice\n");
    assert_eq!(bench.text("logger reload"), include_str!("../../testdata/logger_reload.txt"));
    assert!(bench.text("logger show channels").contains("/messages"));
    let text = bench.text("logger reload missing.conf");
    assert!(
        text.contains("missing.conf") && text.ends_with("Command 'logger reload missing.conf' failed.\n"),
        "{text}"
    );
    assert_eq!(bench.text("logger rotate"), "");
    assert_eq!(bench.text("logger add channel more [json]error"), "");
    assert_eq!(bench.text("logger remove channel more"), "");
}

#[test]
fn what_one_console_hides() {
    let bench = bench("");
    assert_eq!(bench.text("logger mute"), "Console is not muted anymore.\n");
    assert_eq!(bench.text("logger mute"), "Console is muted.\n");
    assert_eq!(bench.text("logger mute silent"), "");
    assert_eq!(bench.text("logger set level notice off"), "Level NOTICE is off on this console.\n");
    assert!(bench.text("logger set level nosuch on").starts_with("There is no level 'nosuch'.\n"));
    assert_eq!(bench.cli.complete("logger set level not"), ["NOTICE"]);
    assert!(bench.text("logger show levels").contains("    7  SECURITY\n"));
}
