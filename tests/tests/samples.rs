//! The sample configuration at the top level of the project works as it is.

use std::path::Path;

use e2e::{Boot, Config, Phone, Server, Subscribe};

#[test]
fn the_sample_configuration_lights_a_lamp() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the project's directory");
    // Only what two servers on one machine cannot share.
    let config = Config::copy_of(root)
        .replace("asterisk.conf", "target/release", "{modules}")
        .replace("asterisk.conf", "target/", "")
        .replace("pjsip.conf", "0.0.0.0:5060", "127.0.0.1:{port}");
    // A sample's passwords are known to everyone, and it says so.
    let checked = Boot::new(&config).starling(&["--check-config"]).expect(0).stdout;
    assert_eq!(checked.matches("the password is the sample's").count(), 2, "{checked}");
    assert!(checked.contains("pjsip.conf: 0 error(s), 2 warning(s)"), "{checked}");
    let server = Server::start(config);
    let log = server.log();
    assert!(!log.contains("WARNING") && !log.contains("ERROR"), "{log}");
    for (name, password, ask) in [
        ("alice", "change-me-4b1d9e", Subscribe::presence("1001")),
        ("bob", "change-me-8c27f0", Subscribe::dialog("1003")),
    ] {
        assert_eq!(Phone::new(&server, name).status(&ask), 401, "nobody comes in without the password");
        let mut phone = Phone::new(&server, name).with_password(name, password);
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
