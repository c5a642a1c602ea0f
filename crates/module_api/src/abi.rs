//! The edge itself: what host and module agree on byte by byte. For the host and for the code that
//! [`declare_module!`](crate::declare_module) generates; authors of modules need none of it.
//!
//! A module exports one static, a [`Root`], under the name `starling_module_` + its own name. It
//! begins with a [`Header`], whose layout never changes, so that the host can tell what it has
//! before it trusts anything else.

mod traits;

use std::mem::{align_of, offset_of, size_of};

use abi_stable::{
    StableAbi,
    std_types::{RArc, RBox, ROption, RResult, RSlice, RStr, RString, RVec},
    type_layout::TypeLayout,
};

use crate::document::{Attr, Node};
use crate::{
    Body, BodyContext, CallerInfo, DeviceInfo, Document, ExtensionState, Fail, Inputs, Level, Party, Payload,
    Registrar, ResourceQuery,
};

pub use traits::*;

/// What every [`Header`] begins with.
pub const MAGIC: [u8; 16] = *b"starling\0module\n";

/// Grows with every change after which old modules and new hosts, or the reverse, do not
/// understand each other.
pub const EPOCH: u32 = 1;

/// Grows with every addition within an epoch: a method, a field, a list of [`Registrar`]. A module
/// runs on servers of its own level and of later ones.
pub const LEVEL: u32 = 0;

/// Version of this crate.
pub const BUILD: &str = env!("CARGO_PKG_VERSION");

/// What the name of a module's root begins with; the module's name follows.
pub const SYMBOL_PREFIX: &str = "starling_module_";

/// The [`EventPackageApi::resolve`] status that says the hook panicked.
pub const PANICKED: u16 = 0;

/// The beginning of a [`Root`]. Frozen for all epochs.
#[repr(C)]
#[derive(StableAbi, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// [`MAGIC`].
    pub magic: [u8; 16],
    /// [`EPOCH`] of the API that the module was built with.
    pub epoch: u32,
    /// Size of its [`Root`] in bytes.
    pub size: u32,
    /// [`LAYOUT_DIGEST`] of the API that the module was built with.
    pub digest: u64,
}

impl Header {
    /// The header of what is built with this API.
    pub const CURRENT: Self =
        Self { magic: MAGIC, epoch: EPOCH, size: size_of::<Root>() as u32, digest: LAYOUT_DIGEST };
}

/// How well a module is looked after, the last column of `module show`.
#[repr(u8)]
#[derive(StableAbi, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Support {
    /// Nobody says.
    #[default]
    Unknown,
    /// By the project.
    Core,
    /// By others.
    Extended,
    /// Will go away.
    Deprecated,
}

/// What a module is: a static in its file.
#[repr(C)]
#[derive(StableAbi)]
pub struct Root {
    /// Read and checked first.
    pub header: Header,
    /// The name, which is the file's without `.so`: `res_pjsip_exten_state`.
    pub name: RStr<'static>,
    /// The description for `module show`.
    pub description: RStr<'static>,
    /// Version of the module.
    pub build: RStr<'static>,
    /// [`BUILD`] of the API that it was built with.
    pub api_build: RStr<'static>,
    /// The modules that must run before it.
    pub requires: RSlice<'static, RStr<'static>>,
    /// [`LEVEL`] of the API that it was built with: it may need all that this has.
    pub level: u32,
    /// Lower starts first. 60 for generators and supplements, 65 for event packages.
    pub priority: u8,
    /// How well it is looked after.
    pub support: Support,
    /// The layout of this type as abi_stable describes it, for a check that names what differs.
    #[sabi(unsafe_opaque_field)]
    pub layout: extern "C" fn() -> &'static TypeLayout,
    /// Starts the module: it fills in what it brings, or says why not.
    pub load: extern "C" fn(RArc<HostApi_TO<'static, RBox<()>>>, &mut Registrar) -> RResult<(), RString>,
    /// Ends the module. Everything that it registered is already dropped.
    pub unload: extern "C" fn(),
}

/// A registered generator.
#[repr(C)]
#[derive(StableAbi)]
pub struct GeneratorEntry {
    /// Its media type.
    pub media_type: RString,
    /// Its kind of data.
    pub data_kind: RString,
    /// Its inputs.
    pub inputs: Inputs,
    /// Its hook.
    pub object: GeneratorApi_TO<'static, RBox<()>>,
}

/// A registered supplement.
#[repr(C)]
#[derive(StableAbi)]
pub struct SupplementEntry {
    /// Its media type.
    pub media_type: RString,
    /// Its kind of data.
    pub data_kind: RString,
    /// Its inputs.
    pub inputs: Inputs,
    /// Its hook.
    pub object: SupplementApi_TO<'static, RBox<()>>,
}

/// A registered event package.
#[repr(C)]
#[derive(StableAbi)]
pub struct PackageEntry {
    /// Its event name.
    pub event: RString,
    /// Its media type for want of Accept.
    pub default_media_type: RString,
    /// Its kind of data.
    pub data_kind: RString,
    /// Its topic.
    pub topic: RString,
    /// Its hooks.
    pub object: EventPackageApi_TO<'static, RBox<()>>,
}

/// A registered provider of device states.
#[repr(C)]
#[derive(StableAbi)]
pub struct DeviceProviderEntry {
    /// Its label.
    pub label: RString,
    /// Its hook.
    pub object: DeviceProviderApi_TO<'static, RBox<()>>,
}

/// A registered command.
#[repr(C)]
#[derive(StableAbi)]
pub struct CommandEntry {
    /// Its words.
    pub words: RString,
    /// Its summary.
    pub summary: RString,
    /// Its usage.
    pub usage: RString,
    /// Its hook.
    pub object: CommandApi_TO<'static, RBox<()>>,
}

/// The layout of [`Root`] as abi_stable describes it.
pub extern "C" fn layout() -> &'static TypeLayout {
    <Root as StableAbi>::LAYOUT
}

/// FNV-1a over the numbers that describe a layout. What is only ever passed by reference, from the
/// host, may grow at its end: its size does not count.
macro_rules! digest {
    (
        fixed { $($type:ty { $($field:ident),* $(,)? })* }
        growing { $($grown:ty { $($grown_field:ident),* $(,)? })* }
    ) => {{
        let mut hash = 0xcbf2_9ce4_8422_2325;
        $(
            hash = fnv(hash, size_of::<$type>());
            hash = fnv(hash, align_of::<$type>());
            $( hash = fnv(hash, offset_of!($type, $field)); )*
        )*
        $( $( hash = fnv(hash, offset_of!($grown, $grown_field)); )* )*
        hash
    }};
}

/// A number over size, alignment and offsets of everything that crosses the edge: two builds that
/// have the same one lay their data out alike.
pub const LAYOUT_DIGEST: u64 = digest! {
    fixed {
        RStr<'static> {} RString {} RVec<u8> {} RSlice<'static, u8> {} RArc<u8> {} RBox<u8> {}
        ROption<RString> {} ROption<CallerInfo> {} ROption<ExtensionState> {} ROption<Payload> {}
        RResult<(), Fail> {} RResult<(), RString> {} RResult<RString, u16> {} RResult<Payload, Fail> {}
        RResult<u8, Fail> {} RResult<RResult<RString, RString>, Fail> {} RSlice<'static, RStr<'static>> {}
        Fail {} Inputs {} Level {} Support {}
        Party { number, name, restricted }
        CallerInfo { remote, local, since_ms }
        DeviceInfo { name, state, caller }
        ExtensionState {
            exten, context, name, state, presence_state, presence_subtype, presence_message, devices,
        }
        Payload { kind, seq, terminated, extension, bytes }
        Node { name, text, parent, first, last, next, first_attr, last_attr }
        Attr { name, value, next }
        Document { nodes, attrs, strings }
        Body { is_document, raw, document }
        HostApi_TO<'static, RBox<()>> {} GeneratorApi_TO<'static, RBox<()>> {}
        SupplementApi_TO<'static, RBox<()>> {} EventPackageApi_TO<'static, RBox<()>> {}
        ListenerApi_TO<'static, RBox<()>> {} DeviceProviderApi_TO<'static, RBox<()>> {}
        CommandApi_TO<'static, RBox<()>> {}
        GeneratorEntry { media_type, data_kind, inputs, object }
        SupplementEntry { media_type, data_kind, inputs, object }
        PackageEntry { event, default_media_type, data_kind, topic, object }
        DeviceProviderEntry { label, object }
        CommandEntry { words, summary, usage, object }
        Header { magic, epoch, size, digest }
        Root {
            header, name, description, build, api_build, requires, level, priority, support, layout, load,
            unload,
        }
    }
    growing {
        BodyContext<'static> {
            data, resource, local, remote, domain, user_agent, endpoint, version, early_inuse_ringing,
        }
        ResourceQuery<'static> { endpoint, context, resource, event }
        Registrar { generators, supplements, packages, listeners, devices, commands }
    }
};

const fn fnv(hash: u64, number: usize) -> u64 {
    let bytes = (number as u64).to_le_bytes();
    let mut hash = hash;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0000_0100_0000_01b3);
        at += 1;
    }
    hash
}

#[cfg(test)]
mod tests;
