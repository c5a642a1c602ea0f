//! When two URIs are the same (RFC 3261 section 19.1.4, RFC 3966 section 4).

use crate::uri::{Scheme, UriRef, next_unescaped};

/// URIs with more parameters or headers than this are only the same when they are written alike;
/// comparing each with each would take quadratic time.
const MAX_COMPARED: usize = 64;

impl UriRef<'_> {
    /// Is `other` the same URI? Not transitive, as the RFC notes.
    pub fn same_as(&self, other: &UriRef<'_>) -> bool {
        if self.scheme != other.scheme {
            return false;
        }
        match self.scheme {
            Scheme::Sip | Scheme::Sips => same_sip(self, other),
            Scheme::Tel => same_tel(self, other),
            Scheme::Other => self.text().eq_ignore_ascii_case(other.text()),
        }
    }
}

fn same_sip(one: &UriRef<'_>, two: &UriRef<'_>) -> bool {
    let same_part = |a: Option<&str>, b: Option<&str>| match (a, b) {
        (Some(a), Some(b)) => same_escaped(a, b, false),
        (a, b) => a == b,
    };
    same_part(one.user, two.user)
        && same_part(one.password, two.password)
        && one.port == two.port
        && same_host(one, two)
        && (one.text() == two.text() || (same_params(one, two) && same_headers(one, two)))
}

fn same_host(one: &UriRef<'_>, two: &UriRef<'_>) -> bool {
    one.host.eq_ignore_ascii_case(two.host) || one.host_ip().is_some_and(|ip| two.host_ip() == Some(ip))
}

fn same_params(one: &UriRef<'_>, two: &UriRef<'_>) -> bool {
    let few = |uri: &UriRef<'_>| uri.params().nth(MAX_COMPARED).is_none();
    let agrees = |one: &UriRef<'_>, two: &UriRef<'_>| {
        one.params().all(|(name, value)| {
            match two.params().find(|(other, _)| same_escaped(name, other, true)) {
                Some((_, other)) => same_escaped(value.unwrap_or(""), other.unwrap_or(""), true),
                // These change where or how a request goes: absent is not the same as default.
                None => !["user", "ttl", "method", "maddr", "transport"]
                    .iter()
                    .any(|special| special.eq_ignore_ascii_case(name)),
            }
        })
    };
    few(one) && few(two) && agrees(one, two) && agrees(two, one)
}

fn same_headers(one: &UriRef<'_>, two: &UriRef<'_>) -> bool {
    let few = |uri: &UriRef<'_>| uri.header_pairs().nth(MAX_COMPARED).is_none();
    let within = |one: &UriRef<'_>, two: &UriRef<'_>| {
        one.header_pairs().all(|(name, value)| {
            two.header_pairs().any(|(other, other_value)| {
                same_escaped(name, other, true)
                    && same_escaped(value.unwrap_or(""), other_value.unwrap_or(""), false)
            })
        })
    };
    few(one) && few(two) && within(one, two) && within(two, one)
}

fn same_tel(one: &UriRef<'_>, two: &UriRef<'_>) -> bool {
    let digits = |uri: &UriRef<'_>| {
        let number = uri.user.unwrap_or("").bytes();
        number
            .filter(|b| !matches!(b, b'-' | b'.' | b'(' | b')'))
            .map(|b| b.to_ascii_lowercase())
            .collect::<Vec<_>>()
    };
    let params = |uri: &UriRef<'_>| uri.text().split_once(';').map(|(_, p)| p.to_lowercase());
    digits(one) == digits(two) && params(one) == params(two)
}

/// Compares texts in which a character may be escaped, except that an escaped reserved character
/// is not the character itself.
fn same_escaped(one: &str, two: &str, ignore_case: bool) -> bool {
    let normal = |text: &str| {
        let mut rest = text.as_bytes();
        let mut out = Vec::with_capacity(rest.len());
        while let Some((byte, escaped, after)) = next_unescaped(rest) {
            rest = after;
            let byte = if ignore_case { byte.to_ascii_lowercase() } else { byte };
            out.push((byte, escaped && b";/?:@&=+$,".contains(&byte)));
        }
        out
    };
    one == two || normal(one) == normal(two)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(one: &str, two: &str) -> bool {
        let [one, two] = [one, two].map(|text| UriRef::parse(text.as_bytes()).expect("a URI"));
        assert_eq!(one.same_as(&two), two.same_as(&one), "symmetric");
        one.same_as(&two)
    }

    #[test]
    fn examples_of_the_rfc_that_are_the_same() {
        for (one, two) in [
            ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"),
            (
                "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
                "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
            ),
            (
                "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
                "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
            ),
            ("sip:a@[2001:db8::1]", "sip:a@[2001:0DB8:0::1]"),
            ("tel:+1-201-555-0123", "tel:+1(201)5550123"),
        ] {
            assert!(same(one, two), "{one} {two}");
        }
    }

    #[test]
    fn examples_of_the_rfc_that_differ() {
        for (one, two) in [
            ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
            ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
            ("sip:a@b", "sips:a@b"),
            ("sip:a@b;security=on", "sip:a@b;security=off"),
            ("sip:a%3Bb@c", "sip:a;b@c"),
            ("sip:b", "sip:a@b"),
        ] {
            assert!(!same(one, two), "{one} {two}");
        }
    }

    #[test]
    fn many_parameters_do_not_take_quadratic_time() {
        let one = format!("sip:a@b{}", ";x".repeat(30_000));
        let two = format!("sip:a@b{}", ";y".repeat(30_000));
        assert!(!same(&one, &two));
        assert!(same(&one, &one));
    }
}
