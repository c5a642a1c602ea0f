//! The truth table of access control lists.

use std::net::IpAddr;

use super::{Acl, AclRule, Rule};
use crate::config::Network;

/// A list of `permit …` and `deny …` lines.
fn acl(lines: &[&str]) -> Acl {
    let rules = lines.iter().map(|line| {
        let (option, network) = line.split_once(' ').expect("option and network");
        Rule::parse(network).expect(network).for_line(option == "permit")
    });
    Acl::new(rules.collect::<Vec<AclRule>>())
}

fn allows(lines: &[&str], address: &str) -> bool {
    acl(lines).allows(address.parse().expect(address))
}

#[test]
fn the_last_rule_that_contains_the_address_decides() {
    let table: &[(&[&str], &str, bool)] = &[
        (&[], "10.0.0.1", true),
        (&["permit 10.0.0.0/8"], "10.0.0.1", true),
        (&["permit 10.0.0.0/8"], "192.0.2.1", true),
        (&["deny 10.0.0.0/8"], "10.0.0.1", false),
        (&["deny 10.0.0.0/8"], "192.0.2.1", true),
        (&["deny 0.0.0.0/0", "permit 10.0.0.0/8"], "10.0.0.1", true),
        (&["deny 0.0.0.0/0", "permit 10.0.0.0/8"], "192.0.2.1", false),
        (&["permit 10.0.0.0/8", "deny 0.0.0.0/0"], "10.0.0.1", false),
        (&["deny 0.0.0.0/0", "permit 10.0.0.0/8", "deny 10.1.0.0/16"], "10.1.0.1", false),
        (&["deny 0.0.0.0/0", "permit 10.0.0.0/255.0.0.0"], "10.1.0.1", true),
        // `!` turns a line round.
        (&["permit !10.0.0.0/8"], "10.0.0.1", false),
        (&["deny !10.0.0.0/8"], "10.0.0.1", true),
        (&["deny 0.0.0.0/0", "deny !10.0.0.0/8"], "10.0.0.1", true),
        // A rule of one family says nothing about the other, but mapped IPv4 is IPv4.
        (&["deny 0.0.0.0/0"], "2001:db8::1", true),
        (&["deny ::/0"], "10.0.0.1", true),
        (&["deny ::/0"], "2001:db8::1", false),
        (&["deny 10.0.0.0/8"], "::ffff:10.0.0.1", false),
        (&["deny ::ffff:10.0.0.0/104"], "10.0.0.1", false),
        (&["deny 2001:db8::/ffff:ffff::"], "2001:db8::1", false),
    ];
    for (lines, address, expected) in table {
        assert_eq!(allows(lines, address), *expected, "{lines:?} {address}");
    }
}

#[test]
fn an_address_must_pass_every_list() {
    let mut both = acl(&["deny 10.0.0.0/8"]);
    both.push(&acl(&["deny 192.0.2.0/24"]));
    let allows = |address: [u8; 4]| both.allows(IpAddr::from(address));
    assert!(!allows([10, 0, 0, 1]) && !allows([192, 0, 2, 1]) && allows([198, 51, 100, 1]));
    both.push(&Acl::deny_all());
    assert!(!both.allows(IpAddr::from([198, 51, 100, 1])));
}

#[test]
fn networks_are_read_and_written() {
    for (text, shown, with_mask) in [
        ("10.1.2.3", "10.1.2.3/32", "10.1.2.3/255.255.255.255"),
        ("10.1.2.3/0", "0.0.0.0/0", "0.0.0.0/0.0.0.0"),
        ("10.1.2.3 / 255.255.254.0", "10.1.2.0/23", "10.1.2.0/255.255.254.0"),
        ("[2001:db8::1]/32", "2001:db8::/32", "2001:db8::/ffff:ffff::"),
        ("::/0", "::/0", "::/::"),
    ] {
        let network = Network::parse(text).expect(text);
        assert_eq!((network.to_string(), network.with_mask()), (shown.into(), with_mask.into()));
    }
    for text in ["", "10.1", "10.0.0.0/255.0.255.0", "10.0.0.0/-1", "::/129", "10.0.0.0/::", "a/8"] {
        assert!(Network::parse(text).is_err(), "{text}");
    }
}
