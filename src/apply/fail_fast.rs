//! Ends the wait when tasks of our deployment keep failing for a reason that time does not mend.
//!
//! Without a circuit breaker ECS starts such tasks for ever. Where its circuit breaker counts them, ECS ends the
//! deployment itself, and may go back: its own ending is waited for then, because ours would be untrue a moment later.

use std::time::Duration;

use serde_json::Value;
use tokio::time::timeout;

use super::What;
use super::facts::{Facts, Goal, live};
use crate::aws::Aws;
use crate::aws::call::{CallError, CallErrorKind};
use crate::diagnose::evidence::{belongs, group, is_routine};
use crate::diagnose::{StoppedGroup, fails_for_ever};
use crate::error::{Code, Error};
use crate::model::names::short_name;
use crate::model::service::{Deployment, Service};
use crate::model::task::Task;
use crate::plan::ServicePlan;

/// Between two looks at the tasks.
pub(super) const PAUSE: Duration = Duration::from_secs(10);

/// How long one look may take: polling goes on.
const PATIENCE: Duration = Duration::from_secs(5);

/// A task that ends by itself is broken, not overtaken by something, when it does so within so many seconds.
const EARLY: f64 = 60.0;

/// What is known of failing tasks.
#[derive(Debug)]
pub(super) struct FailFast {
    /// `fail-fast-after`; 0 is never.
    after: u32,
    /// When the tasks were looked at last.
    looked: Option<Duration>,
    /// The signs of failure at that look.
    signs: i64,
    /// Whether that look found enough, and ECS did not count it.
    is_uncounted: bool,
}

impl FailFast {
    pub(super) fn new(after: u32) -> Self {
        Self { after, looked: None, signs: 0, is_uncounted: false }
    }

    /// Looks at the stopped tasks when there is reason to; why the wait ends, when it does.
    pub(super) async fn look(
        &mut self,
        facts: &Facts,
        goal: &Goal,
        plan: &ServicePlan,
        aws: &Aws,
        tell: &mut dyn FnMut(What),
    ) -> Option<Error> {
        let (service, ours) = (facts.service.as_ref()?, facts.ours(goal)?);
        if !self.is_due(facts, goal, ours) || ecs_ends_it(facts, service, ours, self.after) {
            return None;
        }
        (self.looked, self.signs) = (Some(facts.now), signs(facts, goal, ours));
        let decided = recognise(goal, ours.running_count, &mut self.after, &plan.cluster, aws, tell).await;
        // A count may lag behind the tasks: ECS gets the time between two looks to show that it counts them.
        let is_sure = !has_breaker(facts, service) || std::mem::replace(&mut self.is_uncounted, decided.is_some());
        let group = decided.filter(|_| is_sure)?;
        let revision = short_name(&goal.task_definition);
        tell(What::Progress(format!("{} tasks of {revision} failed in the same way: the wait ends here", group.count)));
        Some(explain(&group, goal, service))
    }

    fn is_due(&self, facts: &Facts, goal: &Goal, ours: &Deployment) -> bool {
        let signs = signs(facts, goal, ours);
        self.after > 0
            && !facts.late
            && ours.status == "PRIMARY"
            && ours.desired_count > 0
            && signs >= i64::from(self.after)
            && (signs != self.signs || self.is_uncounted)
            && self.looked.is_none_or(|looked| facts.now.saturating_sub(looked) >= PAUSE)
    }
}

/// Asks for the tasks, and decides; nothing, when they could not be read this time. Where they never can be, that is told
/// once and `after` becomes 0, never.
pub(super) async fn recognise(
    goal: &Goal,
    running_count: i64,
    after: &mut u32,
    cluster: &str,
    aws: &Aws,
    tell: &mut dyn FnMut(What),
) -> Option<StoppedGroup> {
    let asked = async {
        let stopped = aws.stopped_tasks(cluster, &goal.service).await?;
        // Only tasks that run can be healthy.
        let running = match running_count {
            0 => Vec::new(),
            _ => aws.tasks_started_by(cluster, &goal.deployment_id).await?,
        };
        Ok::<_, CallError>(decide(&stopped, &running, goal, *after))
    };
    match timeout(PATIENCE, asked).await {
        Ok(Ok(decided)) => decided,
        Ok(Err(error)) => {
            let passes = matches!(
                error.kind,
                CallErrorKind::Throttled | CallErrorKind::Unreachable | CallErrorKind::Credentials
            );
            if !passes {
                tell(What::Warned(format!("tasks that fail for good cannot be recognised: {error}")));
                *after = 0;
            }
            None
        }
        Err(_) => None,
    }
}

/// Signs that tasks of our deployment fail: ECS's own counts, and tasks that were started beyond those asked for. ECS
/// does not count a task that ran before it ended.
fn signs(facts: &Facts, goal: &Goal, ours: &Deployment) -> i64 {
    let events = facts.service.iter().flat_map(|service| &service.events);
    let new = events.filter(|event| !facts.old_events.contains(&event.id));
    let after = new.filter(|event| goal.created_at.is_none_or(|began| event.created_at >= began));
    let started: i64 = after.filter_map(|event| started(&event.message)).sum();
    ours.failed_tasks.max(counted(facts)).max(started - ours.desired_count)
}

/// The number in `(service web) has started 2 tasks: (task 1) (task 2).`
fn started(message: &str) -> Option<i64> {
    let (_, rest) = message.split_once(" has started ")?;
    rest.split_once(" task")?.0.parse().ok()
}

/// The failures that ECS's circuit breaker counted.
fn counted(facts: &Facts) -> i64 {
    let breaker = facts.service_deployment.as_ref().and_then(|it| it.deployment_circuit_breaker.as_ref());
    breaker.map_or(0, |breaker| breaker.failure_count)
}

fn breaker_is(service: &Service, key: &str) -> bool {
    let breaker = service.deployment_configuration.as_ref().and_then(|it| it.get("deploymentCircuitBreaker"));
    breaker.and_then(|breaker| breaker.get(key)) == Some(&Value::Bool(true))
}

/// Whether a circuit breaker watches our deployment.
fn has_breaker(facts: &Facts, service: &Service) -> bool {
    let breaker = facts.service_deployment.as_ref().and_then(|it| it.deployment_circuit_breaker.as_ref());
    breaker.map_or_else(|| breaker_is(service, "enable"), |breaker| breaker.status != "DISABLED")
}

/// Whether ECS is about to end the deployment itself: its circuit breaker counts the failures, and goes back when it
/// trips, or trips soon.
fn ecs_ends_it(facts: &Facts, service: &Service, ours: &Deployment, after: u32) -> bool {
    let count = counted(facts).max(ours.failed_tasks);
    if !has_breaker(facts, service) || count == 0 {
        return false;
    }
    let breaker = facts.service_deployment.as_ref().and_then(|it| it.deployment_circuit_breaker.as_ref());
    let left = breaker.map_or(0, |breaker| breaker.threshold - count);
    breaker_is(service, "rollback") || left <= i64::from(after)
}

/// The failure of all our tasks that stopped, when it is the same one, often enough, time does not mend it, and none of
/// our tasks is healthy. A picture that is mixed in any way decides nothing. Pure.
pub(super) fn decide(stopped: &[Task], running: &[Task], goal: &Goal, after: u32) -> Option<StoppedGroup> {
    let is_ours = |task: &&Task| belongs(task, &goal.deployment_id, &goal.task_definition);
    let is_sick = |task: &Task| task.health_status.as_deref() == Some("UNHEALTHY");
    if running.iter().filter(is_ours).any(|task| task.last_status == "RUNNING" && !is_sick(task)) {
        return None;
    }
    let failed: Vec<&Task> = stopped.iter().filter(is_ours).filter(|task| !is_routine(task)).collect();
    let mut groups = group(failed.iter().copied()).into_iter();
    let (only, None) = (groups.next()?, groups.next()) else { return None };
    let often = u32::try_from(only.count).unwrap_or(u32::MAX) >= after;
    let early = failed.iter().all(|task| lived(task) <= EARLY);
    (often && early && fails_for_ever(&only).is_some()).then_some(only)
}

/// How long a task ran, in seconds.
fn lived(task: &Task) -> f64 {
    let ended = task.execution_stopped_at.or(task.stopping_at).or(task.stopped_at);
    task.started_at.zip(ended).map_or(0.0, |(started, ended)| ended - started)
}

fn explain(group: &StoppedGroup, goal: &Goal, service: &Service) -> Error {
    let revision = short_name(&goal.task_definition);
    let serves = live(service)
        .map_or_else(|| "No task of the service runs.".to_owned(), |arn| format!("{} serves.", short_name(arn)));
    Error::new(
        Code::DeploymentFailed,
        format!(
            "{revision} was not rolled out to `{}`: {} tasks of it failed in the same way and none is healthy, which ECS \
             does not end by itself here.",
            goal.service, group.count
        ),
        format!("The newest stopped task, {}: {} {serves}", group.newest_task, sentence(&group.reason)),
        format!(
            "Correct what the tasks stopped for, then deploy again; until then ECS keeps starting tasks of {revision}."
        ),
    )
}

fn sentence(text: &str) -> String {
    format!("{}.", text.trim_end_matches('.'))
}

#[cfg(test)]
mod tests;
