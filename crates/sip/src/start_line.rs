//! Request line and status line (RFC 3261 sections 7.1 and 7.2).

use crate::grammar::{split_before, token, trim};
use crate::scan::{ScanError, Span};

/// The first line of a message, as positions.
#[derive(Debug, Clone, Copy)]
pub(crate) enum StartLine {
    Request {
        method: Span,
        uri: Span,
        /// Is the version SIP/2.0?
        version_2: bool,
    },
    Status {
        code: u16,
        reason: Span,
    },
}

impl Default for StartLine {
    fn default() -> Self {
        Self::Status { code: 0, reason: Span::default() }
    }
}

impl StartLine {
    /// Parses `line`, which starts the message. The flag is false when a request line has blanks
    /// where the grammar has none: such a request can be answered, but only with 400.
    pub(crate) fn parse(line: &[u8]) -> Result<(Self, bool), ScanError> {
        let sip = line.get(..4).is_some_and(|s| s.eq_ignore_ascii_case(b"SIP/"));
        if sip { Self::parse_status(line) } else { Self::parse_request(line) }.ok_or(ScanError::StartLine)
    }

    /// `SIP-Version SP Status-Code SP Reason-Phrase`; a missing blank after the code is forgiven.
    fn parse_status(line: &[u8]) -> Option<(Self, bool)> {
        let (version, rest) = split_before(line, is_blank);
        let (code, rest) = split_before(rest.get(1..)?, is_blank);
        let (2, true) = (version_major(version)?, code.len() == 3) else {
            return None;
        };
        let code = crate::grammar::port(code).filter(|code| (100..700).contains(code))?;
        let reason = trim(rest);
        let leading = rest.len() - crate::grammar::trim_start(rest).len();
        let reason = Span::new(line.len() - rest.len() + leading, reason);
        Some((Self::Status { code, reason }, true))
    }

    /// `Method SP Request-URI SP SIP-Version`.
    fn parse_request(line: &[u8]) -> Option<(Self, bool)> {
        let (method, rest) = split_before(line, is_blank);
        token(method)?;
        let trimmed = trim(rest);
        let (version, before) = {
            let at = trimmed.iter().rposition(|&b| is_blank(b))?;
            let (before, version) = trimmed.split_at(at);
            (trim(version), before)
        };
        let version_2 = version_major(version)? == 2;
        let uri = trim(before);
        if uri.is_empty() {
            return None;
        }
        let leading = rest.len() - crate::grammar::trim_start(rest).len();
        let strict = line.len() == method.len() + 1 + uri.len() + 1 + version.len();
        let start = Self::Request {
            method: Span::new(0, method),
            uri: Span::new(method.len() + leading, uri),
            version_2,
        };
        Some((start, strict))
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// The version's number: 2 for `SIP/2.0`, 0 for another well-formed one.
fn version_major(version: &[u8]) -> Option<u8> {
    let (name, number) = version.split_at_checked(4)?;
    if !name.eq_ignore_ascii_case(b"SIP/") {
        return None;
    }
    if number == b"2.0" {
        return Some(2);
    }
    let (major, minor) = split_before(number, |b| b == b'.');
    let digits = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    (digits(major) && digits(minor.get(1..)?)).then_some(0)
}
