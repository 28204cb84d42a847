//! Log filters keep the last words of those that write to them.

use std::time::{Duration, Instant};

use crate::common::{Rinit, as_pid1, as_pid1_and_subreaper, as_pid1_and_subreaper_at_once};

/// How often each is tried: what is lost only now and then is lost.
const TRIES: usize = 20;

#[test]
fn a_script_that_ends_by_itself_keeps_its_last_line() {
    for (script, last) in [
        (
            r#"exec > >(tee /dev/null) 2>&1; echo "FATAL: why"; exit 3"#,
            "FATAL: why",
        ),
        (
            "exec > >(while read -r line; do echo \"got $line\"; done); \
             for i in {1..300}; do echo $i; done; exit 3",
            "got 300",
        ),
        (
            "exec > >(sed s/^/got-/ | cat); for i in {1..2000}; do echo $i; done; exit 3",
            "got-2000",
        ),
    ] {
        as_pid1(|role| {
            for _ in 0..TRIES {
                let ended = Rinit::new(role).words("-- bash -c").arg(script).run();
                assert_eq!(ended.status, 3, "{script}: {ended:?}");
                assert!(ended.stdout.contains(last), "{script}: {ended:?}");
            }
        });
    }
}

/// Says so five times when it is asked to stop.
const APP: &str = r#"'trap "for i in 1 2 3 4 5; do echo cleanup \$i; sleep 0.02; done; echo saved >&2; exit 0" TERM; echo started; while :; do sleep 0.01; done'"#;

#[test]
fn an_application_behind_filters_says_all_when_it_is_stopped() {
    for (script, status) in [
        ("exec > >(cat); exec bash -c APP", 0),
        ("bash -c APP | cat", 143),
        ("bash -c APP | cat | sed -u s/c/c/", 143),
        (
            "f=$(mktemp -u); mkfifo $f; cat < $f & exec > $f; rm $f; exec bash -c APP",
            0,
        ),
    ] {
        as_pid1_and_subreaper(|role| {
            let script = script.replace("APP", APP);
            let rinit = Rinit::new(role).words("-- bash -c").arg(&script).start();
            rinit.says("started");
            rinit.send(libc::SIGTERM);
            let ended = rinit.end();
            assert_eq!(ended.status, status, "{script}: {ended:?}");
            assert!(ended.stdout.contains("cleanup 5"), "{script}: {ended:?}");
            assert!(ended.stderr.contains("saved"), "{script}: {ended:?}");
        });
    }
}

#[test]
fn a_filter_that_outlives_its_input_is_asked_in_the_end() {
    as_pid1_and_subreaper(|role| {
        let deaf = r#"exec > >(trap "" TERM; cat; trap "echo asked; exit" TERM; while :; do sleep 0.01; done)"#;
        let script = format!("{deaf}; exec bash -c {APP}");
        let rinit = Rinit::new(role).words("-- bash -c").arg(&script).start();
        rinit.says("started");
        rinit.send(libc::SIGTERM);
        let ended = rinit.end();
        assert!(ended.stdout.contains("cleanup 5"), "{ended:?}");
        assert!(ended.stdout.contains("asked"), "{ended:?}");
    });
}

#[test]
fn a_filter_that_has_lost_its_writer_to_the_stop_reads_all() {
    // It does not begin before: then it has read nothing when the writer dies. And the writer
    // does not say itself that it is there: that would turn its standard output elsewhere.
    let script = r#"gate=$(mktemp -u); trap ": > $gate; wait" TERM
        { for i in {1..300}; do echo $i; done; bash -c "echo started >&2"; exec sleep 1000; } |
            { echo waiting; until [ -e $gate ]; do sleep 0.01; done; rm $gate; while read -r line; do echo "got $line"; done; } &
        wait"#;
    as_pid1_and_subreaper(|role| {
        for _ in 0..TRIES / 4 {
            let rinit = Rinit::new(role).words("-- bash -c").arg(script).start();
            rinit.complains("started");
            rinit.says("waiting");
            rinit.send(libc::SIGTERM);
            let ended = rinit.end();
            assert!(ended.stdout.contains("got 300"), "{ended:?}");
        }
    });
}

#[test]
fn a_server_at_the_end_or_in_the_middle_of_a_pipeline_is_asked() {
    const SERVER: &str = r#"bash -c 'trap "echo saved >&2; exit" TERM; bash -c "echo started >&2"; while :; do sleep 0.01; done'"#;
    for pipeline in [
        // What it does not read ends never.
        "yes | SERVER",
        "tail -f /dev/null | SERVER | cat",
        // The first to be asked cannot be one whose writers are gone.
        "cat < $fifo | SERVER > $fifo",
    ] {
        as_pid1_and_subreaper_at_once(|role| {
            let pipeline = pipeline.replace("SERVER", SERVER);
            let script =
                format!("fifo=$(mktemp -u); mkfifo $fifo; trap 'rm $fifo; exit' TERM; {pipeline}");
            let rinit = Rinit::new(role).words("-- bash -c").arg(&script).start();
            rinit.complains("started");
            rinit.send(libc::SIGTERM);
            let ended = rinit.end();
            assert!(ended.stderr.contains("saved"), "{script}: {ended:?}");
        });
    }
}

#[test]
fn where_nothing_is_left_the_end_is_prompt() {
    as_pid1(|role| {
        let times = (0..TRIES).map(|_| {
            let start = Instant::now();
            let rinit = Rinit::new(role).words("-- sh -c").arg("echo said | cat");
            assert_eq!(rinit.run().status, 0);
            start.elapsed()
        });
        // The quickest of them: a busy machine may hold up the others.
        assert!(times.min() < Some(Duration::from_millis(250)));
    });
}
