//! The whole way: events in, bytes of files and consoles out.

use std::fs;
use std::sync::mpsc::{Receiver, Sender, channel};

use tracing_subscriber::layer::SubscriberExt;

use super::*;

const LONG: Duration = Duration::from_secs(20);

struct Log {
    dir: tempfile::TempDir,
    logger: Logger,
    lines: Receiver<String>,
    _default: tracing::subscriber::DefaultGuard,
}

/// A log with `text` as its `logger.conf`, for the events of this thread.
fn log(text: &str, options: Options) -> Log {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("logger.conf"), text).unwrap();
    let loader = conf::Loader::new(dir.path());
    let log_dir = dir.path().join("log");
    let (logger, layer) = Logger::start(Options { loader, log_dir, ..options }).unwrap();
    let (sender, lines): (Sender<String>, _) = channel();
    logger.set_sink(Some(Box::new(move |text| drop(sender.send(text.to_owned())))));
    let _default = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
    let log = Log { dir, logger, lines, _default };
    log.logger.reload(None);
    log
}

impl Log {
    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join("log").join(name)
    }

    fn conf(&self, text: &str) {
        fs::write(self.dir.path().join("logger.conf"), text).unwrap();
    }

    /// Messages in a file, without their prefixes.
    fn file(&self, name: &str) -> Vec<String> {
        assert!(self.logger.flush(LONG));
        let text = fs::read_to_string(self.path(name)).unwrap();
        text.lines()
            .map(|line| line.split_once(".rs: ").map_or(line, |(_, message)| message).to_owned())
            .collect()
    }

    fn console(&self) -> String {
        assert!(self.logger.flush(LONG));
        self.lines.try_iter().collect()
    }
}

const FILES: &str = "[general]\n\
    custom_levels = billing\n\
    [logfiles]\n\
    console = error\n\
    messages = notice,warning,error\n\
    depth = verbose(3)\n\
    follow = verbose\n\
    security = security\n\
    debug = debug,trace\n\
    bills = billing\n";

#[test]
fn every_level_goes_where_it_belongs() {
    let log = log(FILES, Options { verbose: 1, ..Options::default() });
    let say = || {
        tracing::error!("error");
        tracing::warn!("warning");
        tracing::info!("notice");
        tracing::info!(verbose = 1, "verbose one");
        tracing::info!(verbose = 3, "verbose three");
        tracing::info!(verbose = 4, "verbose four");
        tracing::info!(security = true, "security");
        tracing::info!(log.level = "billing", "bill");
        tracing::debug!("debug one");
        tracing::debug!(debug = 2, "debug two");
        tracing::trace!("trace");
    };
    say();
    assert_eq!(log.file("messages"), ["error", "warning", "notice"]);
    assert_eq!(log.file("depth"), ["verbose one", "verbose three"]);
    assert_eq!(log.file("follow"), ["verbose one"]);
    assert_eq!(log.file("security"), ["security"]);
    assert_eq!(log.file("debug"), Vec::<String>::new());
    assert_eq!(log.file("bills"), ["bill"]);
    assert!(fs::read_to_string(log.path("bills")).unwrap().contains(" BILLING["));
    let console = log.console();
    assert!(console.ends_with(": error\n") && console.lines().count() == 1, "{console}");

    assert_eq!(log.logger.set_debug(1), 0);
    say();
    assert_eq!(log.file("debug"), ["debug one"]);
    log.logger.set_debug(2);
    log.logger.set_trace(1);
    say();
    assert_eq!(log.file("debug"), ["debug one", "debug one", "debug two", "trace"]);
}

#[test]
fn lines_name_thread_file_and_fields() {
    let log =
        log("[general]\ndateformat = D\n[logfiles]\nf = notice\nconsole = notice\n", Options::default());
    let line = line!() + 1;
    tracing::info!(peer = %"192.0.2.1\n", count = 3, "lost");
    tracing::info!(log.file = "res_x", "from a module");
    let thread = nix::unistd::gettid();
    log.logger.flush(LONG);
    assert_eq!(
        fs::read_to_string(log.path("f")).unwrap(),
        format!(
            "[D] NOTICE[{thread}] logger/logger/tests.rs: lost peer=192.0.2.1\\n count=3\n\
             [D] NOTICE[{thread}] res_x: from a module\n"
        )
    );
    let first = format!(
        "[D] NOTICE[{thread}]: logger/logger/tests.rs:{line} tests: lost peer=192.0.2.1\\n count=3\n"
    );
    assert!(log.console().starts_with(&first));
}

#[test]
fn a_bad_reload_keeps_the_old_channels() {
    let log = log("[logfiles]\nold = notice,error\n", Options::default());
    for bad in [
        "[logfiles]\nnew = [xml]error\n",
        "[logfiles\n",
        "[logfiles]\nold/below/a/file = error\nnew = error\n",
    ] {
        log.conf(bad);
        let answer = log.logger.reload(None);
        assert!(!answer.ok);
        assert!(answer.text.ends_with("The log goes on with the channels that it had.\n"), "{}", answer.text);
    }
    fs::remove_file(log.dir.path().join("logger.conf")).unwrap();
    assert!(!log.logger.reload(None).ok);
    assert!(!log.path("new").exists() || fs::read_to_string(log.path("new")).unwrap().is_empty());
    tracing::info!("still here");
    assert_eq!(log.file("old").last().unwrap(), "still here");

    log.conf("[logfiles]\nnew = notice\n");
    assert_eq!(log.logger.reload(None), Answer { text: String::new(), ok: true });
    tracing::info!("moved");
    assert_eq!(log.file("new"), ["moved"]);
    assert_eq!(log.file("old").last().unwrap(), "still here");
}

#[test]
fn the_first_bad_file_leaves_the_console_and_says_so() {
    let log = log("[logfiles\n", Options::default());
    tracing::info!("on the console");
    let console = log.console();
    assert!(console.contains(" ERROR[") && console.contains("logger.conf:1:"), "{console}");
    assert!(console.contains("on the console"));
}

#[test]
fn the_first_file_loses_only_its_bad_lines() {
    let log = log("[logfiles]\nbad = [xml]error\ngood = notice\n", Options::default());
    tracing::info!("kept");
    assert_eq!(log.file("good"), ["kept"]);
}

#[test]
fn a_reload_opens_files_that_logrotate_moved() {
    let log = log("[logfiles]\nf = notice\n", Options::default());
    tracing::info!("one");
    log.logger.flush(LONG);
    fs::rename(log.path("f"), log.path("f.1")).unwrap();
    tracing::info!("two");
    assert!(log.logger.reload(None).ok);
    tracing::info!("three");
    assert_eq!((log.file("f.1"), log.file("f")), (vec!["one".into(), "two".into()], vec!["three".into()]));
}

#[test]
fn rotation_renames_opens_and_tells_a_program() {
    let conf = "[general]\nrotatestrategy = rotate\nexec_after_rotate = mv ${filename} ${filename}.done\n\
                [logfiles]\nf = notice\n";
    let log = log(conf, Options::default());
    tracing::info!("one");
    assert!(log.logger.rotate().ok);
    tracing::info!("two");
    assert_eq!(log.file("f"), ["two"]);
    let done = log.path("f.0.done");
    let deadline = std::time::Instant::now() + LONG;
    while !done.exists() && std::time::Instant::now() < deadline {
        thread::yield_now();
    }
    assert_eq!(log.file("f.0.done"), ["one"]);
}

#[test]
fn a_full_queue_drops_counts_and_says_so() {
    let log = log(
        "[general]\nlogger_queue_limit = 10\n[logfiles]\nf = notice,warning\nconsole = error\n",
        Options::default(),
    );
    log.logger.flush(LONG);
    // The writer waits inside the sink until the gate opens.
    let (open, gate) = channel::<()>();
    let (entered, inside) = channel();
    log.logger.set_sink(Some(Box::new(move |_| {
        let _ = entered.send(());
        let _ = gate.recv();
    })));
    tracing::error!("stops the writer");
    inside.recv_timeout(LONG).unwrap();
    for number in 0..25 {
        tracing::info!("message {number}");
    }
    assert_eq!(log.logger.dropped(), 15);
    drop(open);
    let file = log.file("f");
    assert_eq!(file.iter().filter(|line| line.starts_with("message ")).count(), 10);
    let warning = "15 log messages were dropped: more than 10 waited (logger_queue_limit)";
    assert_eq!(file.iter().filter(|line| line.ends_with(warning)).count(), 1);
    assert!(
        log.logger.show_channels().starts_with("Logger queue limit: 10\nMessages dropped: 15\n\nChannel ")
    );
}

#[test]
fn nothing_is_lost_at_the_end() {
    let log = log("[general]\nlogger_queue_limit = 100000\n[logfiles]\nf = notice\n", Options::default());
    for number in 0..5000 {
        tracing::info!("{number}");
    }
    assert!(log.logger.flush(LONG));
    assert_eq!(fs::read_to_string(log.path("f")).unwrap().lines().count(), 5000);
}

#[test]
fn each_console_sees_what_it_asked_for() {
    let log = log("[logfiles]\nconsole = notice,verbose\n", Options { verbose: 1, ..Options::default() });
    let (remote, mut lines) = log.logger.attach();
    let mut seen = |remote: &Console| {
        log.logger.flush(LONG);
        let mut text = String::new();
        while let Ok(line) = lines.try_recv() {
            if remote.wants(&line) {
                text.push_str(&line.text);
            }
        }
        text
    };
    tracing::info!(verbose = 1, "muted");
    assert_eq!(seen(&remote), "");
    remote.set_muted(false);
    remote.set_verbose(4);
    tracing::info!(verbose = 4, "deep");
    assert_eq!(seen(&remote), "       > deep\n");
    assert!(!log.console().contains("deep"));
    remote.set_level(Level::NOTICE, false);
    tracing::info!("notice");
    assert_eq!(seen(&remote), "");
    drop(remote);
    tracing::info!(verbose = 4, "deep");
    log.logger.flush(LONG);
    assert!(lines.try_recv().is_err(), "nobody wants verbose 4 any more");
}

#[test]
fn channels_can_come_and_go() {
    let log = log("[logfiles]\nf = notice,verbose(2)\n", Options::default());
    assert!(log.logger.add_channel("g", "[plain]warning").ok);
    assert_eq!(log.logger.add_channel("g", "warning").text, "'g' is already a channel\n");
    assert!(!log.logger.add_channel("h", "[xml]warning").ok);
    let row = |name: &str, rest: &str| format!("{:<35} File     {rest}", log.path(name).display());
    let table = log.logger.show_channels();
    assert!(table.contains(&row("f", "default    Enabled    - NOTICE VERBOSE(2) \n")), "{table}");
    assert!(table.contains(&row("g", "plain      Enabled    - WARNING \n")), "{table}");
    tracing::warn!("w");
    assert_eq!(log.file("g").len(), 1);
    assert!(log.logger.remove_channel("g").ok);
    assert_eq!(log.logger.remove_channel("g").text, "'g' is not a channel\n");
    assert!(log.logger.show_levels().contains("    2  NOTICE\n"));
}

#[test]
fn quiet_means_no_console() {
    let log = log("[logfiles]\nconsole = notice\n", Options { quiet: true, ..Options::default() });
    tracing::info!("x");
    assert_eq!(log.console(), "");
}
