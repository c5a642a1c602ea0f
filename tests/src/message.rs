//! SIP messages as a test sees them. On purpose not the project's own parser.

use std::fmt;

/// A message: start line, headers in their order, body.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    text: String,
    headers: Vec<(String, String)>,
    body_at: usize,
}

impl Message {
    /// Reads a datagram.
    #[track_caller]
    pub fn parse(datagram: &[u8]) -> Self {
        let text = String::from_utf8(datagram.to_vec()).expect("the server's messages are UTF-8");
        let (head, _) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no end of headers: {text}"));
        let headers = head.split("\r\n").skip(1).map(|line| {
            let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("no header: {line}"));
            (name.to_owned(), value.trim().to_owned())
        });
        let (headers, body_at) = (headers.collect(), head.len() + 4);
        let message = Self { text, headers, body_at };
        let length: usize = message.header("Content-Length").parse().expect("a number");
        assert_eq!(length, message.body().len(), "Content-Length: {message}");
        message
    }

    /// The first line.
    pub fn start_line(&self) -> &str {
        self.text.split("\r\n").next().unwrap_or_default()
    }

    /// The status code of a response.
    #[track_caller]
    pub fn status(&self) -> u16 {
        let code = self.start_line().strip_prefix("SIP/2.0 ").and_then(|rest| rest.get(..3));
        code.and_then(|code| code.parse().ok()).unwrap_or_else(|| panic!("not a response: {self}"))
    }

    /// Whether it is a request of this method.
    pub fn is_request(&self, method: &str) -> bool {
        self.start_line().split(' ').next() == Some(method)
    }

    /// The URI of a request.
    pub fn request_uri(&self) -> &str {
        self.start_line().split(' ').nth(1).unwrap_or_default()
    }

    /// The value of a header that must be there once.
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        match self.all(name)[..] {
            [value] => value,
            ref values => panic!("{} headers {name} in: {self}", values.len()),
        }
    }

    /// The value of a header that need not be there.
    pub fn find(&self, name: &str) -> Option<&str> {
        self.all(name).first().copied()
    }

    /// All values of a header.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let of_name = self.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
        of_name.map(|(_, value)| value.as_str()).collect()
    }

    /// The names of the headers in their order.
    pub fn header_names(&self) -> Vec<&str> {
        self.headers.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// The number of CSeq.
    #[track_caller]
    pub fn cseq(&self) -> u32 {
        let value = self.header("CSeq");
        value.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{self}"))
    }

    /// The tag of From or To.
    pub fn tag(&self, header: &str) -> &str {
        self.find(header).and_then(|value| value.split_once(";tag=")).map_or("", |(_, tag)| tag)
    }

    /// The branch of the topmost Via.
    pub fn branch(&self) -> &str {
        let via = self.all("Via").first().copied().unwrap_or_default();
        let branch = via.split(';').find_map(|parameter| parameter.strip_prefix("branch="));
        branch.unwrap_or_default()
    }

    /// The body.
    pub fn body(&self) -> &str {
        &self.text[self.body_at..]
    }

    /// The whole message.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{}", self.text.replace("\r\n", "\n"))
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
