//! An XML document as a tree that a generator makes and supplements extend, and its printer.
//!
//! The printer is Asterisk's: one blank of indent a level, `<name attrs />` for an empty element,
//! text on the line of its element, LF line ends. Unlike Asterisk it escapes every value, prints
//! an empty attribute as `name=""`, and drops the characters that XML 1.0 section 2.2 forbids, so
//! what it prints is well-formed whatever a value holds.
//!
//! ```
//! let mut doc = module_api::Document::new();
//! let root = doc.root("presence");
//! doc.attr(root, "entity", "sip:a&b@192.0.2.1");
//! let note = doc.child(root, "note");
//! doc.text(note, "Ready");
//! let mut out = Vec::new();
//! doc.print(&mut out);
//! assert_eq!(out, b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
//!     <presence entity=\"sip:a&amp;b@192.0.2.1\">\n <note>Ready</note>\n</presence>\n");
//! ```

use abi_stable::{StableAbi, std_types::RVec};

/// An element of the [`Document`] that made it. In another document it names another element or
/// none; it never makes a call fail.
#[repr(transparent)]
#[derive(StableAbi, Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeId(u32);

/// "No element", "no attribute": an index that no arena reaches.
const NONE: u32 = u32::MAX;

/// A piece of [`Document::strings`].
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Default)]
pub(crate) struct Span {
    start: u32,
    end: u32,
}

#[repr(C)]
#[derive(StableAbi, Clone, Copy)]
pub(crate) struct Node {
    pub(crate) name: Span,
    pub(crate) text: Span,
    pub(crate) parent: u32,
    pub(crate) first: u32,
    pub(crate) last: u32,
    pub(crate) next: u32,
    pub(crate) first_attr: u32,
    pub(crate) last_attr: u32,
}

#[repr(C)]
#[derive(StableAbi, Clone, Copy)]
pub(crate) struct Attr {
    pub(crate) name: Span,
    pub(crate) value: Span,
    pub(crate) next: u32,
}

/// A tree of elements, kept in three buffers that are reused from body to body.
#[repr(C)]
#[derive(StableAbi)]
pub struct Document {
    pub(crate) nodes: RVec<Node>,
    pub(crate) attrs: RVec<Attr>,
    pub(crate) strings: RVec<u8>,
}

impl Default for Document {
    fn default() -> Self {
        Self::new()
    }
}

impl Document {
    /// A document without a root.
    pub fn new() -> Self {
        Self { nodes: RVec::new(), attrs: RVec::new(), strings: RVec::new() }
    }

    /// Forgets everything, but keeps the memory.
    pub fn clear(&mut self) {
        self.nodes.clear();
        self.attrs.clear();
        self.strings.clear();
    }

    /// Starts over with a root element.
    pub fn root(&mut self, name: &'static str) -> NodeId {
        self.clear();
        self.append(NONE, name)
    }

    /// Adds a last child. Names are the module's own constants: never text from elsewhere.
    pub fn child(&mut self, parent: NodeId, name: &'static str) -> NodeId {
        self.append(parent.0, name)
    }

    /// Sets an attribute: the last in order if it is new, in its place if it was there.
    pub fn attr(&mut self, node: NodeId, name: &'static str, value: &str) {
        self.attr_parts(node, name, &[value]);
    }

    /// Like [`Document::attr`], with a value that is put together from parts.
    pub fn attr_parts(&mut self, node: NodeId, name: &'static str, value: &[&str]) {
        if self.node(node.0).is_none() {
            return;
        }
        let value = self.store(value);
        let same = self.attr_list(node.0).find(|(_, attr)| self.string(attr.name) == name);
        if let Some((index, _)) = same {
            if let Some(attr) = self.attrs.get_mut(index as usize) {
                attr.value = value;
            }
            return;
        }
        let last = self.node(node.0).map_or(NONE, |node| node.last_attr);
        let index = self.attrs.len() as u32;
        let name = self.store(&[name]);
        self.attrs.push(Attr { name, value, next: NONE });
        match self.attrs.get_mut(last as usize) {
            Some(attr) => attr.next = index,
            None => self.with_node(node.0, |node| node.first_attr = index),
        }
        self.with_node(node.0, |node| node.last_attr = index);
    }

    /// Sets the text of an element, which is printed before its children.
    pub fn text(&mut self, node: NodeId, text: &str) {
        self.text_parts(node, &[text]);
    }

    /// Like [`Document::text`], with a text that is put together from parts.
    pub fn text_parts(&mut self, node: NodeId, text: &[&str]) {
        let text = self.store(text);
        self.with_node(node.0, |node| node.text = text);
    }

    /// The root, if there is one.
    pub fn root_node(&self) -> Option<NodeId> {
        self.node(0).map(|_| NodeId(0))
    }

    /// The first child of an element.
    pub fn first_child(&self, node: NodeId) -> Option<NodeId> {
        self.node(node.0).and_then(|node| self.exists(node.first))
    }

    /// The next child of the same parent.
    pub fn next_sibling(&self, node: NodeId) -> Option<NodeId> {
        self.node(node.0).and_then(|node| self.exists(node.next))
    }

    /// The first child of that name.
    pub fn find(&self, parent: NodeId, name: &str) -> Option<NodeId> {
        let first = self.first_child(parent);
        std::iter::successors(first, |&node| self.next_sibling(node)).find(|&node| self.name(node) == name)
    }

    /// The name of an element.
    pub fn name(&self, node: NodeId) -> &str {
        self.node(node.0).map_or("", |node| self.string(node.name))
    }

    /// The value of an attribute, as it was set.
    pub fn attribute(&self, node: NodeId, name: &str) -> Option<&str> {
        self.attr_list(node.0)
            .find(|(_, attr)| self.string(attr.name) == name)
            .map(|(_, attr)| self.string(attr.value))
    }

    /// The text of an element, as it was set; empty if it has none.
    pub fn text_of(&self, node: NodeId) -> &str {
        self.node(node.0).map_or("", |node| self.string(node.text))
    }

    /// Appends the printed document to `out`; nothing if there is no root.
    pub fn print(&self, out: &mut Vec<u8>) {
        let Some(mut node) = self.node(0) else { return };
        out.extend_from_slice(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        let mut depth = 0;
        loop {
            self.print_start(node, depth, out);
            if let Some(child) = self.node(node.first) {
                node = child;
                depth += 1;
                continue;
            }
            // A leaf is closed by its start. Close the parents of which it was the last.
            while node.next == NONE {
                let Some(parent) = self.node(node.parent) else {
                    return;
                };
                node = parent;
                depth -= 1;
                indent(depth, out);
                self.print_end(node, out);
            }
            let Some(next) = self.node(node.next) else {
                return;
            };
            node = next;
        }
    }

    fn print_start(&self, node: &Node, depth: usize, out: &mut Vec<u8>) {
        indent(depth, out);
        out.push(b'<');
        out.extend_from_slice(self.string(node.name).as_bytes());
        for attr in self.attrs_of(node) {
            out.push(b' ');
            out.extend_from_slice(self.string(attr.1.name).as_bytes());
            out.extend_from_slice(b"=\"");
            escape(self.string(attr.1.value), out);
            out.push(b'"');
        }
        let text = self.string(node.text);
        match (text.is_empty(), node.first == NONE) {
            (true, true) => out.extend_from_slice(b" />\n"),
            (true, false) => out.extend_from_slice(b">\n"),
            (false, leaf) => {
                out.push(b'>');
                escape(text, out);
                if leaf {
                    self.print_end(node, out);
                } else {
                    out.push(b'\n');
                }
            }
        }
    }

    fn print_end(&self, node: &Node, out: &mut Vec<u8>) {
        out.extend_from_slice(b"</");
        out.extend_from_slice(self.string(node.name).as_bytes());
        out.extend_from_slice(b">\n");
    }

    fn append(&mut self, parent: u32, name: &str) -> NodeId {
        let last = match self.node(parent) {
            Some(node) => node.last,
            // Only the root has no parent; a foreign NodeId gets a child that is nowhere.
            None if parent != NONE => return NodeId(NONE),
            None => NONE,
        };
        let index = self.nodes.len() as u32;
        let name = self.store(&[name]);
        self.nodes.push(Node {
            name,
            text: Span::default(),
            parent,
            first: NONE,
            last: NONE,
            next: NONE,
            first_attr: NONE,
            last_attr: NONE,
        });
        if last == NONE {
            self.with_node(parent, |node| node.first = index);
        } else {
            self.with_node(last, |node| node.next = index);
        }
        self.with_node(parent, |node| node.last = index);
        NodeId(index)
    }

    fn store(&mut self, parts: &[&str]) -> Span {
        let start = self.strings.len() as u32;
        for part in parts {
            self.strings.extend_from_copy_slice(part.as_bytes());
        }
        Span { start, end: self.strings.len() as u32 }
    }

    fn with_node(&mut self, index: u32, change: impl FnOnce(&mut Node)) {
        if let Some(node) = self.nodes.get_mut(index as usize) {
            change(node);
        }
    }

    fn node(&self, index: u32) -> Option<&Node> {
        self.nodes.get(index as usize)
    }

    fn exists(&self, index: u32) -> Option<NodeId> {
        self.node(index).map(|_| NodeId(index))
    }

    fn string(&self, span: Span) -> &str {
        let bytes = self.strings.get(span.start as usize..span.end as usize).unwrap_or_default();
        // Only whole strings are ever stored.
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    fn attr_list(&self, node: u32) -> impl Iterator<Item = (u32, Attr)> {
        self.node(node).into_iter().flat_map(|node| self.attrs_of(node))
    }

    fn attrs_of(&self, node: &Node) -> impl Iterator<Item = (u32, Attr)> {
        let at = |index: u32| self.attrs.get(index as usize).map(|attr| (index, *attr));
        std::iter::successors(at(node.first_attr), move |(_, attr)| at(attr.next))
    }
}

fn indent(depth: usize, out: &mut Vec<u8>) {
    out.resize(out.len() + depth, b' ');
}

/// Escapes for text and for values in double quotes alike (XML 1.0 sections 2.2 and 2.4).
fn escape(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    let mut done = 0;
    let mut keep = |from: usize, instead: &[u8], width: usize| {
        out.extend_from_slice(bytes.get(done..from).unwrap_or_default());
        out.extend_from_slice(instead);
        done = from + width;
    };
    for (at, &byte) in bytes.iter().enumerate() {
        match byte {
            b'&' => keep(at, b"&amp;", 1),
            b'<' => keep(at, b"&lt;", 1),
            b'>' => keep(at, b"&gt;", 1),
            b'"' => keep(at, b"&quot;", 1),
            b'\'' => keep(at, b"&apos;", 1),
            b'\r' => keep(at, b"&#13;", 1),
            b'\n' => keep(at, b"&#10;", 1),
            b'\t' => keep(at, b"&#9;", 1),
            // The other controls, and U+FFFE and U+FFFF, are no characters of XML.
            0..=0x1f => keep(at, b"", 1),
            0xef if matches!(bytes.get(at + 1..at + 3), Some([0xbf, 0xbe | 0xbf])) => keep(at, b"", 3),
            _ => {}
        }
    }
    keep(bytes.len(), b"", 0);
}

#[cfg(test)]
mod tests;
