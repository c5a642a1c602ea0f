//! The state of an extension: what a hint makes of the states of its devices.

use crate::DeviceState;

/// What an extension does, as phones and managers are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(i32)]
pub enum ExtensionState {
    /// The hint is gone: whoever watches it is told so and forgotten.
    Removed = -2,
    /// There is no hint.
    Deactivated = -1,
    /// At least one device is reachable, none is used.
    Idle = 0,
    /// A device is in a call.
    InUse = 1,
    /// A device is busy.
    Busy = 2,
    /// No device can be reached.
    Unavailable = 4,
    /// A device rings.
    Ringing = 8,
    /// A device is in a call and one rings.
    InUseRinging = 9,
    /// A call is on hold.
    Hold = 16,
    /// A device is in a call and one is on hold. Aggregation never says so; other sources may.
    InUseHold = 17,
}

impl ExtensionState {
    /// Every state that has a number.
    pub const ALL: [Self; 10] = [
        Self::Removed,
        Self::Deactivated,
        Self::Idle,
        Self::InUse,
        Self::Busy,
        Self::Unavailable,
        Self::Ringing,
        Self::InUseRinging,
        Self::Hold,
        Self::InUseHold,
    ];

    /// The number that Asterisk's interfaces show: bits 1 in use, 2 busy, 4 unavailable,
    /// 8 ringing, 16 on hold; negative if there is no hint.
    pub fn bits(self) -> i32 {
        self as i32
    }

    /// The state of a number, if it is one.
    pub fn from_bits(bits: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.bits() == bits)
    }

    /// The text of AMI and the CLI: `InUse&Ringing`.
    pub fn text(self) -> &'static str {
        match self {
            Self::Removed | Self::Deactivated => "Unknown",
            Self::Idle => "Idle",
            Self::InUse => "InUse",
            Self::Busy => "Busy",
            Self::Unavailable => "Unavailable",
            Self::Ringing => "Ringing",
            Self::InUseRinging => "InUse&Ringing",
            Self::Hold => "Hold",
            Self::InUseHold => "InUse&Hold",
        }
    }

    /// The word of the dialplan function `EXTENSION_STATE()`: `RINGINUSE`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Removed | Self::Deactivated => "UNKNOWN",
            Self::Idle => "NOT_INUSE",
            Self::InUse => "INUSE",
            Self::Busy => "BUSY",
            Self::Unavailable => "UNAVAILABLE",
            Self::Ringing => "RINGING",
            Self::InUseRinging => "RINGINUSE",
            Self::Hold => "ONHOLD",
            Self::InUseHold => "HOLDINUSE",
        }
    }
}

impl From<DeviceState> for ExtensionState {
    fn from(devices: DeviceState) -> Self {
        match devices {
            DeviceState::Unknown | DeviceState::NotInUse => Self::Idle,
            DeviceState::InUse => Self::InUse,
            DeviceState::Busy => Self::Busy,
            DeviceState::Unavailable | DeviceState::Invalid => Self::Unavailable,
            DeviceState::Ringing => Self::Ringing,
            DeviceState::RingInUse => Self::InUseRinging,
            DeviceState::OnHold => Self::Hold,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_map_to_the_numbers_of_asterisk() {
        // UNKNOWN NOT_INUSE INUSE BUSY INVALID UNAVAILABLE RINGING RINGINUSE ONHOLD
        let bits = DeviceState::ALL.map(|state| ExtensionState::from(state).bits());
        assert_eq!(bits, [0, 0, 1, 2, 4, 4, 8, 9, 16]);
    }

    #[test]
    fn numbers_and_states_agree() {
        for state in ExtensionState::ALL {
            assert_eq!(ExtensionState::from_bits(state.bits()), Some(state));
        }
        assert_eq!(ExtensionState::from_bits(3), None);
        assert_eq!(ExtensionState::InUseHold.text(), "InUse&Hold");
        assert_eq!(ExtensionState::InUseHold.word(), "HOLDINUSE");
    }
}
