//! `asterisk.conf`: directories, control socket, options.
//!
//! ```text
//! [directories]
//! astetcdir => .            ; relative paths count from the directory of this file
//! astmoddir => target/release
//! [files]
//! astctlpermissions = 0660
//! [options]
//! verbose = 3
//! ```

use std::path::{Path, PathBuf};

use conf::{Config, Diagnostic, LoadError, Section, Severity};

use crate::args::Args;

/// Where a server that is told nothing looks for its files.
const DEFAULT_CONFIG: &str = "/etc/starling/asterisk.conf";

/// What `asterisk.conf` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) config_file: PathBuf,
    pub(crate) etc_dir: PathBuf,
    pub(crate) module_dir: PathBuf,
    pub(crate) run_dir: PathBuf,
    pub(crate) log_dir: PathBuf,
    /// Where the store is.
    pub(crate) db_dir: PathBuf,
    /// Name of the control socket in `run_dir`.
    pub(crate) control: String,
    pub(crate) control_permissions: Option<u32>,
    pub(crate) control_owner: Option<String>,
    pub(crate) control_group: Option<String>,
    pub(crate) verbose: u32,
    pub(crate) debug: u32,
    pub(crate) execute_includes: bool,
    pub(crate) foreground: bool,
    pub(crate) background: bool,
    pub(crate) console: bool,
    pub(crate) quiet: bool,
    pub(crate) no_colour: bool,
    pub(crate) timestamps: bool,
    pub(crate) dump_core: bool,
    pub(crate) max_files: Option<u64>,
    pub(crate) user: Option<String>,
    pub(crate) group: Option<String>,
    pub(crate) system_name: String,
}

impl Settings {
    /// The defaults, as if the file at `config_file` said nothing.
    fn new(config_file: PathBuf) -> Self {
        Self {
            config_file,
            etc_dir: "/etc/starling".into(),
            module_dir: "/usr/lib/starling/modules".into(),
            run_dir: "/var/run/starling".into(),
            log_dir: "/var/log/starling".into(),
            db_dir: "/var/lib/starling".into(),
            control: "asterisk.ctl".into(),
            control_permissions: None,
            control_owner: None,
            control_group: None,
            verbose: 0,
            debug: 0,
            execute_includes: false,
            foreground: false,
            background: false,
            console: false,
            quiet: false,
            no_colour: false,
            timestamps: false,
            dump_core: false,
            max_files: None,
            user: None,
            group: None,
            system_name: String::new(),
        }
    }

    /// Reads the file. As in Asterisk a bad one is reported and the defaults are used; but a file
    /// that was asked for by `-C` and is not there is an error.
    pub(crate) fn load(
        file: Option<&Path>,
        execute_includes: bool,
    ) -> Result<(Self, Vec<Diagnostic>), LoadError> {
        let path = file.unwrap_or(Path::new(DEFAULT_CONFIG));
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let directory = path.parent().unwrap_or(Path::new("/")).to_owned();
        let mut settings = Self::new(path.clone());
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        match conf::Loader::new(&directory).exec(execute_includes).load(&name) {
            Ok(config) => {
                let mut remarks = config.diagnostics.clone();
                settings.apply(&config, &directory, &mut remarks);
                Ok((settings, remarks))
            }
            Err(LoadError::Invalid { diagnostics }) => Ok((settings, diagnostics)),
            Err(error) if file.is_some() => Err(error),
            Err(_) => Ok((settings, Vec::new())),
        }
    }

    /// What the command line says counts more.
    pub(crate) fn override_by(&mut self, args: &Args) {
        self.foreground |= args.foreground || args.background_child;
        self.background |= args.background;
        self.console |= args.console;
        self.dump_core |= args.dump_core;
        if args.user.is_some() {
            self.user.clone_from(&args.user);
        }
        if args.group.is_some() {
            self.group.clone_from(&args.group);
        }
    }

    /// Whether the server leaves the terminal.
    pub(crate) fn in_background(&self) -> bool {
        self.background || !(self.foreground || self.console)
    }

    /// The control socket.
    pub(crate) fn control_socket(&self) -> PathBuf {
        self.run_dir.join(&self.control)
    }

    fn apply(&mut self, config: &Config, directory: &Path, remarks: &mut Vec<Diagnostic>) {
        for section in config.sections() {
            match section.name.to_ascii_lowercase().as_str() {
                "directories" => self.directories(section, directory),
                "files" => self.files(section, remarks),
                "options" => self.options(section, remarks),
                _ => {}
            }
        }
    }

    fn directories(&mut self, section: &Section, directory: &Path) {
        let path = |name: &str| section.value(name).filter(|v| !v.is_empty()).map(|v| directory.join(v));
        let set = |field: &mut PathBuf, name: &str| {
            if let Some(path) = path(name) {
                *field = path;
            }
        };
        set(&mut self.etc_dir, "astetcdir");
        set(&mut self.module_dir, "astmoddir");
        set(&mut self.run_dir, "astrundir");
        set(&mut self.log_dir, "astlogdir");
        set(&mut self.db_dir, "astdbdir");
    }

    fn files(&mut self, section: &Section, remarks: &mut Vec<Diagnostic>) {
        let text = |name: &str| section.value(name).filter(|v| !v.is_empty()).map(str::to_owned);
        if let Some(name) = text("astctl") {
            self.control = name;
        }
        self.control_owner = text("astctlowner");
        self.control_group = text("astctlgroup");
        if let Some(entry) = section.get("astctlpermissions") {
            match u32::from_str_radix(&entry.value, 8) {
                Ok(mode) if mode <= 0o777 => self.control_permissions = Some(mode),
                _ => remarks.push(bad(entry, "permissions in octal, such as 0660")),
            }
        }
    }

    fn options(&mut self, section: &Section, remarks: &mut Vec<Diagnostic>) {
        for (name, field) in [
            ("execincludes", &mut self.execute_includes),
            ("nofork", &mut self.foreground),
            ("alwaysfork", &mut self.background),
            ("console", &mut self.console),
            ("quiet", &mut self.quiet),
            ("nocolor", &mut self.no_colour),
            ("timestamp", &mut self.timestamps),
            ("dumpcore", &mut self.dump_core),
        ] {
            if let Some(entry) = section.get(name) {
                match conf::parse_bool(&entry.value) {
                    Some(value) => *field = value,
                    None => remarks.push(bad(entry, "yes or no")),
                }
            }
        }
        for (name, field) in [("verbose", &mut self.verbose), ("debug", &mut self.debug)] {
            if let Some(entry) = section.get(name) {
                // A word such as `yes` means 1, as in Asterisk.
                match entry.value.parse().ok().or(conf::parse_bool(&entry.value).map(u32::from)) {
                    Some(value) => *field = value,
                    None => remarks.push(bad(entry, "a number")),
                }
            }
        }
        if let Some(entry) = section.get("maxfiles") {
            match entry.value.parse() {
                Ok(value) => self.max_files = Some(value),
                Err(_) => remarks.push(bad(entry, "a number")),
            }
        }
        let text = |name: &str| section.value(name).filter(|v| !v.is_empty()).map(str::to_owned);
        self.user = text("runuser");
        self.group = text("rungroup");
        self.system_name = text("systemname").unwrap_or_default();
    }
}

fn bad(entry: &conf::Entry, expected: &str) -> Diagnostic {
    let message = format!("{} = {}: expected {expected}; the default is used", entry.name, entry.value);
    Diagnostic { severity: Severity::Warning, pos: Some(entry.pos.clone()), message }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> (Settings, Vec<String>, tempfile::TempDir) {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("asterisk.conf");
        std::fs::write(&file, text).unwrap();
        let (settings, remarks) = Settings::load(Some(&file), false).unwrap();
        (settings, remarks.iter().map(ToString::to_string).collect(), dir)
    }

    #[test]
    fn relative_paths_count_from_the_file() {
        let (settings, remarks, dir) = load(
            "[directories]\nastetcdir => .\nastrundir = run\nastlogdir => /var/log/x\n[options]\nverbose = 3\n",
        );
        assert_eq!(settings.etc_dir, dir.path().join("."));
        assert_eq!(settings.control_socket(), dir.path().join("run/asterisk.ctl"));
        assert_eq!(settings.log_dir, Path::new("/var/log/x"));
        assert_eq!(settings.verbose, 3);
        assert!(remarks.is_empty(), "{remarks:?}");
    }

    #[test]
    fn a_template_section_says_nothing() {
        let (settings, _, _dir) = load("[directories](!)\nastetcdir => /x\n");
        assert_eq!(settings.etc_dir, Path::new("/etc/starling"));
    }

    #[test]
    fn a_bad_value_is_named_with_its_place() {
        let (settings, remarks, _dir) =
            load("[files]\nastctlpermissions = rw\n[options]\nnofork = perhaps\n");
        assert_eq!((settings.control_permissions, settings.foreground), (None, false));
        assert_eq!(remarks.len(), 2);
        assert!(remarks[1].starts_with("asterisk.conf:4:"), "{remarks:?}");
    }

    #[test]
    fn a_file_that_was_asked_for_must_be_there() {
        assert!(Settings::load(Some(Path::new("/nonexistent/asterisk.conf")), false).is_err());
    }
}
