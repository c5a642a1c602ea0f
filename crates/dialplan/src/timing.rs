//! When an include counts: `include => night,18:00-08:00,mon-fri,*,*,Europe/Berlin`.
//!
//! | field | values |
//! | --- | --- |
//! | times | `*`, `HH:MM-HH:MM` (both minutes included, also across midnight) |
//! | days of the week | `*`, `mon`, `mon-fri` |
//! | days of the month | `*`, `1`, `24-26` |
//! | months | `*`, `dec`, `nov-feb` |
//! | time zone | an IANA name; the system's if there is none |
//!
//! Several ranges of a field are joined by `&`. Fields that are missing at the end count as `*`.

use jiff::Timestamp;
use jiff::tz::TimeZone;

const DAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

const MINUTES: u32 = 24 * 60;

/// When something counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Timing {
    /// Minutes of the day; empty for all.
    times: Vec<(u32, u32)>,
    /// Days of the week from Sunday, 0.
    weekdays: Vec<(u32, u32)>,
    days: Vec<(u32, u32)>,
    months: Vec<(u32, u32)>,
    zone: TimeZone,
}

impl Timing {
    /// Reads `times[,weekdays[,mdays[,months[,tz]]]]`. The error says what is wrong.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut fields = text.split([',', '|']).map(str::trim);
        let mut next = || fields.next().unwrap_or_default();
        let name = |names: &'static [&'static str], first: u32| {
            move |word: &str| {
                let word = word.to_ascii_lowercase();
                let is = |name: &&str| word.len() >= 3 && name.starts_with(&word);
                names.iter().position(is).map(|place| place as u32 + first)
            }
        };
        let timing = Self {
            times: ranges(next(), "time", true, minute)?,
            weekdays: ranges(next(), "day of the week", false, name(&DAYS, 0))?,
            days: ranges(next(), "day of the month", false, |word| number(word, 1, 31))?,
            months: ranges(next(), "month", false, name(&MONTHS, 1))?,
            zone: match next() {
                "" | "*" => TimeZone::system(),
                name => TimeZone::get(name).map_err(|_| format!("there is no time zone '{name}'"))?,
            },
        };
        match fields.next() {
            None => Ok(timing),
            Some(more) => Err(format!("'{more}' after the time zone")),
        }
    }

    /// Whether a time, in milliseconds since 1970, is meant.
    pub(crate) fn is_at(&self, now: u64) -> bool {
        let now = i64::try_from(now).ok().and_then(|now| Timestamp::from_millisecond(now).ok());
        let Some(now) = now.map(|now| self.zone.to_datetime(now)) else { return false };
        let field = |ranges: &[(u32, u32)], value: i8| contains(ranges, u32::try_from(value).unwrap_or(0));
        let minute = u32::try_from(now.hour()).unwrap_or(0) * 60 + u32::try_from(now.minute()).unwrap_or(0);
        contains(&self.times, minute)
            && field(&self.weekdays, now.weekday().to_sunday_zero_offset())
            && field(&self.days, now.day())
            && field(&self.months, now.month())
    }
}

/// Whether a value is in one of the ranges, which may begin behind their end; without any it is.
fn contains(ranges: &[(u32, u32)], value: u32) -> bool {
    let is_in = |&(first, last): &(u32, u32)| match first <= last {
        true => (first..=last).contains(&value),
        false => value >= first || value <= last,
    };
    ranges.is_empty() || ranges.iter().any(is_in)
}

fn ranges(
    field: &str,
    what: &str,
    needs_end: bool,
    value: impl Fn(&str) -> Option<u32>,
) -> Result<Vec<(u32, u32)>, String> {
    if field.is_empty() || field == "*" {
        return Ok(Vec::new());
    }
    let value = |word: &str| value(word.trim()).ok_or_else(|| format!("'{}' is no {what}", word.trim()));
    let range = |range: &str| match range.split_once('-') {
        Some((first, last)) => Ok((value(first)?, value(last)?)),
        None if needs_end => Err(format!("'{range}' is no range of times: write HH:MM-HH:MM")),
        None => value(range).map(|value| (value, value)),
    };
    field.split('&').map(range).collect()
}

fn minute(word: &str) -> Option<u32> {
    let (hour, minute) = word.split_once(':')?;
    Some(number(hour, 0, 24)? * 60 + number(minute, 0, 59)?).filter(|minute| *minute <= MINUTES)
}

fn number(word: &str, first: u32, last: u32) -> Option<u32> {
    let digits = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    let number = word.parse().ok().filter(|_| digits)?;
    (first..=last).contains(&number).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: &str) -> u64 {
        time.parse::<Timestamp>().unwrap().as_millisecond() as u64
    }

    #[test]
    fn every_field_limits() {
        // A Friday, 17:30 in Berlin.
        let now = at("2026-03-06T16:30:00Z");
        for (text, expected) in [
            ("*,*,*,*,UTC", true),
            ("16:30-16:30,*,*,*,UTC", true),
            ("16:31-16:29,*,*,*,UTC", false),
            ("22:00-16:30,*,*,*,UTC", true),
            ("00:00-08:00&16:00-17:00,*,*,*,UTC", true),
            ("17:00-24:00,*,*,*,Europe/Berlin", true),
            ("17:00-24:00,*,*,*,UTC", false),
            ("*,fri,*,*,UTC", true),
            ("*,Thursday-sat,*,*,UTC", true),
            ("*,sat-thu,*,*,UTC", false),
            ("*,sun&fri,*,*,UTC", true),
            ("*,*,6,*,UTC", true),
            ("*,*,30-5,*,UTC", false),
            ("*|*|*|nov-mar|UTC", true),
            ("*,*,*,apr-feb,UTC", false),
            ("*", true),
        ] {
            assert_eq!(Timing::parse(text).unwrap().is_at(now), expected, "{text}");
        }
        assert!(!Timing::parse("*").unwrap().is_at(u64::MAX));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, expected) in [
            ("9:00", "'9:00' is no range of times: write HH:MM-HH:MM"),
            ("9:00-25:00", "'25:00' is no time"),
            ("9:00-24:01", "'24:01' is no time"),
            ("9-17", "'9' is no time"),
            ("*,mo", "'mo' is no day of the week"),
            ("*,*,0", "'0' is no day of the month"),
            ("*,*,*,13", "'13' is no month"),
            ("*,*,*,*,Mars/Base", "there is no time zone 'Mars/Base'"),
            ("*,*,*,*,UTC,x", "'x' after the time zone"),
        ] {
            assert_eq!(Timing::parse(text), Err(expected.to_owned()), "{text}");
        }
    }
}
