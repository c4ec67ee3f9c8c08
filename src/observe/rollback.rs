//! `mode: rollback`: which revision to go back to.

use crate::aws::Aws;
use crate::error::{Code, Error};
use crate::inputs::{Inputs, Source};
use crate::model::history::Back;
use crate::model::names::short_name;
use crate::model::service::Service;

/// Where the way back leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WayBack {
    /// The task definition to go back to.
    pub task_definition: String,
    /// The service deployment in progress, which ECS itself can roll back.
    pub stop: Option<String>,
    /// What to say about it.
    pub remark: Option<String>,
}

/// The revision that the inputs name, or the last one that completed before what the service runs.
///
/// # Errors
/// [`Code::NothingToRollBackTo`]: there is none, or it cannot be told which one.
pub async fn way_back(inputs: &Inputs, service: &Service, aws: &Aws) -> Result<WayBack, Error> {
    if let Source::Registered(named) = &inputs.definition.source {
        return Ok(WayBack { task_definition: named.clone(), stop: None, remark: None });
    }
    let name = &service.service_name;
    let refuse = |why: String| {
        Error::new(
            Code::NothingToRollBackTo,
            format!("It cannot be told to which revision `{name}` goes back."),
            why,
            "Name it by `task-definition-arn`, or by `task-definition-family` and `task-definition-revision`.",
        )
    };
    if service.is_moved_by_code_deploy() {
        return Err(refuse(
            "CodeDeploy moves its tasks, and keeps no record of the revisions that it deployed.".to_owned(),
        ));
    }
    let runs = service.primary().map_or("", |primary| short_name(&primary.task_definition));
    let back = match aws.history(&inputs.deploy.cluster, name).await {
        Ok(history) => history.back_from(service),
        Err(error) => match completed_beside(service) {
            Some(task_definition) => Back::To { task_definition, stop: None },
            None => return Err(refuse(format!("What completed is not known: {error}"))),
        },
    };
    match back {
        Back::To { task_definition, stop } => Ok(WayBack { task_definition, stop, remark: None }),
        Back::Already { from } => {
            let from = from.as_deref().map(|from| format!(" from {}", short_name(from))).unwrap_or_default();
            let remark = format!(
                "`{name}` was rolled back{from} to {runs} already; name a revision by `task-definition-arn` to go further."
            );
            Ok(WayBack { task_definition: service.task_definition.clone(), stop: None, remark: Some(remark) })
        }
        Back::Nowhere => Err(refuse(format!(
            "ECS knows no other revision than {runs} that completed in the service: of a service it keeps 90 days, and \
             the last 20 deployments were looked at."
        ))),
    }
}

/// Without a history: a completed deployment that still stands beside the newest one.
fn completed_beside(service: &Service) -> Option<String> {
    let primary = service.primary()?;
    let completed = |state: Option<&str>| state == Some("COMPLETED");
    let mut beside = service.deployments.iter().filter(|other| other.id != primary.id);
    let found = beside.find(|other| completed(other.rollout_state.as_deref()))?;
    (!completed(primary.rollout_state.as_deref())).then(|| found.task_definition.clone())
}
