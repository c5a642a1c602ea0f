//! What files become: objects, remarks and their places.

mod mistakes;
mod objects;
mod robustness;
mod tables;

use std::path::Path;

use super::{Context, NamedAcls, PjsipConfig};

/// Reads `text` as `pjsip.conf`. Each remark is `Severity file:line:column: message`.
pub(crate) fn parse(text: &str) -> (PjsipConfig, Vec<String>) {
    parse_with(text, "")
}

/// Reads `text` as `pjsip.conf` with `acls` as `acl.conf`.
fn parse_with(text: &str, acls: &str) -> (PjsipConfig, Vec<String>) {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("pjsip.conf"), text).expect("a file");
    std::fs::write(dir.path().join("acl.conf"), acls).expect("a file");
    parse_dir(dir.path())
}

/// Reads the `pjsip.conf` and the `acl.conf` of a directory.
fn parse_dir(dir: &Path) -> (PjsipConfig, Vec<String>) {
    let load = |name| conf::Loader::new(dir).load(name).expect("a configuration");
    let (acls, mut remarks) = NamedAcls::parse(&load("acl.conf"));
    let context = Context { product: "Starling test", acls: &acls };
    let (config, more) = PjsipConfig::parse_with(&load("pjsip.conf"), &context);
    remarks.extend(more);
    (config, remarks.iter().map(|it| format!("{:?} {it}", it.severity)).collect())
}
