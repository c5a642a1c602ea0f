//! IP networks: an address and how many of its bits count.
//!
//! IPv4 is kept in its IPv4-mapped place within IPv6 (RFC 4291, 2.5.5.2), so that one number can
//! hold either; an IPv4 network contains the mapped form of its addresses, an IPv6 network contains
//! no IPv4.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How many bits lie before an IPv4 address in its mapped form.
const MAPPED_BITS: u8 = 96;

/// An address and how many of its bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Network {
    bits: u128,
    prefix: u8,
    ipv4: bool,
}

impl Network {
    /// The network of `prefix` bits that `address` is in; a prefix that is too long is cut.
    pub fn new(address: IpAddr, prefix: u8) -> Self {
        let (bits, prefix, ipv4) = match address {
            IpAddr::V4(address) => (mapped(IpAddr::V4(address)), MAPPED_BITS + prefix.min(32), true),
            IpAddr::V6(address) => match address.to_ipv4_mapped() {
                Some(inner) if prefix >= MAPPED_BITS => (mapped(IpAddr::V4(inner)), prefix.min(128), true),
                _ => (u128::from(address), prefix.min(128), false),
            },
        };
        Self { bits: bits & mask(prefix), prefix, ipv4 }
    }

    /// Reads `192.0.2.1`, `192.0.2.0/24`, `192.0.2.0/255.255.255.0`, or the same with IPv6.
    ///
    /// # Errors
    /// What was expected instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address.trim(), Some(length.trim())),
            None => (text, None),
        };
        let address = address.trim_start_matches('[').trim_end_matches(']');
        let address: IpAddr =
            address.parse().map_err(|_| format!("an IP address or network, not '{text}'"))?;
        let full = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match length {
            None => Some(full),
            Some(length) => length.parse().ok().or_else(|| mask_length(address, length)),
        };
        prefix
            .filter(|prefix| *prefix <= full)
            .map(|prefix| Self::new(address, prefix))
            .ok_or_else(|| format!("a prefix length up to {full} or a net mask in '{text}'"))
    }

    /// Whether `address` is in this network. An IPv4 network also contains the IPv4-mapped form.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.ipv4 && mapped(address) & mask(self.prefix) == self.bits
    }

    /// The lowest address of the network.
    pub fn address(&self) -> IpAddr {
        let address = Ipv6Addr::from(self.bits);
        match address.to_ipv4_mapped() {
            Some(inner) if self.ipv4 => IpAddr::V4(inner),
            _ => IpAddr::V6(address),
        }
    }

    /// How many bits count: up to 32 for IPv4, 128 for IPv6.
    pub fn prefix(&self) -> u8 {
        if self.ipv4 { self.prefix.saturating_sub(MAPPED_BITS) } else { self.prefix }
    }

    /// The bits that count and how many they are, IPv4 within IPv6: the key of an index.
    pub(crate) fn key(&self) -> (u128, u8) {
        (self.bits, self.prefix)
    }

    /// The network as `address/mask`, the form of parameter listings.
    pub(crate) fn with_mask(&self) -> String {
        let mask = mask(self.prefix);
        let low = u32::try_from(mask & u128::from(u32::MAX)).unwrap_or(u32::MAX);
        match self.ipv4 {
            true => format!("{}/{}", self.address(), Ipv4Addr::from(low)),
            false => format!("{}/{}", self.address(), Ipv6Addr::from(mask)),
        }
    }
}

/// `address/bits`, the form of short listings.
impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address(), self.prefix())
    }
}

/// `address` as a number, IPv4 in its mapped form.
pub(crate) fn mapped(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_ipv6_mapped()),
        IpAddr::V6(address) => u128::from(address),
    }
}

/// The number with the first `prefix` of its 128 bits set.
pub(crate) fn mask(prefix: u8) -> u128 {
    128u32.checked_sub(u32::from(prefix)).map_or(u128::MAX, |low| u128::MAX.checked_shl(low).unwrap_or(0))
}

/// The length of a net mask of the family of `address`, if its bits are in one piece.
fn mask_length(address: IpAddr, text: &str) -> Option<u8> {
    let (bits, length) = match (address, text.parse().ok()?) {
        (IpAddr::V4(_), IpAddr::V4(mask)) => (u128::from(u32::from(mask)) << 96, 32),
        (IpAddr::V6(_), IpAddr::V6(mask)) => (u128::from(mask), 128),
        _ => return None,
    };
    let ones = u8::try_from(bits.leading_ones()).ok()?;
    (bits == mask(ones)).then_some(ones.min(length))
}
