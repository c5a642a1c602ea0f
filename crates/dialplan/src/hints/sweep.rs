//! Hints of patterns that nobody needs any more: so that asking for every number of `_XXXX` costs
//! memory for a while only.
//!
//! A hint of a pattern is made when someone asks for it. [`Hints::sweep`] takes it away when nobody
//! watched it or asked for it for a minute; asked for again, it is made anew. Between two sweeps there
//! are at most 10,000 that nobody watches: the oldest makes room for the next.

use std::collections::VecDeque;
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashSet;
use state::Name;

use super::Hints;
use super::table::Table;
use super::writer::Writer;
use crate::definition::Origin;
use crate::hint::Hint;

/// So long, in milliseconds, a hint of a pattern stays without being needed.
const IDLE: u64 = 60_000;

/// So many hints of patterns may be there that nobody watches.
pub(super) const UNWATCHED: usize = 10_000;

impl Hints {
    /// Removes the hints of patterns that were not needed for a minute; gives their number. To be
    /// called about once a minute with the time on the clock of the hints.
    pub fn sweep(&self, now: u64) -> usize {
        self.write(|writer| writer.sweep(&self.table.load(), now))
    }
}

impl Writer {
    fn sweep(&mut self, table: &Table, now: u64) -> usize {
        let mut gone = Vec::new();
        let mut unwatched = Vec::new();
        for hint in table.instances().filter(|hint| hint.definition().origin != Origin::Auto) {
            if hint.condemn_if_idle(now, IDLE) {
                gone.push(hint);
            } else if hint.watchers() == 0 {
                unwatched.push(hint);
            }
        }
        // Those that were just asked for are idle since now at the earliest.
        unwatched.sort_by_key(|hint| hint.idle_since().unwrap_or(now));
        self.unwatched = VecDeque::from(unwatched);
        self.discard(table, &gone);
        gone.len()
    }

    /// Makes room for a hint of a pattern that was just made.
    pub(super) fn make_room(&mut self, table: &Table, hint: &Arc<Hint>) {
        self.unwatched.push_back(hint.clone());
        while self.unwatched.len() > UNWATCHED {
            let Some(oldest) = self.unwatched.pop_front() else { return };
            let there = table.instance(oldest.key());
            let is_there = there.is_some_and(|there| Arc::ptr_eq(&there, &oldest));
            // One that is watched by now is found again by the next sweep if its watchers leave.
            if is_there && oldest.condemn() {
                self.discard(table, &[oldest]);
            }
        }
    }

    /// Forgets hints, and what only they looked at.
    fn discard(&mut self, table: &Table, gone: &[Arc<Hint>]) {
        if gone.is_empty() {
            return;
        }
        let ids: HashSet<*const Hint, RandomState> = gone.iter().map(Arc::as_ptr).collect();
        let (mut devices, mut presentities) =
            (HashSet::<Name, RandomState>::default(), HashSet::<Name, RandomState>::default());
        for hint in gone {
            table.remove(hint.key());
            let definition = hint.definition();
            devices.extend(definition.devices().map(Name::new));
            presentities.extend(definition.presence().map(Name::new));
        }
        let stays = |hint: &Arc<Hint>| !ids.contains(&Arc::as_ptr(hint));
        for device in devices {
            if self.states.attach(device.as_str(), |watching| watching.retain(stays)) {
                self.forget_answer(device.as_str());
            }
        }
        for presentity in presentities {
            if let Some(entry) = self.presentities.get_mut(&presentity) {
                entry.hints.retain(stays);
                if entry.hints.is_empty() {
                    self.presentities.remove(&presentity);
                }
            }
        }
        gone.iter().for_each(|hint| self.retire(hint));
    }

    /// Forgets what the provider of a device answered, now that no hint names it: the next one asks
    /// again. What it reports with a lease, and what others report, stays.
    fn forget_answer(&mut self, device: &str) {
        debug_assert!(self.watching(device).is_empty());
        if let Some(source) = self.providers.source(device) {
            let mut reports = self.states.reports(device).iter();
            if reports.any(|report| report.source == source)
                && self.states.deadline(device, &source).is_none()
            {
                self.states.remove(device, &source);
            }
        }
    }
}
