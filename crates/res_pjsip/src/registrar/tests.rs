//! REGISTER as a phone sees it.

use store::Store;

use crate::desk::{Desk, header, headers, stall};

const OFFICE: &str = "
[phone](!)
type=endpoint
[alice](phone)
aors=office,alice
[alice]
type=aor
max_contacts=2
[office]
type=aor
max_contacts=1
[closed](phone)
aors=closed
[closed]
type=aor
[homeless](phone)
[pathway](phone)
aors=pathway
[pathway]
type=aor
max_contacts=1
support_path=yes
[behind](phone)
aors=behind
rewrite_contact=yes
[behind]
type=aor
max_contacts=2
[inside](phone)
aors=inside
contact_deny=0.0.0.0/0
contact_permit=10.0.0.0/8
[inside]
type=aor
max_contacts=1
[example.net]
type=domain_alias
domain=pbx
";

fn status(answer: &str) -> u16 {
    answer[8..11].parse().unwrap()
}

#[test]
fn a_phone_registers_asks_and_leaves() {
    let mut desk = Desk::new(OFFICE);
    let answer = desk.answer("alice", "Contact: \"A\" <sip:alice@10.0.0.7:5062>;q=0.5\r\nExpires: 600\r\n");
    assert_eq!(status(&answer), 200);
    let names: Vec<_> = answer.lines().skip(1).filter_map(|line| line.split(':').next()).collect();
    let expected = [
        "Via",
        "Call-ID",
        "From",
        "To",
        "CSeq",
        "Date",
        "Contact",
        "Expires",
        "Server",
        "Content-Length",
        "",
    ];
    assert_eq!(names, expected);
    assert_eq!(header(&answer, "Contact"), Some("<sip:alice@10.0.0.7:5062>;expires=600"));
    assert_eq!(header(&answer, "Expires"), Some("600"));
    assert_eq!(header(&answer, "Date"), Some("Tue, 14 Nov 2023 22:13:20 GMT"));
    assert_eq!(desk.contacts("alice"), [("sip:alice@10.0.0.7:5062".to_owned(), "NonQual")]);

    desk.pass(1500, |_, _, text| panic!("{text}"));
    let answer = desk.answer("alice", "");
    assert_eq!(headers(&answer, "Contact"), ["<sip:alice@10.0.0.7:5062>;expires=599"]);
    assert_eq!(header(&answer, "Expires"), None);

    let answer = desk.answer("alice", "Contact: *\r\nExpires: 0\r\n");
    assert_eq!((status(&answer), header(&answer, "Contact")), (200, None));
    assert!(desk.contacts("alice").is_empty());
}

#[test]
fn several_contacts_have_their_own_times() {
    let mut desk = Desk::new(OFFICE);
    let contacts = "Contact: <sip:a@10.0.0.1>;expires=100, <sip:b@10.0.0.2>\r\nExpires: 5\r\n";
    let answer = desk.answer("alice", contacts);
    assert_eq!(
        headers(&answer, "Contact"),
        ["<sip:a@10.0.0.1>;expires=100", "<sip:b@10.0.0.2>;expires=60"],
        "no shorter than minimum_expiration"
    );
    assert_eq!(header(&answer, "Expires"), Some("60"));
}

#[test]
fn a_contact_that_is_not_refreshed_ends_to_the_second() {
    let mut desk = Desk::new(OFFICE);
    desk.answer("alice", "Contact: <sip:a@10.0.0.1>\r\nExpires: 60\r\n");
    desk.pass(30_000, |_, _, _| {});
    desk.answer("alice", "Contact: <sip:a@10.0.0.1>\r\nExpires: 60\r\n");
    desk.pass(59_000, |_, _, _| {});
    assert_eq!(desk.contacts("alice").len(), 1);
    desk.pass(1_010, |_, _, _| {});
    assert!(desk.contacts("alice").is_empty());
}

#[test]
fn who_may_not_register_is_told_why() {
    let mut desk = Desk::new(OFFICE);
    let contact = "Contact: <sip:a@192.0.2.1>\r\n";
    for (user, headers, expected) in [
        ("homeless", contact, 403),
        ("closed", contact, 403),
        ("nobody", contact, 401),
        ("inside", contact, 401),
        ("inside", "Contact: <sip:a@phone.example>\r\n", 401),
        ("inside", "Contact: <sip:a@10.0.0.1>\r\n", 200),
        ("alice", "Contact: *\r\n", 400),
        ("alice", "Contact: *\r\nExpires: 60\r\n", 400),
        ("alice", "Contact: *, <sip:a@192.0.2.1>\r\nExpires: 0\r\n", 400),
        ("alice", "Contact: <mailto:a@192.0.2.1>\r\n", 416),
        ("alice", "Contact: <sip:a@1>, <sip:b@2>, <sip:c@3>\r\n", 403),
        ("alice", &format!("Contact: <sip:{}@192.0.2.1>\r\n", "x".repeat(500)), 400),
        ("alice", "Contact: <sip:a@192.0.2.1>\r\nExpires: soon\r\n", 400),
        ("alice", "Require: path\r\n", 200),
        ("alice", "Require: gruu\r\n", 420),
    ] {
        assert_eq!(status(&desk.answer(user, headers)), expected, "{user} {headers}");
    }
    assert!(desk.contacts("alice").is_empty());
}

#[test]
fn the_aor_is_that_of_to_among_the_endpoints_own() {
    let mut desk =
        Desk::new(&format!("{OFFICE}[multi](phone)\naors=x@pbx\n[x@pbx]\ntype=aor\nmax_contacts=1\n"));
    let register = |desk: &mut Desk, endpoint: &str, to: &str, n: u32| {
        let packet = format!(
            "REGISTER sip:pbx SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.7;rport;branch=z9hG4bKq{n}\r\n\
             From: <sip:{endpoint}@pbx>;tag=f{n}\r\nTo: <sip:{to}>\r\nCall-ID: q{n}\r\nCSeq: 1 REGISTER\r\n\
             Contact: <sip:a@10.0.0.{n}>\r\nContent-Length: 0\r\n\r\n"
        );
        status(&desk.feed("192.0.2.1:5060", &packet)[0].1)
    };
    assert_eq!(register(&mut desk, "alice", "office@pbx", 1), 200);
    assert_eq!(desk.contacts("office").len(), 1);
    assert_eq!(register(&mut desk, "alice", "closed@pbx", 2), 404);
    assert_eq!(register(&mut desk, "multi", "x@pbx", 3), 200);
    assert_eq!(register(&mut desk, "multi", "x@example.net", 3), 200);
    assert_eq!(register(&mut desk, "multi", "x@elsewhere", 4), 404);
    assert_eq!(desk.contacts("x@pbx").len(), 1);
}

#[test]
fn path_is_kept_and_told() {
    let mut desk = Desk::new(OFFICE);
    let contact = "Contact: <sip:a@10.0.0.1>\r\nPath: <sip:p1;lr>, <sip:p2;lr>\r\nPath: <sip:p3;lr>\r\n";
    assert_eq!(status(&desk.answer("pathway", contact)), 420);
    let answer = desk.answer("pathway", &format!("{contact}Supported: path, gruu\r\n"));
    assert_eq!(header(&answer, "Path"), Some("<sip:p1;lr>, <sip:p2;lr>, <sip:p3;lr>"));
    assert_eq!(header(&answer, "Supported"), Some("path"));
    assert_eq!(
        &*desk.location.contacts_of("pathway")[0].contact.path,
        "<sip:p1;lr>, <sip:p2;lr>, <sip:p3;lr>"
    );
    // An AOR without support_path does not look at it.
    let answer = desk.answer("alice", contact);
    assert_eq!((status(&answer), header(&answer, "Path")), (200, None));
}

#[test]
fn a_phone_behind_nat_is_reached_where_it_is_and_sees_its_own_address() {
    let mut desk = Desk::new(OFFICE);
    for contact in ["<sip:a@10.0.0.7:5062;ob>;expires=60", "sip:a@10.0.0.7:5062;expires=60"] {
        let answer = desk.answer("behind", &format!("Contact: {contact}\r\n"));
        assert_eq!(status(&answer), 200);
        assert!(header(&answer, "Contact").unwrap().starts_with("<sip:a@10.0.0.7:5062"), "{answer}");
    }
    let uris: Vec<_> = desk.contacts("behind").into_iter().map(|(uri, _)| uri).collect();
    assert_eq!(uris, ["sip:a@192.0.2.1:40000;ob;x-ast-orig-host=10.0.0.7:5062"]);
    let answer = desk.answer("behind", "Contact: <sip:a@10.0.0.7:5062>\r\nExpires: 0\r\n");
    assert_eq!((status(&answer), header(&answer, "Contact")), (200, None), "it ends by its own address too");
    // Whoever is not behind NAT keeps what it says, forged parameters too.
    desk.answer("alice", "Contact: <sip:a@10.0.0.7:5062>\r\n");
    assert_eq!(desk.contacts("alice")[0].0, "sip:a@10.0.0.7:5062");
}

#[test]
fn the_answer_waits_for_the_store_and_copies_meanwhile_are_ignored() {
    let store = Store::memory().unwrap();
    let mut desk = Desk::with_store(OFFICE, Some(&store));
    let go_on = stall(&store);
    let contact = "Contact: <sip:a@10.0.0.1>\r\n";
    assert!(desk.register("192.0.2.1:40000", "alice", contact).is_empty());
    assert_eq!(desk.contacts("alice").len(), 1);
    drop(go_on);
    let sent = desk.wait();
    assert_eq!((sent.len(), sent[0].0, status(&sent[0].1)), (1, "192.0.2.1:40000".parse().unwrap(), 200));
    assert_eq!(store.family("registrar").len(), 1);
}

#[test]
fn a_full_disk_queue_is_told_with_a_time_to_try_again() {
    let store = Store::memory().unwrap();
    let mut desk = Desk::with_store(OFFICE, Some(&store));
    let go_on = stall(&store);
    let huge = store.put("a", "huge", &"x".repeat(store::QUEUE_LIMIT));
    let answer = desk.answer("alice", "Contact: <sip:a@10.0.0.1>\r\n");
    assert_eq!((status(&answer), header(&answer, "Retry-After")), (503, Some("10")));
    assert!(desk.contacts("alice").is_empty());
    drop(go_on);
    huge.wait().unwrap();
}
