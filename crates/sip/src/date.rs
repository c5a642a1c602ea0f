//! Date (RFC 3261 section 20.17): only GMT, only the form of RFC 1123.

/// Is `value` a `SIP-date`? The day of the week is not checked against the date.
pub(crate) fn is_sip_date(value: &[u8]) -> bool {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let Ok(text) = std::str::from_utf8(value) else {
        return false;
    };
    let number = |text: &str, digits: usize, max: u32| {
        text.len() == digits
            && text.bytes().all(|b| b.is_ascii_digit())
            && text.parse::<u32>().is_ok_and(|n| n <= max)
    };
    let one_of = |text: &str, list: &[&str]| list.iter().any(|item| item.eq_ignore_ascii_case(text));
    let is_time = |text: &str| {
        let mut parts = text.split(':');
        [23, 59, 60].iter().all(|max| parts.next().is_some_and(|part| number(part, 2, *max)))
            && parts.next().is_none()
    };
    let mut words = text.split_ascii_whitespace();
    let mut next = |check: &dyn Fn(&str) -> bool| words.next().is_some_and(check);
    next(&|day| day.strip_suffix(',').is_some_and(|day| one_of(day, &DAYS)))
        && next(&|day| number(day, 2, 31))
        && next(&|month| one_of(month, &MONTHS))
        && next(&|year| number(year, 4, 9999))
        && next(&is_time)
        && next(&|zone| zone == "GMT")
        && words.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::is_sip_date;

    #[test]
    fn dates() {
        assert!(is_sip_date(b"Sat, 13 Nov 2010 23:29:00 GMT"));
        for bad in [
            &b"Fri, 01 Jan 2010 16:00:00 EST"[..],
            b"Fri, 1 Jan 2010 16:00:00 GMT",
            b"Fri, 01 Jan 2010 24:00:00 GMT",
            b"Fri 01 Jan 2010 16:00:00 GMT",
            b"Fri, 01 Jan 2010 16:00 GMT",
            b"Fri, 01 Jan 2010 16:00:00 GMT x",
            b"\xff",
            b"",
        ] {
            assert!(!is_sip_date(bad), "{}", String::from_utf8_lossy(bad));
        }
    }
}
