//! A REGISTER read: whose AOR it is about, and what it asks for.

use std::sync::Arc;

use sip::{HeaderName, Scheme};

use super::bindings::{Registration, Wanted, Wish};
use crate::config::{Aor, PjsipConfig};
use crate::core::Core;
use crate::distributor::Request;

/// Limits of a contact, in bytes.
const MAX_URI: usize = 511;
const MAX_HOST: usize = 255;

/// The option tag of RFC 3327.
pub(super) const PATH: &str = "path";

/// Why a REGISTER is not served: status, and the reason for the log.
#[derive(Debug)]
pub(super) struct Unserved {
    pub(super) status: u16,
    pub(super) why: String,
}

impl Unserved {
    pub(super) fn new(status: u16, why: impl Into<String>) -> Self {
        Self { status, why: why.into() }
    }
}

/// The AOR that a REGISTER is about: the first of the endpoint's `aors` that is named as the user of
/// To with its domain, with the domain that this is an alias of, or alone.
pub(super) fn aor(config: &PjsipConfig, request: &Request<'_>) -> Result<Arc<Aor>, Unserved> {
    let endpoint = &request.endpoint;
    if endpoint.aors.is_empty() {
        return Err(Unserved::new(403, "the endpoint has no aors"));
    }
    let to = &request.to.uri;
    if !to.is_sip() {
        return Err(Unserved::new(416, "To is no SIP URI"));
    }
    let user = to.user_unescaped();
    let user = match user.split_once(';') {
        Some((user, _)) if config.global.ignore_uri_user_options => user,
        _ => &user,
    };
    let mut names = vec![format!("{user}@{}", to.host)];
    names.extend(config.index.names.real_domain(to.host).map(|domain| format!("{user}@{domain}")));
    names.push(user.to_owned());
    let mine = |name: &String| endpoint.aors.iter().find(|aor| ***aor == **name);
    let found = names.iter().find_map(mine).and_then(|name| config.aors.get(name));
    found.cloned().ok_or_else(|| {
        let (names, aors) = (names.join(", "), endpoint.aors.join(", "));
        Unserved::new(404, format!("none of {names} is among the endpoint's aors={aors}"))
    })
}

/// What a REGISTER asks for. `now` is in seconds since 1970.
pub(super) fn registration(
    core: &Core,
    request: &Request<'_>,
    aor: &Aor,
    now: u64,
) -> Result<Registration, Unserved> {
    let message = &request.message;
    let via = message.last_via().unwrap_or(request.via);
    let text = |header| message.header(header).map(|value| lossy(&sip::unfold(value)));
    Ok(Registration {
        wish: wish(request)?,
        path: path(core, request, aor)?,
        user_agent: text(HeaderName::UserAgent),
        via_addr: via.host.trim_matches(['[', ']']).to_owned(),
        via_port: via.port.unwrap_or(5060),
        call_id: lossy(request.call_id),
        cseq: request.cseq,
        endpoint: request.endpoint.id.clone(),
        reg_server: String::new(),
        flow: request.peer.connection.map(|_| request.peer),
        now,
    })
}

/// The contacts of a REGISTER (RFC 3261, 10.2 and 10.3).
fn wish(request: &Request<'_>) -> Result<Wish, Unserved> {
    let message = &request.message;
    let expires =
        message.expires().map_err(|error| Unserved::new(400, format!("Expires header: {error}")))?;
    if message.contact_is_star() {
        return match expires {
            Some(0) => Ok(Wish::RemoveAll),
            _ => Err(Unserved::new(400, "Contact: * without Expires: 0")),
        };
    }
    let mut wanted = Vec::new();
    for contact in message.contacts() {
        let contact = contact.map_err(|error| Unserved::new(400, format!("Contact header: {error}")))?;
        if !matches!(contact.uri.scheme, Scheme::Sip | Scheme::Sips) {
            return Err(Unserved::new(416, "a Contact is no SIP URI"));
        }
        if contact.uri_bytes.len() > MAX_URI || contact.uri.host.len() > MAX_HOST {
            return Err(Unserved::new(400, format!("a Contact is longer than {MAX_URI} bytes")));
        }
        let own = contact.param("expires").and_then(seconds);
        wanted.push(Wanted { uri: contact.uri.text().to_owned(), lifetime: own.or(expires) });
    }
    Ok(if wanted.is_empty() { Wish::Query } else { Wish::Contacts(wanted) })
}

/// The values of Path, joined, if the AOR keeps them and the module `res_pjsip_path` is loaded.
fn path(core: &Core, request: &Request<'_>, aor: &Aor) -> Result<String, Unserved> {
    let message = &request.message;
    if !aor.support_path || !core.option_tags().contains(&PATH) {
        return Ok(String::new());
    }
    for address in message.addresses(HeaderName::Path) {
        address.map_err(|error| Unserved::new(400, format!("Path header: {error}")))?;
    }
    let values: Vec<_> = message.values(HeaderName::Path).map(|value| lossy(&sip::unfold(value))).collect();
    let mut supported = message.values(HeaderName::Supported).chain(message.values(HeaderName::Require));
    if !values.is_empty() && !supported.any(|tag| tag.eq_ignore_ascii_case(PATH.as_bytes())) {
        return Err(Unserved::new(420, "Path without Supported: path"));
    }
    Ok(values.join(", "))
}

/// A number of seconds; what does not fit is the most that there is (RFC 3261, 20.19). What is no
/// number counts as not said.
fn seconds(text: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(text).ok()?;
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u32::MAX))
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
