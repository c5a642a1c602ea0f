//! `type=transport`: where the server listens and what it says of its address.
//!
//! ```text
//! [udp]
//! type=transport
//! protocol=udp
//! bind=0.0.0.0
//! external_signaling_address=203.0.113.7
//! local_net=192.168.0.0/16
//! ```

use std::fmt;
use std::fs::{self, File};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use conf::Severity;

use super::acl::Rule;
use super::draft::Draft;
use super::options::Options;
use super::table::{BOOL, CAPITAL, COS, Kind, ObjectType, OptionSpec, PORT, TEXT, UINT, opt, word};
use super::uri::socket_address;
use super::value::Value;

/// The table of `type=transport`.
pub static TRANSPORT: ObjectType = ObjectType::new("transport", OPTIONS);

const PROTOCOLS: Kind = word(&["udp", "tcp", "tls", "ws", "wss", "flow"]);
const METHODS: Kind = Kind::Word {
    words: &["unspecified", "tlsv1", "tlsv1_1", "tlsv1_2", "tlsv1_3", "sslv2", "sslv3", "sslv23"],
    aliases: &[("default", "unspecified"), ("", "unspecified")],
};

const OPTIONS: &[OptionSpec] = &[
    opt("allow_reload", BOOL, "no"),
    opt("allow_wildcard_certs", CAPITAL, "no"),
    opt("async_operations", UINT, "1"),
    opt("bind", Kind::Address, ""),
    opt("ca_list_file", TEXT, ""),
    opt("ca_list_path", TEXT, ""),
    opt("cert_file", TEXT, ""),
    opt("cipher", Kind::SpacedList, ""),
    opt("cos", COS, "0"),
    opt("domain", TEXT, ""),
    opt("external_media_address", TEXT, ""),
    opt("external_signaling_address", TEXT, ""),
    opt("external_signaling_hostname", TEXT, ""),
    opt("external_signaling_port", PORT, "0"),
    opt("local_net", Kind::Networks, "").accumulating(),
    opt("method", METHODS, "default"),
    opt("password", TEXT, ""),
    opt("priv_key_file", TEXT, ""),
    opt("protocol", PROTOCOLS, "udp"),
    opt("require_client_cert", CAPITAL, "no"),
    opt("symmetric_transport", BOOL, "no"),
    opt("tcp_keepalive_enable", BOOL, "no"),
    opt("tcp_keepalive_idle_time", UINT, "30"),
    opt("tcp_keepalive_interval_time", UINT, "1"),
    opt("tcp_keepalive_probe_count", UINT, "5"),
    opt("tos", Kind::Tos, "0"),
    opt("verify_client", CAPITAL, "no"),
    opt("verify_server", CAPITAL, "no"),
    opt("websocket_write_timeout", UINT, "100"),
];

/// Options that name a file or directory which TLS reads.
const PATHS: [&str; 4] = ["cert_file", "priv_key_file", "ca_list_file", "ca_list_path"];

/// What a transport carries SIP over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// Datagrams (RFC 3261, 18).
    Udp,
    /// A stream.
    Tcp,
    /// A stream within TLS.
    Tls,
    /// WebSocket (RFC 7118), carried by the HTTP server.
    Ws,
    /// WebSocket within TLS, carried by the HTTP server.
    Wss,
    /// The connection of an outbound registration (RFC 5626).
    Flow,
}

impl Protocol {
    /// The name as configuration and listings write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Ws => "ws",
            Self::Wss => "wss",
            Self::Flow => "flow",
        }
    }

    /// The name in a Via, and in logs.
    pub fn via_name(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp | Self::Flow => "TCP",
            Self::Tls => "TLS",
            Self::Ws => "WS",
            Self::Wss => "WSS",
        }
    }

    /// The `transport` parameter of our Contact; none for UDP. A secure WebSocket has no name of its
    /// own there (RFC 7118, 5.2).
    pub fn uri_parameter(self) -> Option<&'static str> {
        match self {
            Self::Udp => None,
            Self::Ws | Self::Wss => Some("ws"),
            other => Some(other.via_name()),
        }
    }

    /// What the `transport` parameter of a URI asks for (RFC 3261 19.1.1, RFC 7118), in any letter case.
    pub fn of_uri_parameter(name: &str) -> Option<Self> {
        let all = [Self::Udp, Self::Tcp, Self::Tls, Self::Ws, Self::Wss];
        all.into_iter().find(|protocol| protocol.via_name().eq_ignore_ascii_case(name))
    }

    /// Whether requests need no retransmission: everything but UDP.
    pub fn is_reliable(self) -> bool {
        self != Self::Udp
    }

    /// The port when none is named (RFC 3261, 19.1.2).
    pub fn default_port(self) -> u16 {
        if self == Self::Tls { 5061 } else { 5060 }
    }

    fn parse(name: &str) -> Self {
        match name {
            "tcp" => Self::Tcp,
            "tls" => Self::Tls,
            "ws" => Self::Ws,
            "wss" => Self::Wss,
            "flow" => Self::Flow,
            _ => Self::Udp,
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The TLS settings of a transport.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tls {
    /// The certificate, if one is named.
    pub cert_file: Option<Arc<str>>,
    /// Its private key.
    pub priv_key_file: Option<Arc<str>>,
    /// Certificates of authorities, in one file.
    pub ca_list_file: Option<Arc<str>>,
    /// Certificates of authorities, in a directory.
    pub ca_list_path: Option<Arc<str>>,
    /// What the private key is locked with.
    pub password: Option<Arc<str>>,
    /// The version asked for: `unspecified`, `tlsv1_2`, `sslv23`, …
    pub method: Arc<str>,
    /// Cipher names; none for the library's own choice.
    pub cipher: Vec<Arc<str>>,
    /// Whether the peer's certificate is checked when we connect.
    pub verify_server: bool,
    /// Whether the peer's certificate is checked when it connects.
    pub verify_client: bool,
    /// Whether a peer must have a certificate.
    pub require_client_cert: bool,
    /// Whether `*.example.com` is a name that passes.
    pub allow_wildcard_certs: bool,
}

/// TCP keep-alive of the operating system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpKeepalive {
    /// Silence before the first probe.
    pub idle: Duration,
    /// Time between probes.
    pub interval: Duration,
    /// Probes before the connection counts as dead.
    pub probes: u32,
}

/// Where the server listens and what it says of its address.
#[derive(Clone, Debug, PartialEq)]
pub struct Transport {
    /// The section's name.
    pub id: Arc<str>,
    /// What it carries SIP over.
    pub protocol: Protocol,
    /// The address and port to listen on, the default port filled in.
    pub bind: SocketAddr,
    /// A domain that is ours.
    pub domain: Option<Arc<str>>,
    /// The address or name that peers outside `local_net` are told, resolved by the server.
    pub external_signaling_address: Option<Arc<str>>,
    /// The name that peers outside `local_net` are told as it is.
    pub external_signaling_hostname: Option<Arc<str>>,
    /// The port that peers outside `local_net` are told; `None` for the one listened on.
    pub external_signaling_port: Option<u16>,
    /// Networks whose peers are told our own address. [`Transport::is_local`] asks it.
    pub local_net: Vec<Rule>,
    /// Type of service of packets sent, a DSCP class times four.
    pub tos: u8,
    /// Class of service of frames sent, 0 to 7.
    pub cos: u8,
    /// TLS settings; they count only for `tls`.
    pub tls: Tls,
    /// TCP keep-alive, if it is on.
    pub tcp_keepalive: Option<TcpKeepalive>,
    /// How long a WebSocket peer may keep us waiting.
    pub websocket_write_timeout: Duration,
    /// Whether a reload may bind anew.
    pub allow_reload: bool,
    /// Whether requests leave by the transport that the peer came in by.
    pub symmetric_transport: bool,
    /// Every option, for listings.
    pub options: Options,
}

impl Transport {
    /// The options of a socket that is open: they change with a new one only.
    pub(crate) const FIXED: &[&str] = &[
        "protocol",
        "bind",
        "tos",
        "cos",
        "cert_file",
        "priv_key_file",
        "ca_list_file",
        "ca_list_path",
        "password",
        "method",
        "cipher",
        "verify_server",
        "verify_client",
        "require_client_cert",
        "allow_wildcard_certs",
        "tcp_keepalive_enable",
        "tcp_keepalive_idle_time",
        "tcp_keepalive_interval_time",
        "tcp_keepalive_probe_count",
    ];

    /// The transport of a section.
    pub(crate) fn build(draft: &mut Draft<'_>) -> Self {
        let protocol = Protocol::parse(&draft.options.text("protocol"));
        if protocol != Protocol::Flow {
            draft.require("bind");
        }
        let written = draft.options.text("bind");
        let bind = socket_address(&written, protocol.default_port())
            .unwrap_or(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0));
        if !written.is_empty() {
            draft.options.replace("bind", Value::Text(bind.to_string().into()));
        }
        if draft.options.number("async_operations") != 1 {
            draft.complain(Severity::Warning, "async_operations", "is always 1");
            draft.options.replace("async_operations", Value::Number(1));
        }
        let external = ["external_signaling_address", "external_signaling_hostname"];
        if external.iter().all(|option| draft.options.some_text(option).is_some()) {
            draft.refuse(external[1], "cannot be given together with external_signaling_address");
        }
        if protocol == Protocol::Tls {
            check_paths(draft);
        }
        Self::from_options(draft.id(), protocol, bind, draft.options.clone())
    }

    /// A transport that no section of `pjsip.conf` describes.
    pub fn implicit(id: &str, protocol: Protocol, bind: SocketAddr) -> Self {
        Self::from_options(id.into(), protocol, bind, Options::new(&TRANSPORT))
    }

    /// Whether `address` is in `local_net`, so that it is told our own address. With several
    /// entries the last one that contains the address decides.
    pub fn is_local(&self, address: IpAddr) -> bool {
        let rule = self.local_net.iter().rev().find(|rule| rule.network.contains(address));
        rule.is_some_and(|rule| !rule.inverted)
    }

    /// Which of the options `names` have another value in `other`.
    pub(crate) fn differing(&self, other: &Self, names: &[&str]) -> Vec<&'static str> {
        let mut differing = self.options.differing(&other.options);
        differing.retain(|name| names.contains(name));
        differing
    }

    /// This transport, its socket as it is and all else as in `other`.
    pub(crate) fn with_changes_of(&self, other: &Self) -> Self {
        let mut options = other.options.clone();
        for name in Self::FIXED {
            if let Some(value) = self.options.value(name) {
                options.replace(name, value.clone());
            }
        }
        Self::from_options(other.id.clone(), self.protocol, self.bind, options)
    }

    fn from_options(id: Arc<str>, protocol: Protocol, bind: SocketAddr, options: Options) -> Self {
        let seconds = |name: &str| Duration::from_secs(options.number(name).into());
        let byte = |name: &str| u8::try_from(options.number(name)).unwrap_or_default();
        Self {
            id,
            protocol,
            bind,
            domain: options.some_text("domain"),
            external_signaling_address: options.some_text("external_signaling_address"),
            external_signaling_hostname: options.some_text("external_signaling_hostname"),
            external_signaling_port: u16::try_from(options.number("external_signaling_port"))
                .ok()
                .filter(|port| *port != 0),
            local_net: match options.value("local_net") {
                Some(Value::Networks(networks)) => networks.clone(),
                _ => Vec::new(),
            },
            tos: byte("tos"),
            cos: byte("cos"),
            tls: Tls {
                cert_file: options.some_text("cert_file"),
                priv_key_file: options.some_text("priv_key_file"),
                ca_list_file: options.some_text("ca_list_file"),
                ca_list_path: options.some_text("ca_list_path"),
                password: options.some_text("password"),
                method: options.text("method"),
                cipher: options.list("cipher"),
                verify_server: options.flag("verify_server"),
                verify_client: options.flag("verify_client"),
                require_client_cert: options.flag("require_client_cert"),
                allow_wildcard_certs: options.flag("allow_wildcard_certs"),
            },
            tcp_keepalive: options.flag("tcp_keepalive_enable").then(|| TcpKeepalive {
                idle: seconds("tcp_keepalive_idle_time"),
                interval: seconds("tcp_keepalive_interval_time"),
                probes: options.number("tcp_keepalive_probe_count"),
            }),
            websocket_write_timeout: Duration::from_millis(options.number("websocket_write_timeout").into()),
            allow_reload: options.flag("allow_reload"),
            symmetric_transport: options.flag("symmetric_transport"),
            options,
        }
    }
}

/// Refuses a transport whose certificate files cannot be read.
fn check_paths(draft: &mut Draft<'_>) {
    for option in PATHS {
        let Some(path) = draft.options.some_text(option) else {
            continue;
        };
        let readable = match option {
            "ca_list_path" => fs::read_dir(&*path).map(drop),
            _ => File::open(&*path).map(drop),
        };
        if let Err(error) = readable {
            draft.refuse(option, &format!("names '{path}', which cannot be read: {error}"));
        }
    }
}
