//! What later steps read: the rendered task definition and the report, as files.

use crate::github;
use crate::report::{Report, json};

/// Writes both, and keeps where they are. One that cannot be written is a warning.
pub(super) fn write(report: &mut Report) {
    let workspace = report.runner.workspace.clone();
    let name = document_name(report);
    let place =
        |kind: &str, text: &str| github::files::write_for_later_steps(&workspace, &format!("{kind}-{name}.json"), text);
    let definition = report.service_plan().map(|plan| plan.definition.pretty());
    let definition = definition.map(|text| place("task-definition", &text)).transpose();
    report.task_definition_path = definition.as_ref().ok().cloned().flatten();
    let told = place("report", &json::json(report));
    report.report_path = told.as_ref().ok().cloned();
    report.warnings.extend(definition.err().into_iter().chain(told.err()));
}

/// A name of its own for each cluster and service: a job may deploy the same service to several clusters, and the files
/// of an earlier step must stay what its outputs said.
fn document_name(report: &Report) -> String {
    match (report.cluster_name(), report.service_name()) {
        (Some(cluster), Some(service)) => format!("{cluster}.{service}"),
        _ => report.family().unwrap_or_else(|| "run".to_owned()),
    }
}
