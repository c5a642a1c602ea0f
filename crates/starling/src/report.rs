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

/// A remark for people, its severity first.
pub(crate) fn text(remark: &Diagnostic) -> String {
    let severity = match remark.severity {
        Severity::Error => "ERROR",
        Severity::Warning => "WARNING",
        Severity::Notice => "NOTICE",
    };
    format!("{severity:<8} {remark}")
}
