//! Which of our addresses a peer sees.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use crate::core::Routes;

/// Entries kept; a server with more networks around it asks the kernel again.
const CACHE: usize = 4096;

/// Asks the kernel's routing table, by connecting a UDP socket (nothing is sent).
#[derive(Debug, Default)]
pub(crate) struct KernelRoutes {
    cache: HashMap<IpAddr, IpAddr>,
}

impl Routes for KernelRoutes {
    fn source_for(&mut self, destination: SocketAddr) -> Option<IpAddr> {
        if let Some(source) = self.cache.get(&destination.ip()) {
            return Some(*source);
        }
        let any: IpAddr =
            if destination.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        let socket = UdpSocket::bind((any, 0)).ok()?;
        socket.connect(destination).ok()?;
        let source = socket.local_addr().ok()?.ip();
        if self.cache.len() >= CACHE {
            self.cache.clear();
        }
        self.cache.insert(destination.ip(), source);
        Some(source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_reached_from_loopback() {
        let source = KernelRoutes::default().source_for("127.0.0.1:9".parse().unwrap());
        assert_eq!(source, Some("127.0.0.1".parse().unwrap()));
    }
}
