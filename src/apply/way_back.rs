//! The wait for a way back: it is through when the service shows it.

use std::time::Duration;

use tokio::time::sleep;

use super::facts::{Goal, is_complete, live};
use super::{Outcome, What, poll};
use crate::aws::Aws;
use crate::error::Error;
use crate::inputs::Wait;
use crate::model::service::Service;
use crate::model::verdict::Verdict;
use crate::plan::ServicePlan;

/// Reads, a second apart, that a finished way back may need to show.
const SETTLING: u32 = 30;

/// Follows ECS rolling our deployment back.
pub(super) async fn follow_ecs(
    goal: &Goal,
    plan: &ServicePlan,
    wait: &Wait,
    aws: &Aws,
    outcome: &Outcome,
    tell: &mut dyn FnMut(What),
) -> Result<Outcome, Error> {
    // The tasks that failed are counted already.
    let wait = Wait { fail_fast_after: 0, ..wait.clone() };
    let ended = follow(goal, outcome.service.clone(), plan, &wait, aws, tell).await;
    prove(goal, ended, plan, aws).await
}

/// Follows a way back, apart from what is known of our deployment.
pub(super) async fn follow(
    goal: &Goal,
    before: Option<Service>,
    plan: &ServicePlan,
    wait: &Wait,
    aws: &Aws,
    tell: &mut dyn FnMut(What),
) -> Result<Outcome, Error> {
    let mut back = Outcome { changed: true, ..Outcome::default() };
    // Events told already are not told again.
    let plan = ServicePlan { service: before.or_else(|| plan.service.clone()), ..plan.clone() };
    poll::follow(goal, &plan, wait, aws, &mut back, tell).await?;
    Ok(back)
}

/// A way back is through when the service shows it: another deployment than ours is completed and its tasks run.
pub(super) async fn prove(
    goal: &Goal,
    ended: Result<Outcome, Error>,
    plan: &ServicePlan,
    aws: &Aws,
) -> Result<Outcome, Error> {
    let mut back = ended?;
    // Stopped, and what was there before is completed and PRIMARY again: whoever saw to that, it serves.
    if back.verdict == Some(Verdict::Failed)
        && let Some(service) = back.service.as_ref().filter(|service| is_back(service, goal))
        && service.primary().map(|primary| &primary.id) == goal.previous_deployment_id.as_ref()
    {
        back.verdict = Some(Verdict::RolledBack);
        return Ok(back);
    }
    if !matches!(back.verdict, Some(Verdict::RolledBack | Verdict::Succeeded)) {
        return Ok(back);
    }
    if back.verdict == Some(Verdict::Succeeded)
        && back.service.as_ref().is_some_and(|service| is_primary(service, goal))
    {
        return Ok(back);
    }
    for _ in 0..SETTLING {
        if back.service.as_ref().is_some_and(|service| is_back(service, goal)) {
            return Ok(back);
        }
        sleep(Duration::from_secs(1)).await;
        // What cannot be read any more does not take back what ECS said.
        let Ok(services) = aws.describe_services(&plan.cluster, &[goal.service.as_str()]).await else {
            return Ok(back);
        };
        if let Some(service) = services.into_iter().next() {
            back.live_task_definition_arn = live(&service).map(str::to_owned);
            back.service = Some(service);
        }
    }
    back.verdict = Some(Verdict::RollbackFailed);
    Ok(back)
}

fn is_primary(service: &Service, goal: &Goal) -> bool {
    service.primary().is_some_and(|primary| primary.id == goal.deployment_id)
}

fn is_back(service: &Service, goal: &Goal) -> bool {
    let Some(primary) = service.primary().filter(|primary| primary.id != goal.deployment_id) else { return false };
    let runs = primary.running_count > 0 || service.desired_count == 0;
    is_complete(primary, service) && runs
}
