//! The exit status is the command's.

mod common;

use common::{Rinit, everywhere};

#[test]
fn every_exit_status_is_handed_on() {
    everywhere(|place| {
        for status in 0..=255 {
            let ended = Rinit::new(place).fixture(&format!("exit {status}")).run();
            assert_eq!(ended.status, status);
            assert_eq!(ended.stderr, "", "a clean run prints nothing");
        }
    });
}
