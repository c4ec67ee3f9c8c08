//! Room for our deployment: a group takes one at a time.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::STOP;
use super::words::busy;
use crate::apply::facts::live;
use crate::apply::{Outcome, What};
use crate::aws::Aws;
use crate::error::Error;
use crate::inputs::Wait;
use crate::model::code_deploy::CodeDeployment;
use crate::plan::ServicePlan;
use crate::plan::codedeploy::CodeDeploy;

/// The shortest pause between two looks at a busy group.
const SHORTEST: Duration = Duration::from_millis(50);

/// How long CodeDeploy may take to name the way back from a deployment that was stopped.
const LAG: Duration = Duration::from_mins(1);

/// Stops somebody else's deployment, as asked, and waits until CodeDeploy has gone back from it.
///
/// # Errors
/// It was not stopped, or its end not reached before the deadline. Nothing was deployed then.
pub(super) async fn replace(
    other: &str,
    step: &CodeDeploy,
    plan: &ServicePlan,
    (wait, deadline): (&Wait, Instant),
    aws: &Aws,
    outcome: &mut Outcome,
    tell: &mut dyn FnMut(What),
) -> Result<(), Error> {
    let name = plan.service.as_ref().map(|service| service.service_name.clone()).unwrap_or_default();
    let now = aws.code_deployment(other).await?;
    // What production was moved to meanwhile, and a way back, are let end.
    if !now.is_closed() && now.stays().is_none() {
        tell(What::Started(format!("stopping {other}, which this run replaces, so that CodeDeploy goes back from it")));
        let changed = std::mem::replace(&mut outcome.changed, true);
        outcome.unanswered = Some(STOP);
        let asked = aws.stop_deployment(other).await;
        outcome.unanswered = None;
        if let Err(error) = asked {
            outcome.changed = changed || error.maybe_applied;
            let mut error = Error::from(error);
            error.what = format!("`{name}` was not deployed: {other} could not be stopped. {}", error.what);
            return Err(error);
        }
        outcome.replaced = Some(other.to_owned());
    }
    let (mut told, mut closed) = (String::new(), None);
    loop {
        let now = aws.code_deployment(other).await?;
        let back = match now.rollback_id() {
            Some(id) => Some(aws.code_deployment(id).await?),
            None => None,
        };
        if now.is_closed() {
            let closed = *closed.get_or_insert_with(Instant::now);
            let is_over = match &back {
                Some(back) => back.is_closed(),
                None => now.status == "Succeeded" || closed.elapsed() >= LAG,
            };
            if is_over {
                break;
            }
        }
        pause(&now, back.as_ref(), &mut told, tell);
        if Instant::now() >= deadline {
            return Err(busy(Some(&now), step, &name, Some(wait.limit)));
        }
        sleep(wait.max_delay.max(SHORTEST)).await;
    }
    look_again(plan, aws, outcome).await;
    Ok(())
}

/// Waits until no deployment of the group is in progress.
///
/// # Errors
/// One still is, at the deadline.
pub(super) async fn others_end(
    step: &CodeDeploy,
    plan: &ServicePlan,
    (wait, deadline): (&Wait, Instant),
    aws: &Aws,
    outcome: &mut Outcome,
    tell: &mut dyn FnMut(What),
) -> Result<(), Error> {
    let (application, group) = (step.name("applicationName"), step.name("deploymentGroupName"));
    let name = plan.service.as_ref().map(|service| service.service_name.as_str()).unwrap_or_default();
    let mut told = String::new();
    loop {
        sleep(wait.max_delay.max(SHORTEST)).await;
        // What cannot be read is found out by trying.
        let ids = aws.code_deployments_in_progress(application, group).await.unwrap_or_default();
        let other = match ids.first() {
            Some(id) => aws.code_deployment(id).await.ok(),
            None => None,
        };
        if let Some(other) = &other {
            pause(other, None, &mut told, tell);
        }
        if Instant::now() >= deadline {
            return Err(busy(other.as_ref(), step, name, Some(wait.limit)));
        }
        if ids.is_empty() {
            look_again(plan, aws, outcome).await;
            return Ok(());
        }
    }
}

/// Tells what is waited for, once.
fn pause(other: &CodeDeployment, back: Option<&CodeDeployment>, told: &mut String, tell: &mut dyn FnMut(What)) {
    let back =
        back.map(|back| format!(", and its way back {} {}", back.deployment_id, back.status)).unwrap_or_default();
    let line = format!("waiting until {} has ended: {}{back}", other.deployment_id, other.status);
    if line != *told {
        tell(What::Progress(line.clone()));
        *told = line;
    }
}

/// What the others left is what ours begins from.
async fn look_again(plan: &ServicePlan, aws: &Aws, outcome: &mut Outcome) {
    let Some(before) = &plan.service else { return };
    let services = aws.describe_services(&plan.cluster, &[before.service_name.as_str()]).await;
    if let Some(service) = services.into_iter().flatten().next() {
        outcome.live_task_definition_arn = live(&service).map(str::to_owned);
        outcome.service = Some(service);
    }
}
