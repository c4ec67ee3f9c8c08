//! The words for an ending: what happened, why, and the one thing to do. Pure.

use std::time::Duration;

use super::facts::{Facts, Goal, live};
use super::progress::minutes;
use super::rollout::{Ending, Phase};
use crate::error::{Code, Error};
use crate::model::names::short_name;
use crate::model::service::Service;
use crate::model::verdict::Verdict;

/// The error for an ending that is not green.
pub fn explain(ending: &Ending, facts: &Facts, goal: &Goal, limit: Duration) -> Option<Error> {
    let code = ending.code?;
    let service = &goal.service;
    let ours = short_name(&goal.task_definition);
    let primary = facts.service.as_ref().and_then(Service::primary);
    let theirs = primary.map_or_else(|| "the earlier revision", |primary| short_name(&primary.task_definition));
    let because = cause(code);
    let what = match ending.verdict {
        Verdict::RolledBack => {
            format!("{ours} was not rolled out to `{service}`: {because}, and {theirs} serves again.")
        }
        Verdict::RollbackFailed => format!(
            "{ours} was not rolled out to `{service}`: {because}, and ECS could not go back either. The service may be \
             degraded."
        ),
        Verdict::Superseded => format!(
            "Another deployment of `{service}` took over before {ours} was rolled out: it is {} now.",
            short_name(ending.superseded_by.as_deref().unwrap_or(theirs))
        ),
        Verdict::TimedOut => {
            let doing = match ending.phase {
                Some(Phase::Back) => format!("ECS was still going back from {ours}"),
                Some(Phase::Unseen) => format!("ECS still did not show the deployment of {ours}"),
                _ => format!("{ours} was still being rolled out"),
            };
            format!("`{service}` was not stable after {}: {doing}.", minutes(limit))
        }
        _ if code == Code::ServiceGone => format!("`{service}` was deleted while {ours} was rolled out."),
        _ => format!("{ours} was not rolled out to `{service}`: {because}, and ECS does not go back by itself here."),
    };
    Some(Error::new(code, what, why(ending, facts, goal), fix(ending, code, facts)))
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
            facts_seen.push(live(service).map_or_else(
                || "No task of the service runs.".to_owned(),
                |arn| format!("{} serves.", short_name(arn)),
            ));
        }
        Some(service) if facts.absent_reads == 0 => {
            facts_seen.push(format!("Its status is {}.", service.status));
        }
        _ => facts_seen.push("ECS does not list it any more.".to_owned()),
    }
    facts_seen.join(" ")
}

fn fix(ending: &Ending, code: Code, facts: &Facts) -> String {
    let fix = match (ending.verdict, code) {
        (Verdict::Superseded, _) => {
            "Nothing, when the newer deployment is wanted; a `concurrency:` group in the workflow lets one deployment \
             run after the other."
        }
        (Verdict::TimedOut, _) => {
            "ECS goes on by itself. Read the service's events; raise `wait-for-minutes` if the rollout is only slow."
        }
        (_, Code::ServiceGone) => "Create the service again, then run the job again.",
        (Verdict::RollbackFailed, _) => {
            "Deploy a revision that is known to work now, by `task-definition-arn`; then read why the tasks stopped."
        }
        (_, Code::AlarmTriggered) => "Look at what the alarm watches; correct the revision, then deploy again.",
        (_, Code::HookFailed) => "Read the hook's log; correct it or the revision, then deploy again.",
        (_, Code::StoppedByHand) => "Ask who stopped it (CloudTrail: StopServiceDeployment), then deploy again.",
        (Verdict::Failed, _) if facts.service.as_ref().and_then(live).is_none() => {
            "Deploy a revision that is known to work now, by `task-definition-arn`; nothing serves at the moment."
        }
        _ => "Read why the tasks stopped, correct the task definition or the image, then deploy again.",
    };
    fix.to_owned()
}
