//! Inputs that are declared but not available in this version: asking for one is an error, never silence.
//!
//! A value that asks for nothing (`run-task: false`) is fine.

use crate::error::{Code, Error};

use super::given::{Given, Remarks, given};
use super::raw::RawInputs;
use super::suggest::shortened;

/// What to do instead, for groups of inputs.
const RUN_TASK: &str = "Run the one-off task in a step of its own before this one, and remove the input.";
const SMOKE_TEST: &str = "Ask the URL in a step after this one, and remove the input.";

/// An input, the values of it that ask for nothing, and what to do instead.
type Later<'a> = (Given<'a>, &'a [&'a str], &'a str);

pub(super) fn refuse(raw: &RawInputs, remarks: &mut Remarks) {
    let table: &[Later<'_>] = &[
        (given!(raw.run_task), &["false"], RUN_TASK),
        (given!(raw.run_task_container_overrides), &["[]"], RUN_TASK),
        (given!(raw.run_task_security_groups), &[], RUN_TASK),
        (given!(raw.run_task_subnets), &[], RUN_TASK),
        (given!(raw.run_task_assign_public_ip), &["DISABLED"], RUN_TASK),
        (given!(raw.run_task_capacity_provider_strategy), &["[]"], RUN_TASK),
        (given!(raw.run_task_launch_type), &[], RUN_TASK),
        (given!(raw.run_task_started_by), &[], RUN_TASK),
        (given!(raw.run_task_tags), &["[]"], RUN_TASK),
        (given!(raw.run_task_managed_ebs_volume_name), &[], RUN_TASK),
        (given!(raw.run_task_managed_ebs_volume), &["{}"], RUN_TASK),
        (given!(raw.wait_for_task_stopped), &["false"], RUN_TASK),
        (given!(raw.smoke_test_url), &[], SMOKE_TEST),
        (given!(raw.smoke_test_status), &[], SMOKE_TEST),
        (given!(raw.smoke_test_contains), &[], SMOKE_TEST),
        (given!(raw.smoke_test_timeout_seconds), &[], SMOKE_TEST),
    ];
    for (input, off, instead) in table {
        if input.text().is_some_and(|text| !off.iter().any(|off| off.eq_ignore_ascii_case(text))) {
            remarks.mistakes.push(not_available(*input, instead));
        }
    }
    several_services(given!(raw.service), remarks);
}

fn several_services(input: Given<'_>, remarks: &mut Remarks) {
    if input.items().len() > 1 {
        let fix = "Deploy each service in a job of its own, by a `matrix:` in the workflow.";
        remarks.mistakes.push(not_available(input, fix));
    }
}

fn not_available(input: Given<'_>, instead: &str) -> Error {
    let name = input.name();
    // Container overrides may hold secrets; of the rest, the value says what was asked for.
    let shown = match input.field {
        "run_task_container_overrides" => String::new(),
        _ => format!(": {}", shortened(input.text().unwrap_or_default())),
    };
    let why = "This version declares the input so that a workflow is never misunderstood, but cannot do it yet.";
    Error::new(Code::InputNotAvailable, format!("`{name}{shown}` is not available in this version."), why, instead)
}
