//! The sample configuration at the top level of the project works as it is.

use std::path::Path;

use e2e::{Config, Phone, Server, Subscribe};

#[test]
fn the_sample_configuration_lights_a_lamp() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the project's directory");
    // Only what two servers on one machine cannot share.
    let config = Config::copy_of(root)
        .replace("asterisk.conf", "target/release", "{modules}")
        .replace("asterisk.conf", "target/", "")
        .replace("pjsip.conf", "127.0.0.1:5060", "127.0.0.1:{port}");
    let server = Server::start(config);
    let log = server.log();
    assert!(!log.contains("WARNING") && !log.contains("ERROR"), "{log}");
    for (name, ask) in [("alice", Subscribe::presence("1001")), ("bob", Subscribe::dialog("1003"))] {
        let mut phone = Phone::new(&server, name);
        let mut lamp = phone.subscribe(ask);
        server.devstate("Custom:lamp1", "INUSE");
        let body = phone.notify(&mut lamp).body();
        assert!(body.contains("On the phone") || body.contains("confirmed"), "{body}");
        server.devstate("Custom:lamp1", "NOT_INUSE");
        phone.notify(&mut lamp);
        phone.unsubscribe(lamp);
    }
    server.stop();
}
