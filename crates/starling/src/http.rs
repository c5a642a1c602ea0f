//! `http.conf`: where the HTTP server listens. It carries SIP over WebSocket.
//!
//! ```text
//! [general]
//! enabled=yes
//! bindaddr=0.0.0.0
//! bindport=8088                 ; ws://HOST:8088/ws
//! tlsenable=yes
//! tlsbindaddr=0.0.0.0:8089      ; wss://HOST:8089/ws
//! tlscertfile=/etc/starling/cert.pem
//! tlsprivatekey=/etc/starling/key.pem
//! ```
//!
//! Without the file, or without `enabled=yes`, nothing listens. Options of other uses of Asterisk's HTTP
//! server are accepted and have no effect.

use std::net::{IpAddr, SocketAddr};

use conf::{Config, Diagnostic, LoadError, Section, Severity};
use res_pjsip::WebSocketBinding;
use res_pjsip::config::Tls;

/// Asterisk's ports.
const PORT: u16 = 8088;
const TLS_PORT: u16 = 8089;

/// Options of Asterisk that mean nothing here.
const IGNORED: [&str; 12] = [
    "servername",
    "sessionlimit",
    "session_inactivity",
    "session_keep_alive",
    "enable_static",
    "enablestatic",
    "enable_status",
    "redirect",
    "tlscipher",
    "tlsdisablev1",
    "tlsdisablev11",
    "tlsdisablev12",
];

/// Reads the file, with all remarks; empty without it.
pub(crate) fn load(loader: &conf::Loader) -> Result<(Vec<WebSocketBinding>, Vec<Diagnostic>), String> {
    let file = match loader.load("http.conf") {
        Ok(file) => file,
        Err(LoadError::Missing { .. }) => return Ok((Vec::new(), Vec::new())),
        Err(error) => return Err(error.to_string()),
    };
    let (bindings, remarks) = parse(&file);
    Ok((bindings, file.diagnostics.iter().cloned().chain(remarks).collect()))
}

/// What the file says.
fn parse(file: &Config) -> (Vec<WebSocketBinding>, Vec<Diagnostic>) {
    let mut remarks = Vec::new();
    let Some(section) = file.section("general") else { return (Vec::new(), remarks) };
    let mut reader = Reader { section, remarks: &mut remarks };
    reader.unknown();
    let mut bindings = Vec::new();
    let enabled = reader.flag("enabled");
    let prefix = reader.prefix();
    let port = reader.port("bindport").unwrap_or(PORT);
    let address = reader.address("bindaddr", port);
    let with_tls = reader.flag("tlsenable");
    let tls_address = reader.address("tlsbindaddr", TLS_PORT);
    if !enabled {
        return (bindings, remarks);
    }
    match address {
        Some(address) => bindings.push(WebSocketBinding { address, prefix: prefix.clone(), tls: None }),
        None => reader.remark("enabled", "enabled=yes needs bindaddr, the address to listen on"),
    }
    let tls_address = tls_address.or(address.map(|plain| SocketAddr::new(plain.ip(), TLS_PORT)));
    if with_tls && let Some(address) = tls_address {
        let text = |name| section.value(name).filter(|value| !value.is_empty()).map(Into::into);
        let cert_file = text("tlscertfile");
        if cert_file.is_none() {
            reader.remark("tlsenable", "tlsenable=yes needs tlscertfile, the certificate");
        } else {
            let tls = Tls { cert_file, priv_key_file: text("tlsprivatekey"), ..Tls::default() };
            bindings.push(WebSocketBinding { address, prefix, tls: Some(tls) });
        }
    }
    (bindings, remarks)
}

struct Reader<'a> {
    section: &'a Section,
    remarks: &'a mut Vec<Diagnostic>,
}

impl Reader<'_> {
    fn remark(&mut self, option: &str, message: &str) {
        let pos = self.section.get(option).map_or(&self.section.pos, |entry| &entry.pos).clone();
        let message = format!("[general]: {message}");
        self.remarks.push(Diagnostic { severity: Severity::Error, pos: Some(pos), message });
    }

    fn value<T>(&mut self, option: &str, expected: &str, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        let text = self.section.value(option).filter(|text| !text.is_empty())?;
        let value = read(text);
        if value.is_none() {
            self.remark(option, &format!("{option} = {text}: expected {expected}"));
        }
        value
    }

    fn flag(&mut self, option: &str) -> bool {
        self.value(option, "yes or no", conf::parse_bool).unwrap_or(false)
    }

    fn port(&mut self, option: &str) -> Option<u16> {
        self.value(option, "a port", |text| text.parse().ok())
    }

    fn address(&mut self, option: &str, port: u16) -> Option<SocketAddr> {
        let read = |text: &str| {
            let ip = text.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
            text.parse().ok().or_else(|| Some(SocketAddr::new(ip.ok()?, port)))
        };
        self.value(option, "an IP address, with a port or without", read)
    }

    /// `prefix`, as Asterisk has it: one slash in front, none behind.
    fn prefix(&self) -> String {
        match self.section.value("prefix").unwrap_or_default().trim_matches('/') {
            "" => String::new(),
            prefix => format!("/{prefix}"),
        }
    }

    /// A misspelt option would be missed in silence.
    fn unknown(&mut self) {
        const KNOWN: [&str; 9] = [
            "enabled",
            "bindaddr",
            "bindport",
            "prefix",
            "tlsenable",
            "tlsbindaddr",
            "tlscertfile",
            "tlsprivatekey",
            "tlsbindport",
        ];
        for entry in &self.section.entries {
            let is_known = |name: &&&str| entry.name.eq_ignore_ascii_case(name);
            if !KNOWN.iter().chain(&IGNORED).any(|name| is_known(&name)) {
                let message = format!("[general]: there is no option '{}'", entry.name);
                let pos = Some(entry.pos.clone());
                self.remarks.push(Diagnostic { severity: Severity::Warning, pos, message });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<WebSocketBinding>, Vec<String>) {
        let file = conf::Loader::new(".").parse("http.conf", text).unwrap();
        let (bindings, remarks) = parse(&file);
        (bindings, remarks.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn nothing_listens_unless_it_is_enabled() {
        assert!(read("").0.is_empty());
        assert!(read("[general]\nbindaddr=127.0.0.1\ntlsenable=yes\ntlscertfile=x\n").0.is_empty());
    }

    #[test]
    fn plain_and_secure_websocket_have_asterisks_ports() {
        let text =
            "[general]\nenabled=yes\nbindaddr=127.0.0.1\nprefix=pbx\ntlsenable=yes\ntlscertfile=c.pem\n";
        let (bindings, remarks) = read(text);
        assert_eq!(remarks, [""; 0]);
        let [plain, secure] = &bindings[..] else { panic!("{bindings:?}") };
        assert_eq!((plain.address, &*plain.prefix), ("127.0.0.1:8088".parse().unwrap(), "/pbx"));
        assert!(plain.tls.is_none());
        assert_eq!(secure.address, "127.0.0.1:8089".parse().unwrap());
        assert_eq!(secure.tls.as_ref().unwrap().cert_file.as_deref(), Some("c.pem"));
        let text =
            "[general]\nenabled=yes\nbindaddr=[::1]\nbindport=80\ntlsbindaddr=[::]:443\ntlsenable=no\n";
        let (bindings, _) = read(text);
        assert_eq!(bindings.len(), 1);
        assert_eq!(bindings[0].address, "[::1]:80".parse().unwrap());
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        let (bindings, remarks) =
            read("[general]\nenabled=yes\nbindport=many\ntlsenable=yes\ntlsbindaddr=1.2.3.4\nbindadr=x\n");
        assert!(bindings.is_empty());
        let expected = [
            "http.conf:6:1: [general]: there is no option 'bindadr'",
            "http.conf:3:1: [general]: bindport = many: expected a port",
            "http.conf:2:1: [general]: enabled=yes needs bindaddr, the address to listen on",
            "http.conf:4:1: [general]: tlsenable=yes needs tlscertfile, the certificate",
        ];
        assert_eq!(remarks, expected);
    }
}
