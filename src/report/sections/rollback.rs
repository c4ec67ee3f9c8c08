//! How to get back to what served before.

use crate::model::verdict::Verdict;
use crate::report::Report;
use crate::report::markdown::{details, fence, text};
use crate::report::view::revision;

/// Folded, unless it is urgent and stands above.
pub fn section(report: &Report) -> Option<String> {
    let (title, body) = told(report).filter(|_| !is_urgent(report))?;
    Some(details(&title, &body))
}

/// Where ECS could not go back, this is the first thing to do.
pub fn urgent(report: &Report) -> Option<String> {
    let (title, body) = told(report).filter(|_| is_urgent(report))?;
    Some(format!("#### {title}\n\n{body}"))
}

fn is_urgent(report: &Report) -> bool {
    report.ending() == Some(Verdict::RollbackFailed)
}

fn told(report: &Report) -> Option<(String, String)> {
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
    // A fold's title is HTML, in which backticks mean nothing.
    let title = format!("How to go back to {}", text(&revision(previous)));
    let body = format!(
        "Run this action with the revision that served before, and nothing else about the task definition:\n\n{}\n\n\
         Or at once, from a shell:\n\n{}",
        fence("yaml", &step),
        fence("sh", &command)
    );
    Some((title, body))
}
