//! How to get back to what served before.

use crate::model::names::short_name;
use crate::model::verdict::Verdict;
use crate::report::Report;
use crate::report::markdown::{code, details, fence};
use crate::report::view::revision;

pub fn section(report: &Report) -> Option<String> {
    let verdict = report.ending()?;
    let (service, cluster, previous) = (report.service_name()?, report.cluster_name()?, report.previous_arn()?);
    let asked = report.outcome.task_definition_arn.as_deref();
    let back_already = verdict == Verdict::RolledBack || verdict == Verdict::Superseded;
    if !report.outcome.changed || report.outcome.deployment_id.is_none() || back_already || asked == Some(previous) {
        return None;
    }
    let step = format!("with:\n  task-definition-arn: {previous}\n  service: {service}\n  cluster: {cluster}");
    let region = report.region().map(|region| format!(" --region {region}")).unwrap_or_default();
    let command = format!(
        "aws ecs update-service{region} --cluster {cluster} --service {service} \\\n  --task-definition {previous}"
    );
    let title = format!("How to go back to {}", code(&revision(previous)));
    let body = format!(
        "Run this action with the revision that served before, and nothing else about the task definition:\n\n{}\n\n\
         Or at once, from a shell:\n\n{}",
        fence("yaml", &step),
        fence("sh", &command)
    );
    // A summary's title is HTML, in which backticks mean nothing.
    let folded = || details(&format!("How to go back to {}", short_name(&revision(previous))), &body);
    Some(if verdict.is_green() { folded() } else { format!("#### {title}\n\n{body}") })
}
