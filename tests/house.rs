//! The rules of the house (see `src/lib.rs`), as a test: who may use whom, and what a pure room must not contain.

#![expect(clippy::unwrap_used, reason = "a test speaks by failing")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Who may use whom. Every room may also use `model` and `error`.
const MAY_USE: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("error", &[]),
    ("http", &[]),
    ("inputs", &[]),
    ("aws", &["http", "inputs"]),
    ("github", &["http", "inputs"]),
    ("observe", &["aws", "inputs"]),
    ("plan", &["inputs", "observe"]),
    ("policy", &["inputs"]),
    ("checks", &["aws", "http", "inputs", "observe", "plan"]),
    ("apply", &["aws", "diagnose", "http", "inputs", "plan"]),
    ("diagnose", &["aws", "plan"]),
    ("report", &["apply", "aws", "checks", "diagnose", "inputs", "observe", "plan"]),
    ("sim", &[]),
];

/// Rooms that never touch the world.
const PURE: &[&str] = &["model", "error", "inputs", "plan", "policy", "report"];

/// What a pure room must not contain.
const WORLD: &[&str] = &[
    "async ",
    ".await",
    "std::env",
    "std::fs",
    "std::net",
    "std::process",
    "SystemTime",
    "Instant",
    "tokio::",
    "reqwest",
    "println!",
    "eprintln!",
];

/// The SDK's calls that change something; only `apply` may call our methods for them, only `aws` names them.
const CHANGING: &[&str] = &[
    "register_task_definition(",
    "update_service(",
    "stop_service_deployment(",
    "create_deployment(",
    "stop_deployment(",
    "run_task(",
];

#[test]
fn every_room_uses_only_the_rooms_it_may() {
    let rules: BTreeMap<&str, &[&str]> = MAY_USE.iter().copied().collect();
    for (room, file, text) in product_files() {
        let Some(allowed) = rules.get(room.as_str()) else { continue };
        for other in rooms_used(&text) {
            let fine = other == room || other == "model" || other == "error" || allowed.contains(&other.as_str());
            assert!(fine, "{} uses `{other}`, which `{room}` may not", file.display());
        }
        if room == "sim" {
            assert!(
                !text.contains("crate::model") && !text.contains("crate::error"),
                "{} shares code with the rooms",
                file.display()
            );
        }
    }
}

#[test]
fn sdk_types_never_leave_their_doors() {
    for (room, file, text) in product_files() {
        for (sdk, door) in [("aws_sdk_", "aws"), ("aws_config", "aws"), ("aws_smithy", "aws"), ("octocrab::", "github")]
        {
            assert!(room == door || !text.contains(sdk), "{} names `{sdk}` outside `{door}`", file.display());
        }
    }
}

#[test]
fn the_pure_rooms_do_not_touch_the_world() {
    for (room, file, text) in product_files() {
        if PURE.contains(&room.as_str()) {
            for word in WORLD {
                assert!(!text.contains(word), "{} contains `{word}`, but `{room}` is pure", file.display());
            }
        }
    }
}

#[test]
fn only_apply_changes_anything() {
    for (room, file, text) in product_files() {
        for call in CHANGING {
            let calls = text.contains(&format!(".{call}"));
            assert!(!calls || room == "apply" || room == "aws", "{} calls `{call}…)`", file.display());
        }
    }
}

#[test]
fn the_environment_is_read_once() {
    for (room, file, text) in product_files() {
        let reads = text.contains("env::var") || text.contains("env::vars");
        assert!(!reads || room == "main", "{} reads the environment", file.display());
    }
}

#[test]
fn nothing_is_left_open() {
    for (_, file, text) in product_files() {
        for word in ["todo!(", "unimplemented!(", "TODO", "FIXME", "#[allow"] {
            assert!(!text.contains(word), "{} contains `{word}`", file.display());
        }
    }
}

/// Every product file: its room (the folder or file below `src`), its path, its text without tests and comments.
fn product_files() -> Vec<(String, PathBuf, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&src, &mut files);
    assert!(files.len() > 20, "the sources were not found");
    files
        .into_iter()
        .map(|file| {
            let room = file.strip_prefix(&src).unwrap().components().next().unwrap();
            let room = room.as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned();
            let text = product_text(&fs::read_to_string(&file).unwrap());
            (room, file, text)
        })
        .collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("tests.rs") {
            files.push(path);
        }
    }
}

/// The text up to its test module, comments taken out: a comment may name anything.
fn product_text(text: &str) -> String {
    let product = text.find("#[cfg(test)]").or_else(|| text.find("#[cfg(all(test")).map_or(text, |at| &text[..at]);
    product.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

fn rooms_used(text: &str) -> BTreeSet<String> {
    text.match_indices("crate::")
        .map(|(at, _)| {
            let rest = &text[at + "crate::".len()..];
            rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>()
        })
        .filter(|name| MAY_USE.iter().any(|(room, _)| room == name))
        .collect()
}
