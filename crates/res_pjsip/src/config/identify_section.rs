//! `type=identify`: requests that belong to an endpoint by where they come from or what they say.
//!
//! ```text
//! [gateway]
//! type=identify
//! endpoint=gateway
//! match=192.0.2.0/24,!192.0.2.66
//! ```

use std::sync::Arc;

use super::draft::Draft;
use super::matching::{HeaderMatch, MatchRule, Pattern};
use super::options::Options;
use super::table::{BOOL, Kind, ObjectType, OptionSpec, TEXT, opt};
use super::value::Value;

/// The table of `type=identify`.
pub static IDENTIFY: ObjectType = ObjectType::new("identify", OPTIONS);

const OPTIONS: &[OptionSpec] = &[
    opt("endpoint", TEXT, ""),
    opt("match", Kind::Matches, "").accumulating(),
    opt("match_header", Kind::HeaderMatch, ""),
    opt("match_request_uri", Kind::Pattern, ""),
    opt("srv_lookups", BOOL, "yes"),
];

/// What makes a request an endpoint's.
#[derive(Clone, Debug, PartialEq)]
pub struct Identify {
    /// The section's name.
    pub id: Arc<str>,
    /// The endpoint that requests belong to.
    pub endpoint: Arc<str>,
    /// Sources. The last rule that contains a source decides.
    pub matches: Vec<MatchRule>,
    /// A header that a request must have.
    pub header: Option<HeaderMatch>,
    /// What the request URI must be.
    pub request_uri: Option<Pattern>,
    /// Whether host names are looked up as services first (RFC 3263).
    pub srv_lookups: bool,
    /// Every option, for listings.
    pub options: Options,
}

impl Identify {
    /// The identify of a section.
    pub(crate) fn build(draft: &mut Draft<'_>) -> Self {
        draft.require("endpoint");
        draft.refer("endpoint", "endpoint");
        let criteria = ["match", "match_header", "match_request_uri"];
        if !draft.is_refused()
            && criteria.iter().all(|name| draft.options.value(name).is_none_or(Value::is_empty))
        {
            draft.refuse("match", "is required, or else match_header or match_request_uri");
        }
        let options = draft.options.clone();
        Self {
            id: draft.id(),
            endpoint: options.text("endpoint"),
            matches: match options.value("match") {
                Some(Value::Matches(rules)) => rules.clone(),
                _ => Vec::new(),
            },
            header: match options.value("match_header") {
                Some(Value::Header(header)) => Some(header.clone()),
                _ => None,
            },
            request_uri: match options.value("match_request_uri") {
                Some(Value::Pattern(pattern)) => Some(pattern.clone()),
                _ => None,
            },
            srv_lookups: options.flag("srv_lookups"),
            options,
        }
    }
}
