//! SIP.js in Node: a real SIP-over-WebSocket phone.

use std::path::Path;
use std::process::Command;

use crate::{Process, module_dir};

/// A running `sipjs/lamp.mjs`.
#[derive(Debug)]
pub struct SipJs(Process);

impl SipJs {
    /// Subscribes to an extension as an endpoint; `authority` is a file with the certificate that the
    /// server's is believed by.
    pub fn start(url: &str, endpoint: &str, extension: &str, authority: Option<&Path>) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("sipjs/lamp.mjs");
        // Where tests/install-tools puts it.
        let target = module_dir().parent().expect("it lies in the target directory").to_owned();
        let modules = target.join("e2e-node/node_modules");
        assert!(modules.join("sip.js").is_dir(), "{} (tests/install-tools installs it)", modules.display());
        let mut command = Command::new("node");
        command.arg(script).args([url, endpoint, extension]).env("NODE_MODULES", modules);
        if let Some(file) = authority {
            command.env("NODE_EXTRA_CA_CERTS", file);
        }
        Self(Process::start(&mut command))
    }

    /// Waits until it has printed a line `count` times.
    #[track_caller]
    pub fn wait_for(&self, line: &str, count: usize) {
        self.0.wait_for(line, count);
    }

    /// Waits for its end.
    #[track_caller]
    pub fn end(self) {
        self.0.end().expect(0);
    }
}
