//! Phones behind a proxy (Kamailio): it is known by its address, stays in dialogs by Record-Route and
//! on the way to contacts by Path.

use e2e::{Config, Kamailio, Phone, Port, Server, Subscribe};

/// The office, in which whatever comes from the proxy is one endpoint with the AOR `alice`.
fn office(proxy: &Port) -> Config {
    let port = proxy.number();
    Config::office()
        .append(
            "pjsip.conf",
            &format!(
                "[proxy](phone)\naors=lobby\n[lobby]\ntype=aor\nmax_contacts=1\nsupport_path=yes\n\
                 qualify_frequency=3600\n[proxy]\ntype=identify\nendpoint=proxy\nmatch=127.0.0.1:{port}\n"
            ),
        )
        .append("extensions.conf", "exten => 1100,hint,PJSIP/proxy\n")
}

/// ```text
///  phone            proxy            server
///   |= REGISTER ====>|= + Path ======>|
///   |<========= 200 =|<========= 200 =|
///   |<===== OPTIONS =|<===== OPTIONS =|  Route: the Path
///   |= 200 =========>|= 200 =========>|
/// ```
#[test]
fn a_phone_behind_a_proxy_is_reached_by_its_path() {
    let port = Port::lease();
    let server = Server::start(office(&port));
    let proxy = Kamailio::in_front_of(&server, port);
    let mut watcher = Phone::new(&server, "bob");
    let mut lamp = watcher.subscribe(Subscribe::presence("1100"));
    let mut phone = Phone::at(proxy.address(), "lobby");
    let contact = format!("Contact: <sip:lobby@{}>\r\nSupported: path\r\n", phone.address());
    let answer = phone.register_with(&contact);
    assert_eq!(answer.status(), 200, "{answer}");
    assert_eq!(answer.header("Path"), format!("<sip:{};lr>", proxy.address()));
    let options = phone.receive_options();
    assert_eq!(options.request_uri(), format!("sip:lobby@{}", phone.address()));
    assert!(watcher.notify(&mut lamp).body().contains("<basic>open</basic>"));
    // Without the option tag nobody could tell the phone where the proxy is.
    assert_eq!(phone.register("").status(), 420);
    server.stop();
}

/// ```text
///  phone            proxy            server
///   |= SUBSCRIBE ===>|= + Rec.-Route =>|
///   |<========= 200 =|<========= 200 =|
///   |<====== NOTIFY =|<====== NOTIFY =|  Route: the proxy
///   |= 200 =========>|= 200 =========>|
/// ```
#[test]
fn notifys_of_a_dialog_go_through_the_proxy_that_recorded_its_route() {
    let port = Port::lease();
    let server = Server::start(office(&port));
    let proxy = Kamailio::in_front_of(&server, port);
    let mut phone = Phone::at(proxy.address(), "anybody");
    let mut lamp = phone.subscribe(Subscribe::presence("1000"));
    assert!(lamp.answer.header("Record-Route").contains(&proxy.address().to_string()), "{}", lamp.answer);
    for state in ["INUSE", "NOT_INUSE", "RINGING"] {
        server.devstate("Custom:a", state);
        let notify = phone.notify(&mut lamp);
        assert_eq!(notify.request_uri(), format!("sip:anybody@{}", phone.address()));
        assert_eq!(notify.all("Via").len(), 2, "{notify}");
    }
    phone.refresh(&mut lamp, 600);
    let table = server.run("pjsip show subscriptions inbound");
    assert!(table.contains("Endpoint: proxy/"), "known by its address: {table}");
    phone.unsubscribe(lamp);
    server.stop();
}
