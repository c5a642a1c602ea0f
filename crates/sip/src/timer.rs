//! A hierarchical timing wheel: every timer of a shard lives in one of these.
//!
//! A shard has one timer for each live transaction and one for each subscription, so a million idle
//! subscriptions cost a million 24-byte entries and no task, thread or allocation each. There is no
//! cancel: an owner that no longer wants a timer ignores it when it fires (its token carries a
//! generation), which is cheaper than finding the entry again.
//!
//! Times are milliseconds on the caller's clock; this module has none of its own.

/// Milliseconds on a clock that only goes forward. The caller owns the clock.
pub type Millis = u64;

/// Bits of a slot number on each level: 256 slots.
const BITS: u32 = 8;
const SLOTS: usize = 1 << BITS;
/// Levels: 256 × 4 ms ≈ 1 s, then 4.4 minutes, 18.6 hours, and 199 days.
const LEVELS: usize = 4;
/// log2 of the resolution: 4 ms.
const TICK_BITS: u32 = 2;

struct Entry<T> {
    at: Millis,
    item: T,
}

struct Level<T> {
    slots: Vec<Vec<Entry<T>>>,
    /// One bit for each slot that holds anything.
    occupied: [u64; SLOTS / 64],
}

impl<T> Level<T> {
    fn new() -> Self {
        Self { slots: (0..SLOTS).map(|_| Vec::new()).collect(), occupied: [0; SLOTS / 64] }
    }

    fn push(&mut self, slot: usize, entry: Entry<T>) {
        self.slots[slot].push(entry);
        self.occupied[slot / 64] |= 1 << (slot % 64);
    }

    fn take(&mut self, slot: usize) -> Vec<Entry<T>> {
        self.occupied[slot / 64] &= !(1 << (slot % 64));
        std::mem::take(&mut self.slots[slot])
    }

    /// Puts an emptied vector back, so that a busy slot does not allocate again on each round.
    fn give_back(&mut self, slot: usize, mut emptied: Vec<Entry<T>>) {
        emptied.clear();
        if self.slots[slot].capacity() == 0 && emptied.capacity() <= 4096 {
            self.slots[slot] = emptied;
        }
    }

    /// Distance in slots from `from` to the first occupied slot, going round.
    fn distance(&self, from: usize) -> Option<usize> {
        (0..SLOTS).step_by(64).find_map(|step| {
            // 64 slots at a time, rotated so that bit 0 is the slot at `from + step`.
            let start = (from + step) % SLOTS;
            let (word, shift) = (start / 64, start % 64);
            let low = self.occupied[word] >> shift;
            let high = if shift == 0 { 0 } else { self.occupied[(word + 1) % (SLOTS / 64)] << (64 - shift) };
            let window = low | high;
            (window != 0).then(|| step + window.trailing_zeros() as usize)
        })
    }
}

/// Timers with items of type `T`, fired by [`TimerWheel::expire`].
pub struct TimerWheel<T> {
    levels: Vec<Level<T>>,
    /// The tick up to which everything has fired.
    tick: u64,
    len: usize,
}

impl<T> TimerWheel<T> {
    /// A wheel whose clock stands at `now`.
    pub fn new(now: Millis) -> Self {
        Self { levels: (0..LEVELS).map(|_| Level::new()).collect(), tick: now >> TICK_BITS, len: 0 }
    }

    /// Number of timers that have not fired.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no timer is waiting.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Arms a timer that fires at `at` or up to 4 ms later, never earlier. A time in the past fires
    /// at the next [`expire`](Self::expire).
    pub fn insert(&mut self, at: Millis, item: T) {
        self.len += 1;
        self.place(Entry { at, item });
    }

    /// Fires every timer that is due at `now`, in no promised order within one tick.
    pub fn expire(&mut self, now: Millis, mut fire: impl FnMut(T)) {
        let target = now >> TICK_BITS;
        while self.tick <= target {
            let Some(next) = self.next_tick().filter(|next| *next <= target) else {
                self.tick = target + 1;
                return;
            };
            // Everything before `next` is empty: go there at once.
            self.tick = next;
            self.cascade();
            let slot = (self.tick as usize) % SLOTS;
            let mut due = self.levels[0].take(slot);
            self.tick += 1;
            for entry in due.drain(..) {
                self.len -= 1;
                fire(entry.item);
            }
            self.levels[0].give_back(slot, due);
        }
    }

    /// When [`expire`](Self::expire) should be called next, or none if nothing waits. It may be
    /// earlier than the first timer (when timers of a far level have to be sorted nearer).
    pub fn next_deadline(&self) -> Option<Millis> {
        self.next_tick().map(|tick| tick << TICK_BITS)
    }

    fn place(&mut self, entry: Entry<T>) {
        // Rounded up, so that nothing fires early; never into a tick that has passed.
        let tick = entry.at.div_ceil(1 << TICK_BITS).max(self.tick);
        let mut away = tick - self.tick;
        let mut level = 0;
        while level + 1 < LEVELS && away >= SLOTS as u64 {
            away >>= BITS;
            level += 1;
        }
        // Beyond the last level: wait in its farthest slot and be sorted again from there.
        let shift = BITS * level as u32;
        let farthest = (self.tick >> shift) + SLOTS as u64 - 1;
        let slot = (tick >> shift).min(farthest) as usize % SLOTS;
        self.levels[level].push(slot, entry);
    }

    /// Sorts the slots of the far levels that begin at the current tick into nearer ones.
    fn cascade(&mut self) {
        for level in (1..LEVELS).rev() {
            let shift = BITS * level as u32;
            if self.tick.trailing_zeros() < shift && self.tick != 0 {
                continue;
            }
            let slot = (self.tick >> shift) as usize % SLOTS;
            let entries = self.levels[level].take(slot);
            for entry in entries {
                self.place(entry);
            }
        }
    }

    /// The next tick at which a slot of any level has to be looked at.
    fn next_tick(&self) -> Option<u64> {
        (0..LEVELS)
            .filter_map(|level| {
                let shift = BITS * level as u32;
                // A far slot is due at its first tick; the one that holds the current tick was
                // sorted when its first tick came, so anything in it now belongs to the next round.
                let base = (self.tick + (1 << shift) - 1) >> shift;
                self.levels[level].distance(base as usize % SLOTS).map(|away| (base + away as u64) << shift)
            })
            .min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fired(wheel: &mut TimerWheel<u64>, now: Millis) -> Vec<u64> {
        let mut items = Vec::new();
        wheel.expire(now, |item| items.push(item));
        items
    }

    #[test]
    fn fires_at_its_time_and_not_before() {
        let mut wheel = TimerWheel::new(1_000);
        wheel.insert(1_500, 1);
        assert_eq!(fired(&mut wheel, 1_499), [] as [u64; 0]);
        assert_eq!(fired(&mut wheel, 1_503), [1]);
        assert!(wheel.is_empty());
    }

    #[test]
    fn a_time_in_the_past_fires_at_once() {
        let mut wheel = TimerWheel::new(10_000);
        wheel.expire(20_000, |_: u64| unreachable!());
        wheel.insert(5, 7);
        assert_eq!(fired(&mut wheel, 20_008), [7]);
    }

    #[test]
    fn an_hour_costs_few_wakeups() {
        let mut wheel = TimerWheel::new(0);
        wheel.insert(3_600_000, 1);
        let (mut wakeups, mut seen) = (0, Vec::new());
        while let Some(at) = wheel.next_deadline() {
            wheel.expire(at, |item| seen.push((item, at)));
            wakeups += 1;
        }
        assert_eq!(seen, [(1, 3_600_000)]);
        assert!(wakeups <= LEVELS, "{wakeups} wakeups");
    }

    proptest! {
        /// Whatever is armed fires once, not early, and at most one tick after its deadline when the
        /// caller follows `next_deadline`.
        #[test]
        fn every_timer_fires_once_and_in_time(
            start in 0u64..10_000_000,
            delays in proptest::collection::vec(0u64..200_000_000, 1..60),
        ) {
            let mut wheel = TimerWheel::new(start);
            for (index, delay) in delays.iter().enumerate() {
                wheel.insert(start + delay, index);
            }
            let mut fired = vec![None; delays.len()];
            while let Some(at) = wheel.next_deadline() {
                wheel.expire(at, |index: usize| {
                    assert!(fired[index].is_none());
                    fired[index] = Some(at);
                });
            }
            for (index, delay) in delays.iter().enumerate() {
                let at = fired[index].expect("fired");
                prop_assert!(at >= start + delay || at >= start && *delay < 4);
                prop_assert!(at <= start + delay + 4, "due {} fired {}", start + delay, at);
            }
        }
    }
}
