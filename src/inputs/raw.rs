//! The inputs as strings, before anyone asks what they mean.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;

use serde::Deserialize;

use crate::error::{Code, Error};

use super::Warning;
use super::runner::Runner;
use super::suggest;

/// The longest value of an input, in bytes. Far above anything ECS takes: a task definition may have 64 KiB.
const LONGEST: usize = 1_000_000;

/// Inputs that the runner itself takes for a container action, and hands on.
/// <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstepswithargs>
const THE_RUNNERS_OWN: &[&str] = &["args", "entrypoint"];

/// Declares [`RawInputs`] from the list of names, in the order of `action.yml`.
macro_rules! raw_inputs {
    ($($field:ident)*) => {
        /// Every input of `action.yml`, as given, blanks included. An input that is not given, or is blank, is `None`.
        #[derive(Clone, Default, PartialEq, Eq, Deserialize)]
        #[serde(rename_all = "kebab-case", default)]
        pub struct RawInputs {
            $(#[doc = concat!("`", stringify!($field), "`, with hyphens.")] pub $field: Option<String>,)*
        }

        /// The fields of [`RawInputs`]: the inputs' names with underscores for hyphens.
        const FIELDS: &[&str] = &[$(stringify!($field)),*];
    };
}

raw_inputs! {
    aws_region
    role_to_assume
    audience
    role_session_name
    role_duration_seconds
    role_external_id
    role_chaining
    role_skip_session_tagging
    transitive_tag_keys
    custom_tags
    inline_session_policy
    managed_session_policies
    web_identity_token_file
    sts_endpoint
    force_skip_oidc
    aws_access_key_id
    aws_secret_access_key
    aws_session_token
    allowed_account_ids
    mask_aws_account_id
    max_retries
    task_definition
    task_definition_family
    task_definition_arn
    task_definition_revision
    container_name
    image
    images
    environment_variables
    secrets
    env_files
    docker_labels
    log_configuration_log_driver
    log_configuration_options
    command
    task_role_arn
    execution_role_arn
    patch
    keep_null_value_keys
    pin_image_digest
    tags
    service
    cluster
    mode
    desired_count
    force_new_deployment
    enable_ecs_managed_tags
    propagate_tags
    service_managed_ebs_volume_name
    service_managed_ebs_volume
    deployment_configuration
    codedeploy_appspec
    codedeploy_application
    codedeploy_deployment_group
    codedeploy_deployment_description
    codedeploy_deployment_config
    wait_for_service_stability
    wait_for_minutes
    wait_until
    wait_max_delay_seconds
    on_failure
    fail_fast_after
    on_cancel
    on_concurrent
    run_task
    run_task_container_overrides
    run_task_security_groups
    run_task_subnets
    run_task_assign_public_ip
    run_task_capacity_provider_strategy
    run_task_launch_type
    run_task_started_by
    run_task_tags
    run_task_managed_ebs_volume_name
    run_task_managed_ebs_volume
    wait_for_task_stopped
    smoke_test_url
    smoke_test_status
    smoke_test_contains
    smoke_test_timeout_seconds
    checks
    scan_severity
    github_token
    job_summary
    pr_comment
    github_deployment
    environment
    environment_url
}

/// What was asked, by whom: the inputs as strings, the run, and all that is wrong or odd about the strings alone.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// The inputs that could be read.
    pub raw: RawInputs,
    /// The run that asks.
    pub runner: Runner,
    /// Misspelled names, values that are no text, values that are too long.
    pub(super) mistakes: Vec<Error>,
    /// Names that are no inputs.
    pub(super) warnings: Vec<Warning>,
}

impl RawInputs {
    /// The names of all inputs, as in `action.yml` but in lower case.
    pub fn names() -> impl Iterator<Item = String> {
        FIELDS.iter().map(|field| field.replace('_', "-"))
    }
}

impl Asked {
    /// Reads inputs by name (as in `action.yml`, in any case). Blank values count as not given.
    pub fn new(given: impl IntoIterator<Item = (String, OsString)>, runner: Runner) -> Self {
        let mut asked = Self { runner, ..Self::default() };
        let mut known = BTreeMap::new();
        for (name, value) in given {
            let name = name.to_lowercase();
            let Some(text) = asked.text_of(&name, value) else { continue };
            if !RawInputs::names().any(|input| input == name) {
                asked.unknown(&name);
            } else if known.insert(name.clone(), text).is_some() {
                asked.mistakes.push(given_twice(&name));
            }
        }
        match envy::from_iter(known) {
            Ok(raw) => asked.raw = raw,
            Err(error) => asked.mistakes.push(unreadable(&error)),
        }
        asked
    }

    /// The value as text, unless it is blank or cannot be one.
    fn text_of(&mut self, name: &str, value: OsString) -> Option<String> {
        let what = |problem: &str| format!("The input `{name}` {problem}.");
        match value.into_string() {
            Ok(text) if text.len() > LONGEST => {
                let why = format!("It is {} bytes long; at most {LONGEST} are read.", text.len());
                self.mistakes.push(Error::new(
                    Code::InputInvalid,
                    what("is too long"),
                    why,
                    "Shorten it, or put it into a file.",
                ));
                None
            }
            Ok(text) => (!text.trim().is_empty()).then_some(text),
            Err(_) => {
                let why = "Its value has bytes that no UTF-8 text has.";
                self.mistakes.push(Error::new(
                    Code::InputInvalid,
                    what("is not text"),
                    why,
                    "Save the value as UTF-8.",
                ));
                None
            }
        }
    }

    /// A name that is no input: a mistake when it looks like one, else a variable of the job's own.
    fn unknown(&mut self, name: &str) {
        let hyphenated = name.replace(['_', ' '], "-");
        let names: Vec<String> = RawInputs::names().collect();
        let names = || names.iter().map(String::as_str);
        // Short names are near to many words; only a missing or extra `s` is taken for a slip there.
        let slip = |known: &str| hyphenated.trim_end_matches('s') == known.trim_end_matches('s');
        let near = names().find(|known| slip(known)).or_else(|| {
            let long_enough = hyphenated.len() >= 5;
            long_enough.then(|| suggest::nearest(&hyphenated, names())).flatten()
        });
        if let Some(near) = near {
            self.mistakes.push(Error::new(
                Code::InputUnknown,
                format!("There is no input `{}`.", suggest::shortened(name)),
                format!("It looks like `{near}`, misspelled."),
                format!("Write `{near}:`, or rename the variable if it is meant for something else."),
            ));
        } else if !THE_RUNNERS_OWN.contains(&name) {
            self.warnings.push(format!("There is no input `{}`; it has no effect.", suggest::shortened(name)));
        }
    }
}

fn given_twice(name: &str) -> Error {
    let what = format!("The input `{name}` was given twice.");
    Error::new(Code::InputConflict, what, "Its name stands there in upper and in lower case.", "Keep one of the two.")
}

/// Every field is an optional text, so this is a bug and not the user's mistake.
fn unreadable(error: &envy::Error) -> Error {
    Error::new(Code::Internal, "The inputs could not be read.", error.to_string(), "Please report this as a bug.")
}

/// Values may be secret: none is shown.
impl fmt::Debug for RawInputs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawInputs").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
