//! Tells the program who built it, where and when (`core show version`).

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=SOURCE_DATE_EPOCH");
    let output = |program: &str, arguments: &[&str]| {
        let output =
            Command::new(program).args(arguments).output().ok().filter(|output| output.status.success())?;
        String::from_utf8(output.stdout)
            .ok()
            .map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty())
    };
    let date = match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(epoch) => output("date", &["-u", "-d", &format!("@{epoch}"), "+%F %T UTC"]),
        Err(_) => output("date", &["-u", "+%F %T UTC"]),
    };
    let values = [
        ("STARLING_BUILD_USER", output("id", &["-un"])),
        ("STARLING_BUILD_HOST", output("uname", &["-n"])),
        ("STARLING_BUILD_DATE", date),
    ];
    for (name, value) in values {
        println!("cargo::rustc-env={name}={}", value.as_deref().unwrap_or("unknown"));
    }
}
