//! `dateformat` of `logger.conf`: strftime, with `%q` for fractions of a second.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A checked date format in a time zone.
#[derive(Clone, Debug)]
pub(crate) struct DateFormat {
    /// As jiff understands it.
    format: String,
    zone: TimeZone,
}

impl DateFormat {
    /// What Asterisk uses where `logger.conf` says nothing.
    pub(crate) const DEFAULT: &'static str = "%b %e %T";

    /// Checks `format` by writing a date with it.
    pub(crate) fn new(format: &str, zone: TimeZone) -> Result<Self, String> {
        let format = translate(format);
        match jiff::fmt::strtime::format(&format, &Timestamp::UNIX_EPOCH.to_zoned_datetime(zone.clone())) {
            Ok(_) => Ok(DateFormat { format, zone }),
            Err(error) => Err(format!("dateformat cannot be used: {error}")),
        }
    }

    /// The default format in the system's time zone.
    pub(crate) fn default_here() -> Self {
        DateFormat { format: Self::DEFAULT.to_owned(), zone: TimeZone::system() }
    }

    pub(crate) fn write(&self, time: Timestamp) -> String {
        let zoned = time.to_zoned_datetime(self.zone.clone());
        // `new` has written a date with this format, so an error here would be a date out of any calendar.
        jiff::fmt::strtime::format(&self.format, &zoned).unwrap_or_else(|_| time.to_string())
    }
}

/// `%3q` (Asterisk: three digits of the second's fraction) becomes jiff's `%3f`; `%q` alone means six digits.
fn translate(format: &str) -> String {
    let mut out = String::with_capacity(format.len());
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        out.push(c);
        if c != '%' {
            continue;
        }
        let mut digits = String::new();
        while let Some(digit) = chars.next_if(char::is_ascii_digit) {
            digits.push(digit);
        }
        if chars.next_if_eq(&'q').is_some() {
            out.push_str(if digits.is_empty() { "6" } else { &digits });
            out.push('f');
        } else {
            out.push_str(&digits);
            // Takes the second `%` of `%%` along, so that it does not begin anything.
            out.extend(chars.next());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(format: &str) -> String {
        let time: Timestamp = "2026-08-05T06:07:08.123456789Z".parse().unwrap();
        DateFormat::new(format, TimeZone::UTC).unwrap().write(time)
    }

    #[test]
    fn asterisk_formats() {
        assert_eq!(written(DateFormat::DEFAULT), "Aug  5 06:07:08");
        assert_eq!(written("%F %T.%3q"), "2026-08-05 06:07:08.123");
        assert_eq!(written("%T.%q"), "06:07:08.123456");
        assert_eq!(written("%%3q"), "%3q");
        assert!(DateFormat::new("%", TimeZone::UTC).is_err());
    }
}
