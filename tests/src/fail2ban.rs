//! fail2ban's own filter for Asterisk, over a log of ours.

use std::path::Path;
use std::process::Command;

use crate::{Process, target_dir};

/// The addresses that the stock filter of the distribution's fail2ban blames, line by line.
///
/// `tests/install-tools` unpacks the package without installing it, so that no daemon is ever started.
#[track_caller]
pub fn fail2ban(log: &Path) -> Vec<String> {
    let root = target_dir().join("tools/fail2ban");
    assert!(root.is_dir(), "{} is missing: run tests/install-tools", root.display());
    let configuration = root.join("etc/fail2ban");
    let mut command = Command::new("python3");
    command
        .env("PYTHONPATH", root.join("usr/lib/python3/dist-packages"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .arg(root.join("usr/bin/fail2ban-regex"))
        .arg("-c")
        .arg(&configuration)
        .args(["-o", "ip"])
        .arg(log)
        .arg(configuration.join("filter.d/asterisk.conf"));
    let ended = Process::run(&mut command);
    assert_eq!(ended.status, 0, "{}{}", ended.stdout, ended.stderr);
    ended.stdout.lines().map(str::to_owned).collect()
}
