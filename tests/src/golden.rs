//! Messages and answers captured from Asterisk, in `golden/`.

use std::path::Path;

/// A captured SIP message, with its addresses replaced by those of a test.
#[derive(Debug, Clone)]
pub struct Golden {
    text: String,
}

/// The supplement of RFC 4480 that Asterisk's `res_pjsip_pidf_eyebeam_body_supplement` adds: it was
/// loaded when the files were captured, and is none of ours yet.
const EYEBEAM: [&str; 4] = [
    " xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" xmlns:rpid=\"urn:ietf:params:xml:ns:pidf:rpid\"",
    " <dm:person />\n",
    " <dm:person>\n  <rpid:activities>\n   <rpid:on-the-phone />\n  </rpid:activities>\n </dm:person>\n",
    " <dm:person>\n  <rpid:activities>\n   <rpid:away />\n  </rpid:activities>\n </dm:person>\n",
];

impl Golden {
    /// `golden/notify/NAME.txt`; `port` is the server's.
    pub fn notify(name: &str, port: u16) -> Self {
        let mut text = read("notify", name).replace("127.0.0.1:15060", &format!("127.0.0.1:{port}"));
        for part in EYEBEAM {
            text = text.replace(part, "");
        }
        Self { text }
    }

    /// The body.
    pub fn body(&self) -> &str {
        self.text.split_once("\n\n").map_or("", |(_, body)| body)
    }

    /// The names of the headers in their order.
    pub fn header_names(&self) -> Vec<&str> {
        let head = self.text.split_once("\n\n").map_or(self.text.as_str(), |(head, _)| head);
        head.lines().skip(1).filter_map(|line| line.split_once(':')).map(|(name, _)| name).collect()
    }

    /// The value of a header.
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        let of_name = |line: &'_ &str| line.split_once(": ").is_some_and(|(n, _)| n == name);
        let line = self.text.lines().find(of_name).unwrap_or_else(|| panic!("no {name} in {}", self.text));
        line[name.len() + 2..].trim()
    }

    /// The first line.
    pub fn start_line(&self) -> &str {
        self.text.lines().next().unwrap_or_default()
    }

    /// `golden/cli/NAME.txt`: what the command printed.
    pub fn cli(name: &str) -> String {
        let text = read("cli", name);
        let (_, text) = text.split_once('\n').expect("the command comes first");
        let (text, _) = text.rsplit_once("[exit ").expect("the exit status comes last");
        text.to_owned()
    }
}

fn read(folder: &str, name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(folder).join(format!("{name}.txt"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
