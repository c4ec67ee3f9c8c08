//! The one poll loop: looks, judges, tells what changed, until our deployment is at an end or the limit is reached.

use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};

use super::facts::Goal;
use super::fail_fast::FailFast;
use super::health;
use super::inquiry::Inquiry;
use super::progress::HEARTBEAT;
use super::rollout::{Phase, Rollout, judge};
use super::strategy::Times;
use super::watch::Watch;
use super::{Outcome, What};
use crate::aws::Aws;
use crate::error::Error;
use crate::inputs::Wait;
use crate::model::verdict::Verdict;
use crate::plan::ServicePlan;

/// How much longer than the limit the last look may take.
pub(super) const GRACE: Duration = Duration::from_millis(900);

/// Follows our deployment to its end, which it writes into `outcome`.
///
/// # Errors
/// The service cannot be read any more. The deployment goes on by itself then, and the error says so.
pub async fn follow(
    goal: &Goal,
    plan: &ServicePlan,
    wait: &Wait,
    aws: &Aws,
    outcome: &mut Outcome,
    tell: &mut dyn FnMut(What),
) -> Result<(), Error> {
    let has_health_check = health::has_health_check(&plan.definition);
    let goal = &Goal { until: wait.until.clone(), has_health_check, ..goal.clone() };
    let began = Instant::now();
    let deadline = began + wait.limit;
    let mut watch = Watch::new(goal, plan, aws, outcome);
    let configuration = watch.facts.service.as_ref().and_then(|service| service.deployment_configuration.as_ref());
    if goal.is_new()
        && let Some(warning) = Times::of(configuration).warning(wait)
    {
        tell(What::Warned(warning));
    }
    let (mut fail_fast, mut inquiry) = (FailFast::new(wait.fail_fast_after), Inquiry::default());
    let mut polls = 0;
    loop {
        let looked = Instant::now();
        watch.facts.now = began.elapsed();
        watch.facts.late = Instant::now() >= deadline;
        match timeout_at(deadline + GRACE, watch.look(tell)).await {
            Ok(looked) => looked?,
            Err(_) => watch.facts.late = true,
        }
        watch.facts.now = began.elapsed();
        watch.record(outcome);
        let rollout = judge(&watch.facts, goal);
        watch.tell_progress(&rollout, tell);
        inquiry.take(outcome);
        if rollout == Rollout::Moving(Phase::Back) || watch.facts.failed_since.is_some() {
            inquiry.begin(plan, aws, outcome);
        }
        if let Rollout::Ended(ending) = rollout {
            // Not "still moving": nobody saw it move.
            if ending.verdict == Verdict::TimedOut
                && let Some(error) = watch.blindness()
            {
                return Err(error);
            }
            watch.conclude(&ending, wait.limit, outcome, tell).await;
            inquiry.finish(plan, outcome).await;
            return Ok(());
        }
        if rollout == Rollout::Moving(Phase::Forward)
            && let Some(cause) = fail_fast.look(&watch.facts, goal, plan, aws, tell).await
        {
            (outcome.verdict, outcome.cause) = (Some(Verdict::Failed), Some(cause));
            inquiry.begin(plan, aws, outcome);
            inquiry.finish(plan, outcome).await;
            return Ok(());
        }
        // From look to look, so that a slow one makes no longer pause; after a very slow one there still is one.
        let pause = pause(polls, wait.max_delay, &goal.deployment_id);
        let next = (looked + pause).max(Instant::now() + pause / 2).min(deadline);
        polls += 1;
        // A pause longer than a minute still has its heartbeats.
        while let beat = began + watch.told.at + HEARTBEAT
            && beat < next
        {
            sleep_until(beat).await;
            watch.facts.now = began.elapsed();
            watch.tell_progress(&Rollout::Moving(Phase::Forward), tell);
        }
        if next <= Instant::now() {
            tokio::task::yield_now().await;
        }
        sleep_until(next).await;
    }
}

/// The time from one look to the next: from one second growing by half each time to the longest. It is a seventh shorter,
/// so that the next look is over and told by then, and up to a quarter, so that jobs started together drift apart. Not
/// random: a run can be replayed.
fn pause(polls: u32, longest: Duration, deployment_id: &str) -> Duration {
    let grown = Duration::from_secs(1).mul_f64(1.5_f64.powi(i32::try_from(polls.min(16)).unwrap_or(16)));
    let spread = deployment_id.bytes().map(u32::from).sum::<u32>().wrapping_add(polls.wrapping_mul(7)) % 11;
    grown.min(longest).mul_f64(0.85 - f64::from(spread) / 100.0)
}
