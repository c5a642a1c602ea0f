//! Contacts as Asterisk keeps them in its astdb: family `registrar`, key `contact/<id>`, a JSON
//! object of texts. Either server reads what the other has written.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Contact, Qualify};

/// The family of the astdb.
pub(crate) const FAMILY: &str = "registrar";

/// The key of a contact in the family.
pub(crate) fn key(id: &str) -> String {
    format!("contact/{id}")
}

/// The fields of the JSON object.
#[derive(Serialize, Deserialize)]
#[serde(default)]
struct Stored {
    via_addr: String,
    qualify_timeout: String,
    qualify_2xx_only: String,
    call_id: String,
    reg_server: String,
    prune_on_boot: String,
    path: String,
    endpoint: String,
    via_port: String,
    authenticate_qualify: String,
    uri: String,
    qualify_frequency: String,
    user_agent: String,
    expiration_time: String,
    outbound_proxy: String,
}

/// What an object of an older Asterisk does not have counts as Asterisk's default.
impl Default for Stored {
    fn default() -> Self {
        let [empty, zero, no] = ["", "0", "no"].map(str::to_owned);
        Self {
            via_addr: empty.clone(),
            qualify_timeout: "3.000000".into(),
            qualify_2xx_only: "false".into(),
            call_id: empty.clone(),
            reg_server: empty.clone(),
            prune_on_boot: no.clone(),
            path: empty.clone(),
            endpoint: empty.clone(),
            via_port: zero.clone(),
            authenticate_qualify: no,
            uri: empty.clone(),
            qualify_frequency: zero.clone(),
            user_agent: empty.clone(),
            expiration_time: zero,
            outbound_proxy: empty,
        }
    }
}

impl From<&Contact> for Stored {
    fn from(contact: &Contact) -> Self {
        let yes_no = |flag| if flag { "yes" } else { "no" }.to_owned();
        Self {
            via_addr: contact.via_addr.to_string(),
            qualify_timeout: format!("{:.6}", contact.qualify.timeout.as_secs_f64()),
            qualify_2xx_only: contact.qualify.only_2xx.to_string(),
            call_id: contact.call_id.to_string(),
            reg_server: contact.reg_server.to_string(),
            prune_on_boot: yes_no(contact.prune_on_boot),
            path: contact.path.to_string(),
            endpoint: contact.endpoint.to_string(),
            via_port: contact.via_port.to_string(),
            authenticate_qualify: yes_no(contact.qualify.authenticate),
            uri: contact.uri.to_string(),
            qualify_frequency: contact.qualify.frequency.as_secs().to_string(),
            user_agent: contact.user_agent.to_string(),
            expiration_time: contact.expires_at.unwrap_or_default().to_string(),
            outbound_proxy: contact.outbound_proxy.to_string(),
        }
    }
}

/// The value to store.
pub(crate) fn write(contact: &Contact) -> String {
    // Texts and nothing but texts: this cannot fail.
    serde_json::to_string(&Stored::from(contact)).unwrap_or_default()
}

/// The contact of a stored value.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn read(id: &str, value: &str) -> Result<Contact, String> {
    let (aor, _) = id.rsplit_once(";@").ok_or("its key names no AOR")?;
    let stored: Stored = serde_json::from_str(value).map_err(|error| error.to_string())?;
    let number = |name: &str, text: &str| {
        text.parse::<u64>().map_err(|_| format!("its {name} is '{text}', which is no number"))
    };
    let flag = |text: &str| conf::parse_bool(text).unwrap_or(false);
    let timeout = stored.qualify_timeout.parse().ok().map(Duration::try_from_secs_f64);
    if !sip::UriRef::parse(stored.uri.as_bytes()).is_ok_and(|uri| uri.is_sip()) {
        return Err(format!("its uri is '{}', which is no SIP URI", stored.uri));
    }
    Ok(Contact {
        id: id.into(),
        aor: aor.into(),
        expires_at: Some(number("expiration_time", &stored.expiration_time)?),
        via_port: stored.via_port.parse().unwrap_or_default(),
        cseq: None,
        flow: None,
        prune_on_boot: flag(&stored.prune_on_boot),
        qualify: Qualify {
            frequency: Duration::from_secs(number("qualify_frequency", &stored.qualify_frequency)?),
            timeout: timeout.and_then(Result::ok).unwrap_or(Duration::from_secs(3)),
            only_2xx: flag(&stored.qualify_2xx_only),
            authenticate: flag(&stored.authenticate_qualify),
        },
        uri: stored.uri.into(),
        path: stored.path.into(),
        user_agent: stored.user_agent.into(),
        via_addr: stored.via_addr.into(),
        call_id: stored.call_id.into(),
        reg_server: stored.reg_server.into(),
        endpoint: stored.endpoint.into(),
        outbound_proxy: stored.outbound_proxy.into(),
    })
}

/// Names and values of all fields, sorted by name: what listings show of a contact.
pub(crate) fn parameters(contact: &Contact) -> Vec<(&'static str, String)> {
    let it = Stored::from(contact);
    vec![
        ("authenticate_qualify", it.authenticate_qualify),
        ("call_id", it.call_id),
        ("endpoint", it.endpoint),
        ("expiration_time", it.expiration_time),
        ("outbound_proxy", it.outbound_proxy),
        ("path", it.path),
        ("prune_on_boot", it.prune_on_boot),
        ("qualify_2xx_only", it.qualify_2xx_only),
        ("qualify_frequency", it.qualify_frequency),
        ("qualify_timeout", it.qualify_timeout),
        ("reg_server", it.reg_server),
        ("uri", it.uri),
        ("user_agent", it.user_agent),
        ("via_addr", it.via_addr),
        ("via_port", it.via_port),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A value as a running Asterisk left it.
    const ASTERISK: &str = r#"{"via_addr":"127.0.0.1","qualify_timeout":"3.000000","qualify_2xx_only":"false","call_id":"wa2gq6ieroosckd0","reg_server":"","prune_on_boot":"no","path":"","endpoint":"alice","via_port":"42596","authenticate_qualify":"no","uri":"sip:alice@127.0.0.1:42596","qualify_frequency":"0","user_agent":"","expiration_time":"1795417294","outbound_proxy":""}"#;
    const ID: &str = "alice;@ce458f35fb7cce96104aef88b44ae4ff";

    #[test]
    fn a_contact_of_asterisk_is_read_and_written_back_as_it_was() {
        let contact = read(ID, ASTERISK).unwrap();
        assert_eq!((&*contact.aor, &*contact.uri), ("alice", "sip:alice@127.0.0.1:42596"));
        assert_eq!(contact.expires_at, Some(1_795_417_294));
        assert_eq!(write(&contact), ASTERISK);
    }

    #[test]
    fn quotes_and_odd_names_survive() {
        let mut contact = read(ID, ASTERISK).unwrap();
        contact.user_agent = "a \"b\" \\ \u{1}ü".into();
        contact.path = "<sip:p1;lr>, <sip:p2;lr>".into();
        assert_eq!(read(ID, &write(&contact)).unwrap(), contact);
    }

    #[test]
    fn what_is_missing_has_asterisks_default_and_what_is_wrong_is_told() {
        let contact = read(ID, r#"{"uri":"sip:a@b","expiration_time":"5","new_field":"x"}"#).unwrap();
        assert_eq!(contact.qualify.timeout, Duration::from_secs(3));
        for (id, value, wrong) in [
            ("alice", ASTERISK, "AOR"),
            (ID, "{", "EOF"),
            (ID, r#"{"uri":"mailto:x"}"#, "no SIP URI"),
            (ID, r#"{"uri":"sip:a@b","expiration_time":"x"}"#, "no number"),
        ] {
            let error = read(id, value).unwrap_err();
            assert!(error.contains(wrong), "{error}");
        }
    }
}
