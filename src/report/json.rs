//! The whole report as JSON, for later steps and for machines. Its keys are stable; new ones may come.
//!
//! - `schema`: 1;
//! - every output of the action but `services` and `report`, under its own name, and `service`, `cluster`, `region`;
//! - `errors`: `code`, `what`, `why`, `fix`; `warnings`: sentences;
//! - `run`: `url`, `repository`, `sha` of the workflow run;
//! - `images`: `container`, `from`, `from_digest`, `to`, `to_digest`, and where they are known, the sizes in bytes and the
//!   times pushed in seconds since 1970;
//! - `changes`: `path`, `from`, `to` in the task definition, environment values masked;
//! - `steps`: what was to be done, in order;
//! - `cost` of a service on Fargate: `task_before` and `task_after` in US dollars a month, `tasks_before` and `tasks_after`,
//!   `region`, `platform`, the day `as_of` which the prices are, whether it `is_at_most` that, and why it is `unknown`;
//! - `checks`: `check`, whether it `blocks`, its `findings` (`code`, `what`, `why`, `fix`, `pointer`, `place`), and why
//!   it was `skipped`;
//! - `timeline`: `at` in seconds since the run began, `kind`, `text`;
//! - `deployment`: ECS's service deployment as seen last; `code-deployment`: CodeDeploy's own;
//! - `superseded-by`: the revision that took over;
//! - `evidence` of a failure: `stopped` and `routine` tasks by reason, `logs`, `target_groups`, `unhealthy` containers,
//!   `alarms`, `breaker`, `events`, `moments` in one order, `spent` time, and what is `missing`.
//!
//! The task definition is not in it: it may carry values that are nobody's business. It has a file of its own.

use serde_json::{Value, json};

use crate::apply::{Event, What};
use crate::plan::Step;

use super::Report;
use super::outputs::service_object;

/// The report, as JSON text.
pub fn json(report: &Report) -> String {
    let mut object = service_object(report);
    let plan = report.service_plan();
    let rest = json!({
        "region": report.region(),
        "errors": report.failures(),
        "warnings": report.remarks(),
        "run": {
            "url": report.runner.run_url(),
            "repository": report.runner.repository,
            "sha": report.runner.sha,
        },
        "images": plan.map(|plan| &plan.images),
        "changes": plan.map(|plan| &plan.changes),
        "steps": plan.map(|plan| plan.steps.iter().map(step_name).collect::<Vec<_>>()),
        "cost": plan.map(|plan| &plan.cost),
        "checks": report.checked,
        "timeline": report.timeline.iter().map(event).collect::<Vec<_>>(),
        "deployment": report.outcome.service_deployment,
        "code-deployment": report.outcome.code_deployment,
        "superseded-by": report.outcome.superseded_by,
        "evidence": report.outcome.evidence,
    });
    object.shift_insert(0, "schema".to_owned(), 1.into());
    if let Value::Object(rest) = rest {
        object.extend(rest);
    }
    let mut text = format!("{:#}", Value::Object(object));
    text.push('\n');
    text
}

fn event(event: &Event) -> Value {
    let (kind, text) = match &event.what {
        What::Started(text) => ("started", text),
        What::Progress(text) => ("progress", text),
        What::ServiceSaid(said) => ("service-said", &said.message),
        What::Finished(text) => ("finished", text),
        What::Warned(text) => ("warned", text),
    };
    let seconds = (event.at.as_secs_f64() * 10.0).round() / 10.0;
    json!({ "at": seconds, "kind": kind, "text": text })
}

fn step_name(step: &Step) -> &'static str {
    match step {
        Step::RegisterTaskDefinition { .. } => "register-task-definition",
        Step::UpdateService { .. } => "update-service",
        Step::StopDeployment { .. } => "stop-deployment",
        Step::UpdateSettings { .. } => "update-settings",
        Step::CodeDeploy(_) => "code-deploy",
        Step::JoinCodeDeploy { .. } => "join-code-deploy",
        Step::AwaitRollout => "await-rollout",
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::report::stories;

    #[test]
    fn the_report_of_a_rollback_holds_all_that_is_known() {
        insta::assert_snapshot!(json(&stories::bad_image()));
    }

    #[test]
    fn no_environment_value_and_no_secret_gets_into_the_report() {
        for (name, report) in stories::all() {
            let told = json(&report);
            assert!(!stories::NEVER_SHOWN.iter().any(|value| told.contains(value)), "{name}");
        }
    }

    #[test]
    fn a_report_of_nothing_is_json_all_the_same() {
        let value: Value = serde_json::from_str(&json(&Report::default())).unwrap();
        assert_eq!(value.get("schema"), Some(&1.into()));
    }
}
