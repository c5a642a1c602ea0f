//! What was wrong in a configuration file, told in the log.

use conf::{Diagnostic, Severity};

/// Logs each remark at its severity.
pub(crate) fn report(remarks: &[Diagnostic]) {
    for remark in remarks {
        match remark.severity {
            Severity::Error => tracing::error!("{remark}"),
            Severity::Warning => tracing::warn!("{remark}"),
            Severity::Notice => tracing::info!("{remark}"),
        }
    }
}
