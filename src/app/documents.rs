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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::Outcome;
    use crate::model::service::Service;

    #[test]
    fn the_same_service_in_two_clusters_has_files_of_its_own() {
        let name = |cluster: &str| {
            let service = Service {
                service_name: "web".to_owned(),
                cluster_arn: format!("arn:aws:ecs:eu-central-1:123456789012:cluster/{cluster}"),
                ..Service::default()
            };
            document_name(&Report {
                outcome: Outcome { service: Some(service), ..Default::default() },
                ..Report::default()
            })
        };
        assert_eq!((name("staging").as_str(), name("prod").as_str()), ("staging.web", "prod.web"));
        assert_eq!(document_name(&Report::default()), "run");
    }
}
