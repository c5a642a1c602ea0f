//! `modules.conf`: what is not loaded does not exist, and everything else works.

use std::net::UdpSocket;

use e2e::{Boot, Config, Phone, Server, Subscribe};

const NO_COMMAND: &str = "No such command";

/// What the office can do with all its modules; a test names what is different without one of them.
struct Expected {
    /// `pidf`, `xpidf`, `cpim-pidf`, `dialog-info`; the first three in event `presence`.
    bodies: [u16; 4],
    /// OPTIONS to the server itself.
    options: u16,
    /// The first words of commands that are not there.
    missing: &'static [&'static str],
}

const EVERYTHING: Expected = Expected { bodies: [200; 4], options: 200, missing: &[] };

const COMMANDS: [&str; 7] = [
    "devstate list",
    "dialplan show",
    "pjsip show endpoints",
    "pjsip show stats",
    "pjsip show subscriptions inbound",
    "core show hints",
    "module show",
];

/// Leaves one module out of `modules.conf` and looks at everything.
fn without(module: &str, expected: &Expected) -> Server {
    let server = Server::start(Config::office().without(module));
    let listed = server.run(&format!("module show like {module}.so"));
    assert!(listed.ends_with("0 modules loaded\n"), "{listed}");
    let mut phone = Phone::new(&server, "alice");
    let accept = |subtype| Subscribe::presence("1000").accept(&format!("application/{subtype}+xml"));
    let asks = [accept("pidf"), accept("xpidf"), accept("cpim-pidf"), Subscribe::dialog("1000")];
    assert_eq!(asks.map(|ask| phone.status(&ask)), expected.bodies);
    assert_eq!(phone.options().status(), expected.options);
    for command in COMMANDS {
        let (text, status) = server.cli(command);
        let is_missing = expected.missing.contains(&command);
        assert_eq!(
            (text.starts_with(NO_COMMAND), status != 0),
            (is_missing, is_missing),
            "{command}: {text}"
        );
    }
    server
}

#[test]
fn all_ten_modules_run() {
    let server = Server::start(Config::office());
    let table = server.run("module show");
    assert_eq!(table.matches(" Running ").count(), 10, "{table}");
    assert!(table.ends_with("\n10 modules loaded\n"), "{table}");
    server.stop();
}

/// The whole SIP side is gone: nobody listens, and what needs `res_pjsip` says so once.
#[test]
fn without_res_pjsip_there_is_no_sip() {
    let server = Server::start(Config::office().without("res_pjsip"));
    UdpSocket::bind(server.address()).expect("nobody listens there");
    for command in COMMANDS {
        let (text, _) = server.cli(command);
        assert_eq!(text.starts_with(NO_COMMAND), command.starts_with("pjsip"), "{command}: {text}");
    }
    server.devstate("Custom:a", "INUSE");
    assert!(
        server.run("core show hint 1000").contains("State:InUse"),
        "{}",
        server.run("core show hint 1000")
    );
    let table = server.run("module show");
    assert_eq!(table.matches("Not Running").count(), 7, "{table}");
    let log = server.stop();
    assert_eq!(
        log.matches("module res_pjsip_pubsub does not run: it requires res_pjsip, which is not loaded")
            .count(),
        1,
        "{log}"
    );
}

#[test]
fn without_the_user_identifier_nobody_is_known() {
    without("res_pjsip_endpoint_identifier_user", &Expected { bodies: [401; 4], options: 401, ..EVERYTHING })
        .stop();
}

#[test]
fn without_the_ip_identifier_addresses_say_nothing() {
    without("res_pjsip_endpoint_identifier_ip", &EVERYTHING).stop();
    let office = Config::office()
        .append("pjsip.conf", "[lobby](phone)\n[lobby]\ntype=identify\nendpoint=lobby\nmatch=127.0.0.1\n");
    for (config, status) in [(office.clone(), 200), (office.without("res_pjsip_endpoint_identifier_ip"), 401)]
    {
        let server = Server::start(config);
        assert_eq!(Phone::new(&server, "nobody").status(&Subscribe::presence("1000")), status);
        server.stop();
    }
}

#[test]
fn only_the_anonymous_identifier_lets_anybody_in() {
    let office = Config::office().append("pjsip.conf", "[anonymous](phone)\n");
    let anonymous = "load => res_pjsip_endpoint_identifier_anonymous.so\n";
    for (config, status) in [(office.clone(), 401), (office.append("modules.conf", anonymous), 200)] {
        let server = Server::start(config);
        assert_eq!(Phone::new(&server, "nobody").status(&Subscribe::presence("1000")), status);
        server.stop();
    }
    // Without an endpoint of that name the module lets nobody in.
    let server = Server::start(Config::office().append("modules.conf", anonymous));
    assert_eq!(Phone::new(&server, "nobody").status(&Subscribe::presence("1000")), 401);
    server.stop();
}

#[test]
fn without_pubsub_subscribe_is_not_implemented() {
    let missing = &["pjsip show subscriptions inbound"];
    let server = without("res_pjsip_pubsub", &Expected { bodies: [501; 4], missing, ..EVERYTHING });
    let answer = Phone::new(&server, "alice").try_subscribe(&Subscribe::presence("1000")).1;
    assert_eq!(answer.header("Allow"), "OPTIONS");
    assert_eq!(Phone::new(&server, "alice").options().header("Allow"), "OPTIONS");
    server.stop();
}

#[test]
fn without_exten_state_there_is_no_event() {
    let server = without("res_pjsip_exten_state", &Expected { bodies: [489; 4], ..EVERYTHING });
    let answer = Phone::new(&server, "alice").try_subscribe(&Subscribe::presence("1000")).1;
    // There is nothing that it could name.
    assert_eq!(answer.find("Allow-Events"), None, "{answer}");
    server.stop();
}

#[test]
fn without_a_body_generator_its_body_is_not_made() {
    for (module, bodies, accept) in [
        ("res_pjsip_pidf_body_generator", [489, 200, 200, 200], "application/pidf+xml"),
        ("res_pjsip_xpidf_body_generator", [200, 489, 489, 200], "application/xpidf+xml"),
        ("res_pjsip_dialog_info_body_generator", [200, 200, 200, 489], "application/dialog-info+xml"),
    ] {
        let server = without(module, &Expected { bodies, ..EVERYTHING });
        let answer =
            Phone::new(&server, "alice").try_subscribe(&Subscribe::presence("1000").accept(accept)).1;
        assert_eq!(answer.header("Allow-Events"), "presence, dialog");
        // A phone that takes another body gets that.
        let both = format!("{accept}, application/pidf+xml;q=0.3, application/dialog-info+xml;q=0.2");
        let lamp = Phone::new(&server, "alice").subscribe(Subscribe::presence("1000").accept(&both));
        assert_ne!(lamp.last.header("Content-Type"), accept);
        server.stop();
    }
}

#[test]
fn without_pbx_config_there_are_no_extensions() {
    let server =
        without("pbx_config", &Expected { bodies: [404; 4], missing: &["dialplan show"], ..EVERYTHING });
    assert!(
        server.run("core show hints").contains("- 0 hints registered")
            || server.run("core show hints").contains("no registered")
    );
    server.stop();
}

#[test]
fn without_func_devstate_custom_devices_are_unavailable() {
    let server = without("func_devstate", &Expected { missing: &["devstate list"], ..EVERYTHING });
    assert!(server.cli("devstate change Custom:a INUSE").0.starts_with(NO_COMMAND));
    let hint = server.run("core show hint 1000");
    assert!(hint.contains("State:Unavailable"), "{hint}");
    let mut phone = Phone::new(&server, "alice");
    let lamp = phone.subscribe(Subscribe::presence("1000"));
    assert!(lamp.last.body().contains("<note>Unavailable</note>"), "{}", lamp.last);
    let log = server.stop();
    assert!(log.contains("hint 1000@default names Custom:a, which no loaded module knows"), "{log}");
}

#[test]
fn names_need_no_suffix_and_case_does_not_count() {
    let config = Config::office();
    let text = config
        .text("modules.conf")
        .replace(".so", "")
        .replace("load => func_devstate", "load => FUNC_DEVSTATE.SO");
    let server = Server::start(config.file("modules.conf", &text));
    let table = server.run("module show");
    assert!(table.contains("\nfunc_devstate.so ") && table.ends_with("\n10 modules loaded\n"), "{table}");
    assert_eq!(Phone::new(&server, "alice").status(&Subscribe::presence("1000")), 200);
    server.stop();
}

#[test]
fn autoload_takes_everything_but_what_noload_names() {
    let server = Server::start(Config::office().file("modules.conf", "[modules]\nautoload=yes\n"));
    let table = server.run("module show");
    assert!(table.ends_with("\n11 modules loaded\n"), "{table}");
    assert!(table.contains("res_pjsip_endpoint_identifier_anonymous.so"), "{table}");
    server.stop();
    let text =
        "[modules]\nautoload=yes\nnoload => res_pjsip_xpidf_body_generator\nnoload => func_devstate.so\n";
    let server = Server::start(Config::office().file("modules.conf", text));
    let table = server.run("module show");
    assert!(table.ends_with("\n9 modules loaded\n"), "{table}");
    let mut phone = Phone::new(&server, "alice");
    assert_eq!(phone.status(&Subscribe::presence("1000").accept("application/xpidf+xml")), 489);
    assert_eq!(phone.status(&Subscribe::presence("1000")), 200);
    server.stop();
}

/// `noload` counts more than `load`, wherever it stands.
#[test]
fn noload_overrules_load() {
    let server = Server::start(Config::office().replace(
        "modules.conf",
        "autoload=no\n",
        "autoload=no\nnoload => pbx_config\n",
    ));
    assert_eq!(Phone::new(&server, "alice").status(&Subscribe::presence("1000")), 404);
    server.stop();
}

/// Whatever the order of the lines, what a module requires is started before it, and `preload` first.
#[test]
fn modules_start_in_the_order_of_their_requirements() {
    let config = Config::office();
    let mut lines: Vec<_> = config.text("modules.conf").lines().skip(2).collect();
    lines.reverse();
    let text = format!(
        "[modules]\nautoload=no\n{}\n",
        lines.join("\n").replace("load => pbx_config", "preload => pbx_config")
    );
    let server = Server::start(config.file("modules.conf", &text));
    let log = server.log();
    let place =
        |module: &str| log.find(&format!("loaded {module} (")).unwrap_or_else(|| panic!("{module}: {log}"));
    for (before, after) in [
        ("pbx_config", "res_pjsip"),
        ("res_pjsip", "res_pjsip_pubsub"),
        ("res_pjsip", "res_pjsip_endpoint_identifier_user"),
        ("res_pjsip_pubsub", "res_pjsip_exten_state"),
        ("res_pjsip_pubsub", "res_pjsip_pidf_body_generator"),
    ] {
        assert!(place(before) < place(after), "{before} {after}: {log}");
    }
    assert_eq!(Phone::new(&server, "alice").status(&Subscribe::presence("1000")), 200);
    server.stop();
}

#[test]
fn a_missing_module_costs_one_line() {
    let server = Server::start(Config::office().append("modules.conf", "load => res_nosuch.so\n"));
    assert_eq!(Phone::new(&server, "alice").status(&Subscribe::presence("1000")), 200);
    let log = server.stop();
    assert_eq!(log.matches("there is no module res_nosuch").count(), 1, "{log}");
    assert!(log.contains("modules.conf:13"), "{log}");
}

#[test]
fn a_required_module_that_is_missing_keeps_the_server_from_starting() {
    let boot = Boot::new(&Config::office().append("modules.conf", "require => res_nosuch.so\n"));
    let ended = boot.fail().expect(2);
    let expected =
        "modules.conf:13:1: the required module res_nosuch does not run: there is no module res_nosuch";
    assert!(ended.stderr.contains(expected), "{ended:?}");
}

/// A module that is there but cannot run is as bad.
#[test]
fn a_required_module_that_does_not_run_keeps_the_server_from_starting() {
    let config = Config::office()
        .without("res_pjsip_pubsub")
        .append("modules.conf", "require => res_pjsip_exten_state\n");
    let ended = Boot::new(&config).fail().expect(2);
    assert!(ended.stderr.contains("it requires res_pjsip_pubsub, which is not loaded"), "{ended:?}");
}

#[test]
fn without_modules_conf_the_server_does_not_start() {
    let ended = Boot::new(&Config::office().no_file("modules.conf")).fail().expect(1);
    assert!(ended.stderr.contains("modules.conf"), "{ended:?}");
}

#[test]
fn mistakes_in_modules_conf_are_named_with_their_line() {
    for (line, expected) in [
        ("laod => pbx_config.so", "modules.conf:13:1: unknown option 'laod'"),
        ("autoload=perhaps", "modules.conf:13:1: autoload is yes or no, not 'perhaps'"),
        ("load =>", "modules.conf:13:1: load names no module"),
        ("require => pbx_config\nnoload => pbx_config", "modules.conf:14:1: noload excludes pbx_config"),
    ] {
        let boot = Boot::new(&Config::office().append("modules.conf", &format!("{line}\n")));
        let ended = boot.fail().expect(1);
        assert!(ended.stderr.contains(expected), "{line}: {ended:?}");
    }
}

/// A module directory of its own, with links to the good modules.
fn with_own_module_dir() -> Boot {
    let config = Config::office().replace("asterisk.conf", "{modules}", "modules").directory("modules");
    let boot = Boot::new(&config);
    for entry in e2e::module_dir().read_dir().expect("it has been built").flatten() {
        let name = entry.file_name();
        if name.to_string_lossy().ends_with(".so") {
            std::os::unix::fs::symlink(entry.path(), boot.path("modules").join(name)).expect("it is ours");
        }
    }
    boot
}

#[track_caller]
fn bad_module_file(make: impl FnOnce(&std::path::Path), expected: &str) {
    let boot = with_own_module_dir();
    make(&boot.path("modules"));
    let modules = std::fs::read_to_string(boot.path("modules.conf")).expect("it is ours");
    std::fs::write(boot.path("modules.conf"), modules + "load => res_bad.so\n").expect("it is ours");
    let server = boot.start();
    assert_eq!(Phone::new(&server, "alice").status(&Subscribe::presence("1000")), 200, "the rest works");
    let log = server.stop();
    let lines: Vec<_> = log.lines().filter(|line| line.contains("res_bad")).collect();
    assert!(
        matches!(lines[..], [line] if line.contains(expected) && line.contains(" ERROR")),
        "{expected}: {lines:?}"
    );
}

#[test]
fn a_text_file_is_no_module() {
    bad_module_file(
        |dir| std::fs::write(dir.join("res_bad.so"), "hello\n").expect("it is ours"),
        "is not a shared object",
    );
}

#[test]
fn an_empty_file_is_no_module() {
    bad_module_file(
        |dir| std::fs::write(dir.join("res_bad.so"), "").expect("it is ours"),
        "is not a shared object",
    );
}

#[test]
fn a_module_that_is_cut_short_is_refused() {
    let cut = |dir: &std::path::Path| {
        let good = std::fs::read(dir.join("libres_pjsip_pidf_body_generator.so")).expect("it is built");
        std::fs::write(dir.join("res_bad.so"), &good[..8192]).expect("it is ours");
    };
    bad_module_file(cut, "is cut short");
}

#[test]
fn a_module_under_another_name_is_refused() {
    let rename = |dir: &std::path::Path| {
        std::fs::copy(dir.join("libres_pjsip_pidf_body_generator.so"), dir.join("res_bad.so"))
            .expect("it is ours");
    };
    bad_module_file(rename, "a module's file must have its name");
}

#[test]
fn a_shared_object_that_is_no_module_is_refused() {
    let library = |dir: &std::path::Path| {
        let source = dir.join("empty.c");
        std::fs::write(&source, "int nothing;\n").expect("it is ours");
        let mut cc = std::process::Command::new("cc");
        e2e::Process::run(cc.args(["-shared", "-fPIC", "-o"]).arg(dir.join("res_bad.so")).arg(source))
            .expect(0);
    };
    bad_module_file(library, "is a shared object, but not a module");
}

#[test]
fn a_directory_is_no_module() {
    bad_module_file(
        |dir| std::fs::create_dir(dir.join("libres_bad.so")).expect("it is ours"),
        "there is no module res_bad",
    );
}

#[test]
fn an_unreadable_link_is_no_module() {
    let link = |dir: &std::path::Path| {
        std::os::unix::fs::symlink("nowhere.so", dir.join("res_bad.so")).expect("it is ours")
    };
    bad_module_file(link, "there is no module res_bad");
}

/// `--check-module` says of a file whether it can be loaded.
#[test]
fn a_module_file_can_be_checked() {
    let boot = with_own_module_dir();
    let good = boot.path("modules/libres_pjsip_pidf_body_generator.so");
    let ended = boot.starling(&["--check-module", &good.to_string_lossy()]).expect(0);
    assert!(
        ended.stdout.starts_with("res_pjsip_pidf_body_generator (PJSIP Extension State PIDF Provider)"),
        "{ended:?}"
    );
    assert!(ended.stdout.contains("can be loaded"), "{ended:?}");
    let bad = boot.path("modules.conf");
    let ended = boot.starling(&["--check-module", &bad.to_string_lossy()]).expect(1);
    assert!(ended.stdout.contains("is not a shared object"), "{ended:?}");
}
