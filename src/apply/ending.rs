//! The words for an ending: what happened, why, and the one thing to do. Pure.

use std::time::Duration;

use super::facts::{Facts, Goal, same_revision};
use super::rollout::Ending;
use crate::error::{Code, Error};
use crate::model::names::short_name;
use crate::model::service::Service;
use crate::model::verdict::Verdict;

/// What is said of a failed deployment that nobody went back from, at the end of its sentence.
pub(super) const STAYS: &str = ", and ECS does not go back by itself here";

/// The error for an ending that is not green.
pub fn explain(ending: &Ending, facts: &Facts, goal: &Goal, limit: Duration) -> Option<Error> {
    let code = ending.code?;
    let service = &goal.service;
    let ours = short_name(&goal.task_definition);
    let primary = facts.service.as_ref().and_then(Service::primary);
    let because = cause(code);
    let what = match ending.verdict {
        Verdict::RolledBack => {
            format!("{ours} was not rolled out to `{service}`: {because}, and {} again.", earlier(facts, goal))
        }
        Verdict::RollbackFailed if ending.reason.as_deref().is_some_and(has_no_candidate) => format!(
            "{ours} was not rolled out to `{service}`: {because}, and there is no earlier deployment that was completed \
             and that ECS could go back to. The service may be degraded."
        ),
        Verdict::RollbackFailed => format!(
            "{ours} was not rolled out to `{service}`: {because}, and ECS could not go back either. The service may be \
             degraded."
        ),
        Verdict::Superseded => {
            let now = primary.map(|primary| primary.task_definition.as_str());
            match (ending.superseded_by.as_deref(), now.map_or("another revision", short_name)) {
                (Some(theirs), now) if short_name(theirs) != now => {
                    let theirs = short_name(theirs);
                    format!(
                        "Another deployment of `{service}`, of {theirs}, took over before {ours} was rolled out; it is \
                         {now} now."
                    )
                }
                (_, now) => {
                    format!(
                        "Another deployment of `{service}` took over before {ours} was rolled out: it is {now} now."
                    )
                }
            }
        }
        Verdict::TimedOut => super::late::what(ending.phase, facts, goal, limit),
        _ if code == Code::ServiceGone => format!("`{service}` was deleted while {ours} was rolled out."),
        _ => format!("{ours} was not rolled out to `{service}`: {because}{STAYS}."),
    };
    Some(Error::new(code, what, why(ending, facts, goal), fix(ending, code, facts, goal)))
}

/// ECS's own sentence when a rollback has no target.
fn has_no_candidate(reason: &str) -> bool {
    reason.contains("No rollback candidate")
}

/// `web:7 serves`
fn earlier(facts: &Facts, goal: &Goal) -> String {
    let ours_is_primary =
        facts.service.as_ref().and_then(Service::primary).is_none_or(|primary| primary.id == goal.deployment_id);
    match facts.serves(goal).filter(|_| !ours_is_primary) {
        // A deployment of the same revision, as after a forced one.
        Some(arn) if same_revision(arn, &goal.task_definition) => "the deployment before it serves".to_owned(),
        Some(arn) => format!("{} serves", short_name(arn)),
        None => "the earlier revision serves".to_owned(),
    }
}

fn cause(code: Code) -> &'static str {
    match code {
        Code::CircuitBreaker => "ECS's circuit breaker tripped because tasks kept failing",
        Code::AlarmTriggered => "an alarm fired",
        Code::HookFailed => "a lifecycle hook failed or timed out",
        Code::StoppedByHand => "somebody asked ECS to roll it back",
        _ => "ECS ended the deployment",
    }
}

fn why(ending: &Ending, facts: &Facts, goal: &Goal) -> String {
    let mut facts_seen: Vec<String> = ending.reason.iter().map(|reason| format!("ECS says: {reason}")).collect();
    if let Some(deployment) = &facts.service_deployment {
        if let Some(breaker) =
            deployment.deployment_circuit_breaker.as_ref().filter(|breaker| breaker.failure_count > 0)
        {
            facts_seen.push(format!("It counted {} failures; {} trip it.", breaker.failure_count, breaker.threshold));
        }
        let alarms = deployment.alarms.as_ref().map(|alarms| alarms.triggered_alarm_names.join(", "));
        facts_seen.extend(alarms.filter(|names| !names.is_empty()).map(|names| format!("Alarms that fired: {names}.")));
        facts_seen.push(format!("The service deployment is {}.", deployment.status));
    }
    if let Some(ours) = facts.ours(goal).filter(|ours| ours.desired_count > 0) {
        facts_seen.push(format!(
            "Of {} tasks asked for, {} run and {} are about to; {} failed.",
            ours.desired_count, ours.running_count, ours.pending_count, ours.failed_tasks
        ));
    }
    match facts.service.as_ref() {
        Some(service) if ending.code != Some(Code::ServiceGone) => {
            facts_seen.push(match facts.serves(goal) {
                Some(_) if service.desired_count == 0 => "The service is asked to run no tasks.".to_owned(),
                Some(arn) => format!("{} serves.", short_name(arn)),
                None => "No task of the service runs.".to_owned(),
            });
        }
        Some(service) if facts.absent_reads == 0 => {
            facts_seen.push(format!("Its status is {}.", service.status));
        }
        _ => facts_seen.push("ECS does not list it any more.".to_owned()),
    }
    facts_seen.join(" ")
}

fn fix(ending: &Ending, code: Code, facts: &Facts, goal: &Goal) -> String {
    let fix = match (ending.verdict, code) {
        (Verdict::TimedOut, _) => return super::late::fix(facts),
        (Verdict::Superseded, _) => {
            "Nothing, when the newer deployment is wanted; a `concurrency:` group in the workflow lets one deployment \
             run after the other."
        }
        (_, Code::ServiceGone) => "Create the service again, then run the job again.",
        (Verdict::RollbackFailed, _) => {
            "Deploy a revision that is known to work now, by `task-definition-arn`; then read why the tasks stopped."
        }
        (_, Code::AlarmTriggered) => "Look at what the alarm watches; correct the revision, then deploy again.",
        (_, Code::HookFailed) => "Read the hook's log; correct it or the revision, then deploy again.",
        (_, Code::StoppedByHand) => "Ask who stopped it (CloudTrail: StopServiceDeployment), then deploy again.",
        (Verdict::Failed, _) if facts.serves(goal).is_none() => {
            "Deploy a revision that is known to work now, by `task-definition-arn`; nothing serves at the moment."
        }
        _ => "Read why the tasks stopped, correct the task definition or the image, then deploy again.",
    };
    fix.to_owned()
}
