//! Where COMMAND's name leads to nothing that could be run.

use std::fs;
use std::os::unix::fs::symlink;

use super::{PATH, expect, in_directory, run, with_file};
use crate::common::{Rinit, as_pid1_and_subreaper};

#[test]
fn a_program_that_is_not_in_path() {
    as_pid1_and_subreaper(|role| {
        expect(
            Rinit::new(role).env("PATH", PATH).arg("no-such-program"),
            127,
            &[
                "cannot run \"no-such-program\": there is no such program in PATH",
                "install it in the image, or give its full path",
                "PATH is \"/usr/local/bin:/usr/bin:/bin\"",
            ],
        );
    });
}

#[test]
fn path_may_be_empty_or_not_set() {
    in_directory("no-path", |directory| {
        expect(
            run(directory, "true").env("PATH", ""),
            127,
            &[
                "cannot run \"true\": there is no such program in PATH",
                "install it in the image, or give its full path",
                "PATH is \"\"",
            ],
        );
        expect(
            run(directory, "no-such-program").without_env("PATH"),
            127,
            &[
                "cannot run \"no-such-program\": there is no such program in PATH",
                "install it in the image, or give its full path",
                "PATH is not set; the directories searched are \
                 \"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\"",
            ],
        );
        let ended = run(directory, "true").without_env("PATH").run();
        assert_eq!((ended.status, &*ended.stderr), (0, ""));
    });
}

#[test]
fn a_program_in_the_working_directory_that_is_not_in_path() {
    with_file("here", "#!/bin/sh\n", |directory| {
        expect(
            run(directory, "app"),
            127,
            &[
                "cannot run \"app\": there is no such program in PATH",
                "there is one in the working directory: to run that, write ./app",
                "PATH is \"/usr/local/bin:/usr/bin:/bin\"",
            ],
        );
    });
}

#[test]
fn a_name_in_another_case() {
    with_file("case", "#!/bin/sh\n", |directory| {
        let bin = directory.path().display();
        expect(
            run(directory, "APP").env("PATH", format!("/bin:{bin}")),
            127,
            &[
                "cannot run \"APP\": there is no such program in PATH",
                &format!("there is \"{bin}/app\": check upper and lower case"),
                &format!("PATH is \"/bin:{bin}\""),
            ],
        );
        expect(
            run(directory, "./App"),
            127,
            &[
                "cannot run \"./App\": there is no such file",
                "there is \"./app\": check upper and lower case",
            ],
        );
        expect(
            run(directory, "/BIN/true"),
            127,
            &[
                "cannot run \"/BIN/true\": there is no directory \"/BIN\"",
                "there is \"/bin\": check upper and lower case",
            ],
        );
    });
}

#[test]
fn a_name_that_holds_its_arguments_too() {
    in_directory("one-word", |directory| {
        expect(
            run(directory, "sleep 60"),
            127,
            &[
                "cannot run \"sleep 60\": there is no such program in PATH",
                "\"sleep\" is there: pass its arguments as separate words, as in [\"sleep\", \"ARG\"]",
                "PATH is \"/usr/local/bin:/usr/bin:/bin\"",
            ],
        );
    });
}

#[test]
fn a_path_that_holds_its_arguments_too() {
    in_directory("one-word-path", |directory| {
        expect(
            run(directory, "/usr/bin/sleep --flag=/tmp"),
            127,
            &[
                "cannot run \"/usr/bin/sleep --flag=/tmp\": there is no directory \"/usr/bin/sleep --flag=\"",
                "\"/usr/bin/sleep\" is there: pass its arguments as separate words, as in [\"/usr/bin/sleep\", \"ARG\"]",
            ],
        );
    });
}

#[test]
fn what_only_a_shell_understands() {
    let line = "only a shell understands it: leave it out, or have one run the whole line: [\"sh\", \"-c\", \"LINE\"]";
    let variable = "nothing replaces variables or ~ here: write the name itself, or [\"sh\", \"-c\", \"exec $APP\"]";
    let assignment =
        "set variables with ENV in the Dockerfile, or by env: [\"env\", \"NAME=VALUE\", \"app\"]";
    let quotes = "the quotes are part of the name here: leave them out";
    in_directory("shell-words", |directory| {
        for (word, cure) in [
            ("$APP", variable),
            ("sleep $SECONDS", variable),
            ("exec", line),
            ("ulimit -n 9", line),
            ("sleep;", line),
            ("A=b", assignment),
            ("A=b sleep 1", assignment),
            ("'sleep'", quotes),
        ] {
            let text = format!("cannot run \"{word}\": there is no such program in PATH");
            let path = "PATH is \"/usr/local/bin:/usr/bin:/bin\"";
            expect(run(directory, word), 127, &[&text, cure, path]);
        }
        for (path, missing, cure) in [
            ("cd /app", "directory \"cd \"", line),
            ("~/app", "directory \"~\"", variable),
            ("$HOME/app", "directory \"$HOME\"", variable),
            ("'/bin/sleep'", "directory \"'\"", quotes),
            ("/bin/no-such;", "such file", line),
        ] {
            let ended = run(directory, path).run();
            let (what, cure) = (
                format!("there is no {missing}\n"),
                format!("       {cure}\n"),
            );
            assert!(
                ended.stderr.contains(&what) && ended.stderr.ends_with(&cure),
                "{}",
                ended.stderr
            );
        }
    });
}

#[test]
fn an_empty_name() {
    in_directory("empty-name", |directory| {
        expect(
            run(directory, ""),
            127,
            &[
                "cannot run \"\": its name is empty",
                "see whether the variable that should hold it is empty",
            ],
        );
    });
}

#[test]
fn a_file_or_a_directory_that_does_not_exist() {
    in_directory("missing", |directory| {
        let check = "check the path, the COPY lines of the Dockerfile, and volumes mounted over it";
        for (command, what) in [
            ("./app", "there is no such file"),
            ("/usr/bin/no-such-program", "there is no such file"),
            ("./bin/app", "there is no directory \"./bin\""),
            ("/no/such/program", "there is no directory \"/no\""),
        ] {
            let first = format!("cannot run \"{command}\": {what}");
            expect(run(directory, command), 127, &[&first, check]);
        }
    });
}

#[test]
fn a_file_on_the_way_that_is_no_directory() {
    with_file("not-a-directory", "#!/bin/sh\n", |directory| {
        for command in ["./app/app", "./app/"] {
            expect(
                run(directory, command),
                127,
                &[
                    &format!("cannot run \"{command}\": \"./app\" is not a directory"),
                    "check the path: it treats a file as a directory",
                ],
            );
        }
    });
}

#[test]
fn a_symbolic_link_that_leads_nowhere() {
    in_directory("dangling", |directory| {
        let path = directory.path();
        symlink("releases/5", path.join("current")).expect("a link");
        symlink("../lib/tool", path.join("tool")).expect("a link");
        let cure = "put what it leads to into the image too, or correct the link";
        expect(
            run(directory, "./current/app"),
            127,
            &[
                "cannot run \"./current/app\": the symbolic link \"./current\" leads to \"./releases\", which does not exist",
                cure,
            ],
        );
        let bin = path.display();
        expect(
            run(directory, "tool").env("PATH", format!("/bin:{bin}")),
            127,
            &[
                &format!(
                    "cannot run \"{bin}/tool\": the symbolic link \"{bin}/tool\" leads to \"{bin}/../lib\", which does not exist"
                ),
                cure,
            ],
        );
    });
}

/// As where /bin leads to usr/bin.
#[test]
fn a_link_on_the_way_is_not_blamed_for_what_is_missing_behind_it() {
    in_directory("merged", |directory| {
        let path = directory.path();
        fs::create_dir_all(path.join("usr/bin")).expect("a directory");
        symlink("usr/bin", path.join("bin")).expect("a link");
        let cure = "check the path, the COPY lines of the Dockerfile, and volumes mounted over it";
        expect(
            run(directory, "./bin/curl"),
            127,
            &["cannot run \"./bin/curl\": there is no such file", cure],
        );
        expect(
            run(directory, "./bin/tools/curl"),
            127,
            &[
                "cannot run \"./bin/tools/curl\": there is no directory \"./usr/bin/tools\"",
                cure,
            ],
        );
        // The second link is in order; it is the first that leads to nowhere through it.
        symlink("bin/gone", path.join("tool")).expect("a link");
        expect(
            run(directory, "./tool"),
            127,
            &[
                "cannot run \"./tool\": the symbolic link \"./tool\" leads to \"./usr/bin/gone\", which does not exist",
                "put what it leads to into the image too, or correct the link",
            ],
        );
    });
}

#[test]
fn a_symbolic_link_that_leads_to_itself() {
    in_directory("loop", |directory| {
        symlink("two", directory.path().join("one")).expect("a link");
        symlink("one", directory.path().join("two")).expect("a link");
        expect(
            run(directory, "./one"),
            126,
            &[
                "cannot run \"./one\": the symbolic link \"./one\" leads back to itself",
                "see where it leads, and correct it: ls -l ./one",
            ],
        );
    });
}
