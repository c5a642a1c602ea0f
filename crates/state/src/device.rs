//! The state of one device, such as `PJSIP/alice` or `Custom:lamp`, and how states add up.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// What one device does.
///
/// The order is the rank of aggregation: the highest wins, except that a ringing device beside one
/// that is in use, on hold or busy makes [`DeviceState::RingInUse`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeviceState {
    /// There is no such device, or nothing answers for it.
    Invalid,
    /// It exists; what it does is not known.
    Unknown,
    /// It exists and cannot be reached.
    Unavailable,
    /// Idle.
    NotInUse,
    /// Its call is on hold.
    OnHold,
    /// Ringing.
    Ringing,
    /// In a call.
    InUse,
    /// In as many calls as it takes.
    Busy,
    /// In a call, with another one ringing.
    RingInUse,
}

/// A word that names no state.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("'{0}' is not a state")]
pub struct UnknownWord(pub String);

impl DeviceState {
    /// All states, in the order of their numbers in Asterisk, 0 to 8.
    pub const ALL: [Self; 9] = [
        Self::Unknown,
        Self::NotInUse,
        Self::InUse,
        Self::Busy,
        Self::Invalid,
        Self::Unavailable,
        Self::Ringing,
        Self::RingInUse,
        Self::OnHold,
    ];

    /// The state of a group of devices, or of one device that several sources report. The order
    /// does not matter; without any member it is [`DeviceState::Invalid`].
    pub fn aggregate(members: impl IntoIterator<Item = Self>) -> Self {
        members.into_iter().fold(Self::Invalid, Self::combine)
    }

    /// The aggregate of two.
    pub fn combine(self, other: Self) -> Self {
        let (low, high) = if self <= other { (self, other) } else { (other, self) };
        match (low, high) {
            (Self::Ringing, Self::InUse | Self::Busy) | (Self::OnHold, Self::Ringing) => Self::RingInUse,
            _ => high,
        }
    }

    /// The word of dialplan functions, AMI and configuration: `NOT_INUSE`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "UNKNOWN",
            Self::NotInUse => "NOT_INUSE",
            Self::InUse => "INUSE",
            Self::Busy => "BUSY",
            Self::Invalid => "INVALID",
            Self::Unavailable => "UNAVAILABLE",
            Self::Ringing => "RINGING",
            Self::RingInUse => "RINGINUSE",
            Self::OnHold => "ONHOLD",
        }
    }

    /// The text for people: `Not in use`.
    pub fn text(self) -> &'static str {
        match self {
            Self::Unknown => "Unknown",
            Self::NotInUse => "Not in use",
            Self::InUse => "In use",
            Self::Busy => "Busy",
            Self::Invalid => "Invalid",
            Self::Unavailable => "Unavailable",
            Self::Ringing => "Ringing",
            Self::RingInUse => "Ring+Inuse",
            Self::OnHold => "On Hold",
        }
    }
}

impl fmt::Display for DeviceState {
    /// The [word](DeviceState::word).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for DeviceState {
    type Err = UnknownWord;

    /// Reads a [word](DeviceState::word) in any letter case. (Asterisk reads every other word as
    /// `UNKNOWN`; a caller that wants that says so.)
    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|state| state.word().eq_ignore_ascii_case(word))
            .ok_or_else(|| UnknownWord(word.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every pair, as Asterisk adds them up.
    const TABLE: &str = "
                INVALID     UNKNOWN     UNAVAILABLE NOT_INUSE ONHOLD    RINGING   INUSE     BUSY      RINGINUSE
    INVALID     INVALID     UNKNOWN     UNAVAILABLE NOT_INUSE ONHOLD    RINGING   INUSE     BUSY      RINGINUSE
    UNKNOWN     UNKNOWN     UNKNOWN     UNAVAILABLE NOT_INUSE ONHOLD    RINGING   INUSE     BUSY      RINGINUSE
    UNAVAILABLE UNAVAILABLE UNAVAILABLE UNAVAILABLE NOT_INUSE ONHOLD    RINGING   INUSE     BUSY      RINGINUSE
    NOT_INUSE   NOT_INUSE   NOT_INUSE   NOT_INUSE   NOT_INUSE ONHOLD    RINGING   INUSE     BUSY      RINGINUSE
    ONHOLD      ONHOLD      ONHOLD      ONHOLD      ONHOLD    ONHOLD    RINGINUSE INUSE     BUSY      RINGINUSE
    RINGING     RINGING     RINGING     RINGING     RINGING   RINGINUSE RINGING   RINGINUSE RINGINUSE RINGINUSE
    INUSE       INUSE       INUSE       INUSE       INUSE     INUSE     RINGINUSE INUSE     BUSY      RINGINUSE
    BUSY        BUSY        BUSY        BUSY        BUSY      BUSY      RINGINUSE BUSY      BUSY      RINGINUSE
    RINGINUSE   RINGINUSE   RINGINUSE   RINGINUSE   RINGINUSE RINGINUSE RINGINUSE RINGINUSE RINGINUSE RINGINUSE";

    #[test]
    fn pairs_add_up_as_in_asterisk() {
        let mut rows = TABLE.trim().lines().map(str::split_whitespace);
        let columns: Vec<DeviceState> = rows.next().unwrap().map(|w| w.parse().unwrap()).collect();
        let mut pairs = 0;
        for mut row in rows {
            let left: DeviceState = row.next().unwrap().parse().unwrap();
            for (right, sum) in columns.iter().zip(row) {
                assert_eq!(left.combine(*right).word(), sum, "{left} and {right}");
                pairs += 1;
            }
        }
        assert_eq!(pairs, 81);
    }

    #[test]
    fn groups_follow_the_rule_in_any_order() {
        use DeviceState::*;
        for a in DeviceState::ALL {
            for b in DeviceState::ALL {
                for c in DeviceState::ALL {
                    let members = [a, b, c];
                    let rings = members.contains(&Ringing);
                    let speaks = members.iter().any(|m| matches!(m, InUse | OnHold | Busy));
                    let expected = match rings && speaks {
                        true => RingInUse,
                        false => a.max(b).max(c),
                    };
                    assert_eq!(DeviceState::aggregate(members), expected, "{members:?}");
                }
            }
        }
        assert_eq!(DeviceState::aggregate([]), Invalid);
    }

    #[test]
    fn words_are_read_in_any_case() {
        for state in DeviceState::ALL {
            assert_eq!(state.word().to_lowercase().parse(), Ok(state));
        }
        assert_eq!("InUse".parse(), Ok(DeviceState::InUse));
        let error = "FOO".parse::<DeviceState>().unwrap_err();
        assert_eq!(error.to_string(), "'FOO' is not a state");
    }
}
