//! The manual page, which `cargo run --example manual` prints.

use std::fs;
use std::process::Command;

use crate::common::{Directory, example, skip};

#[test]
fn man_has_nothing_to_warn_of_in_the_manual_page() {
    let directory = Directory::new("manual");
    let page = directory.path().join("rinit.1");
    let printed = Command::new(example("manual")).output().expect("the page");
    assert!(printed.status.success(), "{printed:?}");
    fs::write(&page, printed.stdout).expect("a file");
    let shown = Command::new("man")
        .args(["--warnings", "--encoding=UTF-8", "--local-file"])
        .arg(&page)
        .envs([("LC_ALL", "C.UTF-8"), ("MANWIDTH", "80")])
        .output();
    let Ok(shown) = shown else {
        skip("there is no man (apt install man-db groff-base)");
        return;
    };
    assert_eq!(String::from_utf8_lossy(&shown.stderr), "");
    let text = String::from_utf8_lossy(&shown.stdout);
    assert!(shown.status.success() && text.contains("--grace"), "{text}");
}
