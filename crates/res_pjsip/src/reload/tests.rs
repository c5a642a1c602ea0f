use std::net::SocketAddr;
use std::sync::atomic::{AtomicU8, Ordering};

use super::*;
use crate::config::tests::parse;

/// A server that listens on what `text` says.
fn start(text: &str) -> (PjsipConfig, Vec<BoundTransport>, Vec<Vec<TransportSocket>>) {
    let (config, _) = parse(text);
    let (transports, sockets) = config
        .transports
        .iter()
        .map(|it| {
            let opened = open(it, 2, false).unwrap().expect("it has a socket");
            let bound = BoundTransport { config: it.clone(), local: opened.local, open: true };
            (bound, opened.into_sockets(0, it))
        })
        .unzip();
    (config, transports, sockets)
}

/// An address that no other test uses.
fn free() -> SocketAddr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let process = std::process::id().to_be_bytes();
    SocketAddr::from(([127, process[2], process[3], NEXT.fetch_add(1, Ordering::Relaxed)], 5099))
}

fn transport(name: &str, bind: SocketAddr, more: &str) -> String {
    format!("[{name}]\ntype=transport\nbind={bind}\n{more}")
}

fn reload(text: &str, new: &str) -> (Result<Plan, OpenError>, Vec<Vec<TransportSocket>>) {
    let (old, listening, sockets) = start(text);
    let (new, _) = parse(new);
    (Plan::new(&old, &listening, new, 2), sockets)
}

fn ids(plan: &Plan) -> Vec<&str> {
    plan.config.transports.iter().map(|it| &*it.id).collect()
}

#[test]
fn a_transport_that_did_not_change_keeps_its_sockets() {
    let text = transport("udp", free(), "");
    let (plan, _sockets) = reload(&text, &text);
    let plan = plan.unwrap();
    assert!(plan.sockets.is_empty() && plan.report.kept.is_empty());
    assert!(plan.report.changes.is_empty(), "{}", plan.report.changes);
}

#[test]
fn a_new_transport_is_opened_at_the_end() {
    let (one, two) = (free(), free());
    let text = transport("udp", one, "");
    let (plan, _sockets) = reload(&text, &(transport("a", two, "") + &text));
    let plan = plan.unwrap();
    assert_eq!(ids(&plan), ["a", "udp"]);
    assert_eq!((&*plan.transports[0].config.id, &*plan.transports[1].config.id), ("udp", "a"));
    assert_eq!((plan.sockets[0].transport, plan.sockets[0].sockets.as_ref().map(Vec::len)), (1, Some(2)));
    assert_eq!(plan.report.changes.to_string(), "1 transport added");
}

#[test]
fn without_allow_reload_the_old_socket_stays_and_the_rest_counts() {
    let (one, two) = (free(), free());
    let new = transport("udp", two, "domain=example.com\ntos=cs3\n");
    let (plan, _sockets) = reload(&transport("udp", one, ""), &new);
    let plan = plan.unwrap();
    assert!(plan.sockets.is_empty());
    let now = &plan.config.transports[0];
    assert_eq!(now.bind, one);
    assert_eq!((now.domain.as_deref(), now.tos), (Some("example.com"), 0));
    assert_eq!(now.options.text("bind"), one.to_string().into(), "listings show what counts");
    assert_eq!(
        plan.report.kept,
        ["transport 'udp' keeps its bind, tos: a change needs allow_reload=yes or a restart"]
    );
}

#[test]
fn with_allow_reload_it_is_bound_anew_in_its_place() {
    let (one, two) = (free(), free());
    let new = transport("udp", two, "allow_reload=yes\n");
    let (plan, sockets) = reload(&transport("udp", one, ""), &new);
    let plan = plan.unwrap();
    assert_eq!((plan.transports.len(), plan.transports[0].local), (1, two));
    assert_eq!(plan.sockets[0].transport, 0);
    assert!(plan.report.kept.is_empty());
    drop(sockets);
    // The same port with another type of service: our old sockets are no strangers.
    let new = transport("udp", one, "allow_reload=yes\ntos=cs3\n");
    let (plan, _sockets) = reload(&transport("udp", one, ""), &new);
    assert_eq!(plan.unwrap().sockets.len(), 1);
}

#[test]
fn an_address_that_is_taken_refuses_everything() {
    let taken = SocketAddr::new(free().ip(), 5098);
    let _stranger = std::net::UdpSocket::bind(taken).unwrap();
    let text = transport("udp", free(), "");
    let (plan, _sockets) = reload(&text, &(text.clone() + &transport("two", taken, "")));
    let error = plan.err().expect("it is taken").to_string();
    assert!(error.starts_with("transport 'two' cannot listen on udp:127."), "{error}");
}

#[test]
fn what_is_gone_from_the_file_listens_on_unless_it_allows_reload() {
    let text = transport("udp", free(), "") + &transport("two", free(), "allow_reload=yes\n");
    let (plan, _sockets) = reload(&text, "[alice]\ntype=endpoint\n");
    let plan = plan.unwrap();
    assert_eq!(ids(&plan), ["udp"]);
    assert_eq!(plan.transports.iter().map(|it| it.open).collect::<Vec<_>>(), [true, false]);
    assert_eq!((plan.sockets[0].transport, plan.sockets[0].sockets.is_none()), (1, true));
    assert_eq!(plan.report.kept.len(), 1, "{:?}", plan.report.kept);
    assert_eq!(plan.report.changes.to_string(), "1 endpoint added, 1 transport removed");
}

#[test]
fn a_transport_can_be_renamed() {
    let port = free();
    let (plan, _sockets) = reload(&transport("udp", port, ""), &transport("lan", port, ""));
    let plan = plan.unwrap();
    assert_eq!(ids(&plan), ["lan"]);
    assert!(plan.sockets.is_empty() && plan.report.kept.is_empty());
    assert_eq!(plan.report.changes.to_string(), "1 transport added, 1 transport removed");
}

#[test]
fn system_options_are_kept_and_named() {
    let (plan, _sockets) = reload("", "[system]\ntype=system\ntimer_t1=200\n");
    let plan = plan.unwrap();
    assert_eq!(plan.config.system.timer_t1.as_millis(), 500);
    assert_eq!(plan.report.kept, ["[system] is read at the start only; kept: timer_t1"]);
}
