//! `ecs-deploy policy`: prints what the role must be allowed, or who may have it. No AWS call, and no credentials.

use std::process::ExitCode;

use super::complain;
use crate::error::Error;
use crate::inputs::runner::Runner;
use crate::inputs::{self, Asked, Definition};
use crate::model::task_definition::TaskDefinition;
use crate::model::verdict::Verdict;
use crate::observe::file;
use crate::plan::render;
use crate::policy::{Policy, Scope, permissions, trust};

/// Which of the two policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// What the role is allowed.
    Permissions,
    /// Who may have the role.
    Trust,
}

/// Prints the policy alone on stdout, so that it can be handed on as it is.
pub(super) fn print(asked: &Asked, which: Which) -> ExitCode {
    match policy(asked, which) {
        Ok(Policy { document, remarks }) => {
            for remark in &remarks {
                complain(remark);
            }
            super::print(&format!("{document:#}"));
            ExitCode::SUCCESS
        }
        Err(mistakes) => {
            for mistake in &mistakes {
                complain(&mistake.to_string());
            }
            ExitCode::from(Verdict::Invalid.exit_code())
        }
    }
}

/// The policy, from the inputs and the task definition file that they name.
///
/// # Errors
/// Every mistake in the inputs and the file.
pub fn policy(asked: &Asked, which: Which) -> Result<Policy, Vec<Error>> {
    let runner = &asked.runner;
    let (inputs, warnings) = inputs::parse(asked)?;
    let scope = Scope { inputs: &inputs, runner, definition: None };
    let mut policy = match which {
        Which::Trust => trust(&scope),
        Which::Permissions => {
            let definition = definition(asked, &inputs.definition, runner)?;
            permissions(&Scope { definition: definition.as_ref(), ..scope })
        }
    };
    policy.remarks.splice(0..0, warnings);
    Ok(policy)
}

/// The task definition as it will be registered, where a file tells it.
fn definition(asked: &Asked, edits: &Definition, runner: &Runner) -> Result<Option<TaskDefinition>, Vec<Error>> {
    let Some(given) = asked.raw.task_definition.as_deref() else { return Ok(None) };
    let read = file::read(&file::TASK_DEFINITION, &runner.workspace, runner.temp.as_deref(), given);
    let base = read.map_err(|error| vec![error])?;
    // Digests are AWS's to tell, and no policy names one.
    let edits = Definition { pin_image_digest: false, ..edits.clone() };
    let rendered = render::render(&base, &edits, &std::collections::BTreeMap::new())?;
    Ok(Some(rendered.definition))
}
