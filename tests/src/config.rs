//! The configuration of a server.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::build::module_dir;

/// The files of a server's directory. In all of them `{port}` stands for the server's port,
/// `{port2}` for the one above it, which is free too, `{modules}` for the directory of the built
/// modules, and `{directory}` for the server's own.
#[derive(Debug, Clone, Default)]
pub struct Config {
    files: BTreeMap<String, Option<String>>,
}

/// `modules.conf` as at the top level of the project, and the anonymous identifier.
const MODULES: &str = "\
[modules]
autoload=no
load => res_pjsip.so
load => res_pjsip_endpoint_identifier_ip.so
load => res_pjsip_endpoint_identifier_user.so
load => res_pjsip_authenticator_digest.so
load => res_pjsip_acl.so
load => res_security_log.so
load => res_pjsip_registrar.so
load => res_pjsip_nat.so
load => res_pjsip_path.so
load => res_pjsip_pubsub.so
load => res_pjsip_exten_state.so
load => res_pjsip_pidf_body_generator.so
load => res_pjsip_xpidf_body_generator.so
load => res_pjsip_dialog_info_body_generator.so
load => pbx_config.so
load => func_devstate.so
load => func_presencestate.so
";

const ASTERISK: &str = "\
[directories]
astetcdir => .
astmoddir => {modules}
astrundir => run
astlogdir => log
astdbdir => db
[options]
verbose = 5
";

const LOGGER: &str = "\
[general]
dateformat = %F %T
[logfiles]
console = notice,warning,error,verbose
messages = notice,warning,error
security = security
";

const PJSIP: &str = "\
[global]
type=global
user_agent=golden
[udp]
type=transport
protocol=udp
bind=127.0.0.1:{port}
[phone](!)
type=endpoint
context=default
transport=udp
allow=ulaw
[alice](phone)
[bob](phone)
[early](phone)
notify_early_inuse_ringing=yes
[nosub](phone)
allow_subscribe=no
[slow](phone)
sub_min_expiry=60
[secret](phone)
auth=secret
[secret]
type=auth
username=secret
password=secret
";

const EXTENSIONS: &str = "\
[general]
[default]
exten => 1000,hint,Custom:a
exten => 1001,hint,Custom:b
exten => 1002,hint,Custom:a&Custom:b
exten => 1003,hint,Custom:c
exten => _20XX,hint,Custom:p${EXTEN}
exten => 1000,1,NoOp
";

impl Config {
    /// No files at all.
    pub fn empty() -> Self {
        Self::default()
    }

    /// A small office: the extensions 1000 to 1003 and 20XX over Custom: devices; the phones alice
    /// and bob, early (with `notify_early_inuse_ringing`), nosub, slow (`sub_min_expiry`) and secret
    /// (with a password).
    pub fn office() -> Self {
        Self::empty()
            .file("asterisk.conf", ASTERISK)
            .file("modules.conf", MODULES)
            .file("logger.conf", LOGGER)
            .file("pjsip.conf", PJSIP)
            .file("extensions.conf", EXTENSIONS)
    }

    /// The files of a directory as they are.
    pub fn copy_of(directory: &Path) -> Self {
        let entries =
            fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
        entries.filter_map(Result::ok).fold(Self::empty(), |config, entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            if !name.ends_with(".conf") {
                return config;
            }
            let text = fs::read_to_string(entry.path()).expect("a configuration file is text");
            config.file(&name, &text)
        })
    }

    /// Sets a file.
    #[must_use]
    pub fn file(mut self, name: &str, text: &str) -> Self {
        self.files.insert(name.to_owned(), Some(text.to_owned()));
        self
    }

    /// Takes a file away.
    #[must_use]
    pub fn no_file(mut self, name: &str) -> Self {
        self.files.remove(name);
        self
    }

    /// Adds an empty directory in the place of a file.
    #[must_use]
    pub fn directory(mut self, name: &str) -> Self {
        self.files.insert(name.to_owned(), None);
        self
    }

    /// Adds lines to a file.
    #[must_use]
    pub fn append(mut self, name: &str, text: &str) -> Self {
        let file = self.files.entry(name.to_owned()).or_default().get_or_insert_default();
        file.push_str(text);
        self
    }

    /// Replaces a text that must be there.
    #[must_use]
    #[track_caller]
    pub fn replace(self, name: &str, from: &str, to: &str) -> Self {
        let text = self.text(name);
        assert!(text.contains(from), "{name} has no '{from}':\n{text}");
        let text = text.replace(from, to);
        self.file(name, &text)
    }

    /// Leaves a module out of `modules.conf`.
    #[must_use]
    #[track_caller]
    pub fn without(self, module: &str) -> Self {
        self.replace("modules.conf", &format!("load => {module}.so\n"), "")
    }

    /// The text of a file.
    #[track_caller]
    pub fn text(&self, name: &str) -> &str {
        match self.files.get(name) {
            Some(Some(text)) => text,
            _ => panic!("there is no file {name}"),
        }
    }

    /// Writes the files.
    pub(crate) fn write(&self, directory: &Path, port: u16) {
        let values = [
            ("{port}", port.to_string()),
            ("{port2}", (port + 1).to_string()),
            ("{modules}", module_dir().display().to_string()),
            ("{directory}", directory.display().to_string()),
        ];
        for (name, text) in &self.files {
            let path = directory.join(name);
            match text {
                Some(text) => {
                    fs::create_dir_all(path.parent().unwrap_or(directory)).expect("the directory is ours");
                    let text =
                        values.iter().fold(text.clone(), |text, (name, value)| text.replace(name, value));
                    fs::write(&path, text).expect("the directory is ours");
                }
                None => fs::create_dir_all(&path).expect("the directory is ours"),
            }
        }
    }
}
