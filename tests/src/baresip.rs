//! baresip: a real phone that watches its contacts.

use std::process::Command;

use tempfile::TempDir;

use crate::{Port, Process, Server};

/// A running baresip of the endpoint `alice`.
#[derive(Debug)]
pub struct Baresip {
    process: Process,
    _port: Port,
    _directory: TempDir,
}

impl Baresip {
    /// Starts one that subscribes to the presence of extensions.
    pub fn watching(server: &Server, extensions: &[&str]) -> Self {
        Self::of("<sip:alice@127.0.0.1>;regint=0", server, extensions)
    }

    /// Starts one that registers as well.
    pub fn registered(server: &Server, extensions: &[&str]) -> Self {
        Self::of(&format!("<sip:alice@{}>;regint=600", server.address()), server, extensions)
    }

    /// Starts one with this line in its `accounts`.
    pub fn of(account: &str, server: &Server, extensions: &[&str]) -> Self {
        let directory =
            TempDir::with_prefix("starling-e2e-baresip-").expect("the temporary directory can be written");
        let port = Port::lease();
        let contacts = extensions.iter().map(|extension| {
            let server = server.address();
            format!("\"Extension {extension}\" <sip:{extension}@{server}>;presence=p2p\n")
        });
        let modules =
            ["module g711.so", "module_tmp account.so", "module_app contact.so", "module_app presence.so"];
        let config = format!(
            "sip_listen 127.0.0.1:{}\nmodule_path {}\n{}\n",
            port.number(),
            module_path(),
            modules.join("\n")
        );
        for (file, text) in
            [("config", config), ("accounts", format!("{account}\n")), ("contacts", contacts.collect())]
        {
            std::fs::write(directory.path().join(file), text).expect("the directory is ours");
        }
        let mut command = Command::new("baresip");
        // It would scan the machine's configuration otherwise.
        command.arg("-f").arg(directory.path()).args(["-v", "-s"]).env("HOME", directory.path());
        Self { process: Process::start(&mut command), _port: port, _directory: directory }
    }

    /// Waits until it has printed `text` `count` times.
    #[track_caller]
    pub fn wait_for(&self, text: &str, count: usize) {
        self.process.wait_for(text, count);
    }

    /// Everything that it has printed.
    pub fn printed(&self) -> String {
        self.process.printed()
    }

    /// Asks it to end as its user would.
    pub fn interrupt(self) {
        self.process.signal(nix::sys::signal::Signal::SIGTERM);
        self.process.end();
    }
}

/// Where the distribution keeps baresip's modules.
fn module_path() -> String {
    let places = [
        "/usr/lib/baresip/modules".to_owned(),
        format!("/usr/lib/{}-linux-gnu/baresip/modules", std::env::consts::ARCH),
    ];
    let found = places.into_iter().find(|place| std::path::Path::new(place).is_dir());
    found.expect("baresip's modules are installed (tests/install-tools)")
}
