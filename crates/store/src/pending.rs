//! A write on its way to the disk, and how it can end.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex};

use crate::store::lock;

/// Why a write is not in the store. What it would have changed is as it was before.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// More than [`QUEUE_LIMIT`](crate::QUEUE_LIMIT) bytes wait for the disk. Nothing was queued: refuse the
    /// request (503 with Retry-After), or wait for an earlier write and try again.
    #[error("the disk is too slow: the queue of writes is full")]
    QueueFull,
    /// No space for it. The store goes on; a later write is tried again.
    #[error("the disk is full")]
    DiskFull,
    /// SQLite's reason. The store goes on; a later write is tried again.
    #[error("{0}")]
    Failed(Arc<str>),
    /// The writer thread is gone.
    #[error("the store is closed")]
    Stopped,
}

impl From<&rusqlite::Error> for WriteError {
    fn from(e: &rusqlite::Error) -> Self {
        match e.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::DiskFull,
            _ => Self::Failed(e.to_string().into()),
        }
    }
}

/// A write that is queued and seen by reads, but not yet on the disk.
///
/// Dropping it does not take the write back; the outcome is then only in [`Status`](crate::Status) and the log.
#[must_use = "queued is not durable: use wait() or then(), or drop() it on purpose"]
pub struct Pending<T = ()> {
    slot: Arc<Slot>,
    outcome: fn(usize) -> T,
}

impl<T: 'static> Pending<T> {
    /// Blocks until the write is durable or has failed. Not for a callback of [`then`](Self::then), which would
    /// wait for its own thread.
    pub fn wait(self) -> Result<T, WriteError> {
        let mut state = lock(&self.slot.state);
        loop {
            if let State::Done(result) = &*state {
                return result.clone().map(self.outcome);
            }
            state = self.slot.done.wait(state).unwrap_or_else(|e| e.into_inner());
        }
    }

    /// Calls `callback` once the write is durable or has failed: on the writer thread, or at once on this one if it
    /// has already ended. It must be quick and must not wait for the store, but may write to it.
    pub fn then(self, callback: impl FnOnce(Result<T, WriteError>) + Send + 'static) {
        let outcome = self.outcome;
        let mut state = lock(&self.slot.state);
        if let State::Done(result) = &*state {
            let result = result.clone();
            drop(state);
            callback(result.map(outcome));
        } else {
            *state = State::Then(Box::new(move |result| callback(result.map(outcome))));
        }
    }

    /// The same write, without what it found.
    pub fn without_outcome(self) -> Pending {
        Pending { slot: self.slot, outcome: |_| () }
    }

    /// A new pair: what the caller waits on, and what the writer keeps. `outcome` turns the number of changed rows
    /// into the caller's answer.
    pub(crate) fn new(outcome: fn(usize) -> T) -> (Self, Promise) {
        let slot = Arc::new(Slot { state: Mutex::new(State::Waiting), done: Condvar::new() });
        (Self { slot: slot.clone(), outcome }, Promise(slot))
    }
}

/// The writer's end of a [`Pending`]; dropped unkept, it says [`WriteError::Stopped`].
pub(crate) struct Promise(Arc<Slot>);

impl Promise {
    pub(crate) fn keep(self, result: Result<usize, WriteError>) {
        self.0.complete(result);
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        self.0.complete(Err(WriteError::Stopped));
    }
}

struct Slot {
    state: Mutex<State>,
    done: Condvar,
}

enum State {
    Waiting,
    Then(Box<dyn FnOnce(Result<usize, WriteError>) + Send>),
    Done(Result<usize, WriteError>),
}

impl Slot {
    /// The first result counts.
    fn complete(&self, result: Result<usize, WriteError>) {
        let mut state = lock(&self.state);
        if matches!(*state, State::Done(_)) {
            return;
        }
        let before = std::mem::replace(&mut *state, State::Done(result.clone()));
        drop(state);
        self.done.notify_all();
        if let State::Then(callback) = before {
            // A callback that panics has said so on stderr; it must not take the writer with it.
            let _ = catch_unwind(AssertUnwindSafe(|| callback(result)));
        }
    }
}
