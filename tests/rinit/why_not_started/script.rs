//! Scripts, their first lines and their interpreters.

use std::fs;

use super::{PATH, PROGRAM_HEADER_SIZE, expect, in_image, run, set_mode, with_file};
use crate::common::elf_samples;

#[test]
fn a_script_whose_interpreter_is_missing() {
    with_file("interpreter", "#!/opt/bin/bash -e\n", |directory| {
        expect(
            run(directory, "./app"),
            126,
            &[
                "cannot run \"./app\": its first line asks for \"/opt/bin/bash\", which does not exist",
                "install \"/opt/bin/bash\" in the image, or write #!/bin/sh there if that will do",
            ],
        );
        // The one in PATH was meant, even if the search went on behind it.
        let bin = directory.path().display();
        expect(
            run(directory, "app").env("PATH", format!("{bin}:/bin")),
            126,
            &[
                &format!(
                    "cannot run \"{bin}/app\": its first line asks for \"/opt/bin/bash\", which does not exist"
                ),
                "install \"/opt/bin/bash\" in the image, or write #!/bin/sh there if that will do",
            ],
        );
    });
    with_file("relative-interpreter", "#!python3\n", |directory| {
        expect(
            run(directory, "./app"),
            126,
            &[
                "cannot run \"./app\": its first line asks for \"python3\", which does not exist",
                "write its full path there, or: #!/usr/bin/env NAME",
            ],
        );
    });
}

#[test]
fn a_script_in_an_image_without_a_shell() {
    let cannot = "cannot run \"/app\": its first line asks for \"/bin/sh\", which does not exist";
    let cure = "this image has no shell: install one, or run a program instead of a script";
    in_image("no-shell", &[("app", b"#!/bin/sh\n")], |rinit| {
        expect(rinit, 126, &[cannot, cure]);
    });
}

#[test]
fn a_script_whose_lines_end_as_on_windows() {
    with_file(
        "windows-lines",
        "#!/bin/sh\r\necho hello\r\n",
        |directory| {
            expect(
                run(directory, "./app"),
                126,
                &[
                    r#"cannot run "./app": it has Windows line endings, so its first line asks for "/bin/sh\r""#,
                    r"convert it: sed -i 's/\r$//' ./app  (and for git, in .gitattributes: *.sh text eol=lf)",
                ],
            );
        },
    );
}

#[test]
fn a_script_that_asks_env_and_whose_lines_end_as_on_windows() {
    with_file("env-windows", "#!/usr/bin/env sh\r\n", |directory| {
        let file = directory.path().join("./app").canonicalize();
        let file = file.expect("a file").display().to_string();
        let ended = run(directory, "./app").run();
        let said = format!(
            r#"rinit: cannot run "{file}": it has Windows line endings, so its first line asks env for "sh\r"
       convert it: sed -i 's/\r$//' {file}  (and for git, in .gitattributes: *.sh text eol=lf)
"#
        );
        // Behind what env says itself.
        assert!(ended.stderr.ends_with(&said), "{}", ended.stderr);
        assert_eq!(ended.status, 127);
    });
}

#[test]
fn a_script_that_asks_env_for_what_is_not_in_path() {
    for (line, asked, cure) in [
        (
            "#!/usr/bin/env no-such-node",
            "no-such-node",
            "install \"no-such-node\" in the image, or add its directory to PATH",
        ),
        (
            "#!/usr/bin/env -S no-such-node --flag",
            "no-such-node",
            "install \"no-such-node\" in the image, or add its directory to PATH",
        ),
        (
            "#!/usr/bin/env sh -e",
            "sh -e",
            "env takes all of that for one name; write: #!/usr/bin/env -S sh -e",
        ),
    ] {
        with_file("env", format!("{line}\n"), |directory| {
            let bin = directory.path().display();
            let ended = run(directory, "app")
                .env("PATH", format!("{bin}:{PATH}"))
                .run();
            let said = format!(
                "rinit: cannot run \"{bin}/app\": its first line asks env for \"{asked}\", which is not in PATH\n       {cure}\n"
            );
            assert!(ended.stderr.ends_with(&said), "{}", ended.stderr);
            assert_eq!(ended.status, 127);
        });
    }
}

#[test]
fn a_script_that_ends_with_127_for_a_reason_of_its_own() {
    for script in [
        "#!/usr/bin/env sh\nexit 127\n",
        "#!/usr/bin/env -S sh\nexit 127\n",
        "#!/bin/sh\nexit 127\n",
    ] {
        with_file("own-127", script, |directory| {
            let ended = run(directory, "./app").run();
            assert_eq!((ended.status, &*ended.stderr), (127, ""));
        });
    }
}

#[test]
fn an_env_that_found_what_it_was_asked_for_is_not_blamed() {
    with_file(
        "found-by-env",
        "#!/usr/bin/env no-such-node\n",
        |directory| {
            fs::create_dir(directory.path().join("bin")).expect("a directory");
            directory.executable("bin/no-such-node", "#!/bin/sh\nexit 127\n");
            let app = directory.path().join("app").display().to_string();
            let ended = run(directory, &app).env("PATH", "bin:/usr/bin").run();
            assert_eq!((ended.status, &*ended.stderr), (127, ""));
        },
    );
}

#[test]
fn a_script_of_the_same_name_that_could_not_be_run_is_not_blamed() {
    with_file("namesake", "#!/bin/sh\nexit 127\n", |directory| {
        fs::create_dir(directory.path().join("first")).expect("a directory");
        directory.executable("first/app", "#!/usr/bin/env no-such-node\n");
        set_mode(directory, "first/app", 0o644);
        let path = directory.path().display();
        let ended = run(directory, "app")
            .env("PATH", format!("{path}/first:{path}"))
            .run();
        assert_eq!((ended.status, &*ended.stderr), (127, ""));
    });
}

#[test]
fn quiet_leaves_an_env_that_fails_to_env() {
    with_file("quiet-env", "#!/usr/bin/env no-such-node\n", |directory| {
        let ended = run(directory, "./app").env("RINIT_QUIET", "1").run();
        assert!(!ended.stderr.contains("rinit"), "{}", ended.stderr);
        assert_eq!(ended.status, 127);
    });
}

#[test]
fn a_script_whose_interpreter_may_not_be_executed() {
    with_file("plain-interpreter", "#!./lisp\n", |directory| {
        directory.executable("lisp", "#!/bin/sh\n");
        set_mode(directory, "lisp", 0o644);
        expect(
            run(directory, "./app"),
            126,
            &[
                "cannot run \"./lisp\", which \"./app\" needs: nobody may execute it (its mode is 0644)",
                "in the Dockerfile: RUN chmod a+rx ./lisp, or COPY --chmod=755",
            ],
        );
    });
}

#[test]
fn a_script_whose_interpreter_is_a_text() {
    with_file("text-interpreter", "#!./lisp\n", |directory| {
        directory.executable("lisp", "echo hello\n");
        expect(
            run(directory, "./app"),
            126,
            &[
                "cannot run \"./lisp\", which \"./app\" needs: it is text without a #! line",
                "put a program in its place",
            ],
        );
    });
}

#[test]
fn a_script_whose_interpreter_is_damaged() {
    let mut damaged = elf_samples::dynamic();
    damaged[PROGRAM_HEADER_SIZE] = 0;
    with_file("damaged-interpreter", "#!./lisp\n", |directory| {
        directory.executable("lisp", &damaged);
        expect(
            run(directory, "./app"),
            126,
            &[
                "cannot run \"./lisp\", which \"./app\" needs: it is a program, but damaged or truncated",
                "copy or build it again, and compare its size",
            ],
        );
    });
}

#[test]
fn a_script_that_is_its_own_interpreter() {
    with_file("own-interpreter", "#!./app\n", |directory| {
        expect(
            run(directory, "./app"),
            126,
            &[
                "cannot run \"./app\": its interpreter is a script, the interpreter of that is another, and so on",
                "write the path of a program there that is not a script, such as #!/bin/sh",
            ],
        );
    });
}

#[test]
fn a_script_whose_interpreter_is_a_script_runs() {
    with_file("script-interpreter", "#!./lisp\n", |directory| {
        directory.executable("lisp", "#!/bin/sh\necho \"lisp runs $1\"\n");
        let ended = run(directory, "./app").run();
        assert_eq!((ended.status, &*ended.stdout), (0, "lisp runs ./app\n"));
    });
}

#[test]
fn a_first_line_that_names_nothing() {
    let too_long = format!("#!/{}/sh\n", "x".repeat(300));
    for content in ["#!\necho hello\n", "#!  \t\n", &too_long] {
        with_file("no-interpreter", content, |directory| {
            expect(
                run(directory, "./app"),
                126,
                &[
                    "cannot run \"./app\": its first line begins with #! and names no program within its first 255 bytes",
                    "write the path of a program there, such as #!/bin/sh",
                ],
            );
        });
    }
}

#[test]
fn a_text_without_a_hash_bang_line_runs_under_the_shell() {
    with_file("text", "echo \"$# $1 $0\" käse\n", |directory| {
        let ended = run(directory, "./app").arg("a b").run();
        assert_eq!(
            (ended.status, &*ended.stdout, &*ended.stderr),
            (0, "1 a b ./app käse\n", "")
        );
        let ended = run(directory, "app")
            .env("PATH", format!("{}:/bin", directory.path().display()))
            .run();
        assert_eq!((ended.status, &*ended.stderr), (0, ""));
    });
}

#[test]
fn a_text_in_an_image_without_a_shell() {
    let cannot = "cannot run \"/app\": it is text without a #! line";
    let cure = "text is run by /bin/sh, which cannot be run here";
    in_image("text-no-shell", &[("app", b"echo hello\n")], |rinit| {
        expect(rinit, 126, &[cannot, cure]);
    });
}
