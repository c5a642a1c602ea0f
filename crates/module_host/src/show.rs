//! The table of `module show`.

use std::fmt::Write;

use module_api::Support;

/// A row: a module that is loaded, or that should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The name with `.so`.
    pub name: String,
    /// Its description; empty if its file could not be read.
    pub description: String,
    /// Running modules that require it, and its sessions, subscriptions and the like.
    pub use_count: usize,
    /// Whether it runs.
    pub running: bool,
    /// How well it is looked after.
    pub support: Support,
    /// Why it does not run.
    pub reason: Option<String>,
}

/// `module show [like TEXT]`: the modules by name, case ignored, those only whose name has `like`
/// in it.
///
/// ```
/// let table = module_host::show(&[], None);
/// assert_eq!(table.lines().last(), Some("0 modules loaded"));
/// ```
pub fn show(rows: &[Row], like: Option<&str>) -> String {
    let like = like.unwrap_or_default().to_lowercase();
    let mut rows: Vec<_> = rows.iter().map(|row| (row.name.to_lowercase(), row)).collect();
    rows.retain(|(name, _)| name.contains(&like));
    rows.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut table = String::new();
    line(&mut table, ["Module", "Description", "Use Count", "Status", "Support Level"]);
    for (_, row) in &rows {
        let status = if row.running { "Running" } else { "Not Running" };
        let count = row.use_count.to_string();
        line(&mut table, [&row.name, &row.description, &count, status, support(row.support)]);
    }
    // A String takes everything.
    let _ = writeln!(table, "{} modules loaded", rows.len());
    table
}

/// The word for a support level.
pub fn support(support: Support) -> &'static str {
    match support {
        Support::Unknown => "unknown",
        Support::Core => "core",
        Support::Extended => "extended",
        Support::Deprecated => "deprecated",
    }
}

fn line(table: &mut String, [name, description, count, status, support]: [&str; 5]) {
    // A String takes everything.
    let _ = writeln!(table, "{name:<30} {description:<40.40} {count:<10} {status:<11} {support:>13}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, description: &str, use_count: usize, running: bool, support: Support) -> Row {
        Row { name: name.into(), description: description.into(), use_count, running, support, reason: None }
    }

    fn rows() -> Vec<Row> {
        let core = Support::Core;
        vec![
            row("res_pjsip_xpidf_body_generator.so", "PJSIP Extension State PIDF Provider", 0, true, core),
            row("res_pjsip_pidf_eyebeam_body_supplement.so", "PJSIP PIDF Eyebeam supplement", 0, true, core),
            row(
                "res_pjsip_pidf_digium_body_supplement.so",
                "PJSIP PIDF Sangoma presence supplement",
                0,
                true,
                core,
            ),
            row("res_pjsip_pidf_body_generator.so", "PJSIP Extension State PIDF Provider", 0, true, core),
            row("res_pjsip.so", "Basic SIP resource", 14, true, core),
            row(
                "Func_devstate.so",
                "Gets or sets a device state in the dialplan",
                0,
                false,
                Support::Deprecated,
            ),
        ]
    }

    #[test]
    fn like_keeps_what_contains_the_text() {
        let golden = include_str!("../testdata/module_show_like_pidf.txt");
        assert_eq!(show(&rows(), Some("PIDF")), golden);
    }

    #[test]
    fn nothing_may_be_left() {
        let golden = include_str!("../testdata/module_show_like_nosuch.txt");
        assert_eq!(show(&rows(), Some("nosuch")), golden);
    }

    #[test]
    fn sorted_by_name_and_cut_to_the_columns() {
        let table = show(&rows(), None);
        let lines: Vec<_> = table.lines().collect();
        assert_eq!(
            lines[1],
            "Func_devstate.so               Gets or sets a device state in the dialp 0          Not Running    deprecated"
        );
        assert_eq!(
            lines[2],
            "res_pjsip.so                   Basic SIP resource                       14         Running              core"
        );
        assert_eq!(lines[7], "6 modules loaded");
    }
}
