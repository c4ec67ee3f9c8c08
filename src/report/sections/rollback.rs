//! How to get back to what served before.

use std::cmp::Ordering;

use crate::apply::facts::is_complete;
use crate::model::service::{Deployment, Service};
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
    let before = report.service_before()?;
    let (service, cluster, previous) = (report.service_name()?, report.cluster_name()?, proven(before)?);
    let asked = report.outcome.task_definition_arn.as_deref();
    let back_already = verdict == Verdict::RolledBack || verdict == Verdict::Superseded;
    if !report.outcome.changed || report.outcome.deployment_id.is_none() || back_already || asked == Some(previous) {
        return None;
    }
    let step = format!("with:\n  task-definition-arn: {previous}\n  service: {service}\n  cluster: {cluster}");
    // A fold's title is HTML, in which backticks mean nothing.
    let title = format!("How to go back to {}", text(&revision(previous)));
    let by_action = format!(
        "Run this action with the revision that served before, and nothing else about the task definition:\n\n{}",
        fence("yaml", &step)
    );
    // UpdateService changes no task definition of a service whose tasks CodeDeploy moves.
    if before.controller() != "ECS" {
        return Some((title, by_action));
    }
    let region = report.region().map(|region| format!(" --region {region}")).unwrap_or_default();
    let command = format!(
        "aws ecs update-service{region} --cluster {cluster} --service {service} \\\n  --task-definition {previous}"
    );
    Some((title, format!("{by_action}\n\nOr at once, from a shell:\n\n{}", fence("sh", &command))))
}

/// The revision that had served, as far as the service tells: that of the newest deployment that completed, for one that
/// failed or was still going on may never have served. None when it is not known.
fn proven(before: &Service) -> Option<&str> {
    if let Some(serves) = before.primary_task_set() {
        return Some(&serves.task_definition);
    }
    let completed = |deployment: &&Deployment| match deployment.status.as_str() {
        "PRIMARY" => is_complete(deployment, before),
        _ => deployment.rollout_state.as_deref() == Some("COMPLETED"),
    };
    let newest = before.deployments.iter().filter(completed).max_by(|one, other| {
        let age = |it: &Deployment| (it.status == "PRIMARY", it.created_at.unwrap_or_default());
        age(one).partial_cmp(&age(other)).unwrap_or(Ordering::Equal)
    });
    newest.map(|deployment| deployment.task_definition.as_str())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::report::stories;

    fn told_after(before: Value) -> Option<(String, String)> {
        let mut report = stories::succeeded();
        let mut service = report.service_before().unwrap().clone();
        let change: Service = serde_json::from_value(before).unwrap();
        service.deployments = change.deployments;
        service.task_sets = change.task_sets;
        service.deployment_controller = change.deployment_controller;
        let plan = report.plan.as_mut().unwrap().services.first_mut().unwrap();
        plan.previous_task_definition_arn = Some(service.task_definition.clone());
        plan.service = Some(service);
        told(&report)
    }

    fn deployment(status: &str, revision: &str, state: &str, running: i64) -> Value {
        json!({"id": revision, "status": status, "taskDefinition": format!("arn:aws:ecs:r:1:task-definition/{revision}"),
            "rolloutState": state, "runningCount": running, "desiredCount": 2})
    }

    #[test]
    fn only_a_revision_that_completed_is_one_to_go_back_to() {
        for state in ["FAILED", "IN_PROGRESS"] {
            let newest = deployment("PRIMARY", "web:7", state, 1);
            let both = json!({"deployments": [newest, deployment("ACTIVE", "web:6", "COMPLETED", 2)]});
            let (title, body) = told_after(both).unwrap();
            assert_eq!(title, "How to go back to web:6");
            assert!(body.contains("web:6") && !body.contains("web:7"), "{body}");
            assert_eq!(told_after(json!({"deployments": [newest]})), None);
        }
        let completed = json!({"deployments": [deployment("PRIMARY", "web:7", "COMPLETED", 2)]});
        assert_eq!(told_after(completed).unwrap().0, "How to go back to web:7");
    }

    #[test]
    fn where_code_deploy_moves_the_tasks_there_is_no_way_through_the_shell() {
        let set = |status: &str, revision: &str| json!({"status": status, "taskDefinition": revision});
        let (title, body) = told_after(json!({
            "deploymentController": {"type": "CODE_DEPLOY"},
            "taskSets": [set("ACTIVE", "arn:aws:ecs:r:1:task-definition/web:7"), set("PRIMARY", "arn:aws:ecs:r:1:task-definition/web:6")],
        }))
        .unwrap();
        assert_eq!(title, "How to go back to web:6");
        assert!(body.contains("task-definition-arn: ") && !body.contains("aws ecs"), "{body}");
    }
}
