//! Ports that nobody else gets.

use std::fs::{File, TryLockError};
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the range from which the system gives ports to sockets that ask for none; all of them have
/// five digits, as in the golden files.
const RANGE: std::ops::Range<u16> = 20_000..32_000;

/// A UDP port of this test, until it is dropped, and the one above it (baresip takes it for TLS).
/// A locked file keeps other tests away from it, in other processes too.
#[derive(Debug)]
pub struct Port {
    number: u16,
    _lock: File,
}

impl Port {
    /// A free one.
    pub fn lease() -> Self {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        let directory = std::env::temp_dir().join("starling-e2e-ports");
        std::fs::create_dir_all(&directory).expect("the temporary directory can be written");
        let pairs = RANGE.len() as u16 / 2;
        let start = std::process::id() as u16;
        for _ in 0..pairs {
            let pair = start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % pairs;
            let number = RANGE.start + 2 * pair;
            let lock = File::create(directory.join(number.to_string())).expect("a lock file can be made");
            match lock.try_lock() {
                Ok(()) if is_free(number) => return Self { number, _lock: lock },
                Ok(()) | Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => panic!("{error}"),
            }
        }
        panic!("no port is free");
    }

    /// Its number.
    pub fn number(&self) -> u16 {
        self.number
    }
}

fn is_free(port: u16) -> bool {
    let any = (Ipv4Addr::UNSPECIFIED, port);
    let next = (Ipv4Addr::UNSPECIFIED, port + 1);
    [any, next].into_iter().all(|place| UdpSocket::bind(place).is_ok() && TcpListener::bind(place).is_ok())
        && UdpSocket::bind((Ipv6Addr::LOCALHOST, port)).is_ok()
}
