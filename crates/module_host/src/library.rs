//! Opens and closes the shared object of a module. The only file of the project with `unsafe` of
//! its own.
//!
//! What is opened is a private copy in memory (`memfd_create(2)`). So the file on disk may be
//! replaced in any way while the module runs, and to open it again runs the new code: the dynamic
//! linker would otherwise give the old image for the same file, and a file that is written to
//! while it is mapped crashes. A copy in `astrundir` would do too, but `/run` is usually mounted
//! `noexec`.

#![allow(unsafe_code, reason = "the one place that maps foreign code")]

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use libloading::os::unix::{Library as Handle, RTLD_LOCAL, RTLD_NOW};
use module_api::abi::{self, Header, Root, SYMBOL_PREFIX};
use nix::sys::memfd::{MFdFlags, memfd_create};

use crate::elf;

/// Why a file is not opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file cannot be read, or not be copied.
    #[error("{}: {error}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Not ELF.
    #[error("{} is not a shared object", file.display())]
    NotShared {
        /// The file.
        file: PathBuf,
    },
    /// A part of it is missing.
    #[error("{} is cut short: is it still being copied?", file.display())]
    Cut {
        /// The file.
        file: PathBuf,
    },
    /// The dynamic linker refuses it.
    #[error("{} cannot be linked: {text}", file.display())]
    Link {
        /// The file.
        file: PathBuf,
        /// What the linker says.
        text: String,
    },
    /// A shared object, but without a root.
    #[error("{} is a shared object, but not a module", file.display())]
    NotModule {
        /// The file.
        file: PathBuf,
    },
    /// The module in the file has another name.
    #[error("{} is the module {declared}: a module's file must have its name", file.display())]
    Misnamed {
        /// The file.
        file: PathBuf,
        /// Its name.
        declared: String,
    },
    /// The module is older or newer than the server.
    #[error("{} was built for module interface {theirs}, this server has {ours}: build it again", file.display())]
    Epoch {
        /// The file.
        file: PathBuf,
        /// The module's.
        theirs: u32,
        /// The server's.
        ours: u32,
    },
    /// The module was built with a later interface of this epoch, and may need what is new in it.
    #[error("{} needs level {needs} of the module interface, this server has {ours}: it needs a later server", file.display())]
    Level {
        /// The file.
        file: PathBuf,
        /// The module's.
        needs: u32,
        /// The server's.
        ours: u32,
    },
    /// The module lays out its data in another way.
    #[error(
        "{} lays out its data in another way than this server ({theirs:016x}, not {ours:016x}): \
         build it again; --check-module tells what differs",
        file.display()
    )]
    Layout {
        /// The file.
        file: PathBuf,
        /// The module's digest.
        theirs: u64,
        /// The server's digest.
        ours: u64,
    },
}

/// How much of a root must fit before it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Magic, epoch and digest.
    Digest,
    /// Magic and epoch: for the process that finds out what differs.
    Epoch,
}

/// An open module. Dropping it closes it.
pub(crate) struct Library {
    /// Points into the image: never handed out for longer than `self` lives.
    root: &'static Root,
    handle: Option<Handle>,
    /// Stays open as long as the image is mapped: the linker knows the image by this number.
    copy: Option<File>,
    /// What the image is called in `/proc/self/maps`.
    tag: String,
}

impl Library {
    /// Opens `file`, which must hold the module `name`.
    pub(crate) fn open(name: &str, file: &Path, trust: Trust) -> Result<Self, OpenError> {
        let io = |error: io::Error| OpenError::Io { file: file.into(), error };
        let bytes = fs::read(file).map_err(io)?;
        if !elf::is_elf(&bytes) {
            return Err(OpenError::NotShared { file: file.into() });
        }
        if !elf::is_complete(&bytes) {
            return Err(OpenError::Cut { file: file.into() });
        }
        let tag = tag(name);
        let copy = memfd_create(tag.as_str(), MFdFlags::MFD_CLOEXEC).map_err(|error| io(error.into()))?;
        let mut copy = File::from(copy);
        copy.write_all(&bytes).map_err(io)?;
        let path = format!("/proc/self/fd/{}", copy.as_raw_fd());
        // SAFETY: opening runs the initialisers of the file. A file in the module directory is
        // code that the operator wants in this process, and a module has none of its own.
        let handle = unsafe { Handle::open(Some(&path), RTLD_NOW | RTLD_LOCAL) }.map_err(|error| {
            OpenError::Link { file: file.into(), text: error.to_string().replace(&path, name) }
        })?;
        let symbol = format!("{SYMBOL_PREFIX}{name}");
        // SAFETY: the type is that of the address of a static; nothing is read yet.
        let Ok(root) = (unsafe { handle.get::<*const Root>(symbol.as_bytes()) }) else {
            return Err(match declared_name(&bytes) {
                Some(declared) => OpenError::Misnamed { file: file.into(), declared },
                None => OpenError::NotModule { file: file.into() },
            });
        };
        let root = *root;
        // SAFETY: a static of that name begins with a header in every epoch. Where it is not a
        // module's, it is still mapped memory of the image, and the magic will not be there.
        let header = unsafe { root.cast::<Header>().read_unaligned() };
        check(header, file, trust)?;
        // SAFETY: magic, epoch and digest say that it is a `Root` as this server lays it out. It
        // lives until `handle` is closed, and so does `self`, which lends it.
        let root: &'static Root = unsafe { &*root };
        if root.name.as_str() != name {
            return Err(OpenError::Misnamed { file: file.into(), declared: root.name.as_str().into() });
        }
        if root.level > abi::LEVEL {
            return Err(OpenError::Level { file: file.into(), needs: root.level, ours: abi::LEVEL });
        }
        Ok(Self { root, handle: Some(handle), copy: Some(copy), tag })
    }

    /// What the module says of itself, and its hooks.
    pub(crate) fn root(&self) -> &Root {
        self.root
    }

    /// Closes it. Everything that came out of it must be gone. False if it is mapped nevertheless.
    pub(crate) fn close(mut self) -> bool {
        self.handle.take();
        let unmapped = !is_mapped(&self.tag);
        if !unmapped {
            std::mem::forget(self.copy.take());
        }
        unmapped
    }

    /// Leaves it open for ever, for a process that ends soon.
    pub(crate) fn leak(self) -> &'static Root {
        let root = self.root;
        std::mem::forget(self);
        root
    }
}

fn check(header: Header, file: &Path, trust: Trust) -> Result<(), OpenError> {
    let file = file.to_path_buf();
    let ours = Header::CURRENT;
    if header.magic != ours.magic {
        Err(OpenError::NotModule { file })
    } else if header.epoch != ours.epoch {
        Err(OpenError::Epoch { file, theirs: header.epoch, ours: ours.epoch })
    } else if header.size != ours.size || trust == Trust::Digest && header.digest != ours.digest {
        Err(OpenError::Layout { file, theirs: header.digest, ours: abi::LAYOUT_DIGEST })
    } else {
        Ok(())
    }
}

/// A name for an image that no other image of this process has.
fn tag(name: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("starling/{name}/{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

fn is_mapped(tag: &str) -> bool {
    let name = format!("/memfd:{tag} ");
    fs::read_to_string("/proc/self/maps").is_ok_and(|maps| maps.contains(&name))
}

/// The name of the module that a file holds, from its symbols.
fn declared_name(bytes: &[u8]) -> Option<String> {
    let prefix = SYMBOL_PREFIX.as_bytes();
    bytes.windows(prefix.len()).enumerate().filter(|(_, window)| *window == prefix).find_map(|(at, _)| {
        let rest = bytes.get(at + prefix.len()..)?;
        let length = rest.iter().position(|&byte| byte == 0)?;
        let name = std::str::from_utf8(rest.get(..length)?).ok()?;
        let is_name =
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        is_name.then(|| name.to_owned())
    })
}
