//! What a new dialplan would do to the lamps, without doing it (`dialplan reload check`).
//!
//! The new dialplan is loaded into hints of its own, whose devices answer with what the live ones
//! say; then both are compared. So the preview is made by the code that does the real thing.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Arc;

use dialplan::{DeviceProvider, Dialplan, ExtensionSnapshot, Hint, Hints, PresenceProvider};
use state::{DeviceState, PresenceValue, SourceId};

/// Answers for a label or technology with what the live hints know.
struct Live {
    hints: Arc<Hints>,
    /// `Custom:` or `PJSIP/`.
    prefix: String,
}

impl DeviceProvider for Live {
    fn state(&self, rest: &str) -> DeviceState {
        self.hints.device_state(&format!("{}{rest}", self.prefix))
    }
}

impl PresenceProvider for Live {
    fn presence(&self, rest: &str) -> PresenceValue {
        self.hints.presence(&format!("{}{rest}", self.prefix))
    }
}

/// The differences, for people; one line each, and a sum.
pub(crate) fn preview(live: &Arc<Hints>, dialplan: Dialplan) -> String {
    let next = Hints::new();
    // Autohints are made of devices that are reported.
    let source = SourceId::new("preview");
    for (device, state) in live.device_states() {
        next.set_device_state(&device, &source, state, None);
    }
    next.replace(dialplan);
    // The guards keep the providers in place while the states are read.
    let _providers = lend_providers(live, &next);

    let mut text = String::new();
    let (mut added, mut removed, mut changed, mut lamps) = (0, 0, 0, 0);
    for hint in by_name(live) {
        let Some(successor) = next.find(hint.context(), hint.exten()) else {
            removed += 1;
            lamps += hint.watchers();
            line(&mut text, "removed", &hint, &format!("ends {} subscription(s)", hint.watchers()));
            continue;
        };
        let (before, after) = (hint.snapshot(), successor.snapshot());
        if looks_alike(&before, &after) && hint.definition().text() == successor.definition().text() {
            continue;
        }
        changed += 1;
        let effect = if looks_alike(&before, &after) {
            "no lamp changes".to_owned()
        } else {
            lamps += hint.watchers();
            format!("{} -> {} on {} lamp(s)", shown(&before), shown(&after), hint.watchers())
        };
        line(
            &mut text,
            "changed",
            &hint,
            &format!("{} -> {}; {effect}", hint.definition().text(), successor.definition().text()),
        );
    }
    let known: BTreeSet<_> = live.hints().iter().map(|hint| hint.key().to_owned()).collect();
    for hint in by_name(&next).iter().filter(|hint| !known.contains(hint.key())) {
        added += 1;
        line(&mut text, "added", hint, hint.definition().text());
    }
    // Writing into a String cannot fail.
    let _ = writeln!(
        text,
        "{added} hint(s) added, {removed} removed, {changed} changed; {lamps} lamp(s) would change or end. Nothing has been changed."
    );
    text
}

fn by_name(hints: &Hints) -> Vec<Arc<Hint>> {
    let mut all = hints.hints();
    all.sort_by(|one, other| one.key().cmp(other.key()));
    all
}

type Guards = Vec<dialplan::ProviderGuard>;

fn lend_providers(live: &Arc<Hints>, next: &Arc<Hints>) -> Guards {
    let (mut devices, mut presentities) = (BTreeSet::new(), BTreeSet::new());
    // Pattern hints name their devices only when they are asked for: what the live ones name counts too.
    for hint in next.hints().iter().chain(&live.hints()) {
        let definition = hint.definition();
        devices.extend(definition.devices().map(prefix));
        presentities.extend(definition.presence().map(prefix));
    }
    let lend = |prefix: &str| Arc::new(Live { hints: live.clone(), prefix: prefix.to_owned() });
    let mut guards = Guards::new();
    for prefix in devices.iter().filter(|prefix| !prefix.is_empty()) {
        let name = &prefix[..prefix.len() - 1];
        guards.push(match prefix.ends_with('/') {
            true => next.add_technology(name, lend(prefix)),
            false => next.add_provider(name, lend(prefix)),
        });
    }
    for prefix in presentities.iter().filter(|prefix| prefix.ends_with(':')) {
        guards.push(next.add_presence_provider(&prefix[..prefix.len() - 1], lend(prefix)));
    }
    guards
}

/// `Custom:` of `Custom:lamp`, `PJSIP/` of `PJSIP/alice`; empty for a name without either.
fn prefix(device: &str) -> String {
    let end = device.find('/').or_else(|| device.find(':'));
    end.map_or_else(String::new, |end| device[..=end].to_owned())
}

fn looks_alike(before: &ExtensionSnapshot, after: &ExtensionSnapshot) -> bool {
    before.state == after.state && before.presence() == after.presence()
}

fn shown(snapshot: &ExtensionSnapshot) -> String {
    format!("{}/{}", snapshot.state.text(), snapshot.presence().state)
}

fn line(text: &mut String, what: &str, hint: &Hint, effect: &str) {
    let _ = writeln!(text, "{what:<8} {:<30} {effect}", hint.key());
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Custom;

    impl DeviceProvider for Custom {
        fn state(&self, rest: &str) -> DeviceState {
            if rest == "busy" { DeviceState::Busy } else { DeviceState::NotInUse }
        }
    }

    fn dialplan(text: &str) -> Dialplan {
        let file = conf::Loader::new(".").parse("extensions.conf", text).unwrap();
        Dialplan::parse(&file).0
    }

    #[test]
    fn autohints_stay() {
        let live = Hints::new();
        let text = "[default]\nautohints = yes\n";
        live.replace(dialplan(text));
        live.set_device_state("PJSIP/7", &SourceId::new("PJSIP"), DeviceState::Busy, None);
        assert!(preview(&live, dialplan(text)).starts_with("0 hint(s) added, 0 removed, 0 changed;"));
        assert!(preview(&live, dialplan("[default]\n")).starts_with("removed  7@default"));
    }

    #[test]
    fn every_kind_of_change_is_told_and_nothing_happens() {
        let live = Hints::new();
        let _custom = live.add_provider("Custom", Arc::new(Custom));
        let old = "[default]\nexten => 1,hint,Custom:a\nexten => 2,hint,Custom:a\nexten => 3,hint,Custom:a\n\
                   exten => 4,hint,Custom:a\nexten => _2X,hint,Custom:p${EXTEN}\n";
        live.replace(dialplan(old));
        live.find("default", "2").unwrap().add_watcher();
        live.find("default", "3").unwrap().add_watcher();
        live.find("default", "27").unwrap();
        let new = "[default]\nexten => 1,hint,Custom:a\nexten => 2,hint,Custom:busy\nexten => 4,hint,Custom:b\n\
                   exten => 5,hint,Custom:a\nexten => _2X,hint,Custom:p${EXTEN}\n";
        let text = preview(&live, dialplan(new));
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(
            lines[0].join(" "),
            "changed 2@default Custom:a -> Custom:busy; Idle/not_set -> Busy/not_set on 1 lamp(s)"
        );
        assert_eq!(lines[1].join(" "), "removed 3@default ends 1 subscription(s)");
        assert_eq!(lines[2].join(" "), "changed 4@default Custom:a -> Custom:b; no lamp changes");
        assert_eq!(lines[3].join(" "), "added 5@default Custom:a");
        assert!(text.ends_with("1 hint(s) added, 1 removed, 2 changed; 2 lamp(s) would change or end. Nothing has been changed.\n"), "{text}");
        assert!(live.get("3@default").is_some());
    }
}
