//! What is released is small, lists what it is made of, and can be verified.

use std::collections::BTreeSet;
use std::fs;

use crate::common::Directory;
use crate::{ARCHITECTURES, architectures, dist, sh};

#[test]
fn the_binary_is_small() {
    let size = fs::metadata(ARCHITECTURES[0].binary()).expect("a binary");
    assert!(size.len() <= 256 * 1024, "{} bytes", size.len());
}

#[test]
fn the_checksums_are_those_of_all_files() {
    let checksums = fs::read_to_string(dist().join("SHA256SUMS")).expect("checksums");
    let listed: BTreeSet<String> = checksums
        .lines()
        .filter_map(|line| line.split_whitespace().nth(1))
        .map(str::to_owned)
        .collect();
    let mut there: BTreeSet<String> = fs::read_dir(dist())
        .expect("dist")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    there.retain(|name| !name.starts_with("SHA256SUMS"));
    assert_eq!(listed, there);
    sh("cd dist; sha256sum --check --strict SHA256SUMS");
}

#[test]
fn the_binaries_list_their_crates_for_scanners() {
    let components = fs::read_to_string(dist().join("rinit.cdx.json")).expect("the components");
    for architecture in architectures() {
        let name = architecture.name;
        let listed = sh(format!(
            "rust-audit-info dist/rinit-{name} | jq --raw-output '
                .packages[] | select(.kind != \"build\") | \"pkg:cargo/\\(.name)@\\(.version)\"'"
        ));
        assert!(listed.lines().count() > 5, "{name}: {listed}");
        for purl in listed.lines() {
            assert!(
                components.contains(&format!("\"{purl}\"")),
                "{name}: {purl}"
            );
        }
    }
}

#[test]
fn a_release_is_signed_and_verified_with_a_key_of_ones_own() {
    let (_, block) = include_str!("../../.github/CONTRIBUTING.md")
        .split_once("```sh\ngpg ")
        .expect("the commands");
    let commands = block.split_once("```").expect("their end").0;
    let home = Directory::new("gpg");
    let said = sh(format!(
        "export GNUPGHOME={home}
        trap 'gpgconf --kill all' EXIT
        chmod 700 $GNUPGHOME
        gpg --batch --passphrase '' --quick-generate-key 'Somebody <somebody@invalid>'
        mkdir $GNUPGHOME/dist
        cp dist/SHA256SUMS $GNUPGHOME/dist
        cd $GNUPGHOME
        exec 2>&1
        gpg {commands}",
        home = home.path().display()
    ));
    assert!(said.contains("Good signature"), "{said}");
}
