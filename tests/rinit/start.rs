//! The command starts exactly as if rinit were not there, and rinit holds on to nothing of its.

mod inherited;
mod search;

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStringExt;

use crate::common::{Directory, Rinit, Role, fixture};

/// What the fixture reports of its start under rinit, after a comparison with its start without.
fn same_with_and_without(name: &str, role: Role, prepare: impl Fn(Rinit) -> Rinit) -> String {
    let directory = Directory::new(&format!("{name}-{role:?}-same"));
    // Not pipes, which differ from start to start.
    let standard = [0, 1, 2].map(|number| {
        File::options()
            .read(true)
            .append(true)
            .create(true)
            .open(directory.path().join(number.to_string()))
            .expect("a file")
    });
    let file = directory.path().join("report");
    let report = |rinit: Rinit| {
        let [stdin, stdout, stderr] = standard
            .each_ref()
            .map(|file| file.try_clone().expect("another descriptor"));
        let rinit = prepare(rinit.stdin(stdin).stdout(stdout).stderr(stderr));
        let ended = rinit
            .arg("report")
            .arg(&file)
            .words("exit 42")
            .arg("")
            .arg("--version")
            .arg(OsString::from_vec(vec![0xff, 0xfe]))
            .run();
        assert_eq!(ended.status, 42);
        let report = fs::read_to_string(&file).expect("a report");
        fs::remove_file(&file).expect("it was there");
        report
    };
    let without = report(Rinit::program(role, &fixture()));
    let with = report(Rinit::new(role).arg("--").arg(fixture()));
    assert_eq!(with, without, "with rinit, and without");
    let said = standard
        .each_ref()
        .map(|file| file.metadata().expect("a file").len());
    assert_eq!(said, [0; 3], "a clean run prints nothing");
    with
}

/// Before exec: closes the standard descriptors whose bits are not set.
fn close_all_but(open: u8) -> io::Result<()> {
    for descriptor in (0..3).filter(|descriptor| open & (1 << descriptor) == 0) {
        nix::unistd::close(descriptor)?;
    }
    Ok(())
}
