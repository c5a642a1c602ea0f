//! Ends a program in order when it is told to end, so that the server it started ends with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use nix::sys::signal::{SigSet, Signal};

/// Whether SIGINT, SIGTERM or SIGHUP has come.
#[derive(Debug, Clone)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// From now on the signals are only noted. To be called before any other thread starts.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn listen() -> std::io::Result<Self> {
        let signals = signals();
        signals.thread_block()?;
        let interrupt = Self(Arc::default());
        let noted = interrupt.clone();
        thread::spawn(move || {
            while signals.wait().is_ok() {
                noted.0.store(true, Ordering::Relaxed);
            }
        });
        Ok(interrupt)
    }

    /// Whether one has come.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Runs `spawn` with the signals let through: a child process inherits what its parent blocks.
pub(crate) fn unblocked<R>(spawn: impl FnOnce() -> R) -> R {
    let before = SigSet::thread_get_mask();
    let let_through = signals().thread_unblock();
    let result = spawn();
    if let (Ok(before), Ok(())) = (before, let_through) {
        // A mask that the system gave can be given back.
        let _ = before.thread_set_mask();
    }
    result
}

fn signals() -> SigSet {
    [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP].into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_does_not_inherit_the_block() {
        signals().thread_block().unwrap();
        let child = || std::process::Command::new("cat").arg("/proc/self/status").output().unwrap();
        let output = unblocked(child);
        let status = String::from_utf8(output.stdout).unwrap();
        let blocked = status.lines().find_map(|line| line.strip_prefix("SigBlk:")).unwrap();
        assert_eq!(u64::from_str_radix(blocked.trim(), 16).unwrap() & 0x4003, 0, "{blocked}");
        assert!(SigSet::thread_get_mask().unwrap().contains(Signal::SIGTERM));
    }
}
