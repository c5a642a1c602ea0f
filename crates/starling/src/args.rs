//! The command line, with Asterisk's letters.

use std::path::PathBuf;

use clap::{ArgAction, Parser};

/// A SIP presence server that reads Asterisk's files and answers Asterisk's commands.
///
/// Without -r or -x the server is started; it goes to the background unless -f or -c is given.
#[derive(Debug, Clone, Parser)]
#[command(name = "starling", version, disable_version_flag = true)]
pub(crate) struct Args {
    /// Use this configuration file
    #[arg(short = 'C', value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Stay in the foreground with a console
    #[arg(short = 'c')]
    pub(crate) console: bool,
    /// Stay in the foreground
    #[arg(short = 'f')]
    pub(crate) foreground: bool,
    /// Go to the background whatever else is said
    #[arg(short = 'F')]
    pub(crate) background: bool,
    /// Dump core on a crash
    #[arg(short = 'g')]
    pub(crate) dump_core: bool,
    /// Run as this group
    #[arg(short = 'G', value_name = "GROUP")]
    pub(crate) group: Option<String>,
    /// Run as this user
    #[arg(short = 'U', value_name = "USER")]
    pub(crate) user: Option<String>,
    /// No colours on the console
    #[arg(short = 'n')]
    pub(crate) no_colour: bool,
    /// No log lines on the console
    #[arg(short = 'm')]
    pub(crate) mute: bool,
    /// Print nothing while starting
    #[arg(short = 'q')]
    pub(crate) quiet: bool,
    /// Time on console lines
    #[arg(short = 'T')]
    pub(crate) timestamps: bool,
    /// Connect to the running server
    #[arg(short = 'r')]
    pub(crate) remote: bool,
    /// Connect to the running server, again whenever the connection is lost
    #[arg(short = 'R')]
    pub(crate) reconnect: bool,
    /// Run one command on the running server (implies -r); not 0 if the command fails
    #[arg(short = 'x', value_name = "COMMAND")]
    pub(crate) execute: Option<String>,
    /// The control socket, with -r
    #[arg(short = 's', value_name = "SOCKET")]
    pub(crate) socket: Option<PathBuf>,
    /// More messages on the console; may be repeated
    #[arg(short = 'v', action = ArgAction::Count)]
    pub(crate) verbose: u8,
    /// More messages for developers; may be repeated
    #[arg(short = 'd', action = ArgAction::Count)]
    pub(crate) debug: u8,
    /// Print the version
    #[arg(short = 'V')]
    pub(crate) version: bool,
    /// Allow #exec in configuration files
    #[arg(short = 'X')]
    pub(crate) execute_includes: bool,
    /// Say what a module file is, and why it would be refused
    #[arg(long, value_name = "FILE")]
    pub(crate) check_module: Option<PathBuf>,
    /// Read all configuration files, say what is wrong in them, and exit; not 0 if anything is
    #[arg(long)]
    pub(crate) check_config: bool,
    /// Set by the process that waits in the foreground until its child has booted
    #[arg(long, hide = true)]
    pub(crate) background_child: bool,
    /// Letters of Asterisk that mean nothing here: -B -i -I -L N -M N -p -t -W
    #[command(flatten)]
    pub(crate) ignored: Ignored,
}

/// Accepted so that scripts written for Asterisk start Starling unchanged.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Ignored {
    #[arg(short = 'B', hide = true)]
    light_background: bool,
    #[arg(short = 'i', hide = true)]
    init_keys: bool,
    #[arg(short = 'I', hide = true)]
    internal_timing: bool,
    #[arg(short = 'L', hide = true, value_name = "LOAD")]
    load_limit: Option<f64>,
    #[arg(short = 'M', hide = true, value_name = "CALLS")]
    call_limit: Option<u32>,
    #[arg(short = 'p', hide = true)]
    realtime: bool,
    #[arg(short = 't', hide = true)]
    record_temporarily: bool,
    #[arg(short = 'W', hide = true)]
    dark_background: bool,
}

impl Args {
    /// Whether the command talks to a running server.
    pub(crate) fn is_remote(&self) -> bool {
        self.remote || self.reconnect || self.execute.is_some()
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Args {
        Args::try_parse_from(line.split(' ')).unwrap()
    }

    #[test]
    fn the_definition_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn letters_may_be_joined_as_with_asterisk() {
        let args = parse("starling -vvvddgc -C /etc/x/asterisk.conf");
        assert_eq!((args.verbose, args.debug, args.dump_core, args.console), (3, 2, true, true));
        let args = Args::try_parse_from(["starling", "-rx", "core show hints"]).unwrap();
        assert!(args.is_remote());
        assert_eq!(args.execute.as_deref(), Some("core show hints"));
        parse("starling -f -g -q -m -n -C asterisk.conf");
        parse("starling -fipTBU www -G www -L 3.5 -M 20");
    }

    #[test]
    fn a_wrong_letter_is_an_error() {
        assert!(Args::try_parse_from(["starling", "-Z"]).is_err());
    }
}
