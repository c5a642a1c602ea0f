//! The writer thread: everything that is queued becomes one transaction, again and again.

use rusqlite::{Connection, TransactionBehavior};

use crate::pending::WriteError;
use crate::store::{Shared, lock};
use crate::view::{Change, Op};

/// Runs until the last handle of the store is gone and the queue is empty.
pub(crate) fn run(shared: &Shared) {
    let _stopped = Stopped(shared);
    while let Some((batch, number)) = next_batch(shared) {
        let results = commit(&mut lock(&shared.writer), &batch);
        record(shared, &results);
        let bytes = batch.iter().map(|op| op.change.size()).sum();
        lock(&shared.view).retire(number, bytes);
        for (op, result) in batch.into_iter().zip(results) {
            op.promise.keep(result);
        }
        lock(&shared.view).told = number;
        shared.told.notify_all();
    }
}

/// Waits for writes; gives them with the number of the last one.
fn next_batch(shared: &Shared) -> Option<(Vec<Op>, u64)> {
    let mut view = lock(&shared.view);
    while view.queue.is_empty() {
        if view.closing {
            return None;
        }
        view = shared.queued.wait(view).unwrap_or_else(|e| e.into_inner());
    }
    Some((std::mem::take(&mut view.queue), view.last))
}

/// One transaction. A write that SQLite refuses by itself (a value too large) fails alone; what breaks the
/// transaction fails all of them.
fn commit(connection: &mut Connection, batch: &[Op]) -> Vec<Result<usize, WriteError>> {
    let mut attempt = || {
        if !connection.is_autocommit() {
            connection.execute_batch("ROLLBACK")?; // left by an I/O error in the last one
        }
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut results = Vec::with_capacity(batch.len());
        for op in batch {
            match apply(&transaction, &op.change) {
                Err(e) if transaction.is_autocommit() => return Err(e),
                result => results.push(result.map_err(|e| WriteError::from(&e))),
            }
        }
        transaction.commit()?;
        Ok(results)
    };
    attempt().unwrap_or_else(|e: rusqlite::Error| vec![Err(WriteError::from(&e)); batch.len()])
}

/// The number of rows that changed.
fn apply(connection: &Connection, change: &Change) -> rusqlite::Result<usize> {
    match change {
        Change::Set(key, Some(value)) => connection
            .prepare_cached(
                "INSERT INTO astdb(key, value) VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET value = excluded.value",
            )?
            .execute([&**key, &**value]),
        Change::Set(key, None) => {
            connection.prepare_cached("DELETE FROM astdb WHERE key = ?1")?.execute([&**key])
        }
        Change::DeleteTree(tree) => {
            let (from, to) = tree.bounds();
            let node = tree.with_node.then_some(&*tree.node);
            connection
                .prepare_cached("DELETE FROM astdb WHERE (key >= ?1 AND key < ?2) OR key = ?3")?
                .execute((from, to, node))
        }
    }
}

/// Counts, and tells the log when writing stops to work and when it works again.
fn record(shared: &Shared, results: &[Result<usize, WriteError>]) {
    let failed = results.iter().filter(|r| r.is_err()).count();
    let mut counters = lock(&shared.counters);
    if failed < results.len() {
        counters.commits += 1;
        counters.writes += (results.len() - failed) as u64;
    }
    if let Some(error) = results.iter().find_map(|r| r.as_ref().err()) {
        counters.errors += failed as u64;
        counters.last_error = Some(error.to_string());
        if !std::mem::replace(&mut counters.failing, true) {
            tracing::error!("astdb: cannot write: {error}");
        }
    } else if std::mem::replace(&mut counters.failing, false) {
        tracing::info!("astdb: writing works again, after {} errors", counters.errors);
    }
}

/// Whatever ends the thread, nobody waits for it in vain.
struct Stopped<'a>(&'a Shared);

impl Drop for Stopped<'_> {
    fn drop(&mut self) {
        let mut view = lock(&self.0.view);
        view.stopped = true;
        view.retired = view.last;
        view.told = view.last;
        let unwritten = std::mem::take(&mut view.queue);
        drop(view);
        drop(unwritten); // outside the lock: it calls callbacks
        self.0.told.notify_all();
    }
}
