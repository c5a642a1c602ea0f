//! RFC 3263 over a table of records, and over any records at all.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use proptest::prelude::*;
use sip::UriRef;

use super::locate::{Dns, locate, sources};
use super::select::{Naptr, Srv, by_naptr, order_srv};
use super::{Question, ResolveError, Target};
use crate::config::Protocol::{self, Tcp, Tls, Udp};

/// Records by name; a name in `broken` gets no answer.
#[derive(Default)]
struct Table {
    naptr: BTreeMap<String, Vec<Naptr>>,
    srv: BTreeMap<String, Vec<Srv>>,
    addresses: BTreeMap<String, Vec<IpAddr>>,
    broken: Vec<String>,
}

impl Table {
    fn naptr(mut self, name: &str, order: u16, preference: u16, services: &str, replacement: &str) -> Self {
        self.naptr.entry(name.into()).or_default().push(Naptr {
            order,
            preference,
            flags: "s".into(),
            services: services.into(),
            regexp_is_empty: true,
            replacement: replacement.into(),
        });
        self
    }

    fn srv(mut self, name: &str, priority: u16, port: u16, target: &str) -> Self {
        let record = Srv { priority, weight: 0, port, target: target.into() };
        self.srv.entry(name.into()).or_default().push(record);
        self
    }

    fn a(mut self, name: &str, address: &str) -> Self {
        self.addresses.entry(name.into()).or_default().push(address.parse().unwrap());
        self
    }

    fn broken(mut self, name: &str) -> Self {
        self.broken.push(name.into());
        self
    }

    fn get<T: Clone>(&self, map: &BTreeMap<String, Vec<T>>, name: &str) -> Result<Vec<T>, String> {
        if self.broken.iter().any(|broken| broken == name) {
            return Err("no answer".into());
        }
        Ok(map.get(name).cloned().unwrap_or_default())
    }
}

impl Dns for Table {
    async fn naptr(&self, name: &str) -> Result<Vec<Naptr>, String> {
        self.get(&self.naptr, name)
    }
    async fn srv(&self, name: &str) -> Result<Vec<Srv>, String> {
        self.get(&self.srv, name)
    }
    async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, String> {
        self.get(&self.addresses, name)
    }
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn ask(table: &Table, uri: &str, supported: &[Protocol]) -> Result<Vec<Target>, ResolveError> {
    let question = Question::of(&UriRef::parse(uri.as_bytes()).unwrap(), supported);
    wait(locate(table, &question, &mut |_| 0))
}

/// The targets of a URI, as text.
#[track_caller]
fn assert_located(table: &Table, uri: &str, supported: &[Protocol], expected: &[&str]) {
    let targets = ask(table, uri, supported).unwrap();
    assert_eq!(targets.iter().map(ToString::to_string).collect::<Vec<_>>(), expected, "{uri}");
}

fn office() -> Table {
    Table::default()
        .naptr("example.com", 20, 10, "SIP+D2U", "_sip._udp.example.com")
        .naptr("example.com", 10, 20, "SIP+D2T", "_sip._tcp.example.com")
        .naptr("example.com", 10, 10, "SIPS+D2T", "_sips._tcp.example.com")
        .naptr("example.com", 5, 5, "E2U+sip", "_x.example.com")
        .srv("_sip._udp.example.com", 2, 5070, "b.example.com")
        .srv("_sip._udp.example.com", 1, 5071, "a.example.com")
        .srv("_sip._tcp.example.com", 1, 5072, "a.example.com")
        .srv("_sips._tcp.example.com", 1, 5073, "a.example.com")
        .srv("_sip._udp.srv.example.com", 1, 5080, "b.example.com")
        .a("a.example.com", "192.0.2.1")
        .a("a.example.com", "2001:db8::1")
        .a("b.example.com", "192.0.2.2")
        .a("example.com", "192.0.2.3")
}

#[test]
fn an_address_needs_no_dns() {
    let table = Table::default();
    assert_located(&table, "sip:a@192.0.2.9", &[Udp], &["udp:192.0.2.9:5060"]);
    assert_located(&table, "sip:a@[2001:db8::9]:5070;transport=tcp", &[Udp], &["tcp:[2001:db8::9]:5070"]);
    assert_located(&table, "sips:a@192.0.2.9", &[Udp, Tls], &["tls:192.0.2.9:5061"]);
    assert_located(&table, "sips:a@192.0.2.9;transport=tcp", &[Tls], &["tls:192.0.2.9:5061"]);
    assert_located(&table, "sip:a@example.com;maddr=192.0.2.8", &[Udp], &["udp:192.0.2.8:5060"]);
}

#[test]
fn a_port_leaves_only_addresses_to_ask_for() {
    assert_located(&office(), "sip:example.com:5090", &[Udp, Tcp], &["udp:192.0.2.3:5090"]);
    assert_located(&office(), "sips:example.com:5091", &[Udp, Tls], &["tls:192.0.2.3:5091"]);
}

#[test]
fn naptr_decides_among_what_we_can_send_by() {
    let udp = ["udp:192.0.2.1:5071", "udp:[2001:db8::1]:5071", "udp:192.0.2.2:5070"];
    assert_located(&office(), "sip:example.com", &[Udp], &udp);
    let tcp = ["tcp:192.0.2.1:5072", "tcp:[2001:db8::1]:5072"];
    assert_located(&office(), "sip:example.com", &[Udp, Tcp], &[&tcp[..], &udp].concat());
    let tls = ["tls:192.0.2.1:5073", "tls:[2001:db8::1]:5073"];
    assert_located(&office(), "sips:example.com", &[Udp, Tcp, Tls], &tls);
    assert_located(&office(), "sip:EXAMPLE.com;transport=TCP", &[Udp, Tcp], &tcp);
}

#[test]
fn srv_counts_without_naptr_and_addresses_without_both() {
    assert_located(&office(), "sip:srv.example.com", &[Udp, Tcp], &["udp:192.0.2.2:5080"]);
    assert_located(&office(), "sip:b.example.com", &[Udp, Tcp], &["udp:192.0.2.2:5060"]);
    assert_located(&office(), "sips:b.example.com", &[Udp, Tls], &["tls:192.0.2.2:5061"]);
    // The single dot: there is no such service (RFC 2782).
    let table = office().srv("_sip._udp.b.example.com", 0, 0, ".");
    assert_located(&table, "sip:b.example.com", &[Udp], &["udp:192.0.2.2:5060"]);
}

#[test]
fn what_cannot_be_had_is_told_apart_from_what_is_not_known() {
    assert!(matches!(ask(&office(), "sip:no.example.com", &[Udp]), Err(ResolveError::NotFound(_))));
    let table = office().broken("no.example.com");
    let failed = ask(&table, "sip:no.example.com", &[Udp]).unwrap_err();
    assert_eq!(failed.to_string(), "'no.example.com' cannot be looked up: no answer");
    // One silent server of two does no harm.
    assert_located(
        &office().broken("a.example.com"),
        "sip:example.com;transport=udp",
        &[Udp],
        &["udp:192.0.2.2:5070"],
    );
}

#[test]
fn sources_are_all_addresses_of_a_name_and_of_its_services() {
    let ips = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<IpAddr>>();
    assert_eq!(wait(sources(&office(), "example.com", false)).unwrap(), ips(&["192.0.2.3"]));
    let all = ips(&["192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::1"]);
    assert_eq!(wait(sources(&office(), "example.com", true)).unwrap(), all);
    assert!(wait(sources(&office().broken("a.example.com"), "example.com", true)).is_err());
}

#[test]
fn weights_are_won_in_proportion() {
    let record = |weight, target: &str| Srv { priority: 1, weight, port: 1, target: target.into() };
    let records = [record(0, "never"), record(1, "seldom"), record(3, "often")];
    let mut wins: BTreeMap<String, u32> = BTreeMap::new();
    for number in 0..=4 {
        let first = order_srv(&records, |most| if most == 4 { number } else { 0 }).remove(0);
        *wins.entry(first.target.to_string()).or_default() += 1;
    }
    assert_eq!(
        wins.into_iter().collect::<Vec<_>>(),
        [("never".into(), 1), ("often".into(), 3), ("seldom".into(), 1)]
    );
}

fn any_srv() -> impl Strategy<Value = Vec<Srv>> {
    let record =
        (0u16..4, any::<u16>(), any::<u16>(), "[a-z.]{0,3}").prop_map(|(priority, weight, port, target)| {
            Srv { priority, weight, port, target: target.as_str().into() }
        });
    proptest::collection::vec(record, 0..12)
}

fn any_naptr() -> impl Strategy<Value = Vec<Naptr>> {
    let services = prop_oneof!["SIP+D2U", "sip+d2t", "SIPS+D2T", "SIP+D2S", "[a-zA-Z+0-9]{0,8}"];
    let record =
        (0u16..4, 0u16..4, prop_oneof!["s", "S", "a", "u", ""], services, any::<bool>(), "[a-z]{1,3}")
            .prop_map(|(order, preference, flags, services, regexp_is_empty, replacement)| Naptr {
                order,
                preference,
                flags,
                services,
                regexp_is_empty,
                replacement: replacement.as_str().into(),
            });
    proptest::collection::vec(record, 0..12)
}

proptest! {
    /// Whatever is drawn: all usable records come, each once, and never a worse priority before a
    /// better one.
    #[test]
    fn srv_order_is_a_permutation_by_priority(records in any_srv(), draws in proptest::collection::vec(any::<u32>(), 12)) {
        let mut draws = draws.into_iter();
        let ordered = order_srv(&records, |most| draws.next().unwrap_or_default() % (most + 1));
        let mut expected: Vec<_> = records.into_iter().filter(|it| !matches!(&*it.target, "." | "")).collect();
        prop_assert!(ordered.is_sorted_by_key(|it| it.priority));
        let mut sorted = ordered;
        let key = |it: &Srv| (it.priority, it.weight, it.port, it.target.clone());
        sorted.sort_by_key(key);
        expected.sort_by_key(key);
        prop_assert_eq!(sorted, expected);
    }

    #[test]
    fn naptr_never_gives_what_we_cannot_send_by(records in any_naptr(), secure: bool, tcp: bool, tls: bool) {
        let supported: Vec<_> = [Udp].into_iter().chain(tcp.then_some(Tcp)).chain(tls.then_some(Tls)).collect();
        let chosen = by_naptr(&records, secure, &supported);
        for (protocol, name) in &chosen {
            prop_assert!(supported.contains(protocol) && (!secure || *protocol == Tls));
            prop_assert!(records.iter().any(|it| it.replacement == *name && it.regexp_is_empty));
        }
        let best = records.iter().map(|it| it.order).min();
        if let (Some(first), true) = (chosen.first(), best.is_some()) {
            let of_first = records.iter().filter(|it| it.replacement == first.1).map(|it| it.order).min();
            prop_assert!(of_first >= best);
        }
    }

    /// The answer is never empty, and keeps scheme and port.
    #[test]
    fn targets_fit_their_question(host in "[a-c]", port in proptest::option::of(1u16..), secure: bool, broken: bool,
                                  srv in any_srv(), naptr in any_naptr()) {
        let mut table = Table::default().a("a", "192.0.2.1").a("b", "192.0.2.2");
        if broken { table = table.broken("b"); }
        table.srv.insert(format!("_sip._udp.{host}"), srv.clone());
        table.srv.insert("x".into(), srv);
        table.naptr.insert(host.clone(), naptr);
        let question = Question { host: host.as_str().into(), port, transport: None, secure, supported: vec![Udp, Tls] };
        if let Ok(targets) = wait(locate(&table, &question, &mut |_| 0)) {
            prop_assert!(!targets.is_empty() && targets.len() <= 16);
            for Target { protocol, address, .. } in targets {
                prop_assert!(!secure || protocol == Tls);
                if let Some(port) = port { prop_assert_eq!(SocketAddr::port(&address), port); }
            }
        }
    }
}
