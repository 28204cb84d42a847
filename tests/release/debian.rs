//! The Debian packages.

use crate::common::{engine, readme};
use crate::{VERSION, architectures, dist, sh};

#[test]
fn debian_finds_no_fault_with_the_packages() {
    for architecture in architectures() {
        let debian = architecture.debian;
        let faults = sh(format!(
            "lintian --allow-root --fail-on=error,warning dist/rinit_{VERSION}-1_{debian}.deb"
        ));
        assert_eq!(faults, "", "{debian}");
    }
}

#[test]
fn the_package_is_installed_and_removed() {
    let debian = engine::debian().expect("an image of Debian");
    let mount = format!("{}:/dist:ro", dist().display());
    let commands = readme::block("`.ci/release/dist` makes", "sh");
    let install = commands
        .strip_prefix(".ci/release/dist\n")
        .expect("what made it");
    let script = "
        cmp /usr/bin/rinit /dist/rinit-x86_64
        rinit sh -c 'exit 7' || echo status $?
        grep --quiet MIT /usr/share/doc/rinit/copyright
        dpkg --contents /dist/rinit_*_amd64.deb | grep --quiet /usr/share/man/man1/rinit.1.gz
        dpkg --purge rinit >/dev/null
        find / -xdev -iname '*rinit*' -not -path '/proc/*' -not -path '/dist*'";
    let said = engine::docker(&[
        "run",
        "--rm",
        "--volume",
        &mount,
        debian,
        "sh",
        "-ec",
        &format!("{{ {install} }} >/dev/null {script}"),
    ]);
    assert_eq!(said, "status 7");
}
