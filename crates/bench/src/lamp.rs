//! What a lamp shows, and how it is read out of the two kinds of bodies that phones understand:
//! `application/pidf+xml` (RFC 3863) and `application/dialog-info+xml` (RFC 4235).
//!
//! ```
//! use bench::{DeviceState, Lamp, Package};
//!
//! let body = br#"<dialog-info><dialog id="1"><state>early</state></dialog></dialog-info>"#;
//! assert_eq!(Lamp::parse(Package::Dialog, body).unwrap(), Lamp::Blinking);
//! assert_eq!(Lamp::scan(Package::Dialog, body), Some(Lamp::Blinking));
//! assert_eq!(DeviceState::Ringing.lamp(Package::Dialog), Lamp::Blinking);
//! ```

use memchr::memmem;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

/// What a lamp shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lamp {
    /// Nobody is on the phone.
    Dark,
    /// Somebody is.
    Lit,
    /// It rings.
    Blinking,
    /// A call is on hold.
    Held,
    /// The phone cannot be reached.
    Unavailable,
}

impl Lamp {
    /// Every lamp, in the order of its number (`lamp as usize`).
    pub const ALL: [Self; 5] = [Self::Dark, Self::Lit, Self::Blinking, Self::Held, Self::Unavailable];

    /// Reads a body as a phone does: as XML.
    ///
    /// # Errors
    ///
    /// The body is not well-formed, not of the package's media type, or says something else than
    /// the states that Asterisk writes.
    pub fn parse(package: Package, body: &[u8]) -> Result<Self, LampError> {
        let said = Said::parse(body)?;
        let root = match package {
            Package::Presence => "presence",
            Package::Dialog => "dialog-info",
        };
        if said.root != root {
            return Err(LampError::Root(said.root));
        }
        said.lamp(package).ok_or(LampError::State(said.word))
    }

    /// Looks for the decisive words only: a twentieth of the work, for benchmarks.
    pub fn scan(package: Package, body: &[u8]) -> Option<Self> {
        let element: &[u8] = match package {
            Package::Presence => b"<note>",
            Package::Dialog => b"<state>",
        };
        let at = memmem::find(body, element)? + element.len();
        let rest = body.get(at..)?;
        let word = rest.get(..memchr::memchr(b'<', rest)?)?;
        let held = || memmem::find(rest, b"\"+sip.rendering\" pvalue=\"no\"").is_some();
        lamp(package, std::str::from_utf8(word).ok()?, held)
    }
}

/// How [`Phones`](crate::Phones) read a body: [`Lamp::scan`], or [`Lamp::parse`] without its reason.
pub type ReadLamp = fn(Package, &[u8]) -> Option<Lamp>;

/// Why a body does not say what its lamp shows.
#[derive(Debug, thiserror::Error)]
pub enum LampError {
    /// Not XML.
    #[error("not well-formed: {0}")]
    Xml(#[from] quick_xml::Error),
    /// It ends before its root element does.
    #[error("cut off")]
    Cut,
    /// Another document than the event package's.
    #[error("unexpected root element <{0}>")]
    Root(String),
    /// No word, or one that is no state.
    #[error("no known state: {0:?}")]
    State(String),
}

/// The event packages that lamps use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Package {
    /// RFC 3856, with `application/pidf+xml`.
    Presence,
    /// RFC 4235, with `application/dialog-info+xml`.
    Dialog,
}

impl Package {
    /// The word in the Event header.
    pub fn name(self) -> &'static str {
        match self {
            Self::Presence => "presence",
            Self::Dialog => "dialog",
        }
    }

    /// The media type in the Accept header.
    pub fn accept(self) -> &'static str {
        match self {
            Self::Presence => "application/pidf+xml",
            Self::Dialog => "application/dialog-info+xml",
        }
    }
}

/// The device states that `devstate change` sets here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceState {
    /// `NOT_INUSE`
    NotInUse,
    /// `INUSE`
    InUse,
    /// `BUSY`
    Busy,
    /// `RINGING`
    Ringing,
    /// `ONHOLD`
    OnHold,
    /// `UNAVAILABLE`
    Unavailable,
}

impl DeviceState {
    /// Every state.
    pub const ALL: [Self; 6] =
        [Self::NotInUse, Self::InUse, Self::Busy, Self::Ringing, Self::OnHold, Self::Unavailable];

    /// Asterisk's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::NotInUse => "NOT_INUSE",
            Self::InUse => "INUSE",
            Self::Busy => "BUSY",
            Self::Ringing => "RINGING",
            Self::OnHold => "ONHOLD",
            Self::Unavailable => "UNAVAILABLE",
        }
    }

    /// What a lamp on an extension with this one device must show. A dialog-info body cannot say
    /// that a phone is unavailable.
    pub fn lamp(self, package: Package) -> Lamp {
        match self {
            Self::NotInUse => Lamp::Dark,
            Self::InUse | Self::Busy => Lamp::Lit,
            Self::Ringing => Lamp::Blinking,
            Self::OnHold => Lamp::Held,
            Self::Unavailable if package == Package::Presence => Lamp::Unavailable,
            Self::Unavailable => Lamp::Dark,
        }
    }
}

/// The word of `<note>` or `<state>` as a lamp.
fn lamp(package: Package, word: &str, held: impl FnOnce() -> bool) -> Option<Lamp> {
    Some(match (package, word) {
        (Package::Presence, "Ready") | (Package::Dialog, "terminated") => Lamp::Dark,
        (Package::Dialog, "confirmed") if held() => Lamp::Held,
        (Package::Presence, "On the phone") | (Package::Dialog, "confirmed") => Lamp::Lit,
        (Package::Presence, "Ringing") | (Package::Dialog, "early") => Lamp::Blinking,
        (Package::Presence, "On hold") => Lamp::Held,
        (Package::Presence, "Unavailable") => Lamp::Unavailable,
        _ => return None,
    })
}

/// What a document says.
#[derive(Debug, Default)]
struct Said {
    root: String,
    word: String,
    /// `<basic>` of a presence document.
    basic: String,
    /// The media are not rendered: on hold (RFC 3840 section 4, draft of `+sip.rendering`).
    held: bool,
}

impl Said {
    fn parse(body: &[u8]) -> Result<Self, LampError> {
        let mut said = Self::default();
        let mut element = String::new();
        let mut depth = 0_usize;
        let mut reader = Reader::from_reader(body);
        let mut buffer = Vec::new();
        loop {
            buffer.clear();
            match reader.read_event_into(&mut buffer)? {
                Event::Start(start) => {
                    said.element(&start);
                    element = local_name(&start);
                    depth += 1;
                }
                Event::Empty(start) => said.element(&start),
                Event::Text(text) => {
                    let text = text.xml10_content();
                    match element.as_str() {
                        "note" | "state" => said.word.push_str(&text),
                        "basic" => said.basic.push_str(&text),
                        _ => {}
                    }
                }
                Event::End(_) => {
                    element.clear();
                    depth = depth.saturating_sub(1);
                }
                // The reader checks that tags match, not that all are closed.
                Event::Eof if depth > 0 => return Err(LampError::Cut),
                Event::Eof => return Ok(said),
                _ => {}
            }
        }
    }

    fn element(&mut self, start: &BytesStart<'_>) {
        let name = local_name(start);
        if self.root.is_empty() {
            self.root = name;
        } else if name == "param" {
            let has = |key: &str, wanted: &str| {
                start.try_get_attribute(key).ok().flatten().is_some_and(|a| *a.value == *wanted)
            };
            self.held |= has("pname", "+sip.rendering") && has("pvalue", "no");
        }
    }

    fn lamp(&self, package: Package) -> Option<Lamp> {
        let lamp = lamp(package, self.word.trim(), || self.held)?;
        // RFC 3863: who cannot be reached is closed, everybody else is open.
        let basic = if lamp == Lamp::Unavailable { "closed" } else { "open" };
        (package == Package::Dialog || self.basic.trim() == basic).then_some(lamp)
    }
}

fn local_name(start: &BytesStart<'_>) -> String {
    start.local_name().as_ref().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIDF: &str = include_str!("../testdata/pidf-INUSE.xml");
    const RINGING: &str = include_str!("../testdata/dialog-info-RINGING.xml");
    const ON_HOLD: &str = include_str!("../testdata/dialog-info-ONHOLD.xml");

    /// Both ways to read must say the same.
    fn read(package: Package, body: &str) -> Option<Lamp> {
        let lamp = Lamp::parse(package, body.as_bytes()).ok();
        assert_eq!(lamp, Lamp::scan(package, body.as_bytes()), "{body}");
        lamp
    }

    #[test]
    fn documents_written_by_asterisk() {
        assert_eq!(read(Package::Presence, PIDF), Some(Lamp::Lit));
        assert_eq!(read(Package::Dialog, RINGING), Some(Lamp::Blinking));
        assert_eq!(read(Package::Dialog, ON_HOLD), Some(Lamp::Held));
    }

    #[test]
    fn every_word_has_its_lamp() {
        for (note, basic, lamp) in [
            ("Ready", "open", Lamp::Dark),
            ("On the phone", "open", Lamp::Lit),
            ("Ringing", "open", Lamp::Blinking),
            ("On hold", "open", Lamp::Held),
            ("Unavailable", "closed", Lamp::Unavailable),
        ] {
            let body = PIDF.replace("On the phone", note).replace("open", basic);
            assert_eq!(read(Package::Presence, &body), Some(lamp));
        }
        for (state, lamp) in [("terminated", Lamp::Dark), ("confirmed", Lamp::Lit), ("early", Lamp::Blinking)]
        {
            assert_eq!(read(Package::Dialog, &RINGING.replace("early", state)), Some(lamp));
        }
    }

    #[test]
    fn what_is_no_state_is_no_lamp() {
        assert_eq!(read(Package::Presence, &PIDF.replace("On the phone", "Gone fishing")), None);
        assert_eq!(read(Package::Dialog, "<dialog-info></dialog-info>"), None);
        assert_eq!(read(Package::Dialog, ""), None);
    }

    #[test]
    fn a_phone_refuses_what_a_scan_would_believe() {
        let cut = PIDF.split("</tuple>").next().unwrap();
        let ill = PIDF.replace("</tuple>", "</tupel>");
        let contradiction = PIDF.replace("open", "closed");
        for body in [cut, &ill, &contradiction] {
            assert!(Lamp::parse(Package::Presence, body.as_bytes()).is_err(), "{body}");
        }
        let other = RINGING.replace("dialog-info", "presence");
        assert!(matches!(Lamp::parse(Package::Dialog, other.as_bytes()), Err(LampError::Root(_))));
    }
}
