//! Both packages over a dialplan of one hint.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests unwrap too: then the test fails, which is what it is for"
)]

use std::sync::{Arc, Mutex};

use module_api::{
    EventPackage, ExtensionListener, ExtensionState, Fail, Host, HostServices, Level, Payload, ResourceQuery,
};
use res_pjsip_exten_state::{Changes, ExtenState, TOPIC};

#[derive(Default)]
struct Dialplan {
    published: Mutex<Vec<(String, String, Payload)>>,
}

impl HostServices for Dialplan {
    fn log(&self, _module: &str, _level: Level, _message: &str) {}

    fn device_changed(&self, _device: &str) {}

    fn find_hint(&self, context: &str, exten: &str) -> Option<String> {
        // `office` includes `default`.
        let found = exten == "1000" && matches!(context, "default" | "office");
        found.then(|| "1000@default".into())
    }

    fn extension_state(&self, key: &str) -> Option<Payload> {
        (key == "1000@default").then(|| state(ExtensionState::BUSY))
    }

    fn publish(&self, topic: &str, key: &str, payload: &Payload) {
        self.published.lock().unwrap().push((topic.into(), key.into(), payload.clone()));
    }
}

fn state(state: i32) -> Payload {
    let exten =
        ExtensionState { exten: "1000".into(), context: "default".into(), state, ..Default::default() };
    Payload::extension_state(3, exten)
}

fn query<'a>(context: &'a str, resource: &'a str) -> ResourceQuery<'a> {
    ResourceQuery {
        endpoint: "alice".into(),
        context: context.into(),
        resource: resource.into(),
        event: "presence".into(),
    }
}

#[test]
fn a_resource_is_an_extension_with_a_hint() {
    let host = Host::new("res_pjsip_exten_state", Arc::new(Dialplan::default()));
    for package in [ExtenState::presence(host.clone()), ExtenState::dialog(host)] {
        assert_eq!(package.resolve(&query("office", "1000")).unwrap(), "1000@default");
        assert_eq!(package.resolve(&query("office", "1001")), Err(404));
        assert_eq!(package.resolve(&query("lobby", "1000")), Err(404));
        assert_eq!(package.current("1000@default").unwrap(), state(ExtensionState::BUSY));
        assert_eq!(package.current("1001@default"), Err(Fail::NoData));
        assert_eq!(package.data_kind(), "extension-state");
        assert_eq!(package.topic(), TOPIC);
    }
}

#[test]
fn the_packages_have_their_names_and_types() {
    let host = Host::new("res_pjsip_exten_state", Arc::new(Dialplan::default()));
    let presence = ExtenState::presence(host.clone());
    assert_eq!((presence.event(), presence.default_media_type()), ("presence", "application/pidf+xml"));
    let dialog = ExtenState::dialog(host);
    assert_eq!((dialog.event(), dialog.default_media_type()), ("dialog", "application/dialog-info+xml"));
}

#[test]
fn a_change_is_published_once() {
    let dialplan = Arc::new(Dialplan::default());
    let changes = Changes::new(Host::new("res_pjsip_exten_state", dialplan.clone()));
    let gone = state(ExtensionState::REMOVED);
    assert!(gone.terminated);
    changes.extension_state_changed("1000@default", &gone);
    let published = dialplan.published.lock().unwrap();
    assert_eq!(*published, [(TOPIC.to_owned(), "1000@default".to_owned(), gone)]);
}
