//! What the loaded modules brought: event packages, body generators and supplements.
//!
//! A [`Registry`] is immutable; loading or unloading a module makes a new one, which every shard
//! gets. Subscriptions name a generator by its media type, never by its code, so a module can be
//! replaced under them.

use std::sync::Arc;

use module_api::{BodyGenerator, BodySupplement, EventPackage};
use sip::{AcceptRef, RawMessage};

/// What one module registered.
#[derive(Clone, Default)]
pub struct ModuleParts {
    /// Event packages.
    pub packages: Vec<Arc<dyn EventPackage>>,
    /// Body generators.
    pub generators: Vec<Arc<dyn BodyGenerator>>,
    /// Body supplements.
    pub supplements: Vec<Arc<dyn BodySupplement>>,
}

/// The parts of all loaded modules, in the order of loading.
#[derive(Clone, Default)]
pub struct Registry {
    modules: Vec<(Arc<str>, ModuleParts)>,
    allow_events: String,
}

impl Registry {
    /// This registry with one more module. An event or media type that is taken already is an error
    /// naming it.
    pub fn with(&self, module: &str, parts: ModuleParts) -> Result<Self, String> {
        for package in &parts.packages {
            if self.package(package.event()).is_some() {
                return Err(format!("event package '{}' is registered already", package.event()));
            }
        }
        for generator in &parts.generators {
            if self.generator(generator.media_type(), generator.data_kind()).is_some() {
                return Err(format!(
                    "a body generator for '{}' is registered already",
                    generator.media_type()
                ));
            }
        }
        let mut modules = self.modules.clone();
        modules.push((module.into(), parts));
        Ok(Self::of(modules))
    }

    /// This registry without a module.
    pub fn without(&self, module: &str) -> Self {
        Self::of(self.modules.iter().filter(|(name, _)| &**name != module).cloned().collect())
    }

    fn of(modules: Vec<(Arc<str>, ModuleParts)>) -> Self {
        let mut registry = Self { modules, allow_events: String::new() };
        registry.allow_events = registry.packages().map(|p| p.event()).collect::<Vec<_>>().join(", ");
        registry
    }

    /// The package of an event. Names compare with case, as in RFC 6665 8.2.1.
    pub fn package(&self, event: &str) -> Option<&Arc<dyn EventPackage>> {
        self.packages().find(|package| package.event() == event)
    }

    /// The generator of a media type for a kind of data. Media types compare without case.
    pub fn generator(&self, media_type: &str, kind: &str) -> Option<&Arc<dyn BodyGenerator>> {
        self.generators().find(|g| g.data_kind() == kind && g.media_type().eq_ignore_ascii_case(media_type))
    }

    /// The supplements of a media type, in the order of loading.
    pub fn supplements<'a>(
        &'a self,
        media_type: &'a str,
        kind: &'a str,
    ) -> impl Iterator<Item = &'a Arc<dyn BodySupplement>> {
        let all = self.modules.iter().flat_map(|(_, parts)| &parts.supplements);
        all.filter(move |s| s.data_kind() == kind && s.media_type().eq_ignore_ascii_case(media_type))
    }

    /// Whether a module brought the package of an event, or what makes bodies of a media type for it.
    pub(crate) fn is_from(&self, module: &str, event: &str, media_type: &str) -> bool {
        let Some((_, parts)) = self.modules.iter().find(|(name, _)| **name == *module) else { return false };
        parts.packages.iter().any(|package| package.event() == event)
            || parts.generators.iter().any(|g| g.media_type().eq_ignore_ascii_case(media_type))
            || parts.supplements.iter().any(|s| s.media_type().eq_ignore_ascii_case(media_type))
    }

    /// Whether bodies of a media type for an event are made by the same code as in `other`.
    pub(crate) fn makes_the_same(&self, other: &Self, event: &str, media_type: &str) -> bool {
        let code = |registry: &Self| -> Option<Vec<*const ()>> {
            let kind = registry.package(event)?.data_kind();
            let generator = registry.generator(media_type, kind)?;
            let supplements = registry.supplements(media_type, kind).map(|s| Arc::as_ptr(s).cast());
            Some(std::iter::once(Arc::as_ptr(generator).cast()).chain(supplements).collect())
        };
        code(self) == code(other)
    }

    /// The packages of `self` that are not those of `other`.
    pub(crate) fn new_packages<'a>(
        &'a self,
        other: &'a Self,
    ) -> impl Iterator<Item = &'a Arc<dyn EventPackage>> {
        self.packages().filter(|package| {
            !other.package(package.event()).is_some_and(|before| Arc::ptr_eq(before, package))
        })
    }

    /// The value of Allow-Events: all packages in the order of loading.
    pub fn allow_events(&self) -> &str {
        &self.allow_events
    }

    /// The media type for a request: what its Accept prefers of what a generator makes for the
    /// package's kind of data, the package's default without Accept. None if nothing fits.
    ///
    /// Preference is by q value and then by order; wildcards and case are as RFC 3261 20.1 has them.
    pub fn negotiate(&self, message: &RawMessage<'_>, package: &dyn EventPackage) -> Option<Arc<str>> {
        let kind = package.data_kind();
        let generator = |media_type: &str| self.generator(media_type, kind).map(|g| g.media_type().into());
        let default = package.default_media_type();
        // List bodies frame others and say nothing about what is inside (RFC 4662 5.2).
        let framing = |accept: &AcceptRef<'_>| {
            accept.type_ != "*"
                && accept.subtype != "*"
                && FRAMING.iter().any(|framing| accept.matches(framing))
        };
        let mut accepts: Vec<_> = message.accepts().filter(|a| !framing(a)).take(MAX_ACCEPTS).collect();
        if accepts.is_empty() {
            return generator(default);
        }
        accepts.sort_by_key(|accept| std::cmp::Reverse(accept.q));
        accepts.iter().filter(|accept| accept.q > 0).find_map(|accept| {
            if accept.matches(default)
                && let Some(found) = generator(default)
            {
                return Some(found);
            }
            let mut fitting = self.generators().filter(|g| g.data_kind() == kind);
            fitting.find(|g| accept.matches(g.media_type())).map(|g| g.media_type().into())
        })
    }

    fn packages(&self) -> impl Iterator<Item = &Arc<dyn EventPackage>> {
        self.modules.iter().flat_map(|(_, parts)| &parts.packages)
    }

    fn generators(&self) -> impl Iterator<Item = &Arc<dyn BodyGenerator>> {
        self.modules.iter().flat_map(|(_, parts)| &parts.generators)
    }
}

/// Media types of lists, which frame the bodies of their resources.
const FRAMING: [&str; 2] = ["multipart/related", "application/rlmi+xml"];
/// Accept values that are looked at.
const MAX_ACCEPTS: usize = 32;
