//! Who is told of changes of contacts.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};

use super::Binding;

/// Why a contact is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// Its phone said so.
    Request,
    /// It was not refreshed.
    Expiration,
    /// A newer one took its place (`remove_existing`).
    RemoveExisting,
    /// It did not answer and made room (`remove_unavailable`).
    RemoveUnavailable,
    /// The registration that made it could not be stored.
    RegistrationFailure,
    /// Its connection closed.
    Shutdown,
    /// It was permanent and is no longer in `pjsip.conf`.
    Configuration,
}

impl Removal {
    /// The reason in Asterisk's words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Expiration => "expiration",
            Self::RemoveExisting => "remove existing",
            Self::RemoveUnavailable => "remove unavailable",
            Self::RegistrationFailure => "registration failure",
            Self::Shutdown => "shutdown",
            Self::Configuration => "configuration",
        }
    }
}

/// What became of a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContactChange {
    /// It is new.
    Added,
    /// It lives longer, or by other options.
    Refreshed,
    /// It is gone.
    Removed(Removal),
    /// Its status is another one.
    Status,
}

/// A change of a contact.
#[derive(Clone, Debug)]
pub struct ContactEvent {
    /// What became of it.
    pub change: ContactChange,
    /// The contact, as it is now or was at last.
    pub binding: Binding,
}

impl ContactEvent {
    /// Tells the log.
    pub(crate) fn log(&self) {
        let contact = &self.binding.contact;
        let (uri, aor) = (&contact.uri, &contact.aor);
        match self.change {
            ContactChange::Added if contact.is_permanent() => {}
            ContactChange::Added => tracing::info!(verbose = 3, "Added contact '{uri}' to AOR '{aor}'"),
            ContactChange::Refreshed => tracing::debug!("Refreshed contact '{uri}' of AOR '{aor}'"),
            ContactChange::Removed(why) => {
                let why = why.as_str();
                tracing::info!(verbose = 3, "Removed contact '{uri}' from AOR '{aor}' due to {why}");
            }
            ContactChange::Status => {
                let status = self.binding.status().name();
                tracing::info!(verbose = 3, "Contact '{uri}' of AOR '{aor}' is now {status}");
            }
        }
    }
}

type Listener = Arc<dyn Fn(&ContactEvent) + Send + Sync>;

#[derive(Default)]
pub(super) struct Listeners {
    all: RwLock<Vec<(u64, Listener)>>,
    last: AtomicU64,
}

impl Listeners {
    pub(super) fn add(this: &Arc<Self>, listener: Listener) -> LocationGuard {
        let id = this.last.fetch_add(1, Ordering::Relaxed);
        this.all.write().unwrap_or_else(PoisonError::into_inner).push((id, listener));
        LocationGuard { listeners: Arc::downgrade(this), id }
    }

    pub(super) fn tell(&self, event: &ContactEvent) {
        let all = self.all.read().unwrap_or_else(PoisonError::into_inner);
        let listeners: Vec<_> = all.iter().map(|(_, listener)| listener.clone()).collect();
        // Outside the lock: a listener may be dropped by another one.
        drop(all);
        listeners.iter().for_each(|listener| listener(event));
    }
}

/// Keeps a listener; it hears nothing more when this is dropped.
pub struct LocationGuard {
    listeners: Weak<Listeners>,
    id: u64,
}

impl Drop for LocationGuard {
    fn drop(&mut self) {
        if let Some(listeners) = self.listeners.upgrade() {
            listeners.all.write().unwrap_or_else(PoisonError::into_inner).retain(|(id, _)| *id != self.id);
        }
    }
}
