//! Messages out of a byte stream: TCP, TLS (RFC 3261 section 18.3, RFC 5626 section 3.5.1 for the
//! ping).
//!
//! ```
//! use sip::{StreamDecoder, StreamEvent};
//! let mut decoder = StreamDecoder::new();
//! decoder.push(b"\r\n\r\nOPTIONS sip:a@b SIP/2.0\r\nl: 2\r\n\r\nhi");
//! assert!(matches!(decoder.next_event(), Some(StreamEvent::Ping)));
//! let Some(StreamEvent::Message(message)) = decoder.next_event() else { panic!() };
//! assert_eq!(message.body(), b"hi");
//! assert!(decoder.next_event().is_none());
//! ```

use crate::message::RawMessage;
use crate::scan::{ContentLength, Defect, MAX_MESSAGE, Parsed, ScanError};

/// What a stream brought.
#[derive(Debug)]
pub enum StreamEvent<'a> {
    /// A message. A request may still have to be refused: without Content-Length its body is taken
    /// as empty, and [`RawMessage::check_request`] answers 400.
    Message(RawMessage<'a>),
    /// A double CRLF; the answer is one CRLF.
    Ping,
    /// A message that was skipped; the stream goes on behind it.
    Skipped(ScanError),
    /// Nothing more can be read from this stream: close it.
    Broken(ScanError),
}

/// Collects the bytes of one connection and cuts them into messages.
#[derive(Debug, Default)]
pub struct StreamDecoder {
    buf: Vec<u8>,
    /// Where the next message starts.
    start: usize,
    /// How far behind `start` the end of the head has been looked for.
    searched: usize,
    /// Bytes of an oversized body still to be thrown away.
    discard: u64,
    phase: Phase,
    parsed: Parsed,
}

/// What is known about the message at `start`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Phase {
    /// The head is not complete.
    #[default]
    Head,
    /// The head is scanned; this many bytes (head and body) make the message, and with an error it
    /// is only skipped.
    Body {
        len: usize,
        error: Option<ScanError>,
    },
    /// The message at hand is the last one: what follows has no known start.
    LastMessage,
    Broken,
}

impl StreamDecoder {
    /// A decoder for a new connection.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds bytes as they were read. Take all events before the next push: bytes that make no
    /// message yet are kept, at most [`MAX_MESSAGE`] of them.
    pub fn push(&mut self, bytes: &[u8]) {
        if matches!(self.phase, Phase::Broken) {
            return;
        }
        self.buf.drain(..self.start.min(self.buf.len()));
        self.start = 0;
        let skip = usize::try_from(self.discard).unwrap_or(usize::MAX).min(bytes.len());
        self.discard -= skip as u64;
        self.buf.extend_from_slice(bytes.get(skip..).unwrap_or_default());
    }

    /// The next message or ping, `None` when more bytes are needed.
    pub fn next_event(&mut self) -> Option<StreamEvent<'_>> {
        match self.phase {
            Phase::Broken => return None,
            Phase::LastMessage => {
                return Some(self.broken(ScanError::StartLine));
            }
            Phase::Head => {
                if self.skip_line_ends() {
                    return Some(StreamEvent::Ping);
                }
                match self.scan_head() {
                    Ok(true) => {}
                    Ok(false) => return None,
                    Err(error) => return Some(self.broken(error)),
                }
            }
            Phase::Body { .. } => {}
        }
        self.take_message()
    }

    /// Whether it holds nothing: a new decoder would go on the same.
    pub fn is_idle(&self) -> bool {
        self.phase == Phase::Head && self.discard == 0 && self.pending() == 0
    }

    /// How many bytes wait for the rest of their message.
    pub fn pending(&self) -> usize {
        self.buf.len().saturating_sub(self.start)
    }

    /// Skips CRLFs in front of a message; true for a ping.
    fn skip_line_ends(&mut self) -> bool {
        loop {
            match self.rest() {
                [b'\r', b'\n', b'\r', b'\n', ..] => {
                    self.start += 4;
                    return true;
                }
                // This may become a ping.
                [b'\r', b'\n'] | [b'\r', b'\n', b'\r'] => return false,
                [b'\r', b'\n', ..] => self.start += 2,
                [b'\n', ..] => self.start += 1,
                _ => return false,
            }
        }
    }

    /// Scans the head once it is complete; false while it is not.
    fn scan_head(&mut self) -> Result<bool, ScanError> {
        let rest = self.buf.get(self.start..).unwrap_or_default();
        if matches!(rest, [] | [b'\r'] | [b'\r', b'\n'] | [b'\r', b'\n', b'\r']) {
            return Ok(false);
        }
        let Some(len) = head_end(rest, &mut self.searched) else {
            return if rest.len() > MAX_MESSAGE { Err(ScanError::MessageTooLong) } else { Ok(false) };
        };
        if len > MAX_MESSAGE {
            return Err(ScanError::MessageTooLong);
        }
        let head = rest.get(..len).unwrap_or_default();
        let error = self.parsed.scan_head(head).err();
        if error.is_some_and(|error| error != ScanError::StartLine) {
            return Err(error.unwrap_or(ScanError::StartLine));
        }
        self.searched = 0;
        self.frame(len, error)
    }

    /// Decides how long the message is whose head of `len` bytes has been scanned.
    fn frame(&mut self, len: usize, error: Option<ScanError>) -> Result<bool, ScanError> {
        match self.parsed.content_length {
            ContentLength::Bytes(body) => {
                let fits = usize::try_from(body).ok().filter(|body| body.saturating_add(len) <= MAX_MESSAGE);
                match fits {
                    Some(body) => {
                        self.parsed.body_len = body;
                        self.phase = Phase::Body { len: len + body, error };
                    }
                    // A number beyond any honest body says nothing about where the next starts.
                    None if body > u64::from(u32::MAX) => return Err(ScanError::MessageTooLong),
                    None => {
                        self.parsed.note(Defect::BodyTooLong);
                        self.discard = body;
                        self.phase = Phase::Body { len, error };
                    }
                }
            }
            // Most requests without Content-Length have no body; if this one has, the next start
            // line fails.
            ContentLength::Absent if error.is_none() => {
                self.parsed.note(Defect::NoContentLength);
                self.phase = Phase::Body { len, error };
            }
            ContentLength::Absent => return Err(ScanError::StartLine),
            ContentLength::Bad => {
                if let Some(error) = error {
                    return Err(error);
                }
                self.phase = Phase::Body { len, error };
            }
        }
        Ok(true)
    }

    fn take_message(&mut self) -> Option<StreamEvent<'_>> {
        let Phase::Body { len, error } = self.phase else {
            return None;
        };
        let start = self.start;
        if self.pending() < len {
            return None;
        }
        self.start += len;
        let skip = usize::try_from(self.discard).unwrap_or(usize::MAX).min(self.pending());
        self.start += skip;
        self.discard -= skip as u64;
        self.phase =
            if self.parsed.content_length == ContentLength::Bad { Phase::LastMessage } else { Phase::Head };
        if let Some(error) = error {
            return Some(StreamEvent::Skipped(error));
        }
        let bytes = self.buf.get(start..start + len).unwrap_or_default();
        Some(StreamEvent::Message(RawMessage::new(bytes, &self.parsed)))
    }

    fn broken(&mut self, error: ScanError) -> StreamEvent<'static> {
        self.phase = Phase::Broken;
        self.buf = Vec::new();
        self.start = 0;
        StreamEvent::Broken(error)
    }

    fn rest(&self) -> &[u8] {
        self.buf.get(self.start..).unwrap_or_default()
    }
}

/// The length of a head with its blank line; `searched` remembers where to go on looking.
fn head_end(rest: &[u8], searched: &mut usize) -> Option<usize> {
    loop {
        let newline = *searched + memchr::memchr(b'\n', rest.get(*searched..)?)?;
        match rest.get(newline + 1..)? {
            [b'\n', ..] => return Some(newline + 2),
            [b'\r', b'\n', ..] => return Some(newline + 3),
            // Look at this line end again when the byte behind it is known.
            [] | [b'\r'] => {
                *searched = newline;
                return None;
            }
            _ => *searched = newline + 1,
        }
    }
}
