//! The loop that follows a deployment by CodeDeploy: looks, judges, tells what changed, until it is at an end.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use super::failing::Failing;
use super::judge::{Ending, Goal, LAG, Phase, Rollout, judge};
use super::limit::with_its_waits;
use super::watch::{BLIND, Watch};
use super::words::explain;
use crate::apply::poll::GRACE;
use crate::apply::progress::HEARTBEAT;
use crate::apply::{Outcome, What};
use crate::aws::Aws;
use crate::error::{Code, Error};
use crate::inputs::Wait;
use crate::model::code_deploy::CodeDeployment;
use crate::model::verdict::Verdict;
use crate::plan::ServicePlan;

/// How long the way back may take at least: a limit must not make it lie.
const WAY_BACK: Duration = Duration::from_mins(15);

/// Follows our deployment to its end, which it writes into `outcome`. Where asked for, it is stopped when its tasks keep
/// failing, or at the limit, and the way back is followed too.
///
/// # Errors
/// The deployment or the service cannot be read any more. CodeDeploy goes on by itself then, and the error says so.
pub async fn follow(
    goal: &Goal,
    plan: &ServicePlan,
    wait: &Wait,
    aws: &Aws,
    outcome: &mut Outcome,
    tell: &mut dyn FnMut(What),
) -> Result<(), Error> {
    let began = Instant::now();
    let mut limit = wait.limit;
    let mut deadline = began + limit;
    let mut is_limit_known = false;
    let mut watch = Watch::new(goal, plan, aws, outcome);
    let mut failing = Failing::new(wait.fail_fast_after);
    loop {
        watch.facts.late = Instant::now() >= deadline;
        // A look that begins after the limit has its time, too: what was not seen is not stopped.
        let until = deadline.max(Instant::now()) + GRACE;
        if let Ok(looked) = timeout_at(until, watch.look(began, tell)).await {
            looked?;
        } else {
            (watch.facts.late, watch.blind) = (true, watch.blind + 1);
        }
        watch.facts.now = began.elapsed();
        // What follows an end is looked for from the first look at the service after it.
        if watch.facts.service.is_none() && watch.newest().is_some_and(CodeDeployment::is_closed) {
            watch.facts.closed_since = Some(watch.facts.now);
        }
        watch.record(outcome);
        if !is_limit_known && let Some(ours) = &watch.facts.ours {
            is_limit_known = true;
            if let Some(longer) = with_its_waits(wait.limit, ours, aws, tell).await {
                (limit, deadline) = (longer, began + longer);
                watch.facts.late = false;
            }
        }
        let rollout = judge(&watch.facts, goal);
        watch.tell_progress(&rollout, tell);
        // Not "still moving": nobody saw it move.
        if let Rollout::Ended(Ending { verdict: Verdict::TimedOut, .. }) = &rollout
            && watch.blind >= BLIND
            && let Some(error) = watch.unread.take()
        {
            return Err(watch.left_alone(error));
        }
        let mut ending = match rollout {
            Rollout::Ended(ending) => Some(ending),
            Rollout::Moving(Phase::Forward) if !watch.facts.stopped_by_us && watch.facts.failing.is_none() => {
                watch.facts.failing = failing.look(&watch.facts, goal, plan, aws, tell).await;
                watch.facts.failing.map(|_| Ending::new(Verdict::Failed, Some(Code::DeploymentFailed)))
            }
            Rollout::Moving(phase) => {
                if watch.facts.late && phase == Phase::Settling {
                    // What serves after the end is not to be seen, however long it is looked for.
                    if watch.unseen >= BLIND
                        && let Some(error) = watch.hidden.take()
                    {
                        return Err(watch.left_alone(error));
                    }
                    deadline = Instant::now() + LAG;
                }
                None
            }
        };
        if ending.as_ref().is_some_and(|ending| watch.is_to_be_stopped(ending)) && watch.stop(outcome, tell).await {
            (deadline, ending) = (Instant::now() + WAY_BACK, None);
        }
        // The way back began by itself, and is not cut short by a limit that was for the way forward.
        if ending.as_ref().is_some_and(|ending| ending.phase == Some(Phase::Back)) && !watch.extended {
            (deadline, ending, watch.extended) = (Instant::now() + WAY_BACK, None, true);
        }
        if let Some(ending) = ending {
            outcome.verdict = Some(ending.verdict);
            outcome.cause = explain(&ending, &watch.facts, goal, limit);
            outcome.superseded_by.clone_from(&ending.superseded_by);
            if ending.verdict == Verdict::Succeeded {
                watch.tell_success(tell);
            }
            return Ok(());
        }
        // At most a heartbeat: a longer pause would be silent.
        let pause = wait.max_delay.min(HEARTBEAT);
        sleep(pause.min(deadline.saturating_duration_since(Instant::now()))).await;
        tokio::task::yield_now().await;
    }
}
