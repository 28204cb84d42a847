//! Imports run down, floor by floor, and never in a circle.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// From the ground up. What stands on a floor may import what is below, and its neighbours as
/// long as that makes no circle.
const FLOORS: [&[&str]; 8] = [
    // Values, without system calls.
    &[
        "ending",
        "exit_code",
        "fixed_string",
        "number",
        "options",
        "process",
        "search",
        "signal",
        "time",
    ],
    &["lifecycle"],
    &["sys"],
    &["explain", "pid1_init"],
    &["message"],
    &[
        "cli",
        "command",
        "event_log",
        "kernel_reaping",
        "log_filters",
        "start",
    ],
    &["pause", "supervisor"],
    &["lib", "fuzz", "floors"],
];

/// What decides and what acts know nothing of each other.
const APART: [&str; 2] = ["lifecycle", "sys"];

/// By the path of each module, `sys::spawn`, those that it imports from.
type Imports = BTreeMap<String, BTreeSet<String>>;

#[test]
fn no_import_runs_up() {
    for (module, imported) in imports() {
        for other in imported {
            let (from, to) = (floor(&module), floor(&other));
            assert!(to <= from, "{module} imports {other} from above it");
            let rooms = [room(&module), room(&other)];
            assert!(
                rooms[0] == rooms[1] || !rooms.iter().all(|room| APART.contains(room)),
                "{module} imports {other}, of which it is to know nothing"
            );
            // The tests of a module may look at it.
            let is_test = module.starts_with("lifecycle::properties");
            assert!(
                is_test || !module.starts_with(&format!("{other}::")),
                "{module} points back up at {other}"
            );
        }
    }
}

#[test]
fn no_imports_run_in_a_circle() {
    let mut imports = imports();
    // Those that import nothing but what has been taken away can go, until what is left are circles.
    loop {
        let left: BTreeSet<String> = imports.keys().cloned().collect();
        imports.retain(|_, imported| imported.iter().any(|other| left.contains(other)));
        if imports.len() == left.len() {
            break;
        }
    }
    assert!(imports.is_empty(), "circles are among {imports:#?}");
}

fn room(module: &str) -> &str {
    module.split("::").next().unwrap()
}

fn floor(module: &str) -> usize {
    let room = room(module);
    let floor = FLOORS.iter().position(|rooms| rooms.contains(&room));
    floor.unwrap_or_else(|| panic!("{room} has no floor yet: put it on one, here"))
}

fn imports() -> Imports {
    let mut sources = BTreeMap::new();
    read(
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")),
        "",
        &mut sources,
    );
    let modules: BTreeSet<&str> = sources.keys().map(String::as_str).collect();
    let imports = sources.iter().map(|(module, text)| {
        // Only tests take everything of their module.
        let imported = paths(module, text)
            .into_iter()
            .filter(|path| !path.ends_with('*'));
        // A path may go on to an item: the module is what of it is a file.
        let imported = imported.filter_map(|path| {
            let whole = path.as_str();
            let mut prefixes =
                std::iter::successors(Some(whole), |path| Some(path.rsplit_once("::")?.0));
            let module = prefixes.find(|prefix| modules.contains(prefix));
            module.map(str::to_owned)
        });
        let imported = imported.filter(|other| other != module).collect();
        (module.clone(), imported)
    });
    imports.collect()
}

/// Reads the modules below a directory, each up to its tests.
fn read(directory: &Path, parent: &str, sources: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let module = format!("{parent}{name}");
        if path.is_dir() {
            read(&path, &format!("{module}::"), sources);
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && !["main", "build"].contains(&name)
        {
            let text = fs::read_to_string(&path).unwrap();
            let end = text.find("#[cfg(test)]\nmod tests").unwrap_or(text.len());
            sources.insert(module, text[..end].to_owned());
        }
    }
}

/// What a module's `use` items name, from the root of the crate on.
fn paths(module: &str, text: &str) -> Vec<String> {
    let parent = module.rsplit_once("::").map_or("", |(parent, _)| parent);
    let mut paths = Vec::new();
    for item in text.split("use ").skip(1) {
        let item = item.split(';').next().unwrap();
        let item: String = item.split_whitespace().collect();
        if let Some(path) = item.strip_prefix("crate::") {
            expand("", path, &mut paths);
        } else if let Some(path) = item.strip_prefix("super::") {
            expand(&format!("{parent}::"), path, &mut paths);
        }
    }
    paths
}

/// `a::{b, c::d}` is `a::b` and `a::c::d`.
fn expand(before: &str, path: &str, paths: &mut Vec<String>) {
    let Some((start, group)) = path.split_once('{') else {
        let path = path.trim_end_matches("::self");
        return paths.push(format!("{before}{path}"));
    };
    let before = format!("{before}{start}");
    let mut depth = 0;
    let parts = group.trim_end_matches('}').split(|character| {
        depth += i32::from(character == '{') - i32::from(character == '}');
        character == ',' && depth == 0
    });
    for part in parts.filter(|part| !part.is_empty()) {
        match part {
            "self" => paths.push(before.trim_end_matches("::").to_owned()),
            part => expand(&before, part, paths),
        }
    }
}

#[test]
fn imports_are_read_as_rust_has_them() {
    let text = "use std::mem;\npub use crate::a::{self, b, c::{D, e::F}};\nuse super::g;\n";
    let read = paths("x::y", text);
    assert_eq!(read, ["a", "a::b", "a::c::D", "a::c::e::F", "x::g"]);
}
