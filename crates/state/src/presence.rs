//! Presence: what a person says of themselves, such as `away`, with a subtype and a message.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::UnknownWord;

/// What a person says. The order is the rank of aggregation: the highest wins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PresenceState {
    /// Nothing answers for it. No word names it.
    Invalid,
    /// Nothing was said.
    #[default]
    NotSet,
    /// Available.
    Available,
    /// Unavailable.
    Unavailable,
    /// Available and glad to talk.
    Chat,
    /// Away.
    Away,
    /// Away for long.
    Xa,
    /// Do not disturb.
    Dnd,
}

impl PresenceState {
    /// All states that have a word, in the order of their numbers in Asterisk, 0 to 6.
    pub const ALL: [Self; 7] =
        [Self::NotSet, Self::Unavailable, Self::Available, Self::Away, Self::Xa, Self::Chat, Self::Dnd];

    /// The word of every interface: `not_set`; empty for [`PresenceState::Invalid`].
    pub fn word(self) -> &'static str {
        match self {
            Self::Invalid => "",
            Self::NotSet => "not_set",
            Self::Unavailable => "unavailable",
            Self::Available => "available",
            Self::Away => "away",
            Self::Xa => "xa",
            Self::Chat => "chat",
            Self::Dnd => "dnd",
        }
    }
}

impl fmt::Display for PresenceState {
    /// The [word](PresenceState::word).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for PresenceState {
    type Err = UnknownWord;

    /// Reads a [word](PresenceState::word) in any letter case.
    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|state| state.word().eq_ignore_ascii_case(word))
            .ok_or_else(|| UnknownWord(word.to_owned()))
    }
}

/// A presence state with its texts. The default is `not_set` without texts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct PresenceValue {
    /// The state.
    pub state: PresenceState,
    /// A word of the site's own, such as `lunch`; may be empty.
    pub subtype: Arc<str>,
    /// Text for people; may be empty.
    pub message: Arc<str>,
}

impl PresenceValue {
    /// What is said if nothing answers: [`PresenceState::Invalid`] without texts.
    pub fn invalid() -> Self {
        Self { state: PresenceState::Invalid, ..Self::default() }
    }

    /// What several providers say together: the highest state with its texts, among equals the
    /// first; `not_set` if there is none.
    pub fn aggregate<'a>(members: impl IntoIterator<Item = &'a Self>) -> Self {
        let highest =
            members.into_iter().reduce(|best, next| if next.state > best.state { next } else { best });
        highest.cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(state: PresenceState, subtype: &str) -> PresenceValue {
        PresenceValue { state, subtype: subtype.into(), message: "".into() }
    }

    #[test]
    fn highest_wins_and_first_among_equals() {
        use PresenceState::*;
        let rank = [Invalid, NotSet, Available, Unavailable, Chat, Away, Xa, Dnd];
        for (i, low) in rank.into_iter().enumerate() {
            for high in rank.into_iter().skip(i + 1) {
                let (low, high) = (value(low, "low"), value(high, "high"));
                assert_eq!(PresenceValue::aggregate([&low, &high]), high);
                assert_eq!(PresenceValue::aggregate([&high, &low]), high);
            }
        }
        let (first, second) = (value(Away, "first"), value(Away, "second"));
        assert_eq!(PresenceValue::aggregate([&first, &second]), first);
        assert_eq!(PresenceValue::aggregate([]), value(NotSet, ""));
    }

    #[test]
    fn words_are_read_in_any_case() {
        for state in PresenceState::ALL {
            assert_eq!(state.word().to_uppercase().parse(), Ok(state));
        }
        assert!("".parse::<PresenceState>().is_err());
        assert!("invalid".parse::<PresenceState>().is_err());
    }
}
