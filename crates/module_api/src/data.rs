//! What crosses the edge: the state that bodies are made from.
//!
//! All types are `#[repr(C)]` and own their memory through abi_stable's containers. Such a
//! container is freed by the program part that filled it, so whoever keeps a value that came from
//! the other side must keep a [`Clone`] of it: a clone belongs to the side that made it.

use abi_stable::{
    StableAbi,
    std_types::{ROption, RStr, RString, RVec},
};

/// Why a hook gave nothing.
#[repr(u8)]
#[derive(StableAbi, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fail {
    /// The hook panicked. Only the SDK's guard says so.
    Panicked,
    /// The hook cannot do this kind of thing.
    Unsupported,
    /// There is no data of the kind that is needed: no such key, or another kind of payload.
    NoData,
    /// Anything else; the module has logged it.
    Internal,
}

/// Which inputs beside the data a body depends on: the host generates one body for all
/// subscriptions for which these are equal.
///
/// ```
/// use module_api::Inputs;
/// let inputs = Inputs::LOCAL | Inputs::VERSION;
/// assert!(inputs.contains(Inputs::LOCAL) && !inputs.contains(Inputs::REMOTE));
/// ```
#[repr(transparent)]
#[derive(StableAbi, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Inputs(u32);

impl Inputs {
    /// On nothing but the data.
    pub const NONE: Self = Self(0);
    /// [`BodyContext::local`], [`BodyContext::resource`] or [`BodyContext::domain`].
    pub const LOCAL: Self = Self(1);
    /// [`BodyContext::remote`].
    pub const REMOTE: Self = Self(2);
    /// [`BodyContext::user_agent`].
    pub const USER_AGENT: Self = Self(4);
    /// [`BodyContext::version`].
    pub const VERSION: Self = Self(8);
    /// [`BodyContext::endpoint`] or an option of that endpoint, such as
    /// [`BodyContext::early_inuse_ringing`].
    pub const SUBSCRIBER: Self = Self(16);
    /// On chance or time: every body differs, as with xpidf's `atomid`.
    pub const UNIQUE: Self = Self(32);

    /// The bits, as they cross the edge.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// From bits that came over the edge; bits that this version does not know are kept.
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// Whether all of `other` are in here.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl std::ops::BitOr for Inputs {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// One end of a call, as far as it is known.
#[repr(C)]
#[derive(StableAbi, Clone, Debug, Default, PartialEq, Eq)]
pub struct Party {
    /// The number, which becomes the user part of a URI.
    pub number: ROption<RString>,
    /// The name to display.
    pub name: ROption<RString>,
    /// The party withholds both (RFC 3323): shown as `anonymous`.
    pub restricted: bool,
}

/// The call that a device is in.
#[repr(C)]
#[derive(StableAbi, Clone, Debug, Default, PartialEq, Eq)]
pub struct CallerInfo {
    /// Who is at the other end: who is calling, while it rings.
    pub remote: Party,
    /// Who is at this end.
    pub local: Party,
    /// When the call began, in milliseconds since 1970. The oldest call is the one that is shown.
    pub since_ms: u64,
}

/// One device of a hint.
#[repr(C)]
#[derive(StableAbi, Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceInfo {
    /// As the hint names it: `PJSIP/alice`.
    pub name: RString,
    /// The device state, one of [`DeviceInfo::UNKNOWN`] to [`DeviceInfo::ON_HOLD`].
    pub state: u8,
    /// The call, where a source of the state knows it.
    pub caller: ROption<CallerInfo>,
}

impl DeviceInfo {
    /// Nothing is known.
    pub const UNKNOWN: u8 = 0;
    /// Reachable, no call.
    pub const NOT_INUSE: u8 = 1;
    /// In a call.
    pub const INUSE: u8 = 2;
    /// In as many calls as it takes.
    pub const BUSY: u8 = 3;
    /// There is no such device.
    pub const INVALID: u8 = 4;
    /// Not reachable.
    pub const UNAVAILABLE: u8 = 5;
    /// Ringing.
    pub const RINGING: u8 = 6;
    /// In a call, and another one rings.
    pub const RINGINUSE: u8 = 7;
    /// All calls on hold.
    pub const ON_HOLD: u8 = 8;
}

/// The state of one extension with a hint: the payload of the data kind `extension-state`.
#[repr(C)]
#[derive(StableAbi, Clone, Debug, Default, PartialEq, Eq)]
pub struct ExtensionState {
    /// The extension: `1000`.
    pub exten: RString,
    /// Its dialplan context: `default`.
    pub context: RString,
    /// The name from the hint's priority 1 or its resource; may be empty.
    pub name: RString,
    /// [`ExtensionState::IDLE`], bits, or a negative end.
    pub state: i32,
    /// The presence state: 0 not_set, 1 unavailable, 2 available, 3 away, 4 xa, 5 chat, 6 dnd;
    /// anything else is invalid.
    pub presence_state: u8,
    /// Free text that refines the presence state: `lunch`.
    pub presence_subtype: RString,
    /// Free text for people: `back at 2`.
    pub presence_message: RString,
    /// The devices of the hint; empty if it names none or if nothing is known of them.
    pub devices: RVec<DeviceInfo>,
}

impl ExtensionState {
    /// All devices are idle, or nothing is known.
    pub const IDLE: i32 = 0;
    /// A device is in a call.
    pub const INUSE: i32 = 1;
    /// A device takes no further call.
    pub const BUSY: i32 = 2;
    /// No device is reachable.
    pub const UNAVAILABLE: i32 = 4;
    /// A device rings. With [`ExtensionState::INUSE`]: one rings, one is in a call.
    pub const RINGING: i32 = 8;
    /// All calls are on hold.
    pub const ON_HOLD: i32 = 16;
    /// The hint is switched off.
    pub const DEACTIVATED: i32 = -1;
    /// The extension or its hint is gone from the dialplan.
    pub const REMOVED: i32 = -2;
}

/// One version of a resource's data, of any kind.
#[repr(C)]
#[derive(StableAbi, Clone, Debug, Default, PartialEq, Eq)]
pub struct Payload {
    /// The kind of data, which says where it is: `extension-state` is in `extension`.
    pub kind: RString,
    /// Grows with every change of the resource, also from one loading of its module to the next: what
    /// is not newer than what subscriptions have is ignored. [`Host::now_ms`](crate::Host::now_ms) is a
    /// good first one.
    pub seq: u64,
    /// The resource is gone: subscriptions to it end.
    pub terminated: bool,
    /// The data of kind `extension-state`.
    pub extension: ROption<ExtensionState>,
    /// The data of kinds that this crate does not know.
    pub bytes: RVec<u8>,
}

impl Payload {
    /// The kind that [`Payload::extension_state`] makes.
    pub const EXTENSION_STATE: &'static str = "extension-state";

    /// A payload of the kind `extension-state`, terminated if the hint is gone or switched off.
    pub fn extension_state(seq: u64, state: ExtensionState) -> Self {
        Self {
            kind: Self::EXTENSION_STATE.into(),
            seq,
            terminated: state.state < 0,
            extension: ROption::RSome(state),
            bytes: RVec::new(),
        }
    }
}

/// What a body is made from.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug)]
pub struct BodyContext<'a> {
    /// The data.
    pub data: &'a Payload,
    /// The resource as it was asked for, the user part of the SUBSCRIBE's Request-URI: `1000`.
    pub resource: RStr<'a>,
    /// The resource's URI without brackets, its port kept: `sip:1000@192.0.2.1:5060`.
    pub local: RStr<'a>,
    /// The watcher's URI as in From or To, without brackets: `sip:alice@192.0.2.1`.
    pub remote: RStr<'a>,
    /// The host of our end of the dialog, for URIs that name callers: `192.0.2.1`.
    pub domain: RStr<'a>,
    /// The watcher's User-Agent, lower-cased; empty if it sent none.
    pub user_agent: RStr<'a>,
    /// The section of `pjsip.conf` that the watcher is.
    pub endpoint: RStr<'a>,
    /// The number of this body in its subscription, from 0 (RFC 4235 section 4.1).
    pub version: u32,
    /// The endpoint's `notify_early_inuse_ringing`.
    pub early_inuse_ringing: bool,
}

impl<'a> BodyContext<'a> {
    /// A context of this data and nothing else, for tests; what they need more they set:
    /// `BodyContext { version: 3, ..BodyContext::new(&data) }`.
    pub fn new(data: &'a Payload) -> Self {
        let none = RStr::from_str("");
        Self {
            data,
            resource: none,
            local: none,
            remote: none,
            domain: none,
            user_agent: none,
            endpoint: none,
            version: 0,
            early_inuse_ringing: false,
        }
    }
}

/// What a SUBSCRIBE asks for.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug)]
pub struct ResourceQuery<'a> {
    /// The section of `pjsip.conf` that the watcher is.
    pub endpoint: RStr<'a>,
    /// The endpoint's `subscribe_context`, or else its `context`.
    pub context: RStr<'a>,
    /// The user part of the Request-URI: `1000`.
    pub resource: RStr<'a>,
    /// The event: `presence`.
    pub event: RStr<'a>,
}

/// How much a log line matters, as in `logger.conf`.
#[repr(u8)]
#[derive(StableAbi, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something does not work.
    Error,
    /// Something may not work.
    Warning,
    /// Worth knowing.
    Notice,
    /// Progress, for a console that wants it.
    Verbose,
    /// For who looks for a fault.
    Debug,
}
