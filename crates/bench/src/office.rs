//! The configuration of a server for phones and lamps.

use std::fmt::Write as _;
use std::io::Result;
use std::net::SocketAddr;
use std::path::Path;

use sip::digest::Algorithm;

/// Extensions with a hint each, and the endpoints that may watch them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Office {
    /// Extension and the value of its hint, such as `("1001", "Custom:lamp1&Custom:lamp2")`.
    pub extensions: Vec<(String, String)>,
    /// Names of the endpoints.
    pub endpoints: Vec<String>,
    /// The algorithm by which they prove their passwords (see [`password`]); none for no passwords.
    pub login: Option<Algorithm>,
    /// Whether each endpoint may register one contact, and how often that is asked whether it is
    /// there: seconds, 0 for never.
    pub register: Option<u32>,
}

const MODULES: &str = "\
[modules]
autoload=no
load => res_pjsip.so
load => res_pjsip_endpoint_identifier_user.so
load => res_pjsip_authenticator_digest.so
load => res_pjsip_registrar.so
load => res_pjsip_nat.so
load => res_pjsip_pubsub.so
load => res_pjsip_exten_state.so
load => res_pjsip_pidf_body_generator.so
load => res_pjsip_dialog_info_body_generator.so
load => pbx_config.so
load => func_devstate.so
";

/// The password of an endpoint.
pub fn password(endpoint: &str) -> String {
    format!("its own: {endpoint}")
}

impl Office {
    /// Writes the configuration files into `directory`: the server listens on `listen`, finds its
    /// modules in `modules` and keeps everything else in the directory.
    pub(crate) fn write(&self, directory: &Path, modules: &Path, listen: SocketAddr) -> Result<()> {
        for name in ["run", "log", "db"] {
            std::fs::create_dir_all(directory.join(name))?;
        }
        let modules = modules.display();
        let asterisk = format!(
            "[directories]\nastetcdir => .\nastmoddir => {modules}\nastrundir => run\n\
             astlogdir => log\nastdbdir => db\n\
             [options]\nmaxfiles = 1024\n"
        );
        let logger = "[general]\n[logfiles]\nconsole = notice,warning,error\n";
        for (name, text) in [
            ("asterisk.conf", asterisk.as_str()),
            ("modules.conf", MODULES),
            ("logger.conf", logger),
            ("pjsip.conf", &self.pjsip(listen)),
        ] {
            std::fs::write(directory.join(name), text)?;
        }
        self.write_extensions(directory)
    }

    /// Writes `extensions.conf` alone, for the next `dialplan reload`.
    pub(crate) fn write_extensions(&self, directory: &Path) -> Result<()> {
        std::fs::write(directory.join("extensions.conf"), self.extensions())
    }

    fn pjsip(&self, listen: SocketAddr) -> String {
        let mut text = format!(
            "[udp]\ntype=transport\nprotocol=udp\nbind={listen}\n\n\
             [phone](!)\ntype=endpoint\ncontext=default\nallow_subscribe=yes\ntransport=udp\n"
        );
        for endpoint in &self.endpoints {
            // Writing to a String cannot fail.
            let _ = write!(text, "\n[{endpoint}](phone)\n");
            for (wanted, option) in [(self.login.is_some(), "auth"), (self.register.is_some(), "aors")] {
                if wanted {
                    let _ = writeln!(text, "{option}={endpoint}");
                }
            }
            if let Some(algorithm) = self.login {
                let password = password(endpoint);
                let _ = write!(
                    text,
                    "[{endpoint}]\ntype=auth\nusername={endpoint}\npassword={password}\n\
                     supported_algorithms_uas={algorithm}\n"
                );
            }
            if let Some(frequency) = self.register {
                let _ =
                    write!(text, "[{endpoint}]\ntype=aor\nmax_contacts=1\nqualify_frequency={frequency}\n");
            }
        }
        text
    }

    fn extensions(&self) -> String {
        let mut text = String::from("[general]\n\n[default]\n");
        for (extension, hint) in &self.extensions {
            let _ = writeln!(text, "exten => {extension},hint,{hint}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_and_endpoints_are_written() {
        let office = Office {
            extensions: vec![("1001".into(), "Custom:lamp1".into())],
            endpoints: vec!["alice".into(), "bob".into()],
            login: None,
            register: None,
        };
        let dir = tempfile::tempdir().unwrap();
        office.write(dir.path(), Path::new("/modules"), "127.0.0.1:5070".parse().unwrap()).unwrap();
        let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
        assert!(read("asterisk.conf").contains("astmoddir => /modules\n"));
        assert!(read("extensions.conf").ends_with("[default]\nexten => 1001,hint,Custom:lamp1\n"));
        let pjsip = read("pjsip.conf");
        assert!(pjsip.contains("bind=127.0.0.1:5070\n"));
        assert!(pjsip.ends_with("\n[alice](phone)\n\n[bob](phone)\n"));
        assert!(dir.path().join("run").is_dir());
        let office = Office { register: Some(60), ..office };
        let listen = "127.0.0.1:5070".parse().unwrap();
        let aor = "[bob]\ntype=aor\nmax_contacts=1\nqualify_frequency=60\n";
        assert!(office.pjsip(listen).ends_with(&format!("\n[bob](phone)\naors=bob\n{aor}")));
        let office = Office { login: Some(Algorithm::Md5), ..office };
        let auth = "[bob]\ntype=auth\nusername=bob\npassword=its own: bob\nsupported_algorithms_uas=MD5\n";
        let both = format!("\n[bob](phone)\nauth=bob\naors=bob\n{auth}{aor}");
        assert!(office.pjsip(listen).ends_with(&both));
    }
}
