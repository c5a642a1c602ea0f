//! Writes messages as bytes. CR, LF and NUL in what a caller hands over are refused, so that no
//! value can start a header of its own.
//!
//! ```
//! let mut out = Vec::new();
//! let mut writer = sip::Writer::status(&mut out, 200, "OK");
//! writer.header("Call-ID", "a@b").header_num("Expires", 3600_u32);
//! writer.finish(None).unwrap();
//! assert_eq!(out, b"SIP/2.0 200 OK\r\nCall-ID: a@b\r\nExpires: 3600\r\nContent-Length:  0\r\n\r\n");
//!
//! let mut writer = sip::Writer::status(&mut out, 200, "OK");
//! writer.header("Server", "x\r\nContact: <sip:evil>");
//! assert!(writer.finish(None).is_err());
//! ```

use crate::grammar::{push_unfolded, token};

/// Why a message was not written; what had been written of it is gone from the buffer again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// A method, URI or reason phrase with characters that would break the start line.
    #[error("illegal character in the start line")]
    StartLine,
    /// A header name that is not a token.
    #[error("illegal header name {0:?}")]
    Name(String),
    /// CR, LF or NUL in the value of the named header.
    #[error("line break or NUL in the value of {0}")]
    Value(String),
}

/// Appends one message to a buffer. The first error is remembered and reported by
/// [`Writer::finish`]; a writer that is dropped unfinished takes back what it wrote.
#[derive(Debug)]
#[must_use = "a message is complete only after `finish`"]
pub struct Writer<'o> {
    out: &'o mut Vec<u8>,
    start: usize,
    error: Option<WriteError>,
    finished: bool,
}

impl<'o> Writer<'o> {
    /// Starts a request.
    pub fn request(out: &'o mut Vec<u8>, method: &str, uri: impl AsRef<[u8]>) -> Self {
        let mut writer = Self::new(out);
        let uri = uri.as_ref();
        let clean_uri = !uri.is_empty() && uri.iter().all(|b| b.is_ascii_graphic());
        if token(method.as_bytes()).is_none() || !clean_uri {
            writer.fail(WriteError::StartLine);
        }
        writer.push(method.as_bytes());
        writer.push(b" ");
        writer.push(uri);
        writer.push(b" SIP/2.0\r\n");
        writer
    }

    /// Starts a response.
    pub fn status(out: &'o mut Vec<u8>, code: u16, reason: &str) -> Self {
        let mut writer = Self::new(out);
        if !(100..700).contains(&code) || breaks_line(reason.as_bytes()) {
            writer.fail(WriteError::StartLine);
        }
        writer.push(b"SIP/2.0 ");
        push_number(writer.out, u64::from(code));
        writer.push(b" ");
        writer.push(reason.as_bytes());
        writer.push(b"\r\n");
        writer
    }

    /// Adds a header.
    pub fn header(&mut self, name: &str, value: impl AsRef<[u8]>) -> &mut Self {
        let value = value.as_ref();
        if breaks_line(value) {
            self.fail(WriteError::Value(name.to_owned()));
        }
        self.start_header(name);
        self.push(value);
        self.push(b"\r\n");
        self
    }

    /// Adds a header whose value is a number.
    pub fn header_num(&mut self, name: &str, value: impl Into<u64>) -> &mut Self {
        self.start_header(name);
        push_number(self.out, value.into());
        self.push(b"\r\n");
        self
    }

    /// Adds Content-Type when there is a body, Content-Length and the body: `(media type, bytes)`.
    pub fn finish(mut self, body: Option<(&str, &[u8])>) -> Result<(), WriteError> {
        match body {
            Some((media_type, body)) => {
                self.header("Content-Type", media_type);
                self.push(b"Content-Length: ");
                // Asterisk right-aligns the number in five columns.
                let mut limit = 10_000;
                while limit > body.len().max(1) {
                    self.push(b" ");
                    limit /= 10;
                }
                push_number(self.out, body.len() as u64);
                self.push(b"\r\n\r\n");
                self.push(body);
            }
            None => self.push(b"Content-Length:  0\r\n\r\n"),
        }
        match self.error.take() {
            Some(error) => Err(error),
            None => {
                self.finished = true;
                Ok(())
            }
        }
    }

    /// Adds a header with a value that came out of a message: its folds are undone.
    pub(crate) fn copy(&mut self, name: &str, value: &[u8]) -> &mut Self {
        self.start_header(name);
        push_unfolded(self.out, value);
        self.push(b"\r\n");
        self
    }

    /// As [`Writer::copy`], with a tag behind the value.
    pub(crate) fn copy_with_tag(&mut self, name: &str, value: &[u8], tag: &str) -> &mut Self {
        if token(tag.as_bytes()).is_none() {
            self.fail(WriteError::Value(name.to_owned()));
        }
        self.start_header(name);
        push_unfolded(self.out, value);
        self.push(b";tag=");
        self.push(tag.as_bytes());
        self.push(b"\r\n");
        self
    }

    /// Writes `name: ` and hands out the buffer for the value; the caller adds the line end.
    pub(crate) fn open_header(&mut self, name: &str) -> &mut Vec<u8> {
        self.start_header(name);
        self.out
    }

    fn new(out: &'o mut Vec<u8>) -> Self {
        Self { start: out.len(), out, error: None, finished: false }
    }

    fn start_header(&mut self, name: &str) {
        if token(name.as_bytes()).is_none() {
            self.fail(WriteError::Name(name.to_owned()));
        }
        self.push(name.as_bytes());
        self.push(b": ");
    }

    fn push(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    fn fail(&mut self, error: WriteError) {
        self.error.get_or_insert(error);
    }
}

impl Drop for Writer<'_> {
    fn drop(&mut self) {
        if !self.finished {
            self.out.truncate(self.start);
        }
    }
}

/// Appends `number` in decimal.
pub(crate) fn push_number(out: &mut Vec<u8>, number: u64) {
    let start = out.len();
    let mut rest = number;
    loop {
        out.push(b'0' + (rest % 10) as u8);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if let Some(digits) = out.get_mut(start..) {
        digits.reverse();
    }
}

fn breaks_line(value: &[u8]) -> bool {
    memchr::memchr3(b'\r', b'\n', 0, value).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_message_leaves_the_buffer_as_it_was() {
        for value in ["a\r\nb", "a\rb", "a\nb", "a\0b"] {
            let mut out = b"before".to_vec();
            let mut writer = Writer::request(&mut out, "NOTIFY", "sip:a@b");
            writer.header("Subject", value).header("X", "fine");
            let error = writer.finish(Some(("text/plain", b"x")));
            assert_eq!(error, Err(WriteError::Value("Subject".into())));
            assert_eq!(out, b"before");
        }
        let mut out = Vec::new();
        for (method, uri) in [("A B", "sip:a"), ("A", "sip:a b"), ("A", ""), ("A", "sip:\r\n")] {
            let writer = Writer::request(&mut out, method, uri);
            assert_eq!(writer.finish(None), Err(WriteError::StartLine));
        }
        let mut writer = Writer::status(&mut out, 200, "OK");
        writer.header("X: y", "z");
        assert_eq!(writer.finish(None), Err(WriteError::Name("X: y".into())));
        assert_eq!(Writer::status(&mut out, 200, "a\nb").finish(None), Err(WriteError::StartLine));
        assert!(out.is_empty());
    }

    #[test]
    fn a_dropped_writer_leaves_nothing() {
        let mut out = Vec::new();
        drop(Writer::status(&mut out, 200, "OK"));
        assert!(out.is_empty());
    }

    #[test]
    fn numbers() {
        for number in [0, 9, 10, 3600, u64::MAX] {
            let mut out = b"x".to_vec();
            push_number(&mut out, number);
            assert_eq!(out, format!("x{number}").into_bytes());
        }
        for len in [0, 1, 9, 10, 477, 9_999, 10_000, 99_999, 100_000] {
            let mut out = Vec::new();
            let writer = Writer::request(&mut out, "NOTIFY", b"sip:a@b");
            writer.finish(Some(("a/b", &vec![b'x'; len]))).unwrap();
            let text = String::from_utf8(out).unwrap();
            let line = format!("\r\nContent-Length: {len:>5}\r\n\r\n");
            assert!(text.contains(&line), "{len}");
        }
    }

    #[test]
    fn content_length_is_aligned_as_asterisk_aligns_it() {
        let mut out = Vec::new();
        let writer = Writer::request(&mut out, "NOTIFY", b"sip:a@b");
        writer.finish(Some(("text/plain", &[b'x'; 477]))).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with(
            "NOTIFY sip:a@b SIP/2.0\r\nContent-Type: text/plain\r\nContent-Length:   477\r\n\r\nx"
        ));
    }
}
