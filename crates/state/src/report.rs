//! What one source says of a device, and all of them together.

use std::fmt;
use std::sync::Arc;

use crate::DeviceState;

/// Who reports a state: `Custom`, `ami:user`, `publish:<entity id>`. Compared with case.
// One word wide: each report has one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(Arc<Box<str>>);

impl SourceId {
    /// The source of a name.
    pub fn new(name: impl Into<Box<str>>) -> Self {
        Self(Arc::new(name.into()))
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What one source says of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reported {
    /// Who says so.
    pub source: SourceId,
    /// When it last said so, in milliseconds on the caller's clock.
    pub at: u64,
    /// What it says.
    pub state: DeviceState,
}

/// What all sources say of one device. Nearly all devices have one source.
#[derive(Debug, Default)]
pub(crate) enum Reports {
    #[default]
    None,
    One(Reported),
    #[expect(clippy::box_collection, reason = "keeps the usual case at three words")]
    Several(Box<Vec<Reported>>),
}

impl Reports {
    pub(crate) fn as_slice(&self) -> &[Reported] {
        match self {
            Self::None => &[],
            Self::One(report) => std::slice::from_ref(report),
            Self::Several(reports) => reports,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, Self::None)
    }

    /// What they add up to, if there is any.
    pub(crate) fn aggregate(&self) -> Option<DeviceState> {
        let states = self.as_slice().iter().map(|report| report.state);
        (!self.is_empty()).then(|| DeviceState::aggregate(states))
    }

    /// Gives what the same source said before.
    pub(crate) fn put(&mut self, report: Reported) -> Option<Reported> {
        let same = match self {
            Self::None => None,
            Self::One(one) => Some(one).filter(|one| one.source == report.source),
            Self::Several(reports) => reports.iter_mut().find(|one| one.source == report.source),
        };
        if let Some(same) = same {
            return Some(std::mem::replace(same, report));
        }
        *self = match std::mem::take(self) {
            Self::None => Self::One(report),
            Self::One(one) => Self::Several(Box::new(vec![one, report])),
            Self::Several(mut reports) => {
                reports.push(report);
                Self::Several(reports)
            }
        };
        None
    }

    pub(crate) fn remove(&mut self, source: &SourceId) -> Option<Reported> {
        let index = self.as_slice().iter().position(|report| report.source == *source)?;
        let (rest, removed) = match std::mem::take(self) {
            Self::None => (Self::None, None),
            Self::One(one) => (Self::None, Some(one)),
            Self::Several(mut reports) => {
                let removed = reports.remove(index);
                match <[Reported; 1]>::try_from(*reports) {
                    Ok([one]) => (Self::One(one), Some(removed)),
                    Err(reports) => (Self::Several(Box::new(reports)), Some(removed)),
                }
            }
        };
        *self = rest;
        removed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_takes_three_words() {
        assert_eq!(size_of::<Reports>(), 24);
    }
}
