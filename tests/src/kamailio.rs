//! Kamailio from the distribution: a proxy between phones and the server.

use std::net::SocketAddr;
use std::process::Command;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::{Port, Process, Server};

/// A running proxy. It stays in the way of dialogs (Record-Route) and of requests to phones that
/// register (Path, RFC 3327).
#[derive(Debug)]
pub struct Kamailio {
    process: Option<Process>,
    port: Port,
    _directory: TempDir,
}

const CONFIG: &str = r#"#!KAMAILIO
debug=2
log_stderror=yes
children=2
auto_aliases=no
listen=udp:127.0.0.1:{port}
mpath="{modules}"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "siputils.so"
loadmodule "textops.so"
loadmodule "xlog.so"
loadmodule "path.so"

request_route {
    if (!mf_process_maxfwd_header("10")) {
        sl_send_reply("483", "Too Many Hops");
        exit;
    }
    # A Path is the only route of a request outside a dialog: it is taken off, and not "driven".
    if (loose_route() || uri != myself) {
        t_relay();
        exit;
    }
    if (is_method("SUBSCRIBE") && !has_totag()) {
        record_route();
    }
    if (is_method("REGISTER")) {
        add_path();
    }
    $du = "sip:{server}";
    t_relay();
}

event_route[core:worker-one-init] {
    xlog("L_ERR", "The proxy is ready\n");
}
"#;

impl Kamailio {
    /// Starts one in front of a server. `port` is where it listens: a server that knows it by its
    /// address has the number in its configuration.
    pub fn in_front_of(server: &Server, port: Port) -> Self {
        let directory =
            TempDir::with_prefix("starling-e2e-kamailio-").expect("the temporary directory can be written");
        let config = CONFIG
            .replace("{port}", &port.number().to_string())
            .replace("{modules}", &module_path())
            .replace("{server}", &server.address().to_string());
        let file = directory.path().join("kamailio.cfg");
        std::fs::write(&file, config).expect("the directory is ours");
        let mut command = Command::new("/usr/sbin/kamailio");
        command.arg("-f").arg(&file).args(["-DD", "-E", "-m", "32", "-M", "4"]);
        command.arg("-Y").arg(directory.path()).current_dir(directory.path());
        let process = Process::start(&mut command);
        process.wait_for("The proxy is ready", 1);
        Self { process: Some(process), port, _directory: directory }
    }

    /// Where phones find it.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port.number()))
    }
}

impl Drop for Kamailio {
    /// Its workers end with it only if it is asked.
    fn drop(&mut self) {
        if let Some(process) = self.process.take() {
            // It may have ended by itself.
            let _ = kill(Pid::from_raw(process.id() as i32), Signal::SIGTERM);
            process.end();
        }
    }
}

/// Where the distribution keeps its modules.
fn module_path() -> String {
    let places = [
        format!("/usr/lib/{}-linux-gnu/kamailio/modules/", std::env::consts::ARCH),
        "/usr/lib/kamailio/modules/".to_owned(),
    ];
    let found = places.into_iter().find(|place| std::path::Path::new(place).is_dir());
    found.expect("kamailio's modules are installed (tests/install-tools)")
}
