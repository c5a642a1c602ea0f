//! The hash algorithms and their values.

use std::fmt;

use subtle::ConstantTimeEq;

/// A hash that digest authentication may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// MD5 (RFC 2617).
    Md5,
    /// SHA-256 (RFC 8760).
    Sha256,
    /// SHA-512/256 (RFC 8760).
    Sha512_256,
}

impl Algorithm {
    /// All names, as configuration and headers write them.
    pub const NAMES: [&'static str; 3] = ["MD5", "SHA-256", "SHA-512-256"];

    /// The algorithm of this name, in any case.
    pub fn parse(name: &str) -> Option<Self> {
        let all = [Self::Md5, Self::Sha256, Self::Sha512_256];
        all.into_iter().find(|algorithm| algorithm.name().eq_ignore_ascii_case(name.trim()))
    }

    /// The name as configuration and headers write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
            Self::Sha512_256 => "SHA-512-256",
        }
    }

    /// How many hexadecimal digits a hash has.
    pub fn hex_length(self) -> usize {
        if self == Self::Md5 { 32 } else { 64 }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A hash as lower-case hexadecimal digits, 32 or 64 of them. Its value shows in no log.
#[derive(Clone, Copy)]
pub struct Hex {
    digits: [u8; 64],
    length: u8,
}

impl Hex {
    /// The digits of `bytes`, of which there are at most 32.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut digits = [0; 64];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
            pair.copy_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
        Self { digits, length: (bytes.len().min(32) * 2) as u8 }
    }

    /// A hash of `algorithm` that was kept as text, in any case.
    pub fn parse(algorithm: Algorithm, text: &str) -> Option<Self> {
        let right = text.len() == algorithm.hex_length() && text.bytes().all(|b| b.is_ascii_hexdigit());
        let mut digits = [0; 64];
        digits.get_mut(..text.len()).filter(|_| right)?.copy_from_slice(text.to_ascii_lowercase().as_bytes());
        Some(Self { digits, length: text.len() as u8 })
    }

    /// The digits.
    pub fn as_bytes(&self) -> &[u8] {
        self.digits.get(..usize::from(self.length)).unwrap_or_default()
    }

    /// The digits as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// Whether `other`, in any case, is the same hash; takes equally long whatever the difference.
    pub fn equals(&self, other: &[u8]) -> bool {
        let mut lower = [0; 64];
        let Some(lower) = lower.get_mut(..other.len()) else { return false };
        lower.copy_from_slice(other);
        lower.make_ascii_lowercase();
        self.as_bytes().ct_eq(lower).into()
    }
}

impl PartialEq for Hex {
    fn eq(&self, other: &Self) -> bool {
        self.equals(other.as_bytes())
    }
}

impl Eq for Hex {}

impl fmt::Debug for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hex({} digits)", self.length)
    }
}
