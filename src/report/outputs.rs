//! The step's outputs: every one of the contract, on every path.

use serde_json::{Map, Value};

use crate::model::verdict::Verdict;

use super::Report;
use super::links::task_definition;
use super::message::message;

/// Every output and its value; one that has none is empty.
///
/// `image-digests` and `services` are always JSON, so that `fromJSON` never meets an empty text.
pub fn outputs(report: &Report) -> Vec<(&'static str, String)> {
    let service = service_object(report);
    let mut outputs: Vec<(&'static str, String)> = NAMES.iter().map(|&name| (name, text(&service, name))).collect();
    let services = if report.service_name().is_some() { vec![Value::Object(service)] } else { Vec::new() };
    outputs.push(("services", Value::Array(services).to_string()));
    outputs.push(("report", report.report_path.clone().unwrap_or_default()));
    outputs
}

/// The outputs that each service has of its own.
const NAMES: &[&str] = &[
    "verdict",
    "reason",
    "message",
    "task-definition-arn",
    "task-definition",
    "previous-task-definition-arn",
    "live-task-definition-arn",
    "service-arn",
    "deployment-id",
    "service-deployment-arn",
    "codedeploy-deployment-id",
    "run-task-arn",
    "aws-account-id",
    "image-digests",
    "changed",
    "duration-seconds",
    "console-url",
];

/// What is known of the service under the outputs' names, for the output `services` and the report file.
pub fn service_object(report: &Report) -> Map<String, Value> {
    let outcome = &report.outcome;
    let verdict = report.ending();
    let reason = match verdict {
        Some(verdict) if !verdict.is_green() => report.failures().first().map(|error| error.code.slug()),
        _ => None,
    };
    let service_arn = report.service().map(|service| service.service_arn.as_str());
    let account = report.identity.as_ref().map(|identity| identity.account.as_str());
    let (message, console_url) = (message(report), console_url(report));
    let fields: [(&str, Option<&str>); 14] = [
        ("service", report.service_name()),
        ("cluster", report.cluster_name()),
        ("verdict", verdict.map(Verdict::name)),
        ("reason", reason),
        ("message", Some(&message)),
        ("task-definition-arn", outcome.task_definition_arn.as_deref()),
        ("task-definition", report.task_definition_path.as_deref()),
        ("previous-task-definition-arn", report.previous_arn()),
        ("live-task-definition-arn", report.live_arn()),
        ("service-arn", service_arn),
        ("deployment-id", outcome.deployment_id.as_deref()),
        ("service-deployment-arn", outcome.service_deployment_arn.as_deref()),
        ("aws-account-id", account),
        ("console-url", console_url.as_deref()),
    ];
    let mut object: Map<String, Value> =
        fields.into_iter().map(|(name, value)| (name.to_owned(), value.unwrap_or_default().into())).collect();
    let by_code_deploy = outcome.codedeploy_deployment_id.as_deref().unwrap_or_default();
    object.insert("codedeploy-deployment-id".to_owned(), by_code_deploy.into());
    object.insert("run-task-arn".to_owned(), "".into());
    object.insert("image-digests".to_owned(), Value::Object(image_digests(report)));
    object.insert("changed".to_owned(), outcome.changed.into());
    object.insert("duration-seconds".to_owned(), report.duration.as_secs().into());
    object
}

/// Each container's digest, where it is known.
fn image_digests(report: &Report) -> Map<String, Value> {
    let unchanged = report.ending() == Some(Verdict::Unchanged);
    let images = report.service_plan().map(|plan| plan.images.as_slice()).unwrap_or_default();
    let digests = images.iter().filter_map(|image| {
        // Where nothing was deployed, what runs is what was asked for.
        let running = if unchanged { image.from_digest.as_ref() } else { None };
        let digest = running.or(image.to_digest.as_ref())?;
        Some((image.container.clone(), digest.clone().into()))
    });
    digests.collect()
}

/// The page in the console of CodeDeploy's deployment, of the service, or of the revision when only registering.
pub fn console_url(report: &Report) -> Option<String> {
    if let Some(id) = &report.outcome.codedeploy_deployment_id {
        return Some(report.place()?.code_deployment(id));
    }
    match (report.cluster_name(), report.service_name()) {
        (Some(cluster), Some(service)) => Some(report.place()?.service(cluster, service, "health")),
        _ => task_definition(report.outcome.task_definition_arn.as_deref()?),
    }
}

fn text(object: &Map<String, Value>, name: &str) -> String {
    match object.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
        None => String::new(),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::report::stories;

    /// The contract's list.
    const CONTRACT: &str = "verdict reason message task-definition-arn task-definition previous-task-definition-arn \
        live-task-definition-arn service-arn deployment-id service-deployment-arn codedeploy-deployment-id run-task-arn \
        aws-account-id image-digests changed duration-seconds console-url services report";

    #[test]
    fn every_output_of_the_contract_is_there_on_every_path() {
        let contract: Vec<&str> = CONTRACT.split_whitespace().collect();
        for (name, report) in stories::all().into_iter().chain([("nothing known", Report::default())]) {
            let names: Vec<&str> = outputs(&report).into_iter().map(|(name, _)| name).collect();
            assert_eq!(names, contract, "{name}");
        }
    }

    #[test]
    fn the_outputs_of_a_rollback_tell_what_serves_now() {
        let told: Vec<String> =
            outputs(&stories::bad_image()).into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        insta::assert_snapshot!(told.join("\n"));
    }

    #[test]
    fn reason_is_empty_on_success_and_a_slug_otherwise() {
        let reason = |report| outputs(&report).into_iter().find(|(name, _)| *name == "reason").unwrap().1;
        assert_eq!(reason(stories::succeeded()), "");
        assert_eq!(reason(stories::denied()), "access-denied");
    }

    #[test]
    fn a_run_that_changed_nothing_says_that_the_old_revision_serves() {
        let report = stories::denied();
        assert_eq!(report.live_arn(), report.previous_arn());
        assert!(report.live_arn().is_some());
    }

    #[test]
    fn lists_are_json_even_when_nothing_is_known() {
        let outputs = outputs(&Report::default());
        let value = |wanted| outputs.iter().find(|(name, _)| *name == wanted).unwrap().1.as_str();
        assert_eq!((value("image-digests"), value("services"), value("changed")), ("{}", "[]", "false"));
    }
}
