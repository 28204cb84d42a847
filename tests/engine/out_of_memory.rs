//! Where the kernel killed COMMAND for want of memory, a container's limit is named.

use crate::common::engine::Image;

#[test]
fn a_command_that_the_kernel_kills_for_want_of_memory() {
    let Some(image) = Image::scratch() else {
        return;
    };
    let options = ["--memory", "32m", "--memory-swap", "32m"];
    let why = "out of memory, unless another process sent it (kill -9): \
               the out-of-memory killer has struck once since the start (the container's limit is 32 MiB)";
    for (words, how, end) in [
        ("hog", "was killed by SIGKILL", "; status 137"),
        (
            "like hog ,",
            "exited with status 137: a process in the container was killed",
            "",
        ),
    ] {
        let ended = image.run(&options, words);
        let said = format!("rinit: \"/fixture\" (pid 7) {how}: {why}{end}\n");
        // The engine may have something to say of its own, as of a kernel without swap accounting.
        let (_, line) = ended
            .stderr
            .split_once("rinit: ")
            .expect("a word of rinit's");
        assert_eq!(ended.status, 137);
        assert_eq!(format!("rinit: {}", without_pid(line)), said);
    }
    let ended = image.run(&options, "die KILL");
    assert!(
        ended.stderr.contains("not out of memory"),
        "{}",
        ended.stderr
    );
}

/// With the pid 7 in place of the one that the engine's own processes leave to COMMAND.
fn without_pid(line: &str) -> String {
    let (start, rest) = line.split_once("(pid ").expect("a pid");
    let end = rest.trim_start_matches(|digit: char| digit.is_ascii_digit());
    format!("{start}(pid 7{end}")
}
