//! The process: background, user, limits.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::{Group, User, dup2_stderr, dup2_stdin, dup2_stdout, initgroups, setgid, setsid, setuid};

use crate::settings::Settings;

/// Starts the server as a process of its own, waits until it has booted or failed, and gives the
/// status to exit with. Errors of the start are seen where it was called from.
pub(crate) fn start_in_background() -> std::io::Result<ExitCode> {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let mut child = Command::new(std::env::current_exe()?)
        .args(["-f", "--background-child"])
        .args(arguments.iter().filter(|a| *a != "-F"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut text = String::new();
    if let Some(mut output) = child.stdout.take() {
        output.read_to_string(&mut text)?;
    }
    if let Some(text) = text.strip_suffix(BOOTED) {
        print!("{text}");
        return Ok(ExitCode::SUCCESS);
    }
    print!("{text}");
    let status = child.wait()?;
    Ok(ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)))
}

/// The last thing that a child says on its standard output when it has booted.
const BOOTED: &str = "\0booted";

/// In the child: leaves the terminal. Called before anything else.
pub(crate) fn leave_terminal() {
    // Fails only for the leader of a process group, which a child is not.
    let _ = setsid();
}

/// In the child: tells the parent that the boot is done, and lets go of standard input and output.
pub(crate) fn close_standard_files() -> std::io::Result<()> {
    let mut output = std::io::stdout();
    output.write_all(BOOTED.as_bytes())?;
    output.flush()?;
    let null = std::fs::OpenOptions::new().read(true).write(true).open("/dev/null")?;
    dup2_stdin(&null)?;
    dup2_stdout(&null)?;
    dup2_stderr(&null)?;
    Ok(())
}

/// `-g`, `maxfiles` (without it, as many files as the system allows), `-U` and `-G`.
pub(crate) fn apply(settings: &Settings) -> Result<(), String> {
    if settings.dump_core
        && let Ok((_, hard)) = getrlimit(Resource::RLIMIT_CORE)
    {
        setrlimit(Resource::RLIMIT_CORE, hard, hard)
            .map_err(|error| format!("cannot allow core dumps: {error}"))?;
    }
    if let Some(files) = settings.max_files {
        let hard = getrlimit(Resource::RLIMIT_NOFILE).map_or(files, |(_, hard)| hard.max(files));
        setrlimit(Resource::RLIMIT_NOFILE, files, hard)
            .map_err(|error| format!("cannot set maxfiles = {files}: {error}"))?;
    } else if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && soft < hard
    {
        // Each phone on TCP is a file. It does no harm if the system says no.
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
    make_directories(settings)?;
    change_user(settings)
}

/// Makes the directories that the server writes to, owned by the user that it will be.
fn make_directories(settings: &Settings) -> Result<(), String> {
    let directories =
        [("astrundir", &settings.run_dir), ("astlogdir", &settings.log_dir), ("astdbdir", &settings.db_dir)];
    for (name, directory) in directories {
        std::fs::create_dir_all(directory)
            .map_err(|error| format!("cannot make {name} {}: {error}", directory.display()))?;
        own(settings, directory)?;
    }
    Ok(())
}

fn own(settings: &Settings, path: &Path) -> Result<(), String> {
    let (user, group) = (find_user(settings)?, find_group(settings)?);
    if user.is_none() && group.is_none() {
        return Ok(());
    }
    nix::unistd::chown(path, user.map(|u| u.uid), group.map(|g| g.gid))
        .map_err(|error| format!("cannot give {} away: {error}", path.display()))
}

fn change_user(settings: &Settings) -> Result<(), String> {
    let (user, group) = (find_user(settings)?, find_group(settings)?);
    let gid = group.map(|group| group.gid).or(user.as_ref().map(|user| user.gid));
    let failed = |what: &str, error| format!("cannot {what}: {error} (only root can)");
    if let Some(gid) = gid {
        setgid(gid).map_err(|error| failed("change the group", error))?;
    }
    if let Some(user) = user {
        let name = std::ffi::CString::new(user.name.clone()).map_err(|error| error.to_string())?;
        initgroups(&name, gid.unwrap_or(user.gid))
            .map_err(|error| failed("take the user's groups", error))?;
        setuid(user.uid).map_err(|error| failed("change the user", error))?;
    }
    Ok(())
}

fn find_user(settings: &Settings) -> Result<Option<User>, String> {
    let Some(name) = &settings.user else { return Ok(None) };
    match User::from_name(name) {
        Ok(Some(user)) => Ok(Some(user)),
        Ok(None) => Err(format!("there is no user '{name}' (-U, runuser)")),
        Err(error) => Err(format!("user '{name}': {error}")),
    }
}

fn find_group(settings: &Settings) -> Result<Option<Group>, String> {
    let Some(name) = &settings.group else { return Ok(None) };
    match Group::from_name(name) {
        Ok(Some(group)) => Ok(Some(group)),
        Ok(None) => Err(format!("there is no group '{name}' (-G, rungroup)")),
        Err(error) => Err(format!("group '{name}': {error}")),
    }
}
