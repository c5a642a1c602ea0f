use super::*;

fn printed(doc: &Document) -> String {
    let mut out = Vec::new();
    doc.print(&mut out);
    String::from_utf8(out).unwrap()
}

const PROLOG: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

#[test]
fn nothing_is_printed_without_a_root() {
    assert_eq!(printed(&Document::new()), "");
}

#[test]
fn layout_is_one_blank_a_level_and_a_blank_before_the_slash() {
    let mut doc = Document::new();
    let a = doc.root("a");
    let b = doc.child(a, "b");
    let c = doc.child(b, "c");
    doc.attr(c, "x", "1");
    doc.attr(c, "y", "");
    let d = doc.child(b, "d");
    doc.text(d, "text");
    doc.child(a, "e");
    let expected = " <b>\n  <c x=\"1\" y=\"\" />\n  <d>text</d>\n </b>\n <e />\n";
    assert_eq!(printed(&doc), format!("{PROLOG}<a>\n{expected}</a>\n"));
}

#[test]
fn a_lone_root_is_printed() {
    let mut doc = Document::new();
    let root = doc.root("a");
    assert_eq!(printed(&doc), format!("{PROLOG}<a />\n"));
    doc.text(root, "t");
    assert_eq!(printed(&doc), format!("{PROLOG}<a>t</a>\n"));
}

#[test]
fn text_and_children_go_together() {
    let mut doc = Document::new();
    let root = doc.root("a");
    doc.text(root, "t");
    doc.child(root, "b");
    assert_eq!(printed(&doc), format!("{PROLOG}<a>t\n <b />\n</a>\n"));
}

#[test]
fn all_values_are_escaped_and_forbidden_characters_dropped() {
    let value = "&<>\"'\r\n\t\u{0}\u{1f}\u{fffe}\u{ffff}\u{fffd}\u{7f}äö\u{1F600}";
    let escaped = "&amp;&lt;&gt;&quot;&apos;&#13;&#10;&#9;\u{fffd}\u{7f}äö\u{1F600}";
    let mut doc = Document::new();
    let root = doc.root("a");
    doc.attr(root, "x", value);
    doc.text(root, value);
    assert_eq!(printed(&doc), format!("{PROLOG}<a x=\"{escaped}\">{escaped}</a>\n"));
}

#[test]
fn an_attribute_set_again_keeps_its_place() {
    let mut doc = Document::new();
    let root = doc.root("a");
    doc.attr(root, "x", "1");
    doc.attr(root, "y", "2");
    doc.attr_parts(root, "x", &["3", "", "4"]);
    assert_eq!(printed(&doc), format!("{PROLOG}<a x=\"34\" y=\"2\" />\n"));
    assert_eq!(doc.attribute(root, "x"), Some("34"));
    assert_eq!(doc.attribute(root, "z"), None);
}

#[test]
fn a_supplement_finds_its_way() {
    let mut doc = Document::new();
    assert_eq!(doc.root_node(), None);
    let root = doc.root("presence");
    let note = doc.child(root, "note");
    doc.text(note, "Ready");
    let tuple = doc.child(root, "tuple");
    assert_eq!(doc.root_node(), Some(root));
    assert_eq!(doc.first_child(root), Some(note));
    assert_eq!(doc.next_sibling(note), Some(tuple));
    assert_eq!(doc.next_sibling(tuple), None);
    assert_eq!(doc.find(root, "tuple"), Some(tuple));
    assert_eq!(doc.find(root, "other"), None);
    assert_eq!((doc.name(note), doc.text_of(note)), ("note", "Ready"));
}

#[test]
fn an_element_of_another_document_does_no_harm() {
    let mut other = Document::new();
    let mut stranger = other.root("x");
    for _ in 0..5 {
        stranger = other.child(stranger, "x");
    }
    let mut doc = Document::new();
    let root = doc.root("a");
    doc.attr(stranger, "x", "1");
    doc.text(stranger, "t");
    let lost = doc.child(stranger, "b");
    doc.child(lost, "c");
    assert_eq!(doc.first_child(root), None);
    assert_eq!(printed(&doc), format!("{PROLOG}<a />\n"));
}

#[test]
fn a_warm_document_does_not_grow() {
    let mut doc = Document::new();
    let fill = |doc: &mut Document| {
        let root = doc.root("a");
        for _ in 0..20 {
            let child = doc.child(root, "b");
            doc.attr(child, "c", "some value");
            doc.text(child, "some text");
        }
    };
    fill(&mut doc);
    let before = (doc.nodes.capacity(), doc.attrs.capacity(), doc.strings.capacity());
    for _ in 0..100 {
        fill(&mut doc);
    }
    assert_eq!(before, (doc.nodes.capacity(), doc.attrs.capacity(), doc.strings.capacity()));
}

#[test]
fn a_deep_tree_is_printed_without_recursion() {
    let mut doc = Document::new();
    let mut node = doc.root("a");
    for _ in 0..2_000 {
        node = doc.child(node, "a");
    }
    let text = printed(&doc);
    assert_eq!(text.matches("</a>").count(), 2_000);
}
