//! The base of the task definition: a file, a registered revision, or what runs.

use std::path::Path;

use super::Base;
use crate::error::Error;

/// Reads the task definition file named by the input: JSON or YAML, inside the workspace.
///
/// # Errors
/// Absent, outside the workspace, a folder, empty, too large, not UTF-8, neither JSON nor YAML.
pub fn read_file(workspace: &Path, temp: Option<&Path>, given: &str) -> Result<Base, Error> {
    let _ = (workspace, temp, given);
    todo!()
}
