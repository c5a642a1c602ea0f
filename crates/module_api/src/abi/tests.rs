//! What was published stays as it was. If one of these fails, modules that exist are refused or, worse,
//! misunderstood. `docs/writing-a-module.md` says what may change within an epoch.

use super::*;

/// Size, alignment and offsets of everything that crosses. Additions at the end of what may grow do
/// not show here.
#[test]
#[cfg(all(target_arch = "x86_64", target_pointer_width = "64"))]
fn the_edge_of_this_epoch_is_as_it_was() {
    assert_eq!((EPOCH, format!("{LAYOUT_DIGEST:016x}").as_str()), (1, "6d289d2e7eac3a50"));
}

#[test]
fn the_header_is_frozen() {
    let offsets = [offset_of!(Header, magic), offset_of!(Header, epoch), offset_of!(Header, size)];
    assert_eq!((offsets, offset_of!(Header, digest), size_of::<Header>()), ([0, 16, 20], 24, 32));
    assert_eq!(offset_of!(Root, header), 0);
}

/// The methods of the edge's traits in their order, which is that of the tables of functions. The
/// digest does not see them. A new one comes last in its trait, has a default, and needs a [`LEVEL`].
#[test]
fn methods_stay_in_their_places() {
    let methods = [
        ("HostApi", "fn log(&self, level: Level, message: RStr<'_>)"),
        ("HostApi", "fn now_ms(&self) -> u64"),
        ("HostApi", "fn find_hint(&self, context: RStr<'_>, exten: RStr<'_>) -> ROption<RString>"),
        ("HostApi", "fn extension_state(&self, key: RStr<'_>) -> ROption<Payload>"),
        ("HostApi", "fn publish(&self, topic: RStr<'_>, key: RStr<'_>, payload: &Payload)"),
        ("HostApi", "fn device_changed(&self, device: RStr<'_>)"),
        ("GeneratorApi", "fn generate(&self, cx: &BodyContext<'_>, body: &mut Body) -> RResult<(), Fail>"),
        (
            "SupplementApi",
            "fn supplement(&self, cx: &BodyContext<'_>, doc: &mut Document) -> RResult<(), Fail>",
        ),
        ("EventPackageApi", "fn resolve(&self, query: &ResourceQuery<'_>) -> RResult<RString, u16>"),
        ("EventPackageApi", "fn current(&self, key: RStr<'_>) -> RResult<Payload, Fail>"),
        (
            "ListenerApi",
            "fn extension_state_changed(&self, key: RStr<'_>, state: &Payload) -> RResult<(), Fail>",
        ),
        ("DeviceProviderApi", "fn state(&self, rest: RStr<'_>) -> RResult<u8, Fail>"),
        (
            "CommandApi",
            "fn run(&self, args: RSlice<'_, RStr<'_>>) -> RResult<RResult<RString, RString>, Fail>",
        ),
    ];
    let mut owner = "";
    let mut found = Vec::new();
    for line in include_str!("traits.rs").lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("pub trait ") {
            owner = rest.split(':').next().unwrap_or_default();
        } else if line.starts_with("fn ") {
            found.push((owner, line.trim_end_matches(';')));
        }
    }
    assert_eq!((LEVEL, found), (0, methods.to_vec()));
}

/// What the numbers on the edge mean is no matter of layout.
#[test]
fn numbers_keep_their_meaning() {
    let fails = [Fail::Panicked, Fail::Unsupported, Fail::NoData, Fail::Internal];
    assert_eq!(fails.map(|fail| fail as u8), [0, 1, 2, 3]);
    let levels = [Level::Error, Level::Warning, Level::Notice, Level::Verbose, Level::Debug];
    assert_eq!(levels.map(|level| level as u8), [0, 1, 2, 3, 4]);
    let supports = [Support::Unknown, Support::Core, Support::Extended, Support::Deprecated];
    assert_eq!(supports.map(|support| support as u8), [0, 1, 2, 3]);
    let inputs = [
        Inputs::NONE,
        Inputs::LOCAL,
        Inputs::REMOTE,
        Inputs::USER_AGENT,
        Inputs::VERSION,
        Inputs::SUBSCRIBER,
        Inputs::UNIQUE,
    ];
    assert_eq!(inputs.map(Inputs::bits), [0, 1, 2, 4, 8, 16, 32]);
    let devices = [
        DeviceInfo::UNKNOWN,
        DeviceInfo::NOT_INUSE,
        DeviceInfo::INUSE,
        DeviceInfo::BUSY,
        DeviceInfo::INVALID,
        DeviceInfo::UNAVAILABLE,
        DeviceInfo::RINGING,
        DeviceInfo::RINGINUSE,
        DeviceInfo::ON_HOLD,
    ];
    assert_eq!(devices, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    let extensions = [
        ExtensionState::IDLE,
        ExtensionState::INUSE,
        ExtensionState::BUSY,
        ExtensionState::UNAVAILABLE,
        ExtensionState::RINGING,
        ExtensionState::ON_HOLD,
        ExtensionState::DEACTIVATED,
        ExtensionState::REMOVED,
    ];
    assert_eq!(extensions, [0, 1, 2, 4, 8, 16, -1, -2]);
    assert_eq!((SYMBOL_PREFIX, PANICKED), ("starling_module_", 0));
}
