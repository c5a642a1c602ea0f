//! The supplements of pidf from their files: in the order of `modules.conf`, and gone when unloaded.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests unwrap too: then the test fails, which is what it is for"
)]

mod support;

use std::sync::Arc;

use module_api::{Body, BodyContext, BodyGenerator, BodySupplement, ExtensionState, Payload};
use module_host::{Builtin, ModuleHost, Unloaded, show};
use res_pjsip_pidf_body_generator::Pidf;
use res_pjsip_pidf_digium_body_supplement::Digium;
use res_pjsip_pidf_eyebeam_body_supplement::Eyebeam;
use support::{Daemon, Part, config, context, host, lock, moddir};

const PIDF: &str = "res_pjsip_pidf_body_generator";
const XPIDF: &str = "res_pjsip_xpidf_body_generator";
const DIGIUM: &str = "res_pjsip_pidf_digium_body_supplement";
const EYEBEAM: &str = "res_pjsip_pidf_eyebeam_body_supplement";

fn boot(lines: &str) -> (ModuleHost, Arc<Daemon>, tempfile::TempDir) {
    let dir = moddir(&[PIDF, XPIDF, DIGIUM, EYEBEAM]);
    let steps = Default::default();
    let builtins: Vec<Arc<dyn Builtin>> = vec![
        Arc::new(Part::new(&steps, "res_pjsip", 55, &[])),
        Arc::new(Part::new(&steps, "res_pjsip_pubsub", 60, &["res_pjsip"])),
    ];
    let (host, daemon) = host(dir.path(), builtins);
    assert_eq!(host.boot(&config(lines)).unwrap(), [""; 0]);
    (host, daemon, dir)
}

/// Bob away, in some states of his phone.
fn away(state: i32) -> Payload {
    let exten = ExtensionState {
        exten: "1001".into(),
        state,
        presence_state: 3,
        presence_subtype: "\"lunch\"".into(),
        presence_message: "back <at> 2 & not before".into(),
        ..Default::default()
    };
    Payload::extension_state(1, exten)
}

fn body(generator: &dyn BodyGenerator, supplements: &[&dyn BodySupplement], cx: &BodyContext<'_>) -> String {
    let mut body = Body::new();
    generator.generate(cx, &mut body).unwrap();
    for supplement in supplements {
        supplement.supplement(cx, body.as_document().unwrap()).unwrap();
    }
    let mut out = Vec::new();
    body.finish(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn they_are_listed_as_asterisk_lists_them() {
    let (host, ..) = boot("autoload = yes\n");
    assert_eq!(show(&host.modules(), Some("pidf")), include_str!("../testdata/module_show_like_pidf.txt"));
}

#[test]
fn they_are_loaded_by_name_or_as_written() {
    let order = |lines: &str| {
        let (host, ..) = boot(lines);
        let names = host.modules().into_iter().map(|row| row.name);
        names.filter(|name| name.contains("supplement")).collect::<Vec<_>>()
    };
    let [digium, eyebeam] = [DIGIUM, EYEBEAM].map(|name| format!("{name}.so"));
    let loads = |names: [&str; 2]| {
        let all = ["res_pjsip", "res_pjsip_pubsub", names[0], names[1]];
        order(&all.map(|name| format!("load => {name}.so\n")).concat())
    };
    assert_eq!(order("autoload = yes\n"), [digium.as_str(), &eyebeam]);
    assert_eq!(loads([DIGIUM, EYEBEAM]), [digium.as_str(), &eyebeam]);
    assert_eq!(loads([EYEBEAM, DIGIUM]), [eyebeam.as_str(), &digium]);
}

#[test]
fn bodies_from_their_files_are_those_of_the_same_code_linked_in() {
    let (_host, daemon, _dir) = boot("autoload = yes\n");
    let contracts = lock(&daemon.contracts);
    let generator = &*contracts[PIDF].generators[0];
    let [digium, eyebeam] = [DIGIUM, EYEBEAM].map(|name| &*contracts[name].supplements[0]);
    assert_eq!(digium.media_type(), generator.media_type());
    assert_eq!(digium.data_kind(), generator.data_kind());
    assert_eq!(digium.inputs(), Digium.inputs());
    assert_eq!(eyebeam.inputs(), Eyebeam.inputs());
    for bits in [0, 1, 2, 4, 8, 9, 16, 17, -1, -2, 99] {
        let data = away(bits);
        for user_agent in ["", "digium d65", "sangoma p330"] {
            let cx = BodyContext { user_agent: user_agent.into(), ..context(&data) };
            let linked = body(&Pidf, &[&Digium, &Eyebeam], &cx);
            assert_eq!(body(generator, &[digium, eyebeam], &cx), linked);
            assert_eq!(linked.contains("digium_presence"), !user_agent.is_empty());
            let other = body(&Pidf, &[&Eyebeam, &Digium], &cx);
            assert_eq!(body(generator, &[eyebeam, digium], &cx), other);
            // A part from a file and one that is linked in extend one document.
            assert_eq!(body(&Pidf, &[digium, &Eyebeam], &cx), linked);
        }
    }
}

#[test]
fn unloaded_they_are_gone() {
    let (host, daemon, _dir) = boot("autoload = yes\n");
    for name in [DIGIUM, EYEBEAM] {
        assert_eq!(host.unload(name, false).unwrap(), Unloaded::Gone);
        assert!(!lock(&daemon.contracts).contains_key(name));
    }
    host.load(EYEBEAM).unwrap();
    assert!(host.is_running(EYEBEAM));
}
