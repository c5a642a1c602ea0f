//! Contacts in memory and in the store.

use std::sync::Mutex;
use std::sync::mpsc;

use super::*;
use crate::config::tests::parse;

const ALICE: &str = "/registrar/contact/alice;@ce458f35fb7cce96104aef88b44ae4ff";
const VALUE: &str = r#"{"uri":"sip:alice@127.0.0.1:42596","endpoint":"alice","prune_on_boot":"no","expiration_time":"99999999999"}"#;

fn put(store: &Store, key: &str, value: &str) {
    let (family, key) = key.trim_start_matches('/').split_once('/').unwrap();
    store.put(family, key, value).wait().unwrap();
}

fn config(text: &str) -> PjsipConfig {
    let (config, remarks) = parse(text);
    assert_eq!(remarks, Vec::<String>::new());
    config
}

fn uris(location: &Location, aor: &str) -> Vec<String> {
    location.contacts_of(aor).iter().map(|it| it.contact.uri.to_string()).collect()
}

fn contact(location: &Location, user: &str) -> Contact {
    let uri = format!("sip:{user}@192.0.2.1");
    let (config, _) = parse("[alice]\ntype=aor\nmax_contacts=9");
    let permanent = Contact::permanent(&config.aors["alice"], &uri);
    Contact {
        id: Contact::id_of("alice", &uri),
        expires_at: Some(location.now() + 3600),
        endpoint: "alice".into(),
        ..permanent
    }
}

fn add(location: &Arc<Location>, contact: Contact) -> Result<(), WriteError> {
    let (done, stored) = mpsc::channel();
    let changes = Changes { added: vec![contact], ..Changes::default() };
    let plan = |_: &[Binding]| Ok::<_, ()>(changes);
    location.register(&"alice".into(), plan, move |result| done.send(result).unwrap()).unwrap();
    stored.recv().unwrap()
}

#[test]
fn contacts_of_an_asterisk_are_there_and_dead_ones_are_cleared_away() {
    let store = Store::memory().unwrap();
    put(&store, ALICE, VALUE);
    put(&store, "/registrar/contact/old;@1", &VALUE.replace("99999999999", "5"));
    put(
        &store,
        "/registrar/contact/tcp;@2",
        &VALUE.replace(r#""prune_on_boot":"no""#, r#""prune_on_boot":"yes""#),
    );
    put(&store, "/registrar/contact/bad;@3", "{");
    put(&store, "/registrar/other", "x");
    let location = Location::open(&store);
    assert_eq!(uris(&location, "alice"), ["sip:alice@127.0.0.1:42596"]);
    assert_eq!(location.contacts().len(), 1);
    let keys: Vec<_> = store.family("registrar").into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, [&ALICE["/registrar/".len()..], "contact/bad;@3", "other"]);
}

#[test]
fn what_is_registered_is_in_the_store_when_it_is_said_to_be() {
    let store = Store::memory().unwrap();
    let location = Location::open(&store);
    let contact = contact(&location, "x");
    add(&location, contact.clone()).unwrap();
    assert_eq!(Location::open(&store).contacts_of("alice")[0].contact.uri, contact.uri);
    location.remove("alice", &contact.id, Removal::Expiration);
    assert!(store.family("registrar").is_empty());
    assert!(location.aors().is_empty());
}

#[test]
fn permanent_contacts_follow_the_configuration_and_are_not_stored() {
    let store = Store::memory().unwrap();
    put(&store, ALICE, VALUE);
    let location = Location::open(&store);
    location.configure(&config(
        "[alice]\ntype=aor\ncontact=sip:a@192.0.2.1,sip:b@192.0.2.1\nqualify_frequency=60",
    ));
    assert_eq!(uris(&location, "alice").len(), 3);
    assert!(!location.is_available("alice"), "all are asked now, and none has answered");
    location.configure(&config("[alice]\ntype=aor\ncontact=sip:b@192.0.2.1"));
    assert_eq!(uris(&location, "alice"), ["sip:alice@127.0.0.1:42596", "sip:b@192.0.2.1"]);
    assert!(location.is_available("alice"), "nobody is asked any more");
    location.configure(&config(""));
    assert_eq!(uris(&location, "alice"), ["sip:alice@127.0.0.1:42596"]);
    assert_eq!(store.family("registrar").len(), 1);
}

#[test]
fn everyone_who_listens_hears_of_every_change_until_the_guard_goes() {
    let location = Location::memory(Arc::new(|| Duration::from_secs(1000)));
    let heard: Arc<Mutex<Vec<ContactChange>>> = Arc::default();
    let hears = heard.clone();
    let guard = location.listen(Box::new(move |event| hears.lock().unwrap().push(event.change)));
    let contact = contact(&location, "x");
    add(&location, contact.clone()).unwrap();
    let binding = location.contact("alice", &contact.id).unwrap();
    location.set_status(&binding, ContactStatus::Reachable, None);
    location.set_status(&binding, ContactStatus::Reachable, Some(Duration::from_millis(1)));
    location.remove("alice", &contact.id, Removal::Expiration);
    location.remove("alice", &contact.id, Removal::Expiration);
    let expected = [ContactChange::Added, ContactChange::Status, ContactChange::Removed(Removal::Expiration)];
    assert_eq!(*heard.lock().unwrap(), expected);
    drop(guard);
    add(&location, contact).unwrap();
    assert_eq!(heard.lock().unwrap().len(), 3);
}

#[test]
fn a_registration_that_cannot_be_stored_is_taken_back() {
    let store = Store::memory().unwrap();
    let location = Location::open(&store);
    // The disk stands still, and its queue is full.
    let go_on = crate::desk::stall(&store);
    let huge = store.put("a", "huge", &"x".repeat(store::QUEUE_LIMIT));
    assert_eq!(add(&location, contact(&location, "x")), Err(WriteError::QueueFull));
    assert!(location.contacts_of("alice").is_empty());
    drop(go_on);
    huge.wait().unwrap();
    add(&location, contact(&location, "y")).unwrap();
    assert_eq!(uris(&location, "alice"), ["sip:y@192.0.2.1"]);
}
