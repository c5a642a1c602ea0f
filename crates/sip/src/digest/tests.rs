#![allow(clippy::unwrap_used, reason = "helpers of tests; a panic here is a failed test")]

use proptest::prelude::*;

use super::*;

/// The examples of RFC 7616 section 3.9.1, whose method is GET.
#[test]
fn the_examples_of_rfc_7616() {
    for (algorithm, response) in [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ] {
        let header = format!(
            "Digest username=\"Mufasa\",\r\n realm=\"http-auth@example.org\",\r\n uri=\"/dir/index.html\",\
             algorithm={algorithm}, nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", nc=00000001,\
             cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", qop=auth, response=\"{response}\",\
             opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\", x-future=1"
        );
        let credentials = Credentials::parse(header.as_bytes()).unwrap();
        let mut hashes = Hashes::default();
        let algorithm = Algorithm::parse(algorithm).unwrap();
        let ha1 = hashes.ha1(algorithm, "Mufasa", "http-auth@example.org", "Circle of Life");
        assert!(hashes.response(algorithm, &ha1, "GET", &credentials).equals(response.as_bytes()));
        assert_eq!(hashes.computed(), 3);
    }
}

/// `printf a:b:c | openssl dgst -sha512-256`: another start value than SHA-512's.
#[test]
fn sha_512_256_is_not_sha_512_cut_short() {
    let hash = Hashes::default().ha1(Algorithm::Sha512_256, "a", "b", "c");
    assert_eq!(hash.as_str(), "8eb13a416df8d7c256bb1b2fdc7824b9ab088eba9459502ef1de3d73c9dd7901");
}

/// The example of RFC 2617 section 3.5, and of RFC 2069 without qop.
#[test]
fn credentials_without_qop_are_those_of_rfc_2069() {
    let header = "Digest username=\"Mufasa\", realm=\"testrealm@host.com\", uri=\"/dir/index.html\", \
                  nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", response=\"670fd8c2df070c60b045671b8b24ff02\"";
    let credentials = Credentials::parse(header.as_bytes()).unwrap();
    assert_eq!((credentials.algorithm, &credentials.qop), (Algorithm::Md5, &None));
    let mut hashes = Hashes::default();
    let ha1 = hashes.ha1(Algorithm::Md5, "Mufasa", "testrealm@host.com", "Circle Of Life");
    assert!(hashes.response(Algorithm::Md5, &ha1, "GET", &credentials).equals(&credentials.response));
}

#[test]
fn quoted_pairs_and_blanks_are_read_as_meant() {
    let header = br#" digest  USERNAME = "a\"b\\c,d" , realm="r" ,, nonce=n,uri="sip:x",response="00",qop="auth",nc=0000000a,cnonce="""#;
    let credentials = Credentials::parse(header).unwrap();
    assert_eq!(credentials.username, r#"a"b\c,d"#);
    assert_eq!(credentials.qop.unwrap().count, 10);
}

#[test]
fn what_cannot_be_checked_is_refused() {
    let good = "Digest username=\"a\", realm=\"r\", nonce=\"n\", uri=\"u\", response=\"00\", cnonce=\"c\", \
                nc=00000001, qop=auth, algorithm=MD5";
    assert!(Credentials::parse(good.as_bytes()).is_ok());
    for (from, to) in [
        ("Digest", "Basic"),
        ("Digest username", "Digest, username"),
        ("username=\"a\", ", ""),
        ("realm=\"r\", ", "realm, "),
        ("nonce=\"n\", ", ""),
        ("uri=\"u\"", "uri=\"u"),
        ("response=\"00\", ", ""),
        ("nc=00000001", "nc=1"),
        ("nc=00000001", "nc=00000000"),
        ("nc=00000001", "nc=0000000x"),
        ("nc=00000001", "nc=+0000001"),
        ("cnonce=\"c\", ", ""),
        ("qop=auth", "qop=auth-int"),
        ("algorithm=MD5", "algorithm=MD5-sess"),
        ("algorithm=MD5", "algorithm="),
        ("algorithm=MD5", "realm=\"other\""),
        ("algorithm=MD5", "=MD5"),
        ("\"a\", realm", "\"a\" realm"),
    ] {
        let bad = good.replace(from, to);
        assert_ne!(bad, good, "{from}");
        assert!(Credentials::parse(bad.as_bytes()).is_err(), "{bad}");
    }
    assert!(Credentials::parse(b"Digest username=\"\xff\"").is_err());
}

#[test]
fn a_challenge_is_written_in_asterisks_order() {
    let mut challenge = Challenge::new("asterisk", "17/ab", "0011223344556677", Algorithm::Md5);
    assert_eq!(
        challenge.to_string(),
        "Digest realm=\"asterisk\",nonce=\"17/ab\",opaque=\"0011223344556677\",algorithm=MD5,qop=\"auth\""
    );
    challenge.stale = true;
    challenge.realm = r#"a "b" \c"#.into();
    let text = challenge.to_string();
    assert!(text.contains(r#"realm="a \"b\" \\c","#) && text.contains(",stale=true,"), "{text}");
    assert_eq!(Challenge::parse(text.as_bytes()).unwrap(), challenge);
}

#[test]
fn a_hash_equals_only_itself_in_any_case() {
    let hash = Hashes::default().ha1(Algorithm::Md5, "a", "b", "c");
    assert!(hash.equals(hash.as_str().to_ascii_uppercase().as_bytes()));
    assert!(!hash.equals(b"") && !hash.equals(&hash.as_bytes()[1..]) && !hash.equals(&[b'0'; 200]));
    assert_eq!(Hex::parse(Algorithm::Md5, hash.as_str()), Some(hash));
    assert_eq!(Hex::parse(Algorithm::Sha256, hash.as_str()), None);
    assert!(!format!("{hash:?}").contains(hash.as_str()));
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let header = [b"Digest ".as_slice(), &bytes].concat();
        let _ = (Credentials::parse(&header), Challenge::parse(&header), Credentials::parse(&bytes));
    }

    /// What a client answers is what the server computes, whatever is in the names.
    #[test]
    fn client_and_server_agree(
        user in "[^\\x00-\\x1f\\x7f]{1,20}", realm in "[^\\x00-\\x1f\\x7f]{0,20}", password in "\\PC{0,20}",
        nonce in "[a-z0-9/]{1,40}", count in 1_u32.., which in 0_usize..3, qop in any::<bool>(),
    ) {
        let algorithm = Algorithm::parse(Algorithm::NAMES[which]).unwrap();
        let challenge = Challenge { qop, ..Challenge::new(&realm, &nonce, "", algorithm) };
        let text = authorize(&challenge, &user, &password, "SUBSCRIBE", "sip:1@h", "c\"n", count);
        let credentials = Credentials::parse(text.as_bytes()).unwrap();
        prop_assert_eq!(&credentials.username, &user);
        prop_assert_eq!(&credentials.realm, &realm);
        let mut hashes = Hashes::default();
        let ha1 = hashes.ha1(algorithm, &user, &realm, &password);
        let response = hashes.response(algorithm, &ha1, "SUBSCRIBE", &credentials);
        prop_assert!(response.equals(&credentials.response));
        let wrong = hashes.ha1(algorithm, &user, &realm, &format!("{password}x"));
        let response = hashes.response(algorithm, &wrong, "SUBSCRIBE", &credentials);
        prop_assert!(!response.equals(&credentials.response));
    }
}
