//! `pjsip_notify.conf`: kinds of NOTIFY, one a section.
//!
//! ```text
//! [reboot]
//! Event=>check-sync\;reboot=true
//! [message]
//! Event=>message
//! Content-Type=>text/plain
//! Content=>first line
//! Content=>second line
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use conf::{Config, Diagnostic, Severity};

/// Headers that the request has anyway, and the file may not set.
const RESERVED: [&str; 11] = [
    "Call-ID",
    "Contact",
    "Content-Length",
    "CSeq",
    "From",
    "Max-Forwards",
    "Record-Route",
    "Request-URI",
    "Route",
    "To",
    "Via",
];

/// One kind of NOTIFY.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Template {
    /// The section's name.
    pub name: Arc<str>,
    /// Headers in the order of the file, `Content-Type` not among them.
    pub headers: Vec<(Arc<str>, Arc<str>)>,
    /// The media type of the content.
    pub content_type: Option<Arc<str>>,
    /// The lines of `Content`, each but the last with a line end.
    pub content: String,
}

/// All kinds, by name.
pub type Templates = BTreeMap<Arc<str>, Arc<Template>>;

impl Template {
    /// Reads the sections of `pjsip_notify.conf`.
    pub fn parse_all(file: &Config) -> (Templates, Vec<Diagnostic>) {
        let (mut templates, mut remarks) = (Templates::new(), Vec::new());
        for section in file.sections() {
            let mut template = Self { name: section.name.clone(), ..Self::default() };
            let mut lines = Vec::new();
            for entry in &section.entries {
                let (name, value) = (&entry.name, &entry.value);
                if name.eq_ignore_ascii_case("content") {
                    lines.push(&**value);
                } else if name.eq_ignore_ascii_case("content-type") {
                    template.content_type = Some(value.clone());
                } else if let Some(why) = refused(name) {
                    remarks.push(Diagnostic {
                        severity: Severity::Warning,
                        pos: Some(entry.pos.clone()),
                        message: format!("[{}]: header '{name}' {why}, line ignored", section.name),
                    });
                } else {
                    template.headers.push((name.clone(), value.clone()));
                }
            }
            template.content = lines.join("\r\n");
            templates.insert(section.name.clone(), Arc::new(template));
        }
        (templates, remarks)
    }

    /// Whether the file sets a header.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name))
    }
}

fn refused(name: &str) -> Option<&'static str> {
    let in_token = |c: char| c.is_ascii_alphanumeric() || "-.!%*_+`'~".contains(c);
    if RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(name)) {
        return Some("is set by the server");
    }
    (name.is_empty() || !name.chars().all(in_token)).then_some("is not the name of a header")
}
