//! The runner's files (outputs, state, summary), and the files that later steps read.
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#environment-files>

use std::fmt::Write as _;
use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;

use uuid::Uuid;

/// The folder below the workspace for files that later steps read.
const FOLDER: &str = ".ecs-deploy";

/// Appends the outputs to the file of `GITHUB_OUTPUT`, each with a delimiter that nobody can foresee.
///
/// # Errors
/// A sentence for a warning.
pub fn append_outputs(path: Option<&Path>, outputs: &[(&str, String)]) -> Result<(), String> {
    let delimiter = || format!("ghadelimiter_{}", Uuid::new_v4());
    append(path, &heredocs(outputs, delimiter)).map_err(|error| format!("The outputs could not be written: {error}."))
}

/// Keeps a value for the step after the job, in the file of `GITHUB_STATE`; the last one of a name counts.
///
/// # Errors
/// A sentence for a warning.
pub fn append_state(path: Option<&Path>, name: &str, value: String) -> Result<(), String> {
    let delimiter = || format!("ghadelimiter_{}", Uuid::new_v4());
    append(path, &heredocs(&[(name, value)], delimiter))
        .map_err(|error| format!("The state for the step after the job could not be written: {error}."))
}

/// Appends to the file of `GITHUB_STEP_SUMMARY`.
///
/// # Errors
/// A sentence for a warning.
pub fn append_summary(path: Option<&Path>, summary: &str) -> Result<(), String> {
    append(path, summary).map_err(|error| format!("The job summary could not be written: {error}."))
}

fn append(path: Option<&Path>, text: &str) -> io::Result<()> {
    match path {
        Some(path) => OpenOptions::new().append(true).create(true).open(path)?.write_all(text.as_bytes()),
        // Not in a workflow: nobody reads it.
        None => Ok(()),
    }
}

fn heredocs(outputs: &[(&str, String)], mut delimiter: impl FnMut() -> String) -> String {
    let mut text = String::new();
    for (name, value) in outputs {
        let mut end = delimiter();
        while value.contains(&end) || name.contains(&end) {
            end = delimiter();
        }
        let _ = write!(text, "{name}<<{end}\n{value}\n{end}\n");
    }
    text
}

/// Writes a file for later steps below the workspace, and gives its path relative to it: a container's absolute path
/// means nothing to a step on the host.
///
/// It belongs to the workspace's owner, so that a runner can clean up, and the folder hides itself from git.
///
/// # Errors
/// A sentence for a warning.
pub fn write_for_later_steps(workspace: &Path, name: &str, text: &str) -> Result<String, String> {
    let name = file_name(name);
    let relative = format!("{FOLDER}/{name}");
    write(workspace, &name, text).map_err(|error| format!("The file `{relative}` could not be written: {error}."))?;
    Ok(relative)
}

fn write(workspace: &Path, name: &str, text: &str) -> io::Result<()> {
    let owner = fs::metadata(workspace)?;
    let folder = workspace.join(FOLDER);
    match fs::symlink_metadata(&folder) {
        // A link in the repository could lead anywhere.
        Ok(found) if !found.is_dir() => return Err(io::Error::other(format!("`{FOLDER}` is no folder"))),
        Ok(_) => {}
        Err(_) => fs::create_dir(&folder)?,
    }
    own(&folder, &owner, 0o755)?;
    place(&folder, ".gitignore", "*\n", &owner)?;
    place(&folder, name, text, &owner)
}

/// Puts a whole file in place; what was there, a link included, is replaced and not followed.
fn place(folder: &Path, name: &str, text: &str, owner: &fs::Metadata) -> io::Result<()> {
    let draft = folder.join(format!(".{}", Uuid::new_v4()));
    let placed = fs::write(&draft, text)
        .and_then(|()| own(&draft, owner, 0o644))
        .and_then(|()| fs::rename(&draft, folder.join(name)));
    if placed.is_err() {
        let _ = fs::remove_file(&draft);
    }
    placed
}

fn own(path: &Path, owner: &fs::Metadata, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(mode))?;
    let now = fs::metadata(path)?;
    if (now.uid(), now.gid()) == (owner.uid(), owner.gid()) {
        return Ok(());
    }
    chown(path, Some(owner.uid()), Some(owner.gid()))
}

/// A name that stays in its folder.
fn file_name(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    name.chars().take(150).map(plain).collect::<String>().trim_start_matches('.').to_owned()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod unit {
    use super::*;

    #[test]
    fn outputs_of_any_text_come_back_as_they_were() {
        let outputs = [
            ("verdict", "succeeded".to_owned()),
            ("message", "a\nb<<EOF\n\nx=y".to_owned()),
            ("reason", String::new()),
        ];
        let mut number = 0;
        let text = heredocs(&outputs, || {
            number += 1;
            format!("d{number}")
        });
        assert_eq!(text, "verdict<<d1\nsucceeded\nd1\nmessage<<d2\na\nb<<EOF\n\nx=y\nd2\nreason<<d3\n\nd3\n");
    }

    #[test]
    fn a_delimiter_that_occurs_in_the_value_is_not_taken() {
        let mut delimiters = ["d1", "d2"].iter().map(|d| (*d).to_owned());
        let text = heredocs(&[("message", "x\nd1\ninjected=1".to_owned())], || delimiters.next().unwrap());
        assert!(text.starts_with("message<<d2\n"), "{text}");
    }

    #[test]
    fn outputs_are_appended_with_a_delimiter_of_their_own_each() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("output");
        fs::write(&path, "earlier=1\n").unwrap();
        append_outputs(Some(&path), &[("a", "1".to_owned()), ("b", "2".to_owned())]).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let ends: Vec<&str> = text.lines().filter_map(|line| line.split_once("<<")).map(|(_, end)| end).collect();
        assert!(text.starts_with("earlier=1\na<<ghadelimiter_"), "{text}");
        assert!(ends.len() == 2 && ends.first() != ends.last(), "{text}");
    }

    #[test]
    fn an_output_file_that_cannot_be_written_is_a_warning() {
        let warning = append_outputs(Some(Path::new("/nowhere/output")), &[]).unwrap_err();
        assert!(warning.starts_with("The outputs could not be written: "), "{warning}");
        assert_eq!(append_summary(None, "x"), Ok(()));
    }

    #[test]
    fn a_file_for_later_steps_is_relative_readable_and_hidden_from_git() {
        let workspace = tempfile::tempdir().unwrap();
        let path = write_for_later_steps(workspace.path(), "report-web.json", "{}").unwrap();
        assert_eq!(path, ".ecs-deploy/report-web.json");
        let written = workspace.path().join(&path);
        let (file, folder) = (fs::metadata(&written).unwrap(), fs::metadata(workspace.path()).unwrap());
        assert_eq!((file.mode() & 0o777, file.uid(), file.gid()), (0o644, folder.uid(), folder.gid()));
        assert_eq!(fs::read_to_string(written).unwrap(), "{}");
        assert_eq!(fs::read_to_string(workspace.path().join(".ecs-deploy/.gitignore")).unwrap(), "*\n");
        assert_eq!(fs::read_dir(workspace.path().join(FOLDER)).unwrap().count(), 2, "no draft may be left");
    }

    #[test]
    fn files_belong_to_the_workspaces_owner() {
        let workspace = tempfile::tempdir().unwrap();
        // Only root can give files away, as the action's container does.
        if chown(workspace.path(), Some(1001), Some(1001)).is_err() {
            return;
        }
        let path = write_for_later_steps(workspace.path(), "report-web.json", "{}").unwrap();
        for path in [path.as_str(), FOLDER, ".ecs-deploy/.gitignore"] {
            let found = fs::metadata(workspace.path().join(path)).unwrap();
            assert_eq!((found.uid(), found.gid()), (1001, 1001), "{path}");
        }
    }

    #[test]
    fn a_link_in_the_workspace_is_not_followed() {
        let (workspace, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::os::unix::fs::symlink(outside.path(), workspace.path().join(FOLDER)).unwrap();
        assert!(write_for_later_steps(workspace.path(), "report-web.json", "{}").is_err());
        fs::remove_file(workspace.path().join(FOLDER)).unwrap();
        fs::create_dir(workspace.path().join(FOLDER)).unwrap();
        let target = outside.path().join("target");
        fs::write(&target, "untouched").unwrap();
        std::os::unix::fs::symlink(&target, workspace.path().join(".ecs-deploy/report-web.json")).unwrap();
        write_for_later_steps(workspace.path(), "report-web.json", "{}").unwrap();
        assert_eq!(fs::read_to_string(target).unwrap(), "untouched");
    }

    #[test]
    fn a_name_cannot_leave_its_folder() {
        assert_eq!(file_name("task-definition-../../etc/passwd"), "task-definition-..-..-etc-passwd");
        assert_eq!(file_name("../x"), "-x");
    }
}
