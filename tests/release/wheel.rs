//! The wheels, for pip.

use crate::common::Directory;
use crate::{architectures, sh};

#[test]
fn pip_puts_rinit_on_the_path() {
    let venv = Directory::new("wheel");
    // Of those for all architectures, pip takes the one for this machine.
    let said = sh(format!(
        "/usr/bin/python3 -m venv {venv}
        . {venv}/bin/activate
        pip install --quiet --disable-pip-version-check --no-index --find-links dist rinit
        command -v rinit
        rinit sh -c 'exit 7' || echo status $?
        pip uninstall --quiet --yes rinit
        ! test -e {venv}/bin/rinit",
        venv = venv.path().display()
    ));
    assert_eq!(
        said,
        format!("{}/bin/rinit\nstatus 7\n", venv.path().display())
    );
}

#[test]
fn pip_finds_a_wheel_for_every_architecture_and_libc() {
    let venv = Directory::new("wheels");
    let venv = venv.path().display();
    sh(format!("/usr/bin/python3 -m venv {venv}"));
    for architecture in architectures() {
        let machine = architecture.name.replace("armv7", "armv7l");
        for platform in ["manylinux2014", "manylinux_2_17", "musllinux_1_1"] {
            sh(format!(
                "{venv}/bin/pip download --quiet --disable-pip-version-check --no-index --find-links dist \
                    --only-binary=:all: --platform {platform}_{machine} --dest {venv}/{platform}_{machine} rinit"
            ));
        }
    }
}
