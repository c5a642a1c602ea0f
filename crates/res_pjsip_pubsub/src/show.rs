//! Text of `pjsip show subscriptions inbound|outbound` and `pjsip list subscriptions …`.

use std::fmt::Write;

use res_pjsip::config::Endpoint;

use crate::service::SubscriptionInfo;

const HEADER: &str = "\
Endpoint: <Endpoint/Caller-ID.............................................>
Resource: <Resource/Event.................................................>
  Expiry: <Expiry>  <Call-id..............................................>
===========================================================================

";

/// The block form. `matches` filters whole blocks (`like`).
pub fn show_subscriptions(list: &[SubscriptionInfo], matches: impl Fn(&str) -> bool) -> String {
    let mut text = HEADER.to_owned();
    let mut count = 0;
    for s in list {
        let block = format!(
            "Endpoint: {}/{}\nResource: {}/{}\n  Expiry: {:8}  {}\n\n",
            s.endpoint.id,
            caller_id(&s.endpoint),
            s.resource,
            s.event,
            s.expiry,
            s.call_id
        );
        if matches(&block) {
            text.push_str(&block);
            count += 1;
        }
    }
    // Writing into a String cannot fail.
    let _ = writeln!(text, "{count} active subscriptions");
    text
}

/// `pjsip list subscriptions`: a line each. `matches` filters lines (`like`).
pub fn list_subscriptions(list: &[SubscriptionInfo], matches: impl Fn(&str) -> bool) -> String {
    let mut text = format!("{:<30} {:<30} {:>6} Call-id\n", "Endpoint/CLI", "Resource/Event", "Expiry");
    let mut count = 0;
    for s in list {
        let endpoint = format!("{}/{}", s.endpoint.id, caller_id(&s.endpoint));
        let resource = format!("{}/{}", s.resource, s.event);
        let line = format!("{endpoint:<30.30} {resource:<30.30} {:>6} {}\n", s.expiry, s.call_id);
        if matches(&line) {
            text.push_str(&line);
            count += 1;
        }
    }
    let _ = writeln!(text, "\n{count} active subscriptions");
    text
}

/// `"Name" <number>`, what there is of it, or `<none>`.
fn caller_id(endpoint: &Endpoint) -> String {
    let Some(id) = &endpoint.callerid else { return "<none>".into() };
    match (&*id.name, &*id.number) {
        ("", "") => "<none>".into(),
        ("", number) => number.into(),
        (name, "") => name.into(),
        (name, number) => format!("\"{name}\" <{number}>"),
    }
}
