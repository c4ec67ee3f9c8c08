//! The inputs as strings, read by envy from `INPUT_*`. An unset input arrives as an empty string: it means "not given".

use serde::Deserialize;

/// Every input of `action.yml`, as given.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct RawInputs {
    /// `task-definition`.
    pub task_definition: Option<String>,
}
