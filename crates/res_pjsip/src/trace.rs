//! The SIP logger: `pjsip set logger on|off|host ADDRESS`.

use std::net::IpAddr;

use crate::output::Peer;

/// Which packets are shown. Off by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum TraceFilter {
    /// None.
    #[default]
    Off,
    /// All.
    All,
    /// Those from and to these addresses.
    Hosts(Vec<IpAddr>),
}

impl TraceFilter {
    /// Whether packets of this peer are shown.
    pub fn shows(&self, peer: Peer) -> bool {
        match self {
            Self::Off => false,
            Self::All => true,
            Self::Hosts(hosts) => hosts.contains(&peer.address.ip().to_canonical()),
        }
    }

    /// Prints a packet that came in.
    pub fn received(&self, protocol: &str, peer: Peer, packet: &[u8]) {
        if self.shows(peer) {
            print("Received", "from", protocol, peer, packet);
        }
    }

    /// Prints a packet that goes out.
    pub fn transmitted(&self, protocol: &str, peer: Peer, packet: &[u8]) {
        if self.shows(peer) {
            print("Transmitting", "to", protocol, peer, packet);
        }
    }
}

/// A header line and the packet. The log gives each line its own prefix, so nothing in a packet can
/// look like a log line of its own.
fn print(verb: &str, preposition: &str, protocol: &str, peer: Peer, packet: &[u8]) {
    let kind = if packet.starts_with(b"SIP/2.0") { "response" } else { "request" };
    tracing::info!(
        verbose = 0,
        multiline = true,
        "<--- {verb} SIP {kind} ({} bytes) {preposition} {protocol}:{} --->\n{}",
        packet.len(),
        peer.address,
        String::from_utf8_lossy(packet)
    );
}
