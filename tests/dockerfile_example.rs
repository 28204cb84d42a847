//! The image that Dockerfile.example describes, really built and stopped.

mod common;

use std::path::Path;

use common::engine::{self, Image};

#[test]
fn the_example_stops_at_once_where_its_program_alone_has_to_be_killed() {
    let Some(base) = engine::debian() else { return };
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let base = format!("BASE={base}");
    let file = repository.join("Dockerfile.example");
    let file = file.to_str().expect("a path in UTF-8");
    let image = Image::build(&["--file", file, "--build-arg", &base], repository);
    assert_eq!(image.files(), ["demo", "sbin/rinit"]);

    for (options, status) in [(vec![], 143), (vec!["--entrypoint", "/demo"], 137)] {
        let container = image.start(&options, "");
        container.says("demo: working");
        container.docker("stop", &["-t", "1"]);
        assert_eq!(container.end().status, status, "{options:?}");
    }
}
