//! Starting what `modules.conf` names, with modules of the daemon and with real files.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests unwrap too: then the test fails, which is what it is for"
)]

mod support;

use std::fs;
use std::sync::{Arc, Mutex};

use module_api::{Body, BodyGenerator, ResourceQuery};
use module_host::{
    BootError, Builtin, LoadError, LoadOutcome, ModuleHost, Reload, UnloadError, Unloaded, show,
};
use res_pjsip_dialog_info_body_generator::DialogInfo;
use res_pjsip_pidf_body_generator::Pidf;
use support::{Part, config, context, host, lock, moddir, state};

type Steps = Arc<Mutex<Vec<String>>>;

fn boot(lines: &str, parts: Vec<Part>) -> (ModuleHost, Result<Vec<String>, BootError>) {
    let dir = tempfile::tempdir().unwrap();
    let builtins = parts.into_iter().map(|part| Arc::new(part) as Arc<dyn Builtin>).collect();
    let (host, _) = host(dir.path(), builtins);
    let result = host.boot(&config(lines));
    (host, result)
}

fn running(host: &ModuleHost) -> Vec<String> {
    host.modules().into_iter().filter(|row| row.running).map(|row| row.name).collect()
}

#[test]
fn started_by_priority_then_as_written_and_preloaded_first() {
    let steps = Steps::default();
    let part = |name, priority| Part::new(&steps, name, priority, &[]);
    let lines = "load => c\nload => b\nload => a\npreload => z\n";
    let (_, result) =
        boot(lines, vec![part("a", 10), part("b", 60), part("c", 60), part("z", 128), part("unused", 0)]);
    assert_eq!(result.unwrap(), [""; 0]);
    assert_eq!(*lock(&steps), ["z", "a", "c", "b"]);
}

#[test]
fn what_is_required_is_started_first_whatever_its_priority() {
    let steps = Steps::default();
    let mut app = Part::new(&steps, "app", 10, &["res_b.so", "RES_A"]);
    app.info.optional.push("extra".into());
    app.info.optional.push("nosuch".into());
    let parts = vec![
        app,
        Part::new(&steps, "res_a", 90, &[]),
        Part::new(&steps, "res_b", 80, &["res_c"]),
        Part::new(&steps, "res_c", 128, &[]),
        Part::new(&steps, "extra", 128, &[]),
    ];
    let (host, result) = boot("autoload = yes\n", parts);
    assert_eq!(result.unwrap(), [""; 0]);
    assert_eq!(*lock(&steps), ["extra", "res_c", "res_b", "res_a", "app"]);
    assert_eq!(running(&host), ["extra.so", "res_c.so", "res_b.so", "res_a.so", "app.so"]);
}

#[test]
fn a_missing_requirement_is_named_and_dependents_decline() {
    let steps = Steps::default();
    let parts = vec![
        Part::new(&steps, "a", 10, &["b"]),
        Part::new(&steps, "b", 20, &["res_nosuch"]),
        Part::new(&steps, "c", 30, &[]),
    ];
    let (host, result) = boot("autoload = yes\n", parts);
    assert_eq!(
        result.unwrap(),
        [
            "module b does not run: it requires res_nosuch, which is not loaded",
            "1 module does not run because b does not: a",
        ]
    );
    assert_eq!(*lock(&steps), ["c"]);
    assert_eq!(running(&host), ["c.so"]);
    // The whole reason stands with each.
    let reason = "declined: it requires b, which does not run: it requires res_nosuch, which is not loaded";
    assert!(host.detail("a").unwrap().to_string().contains(reason));
    let table = show(&host.modules(), None);
    assert!(table.ends_with("3 modules loaded\n") && table.matches("Not Running").count() == 2, "{table}");
}

#[test]
fn a_circle_is_named() {
    let steps = Steps::default();
    let parts = vec![Part::new(&steps, "a", 10, &["b"]), Part::new(&steps, "b", 10, &["a"])];
    let (_, result) = boot("autoload = yes\n", parts);
    assert_eq!(result.unwrap()[0], "module b does not run: it requires a, which in turn requires it");
    assert_eq!(lock(&steps).len(), 0);
}

#[test]
fn who_declines_or_fails_does_not_stop_the_others() {
    let steps = Steps::default();
    let part = |name, outcome| Part { outcome, ..Part::new(&steps, name, 60, &[]) };
    let parts = vec![
        part("a", Ok(LoadOutcome::Decline("not here".into()))),
        part("b", Err("no such port".into())),
        part("c", Ok(LoadOutcome::Success)),
        Part { ..Part::new(&steps, "d", 70, &["b"]) },
    ];
    let (host, result) = boot("autoload = yes\n", parts);
    assert_eq!(
        result.unwrap(),
        [
            "module a does not run: not here",
            "module b does not run: no such port",
            "1 module does not run because b does not: d",
        ]
    );
    assert_eq!(running(&host), ["c.so"]);
    let row = host.modules().into_iter().find(|row| row.name == "a.so").unwrap();
    assert_eq!(row.reason.as_deref(), Some("not here"));
}

#[test]
fn the_server_does_not_start_without_what_is_required() {
    let steps = Steps::default();
    let declines = || Part { outcome: Err("no such port".into()), ..Part::new(&steps, "b", 60, &[]) };
    let dependent = || Part::new(&steps, "a", 70, &["b"]);
    let cases = [
        (
            "load => a\nload => b\nrequire => b\n",
            "modules.conf:4:1: the required module b does not run: no such port",
        ),
        (
            "require => a\nload => b\n",
            "modules.conf:2:1: the required module a does not run: it requires b, which does not run: no such port",
        ),
        (
            "preload-require => c\n",
            "modules.conf:2:1: the required module c does not run: there is no module c",
        ),
    ];
    for (lines, expected) in cases {
        let (_, result) = boot(lines, vec![dependent(), declines()]);
        let error = result.unwrap_err();
        assert!(error.to_string().starts_with(expected), "{error}");
        assert_eq!(error.exit_code(), 2);
    }
}

#[test]
fn errors_of_the_file_stop_it_before_anything_is_loaded() {
    let steps = Steps::default();
    for lines in ["load => a\nload-if-possible => b\n", "require => a\nnoload => a\n"] {
        let (_, result) = boot(lines, vec![Part::new(&steps, "a", 60, &[])]);
        assert_eq!(result.unwrap_err().exit_code(), 1);
    }
    assert_eq!(lock(&steps).len(), 0);
    let dir = tempfile::tempdir().unwrap();
    let missing: BootError = conf::Loader::new(dir.path()).load("modules.conf").unwrap_err().into();
    assert_eq!(missing.exit_code(), 1);
    assert!(missing.to_string().contains("modules.conf"), "{missing}");
}

#[test]
fn a_module_that_is_nowhere_costs_one_line_that_names_where_it_is_asked_for() {
    let dir = moddir(&[]);
    fs::write(dir.path().join("res_text.so"), "text").unwrap();
    let (host, _) = host(dir.path(), Vec::new());
    let problems = host.boot(&config("load => nosuch.so\n\nload => res_text\n")).unwrap();
    let dir = dir.path().display();
    assert_eq!(
        problems,
        [
            format!(
                "modules.conf:2:1: there is no module nosuch: it is not built in, and {dir} has no nosuch.so"
            ),
            format!("modules.conf:4:1: {dir}/res_text.so is not a shared object"),
        ]
    );
    assert_eq!(host.modules().len(), 2);
}

/// The modules of a presence server: two of the daemon, four in files.
fn presence() -> (ModuleHost, Arc<support::Daemon>, tempfile::TempDir) {
    let dir = moddir(&[
        "res_pjsip_exten_state",
        "res_pjsip_pidf_body_generator",
        "res_pjsip_xpidf_body_generator",
        "res_pjsip_dialog_info_body_generator",
    ]);
    let steps = Steps::default();
    let builtins: Vec<Arc<dyn Builtin>> = vec![
        Arc::new(Part::new(&steps, "res_pjsip", 55, &[])),
        Arc::new(Part::new(&steps, "res_pjsip_pubsub", 60, &["res_pjsip"])),
    ];
    let (host, daemon) = host(dir.path(), builtins);
    assert_eq!(host.boot(&config("autoload = yes\n")).unwrap(), [""; 0]);
    (host, daemon, dir)
}

#[test]
fn built_in_modules_and_files_are_one_list() {
    let (host, daemon, _dir) = presence();
    assert_eq!(
        show(&host.modules(), Some("res_")),
        "\
Module                         Description                              Use Count  Status      Support Level
res_pjsip.so                   The res_pjsip                            5          Running              core
res_pjsip_dialog_info_body_generator.so PJSIP Extension State Dialog Info+XML Pr 0          Running              core
res_pjsip_exten_state.so       PJSIP Extension State Notifications      0          Running              core
res_pjsip_pidf_body_generator.so PJSIP Extension State PIDF Provider      0          Running              core
res_pjsip_pubsub.so            The res_pjsip_pubsub                     4          Running              core
res_pjsip_xpidf_body_generator.so PJSIP Extension State PIDF Provider      0          Running              core
6 modules loaded
"
    );
    let contracts = lock(&daemon.contracts);
    let types: Vec<_> = contracts.values().flat_map(|contract| &contract.generators).collect();
    assert_eq!(types.len(), 4);
    assert_eq!(contracts["res_pjsip_exten_state"].packages.len(), 2);
}

#[test]
fn bodies_from_files_are_those_of_the_same_code_linked_in() {
    let (_host, daemon, _dir) = presence();
    let contracts = lock(&daemon.contracts);
    let pairs: [(&str, &dyn BodyGenerator); 2] =
        [("res_pjsip_pidf_body_generator", &Pidf), ("res_pjsip_dialog_info_body_generator", &DialogInfo)];
    for (module, linked) in pairs {
        let opened = &contracts[module].generators[0];
        assert_eq!(opened.media_type(), linked.media_type());
        assert_eq!(opened.data_kind(), linked.data_kind());
        assert_eq!(opened.inputs(), linked.inputs());
        let mut bodies = [Body::new(), Body::new()];
        for bits in [0, 1, 2, 4, 8, 9, 16, 17, -1, -2, 99] {
            let data = state(bits);
            let cx = context(&data);
            opened.generate(&cx, &mut bodies[0]).unwrap();
            linked.generate(&cx, &mut bodies[1]).unwrap();
            let [opened, linked] = bodies.each_ref().map(|body| {
                let mut out = Vec::new();
                body.finish(&mut out);
                out
            });
            assert!(!opened.is_empty());
            assert_eq!(opened, linked, "{module}, state {bits}");
        }
    }
}

#[test]
fn an_event_package_from_a_file_asks_and_tells_the_daemon() {
    let (_host, daemon, _dir) = presence();
    daemon.hint("default", "1000", "1000@default");
    lock(&daemon.states).insert("1000@default".into(), state(1));
    let contract = lock(&daemon.contracts)["res_pjsip_exten_state"].clone();
    let query = |resource: &'static str| ResourceQuery {
        endpoint: "alice".into(),
        context: "default".into(),
        resource: resource.into(),
        event: "presence".into(),
    };
    let package = &contract.packages[0];
    assert_eq!(package.resolve(&query("1000")).unwrap(), "1000@default");
    assert_eq!(package.resolve(&query("1001")), Err(404));
    assert_eq!(package.current("1000@default").unwrap(), state(1));
    contract.listeners[0].extension_state_changed("1000@default", &state(8));
    let published = lock(&daemon.published);
    assert_eq!(*published, [("extension-state".to_owned(), "1000@default".to_owned(), state(8))]);
}

#[test]
fn a_module_in_use_is_not_unloaded_but_by_force() {
    let (host, daemon, _dir) = presence();
    let error = host.unload("res_pjsip_pubsub", false).unwrap_err();
    assert!(
        matches!(&error, UnloadError::InUse { dependents, users: 0, .. } if dependents.len() == 4),
        "{error}"
    );
    let forced = host.unload("res_pjsip_pubsub", true).unwrap_err();
    assert!(forced.to_string().starts_with("module res_pjsip_pubsub is in use: required by "), "{forced}");
    *lock(&daemon.users) = 3;
    let error = host.unload("RES_PJSIP_EXTEN_STATE.so", false).unwrap_err();
    assert_eq!(error.to_string(), "module res_pjsip_exten_state is in use: 3 subscription(s)");
    assert_eq!(host.unload("res_pjsip_exten_state", true).unwrap(), Unloaded::Gone);
    assert!(!lock(&daemon.contracts).contains_key("res_pjsip_exten_state"));
    *lock(&daemon.users) = 0;
    assert!(matches!(host.load("res_pjsip.so"), Err(LoadError::Running(_))));
    host.load("res_pjsip_exten_state.so").unwrap();
    assert!(host.is_running("res_pjsip_exten_state"));
}

#[test]
fn a_later_load_starts_what_is_required_first() {
    let steps = Steps::default();
    let parts = vec![
        Part::new(&steps, "a", 60, &["b"]),
        Part::new(&steps, "b", 60, &[]),
        Part::new(&steps, "c", 60, &["nosuch"]),
    ];
    let (host, result) = boot("", parts);
    assert_eq!(result.unwrap(), [""; 0]);
    assert_eq!(host.loadable(), ["a.so", "b.so", "c.so"]);
    assert_eq!(host.load("a.so").unwrap(), ["b", "a"]);
    assert_eq!(running(&host), ["b.so", "a.so"]);
    assert_eq!(host.loadable(), ["c.so"]);
    let error = host.load("c").unwrap_err();
    assert_eq!(error.to_string(), "module c does not run: it requires nosuch, which is not loaded");
    assert!(host.detail("c").unwrap().to_string().contains("Status        declined: it requires nosuch"));
    let in_use = host.unload("b", false).unwrap_err();
    assert_eq!(in_use.to_string(), "module b is in use: required by a");
    assert_eq!(host.unload("a", false).unwrap(), Unloaded::Gone);
    assert_eq!(host.unload("b", false).unwrap(), Unloaded::Gone);
    assert_eq!(*lock(&steps), ["b", "a", "-a", "-b"]);
    assert_eq!(host.unload("c", false).unwrap(), Unloaded::NotRunning);
    assert_eq!(host.modules(), []);
}

#[test]
fn reload_tells_what_became_of_it() {
    let steps = Steps::default();
    let part = |name, reload| Part { reload, ..Part::new(&steps, name, 60, &[]) };
    let mut stubborn = part("stubborn", Some(Err("line 3".into())));
    stubborn.unload = Err("only at the end".into());
    let parts = vec![part("plain", None), part("good", Some(Ok(()))), stubborn, {
        let mut declined = part("declined", Some(Ok(())));
        declined.outcome = Ok(LoadOutcome::Decline("no".into()));
        declined
    }];
    let (host, _) = boot("autoload = yes\n", parts);
    assert_eq!(host.reload("GOOD.so"), Reload::Done);
    assert_eq!(host.reload("plain"), Reload::NotSupported);
    assert_eq!(host.reload("declined"), Reload::NotRunning);
    assert_eq!(host.reload("nosuch"), Reload::NotFound);
    assert_eq!(
        host.reload_all(),
        [("good".to_owned(), Reload::Done), ("stubborn".to_owned(), Reload::Failed("line 3".into()))]
    );
    assert!(matches!(host.unload("stubborn", false), Err(UnloadError::Refused { .. })));
    assert!(host.is_running("stubborn"));
}
