//! New configuration in a running server, and what stays over its restart.

use std::time::Duration;

use e2e::{Config, Lamp, Message, Phone, Server, Subscribe};
use nix::sys::signal::Signal;

/// An office of many extensions: each has a device of its own, and all are watched by one phone.
struct Office {
    server: Server,
    phone: Phone,
    lamps: Vec<Lamp>,
    /// The device of each extension; none for an extension without a hint.
    devices: Vec<Option<String>>,
}

/// The number of the first extension.
const FIRST: usize = 3000;

fn extensions(devices: &[Option<String>]) -> String {
    let hint = |(at, device): (usize, &Option<String>)| {
        device.as_ref().map(|device| format!("exten => {},hint,{device}\n", FIRST + at))
    };
    let hints: String = devices.iter().enumerate().filter_map(hint).collect();
    format!("[general]\n[default]\n{hints}")
}

impl Office {
    fn start(count: usize) -> Self {
        let devices: Vec<_> = (0..count).map(|at| Some(format!("Custom:d{at}"))).collect();
        let server = Server::start(Config::office().file("extensions.conf", &extensions(&devices)));
        server.devstate("Custom:busy", "INUSE");
        let mut phone = Phone::new(&server, "alice");
        let ask = |at: usize| Subscribe::presence(&(FIRST + at).to_string());
        let lamps = (0..count).map(|at| phone.subscribe(ask(at))).collect();
        let mut office = Self { server, phone, lamps, devices };
        office.assert_subscriptions(count);
        office.assert_sent(count);
        office
    }

    /// Writes `extensions.conf` anew, and more to its end.
    fn write(&self, more: &str) {
        let text = extensions(&self.devices) + more;
        std::fs::write(self.server.boot().path("extensions.conf"), text).expect("the directory is ours");
    }

    /// Exactly so many NOTIFYs have been sent since the start, and all have been accepted.
    #[track_caller]
    fn assert_sent(&mut self, count: usize) {
        self.phone.nothing_for(Duration::from_millis(200));
        assert_eq!(self.server.counter("NOTIFY requests sent"), count as u64);
        self.server.wait_for_counter("NOTIFY requests accepted", count as u64);
        assert_eq!(self.server.counter("Requests sent again"), 0);
    }

    #[track_caller]
    fn assert_subscriptions(&self, count: usize) {
        assert_eq!(self.server.counter("Subscriptions"), count as u64);
    }

    #[track_caller]
    fn notify(&mut self, at: usize) -> &Message {
        self.phone.notify(&mut self.lamps[at])
    }
}

#[test]
fn a_reload_tells_the_lamps_that_change_and_no_other() {
    let mut office = Office::start(1000);

    // Ten look at another device, in another state.
    let moved: Vec<_> = (0..1000).step_by(100).collect();
    for at in &moved {
        office.devices[*at] = Some("Custom:busy".to_owned());
    }
    // And one at another device in the same state: nothing that a lamp shows.
    office.devices[555] = Some("Custom:idle".to_owned());
    office.write("");
    assert_eq!(office.server.run("dialplan reload"), "Dialplan reloaded.\n");
    for at in &moved {
        let notify = office.notify(*at);
        assert!(notify.body().contains("On the phone"), "{notify}");
        assert!(notify.body().contains(&format!("sip:{}@", FIRST + at)), "{notify}");
    }
    office.assert_sent(1010);

    // Five hints are gone.
    let gone: Vec<_> = (50..1000).step_by(200).collect();
    for at in &gone {
        office.devices[*at] = None;
    }
    office.write("");
    office.server.run("dialplan reload");
    for at in &gone {
        let state = office.notify(*at).header("Subscription-State").to_owned();
        assert_eq!(state, "terminated;reason=noresource");
    }
    office.assert_sent(1015);
    office.assert_subscriptions(995);
    let ask = Subscribe::presence(&(FIRST + gone[0]).to_string());
    assert_eq!(office.phone.status(&ask), 404);
    // Lamps that a reload did not change still work.
    office.server.devstate("Custom:d7", "RINGING");
    assert!(office.notify(7).body().contains("Ringing"));

    // A file that is the same changes nothing.
    office.server.run("dialplan reload");
    office.assert_sent(1016);
    office.server.stop();
}

#[test]
fn a_file_with_a_syntax_error_changes_nothing() {
    let mut office = Office::start(20);
    let before = office.server.run("core show hints");
    office.devices[3] = Some("Custom:busy".to_owned());
    office.devices[4] = None;
    office.write("[default\nexten => 5000,hint,Custom:x\n");
    // Two lines come before the hints, of which there are nineteen.
    let place = "extensions.conf:22:";
    for command in ["dialplan reload", "dialplan reload check", "module reload pbx_config"] {
        let (text, status) = office.server.cli(command);
        assert_eq!(status, 1, "{command}: {text}");
        assert!(text.contains(place), "{command}: {text}");
    }
    office.assert_sent(20);
    assert_eq!(office.server.run("core show hints"), before);
    office.server.devstate("Custom:d3", "INUSE");
    assert!(office.notify(3).body().contains("On the phone"), "its old device counts");
    office.server.devstate("Custom:d4", "ONHOLD");
    assert!(office.notify(4).body().contains("On hold"));

    // A file that is not there is no better.
    std::fs::remove_file(office.server.boot().path("extensions.conf")).expect("it is there");
    let (text, status) = office.server.cli("dialplan reload");
    assert_eq!(status, 1);
    assert!(text.contains("extensions.conf: no such file"), "{text}");
    office.assert_sent(22);
    office.assert_subscriptions(20);
    office.server.stop();
}

#[test]
fn a_check_tells_what_a_reload_would_do_and_does_nothing() {
    let mut office = Office::start(20);
    let before = office.server.run("core show hints");
    office.devices[3] = Some("Custom:busy".to_owned());
    office.devices[4] = None;
    office.devices[5] = Some("Custom:idle".to_owned());
    office.write("exten => 5000,hint,Custom:x\n");
    let text = office.server.run("dialplan reload check");
    let words: Vec<_> =
        text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(
        words,
        [
            "changed 3003@default Custom:d3 -> Custom:busy; Idle/not_set -> InUse/not_set on 1 lamp(s)",
            "removed 3004@default ends 1 subscription(s)",
            "changed 3005@default Custom:d5 -> Custom:idle; no lamp changes",
            "added 5000@default Custom:x",
            "1 hint(s) added, 1 removed, 2 changed; 2 lamp(s) would change or end. Nothing has been changed.",
        ],
        "{text}"
    );
    assert_eq!(office.server.run("core show hints"), before);
    office.assert_sent(20);

    // It has told the truth.
    office.server.run("dialplan reload");
    assert!(office.notify(3).body().contains("On the phone"));
    assert_eq!(office.notify(4).header("Subscription-State"), "terminated;reason=noresource");
    office.assert_sent(22);
    let text = office.server.run("dialplan reload check");
    assert!(text.starts_with("0 hint(s) added, 0 removed, 0 changed; 0 lamp(s)"), "{text}");
    office.server.stop();
}

#[test]
fn a_pattern_keeps_its_lamps_over_a_reload() {
    let server = Server::start(Config::office());
    server.devstate("Custom:q2001", "INUSE");
    let mut phone = Phone::new(&server, "alice");
    let mut lamps = ["2001", "2002"].map(|exten| phone.subscribe(Subscribe::presence(exten)));
    let config = Config::office().replace("extensions.conf", "Custom:p${EXTEN}", "Custom:q${EXTEN}");
    let file = server.boot().path("extensions.conf");
    std::fs::write(&file, config.text("extensions.conf")).expect("the directory is ours");
    server.run("dialplan reload");
    assert!(phone.notify(&mut lamps[0]).body().contains("On the phone"));
    phone.nothing_for(Duration::from_millis(200));
    server.devstate("Custom:p2002", "INUSE");
    phone.nothing_for(Duration::from_millis(200));
    server.devstate("Custom:q2002", "RINGING");
    assert!(phone.notify(&mut lamps[1]).body().contains("Ringing"));
    let config = config.replace("extensions.conf", "_20XX", "_200[2-9]");
    std::fs::write(&file, config.text("extensions.conf")).expect("the directory is ours");
    server.run("dialplan reload");
    let last = phone.notify(&mut lamps[0]);
    assert_eq!(last.header("Subscription-State"), "terminated;reason=noresource");
    phone.nothing_for(Duration::from_millis(200));
    server.stop();
}

#[test]
fn sighup_reloads() {
    let mut office = Office::start(3);
    office.devices[1] = Some("Custom:busy".to_owned());
    office.write("");
    office.server.process().signal(Signal::SIGHUP);
    assert!(office.notify(1).body().contains("On the phone"));
    // It is no end: whatever is wrong with the files, the server goes on.
    office.write("[default\n");
    office.server.process().signal(Signal::SIGHUP);
    office.server.wait_for_log("extensions.conf:6:", 1);
    office.assert_sent(4);
    office.server.stop();
}

/// Modules that have files to read, each once, in Asterisk's words.
#[test]
fn core_reload_has_a_line_for_each_module() {
    let mut office = Office::start(3);
    office.devices[1] = Some("Custom:busy".to_owned());
    office.write("");
    let text = office.server.run("core reload");
    let shown = office.server.run("module show");
    let mut names = Vec::new();
    for line in text.lines() {
        let name =
            line.strip_prefix("Module '").and_then(|rest| rest.strip_suffix("' reloaded successfully."));
        let name = name.unwrap_or_else(|| panic!("{text}"));
        assert!(shown.contains(&format!("{name}.so ")), "{name}: {shown}");
        assert!(!names.contains(&name), "{text}");
        names.push(name);
    }
    assert!(names.contains(&"pbx_config"), "{text}");
    assert!(office.notify(1).body().contains("On the phone"));
    office.write("[default\n");
    let (failed, status) = office.server.cli("core reload");
    assert_eq!(status, 1, "{failed}");
    let mut lines = failed.lines().skip_while(|line| !line.contains("pbx_config"));
    assert_eq!(lines.next(), Some("The module 'pbx_config' reported a reload failure"), "{failed}");
    assert!(lines.next().is_some_and(|why| why.starts_with("extensions.conf:6:")), "{failed}");
    assert!(failed.ends_with("\nCommand 'core reload' failed.\n"), "{failed}");
    assert_eq!(failed.lines().count(), names.len() + 2, "the others are reloaded: {failed}");
    assert_eq!(office.server.cli("module reload").1, 1);
    office.assert_sent(4);
    office.server.stop();
}

#[test]
fn custom_states_survive_a_restart() {
    let config =
        Config::office().append("extensions.conf", "exten => 1010,hint,Custom:a,CustomPresence:dave\n");
    let mut server = Server::start(config);
    server.devstate("Custom:a", "INUSE");
    server.devstate("Custom:b", "RINGING");
    server.devstate("Custom:gone", "BUSY");
    server.devstate("Custom:p2042", "ONHOLD");
    server.run("presencestate change CustomPresence:dave away,,lunch");
    let before =
        [server.run("devstate list"), server.run("presencestate list"), server.run("core show hints")];
    assert!(before[1].contains("lunch"), "{}", before[1]);
    server = server.restart();
    let after = [server.run("devstate list"), server.run("presencestate list")];
    assert_eq!(after, before[..2]);
    let mut phone = Phone::new(&server, "alice");
    for (exten, note) in
        [("1000", "On the phone"), ("1001", "Ringing"), ("2042", "On hold"), ("1003", "Ready")]
    {
        let lamp = phone.subscribe(Subscribe::presence(exten));
        assert!(lamp.last.body().contains(&format!("<note>{note}</note>")), "{exten}: {}", lamp.last);
    }
    // The newest state counts, however often it changed.
    for state in ["BUSY", "ONHOLD", "UNAVAILABLE"] {
        server.devstate("Custom:a", state);
    }
    server = server.restart();
    let lamp = Phone::new(&server, "alice").subscribe(Subscribe::presence("1000"));
    assert!(lamp.last.body().contains("Unavailable"), "{}", lamp.last);
    server.stop();
}
