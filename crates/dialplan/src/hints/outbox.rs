//! Telling listeners what changed: in order, one at a time, with no lock held.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::snapshot::ExtensionSnapshot;

/// What is called with each visible change.
pub type Listener = dyn Fn(&ExtensionSnapshot) + Send + Sync;

#[derive(Default)]
pub(super) struct Outbox(Mutex<State>);

#[derive(Default)]
struct State {
    queue: VecDeque<ExtensionSnapshot>,
    /// Some thread is calling listeners; it will also tell what comes meanwhile.
    delivering: bool,
    listeners: Arc<Vec<(u64, Arc<Listener>)>>,
    next_id: u64,
}

impl Outbox {
    /// Queues news. Called by one writer at a time, so in order.
    pub(super) fn push(&self, news: Vec<ExtensionSnapshot>) {
        if !news.is_empty() {
            self.lock().queue.extend(news);
        }
    }

    /// Tells what is queued, unless another thread, or a caller of this one, is doing so.
    pub(super) fn deliver(&self) {
        let mut state = self.lock();
        if state.delivering || state.queue.is_empty() {
            return;
        }
        state.delivering = true;
        while !state.queue.is_empty() {
            let news = std::mem::take(&mut state.queue);
            let listeners = state.listeners.clone();
            drop(state);
            for snapshot in &news {
                for (_, listener) in &*listeners {
                    tell(&**listener, snapshot);
                }
            }
            state = self.lock();
        }
        // Under the same lock in which the queue was found empty: nothing can slip between.
        state.delivering = false;
    }

    pub(super) fn listen(self: &Arc<Self>, listener: Box<Listener>) -> ListenGuard {
        let mut state = self.lock();
        let id = state.next_id;
        state.next_id += 1;
        Arc::make_mut(&mut state.listeners).push((id, Arc::from(listener)));
        ListenGuard { outbox: Arc::downgrade(self), id }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A listener that panics loses its own news only.
fn tell(listener: &Listener, snapshot: &ExtensionSnapshot) {
    let call = AssertUnwindSafe(|| listener(snapshot));
    if catch_unwind(call).is_err() {
        tracing::error!("a listener panicked at the change of {}", snapshot.key());
    }
}

/// Keeps a listener; dropped, the listener is called no more.
#[must_use = "dropping it removes the listener"]
pub struct ListenGuard {
    outbox: Weak<Outbox>,
    id: u64,
}

impl Drop for ListenGuard {
    fn drop(&mut self) {
        if let Some(outbox) = self.outbox.upgrade() {
            let mut state = outbox.lock();
            Arc::make_mut(&mut state.listeners).retain(|(id, _)| *id != self.id);
        }
    }
}

impl fmt::Debug for ListenGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListenGuard").field("id", &self.id).finish()
    }
}
