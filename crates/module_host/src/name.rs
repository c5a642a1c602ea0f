//! Names of modules: `res_pjsip`, `res_pjsip.so` and `RES_PJSIP.SO` are the same one.

use std::path::{Path, PathBuf};

/// What two names of one module have in common: lower case, without `.so`.
pub(crate) fn key(name: &str) -> String {
    stem(name).to_ascii_lowercase()
}

/// The name without `.so`, its case kept.
pub(crate) fn stem(name: &str) -> &str {
    match name.len().checked_sub(3).and_then(|at| name.split_at_checked(at)) {
        Some((stem, suffix)) if !stem.is_empty() && suffix.eq_ignore_ascii_case(".so") => stem,
        _ => name,
    }
}

/// The module files of a directory, by name: `res_x` for `res_x.so` and for `libres_x.so`, which
/// is what cargo calls it. Symbolic links count. Empty if the directory cannot be read.
pub(crate) fn files(moddir: &Path) -> Vec<(String, PathBuf)> {
    let entries = moddir.read_dir().into_iter().flatten().flatten();
    let mut files: Vec<_> = entries
        .filter_map(|entry| {
            let file = entry.file_name().into_string().ok()?;
            let stem = stem(&file);
            let is_module = stem.len() < file.len() && entry.path().is_file();
            let name = stem.strip_prefix("lib").unwrap_or(stem);
            is_module.then(|| (name.to_owned(), entry.path()))
        })
        .collect();
    // The plain name before the one with `lib`.
    files.sort_by_cached_key(|(name, path)| (key(name), path.as_os_str().len(), path.clone()));
    files.dedup_by_key(|(name, _)| key(name));
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffix_and_case_do_not_count() {
        for name in ["res_pjsip", "res_pjsip.so", "RES_PJSIP.SO", "Res_PJSIP.So"] {
            assert_eq!(key(name), "res_pjsip", "{name}");
        }
        assert_eq!(key(".so"), ".so");
        assert_eq!(key("so"), "so");
        assert_eq!(key("ä.so"), "ä");
        assert_eq!(key("aäö"), "aäö");
    }

    #[test]
    fn a_directory_has_its_files_and_links_once_each() {
        let dir = tempfile::tempdir().unwrap();
        for file in ["res_a.so", "libres_a.so", "libres_b.so", "notes.txt", ".so"] {
            std::fs::write(dir.path().join(file), "").unwrap();
        }
        std::os::unix::fs::symlink("res_a.so", dir.path().join("res_c.SO")).unwrap();
        std::fs::create_dir(dir.path().join("res_d.so")).unwrap();
        let found: Vec<_> = files(dir.path())
            .into_iter()
            .map(|(name, path)| format!("{name} {}", path.file_name().unwrap().to_str().unwrap()))
            .collect();
        assert_eq!(found, ["res_a res_a.so", "res_b libres_b.so", "res_c res_c.SO"]);
        assert_eq!(files(Path::new("/no/such/directory")), []);
    }
}
