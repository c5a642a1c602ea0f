//! `type=resource_list`: many resources behind one subscription (RFC 4662).

use std::sync::Arc;
use std::time::Duration;

use conf::Severity;

use super::draft::Draft;
use super::options::Options;
use super::table::{BOOL, LIST, ObjectType, OptionSpec, TEXT, UINT, opt};
use super::value::Value;

/// The table of `type=resource_list`.
pub static RESOURCE_LIST: ObjectType = ObjectType::new("resource_list", OPTIONS);

const OPTIONS: &[OptionSpec] = &[
    opt("event", TEXT, ""),
    opt("full_state", BOOL, "no"),
    opt("list_item", LIST, "").accumulating(),
    opt("notification_batch_interval", UINT, "0"),
    opt("resource_display_name", BOOL, "no"),
];

/// A list of resources that is watched as one.
#[derive(Clone, Debug, PartialEq)]
pub struct ResourceList {
    /// The section's name, which is the user part that phones subscribe to.
    pub id: Arc<str>,
    /// The event package.
    pub event: Arc<str>,
    /// Resources and other lists, in order, none twice.
    pub items: Vec<Arc<str>>,
    /// Whether every NOTIFY carries all items.
    pub full_state: bool,
    /// How long changes are gathered; zero for not at all.
    pub notification_batch_interval: Duration,
    /// Whether items carry the display name of their hint.
    pub resource_display_name: bool,
    /// Every option, for listings.
    pub options: Options,
}

impl ResourceList {
    /// The list of a section.
    pub(crate) fn build(draft: &mut Draft<'_>) -> Self {
        draft.require("event");
        draft.require("list_item");
        let mut items: Vec<Arc<str>> = Vec::new();
        for item in draft.options.list("list_item") {
            if items.contains(&item) {
                let what = format!("names '{item}' twice; once is enough");
                draft.complain(Severity::Warning, "list_item", &what);
            } else {
                items.push(item);
            }
        }
        draft.options.replace("list_item", Value::List(items.clone()));
        let options = draft.options.clone();
        let interval = options.number("notification_batch_interval");
        Self {
            id: draft.id(),
            event: options.text("event"),
            items,
            full_state: options.flag("full_state"),
            notification_batch_interval: Duration::from_millis(interval.into()),
            resource_display_name: options.flag("resource_display_name"),
            options,
        }
    }
}
