//! A name server of the zone `test`, which a test fills.

use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use hickory_server::net::runtime::TokioRuntimeProvider;
use hickory_server::proto::rr::rdata::{A, NAPTR, SOA, SRV};
use hickory_server::proto::rr::{LowerName, Name, RData, Record, RecordType, RrKey};
use hickory_server::server::Server;
use hickory_server::store::in_memory::InMemoryZoneHandler;
use hickory_server::zone_handler::{AxfrPolicy, Catalog, ZoneType};
use tokio::runtime::Runtime;

type Zone = InMemoryZoneHandler<TokioRuntimeProvider>;

/// A running name server. All its records may be kept for one second.
pub struct Dns {
    address: SocketAddr,
    zone: Arc<Zone>,
    runtime: Runtime,
    _server: Server<Catalog>,
}

/// Seconds for which a record may be kept.
const TTL: u32 = 1;

impl Dns {
    /// Starts one with an empty zone.
    pub fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a thread can be started");
        let origin = name("test");
        let zone = Zone::empty(origin.clone(), ZoneType::Primary, AxfrPolicy::Deny);
        let zone = Arc::new(zone);
        let mut catalog = Catalog::new();
        catalog.upsert(LowerName::new(&origin), vec![zone.clone()]);
        let mut server = Server::new(catalog);
        let address = runtime.block_on(async {
            let socket = tokio::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port is free");
            let address = socket.local_addr().expect("it is bound");
            server.register_socket(socket);
            address
        });
        let dns = Self { address, zone, runtime, _server: server };
        dns.add("test", RData::SOA(SOA::new(origin.clone(), origin, 1, 60, 60, 60, TTL)));
        dns
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Adds an A record.
    pub fn a(&self, host: &str, address: [u8; 4]) {
        self.add(host, RData::A(A(address.into())));
    }

    /// Makes `address` the only A record of a name.
    pub fn replace_a(&self, host: &str, address: [u8; 4]) {
        let key = RrKey::new(LowerName::new(&name(host)), RecordType::A);
        self.runtime.block_on(async { self.zone.records_mut().await.remove(&key) });
        self.a(host, address);
    }

    /// Adds an SRV record.
    pub fn srv(&self, service: &str, priority: u16, port: u16, target: &str) {
        self.add(service, RData::SRV(SRV::new(priority, 1, port, name(target))));
    }

    /// Adds a NAPTR record that leads to SRV records.
    pub fn naptr(&self, domain: &str, order: u16, services: &str, replacement: &str) {
        let services = services.as_bytes().into();
        let empty: Box<[u8]> = Box::default();
        let naptr = NAPTR::new(order, 10, (*b"s").into(), services, empty, name(replacement));
        self.add(domain, RData::NAPTR(naptr));
    }

    fn add(&self, owner: &str, data: RData) {
        let record = Record::from_rdata(name(owner), TTL, data);
        assert!(self.runtime.block_on(self.zone.upsert(record, 1)), "{owner} has that record already");
    }
}

fn name(text: &str) -> Name {
    let mut name = Name::from_str(text).expect("a name");
    name.set_fqdn(true);
    name
}
