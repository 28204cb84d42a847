//! What `.ci/release/dist` has made. It takes minutes to do so, hence these tests run only when they are named:
//!
//!     .ci/release/dist all && cargo test --test release

#[path = "common/mod.rs"]
mod common;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::output::{assert_order, got};
use common::{Directory, Rinit, as_pid1, engine, readme};

/// Architectures as `.ci/release/dist`, qemu and Debian call them; all of them in CI, else those that are in dist.
fn architectures() -> Vec<[&'static str; 3]> {
    let is_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    let is_there = |name: &str| file(&format!("rinit-{name}")).exists();
    let chosen = ARCHITECTURES.into_iter();
    chosen
        .filter(|[name, ..]| is_ci || is_there(name))
        .collect()
}

const ARCHITECTURES: [[&str; 3]; 7] = [
    ["x86_64", "x86_64", "amd64"],
    ["aarch64", "aarch64", "arm64"],
    ["armv7", "arm", "armhf"],
    ["riscv64", "riscv64", "riscv64"],
    ["i686", "i386", "i386"],
    ["ppc64le", "ppc64le", "ppc64el"],
    ["s390x", "s390x", "s390x"],
];

#[test]
fn the_checksums_are_those_of_all_files() {
    let checksums = fs::read_to_string(file("SHA256SUMS")).expect("checksums");
    let listed: BTreeSet<String> = checksums
        .lines()
        .filter_map(|line| line.split_whitespace().nth(1))
        .map(str::to_owned)
        .collect();
    let mut there: BTreeSet<String> = fs::read_dir(directory())
        .expect("dist")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    there.remove("SHA256SUMS");
    assert_eq!(listed, there);
    print(
        Command::new("sha256sum")
            .args(["--check", "--strict", "SHA256SUMS"])
            .current_dir(directory()),
    );
}

#[test]
fn the_binary_is_small() {
    let size = fs::metadata(file("rinit-x86_64")).expect("a binary").len();
    assert!(size <= 256 * 1024, "{size} bytes");
}

#[test]
fn on_every_architecture_the_status_is_the_commands() {
    on_every_architecture(|rinit| {
        let version = rinit().words("--version").run();
        assert!(version.stdout.starts_with("rinit "), "{version:?}");
        for (script, status) in [("exit 0", 0), ("exit 7", 7), ("kill -KILL $$", 137)] {
            assert_eq!(rinit().script(script).run().status, status, "{script}");
        }
        let orphans = "for i in 1 2 3 4; do (sleep 0.1 & ); done; exit 9";
        assert_eq!(rinit().script(orphans).run().status, 9);
    });
}

#[test]
fn on_every_architecture_what_does_not_start_is_explained() {
    on_every_architecture(|rinit| {
        let ended = rinit().words("no-such-program").run();
        assert_eq!(ended.status, 127, "{ended:?}");
        assert!(ended.stderr.contains("no such program"), "{ended:?}");
        let ended = rinit().words("/etc/passwd").run();
        assert_eq!(ended.status, 126, "{ended:?}");
        assert!(ended.stderr.contains("nobody may execute it"), "{ended:?}");
        let ended = rinit().words("--no-such-option").run();
        assert_eq!(ended.status, 125, "{ended:?}");
        assert!(ended.stderr.contains("--no-such-option"), "{ended:?}");
    });
}

#[test]
fn on_every_architecture_signals_reach_the_group() {
    on_every_architecture(|rinit| {
        let rinit = rinit()
            .words("--rewrite USR1:USR2")
            .fixture("fork record peer , record command")
            .start();
        rinit.ready("command");
        rinit.ready("peer");
        for (sent, arrives) in [(libc::SIGHUP, 1), (libc::SIGUSR1, 12), (40, 40)] {
            rinit.send(sent);
            rinit.says(&format!("command got {} ", signal::name(arrives)));
            rinit.says(&format!("peer got {} ", signal::name(arrives)));
        }
    });
}

#[test]
fn on_every_architecture_last_words_are_said() {
    on_every_architecture(|rinit| rinit().stop_behind_a_shell());
}

#[test]
fn debian_finds_no_fault_with_the_packages() {
    for [_, _, debian] in architectures() {
        let faults = print(
            Command::new("lintian")
                .args(["--allow-root", "--fail-on=error,warning"])
                .arg(package(debian)),
        );
        assert_eq!(faults, "", "{debian}");
    }
}

#[test]
fn the_package_is_installed_and_removed() {
    let debian = engine::debian().expect("an image of Debian");
    let mount = format!("{}:/dist:ro", directory().display());
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

#[test]
fn rpmlint_finds_no_fault_with_the_rpms() {
    let checked = print(
        Command::new("rpmlint")
            .arg(concat!(
                "--config=",
                env!("CARGO_MANIFEST_DIR"),
                "/.ci/release/rpmlint.toml"
            ))
            .args(files("rpm")),
    );
    let summary = format!(
        "{} packages and 0 specfiles checked; 0 errors, 0 warnings",
        architectures().len()
    );
    assert!(checked.contains(&summary), "{checked}");
}

#[test]
fn the_rpm_is_installed_and_removed() {
    let root = Directory::new("rpm");
    let rpm = |words: &[&str]| {
        print(
            Command::new("rpm")
                .arg("--root")
                .arg(root.path())
                .args(words),
        )
    };
    let package = file(&format!("rinit-{}-1.x86_64.rpm", env!("CARGO_PKG_VERSION")));
    rpm(&[
        "--install",
        "--nosignature",
        package.to_str().expect("text"),
    ]);
    let installed = root.path().join("usr/bin/rinit");
    assert_eq!(
        fs::read(&installed).ok(),
        fs::read(file("rinit-x86_64")).ok()
    );
    let status = Command::new(&installed)
        .args(["sh", "-c", "exit 7"])
        .status();
    assert_eq!(status.expect("rinit").code(), Some(7));
    assert_eq!(rpm(&["--verify", "rinit"]), "");
    rpm(&["--erase", "rinit"]);
    assert!(!installed.exists());
}

#[test]
fn pip_puts_rinit_on_the_path() {
    let venv = Directory::new("wheel");
    print(
        Command::new("/usr/bin/python3")
            .args(["-m", "venv"])
            .arg(venv.path()),
    );
    // Of those for all architectures, pip takes the one for this machine.
    print(
        Command::new(venv.path().join("bin/pip"))
            .args([
                "install",
                "--disable-pip-version-check",
                "--no-index",
                "--find-links",
            ])
            .args([&directory(), Path::new("rinit")]),
    );
    let run = Command::new("sh")
        .args(["-c", "rinit sh -c 'exit 7'"])
        .env(
            "PATH",
            format!("{}:/usr/bin:/bin", venv.path().join("bin").display()),
        )
        .status();
    assert_eq!(run.expect("a shell").code(), Some(7));
}

#[test]
fn pip_finds_a_wheel_for_every_architecture_and_libc() {
    for [architecture, ..] in architectures() {
        let machine = architecture.replace("armv7", "armv7l");
        for platform in ["manylinux2014", "manylinux_2_17", "musllinux_1_1"] {
            let target = Directory::new("wheels");
            print(
                Command::new("/usr/bin/python3")
                    .args([
                        "-m",
                        "pip",
                        "download",
                        "--disable-pip-version-check",
                        "--no-index",
                    ])
                    .args([
                        "--only-binary=:all:",
                        "--platform",
                        &format!("{platform}_{machine}"),
                    ])
                    .args([
                        Path::new("--dest"),
                        target.path(),
                        Path::new("--find-links"),
                    ])
                    .args([&directory(), Path::new("rinit")]),
            );
        }
    }
}

#[test]
fn the_binaries_list_their_crates_for_scanners() {
    let components = fs::read_to_string(file("rinit.cdx.json")).expect("the components");
    for [architecture, ..] in architectures() {
        let binary = file(&format!("rinit-{architecture}"));
        let listed = print(Command::new("rust-audit-info").arg(&binary));
        let crates: Vec<_> = listed
            .split("{\"name\":\"")
            .skip(1)
            .filter(|package| !package.contains("\"kind\":\"build\""))
            .map(|package| {
                let (name, rest) = package.split_once("\",\"version\":\"").expect("a version");
                format!(
                    "pkg:cargo/{name}@{}",
                    rest.split('"').next().expect("its end")
                )
            })
            .collect();
        assert!(crates.len() > 5, "{listed}");
        for purl in crates {
            assert!(components.contains(&purl), "{architecture}: {purl}");
        }
    }
}

#[test]
fn the_image_index_has_every_architecture_with_rinit_alone() {
    let copy = Directory::new("oci");
    let archive = format!("oci-archive:{}", file("rinit-oci.tar").display());
    let raw = print(Command::new("skopeo").args(["inspect", "--raw", &archive]));
    assert!(raw.contains("image.index.v1+json"), "{raw}");
    for [architecture, _, _] in architectures() {
        let (platform, variant) = match architecture {
            "x86_64" => ("amd64", ""),
            "aarch64" => ("arm64", ""),
            "armv7" => ("arm", "v7"),
            "i686" => ("386", ""),
            same => (same, ""),
        };
        let layout = format!("oci:{}:{architecture}", copy.path().display());
        let mut skopeo = Command::new("skopeo");
        skopeo.args(["--override-os", "linux", "--override-arch", platform]);
        if !variant.is_empty() {
            skopeo.args(["--override-variant", variant]);
        }
        print(skopeo.args(["--insecure-policy", "copy", "--quiet", &archive, &layout]));
        let bundle = copy.path().join(format!("bundle-{architecture}"));
        print(
            Command::new("umoci")
                .args(["unpack", "--image"])
                .arg(format!("{}:{architecture}", copy.path().display()))
                .arg(&bundle),
        );
        let root = bundle.join("rootfs");
        let listed =
            print(Command::new("find").args([&root.join("."), Path::new("-type"), Path::new("f")]));
        assert_eq!(listed.lines().count(), 1, "{listed}");
        let binary = fs::read(root.join("sbin/rinit")).expect("rinit");
        assert!(
            binary == fs::read(file(&format!("rinit-{architecture}"))).expect("a binary"),
            "{architecture}"
        );
    }
}

const DERIVED: &str = "COPY --from={image} /sbin/rinit /sbin/rinit\nENTRYPOINT [\"/sbin/rinit\", \"--\"]\nCMD [\"sh\", \"-c\", \"exit 7\"]\n";

#[test]
fn docker_loads_the_image_and_others_copy_from_it() {
    let debian = engine::debian().expect("an image of Debian");
    let archive = file("rinit-oci.tar");
    engine::docker(&[
        "load",
        "--quiet",
        "--input",
        archive.to_str().expect("text"),
    ]);
    let image = format!("rinit:{}-amd64", env!("CARGO_PKG_VERSION"));
    let version = engine::docker(&["run", "--rm", &image, "--version"]);
    assert!(version.starts_with("rinit "), "{version}");
    let context = Directory::new("copy-from");
    let dockerfile = format!("FROM {debian}\n{}", DERIVED.replace("{image}", &image));
    fs::write(context.path().join("Dockerfile"), dockerfile).expect("a file");
    let built = engine::docker(&["build", "--quiet", context.path().to_str().expect("text")]);
    let status = Command::new("docker")
        .args(["run", "--rm", &built])
        .status();
    assert_eq!(status.expect("docker").code(), Some(7));
}

#[test]
fn podman_pulls_the_image_from_the_archive() {
    let archive = format!("oci-archive:{}", file("rinit-oci.tar").display());
    let image = print(Command::new("podman").args(["pull", "--quiet", &archive]));
    let made = print(Command::new("podman").args(["create", image.trim()]));
    let copy = Directory::new("podman-copy");
    let from = format!("{}:/sbin/rinit", made.trim());
    print(
        Command::new("podman")
            .args(["cp", &from])
            .arg(copy.path().join("rinit")),
    );
    print(Command::new("podman").args(["rm", made.trim()]));
    assert!(fs::read(copy.path().join("rinit")).ok() == fs::read(file("rinit-x86_64")).ok());
}

#[test]
fn a_release_is_signed_and_verified_with_a_key_of_ones_own() {
    let home = Directory::new("gpg");
    let gpg = |words: &[&str]| {
        print(
            Command::new("gpg")
                .args(["--batch", "--homedir"])
                .arg(home.path())
                .args(words),
        );
    };
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o700)).expect("a directory");
    gpg(&[
        "--passphrase",
        "",
        "--quick-generate-key",
        "Somebody <somebody@invalid>",
    ]);
    fs::create_dir(home.path().join("dist")).expect("a directory");
    fs::copy(file("SHA256SUMS"), home.path().join("dist/SHA256SUMS")).expect("a copy");
    let (_, block) = include_str!("../.github/CONTRIBUTING.md")
        .split_once("```sh\ngpg ")
        .expect("the commands");
    let commands = format!(
        "set -e; gpg {}",
        block.split_once("```").expect("its end").0
    );
    let signed = Command::new("sh")
        .args(["-c", &commands])
        .current_dir(home.path())
        .env("GNUPGHOME", home.path())
        .output()
        .expect("a shell");
    let _ = Command::new("gpgconf")
        .env("GNUPGHOME", home.path())
        .args(["--kill", "all"])
        .status();
    assert!(signed.status.success(), "{signed:?}");
    assert!(
        String::from_utf8_lossy(&signed.stderr).contains("Good signature"),
        "{signed:?}"
    );
}

/// As the first process of a namespace: where qemu stands between, the kernel makes no subreaper.
fn on_every_architecture(test: impl Fn(&dyn Fn() -> Rinit)) {
    as_pid1(|role| {
        for [architecture, qemu, _] in architectures() {
            let binary = file(&format!("rinit-{architecture}"));
            println!("{architecture}");
            if architecture == std::env::consts::ARCH {
                test(&|| Rinit::program(role, &binary));
            } else {
                let qemu = PathBuf::from(format!("/usr/bin/qemu-{qemu}-static"));
                test(&|| Rinit::program(role, &qemu).arg(&binary));
            }
        }
    });
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("dist")
}

fn file(name: &str) -> PathBuf {
    directory().join(name)
}

fn package(architecture: &str) -> PathBuf {
    let version = env!("CARGO_PKG_VERSION");
    file(&format!("rinit_{version}-1_{architecture}.deb"))
}

/// Those of this kind, one for each architecture.
fn files(extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory()).expect("dist");
    let paths = entries.map(|entry| entry.expect("a file").path());
    let files: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|is| is == extension))
        .collect();
    assert_eq!(files.len(), architectures().len(), "{files:?}");
    files
}

/// What a program that succeeds prints.
fn print(command: &mut Command) -> String {
    let output = command.output().expect("the program");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{printed}\n{output:?}");
    printed
}
