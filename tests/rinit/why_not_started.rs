//! Why COMMAND does not start is said: what is wrong with which file, and what to do. Each situation is a real one.

use std::ffi::OsString;
use std::fs::{self, File, Permissions};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::process::Command;

use crate::common::elf_samples::{self, Machine};
use crate::common::{
    Directory, Rinit, Role, as_pid1, as_pid1_and_subreaper, binary, fixture, skip,
};
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::stat::Mode;
use nix::sys::utsname::uname;
use nix::unistd::{Gid, Uid, chroot, mkfifo, setgroups, setresgid, setresuid};

const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Its exit status, and all that it says: the first line without `rinit: `, the others without their indentation.
fn expect(rinit: Rinit, status: i32, lines: &[&str]) {
    let ended = rinit.run();
    let said = format!("rinit: {}\n", lines.join("\n       "));
    assert_eq!((ended.stderr, ended.status), (said, status));
    assert!(lines.len() <= 3, "a tired person reads three lines");
}

/// Runs COMMAND in that directory, as the first process.
fn run(directory: &Directory, command: &str) -> Rinit {
    Rinit::new(Role::Pid1)
        .directory(directory.path())
        .env("PATH", PATH)
        .arg("--")
        .arg(command)
}

/// A test in a directory of its own.
fn in_directory(name: &str, test: impl Fn(&Directory)) {
    as_pid1(|_| test(&Directory::new(name)));
}

/// The same for a file `app` of these bytes, which may be executed.
fn with_file(name: &str, content: impl AsRef<[u8]>, test: impl Fn(&Directory)) {
    in_directory(name, |directory| {
        directory.executable("app", content.as_ref());
        test(directory);
    });
}

fn set_mode(directory: &Directory, name: &str, mode: u32) {
    let path = directory.path().join(name);
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("a mode");
}

/// This machine's architecture, as rinit is to call it.
fn machine() -> (&'static str, &'static str) {
    match uname().expect("a kernel").machine().to_str() {
        Some("x86_64") => ("amd64", "amd64 (x86_64)"),
        Some("aarch64") => ("arm64", "arm64 (aarch64)"),
        other => panic!("what Docker calls {other:?} is to be added here"),
    }
}

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
    let variable = "nothing replaces variables here: write the name itself, or [\"sh\", \"-c\", \"exec $APP\"]";
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

/// What of these bytes is said, which are no program and no text.
fn is_no_program(name: &str, content: &[u8], what: &str, cure: &str) {
    with_file(name, content, |directory| {
        let first = format!("cannot run \"./app\": it is {what}");
        expect(run(directory, "./app"), 126, &[&first, cure]);
    });
}

#[test]
fn a_binary_never_runs_under_the_shell() {
    for content in [
        &b"echo hello\n\0"[..],
        b"\x01echo hello\n",
        b"\0asm\x01\0\0\0",
    ] {
        is_no_program(
            "binary",
            content,
            "neither a program nor a script",
            "a script begins with #! and the path of the program that reads it",
        );
    }
}

#[test]
fn an_empty_file() {
    let cure = "see whether building, downloading or copying it failed";
    is_no_program("empty", b"", "empty", cure);
}

#[test]
fn a_byte_order_mark() {
    with_file("mark", "\u{feff}#!/bin/sh\n", |directory| {
        expect(
            run(directory, "./app"),
            126,
            &[
                "cannot run \"./app\": a byte order mark hides its first line, which begins with #!",
                r"remove the mark: sed -i '1s/^\xEF\xBB\xBF//' ./app",
            ],
        );
        // The cure cures.
        let cured = Command::new("sed")
            .args(["-i", r"1s/^\xEF\xBB\xBF//", "app"])
            .current_dir(directory.path())
            .status();
        assert!(cured.is_ok_and(|status| status.success()));
        assert_eq!(run(directory, "./app").run().status, 0);
    });
    is_no_program(
        "utf-16",
        b"\xff\xfe#\0!\0/\0b\0i\0n\0/\0s\0h\0\r\0\n\0",
        "text in UTF-16, as Windows writes it",
        "save it as UTF-8, without a byte order mark and with Unix line endings",
    );
}

#[test]
fn a_program_of_another_system() {
    let cure = "build it for Linux (with Go: GOOS=linux)";
    let windows = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0\xb8\0\0\0\0\0\0\0\x40\0\0\0";
    is_no_program("windows", windows, "a program for Windows", cure);
    for (name, content) in [
        ("macos", b"\xcf\xfa\xed\xfe\x0c\0\0\x01\0\0\0\0\x02\0\0\0"),
        (
            "macos-universal",
            b"\xca\xfe\xba\xbe\0\0\0\x02\x01\0\0\x07\0\0\0\x03",
        ),
    ] {
        is_no_program(name, content, "a program for macOS", cure);
    }
}

#[test]
fn an_archive() {
    let cure = "unpack it in the image, and run what is in it";
    let tar = Command::new("tar")
        .args(["--create", "--directory=/etc", "hostname"])
        .output()
        .expect("tar");
    // Each holds a file with "hi" in it, packed by the program of its name.
    for (name, content, what) in [
        ("tar", &tar.stdout[..], "a tar archive"),
        (
            "gzip",
            b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xcb\xc8\x04\0\xac*\x93\xd8\x02\0\0\0",
            "a gzip archive",
        ),
        (
            "xz",
            b"\xfd7zXZ\0\0\x04\xe6\xd6\xb4F\x02\0!\x01\x16\0\0\0t/\xe5\xa3\x01\0\x01hi\0\0",
            "an xz archive",
        ),
        (
            "zstd",
            b"(\xb5/\xfd$\x02\x11\0\0hi\xfa8&\xea",
            "a zstd archive",
        ),
        (
            "bzip2",
            b"BZh91AY&SY\x9a\x89\xb4\"\0\0\0\x01\0\0` \0!\0\x82\xb1w$S\x85\t\t\xa8\x9bB ",
            "a bzip2 archive",
        ),
        (
            "ar",
            b"!<arch>\nf/              0           0     0     644     2         `\nhi",
            "an ar archive",
        ),
    ] {
        is_no_program(name, content, &format!("{what}, not a program"), cure);
    }
    is_no_program(
        "zip",
        b"PK\x03\x04\x0a\0\0\0\0\0C\x9eu]\xac*\x93\xd8\x02\0\0\0\x02\0\0\0\x01\0\0\0fhi",
        "a zip archive, not a program",
        "unpack it in the image; a .jar is run by: java -jar FILE",
    );
}

/// What Docker calls a machine, and the kernel.
const MACHINES: [(&str, Machine); 9] = {
    const fn little(number: u16, bits: u32) -> Machine {
        Machine {
            number,
            bits,
            is_little_endian: true,
        }
    }
    [
        ("amd64 (x86_64)", little(62, 64)),
        ("arm64 (aarch64)", little(183, 64)),
        ("arm", little(40, 32)),
        ("ppc64le", little(21, 64)),
        ("riscv64", little(243, 64)),
        ("loong64 (loongarch64)", little(258, 64)),
        ("mips64le (mips64el)", little(8, 64)),
        (
            "s390x",
            Machine {
                number: 22,
                bits: 64,
                is_little_endian: false,
            },
        ),
        // Of no machine that Docker knows: SPARC.
        (
            "another architecture",
            Machine {
                number: 43,
                bits: 64,
                is_little_endian: false,
            },
        ),
    ]
};

#[test]
fn a_program_for_another_machine() {
    let (docker, machine) = machine();
    for (name, other) in MACHINES {
        // A machine may run programs of its narrower sister as well.
        if name == machine || (name, docker) == ("arm", "arm64") {
            continue;
        }
        is_no_program(
            "foreign",
            &elf_samples::elf(other, &[]),
            &format!("built for {name}, and this machine is {machine}"),
            &format!("build or pull the image for this machine: --platform linux/{docker}"),
        );
    }
}

/// The kernel says ENOENT then, as if the program itself were not there.
#[test]
fn a_program_for_another_machine_whose_emulator_is_not_there() {
    let (docker, machine) = machine();
    let other = MACHINES
        .into_iter()
        .find(|(name, _)| *name != machine && name.contains("64"))
        .expect("another machine");
    let directory = Directory::new("emulator");
    directory.executable("app", elf_samples::elf(other.1, &[]));
    // Since Linux 6.7, each user namespace may have emulators of its own.
    let script = r#"mount -t binfmt_misc none /proc/sys/fs/binfmt_misc || exit 99
                    echo ':foreign:M:18:\x'$1'\x00::/nowhere/emulator:' >/proc/sys/fs/binfmt_misc/register
                    exec $0 -- ./app"#;
    let ended = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", script])
        .arg(binary())
        .arg(format!("{:02x}", other.1.number))
        .current_dir(directory.path())
        .output()
        .expect("unshare");
    if ended.status.code() == Some(99) {
        return skip("no emulators of a user namespace's own: Linux 6.7");
    }
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    let first = format!(
        "rinit: cannot run \"./app\": it is built for {}, and this machine is {machine}\n",
        other.0
    );
    let cure = format!("build or pull the image for this machine: --platform linux/{docker}\n");
    assert_eq!(
        (said, ended.status.code()),
        (format!("{first}       {cure}"), Some(126))
    );
}

#[test]
fn a_program_of_debians_for_another_machine() {
    let (docker, machine) = machine();
    for (directory, package, name) in [
        ("aarch64-linux-gnu", "arm64", "arm64 (aarch64)"),
        ("arm-linux-gnueabihf", "armhf", "arm"),
        ("powerpc64le-linux-gnu", "ppc64el", "ppc64le"),
        ("s390x-linux-gnu", "s390x", "s390x"),
    ] {
        if package == docker {
            continue;
        }
        let Some(program) = elf_samples::foreign(directory) else {
            skip(&format!("libc6-{package}-cross is not installed"));
            continue;
        };
        let what = format!("built for {name}, and this machine is {machine}");
        let cure = format!("build or pull the image for this machine: --platform linux/{docker}");
        with_file("foreign-program", program, |directory| {
            directory.executable("script", "#!./app\n");
            directory.executable("dynamic", elf_samples::with_loader("./app"));
            for (command, needs) in [
                ("./app", ""),
                ("./script", ", which \"./script\" needs"),
                ("./dynamic", ", which \"./dynamic\" needs"),
            ] {
                expect(
                    run(directory, command),
                    126,
                    &[&format!("cannot run \"./app\"{needs}: it is {what}"), &cure],
                );
            }
        });
    }
}

#[test]
fn a_32_bit_program_runs_or_is_explained() {
    if machine().0 != "amd64" {
        skip("this is about Intel's machines");
        return;
    }
    // exit(42)
    let code = b"\xb8\x01\0\0\0\xbb\x2a\0\0\0\xcd\x80";
    let i386 = Machine {
        number: 3,
        bits: 32,
        is_little_endian: true,
    };
    let cure = "build or pull the image for this machine: --platform linux/amd64";
    let foreign =
        "cannot run \"./app\": it is built for 386 (i386), and this machine is amd64 (x86_64)";
    with_file(
        "i386",
        elf_samples::elf(i386, code),
        |directory| match Command::new(directory.path().join("app")).status() {
            Ok(status) => {
                assert_eq!(status.code(), Some(42));
                assert_eq!(run(directory, "./app").run().status, 42);
            }
            Err(_) => expect(run(directory, "./app"), 126, &[foreign, cure]),
        },
    );
    let Ok(dynamic) = fs::read("/usr/i686-linux-gnu/lib/libc.so.6") else {
        skip("libc6-i386-cross is not installed");
        return;
    };
    with_file("i386-loader", dynamic, |directory| {
        let alone = Command::new(directory.path().join("app")).status();
        let first = match alone.map_err(|error| error.raw_os_error()) {
            Err(Some(libc::ENOENT)) => {
                "cannot run \"./app\": it needs the loader \"/lib/ld-linux.so.2\", which does not exist: it is built for glibc on 386 (i386)"
            }
            Err(Some(libc::ENOEXEC)) => foreign,
            other => {
                skip(&format!(
                    "this machine has the loader of such programs: {other:?}"
                ));
                return;
            }
        };
        expect(run(directory, "./app"), 126, &[first, cure]);
    });
}

/// Where it stands in the header of a program of 64 bits.
const PROGRAM_HEADER_SIZE: usize = 54;

#[test]
fn a_damaged_or_cut_off_program() {
    let cure = "copy or build it again, and compare its size";
    let whole = elf_samples::dynamic();
    let mut damaged = whole.clone();
    damaged[PROGRAM_HEADER_SIZE] = 0;
    for (name, content) in [("damaged", &damaged[..]), ("header", &whole[..40])] {
        is_no_program(name, content, "a program, but damaged or truncated", cure);
    }
    // With more the kernel would start it, and it would crash.
    let inside_loader = elf_samples::place_of_loader(&whole).start + 5;
    for size in [64, 500, inside_loader] {
        with_file("cut-off", &whole[..size], |directory| {
            let ended = run(directory, "./app").run();
            let first = format!(
                "rinit: cannot run \"./app\": it is a program, but damaged or truncated: it has {size} of "
            );
            assert!(ended.stderr.starts_with(&first), "{}", ended.stderr);
            assert!(
                ended.stderr.ends_with(&format!(" bytes\n       {cure}\n")),
                "{}",
                ended.stderr
            );
            assert_eq!(ended.status, 126);
        });
    }
}

#[test]
fn an_object_file_or_a_core_dump() {
    let what = "an object file or a core dump, not a program";
    let mut program = elf_samples::dynamic();
    for kind in [1, 4] {
        program[16] = kind;
        is_no_program("unlinked", &program, what, "link it into a program");
    }
}

/// Runs `/app` in an image of these files and rinit, which may be executed.
fn in_image(name: &str, files: &[(&str, &[u8])], test: impl Fn(Rinit)) {
    in_directory(name, |directory| {
        for (file, content) in files {
            let parent = directory.path().join(file);
            fs::create_dir_all(parent.parent().expect("a directory")).expect("a directory");
            directory.executable(file, content);
        }
        directory.copy(&binary(), "rinit");
        let root = directory.path().to_owned();
        let rinit = Rinit::program(Role::Pid1, "/rinit".as_ref())
            .before_exec(move || {
                chroot(&root)?;
                Ok(nix::unistd::chdir("/")?)
            })
            .words("-- /app");
        test(rinit);
    });
}

#[test]
fn a_program_whose_loader_is_missing() {
    let glibcs = elf_samples::dynamic();
    let musls = elf_samples::with_loader("/lib/ld-musl-x86_64.so.1");
    let others = elf_samples::with_loader("/system/bin/linker64");
    let loader = elf_samples::loader(&glibcs);
    let glibc = format!(
        "cannot run \"/app\": it needs the loader \"{loader}\", which does not exist: it is built for glibc"
    );
    let musl = "cannot run \"/app\": it needs the loader \"/lib/ld-musl-x86_64.so.1\", which does not exist: it is built for musl";
    let elsewhere: (&str, &[u8]) = ("lib/ld-linux-elsewhere.so.2", b"");
    for (program, image, lines) in [
        (
            &glibcs,
            None,
            [
                &*glibc,
                "link it statically, or use an image with glibc (Debian)",
            ],
        ),
        (
            &glibcs,
            Some(("lib/ld-musl-x86_64.so.1", &b""[..])),
            [
                &*glibc,
                "this image has musl (Alpine): build it for that, or use an image with glibc (Debian)",
            ],
        ),
        (
            &glibcs,
            Some(elsewhere),
            [
                &*glibc,
                &format!("link it statically, or put \"{loader}\" into the image too"),
            ],
        ),
        (
            &musls,
            None,
            [
                musl,
                "link it statically, or use an image with musl (Alpine)",
            ],
        ),
        (
            &musls,
            Some(elsewhere),
            [
                musl,
                "this image has glibc (Debian): build it for that, or use an image with musl (Alpine)",
            ],
        ),
        (
            &others,
            None,
            [
                "cannot run \"/app\": it needs the loader \"/system/bin/linker64\", which does not exist",
                "link it statically, or put \"/system/bin/linker64\" into the image too",
            ],
        ),
    ] {
        let files: Vec<(&str, &[u8])> = [("app", &program[..])].into_iter().chain(image).collect();
        in_image("loader", &files, |rinit| expect(rinit, 126, &lines));
    }
}

#[test]
fn a_program_whose_loader_is_damaged() {
    with_file(
        "bad-loader",
        elf_samples::with_loader("./loader"),
        |directory| {
            directory.executable("loader", &elf_samples::dynamic()[..40]);
            expect(
                run(directory, "./app"),
                126,
                &[
                    "cannot run \"./loader\", which \"./app\" needs: it is a program, but damaged or truncated",
                    "copy or build it again, and compare its size",
                ],
            );
            set_mode(directory, "loader", 0o600);
            expect(
                run(directory, "./app"),
                126,
                &[
                    "cannot run \"./loader\", which \"./app\" needs: nobody may execute it (its mode is 0600)",
                    "in the Dockerfile: RUN chmod a+rx ./loader, or COPY --chmod=755",
                ],
            );
        },
    );
}

#[test]
fn a_file_that_nobody_may_execute() {
    with_file("no-execute", "#!/bin/sh\n", |directory| {
        set_mode(directory, "app", 0o644);
        expect(
            run(directory, "./app"),
            126,
            &[
                "cannot run \"./app\": nobody may execute it (its mode is 0644)",
                "in the Dockerfile: RUN chmod a+rx ./app, or COPY --chmod=755",
            ],
        );
        let bin = directory.path().display();
        expect(
            run(directory, "app").env("PATH", format!("{bin}:/bin")),
            126,
            &[
                &format!("cannot run \"{bin}/app\": nobody may execute it (its mode is 0644)"),
                &format!("in the Dockerfile: RUN chmod a+rx {bin}/app, or COPY --chmod=755"),
            ],
        );
    });
}

#[test]
fn a_directory() {
    in_directory("directory", |directory| {
        fs::create_dir(directory.path().join("app")).expect("a directory");
        let bin = directory.path().display().to_string();
        for (command, file) in [("./app", "./app"), ("app", &format!("{bin}/app"))] {
            expect(
                run(directory, command).env("PATH", &bin),
                126,
                &[
                    &format!("cannot run \"{file}\": it is a directory"),
                    "name a program in it; if a file was to be mounted there, the host may not have it",
                ],
            );
        }
    });
}

#[test]
fn a_pipe_a_socket_or_a_device_holds_nothing_up() {
    in_directory("special", |directory| {
        let path = |name: &str| directory.path().join(name);
        mkfifo(&path("pipe"), Mode::from_bits_retain(0o777)).expect("a pipe");
        let _socket = UnixListener::bind(path("socket")).expect("a socket");
        for command in ["./pipe", "./socket", "/dev/zero", "/dev/tty"] {
            expect(
                run(directory, command),
                126,
                &[
                    &format!(
                        "cannot run \"{command}\": it is a pipe, a socket or a device, not a program"
                    ),
                    "check the path",
                ],
            );
        }
        directory.executable("script", "#!./pipe\n");
        directory.executable("program", elf_samples::with_loader("./pipe"));
        for needed_by in ["./script", "./program"] {
            expect(
                run(directory, needed_by),
                126,
                &[
                    &format!(
                        "cannot run \"./pipe\", which \"{needed_by}\" needs: it is a pipe, a socket or a device, not a program"
                    ),
                    "check the path",
                ],
            );
        }
    });
}

#[test]
fn pipes_in_place_of_the_kernels_files_hold_nothing_up() {
    let pipes = ["proc/self/cgroup", "sys/fs/cgroup/memory.events"];
    let files = pipes.map(|pipe| (pipe, &b""[..]));
    in_image("kernels-files", &files, |rinit| {
        let ended = rinit
            .before_exec(move || {
                for pipe in [c"/proc/self/cgroup", c"/sys/fs/cgroup/memory.events"] {
                    nix::unistd::unlink(pipe)?;
                    mkfifo(pipe, Mode::from_bits_retain(0o777))?;
                }
                Ok(())
            })
            .run();
        assert_eq!(ended.status, 127, "{}", ended.stderr);
    });
}

/// Runs COMMAND in that directory as a user without rights, with a rinit that is in there as well.
fn run_as_user(directory: &Directory, command: &str) -> Rinit {
    let rinit = directory.copy(&binary(), "rinit");
    Rinit::program(Role::Pid1, &rinit)
        .directory(directory.path())
        .env("PATH", PATH)
        .before_exec(|| {
            let (user, group) = (Uid::from_raw(1234), Gid::from_raw(1234));
            setgroups(&[])?;
            setresgid(group, group, group)?;
            Ok(setresuid(user, user, user)?)
        })
        .arg("--")
        .arg(command)
}

fn as_user(name: &str, test: impl Fn(&Directory)) {
    if Uid::effective().is_root() {
        in_directory(name, test);
    } else {
        skip("only root can become another user");
    }
}

#[test]
fn a_file_that_only_others_may_execute() {
    as_user("others-file", |directory| {
        directory.executable("app", "#!/bin/sh\n");
        set_mode(directory, "app", 0o700);
        expect(
            run_as_user(directory, "./app"),
            126,
            &[
                "cannot run \"./app\": user 1234 may not execute it (its mode is 0700)",
                "in the Dockerfile: RUN chmod a+rx ./app, or COPY --chmod=755",
            ],
        );
    });
}

#[test]
fn a_file_that_only_others_may_read() {
    as_user("unreadable", |directory| {
        directory.executable("app", "echo hello\n");
        set_mode(directory, "app", 0o711);
        expect(
            run_as_user(directory, "./app"),
            126,
            &[
                "cannot run \"./app\": it is not a program, and if it is a script, user 1234 may not read it",
                "in the Dockerfile: RUN chmod a+rx ./app",
            ],
        );
    });
}

#[test]
fn a_directory_on_the_way_that_may_not_be_searched() {
    as_user("unsearchable", |directory| {
        let private = directory.path().join("private");
        fs::create_dir_all(private.join("bin")).expect("a directory");
        directory.executable("private/bin/app", "#!/bin/sh\n");
        symlink("private/bin/app", directory.path().join("link")).expect("a link");
        set_mode(directory, "private", 0o700);
        for command in ["./private/bin/app", "./link"] {
            expect(
                run_as_user(directory, command),
                126,
                &[
                    &format!(
                        "cannot run \"{command}\": user 1234 may not enter the directory \"./private\""
                    ),
                    "in the Dockerfile: RUN chmod a+x ./private; or run as another user",
                ],
            );
        }
        let private = private.display();
        let path = format!("{private}/bin:/bin");
        expect(
            run_as_user(directory, "app").env("PATH", &path),
            126,
            &[
                "cannot run \"app\": there is no such program in PATH",
                &format!(
                    "it may be \"{private}/bin/app\", but user 1234 may not enter \"{private}\"; in the Dockerfile: RUN chmod a+x {private}"
                ),
                &format!("PATH is \"{path}\""),
            ],
        );
        directory.executable("app", format!("#!{private}/bin/app\n"));
        expect(
            run_as_user(directory, "./app"),
            126,
            &[
                &format!(
                    "cannot run \"{private}/bin/app\", which \"./app\" needs: user 1234 may not enter the directory \"{private}\""
                ),
                &format!("in the Dockerfile: RUN chmod a+x {private}; or run as another user"),
            ],
        );
    });
}

#[test]
fn a_file_system_that_is_mounted_noexec() {
    with_file("noexec", "#!/bin/sh\n", |directory| {
        let path = directory.path();
        fs::create_dir(path.join("volume")).expect("a directory");
        let volume = path.join("volume");
        let script = "mount -t tmpfs -o noexec none volume && mkdir volume/bin && cp app volume/bin/app \
            && exec \"$RINIT\" -- ";
        for (command, file) in [
            ("./volume/bin/app", ""),
            ("./script", ", which \"./script\" needs"),
        ] {
            directory.executable("script", "#!./volume/bin/app\n");
            expect(
                Rinit::program(Role::Pid1, "/bin/sh".as_ref())
                    .directory(path)
                    .env("RINIT", binary())
                    .arg("-c")
                    .arg(format!("{script}{command}")),
                126,
                &[
                    &format!(
                        "cannot run \"./volume/bin/app\"{file}: the file system at \"{}\" is mounted noexec",
                        volume.display()
                    ),
                    "put the program elsewhere, or mount that without noexec",
                ],
            );
        }
    });
}

#[test]
fn too_long_a_list_of_arguments() {
    // Short, so that rinit's own words are not much longer than COMMAND's.
    with_file(
        "e2big",
        format!("#!/bin/sh {}\n", "x".repeat(240)),
        |directory| {
            let rinit = directory.copy(&binary(), "own");
            // The largest that still fits for rinit, and for a script, which has more words, does not.
            let fits = (0..200)
                .map(|step| 128 * 1024 - step * 64)
                .find_map(|size| {
                    Rinit::program(Role::Pid1, &rinit)
                        .arg(directory.path().join("app"))
                        .arg("x".repeat(size))
                        .before_exec(|| {
                            Ok(setrlimit(Resource::RLIMIT_STACK, 512 * 1024, 512 * 1024)?)
                        })
                        .try_start()
                        .ok()
                });
            let ended = fits.expect("a size that fits").end();
            let said = format!(
                "rinit: cannot run \"{}\": its arguments and environment together are too long\n       \
             shorten them, or raise the limit, a quarter of the stack's (ulimit -s)\n",
                directory.path().join("app").display()
            );
            assert_eq!((ended.stderr, ended.status), (said, 126));
        },
    );
}

#[test]
fn too_long_a_name() {
    in_directory("long-name", |directory| {
        let name = format!("./{}", "x".repeat(300));
        expect(
            run(directory, &name),
            126,
            &[
                &format!("cannot run \"{name}\": its name is too long"),
                "a name may have 255 bytes, a whole path 4095",
            ],
        );
    });
}

#[test]
fn a_file_that_is_being_written() {
    with_file("busy", elf_samples::dynamic(), |directory| {
        let path = directory.path().join("app");
        let _writer = File::options().write(true).open(path).expect("a file");
        let alone = Command::new(directory.path().join("app")).status();
        if alone.is_ok() {
            skip("this kernel runs a file that is being written");
            return;
        }
        expect(
            run(directory, "./app"),
            126,
            &[
                "cannot run \"./app\": a process has it open for writing",
                "start it once it has been written and closed",
            ],
        );
    });
}

#[test]
fn what_the_kernel_refuses_for_reasons_of_its_own() {
    with_file("refused", elf_samples::dynamic(), |directory| {
        for (errno, lines) in [
            (
                libc::ENOMEM,
                [
                    "cannot run \"./app\": there is not enough memory to start it",
                    "give the container more memory",
                ],
            ),
            (
                libc::EPERM,
                [
                    "cannot run \"./app\": the kernel does not permit it",
                    "the host's seccomp profile or a security module may forbid it: see its log",
                ],
            ),
            (
                libc::EACCES,
                [
                    "cannot run \"./app\": the kernel denies it, although its mode allows it",
                    "a security module of the host may forbid it (SELinux, AppArmor): see its log",
                ],
            ),
            (
                libc::ENFILE,
                [
                    "cannot run \"./app\": too many files are open on this machine",
                    "raise the host's limit (sysctl fs.file-max)",
                ],
            ),
            (
                libc::ENOSYS,
                [
                    "cannot run \"./app\": Function not implemented",
                    "execve(2) lists what the kernel may mean",
                ],
            ),
        ] {
            let rinit = Rinit::program(Role::Pid1, &fixture())
                .directory(directory.path())
                .words(&format!("refuse-exec {errno}"))
                .arg(binary())
                .words("-- ./app");
            expect(rinit, 126, &lines);
        }
    });
}

#[test]
fn reading_that_fails() {
    with_file("io", elf_samples::dynamic(), |directory| {
        let rinit = Rinit::program(Role::Pid1, &fixture())
            .directory(directory.path())
            .words(&format!("refuse-exec {}", libc::EIO))
            .arg(binary())
            .words("-- ./app");
        expect(
            rinit,
            126,
            &["cannot run \"./app\": reading it failed", "check the disk"],
        );
    });
}

#[test]
fn a_hostile_name_stays_on_its_line_and_gives_no_command_away() {
    in_directory("hostile", |directory| {
        let name = OsString::from_vec(b"./a\x1b[2J\n\xff;reboot'".to_vec());
        fs::write(directory.path().join(&name), "#!/bin/sh\n").expect("a file");
        let rinit = Rinit::new(Role::Pid1)
            .directory(directory.path())
            .arg("--")
            .arg(&name);
        expect(
            rinit,
            126,
            &[
                r#"cannot run "./a\x1b[2J\x0a\xff;reboot'": nobody may execute it (its mode is 0644)"#,
                r"in the Dockerfile: RUN chmod a+rx $'./a\x1b[2J\x0a\xff;reboot\'', or COPY --chmod=755",
            ],
        );
        // To be typed in a shell that knows such quotes, it names that file and nothing else.
        let typed = Command::new("bash")
            .args(["-c", r"chmod a+rx $'./a\x1b[2J\x0a\xff;reboot\''"])
            .current_dir(directory.path())
            .status();
        assert!(typed.is_ok_and(|status| status.success()));
    });
    with_file(
        "hostile-line",
        b"#!/bin/\x1b]0;owned\x07\xffsh\n",
        |directory| {
            expect(
                run(directory, "./app"),
                126,
                &[
                    r#"cannot run "./app": its first line asks for "/bin/\x1b]0;owned\x07\xffsh", which does not exist"#,
                    r#"install "/bin/\x1b]0;owned\x07\xffsh" in the image, or write #!/bin/sh there if that will do"#,
                ],
            );
        },
    );
}

#[test]
fn a_very_long_name_is_cut() {
    in_directory("very-long-name", |directory| {
        let ended = run(directory, &"\u{1b}".repeat(4000)).run();
        assert_eq!(ended.status, 127);
        assert!(ended.stderr.len() <= 2048, "{} bytes", ended.stderr.len());
        assert!(ended.stderr.ends_with("...\n"), "{}", ended.stderr);
    });
}
