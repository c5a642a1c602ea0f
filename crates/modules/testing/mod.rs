//! What the modules' tests share: a subscription, the making of a body, and a strict reader of it.
//! A test has it by `#[path = "../../testing/mod.rs"] mod testing;`.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests unwrap too: then the test fails, which is what it is for"
)]
#![allow(dead_code, reason = "each test uses its own part of this")]

use module_api::{Body, BodyContext, BodyGenerator, BodySupplement, Payload};
use proptest::prelude::*;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;

/// Alice's subscription to 1000, as in the captures.
pub(crate) fn context(data: &Payload) -> BodyContext<'_> {
    BodyContext {
        data,
        resource: "1000".into(),
        local: "sip:1000@127.0.0.1:15060".into(),
        remote: "sip:alice@127.0.0.1".into(),
        domain: "127.0.0.1".into(),
        user_agent: "".into(),
        endpoint: "alice".into(),
        version: 0,
        early_inuse_ringing: false,
    }
}

/// A body, the supplements loaded in that order.
pub(crate) fn body(
    generator: &dyn BodyGenerator,
    supplements: &[&dyn BodySupplement],
    cx: &BodyContext<'_>,
) -> String {
    let mut body = Body::new();
    generator.generate(cx, &mut body).unwrap();
    for supplement in supplements {
        supplement.supplement(cx, body.as_document().unwrap()).unwrap();
    }
    let mut out = Vec::new();
    body.finish(&mut out);
    String::from_utf8(out).unwrap()
}

/// An element as a reader understands it: all references resolved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attrs: Vec<(String, String)>,
    /// Of an element with children: the blanks between them.
    pub(crate) text: String,
    pub(crate) children: Vec<Element>,
}

impl Element {
    /// The first descendant at a path of names; the test fails if there is none.
    pub(crate) fn at(&self, path: &str) -> &Element {
        path.split('/').fold(self, |element, name| {
            let found = element.children.iter().find(|child| child.name == name);
            found.unwrap_or_else(|| panic!("no {name} of {path} in {element:?}"))
        })
    }

    /// The value of an attribute; the test fails if there is none.
    pub(crate) fn attr(&self, name: &str) -> &str {
        let found = self.attrs.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_else(|| panic!("no {name} in {self:?}"))
    }
}

/// Reads a document, and fails the test unless it is well-formed (XML 1.0) and all its prefixes are
/// bound to namespaces. quick-xml checks nesting, references and doubled attributes; the rest is here.
pub(crate) fn parse(text: &str) -> Element {
    assert_eq!(text, xml_chars(text), "forbidden characters");
    let mut reader = NsReader::from_str(text);
    // The document itself is the parent of its root.
    let mut open = vec![Element::default()];
    loop {
        let event = reader.read_event().unwrap();
        match event {
            Event::Decl(decl) => assert_eq!(decl.version().unwrap(), "1.0"),
            Event::Start(tag) => open.push(element(&reader, &tag)),
            Event::Empty(tag) => {
                let element = element(&reader, &tag);
                open.last_mut().unwrap().children.push(element);
            }
            Event::End(_) => {
                let element = open.pop().unwrap();
                open.last_mut().unwrap().children.push(element);
            }
            Event::Text(part) => open.last_mut().unwrap().text.push_str(&part.xml10_content()),
            Event::GeneralRef(reference) => {
                let name = format!("&{};", &*reference);
                open.last_mut().unwrap().text.push_str(&quick_xml::escape::unescape(&name).unwrap());
            }
            Event::Eof => break,
            other => panic!("nothing that bodies have: {other:?}"),
        }
    }
    let document = open.pop().unwrap();
    assert!(open.is_empty(), "unclosed: {open:?}");
    assert_eq!(document.text.trim(), "", "text outside the root");
    let [root] = document.children.try_into().unwrap();
    check(&root);
    root
}

fn element(reader: &NsReader<&[u8]>, tag: &BytesStart<'_>) -> Element {
    let bound = |result: ResolveResult<'_>| !matches!(result, ResolveResult::Unknown(_));
    assert!(bound(reader.resolver().resolve_element(tag.name()).0), "{tag:?}");
    let attrs = tag.attributes().map(|attr| {
        let attr = attr.unwrap();
        assert!(bound(reader.resolver().resolve_attribute(attr.key).0), "{tag:?}");
        assert!(!attr.value.contains('<'), "{tag:?}");
        let value = attr.normalized_value(XmlVersion::Explicit1_0).unwrap();
        (attr.key.as_ref().to_owned(), value.into_owned())
    });
    Element { name: tag.name().as_ref().to_owned(), attrs: attrs.collect(), ..Default::default() }
}

/// No forbidden characters by reference either, no text between elements.
fn check(element: &Element) {
    assert_eq!(element.text, xml_chars(&element.text));
    assert!(element.attrs.iter().all(|(_, value)| *value == xml_chars(value)), "{element:?}");
    if !element.children.is_empty() {
        assert_eq!(element.text.trim(), "", "{element:?}");
    }
    element.children.iter().for_each(check);
}

/// A text without the characters that XML 1.0 section 2.2 forbids: what a reader must get.
pub(crate) fn xml_chars(text: &str) -> String {
    let allowed = |c: &char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    text.chars().filter(allowed).collect()
}

/// Texts of any kind: none, of markup, of controls, of all planes, and some of 10 KB and more.
pub(crate) fn wild() -> impl Strategy<Value = String> {
    const MARKUP: [&str; 8] = ["]]>", "<![CDATA[", "<!--", "-->", "&amp;", "&#0;", "&#x1f600;", "<?x ?>"];
    let special =
        "&<>\"'\r\n\t\0\u{1}\u{1b}\u{7f}\u{85}\u{2028}\u{feff}\u{fffd}\u{fffe}\u{ffff}:;@%ä\u{10ffff}";
    let special: Vec<char> = special.chars().collect();
    let piece = prop_oneof![
        2 => prop::sample::select(special).prop_map(String::from),
        1 => any::<char>().prop_map(String::from),
        1 => "[ -~]",
        1 => prop::sample::select(&MARKUP[..]).prop_map(String::from),
    ];
    let text = prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat());
    (text, prop::bool::weighted(0.1)).prop_map(|(text, long)| {
        let times = if long { 10_240 / text.len().max(1) + 1 } else { 1 };
        text.repeat(times)
    })
}
