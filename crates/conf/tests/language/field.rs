//! Whole configurations as they are found in the field.

use std::path::{Path, PathBuf};

use conf::{Config, Loader};

use crate::{directory, remarks, shown, write};

fn testdata(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(folder)
}

fn load(folder: &str, name: &str) -> Config {
    let config = Loader::new(testdata(folder)).load(name).unwrap();
    assert_eq!(config.diagnostics, []);
    config
}

#[test]
fn the_configuration_of_a_presence_server() {
    let modules = load("golden", "modules.conf");
    assert_eq!(modules.section("modules").unwrap().all("load").count(), 24);
    assert_eq!(modules.section("modules").unwrap().value("autoload"), Some("no"));

    let pjsip = load("golden", "pjsip.conf");
    let types = pjsip.named("alice").map(|s| s.value("type").unwrap());
    assert_eq!(types.collect::<Vec<_>>(), ["endpoint", "aor"]);
    let team = pjsip.section("team").unwrap();
    assert_eq!(team.all("list_item").map(|e| &*e.value).collect::<Vec<_>>(), ["1000", "1001", "1002"]);

    let extensions = load("golden", "extensions.conf");
    let hints = extensions.section("default").unwrap();
    assert_eq!(hints.entries.len(), 8);
    assert!(hints.entries.iter().all(|e| e.object && &*e.name == "exten"));
    assert_eq!(hints.entries[5].value.as_ref(), "_20XX,hint,Custom:p${EXTEN}");
    assert_eq!(hints.entries[5].pos.short(), "extensions.conf:8");
}

#[test]
fn a_directory_as_freepbx_writes_it() {
    let pjsip = load("freepbx", "pjsip.conf");
    assert_eq!(pjsip.files.len(), 12);
    let endpoint = pjsip.named("100").find(|s| s.value("type") == Some("endpoint")).unwrap();
    // From the template, the generated file, then the custom file behind it.
    assert_eq!(endpoint.value("context"), Some("from-internal"));
    assert_eq!(endpoint.value("allow"), Some("ulaw,alaw,g722"));
    assert_eq!(endpoint.value("device_state_busy_at"), Some("2"));
    assert_eq!(
        endpoint.get("device_state_busy_at").unwrap().pos.to_string(),
        "pjsip.endpoint_custom_post.conf:3:1"
    );
    assert_eq!(pjsip.named("100").count(), 1);
    assert_eq!(pjsip.section("100-aor").unwrap().value("max_contacts"), Some("3"));
    assert!(pjsip.section("office-phone").is_none(), "a template");
    assert_eq!(pjsip.section("global").unwrap().value("user_agent"), Some("PBX; office"));

    let extensions = load("freepbx", "extensions.conf");
    let hints = extensions.section("ext-local").unwrap();
    let hint = hints.all("exten").find(|e| e.value.contains(",hint,")).unwrap();
    assert_eq!(&*hint.value, "100,hint,PJSIP/100&Custom:DND100,CustomPresence:100");
    assert_eq!(extensions.section("from-internal").unwrap().all("include").count(), 2);
}

#[test]
fn a_missing_file_of_freepbx_says_which_line_needs_it() {
    let dir = directory(&[]);
    for entry in testdata("freepbx").read_dir().unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if name != "pjsip.aor.conf" {
            write(dir.path(), name, &std::fs::read(&path).unwrap());
        }
    }
    let result = Loader::new(dir.path()).load("pjsip.conf");
    assert_eq!(
        remarks(&result),
        [
            "E pjsip.conf:9:1: cannot include 'pjsip.aor.conf': no such file",
            "E pjsip.aor_custom_post.conf:1:11: no section '100-aor' before this line to append to",
        ]
    );
}

#[test]
fn habits_of_the_field() {
    let dir = directory(&[
        (
            "asterisk.conf",
            "[options]\n#include \"DIR/options\"\nverbose = 3\n[directories](!)\nastetcdir => /etc/asterisk\n",
        ),
        ("options", "; only a comment"),
        (
            "extensions.conf",
            "[a]\nexten => 1,1,NoOp\n\tsame =>     n,Set(A=\"x\\;y\")\n\t\t;same => n,Hangup\n",
        ),
        ("logger.conf", "[general]\ndateformat = %F %T.%3q\n[logfiles]\nfull.txt => [plain]*\n"),
        ("empty.conf", ""),
    ]);
    let text = std::fs::read_to_string(dir.path().join("asterisk.conf")).unwrap();
    let text = text.replace("DIR", dir.path().to_str().unwrap());
    write(dir.path(), "asterisk.conf", text.as_bytes());
    let loader = Loader::new(dir.path());
    let shown_of = |name| shown(&loader.load(name).unwrap());
    assert_eq!(shown_of("asterisk.conf"), ["[options] verbose=3", "[directories]! astetcdir=>/etc/asterisk"]);
    assert_eq!(shown_of("extensions.conf"), ["[a] exten=>1,1,NoOp same=>n,Set(A=\"x;y\")"]);
    assert_eq!(shown_of("logger.conf"), ["[general] dateformat=%F %T.%3q", "[logfiles] full.txt=>[plain]*"]);
    assert!(shown_of("empty.conf").is_empty());
    assert!(shown_of("options").is_empty());
}
