//! The image that Dockerfile.example describes, really built and stopped.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use crate::common::engine::{self, Engine, Image, docker};
use crate::common::isolated_host::alone;
use crate::common::{Directory, readme};

#[test]
fn the_example_stops_at_once_where_its_program_alone_has_to_be_killed() {
    let Some(base) = engine::debian() else { return };
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let base = format!("BASE={base}");
    let file = repository.join("Dockerfile.example");
    let file = file.to_str().expect("a path in UTF-8");
    let image = Image::build(&["--file", file, "--build-arg", &base], repository);
    assert_eq!(image.files(), ["demo", "sbin/rinit"]);

    the_commands_of_readme_show_it(&image);
    let directory = Directory::new("built-in-an-image");
    let rinit = directory.path().join("rinit");
    let container = image.start(&[], "");
    container.says("demo: working");
    container.copy("/sbin/rinit", &rinit);
    drop(container);
    an_engine_finds_the_commit(&image, &rinit);
    another_image_takes_rinit_from_it(&image);
}

fn the_commands_of_readme_show_it(image: &Image) {
    let commands = readme::block("## With Docker alone", "sh");
    let (build, commands) = commands.split_once('\n').expect("several lines");
    assert_eq!(build, "docker build -f Dockerfile.example -t rinit-demo .");
    let name = image.name();
    let commands = commands
        .replace("rinit-demo", name)
        .replace(" demo", &format!(" {name}-demo"))
        .replace(" bare", &format!(" {name}-bare"));
    let output = Command::new("sh").args(["-ec", &commands]).output();
    let output = output.expect("sh");
    assert!(output.status.success(), "{output:?}");
    let printed = String::from_utf8_lossy(&output.stdout);
    let statuses: Vec<&str> = printed.lines().filter(|line| line.len() == 3).collect();
    assert_eq!(statuses, ["143", "137"], "{printed}");
}

fn another_image_takes_rinit_from_it(image: &Image) {
    let copy = "COPY --from=rinit-demo /sbin/rinit /sbin/rinit";
    assert!(include_str!("../../README.md").contains(copy));
    let copy = copy.replace("rinit-demo", image.name());
    let context = Directory::new("copied");
    context.executable("Dockerfile", format!("FROM scratch\n{copy}\n"));
    let other = Image::build(&["--no-cache"], context.path());
    let ended = other.run(&[], "/sbin/rinit --version");
    assert_eq!(ended.status, 0, "{}", ended.stderr);
}

fn an_engine_finds_the_commit(image: &Arc<Image>, rinit: &Path) {
    let version = image
        .run(&["--entrypoint", "/sbin/rinit"], "--version")
        .stdout;
    alone(|| {
        let rinit = rinit.to_str().expect("a path in UTF-8");
        let Some(engine) = Engine::start(&["--init-path", rinit]) else {
            return;
        };
        let before = engine.log();
        let commit = docker(&["info", "--format", "{{.InitCommit.ID}}"]);
        assert_eq!(commit.len(), 7, "{commit}");
        assert!(
            version.trim_end().ends_with(&format!("git.{commit}")),
            "{version}"
        );
        assert_eq!(engine.log(), before);
    });
}
