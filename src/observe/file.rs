//! Files that inputs name: JSON or YAML, inside the workspace.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use super::Base;
use crate::error::{Code, Error};
use crate::inputs::suggest::nearest;
use crate::model::document;

/// Which file it is, for the words of an error.
#[derive(Debug)]
pub struct Kind {
    /// The input that names it.
    input: &'static str,
    /// What is in it.
    what: &'static str,
    /// How long it may be, in words.
    most: &'static str,
}

/// `task-definition`.
pub const TASK_DEFINITION: Kind =
    Kind { input: "task-definition", what: "task definition", most: "a task definition has at most 65536" };

/// `codedeploy-appspec`.
pub const APPSPEC: Kind = Kind { input: "codedeploy-appspec", what: "AppSpec", most: "no AppSpec is that long" };

/// Sixteen times what ECS takes: room for comments, not for a wrong file.
const MAX_BYTES: u64 = 1 << 20;

/// Reads the file named by an input: JSON or YAML, inside the workspace or the runner's temporary folder. A path that
/// another step knows by the host's name (`/home/runner/work/_temp/…`) is understood.
///
/// # Errors
/// Absent, outside the workspace, a folder, empty, too large, not UTF-8, neither JSON nor YAML.
pub fn read(kind: &Kind, workspace: &Path, temp: Option<&Path>, given: &str) -> Result<Base, Error> {
    let Kind { input, what, most } = kind;
    let refuse = |why: String, fix: String| {
        Error::new(Code::FileUnreadable, format!("The {what} file `{given}` cannot be read."), why, fix)
    };
    let roots: Vec<PathBuf> =
        [Some(workspace), temp].into_iter().flatten().filter_map(|root| root.canonicalize().ok()).collect();
    let path = locate(workspace, temp, given);
    let path = path.canonicalize().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => {
            absent(kind, workspace, &roots, given, &path)
        }
        _ => refuse(format!("The system says: {error}."), format!("Correct `{input}`.")),
    })?;
    if !roots.iter().any(|root| path.starts_with(root)) {
        return Err(refuse(
            "It lies outside of the workspace, links followed.".to_owned(),
            "Put the file into the repository, and name it relative to the workspace.".to_owned(),
        ));
    }
    let unreadable =
        |error: std::io::Error| refuse(format!("The system says: {error}."), "Make the file readable.".to_owned());
    let metadata = fs::metadata(&path).map_err(unreadable)?;
    if !metadata.is_file() {
        let what = if metadata.is_dir() { "It is a folder." } else { "It is no regular file." };
        return Err(refuse(what.to_owned(), format!("Name a JSON or YAML file in `{input}`.")));
    }
    let mut bytes = Vec::new();
    File::open(&path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(refuse(
            format!("It has {} bytes; {most}.", metadata.len()),
            format!("Name the {what}'s own file in `{input}`."),
        ));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        refuse(
            format!("It is not UTF-8 text: byte {} is not part of any character.", at + 1),
            "Save the file as UTF-8.".to_owned(),
        )
    })?;
    if text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}').is_empty() {
        return Err(refuse("It is empty.".to_owned(), "Check the step that writes it.".to_owned()));
    }
    let document = document::parse(&text).map_err(|problem| {
        Error::new(
            Code::DocumentUnparsable,
            format!("The {what} file `{given}` is neither JSON nor YAML."),
            format!("At {problem}."),
            format!("Correct line {} of the file.", problem.line),
        )
    })?;
    Ok(Base { document, origin: given.to_owned(), text: Some(text) })
}

/// Where the file is. The runner gives a container its folders under other names than the steps on the host have, and
/// rewrites only values that are exactly such a path: a path of the host that is not here is looked for by its end.
/// <https://docs.github.com/en/actions/reference/workflows-and-actions/dockerfile-support>
fn locate(workspace: &Path, temp: Option<&Path>, given: &str) -> PathBuf {
    let path = workspace.join(given);
    if !Path::new(given).is_absolute() || path.exists() {
        return path;
    }
    let parts: Vec<Component<'_>> = path.components().collect();
    let after = |index: usize| parts.get(index + 1..).unwrap_or_default().iter().collect::<PathBuf>();
    let in_temp = parts.iter().position(|part| part.as_os_str() == "_temp");
    if let (Some(index), Some(temp)) = (in_temp, temp) {
        return temp.join(after(index));
    }
    // The checkout is `…/<repository>/<repository>`.
    match parts.windows(2).position(|pair| matches!(pair, [a, b] if a == b)) {
        Some(index) => workspace.join(after(index + 1)),
        None => path,
    }
}

/// The error of a file that is not there, with what is.
fn absent(kind: &Kind, workspace: &Path, roots: &[PathBuf], given: &str, path: &Path) -> Error {
    let parent = path.parent().and_then(|parent| parent.canonicalize().ok());
    let folder = parent.filter(|parent| parent.is_dir() && roots.iter().any(|root| parent.starts_with(root)));
    let shown = if folder.is_some() { "its folder" } else { "the workspace" };
    let folder = folder.as_deref().unwrap_or(workspace);
    let mut names: Vec<String> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name != ".git")
        .collect();
    names.sort();
    let wanted = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let found = nearest(wanted, names.iter().map(String::as_str)).map(|name| Path::new(given).with_file_name(name));
    let fix = match found {
        Some(name) => format!("Correct `{}`. Did you mean `{}`?", kind.input, name.display()),
        None if is_empty(workspace) => "Check the repository out first: `uses: actions/checkout`.".to_owned(),
        None => format!("Correct `{}`; the path is relative to the workspace.", kind.input),
    };
    let documents = |name: &&String| [".json", ".yaml", ".yml"].iter().any(|end| name.ends_with(end));
    let listed: Vec<&str> = names.iter().filter(documents).take(10).map(String::as_str).collect();
    let why = match listed.as_slice() {
        _ if names.is_empty() => format!("It does not exist, and {shown} is empty."),
        [] => format!("It does not exist; there is no JSON or YAML file in {shown}."),
        _ => format!("It does not exist; {shown} has: {}.", listed.join(", ")),
    };
    Error::new(Code::FileUnreadable, format!("The {} file `{given}` cannot be read.", kind.what), why, fix)
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
