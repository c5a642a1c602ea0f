//! Median, smallest and largest of several measurements.

/// How far measurements lie apart.
///
/// ```
/// let spread = bench::Spread::of([3.0, 1.0, 2.0]).unwrap();
/// assert_eq!((spread.median, spread.min, spread.max), (2.0, 1.0, 3.0));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// Half of them are smaller; of an even number the mean of the middle two.
    pub median: f64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
}

impl Spread {
    /// Of no measurements there is none.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        let upper = *values.get(middle)?;
        let lower = if values.len().is_multiple_of(2) { *values.get(middle.checked_sub(1)?)? } else { upper };
        Some(Self { median: (lower + upper) / 2.0, min: *values.first()?, max: *values.last()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_even_number_has_its_median_between() {
        assert_eq!(Spread::of([4.0, 1.0, 2.0, 3.0]).unwrap().median, 2.5);
        assert_eq!(Spread::of([]), None);
    }
}
