//! `core explain hint EXTEN@CONTEXT`: why a lamp shows what it shows. The layout is Starling's own.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use cli::{CommandGuard, Invocation, Outcome, command};
use dialplan::{Change, DeviceExplanation, Explanation, Origin};
use res_pjsip_pubsub::{NotifyAnswer, Pending, WatcherInfo};
use state::{PresenceState, PresenceValue};

use super::print;
use crate::server::Server;
use crate::services::EXTENSION_STATE;

/// Registers the command.
pub(crate) fn register(server: &Arc<Server>) -> CommandGuard {
    let (explained, names) = (server.clone(), server.clone());
    server.cli.register(
        command(
            "core explain hint",
            "Explain why a hint shows what it shows",
            "Usage: core explain hint EXTENSION@CONTEXT\n       Shows the hint's line, its devices and who reports them, \
             who watches it and what they\n       were sent, and its last changes.\n",
            move |cx| match cx.arg_strs()[..] {
                [key] => {
                    let key = key.to_owned();
                    explain(cx, &explained, &key)
                }
                _ => Outcome::ShowUsage,
            },
        )
        .completing(move |args, _| match args {
            [] => names.hints.hints().iter().map(|hint| hint.key().to_string()).collect(),
            _ => Vec::new(),
        }),
    )
}

fn explain(cx: &mut Invocation<'_>, server: &Server, asked: &str) -> Outcome {
    // What is asked for in one context may stand in another, which it includes.
    let dialplan = server.hints.dialplan();
    let found = asked.rsplit_once('@').and_then(|(exten, context)| {
        let found = dialplan.find_hint(context, exten, server.hints.now())?;
        let exten = if found.extension.is_pattern() { exten } else { &found.extension.name };
        Some((format!("{exten}@{}", found.context.name), found))
    });
    let key = found.as_ref().map_or(asked, |(key, _)| key);
    if let Some(explanation) = server.hints.explain(key) {
        let pubsub = server.pubsub.get();
        let watchers = pubsub.map(|pubsub| pubsub.watchers(EXTENSION_STATE, key)).unwrap_or_default();
        return print(cx, &text(&explanation, &watchers));
    }
    match found {
        Some((key, found)) => cx.print(&format!(
            "{key}: nobody asked for it yet; it would be made of {}, {}\n",
            found.extension.name,
            found.hint.pos.short()
        )),
        None => cx.print(&format!("There is no hint {asked}\n")),
    }
    Outcome::Failure
}

/// The whole answer.
fn text(hint: &Explanation, watchers: &[WatcherInfo]) -> String {
    let definition = &hint.definition;
    let mut text = format!("Hint {} shows {}", hint.key, hint.state.text());
    if !hint.providers.is_empty() {
        let _ = write!(text, ", presence {}", presence(&hint.presence));
    }
    let made = match definition.origin {
        Origin::Pattern => "made of the pattern at ",
        Origin::Auto => "made by autohints of the context at ",
        Origin::Line => "",
    };
    let name = if definition.name().is_empty() { String::new() } else { format!(" ({})", definition.name()) };
    let _ = writeln!(text, "\n  {}{name}\n  {made}{}", definition.text(), definition.pos);
    let _ = writeln!(text, "\nDevices: {}", hint.aggregate);
    hint.devices.iter().for_each(|device| text.push_str(&device_lines(device)));
    if hint.devices.is_empty() {
        text.push_str("  none: such a hint is Unavailable\n");
    }
    if !hint.providers.is_empty() {
        let _ = writeln!(text, "\nPresence: {}", presence(&hint.presence));
        for (name, value) in &hint.providers {
            let _ = writeln!(text, "  {name:<38} {}", presence(value));
        }
    }
    let _ = writeln!(text, "\nWatchers: {}", watchers.len());
    watchers.iter().for_each(|watcher| text.push_str(&watcher_lines(watcher)));
    if hint.watchers != watchers.len() {
        let _ = writeln!(text, "  ({} counted: some are coming or going)", hint.watchers);
    }
    let _ = writeln!(text, "\nLast changes: {}", hint.changes.len());
    hint.changes.iter().for_each(|change| text.push_str(&change_line(hint.now, change)));
    text
}

fn device_lines(device: &DeviceExplanation) -> String {
    let mut text = format!("  {:<38} {}\n", device.name, device.state);
    if let Some(call) = &device.call {
        let _ = writeln!(text, "    call from {}", plain(&call.remote.to_string()));
    }
    for source in &device.sources {
        let lease = source.lease_left.map(|left| format!(", ends in {}", span(left))).unwrap_or_default();
        let (name, state) = (format!("from {}", plain(source.source.as_str())), source.state);
        let _ = writeln!(text, "    {name:<36} {state:<12} said {} ago{lease}", span(source.age));
    }
    if device.sources.is_empty() {
        text.push_str("    nobody reports it\n");
    }
    text
}

fn presence(value: &PresenceValue) -> String {
    let word = if value.state == PresenceState::Invalid { "invalid" } else { value.state.word() };
    let texts = [&value.subtype, &value.message].map(|text| plain(text));
    let texts: Vec<_> = texts.iter().filter(|text| !text.is_empty()).map(String::as_str).collect();
    if texts.is_empty() { word.to_owned() } else { format!("{word} ({})", texts.join(": ")) }
}

fn watcher_lines(watcher: &WatcherInfo) -> String {
    let version = watcher.version.map(|version| format!(", version {version}")).unwrap_or_default();
    let answer = match watcher.answer {
        NotifyAnswer::None => "no answer yet".into(),
        NotifyAnswer::Status(status) => format!("answered {status}"),
        NotifyAnswer::TimedOut => "nobody answered".into(),
        NotifyAnswer::Undelivered => "not delivered".into(),
    };
    let pending = match watcher.pending {
        Pending::Nothing => "has the newest state",
        Pending::Answer => "the newest state is sent, its answer is not there",
        Pending::NewerState => "the newest state goes out after the answer to an older NOTIFY",
        Pending::Turn => "the newest state waits for its turn, or for the time the phone asked for",
        Pending::Address => "waits for the address behind its Contact or route",
        Pending::Connection => "the newest state waits: the phone's connection is gone",
        Pending::Package => "waits for the module of its event",
        Pending::Generator => "waits for a module that makes its body type",
    };
    format!(
        "  {:<20} {} {}, ends in {}\n    Call-ID {}\n    NOTIFY CSeq {}{version}, {} ago, {answer}; {pending}\n",
        watcher.endpoint.id,
        watcher.event,
        watcher.media_type,
        span(watcher.expiry.saturating_mul(1000)),
        plain(&watcher.call_id),
        watcher.cseq,
        span(u64::try_from(watcher.notified.as_millis()).unwrap_or(u64::MAX)),
    )
}

fn change_line(now: u64, change: &Change) -> String {
    let (old, new) = (change.state.0, change.state.1);
    let mut what = String::new();
    if old != new {
        let _ = write!(what, "{} -> {}", old.text(), new.text());
    }
    let (old, new) = (&change.presence.0, &change.presence.1);
    if old != new {
        let comma = if what.is_empty() { "" } else { ", " };
        let _ = write!(what, "{comma}{} -> {}", presence(old), presence(new));
    }
    let ago = format!("{} ago", span(now.saturating_sub(change.at)));
    let line = format!("  {ago:<12} {what:<24} {}\n", plain(&change.cause.to_string()));
    if line.chars().count() <= 101 {
        return line;
    }
    format!("  {ago:<12} {what}\n{:15}{}\n", "", plain(&change.cause.to_string()))
}

/// A time for people, two units at most: `2m 10s`.
fn span(milliseconds: u64) -> String {
    let seconds = Duration::from_millis(milliseconds).as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {}s", seconds / 60, seconds % 60),
        3600..86400 => format!("{}h {}m", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}d {}h", seconds / 86400, seconds / 3600 % 24),
    }
}

/// Text from the network, without what would move the cursor.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use dialplan::{Dialplan, Hints};
    use res_pjsip::config::PjsipConfig;
    use state::{DeviceState, SourceId};
    use std::sync::atomic::{AtomicU64, Ordering};

    fn watcher(endpoint: &str, version: Option<u32>, answer: NotifyAnswer, pending: Pending) -> WatcherInfo {
        let text = format!("[{endpoint}]\ntype=endpoint\n");
        let (config, _) = PjsipConfig::parse(&conf::Loader::new(".").parse("pjsip.conf", &text).unwrap());
        WatcherInfo {
            endpoint: config.endpoints.get(endpoint).unwrap().clone(),
            event: "dialog".into(),
            media_type: "application/dialog-info+xml".into(),
            call_id: "a84b4c76e66710\u{1b}@192.0.2.4".into(),
            expiry: 3540,
            notified: Duration::from_millis(10_500),
            cseq: 4712,
            version,
            answer,
            pending,
        }
    }

    #[test]
    fn the_layout_is_stable() {
        let time = Arc::new(AtomicU64::new(1_000_000));
        let clock = time.clone();
        let hints = Hints::with_clock(Arc::new(move || clock.load(Ordering::Relaxed)));
        let file = conf::Loader::new(".").parse(
            "extensions.conf",
            "[default]\nexten => 1000,hint,PJSIP/alice&Custom:dnd,CustomPresence:alice(Alice)\nexten => 2,hint,\n",
        );
        hints.replace(Dialplan::parse(&file.unwrap()).0);
        let (pjsip, publish) = (SourceId::new("PJSIP"), SourceId::new("publish:00:1b:63"));
        hints.set_device_state("PJSIP/alice", &pjsip, DeviceState::NotInUse, None);
        time.store(4_600_000, Ordering::Relaxed);
        hints.set_device_state("PJSIP/alice", &publish, DeviceState::InUse, Some(4_640_000));
        time.store(4_610_000, Ordering::Relaxed);
        let watchers = [
            watcher("bob", Some(3), NotifyAnswer::Status(200), Pending::Nothing),
            watcher("reception", None, NotifyAnswer::None, Pending::Answer),
        ];
        let hint = hints.get("1000@default").unwrap();
        watchers.iter().for_each(|_| hint.add_watcher());
        let shown = text(&hints.explain("1000@default").unwrap(), &watchers);
        assert_eq!(shown, include_str!("../../testdata/core_explain_hint.txt"), "{shown}");
        assert!(shown.lines().all(|line| line.len() <= 100));
        let empty = text(&hints.explain("2@default").unwrap(), &[]);
        assert!(
            empty.contains("Devices: INVALID\n  none: such a hint is Unavailable\n\nWatchers: 0\n"),
            "{empty}"
        );
    }

    #[test]
    fn spans_have_two_units() {
        let spans = [999, 61_000, 3_661_000, 90_000_000].map(span);
        assert_eq!(spans, ["0s", "1m 1s", "1h 1m", "1d 1h"]);
    }
}
