//! Goes back from our deployment, which failed, and waits until the earlier revision really serves.

use std::time::Duration;

use super::ending::STAYS;
use super::facts::Goal;
use super::progress::minutes;
use super::road::{NoWay, Road, ask, ask_update};
use super::way_back::{follow, follow_ecs, prove};
use super::{Outcome, What};
use crate::aws::Aws;
use crate::error::{Code, Error};
use crate::inputs::{OnFailure, Until, Wait};
use crate::model::names::short_name;
use crate::model::verdict::Verdict;
use crate::plan::ServicePlan;

/// What the way back gets at least, however little of the wait is left: a limit must not make it lie.
const LEAST: Duration = Duration::from_mins(10);

/// Failed tasks that make a deployment which is still moving at the limit a failed one.
const FAILING: i64 = 3;

/// Whether our deployment ended so that it is to be undone: it failed, or at the limit nothing of it runs and its tasks
/// keep failing. What is merely slow is left alone.
pub(super) fn is_called_for(goal: &Goal, plan: &ServicePlan, outcome: &Outcome) -> bool {
    let gone = outcome.cause.as_ref().is_some_and(|cause| cause.code == Code::ServiceGone);
    let failed = match outcome.verdict {
        Some(Verdict::Failed) => !gone,
        Some(Verdict::TimedOut) => keeps_failing(goal, outcome),
        _ => false,
    };
    failed && goal.may_be_undone() && plan.on_failure == OnFailure::Rollback
}

fn keeps_failing(goal: &Goal, outcome: &Outcome) -> bool {
    let deployments = outcome.service.iter().flat_map(|service| &service.deployments);
    let ours = deployments.into_iter().find(|deployment| deployment.id == goal.deployment_id);
    ours.is_some_and(|ours| ours.running_count == 0 && ours.failed_tasks >= FAILING)
}

/// Goes back from our deployment, which ended with `failure`, and writes what became of it into `outcome`. Of the wait,
/// `left` is left.
pub(super) async fn undo(
    goal: &Goal,
    failure: Verdict,
    plan: &ServicePlan,
    (wait, left): (&Wait, Duration),
    aws: &Aws,
    outcome: &mut Outcome,
    tell: &mut dyn FnMut(What),
) {
    let ours = short_name(&goal.task_definition);
    tell(What::Started(format!("going back from {ours}")));
    let wait = Wait { limit: left.max(LEAST), until: Until::Stable, ..wait.clone() };
    let mut asked = ask(goal, plan, aws, outcome, tell).await;
    if matches!(asked, Ok(Road::Ecs)) {
        match follow_ecs(goal, plan, &wait, aws, outcome, tell).await {
            // ECS gave up without going back.
            Ok(back) if back.verdict == Some(Verdict::Failed) && !is_gone(&back) => {
                asked = ask_update(goal, plan, aws, outcome, tell).await;
            }
            ended => return conclude(failure, ended, false, (goal, &wait), outcome, tell),
        }
    }
    match asked {
        Ok(Road::Update(back)) => {
            let before = outcome.service.clone();
            let ended = follow(&back, before, plan, &wait, aws, tell).await;
            let ended = prove(goal, ended, plan, aws).await;
            conclude(failure, ended, true, (goal, &wait), outcome, tell);
        }
        Ok(Road::Ecs | Road::Completed) => {
            let ended = follow_ecs(goal, plan, &wait, aws, outcome, tell).await;
            conclude(failure, ended, false, (goal, &wait), outcome, tell);
        }
        Err(no_way) => {
            // What may have been carried out all the same is not known to have failed.
            let refused = matches!(&no_way, NoWay::Refused(error) if !error.maybe_applied);
            let verdict = if refused { Verdict::RollbackFailed } else { failure };
            let words = match verdict {
                Verdict::RollbackFailed => format!("and the way back failed: {no_way}"),
                _ if matches!(no_way, NoWay::Refused(_)) => format!("and {no_way}"),
                _ => format!("and nothing was undone: {no_way}"),
            };
            tell(What::Warned(words.trim_start_matches("and ").to_owned()));
            outcome.verdict = Some(verdict);
            explain(outcome, &words);
        }
    }
}

fn is_gone(back: &Outcome) -> bool {
    back.cause.as_ref().is_some_and(|cause| cause.code == Code::ServiceGone)
}

/// Writes the end of the way back into the outcome.
fn conclude(
    failure: Verdict,
    ended: Result<Outcome, Error>,
    updated: bool,
    (goal, wait): (&Goal, &Wait),
    outcome: &mut Outcome,
    tell: &mut dyn FnMut(What),
) {
    let back = match ended {
        Ok(back) => back,
        Err(error) => {
            outcome.verdict = Some(failure);
            let words = format!("and how the way back ends is not known: {}", error.why);
            tell(What::Warned("how the way back ends is not known".to_owned()));
            return explain(outcome, &words);
        }
    };
    outcome.live_task_definition_arn.clone_from(&back.live_task_definition_arn);
    outcome.service = back.service.clone().or(outcome.service.take());
    if let Some(deployment) = back.service_deployment.clone().filter(|deployment| goal.owns(deployment)) {
        outcome.service_deployment = Some(deployment);
    }
    let serves = back.live_task_definition_arn.as_deref().map_or("no revision", short_name);
    let (verdict, words) = match back.verdict {
        Some(Verdict::Succeeded) if !updated => {
            // Whatever looked like a failure, its own deployment says that it is done.
            tell(What::Finished(format!("{serves} was completed in the meantime: nothing was undone")));
            outcome.cause = None;
            outcome.evidence = None;
            outcome.verdict = Some(Verdict::Succeeded);
            return;
        }
        Some(Verdict::Succeeded | Verdict::RolledBack) => (Verdict::RolledBack, format!("and {serves} serves again")),
        Some(Verdict::Superseded) => {
            outcome.superseded_by.clone_from(&back.superseded_by);
            let other = back.superseded_by.as_deref().map_or("another revision", short_name);
            (failure, format!("and on the way back another deployment, of {other}, took over"))
        }
        Some(Verdict::TimedOut) => {
            (Verdict::TimedOut, format!("and the way back was still going on after {}", minutes(wait.limit)))
        }
        _ if is_gone(&back) => (failure, "and the service was deleted on the way back".to_owned()),
        _ => (Verdict::RollbackFailed, "and the way back failed too: the service may be degraded".to_owned()),
    };
    let told = words.trim_start_matches("and ").to_owned();
    tell(if verdict == Verdict::RolledBack { What::Finished(told) } else { What::Warned(told) });
    outcome.verdict = Some(verdict);
    explain(outcome, &words);
}

/// Puts what became of the way back into the cause's first sentence, and a fix that fits.
fn explain(outcome: &mut Outcome, words: &str) {
    let verdict = outcome.verdict;
    let Some(cause) = &mut outcome.cause else { return };
    let what = cause.what.trim_end_matches('.').trim_end_matches(STAYS);
    cause.what = format!("{what}, {words}.");
    let fix = match verdict {
        Some(Verdict::RolledBack) if cause.code == Code::TimedOut || cause.fix.starts_with("Deploy a revision") => {
            "Read why the tasks stopped, correct the task definition or the image, then deploy again."
        }
        Some(Verdict::RollbackFailed) => {
            "Deploy a revision that is known to work now, by `task-definition-arn`; then read why the tasks stopped."
        }
        Some(Verdict::TimedOut) => "Look at the service until the way back has ended; then read why the tasks stopped.",
        _ => return,
    };
    fix.clone_into(&mut cause.fix);
}
