//! What a generator fills: bytes as they are, or a document.

use abi_stable::{StableAbi, std_types::RVec};

use crate::Document;

/// A body in the making. The host owns it and uses it again and again, so that a warm one makes
/// bodies without allocating. A module fills it and never replaces it by another.
///
/// ```
/// let mut body = module_api::Body::new();
/// body.raw().extend_from_slice(b"Messages-Waiting: no\r\n");
/// let mut out = Vec::new();
/// body.finish(&mut out);
/// assert_eq!(out, b"Messages-Waiting: no\r\n");
/// ```
#[repr(C)]
#[derive(StableAbi)]
pub struct Body {
    pub(crate) is_document: bool,
    pub(crate) raw: RVec<u8>,
    pub(crate) document: Document,
}

impl Default for Body {
    fn default() -> Self {
        Self::new()
    }
}

impl Body {
    /// An empty body of bytes.
    pub fn new() -> Self {
        Self { is_document: false, raw: RVec::new(), document: Document::new() }
    }

    /// Forgets everything, but keeps the memory. The host does so before each generation.
    pub fn clear(&mut self) {
        self.is_document = false;
        self.raw.clear();
        self.document.clear();
    }

    /// Makes it a body of bytes and gives them, to append to.
    pub fn raw(&mut self) -> &mut RVec<u8> {
        self.is_document = false;
        &mut self.raw
    }

    /// The bytes, if it is a body of bytes.
    pub fn as_raw(&self) -> Option<&[u8]> {
        (!self.is_document).then_some(&self.raw)
    }

    /// Makes it an XML document and gives it.
    pub fn document(&mut self) -> &mut Document {
        self.is_document = true;
        &mut self.document
    }

    /// The document, if it is one: what the host gives to supplements.
    pub fn as_document(&mut self) -> Option<&mut Document> {
        self.is_document.then_some(&mut self.document)
    }

    /// Appends the finished body to `out`.
    pub fn finish(&self, out: &mut Vec<u8>) {
        if self.is_document {
            self.document.print(out);
        } else {
            out.extend_from_slice(&self.raw);
        }
    }
}
