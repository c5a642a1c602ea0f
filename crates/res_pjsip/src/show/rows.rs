//! The heads and rows of each kind of object.
//!
//! An object at level 0 is what the list is of; what belongs to it is indented by one level, and
//! what belongs to that by two.

use std::fmt::Write;

use super::layout::{fit, head, head_to_end, label, label_width};
use super::{Contact, Runtime};
use crate::config::{Aor, Auth, Endpoint, Identify, PjsipConfig, Transport};

/// The heads of the columns of endpoints.
pub(super) fn endpoint_head() -> String {
    let (id, state, channels) = (head("Endpoint/CID", 51), head("State", 12), head("Channels", 11));
    format!("{}  {id}  {state}  {channels}\n", label(0, "Endpoint"))
}

/// The heads of the columns of auths.
pub(super) fn auth_head(level: usize) -> String {
    to_end(format!("{}  ", label(level, "I/OAuth")), "AuthId/UserName")
}

/// The heads of the columns of addresses of record.
pub(super) fn aor_head(level: usize) -> String {
    let id = head("Aor", 60 - label_width(level));
    format!("{}  {id}  {}\n", label(level, "Aor"), head("MaxContact", 12))
}

/// The heads of the columns of contacts.
pub(super) fn contact_head(level: usize) -> String {
    let (uri, hash) = (head("Aor/ContactUri", 55 - label_width(level)), head("Hash", 10));
    let (status, rtt) = (head("Status", 8), head("RTT(ms)", 11));
    format!("{}  {uri} {hash} {status} {rtt}\n", label(level, "Contact"))
}

/// The heads of the columns of transports.
pub(super) fn transport_head(level: usize) -> String {
    let columns = [head("TransportId", 21), head("Type", 6), head("cos", 5), head("tos", 5)];
    let line = format!("{}  {}  ", label(level, "Transport"), columns.join("  "));
    to_end(line, "BindAddress")
}

/// The heads of the columns of identifies.
pub(super) fn identify_head(level: usize) -> String {
    to_end(format!("{}  ", label(level, "Identify")), "Identify/Endpoint")
}

/// The heads of the columns of what an identify compares with.
pub(super) fn match_head(level: usize) -> String {
    format!("{}  {}\n", label(level, "Match"), head("criteria", 48 - label_width(level)))
}

fn to_end(mut line: String, name: &str) -> String {
    line += &head_to_end(&line, name);
    line + "\n"
}

/// Rows, one below the other.
pub(super) struct Rows<'a> {
    config: &'a PjsipConfig,
    runtime: &'a dyn Runtime,
    /// The text so far.
    pub(super) text: String,
}

impl<'a> Rows<'a> {
    /// No rows yet.
    pub(super) fn new(config: &'a PjsipConfig, runtime: &'a dyn Runtime) -> Self {
        Self { config, runtime, text: String::new() }
    }

    /// An endpoint, without what belongs to it.
    pub(super) fn endpoint(&mut self, endpoint: &Endpoint) {
        let mut id = endpoint.id.to_string();
        if let Some(caller) = endpoint.callerid.as_ref().filter(|caller| !caller.number.is_empty()) {
            let _ = write!(id, "/{}", caller.number);
        }
        let state = self.runtime.endpoint_state(&endpoint.id);
        let busy_at = match endpoint.device_state_busy_at {
            0 => "inf".to_owned(),
            limit => limit.to_string(),
        };
        let channels = self.runtime.channels(&endpoint.id);
        let (id, state) = (fit(&id, 60 - label_width(0)), fit(&state, 12));
        self.line(0, "Endpoint", &format!(" {id}  {state}  {channels} of {busy_at}"));
    }

    /// What belongs to an endpoint.
    pub(super) fn parts_of(&mut self, endpoint: &Endpoint) {
        let config = self.config;
        for (label, names) in [("InAuth", &endpoint.auth), ("OutAuth", &endpoint.outbound_auth)] {
            for auth in names.iter().filter_map(|name| config.auths.get(name)) {
                self.auth(1, label, auth);
            }
        }
        for aor in endpoint.aors.iter().filter_map(|name| config.aors.get(name)) {
            self.aor(1, aor);
            self.contacts_of(2, aor);
        }
        let transport = endpoint.transport.as_ref().and_then(|name| config.transport(name));
        if let Some(transport) = transport {
            self.transport(1, transport);
        }
        for identify in config.identifies.iter().filter(|it| it.endpoint == endpoint.id) {
            self.identify(1, identify);
            self.criteria(2, identify);
        }
    }

    /// Credentials.
    pub(super) fn auth(&mut self, level: usize, label: &str, auth: &Auth) {
        self.line(level, label, &format!(" {}/{}", auth.id, auth.username));
    }

    /// An address of record, without its contacts.
    pub(super) fn aor(&mut self, level: usize, aor: &Aor) {
        let id = fit(&aor.id, 50 - label_width(level));
        self.line(level, "Aor", &format!(" {id} {:>12}", aor.max_contacts));
    }

    /// The contacts of an address of record.
    pub(super) fn contacts_of(&mut self, level: usize, aor: &Aor) {
        for contact in self.runtime.contacts_of(&aor.id) {
            self.contact(level, &contact);
        }
    }

    /// A contact.
    pub(super) fn contact(&mut self, level: usize, contact: &Contact) {
        let aor = &contact.aor;
        let width = (54 - label_width(level)).saturating_sub(aor.chars().count());
        let (uri, hash) = (fit(&contact.uri, width), fit(contact.hash(), 10));
        let rtt = match contact.rtt {
            None => "nan".to_owned(),
            Some(rtt) => format!("{:.3}", rtt.as_secs_f64() * 1000.0),
        };
        let status = contact.status.short();
        self.line(level, "Contact", &format!(" {aor}/{uri} {hash} {status:<7} {rtt:>11}"));
    }

    /// A transport.
    pub(super) fn transport(&mut self, level: usize, transport: &Transport) {
        let Transport { id, protocol, cos, tos, bind, .. } = transport;
        let protocol = protocol.name();
        let row = format!(" {id:<21}  {protocol:>6}  {cos:>5}  {tos:>5}  {bind}");
        self.line(level, "Transport", &row);
    }

    /// An identify, without what it compares with.
    pub(super) fn identify(&mut self, level: usize, identify: &Identify) {
        self.line(level, "Identify", &format!(" {}/{}", identify.id, identify.endpoint));
    }

    /// What an identify compares with.
    pub(super) fn criteria(&mut self, level: usize, identify: &Identify) {
        for rule in &identify.matches {
            self.line(level, "Match", &rule.to_string());
        }
        if let Some(header) = &identify.header {
            self.line(level, "Header", &header.to_string());
        }
        if let Some(pattern) = &identify.request_uri {
            self.line(level, "RequestURI", &pattern.to_string());
        }
    }

    /// An empty line.
    pub(super) fn blank(&mut self) {
        self.text.push('\n');
    }

    fn line(&mut self, level: usize, name: &str, row: &str) {
        let _ = writeln!(self.text, "{} {row}", label(level, name));
    }
}
