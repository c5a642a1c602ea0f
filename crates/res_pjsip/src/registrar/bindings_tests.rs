//! RFC 3261 10.3 and each option of `type=aor`, one REGISTER after the other.

use super::bindings::{Refused, Registration, Wanted, Wish, register};
use crate::config::tests::parse;
use crate::config::{Aor, PjsipConfig};
use crate::location::{Binding, Changes, Contact, ContactStatus, Removal};

/// The contacts of an AOR, and what REGISTERs make of them.
struct Bound {
    aor: Aor,
    all: Vec<Binding>,
    now: u64,
    cseq: u32,
}

impl Bound {
    fn new(options: &str) -> Self {
        let (config, remarks): (PjsipConfig, _) = parse(&format!("[a]\ntype=aor\n{options}"));
        assert_eq!(remarks, Vec::<String>::new());
        let aor = Aor::clone(&config.aors["a"]);
        let permanent = aor.contacts.iter().map(|uri| Binding::new(Contact::permanent(&aor, uri)));
        let all = permanent.collect();
        Self { aor, all, now: 1000, cseq: 0 }
    }

    fn registration(&mut self, wish: Wish) -> Registration {
        self.cseq += 1;
        Registration {
            wish,
            path: String::new(),
            user_agent: None,
            via_addr: "192.0.2.1".into(),
            via_port: 5060,
            call_id: "c".into(),
            cseq: self.cseq,
            endpoint: "a".into(),
            reg_server: String::new(),
            flow: None,
            now: self.now,
        }
    }

    fn try_register(&mut self, registration: &Registration) -> Result<Changes, Refused> {
        let changes = register(&self.aor, &self.all, registration)?;
        self.all.retain(|it| !changes.removed.iter().any(|(id, _)| *id == it.contact.id));
        for contact in &changes.refreshed {
            let known = self.all.iter_mut().find(|it| it.contact.id == contact.id).unwrap();
            *known = known.with(contact.clone());
        }
        self.all.extend(changes.added.iter().cloned().map(Binding::new));
        Ok(changes)
    }

    /// Users and seconds; 0 ends a contact.
    fn register(&mut self, contacts: &[(&str, u32)]) -> Result<Changes, Refused> {
        let wanted = contacts
            .iter()
            .map(|(user, seconds)| Wanted { uri: format!("sip:{user}@192.0.2.1"), lifetime: Some(*seconds) });
        let registration = self.registration(Wish::Contacts(wanted.collect()));
        self.try_register(&registration)
    }

    /// Users and seconds left.
    fn left(&self) -> Vec<(String, u64)> {
        let mut left: Vec<_> = self
            .all
            .iter()
            .map(|it| {
                let user = it.contact.uri[4..].split('@').next().unwrap();
                (user.to_owned(), it.contact.expires_at.map_or(0, |end| end - self.now))
            })
            .collect();
        left.sort();
        left
    }

    fn users(&self) -> Vec<String> {
        self.left().into_iter().map(|(user, _)| user).collect()
    }

    fn silent(&self, user: &str) {
        let binding = self.all.iter().find(|it| it.contact.uri.contains(&format!(":{user}@"))).unwrap();
        binding.set_status(ContactStatus::Unreachable, None);
    }
}

fn owned(pairs: &[(&str, u64)]) -> Vec<(String, u64)> {
    pairs.iter().map(|(user, left)| ((*user).to_owned(), *left)).collect()
}

#[test]
fn contacts_come_are_refreshed_and_go() {
    let mut bound = Bound::new("max_contacts=2");
    bound.register(&[("x", 600), ("y", 700)]).unwrap();
    assert_eq!(bound.left(), owned(&[("x", 600), ("y", 700)]));
    bound.now += 100;
    let changes = bound.register(&[("x", 300)]).unwrap();
    assert_eq!((changes.added.len(), changes.refreshed.len(), changes.removed.len()), (0, 1, 0));
    assert_eq!(bound.left(), owned(&[("x", 300), ("y", 600)]));
    bound.register(&[("x", 0)]).unwrap();
    assert_eq!(bound.users(), ["y"]);
    // Nothing to remove is no error.
    assert_eq!(bound.register(&[("z", 0)]), Ok(Changes::default()));
    let query = bound.registration(Wish::Query);
    assert_eq!(bound.try_register(&query), Ok(Changes::default()));
}

#[test]
fn a_star_ends_all_but_the_permanent_ones() {
    let mut bound = Bound::new("max_contacts=2\ncontact=sip:p@192.0.2.9");
    bound.register(&[("x", 600), ("y", 600)]).unwrap();
    let all = bound.registration(Wish::RemoveAll);
    let changes = bound.try_register(&all).unwrap();
    assert_eq!(changes.removed.iter().map(|(_, why)| *why).collect::<Vec<_>>(), [Removal::Request; 2]);
    assert_eq!(bound.users(), ["p"]);
}

#[test]
fn lifetimes_are_clamped() {
    let mut bound =
        Bound::new("max_contacts=9\nminimum_expiration=60\nmaximum_expiration=900\ndefault_expiration=120");
    bound.register(&[("short", 1), ("long", u32::MAX), ("fine", 61)]).unwrap();
    let wanted = Wanted { uri: "sip:any@192.0.2.1".into(), lifetime: None };
    let any = bound.registration(Wish::Contacts(vec![wanted]));
    bound.try_register(&any).unwrap();
    assert_eq!(bound.left(), owned(&[("any", 120), ("fine", 61), ("long", 900), ("short", 60)]));
}

#[test]
fn uris_are_compared_by_the_rules_of_the_rfc() {
    let mut bound = Bound::new("max_contacts=1");
    for uri in ["sip:x@PBX.example;ob", "sip:%78@pbx.EXAMPLE", "sip:x@pbx.example;other"] {
        let wanted = Wanted { uri: uri.into(), lifetime: Some(600) };
        let registration = bound.registration(Wish::Contacts(vec![wanted]));
        bound.try_register(&registration).unwrap();
    }
    assert_eq!(&*bound.all[0].contact.uri, "sip:x@PBX.example;ob");
    let other = Wanted { uri: "sip:x@pbx.example:5060".into(), lifetime: Some(600) };
    let registration = bound.registration(Wish::Contacts(vec![other]));
    assert!(bound.try_register(&registration).is_err(), "an explicit port is another URI");
}

#[test]
fn one_register_may_name_an_address_twice() {
    let mut bound = Bound::new("max_contacts=1");
    bound.register(&[("x", 600), ("x", 700)]).unwrap();
    assert_eq!(bound.left(), owned(&[("x", 700)]));
    bound.register(&[("x", 0), ("x", 800)]).unwrap();
    assert_eq!(bound.left(), owned(&[("x", 800)]));
    bound.register(&[("x", 900), ("x", 0)]).unwrap();
    assert_eq!(bound.left(), []);
    assert_eq!(bound.register(&[("x", 900), ("x", 0)]), Ok(Changes::default()));
}

#[test]
fn too_many_are_refused_and_change_nothing() {
    let mut bound = Bound::new("max_contacts=1\ncontact=sip:p@192.0.2.9");
    bound.register(&[("x", 600)]).unwrap();
    assert_eq!(bound.register(&[("y", 600)]), Err(Refused::TooMany { wanted: 2, max: 1 }));
    assert_eq!(bound.users(), ["p", "x"]);
    bound.register(&[("x", 0), ("y", 600)]).unwrap();
    assert_eq!(bound.users(), ["p", "y"]);
}

#[test]
fn what_has_expired_does_not_count() {
    let mut bound = Bound::new("max_contacts=1");
    bound.register(&[("x", 600)]).unwrap();
    bound.now += 600;
    assert_eq!(bound.register(&[("y", 600)]).unwrap().added.len(), 1);
}

#[test]
fn remove_existing_lets_the_newest_in() {
    let mut bound = Bound::new("max_contacts=2\nremove_existing=yes");
    bound.register(&[("x", 900), ("y", 600)]).unwrap();
    let changes = bound.register(&[("z", 700)]).unwrap();
    assert_eq!(changes.removed[0].1, Removal::RemoveExisting);
    assert_eq!(bound.users(), ["x", "z"], "the one that would have ended first is gone");
    // Not more than may be there at all, and nothing is lost by asking.
    assert!(bound.register(&[("a", 600), ("b", 600), ("c", 600)]).is_err());
    assert_eq!(bound.users(), ["x", "z"]);
    bound.register(&[("a", 600), ("x", 600)]).unwrap();
    assert_eq!(bound.users(), ["a", "x"], "what the request itself names stays");
}

#[test]
fn remove_unavailable_lets_silent_ones_make_room() {
    let options = "max_contacts=2\nremove_unavailable=yes\nqualify_frequency=60";
    let mut bound = Bound::new(options);
    bound.register(&[("x", 900), ("y", 600)]).unwrap();
    assert!(bound.register(&[("z", 700)]).is_err(), "nobody is silent");
    bound.silent("x");
    let changes = bound.register(&[("z", 700)]).unwrap();
    assert_eq!(changes.removed[0].1, Removal::RemoveUnavailable);
    assert_eq!(bound.users(), ["y", "z"]);
    bound.silent("y");
    assert!(bound.register(&[("a", 700), ("b", 700)]).is_err(), "one silent one is not enough for two");
    assert_eq!(bound.users(), ["y", "z"]);
}

#[test]
fn with_both_the_silent_ones_go_first() {
    let mut bound =
        Bound::new("max_contacts=2\nremove_unavailable=yes\nremove_existing=yes\nqualify_frequency=60");
    bound.register(&[("x", 900), ("y", 600)]).unwrap();
    bound.silent("x");
    bound.register(&[("z", 700)]).unwrap();
    assert_eq!(bound.users(), ["y", "z"]);
    bound.register(&[("a", 700)]).unwrap();
    assert_eq!(bound.users(), ["a", "z"]);
}

#[test]
fn a_register_that_was_overtaken_changes_nothing() {
    let mut bound = Bound::new("max_contacts=1");
    bound.register(&[("x", 600)]).unwrap();
    bound.register(&[("x", 0)]).unwrap();
    bound.register(&[("x", 600)]).unwrap();
    bound.cseq = 1;
    assert_eq!(bound.register(&[("x", 0)]), Err(Refused::OutOfOrder { cseq: 2, known: 3 }));
    bound.cseq = 1;
    let mut restarted = bound.registration(Wish::RemoveAll);
    assert!(bound.try_register(&restarted).is_err());
    restarted.call_id = "another".into();
    assert!(bound.try_register(&restarted).is_ok(), "a restarted phone has another Call-ID");
}

#[test]
fn a_refresh_takes_over_everything_but_a_user_agent_that_is_not_there() {
    let mut bound = Bound::new("max_contacts=1\nsupport_path=yes");
    let wanted = || Wish::Contacts(vec![Wanted { uri: "sip:x@192.0.2.1".into(), lifetime: Some(600) }]);
    let first = Registration {
        path: "<sip:p;lr>".into(),
        user_agent: Some("Phone".into()),
        ..bound.registration(wanted())
    };
    bound.try_register(&first).unwrap();
    let second = Registration { via_port: 7, call_id: "d".into(), cseq: 1, ..bound.registration(wanted()) };
    bound.try_register(&second).unwrap();
    let contact = &bound.all[0].contact;
    assert_eq!((&*contact.path, &*contact.user_agent, contact.via_port), ("", "Phone", 7));
    assert_eq!((&*contact.call_id, contact.cseq), ("d", Some(1)));
}
