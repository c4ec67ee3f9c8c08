//! The runner's side of the contract: the environment a container action gets, and how its file commands are read.
//!
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>

use std::collections::BTreeMap;
use std::path::Path;

/// The inputs that action.yml declares, with their defaults. Its lines are plain enough to be read without a YAML parser.
pub fn declared_inputs() -> BTreeMap<String, Option<String>> {
    let text = include_str!("../../action.yml");
    let section = text.split_once("\ninputs:\n").unwrap().1.split_once("\noutputs:\n").unwrap().0;
    let mut inputs: BTreeMap<String, Option<String>> = BTreeMap::new();
    let mut current = String::new();
    for line in section.lines().filter(|line| !line.trim_start().starts_with('#')) {
        if let Some(name) =
            line.strip_prefix("  ").and_then(|line| line.strip_suffix(':')).filter(|name| !name.starts_with(' '))
        {
            name.clone_into(&mut current);
            inputs.insert(name.to_owned(), None);
        } else if let Some(default) = line.strip_prefix("    default: ") {
            inputs.insert(current.clone(), Some(default.trim_matches('"').to_owned()));
        }
    }
    inputs
}

/// The variable an input arrives in: hyphens stay, spaces do not.
pub fn input_variable(name: &str) -> String {
    format!("INPUT_{}", name.replace(' ', "_").to_uppercase())
}

/// Reads a file of `NAME=value` and `NAME<<DELIMITER` commands as the runner does.
///
/// # Panics
/// On everything the runner would fail the step for.
pub fn file_commands(path: &Path) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut commands = BTreeMap::new();
    let mut rest = text.as_str();
    while let Some((line, after)) = next_line(rest) {
        rest = after;
        if line.is_empty() {
            continue;
        }
        let (equals, heredoc) = (line.find('='), line.find("<<"));
        match (equals, heredoc) {
            (Some(equals), heredoc) if heredoc.is_none_or(|heredoc| equals < heredoc) => {
                commands.insert(line[..equals].to_owned(), line[equals + 1..].to_owned());
            }
            (_, Some(heredoc)) => {
                let (name, delimiter) = (&line[..heredoc], &line[heredoc + 2..]);
                assert!(
                    !name.is_empty() && !delimiter.is_empty(),
                    "Invalid format '{line}'. Name and delimiter must not be empty"
                );
                let mut lines = Vec::new();
                loop {
                    let Some((line, after)) = next_line(rest) else {
                        panic!("Invalid value. Matching delimiter not found '{delimiter}'")
                    };
                    rest = after;
                    if line == delimiter {
                        break;
                    }
                    lines.push(line);
                }
                commands.insert(name.to_owned(), lines.join("\n"));
            }
            _ => panic!("Invalid format '{line}'"),
        }
    }
    commands
}

/// The next line and what follows it; nothing at the end.
fn next_line(text: &str) -> Option<(&str, &str)> {
    if text.is_empty() {
        return None;
    }
    Some(text.split_once('\n').unwrap_or((text, "")))
}

/// What the log shows without the commands that mask: those are never printed by the runner.
pub fn without_masks(log: &str) -> String {
    log.lines()
        .filter(|line| !line.trim_start().to_lowercase().starts_with("::add-mask::"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn file_commands_are_read_as_the_runner_reads_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("output");
    let read = |text: &str| {
        std::fs::write(&path, text).unwrap();
        file_commands(&path)
    };
    let found = read("plain=a=b\nlong<<END\nfirst\n\nEND of it\nEND\nempty<<E\nE\n");
    let found: Vec<_> = found.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(found, [("empty", ""), ("long", "first\n\nEND of it"), ("plain", "a=b")]);
    for malformed in ["no command", "long<<END\nvalue", "<<END\nEND\n"] {
        assert!(std::panic::catch_unwind(|| read(malformed)).is_err(), "{malformed:?} was taken");
    }
}

#[test]
fn inputs_arrive_under_the_names_the_runner_gives_them() {
    assert_eq!(input_variable("task-definition"), "INPUT_TASK-DEFINITION");
    let inputs = declared_inputs();
    assert_eq!(inputs["github-token"].as_deref(), Some("${{ github.token }}"));
    assert_eq!(inputs["service"], None);
}
