//! The pre-scan: finds the lines of a SIP message without copying or allocating (RFC 3261 section 7).
//!
//! Tolerant where RFC 3261 lets a receiver be: folding, compact names, blanks before the colon,
//! lone LF as line end, CRLFs before the start line. What is wrong but leaves a message that can be
//! answered is noted and refused later by [`RawMessage::check_request`].
//!
//! ```
//! let mut scanner = sip::Scanner::new();
//! let message = scanner.scan(b"OPTIONS sip:a@b SIP/2.0\r\nl: 0\r\n\r\n").unwrap();
//! assert_eq!(message.request().unwrap().method, "OPTIONS");
//! ```

use crate::grammar::{decimal, token, trim, trim_end_blanks, trim_start};
use crate::message::RawMessage;
use crate::name::HeaderName;
use crate::start_line::StartLine;

/// The largest message that is looked at, in bytes: what fits into a UDP datagram.
pub const MAX_MESSAGE: usize = 65_535;
/// The most header lines of a message; a folded line counts once.
pub const MAX_LINES: usize = 256;
/// The longest line in bytes, folds included.
pub const MAX_LINE: usize = 8_192;

/// Why bytes are not a SIP message at all; there is nobody to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ScanError {
    /// Nothing but line ends, blanks or NULs: a keep-alive of a NAT binding (RFC 5626 section 3.5.1
    /// and what phones send instead).
    #[error("keep-alive")]
    KeepAlive,
    /// Longer than [`MAX_MESSAGE`].
    #[error("message is longer than {MAX_MESSAGE} bytes")]
    MessageTooLong,
    /// More than [`MAX_LINES`] header lines.
    #[error("more than {MAX_LINES} header lines")]
    TooManyLines,
    /// A line longer than [`MAX_LINE`].
    #[error("a line is longer than {MAX_LINE} bytes")]
    LineTooLong,
    /// The first line is neither a request line nor a status line.
    #[error("not a SIP request or status line")]
    StartLine,
}

/// Reusable storage for the positions that a scan finds; one per socket or connection.
#[derive(Debug, Default)]
pub struct Scanner {
    parsed: Parsed,
}

impl Scanner {
    /// A scanner with room for every line of a message, so that no scan ever allocates.
    pub fn new() -> Self {
        Self::default()
    }

    /// Scans a message that has been cut out of a stream: like a datagram, but Content-Length must be
    /// there (RFC 3261 section 18.3).
    pub fn scan_framed<'a>(&'a mut self, buf: &'a [u8]) -> Result<RawMessage<'a>, ScanError> {
        self.scan(buf)?;
        if self.parsed.content_length == ContentLength::Absent {
            self.parsed.note(Defect::NoContentLength);
        }
        Ok(RawMessage::new(skip_keep_alive(buf), &self.parsed))
    }

    /// Scans a whole datagram. The body follows RFC 3261 section 18.3: without Content-Length it
    /// reaches to the end, what exceeds Content-Length is cut off, a body that is too short is
    /// refused by [`RawMessage::check_request`].
    pub fn scan<'a>(&'a mut self, buf: &'a [u8]) -> Result<RawMessage<'a>, ScanError> {
        if buf.len() > MAX_MESSAGE {
            return Err(ScanError::MessageTooLong);
        }
        let buf = skip_keep_alive(buf);
        if buf.is_empty() {
            return Err(ScanError::KeepAlive);
        }
        self.parsed.scan_head(buf)?;
        let available = buf.len() - self.parsed.head_len;
        self.parsed.body_len = match self.parsed.content_length {
            ContentLength::Bytes(wanted) => {
                let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
                if wanted > available {
                    self.parsed.note(Defect::BodyTooShort);
                }
                wanted.min(available)
            }
            ContentLength::Absent | ContentLength::Bad => available,
        };
        Ok(RawMessage::new(buf, &self.parsed))
    }
}

/// What is wrong with a message that can still be answered. The first one found is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Defect {
    /// Extra or missing blanks in the request line.
    RequestLine,
    /// A header line without a name or a colon.
    HeaderLine,
    /// The message ends before the blank line.
    Truncated,
    /// Fewer bytes than Content-Length says.
    BodyTooShort,
    /// A stream message without Content-Length.
    NoContentLength,
    /// A stream message larger than [`MAX_MESSAGE`].
    BodyTooLong,
}

/// What the Content-Length lines say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum ContentLength {
    #[default]
    Absent,
    Bytes(u64),
    /// Not a number, or two different numbers.
    Bad,
}

/// A range of the message; messages are shorter than 64 KiB.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Span {
    start: u16,
    end: u16,
}

impl Span {
    /// The range of `part`, a slice that starts `start` bytes into the message.
    pub(crate) fn new(start: usize, part: &[u8]) -> Self {
        // Positions are below MAX_MESSAGE; a saturated span would read as empty, not as garbage.
        let short = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
        Self { start: short(start), end: short(start + part.len()) }
    }

    pub(crate) fn of(self, buf: &[u8]) -> &[u8] {
        buf.get(usize::from(self.start)..usize::from(self.end)).unwrap_or_default()
    }
}

/// One header line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot {
    pub(crate) name: HeaderName,
    pub(crate) name_span: Span,
    pub(crate) value_span: Span,
}

/// Everything that the scan found; the positions count from the start line.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) start: StartLine,
    pub(crate) slots: Vec<Slot>,
    /// Index of the first line of each name, valid where `seen` has the name's bit.
    first: [u16; HeaderName::COUNT],
    seen: u64,
    repeated: u64,
    pub(crate) content_length: ContentLength,
    pub(crate) defect: Option<Defect>,
    /// Start line, headers and blank line, in bytes.
    pub(crate) head_len: usize,
    pub(crate) body_len: usize,
}

impl Default for Parsed {
    fn default() -> Self {
        Self {
            start: StartLine::default(),
            slots: Vec::with_capacity(MAX_LINES),
            first: [0; HeaderName::COUNT],
            seen: 0,
            repeated: 0,
            content_length: ContentLength::Absent,
            defect: None,
            head_len: 0,
            body_len: 0,
        }
    }
}

const _: () = assert!(HeaderName::COUNT <= 64, "the bit sets below are u64");

impl Parsed {
    /// Scans start line and headers up to the blank line. `buf` starts with the start line.
    ///
    /// With [`ScanError::StartLine`] the header lines have been scanned nevertheless, so that a
    /// stream knows how much to skip.
    pub(crate) fn scan_head(&mut self, buf: &[u8]) -> Result<(), ScanError> {
        self.slots.clear();
        (self.seen, self.repeated) = (0, 0);
        (self.content_length, self.defect) = (ContentLength::Absent, None);
        (self.head_len, self.body_len) = (buf.len(), 0);

        let (line, mut at) = next_line(buf, 0, false)?;
        let start = StartLine::parse(line);
        if let Ok((start, strict)) = &start {
            self.start = *start;
            if !strict {
                self.note(Defect::RequestLine);
            }
        }
        loop {
            let (line, next) = next_line(buf, at, true)?;
            if line.is_empty() {
                self.head_len = next;
                // An empty line without line end is the end of the buffer.
                if next == at {
                    self.note(Defect::Truncated);
                }
                break;
            }
            self.header_line(line, at)?;
            at = next;
        }
        start.map(drop)
    }

    /// Keeps the first defect.
    pub(crate) fn note(&mut self, defect: Defect) {
        self.defect.get_or_insert(defect);
    }

    /// The index of the first line named `name`.
    pub(crate) fn first(&self, name: HeaderName) -> Option<usize> {
        let index = usize::from(*self.first.get(name as usize)?);
        (self.seen & bit(name) != 0).then_some(index)
    }

    /// Is there more than one line named `name`?
    pub(crate) fn is_repeated(&self, name: HeaderName) -> bool {
        self.repeated & bit(name) != 0
    }

    fn header_line(&mut self, line: &[u8], at: usize) -> Result<(), ScanError> {
        let colon = memchr::memchr(b':', line).unwrap_or(line.len());
        let (name, value) = line.split_at(colon);
        let name = trim_end_blanks(name);
        let id = HeaderName::from_bytes(name);
        // A known name is a token.
        let is_name = id != HeaderName::Other || token(name).is_some();
        let (true, [b':', value @ ..]) = (is_name, value) else {
            self.note(Defect::HeaderLine);
            return Ok(());
        };
        if self.slots.len() == MAX_LINES {
            return Err(ScanError::TooManyLines);
        }
        let value = trim_start(value);
        let value_at = at + line.len() - value.len();
        let value = trim(value);
        if self.seen & bit(id) == 0 {
            self.seen |= bit(id);
            if let Some(first) = self.first.get_mut(id as usize) {
                *first = u16::try_from(self.slots.len()).unwrap_or(u16::MAX);
            }
        } else {
            self.repeated |= bit(id);
        }
        if id == HeaderName::ContentLength {
            self.content_length = match (self.content_length, decimal(value)) {
                (ContentLength::Absent, Some(length)) => ContentLength::Bytes(length),
                (ContentLength::Bytes(first), Some(length)) if first == length => {
                    ContentLength::Bytes(length)
                }
                _ => ContentLength::Bad,
            };
        }
        self.slots.push(Slot {
            name: id,
            name_span: Span::new(at, name),
            value_span: Span::new(value_at, value),
        });
        Ok(())
    }
}

const fn bit(name: HeaderName) -> u64 {
    1 << name as u64
}

/// The line that starts at `at`, without its line end but with its folds, and where the next one
/// starts.
fn next_line(buf: &[u8], at: usize, fold: bool) -> Result<(&[u8], usize), ScanError> {
    let rest = buf.get(at..).unwrap_or_default();
    let mut searched = 0;
    let (end, next) = loop {
        let unsearched = rest.get(searched..).unwrap_or_default();
        let Some(newline) = memchr::memchr(b'\n', unsearched).map(|i| searched + i) else {
            break (rest.len(), rest.len());
        };
        let end = match rest.get(..newline) {
            Some([line @ .., b'\r']) => line.len(),
            _ => newline,
        };
        searched = newline + 1;
        // A blank line ends the headers whatever follows; elsewhere a blank continues the line.
        if end == 0 || !fold || !matches!(rest.get(searched), Some(b' ' | b'\t')) {
            break (end, searched);
        }
    };
    if end > MAX_LINE {
        return Err(ScanError::LineTooLong);
    }
    Ok((rest.get(..end).unwrap_or_default(), at + next))
}

fn skip_keep_alive(mut buf: &[u8]) -> &[u8] {
    // Blanks and NULs only count when nothing else is there.
    if buf.iter().all(|b| matches!(b, b'\r' | b'\n' | b' ' | b'\t' | 0)) {
        return &[];
    }
    while let [b'\r' | b'\n', rest @ ..] = buf {
        buf = rest;
    }
    buf
}
