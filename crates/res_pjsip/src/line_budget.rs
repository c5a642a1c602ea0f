//! So many lines a second for what anybody on the network can cause: a flood of packets is no flood of
//! the log.

use sip::Millis;

/// Lines of one shard in a second.
const LINES: u32 = 20;

/// Counts the lines of a second.
#[derive(Debug, Default)]
pub(crate) struct LineBudget {
    second: Millis,
    written: u32,
    left_out: u64,
}

impl LineBudget {
    /// Whether one more line may be written at `now`. What was left out before is told first.
    pub(crate) fn may_write(&mut self, now: Millis) -> bool {
        let second = now / 1000;
        if second != self.second {
            if self.left_out > 0 {
                tracing::info!("{} more malformed requests were refused and are not listed", self.left_out);
            }
            *self = Self { second, ..Self::default() };
        }
        if self.written == LINES {
            self.left_out += 1;
            return false;
        }
        self.written += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_second_has_its_lines() {
        let mut budget = LineBudget::default();
        let written = |budget: &mut LineBudget, now| (0..1000).filter(|_| budget.may_write(now)).count();
        assert_eq!(written(&mut budget, 5_100), 20);
        assert_eq!((written(&mut budget, 5_999), budget.left_out), (0, 1980));
        assert_eq!(written(&mut budget, 6_000), 20);
    }
}
