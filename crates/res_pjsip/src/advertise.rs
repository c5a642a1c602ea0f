//! What our messages say of where they come from: Via and Contact.
//!
//! A peer is told the address that it sees: the one that packets to it leave from, or outside
//! `local_net` what `external_signaling_address`, `external_signaling_hostname` and
//! `external_signaling_port` say.

use std::net::SocketAddr;

use crate::core::Core;
use crate::output::Peer;

impl Core {
    /// The address of ours that `peer` sees: where a transport is bound to all addresses, the one
    /// that packets to the peer leave from.
    pub fn local_address(&mut self, peer: Peer) -> SocketAddr {
        let Some(transport) = self.snapshot.transports.get(usize::from(peer.transport)) else {
            return SocketAddr::from(([0, 0, 0, 0], 0));
        };
        let mut local = transport.local;
        if local.ip().is_unspecified()
            && let Some(ip) = self.routes.source_for(peer.address)
        {
            local.set_ip(ip);
        }
        local
    }

    /// Host and port that `peer` is told.
    pub fn sent_by(&mut self, peer: Peer) -> String {
        let local = self.local_address(peer);
        let Some(transport) = self.snapshot.transports.get(usize::from(peer.transport)) else {
            return local.to_string();
        };
        let config = &transport.config;
        if config.is_local(peer.address.ip()) {
            return local.to_string();
        }
        let port = config.external_signaling_port.unwrap_or(local.port());
        let name = config.external_signaling_hostname.as_deref();
        match name.or(config.external_signaling_address.as_deref()) {
            // An IPv6 address stands in brackets.
            Some(host) if host.contains(':') && !host.starts_with('[') => format!("[{host}]:{port}"),
            Some(host) => format!("{host}:{port}"),
            None => SocketAddr::new(local.ip(), port).to_string(),
        }
    }

    /// Protocol and sent-by of the Via of requests to `peer`: `SIP/2.0/TCP 192.0.2.1:5060`.
    pub fn via(&mut self, peer: Peer) -> String {
        format!("SIP/2.0/{} {}", self.snapshot.protocol(peer).via_name(), self.sent_by(peer))
    }

    /// Our Contact for `peer`, in angle brackets: `<sip:192.0.2.1:5060;transport=TCP>`.
    pub fn contact(&mut self, peer: Peer, scheme: &str, user: Option<&str>) -> String {
        let user = user.map(|user| format!("{user}@")).unwrap_or_default();
        let transport = self.snapshot.protocol(peer).uri_parameter();
        let transport = transport.map(|name| format!(";transport={name}")).unwrap_or_default();
        format!("<{scheme}:{user}{}{transport}>", self.sent_by(peer))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::config::PjsipConfig;
    use crate::testing::core;
    use crate::{BoundTransport, Peer};

    fn told(options: &str, peer: &str) -> [String; 2] {
        let text = format!("[t]\ntype=transport\nprotocol=tcp\nbind=192.0.2.1:5060\n{options}");
        let file = conf::Loader::new(".").parse("pjsip.conf", &text).unwrap();
        let (config, remarks) = PjsipConfig::parse(&file);
        assert_eq!(remarks, []);
        let transports = config.transports.iter();
        let transports =
            transports.map(|t| BoundTransport { config: t.clone(), local: t.bind, open: true }).collect();
        let mut core = core(Arc::new(config), transports);
        let peer = Peer::new(0, peer.parse().unwrap());
        [core.via(peer), core.contact(peer, "sip", Some("us"))]
    }

    #[test]
    fn peers_outside_local_net_are_told_the_external_address() {
        let own = ["SIP/2.0/TCP 192.0.2.1:5060", "<sip:us@192.0.2.1:5060;transport=TCP>"];
        assert_eq!(told("", "203.0.113.9:1"), own);
        let external = "external_signaling_address=198.51.100.7\nlocal_net=192.0.2.0/24\n";
        assert_eq!(told(external, "192.0.2.9:1"), own);
        assert_eq!(
            told(external, "203.0.113.9:1"),
            ["SIP/2.0/TCP 198.51.100.7:5060", "<sip:us@198.51.100.7:5060;transport=TCP>"]
        );
        let name = "external_signaling_hostname=pbx.example.com\nexternal_signaling_port=5070\n";
        assert_eq!(
            told(name, "192.0.2.9:1"),
            ["SIP/2.0/TCP pbx.example.com:5070", "<sip:us@pbx.example.com:5070;transport=TCP>"]
        );
        assert_eq!(told("external_signaling_port=5070\n", "192.0.2.9:1")[0], "SIP/2.0/TCP 192.0.2.1:5070");
        let v6 = "external_signaling_address=2001:db8::7\n";
        assert_eq!(told(v6, "192.0.2.9:1")[0], "SIP/2.0/TCP [2001:db8::7]:5060");
    }
}
