//! The RPMs.

use std::process::Command;

use crate::common::Directory;
use crate::{ARCHITECTURES, VERSION, architectures, same, sh};

#[test]
fn rpmlint_finds_no_fault_with_the_rpms() {
    let checked = sh("rpmlint --config=.ci/release/rpmlint.toml dist/*.rpm");
    let summary = format!(
        "{} packages and 0 specfiles checked; 0 errors, 0 warnings",
        architectures().count()
    );
    assert!(checked.contains(&summary), "{checked}");
}

#[test]
fn the_rpm_is_installed_and_removed() {
    let root = Directory::new("rpm");
    let rpm = |words: &str| sh(format!("rpm --root {} {words}", root.path().display()));
    rpm(&format!(
        "--install --nosignature dist/rinit-{VERSION}-1.x86_64.rpm"
    ));
    let installed = root.path().join("usr/bin/rinit");
    assert!(same(&installed, ARCHITECTURES[0].binary()));
    let mut rinit = Command::new(&installed);
    let status = rinit.args(["sh", "-c", "exit 7"]).status().expect("rinit");
    assert_eq!(status.code(), Some(7));
    assert_eq!(rpm("--verify rinit"), "");
    rpm("--erase rinit");
    assert!(!installed.exists());
}
