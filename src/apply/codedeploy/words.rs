//! What a user reads of a deployment by CodeDeploy: progress lines, and the words for an ending. Pure.

use std::time::Duration;

use super::judge::{Ending, Facts, Goal, Phase};
use crate::apply::facts::live;
use crate::apply::progress::minutes;
use crate::error::{Code, Error};
use crate::model::code_deploy::{CodeDeployment, EcsTarget, LifecycleEvent};
use crate::model::names::short_name;
use crate::model::verdict::Verdict;
use crate::plan::codedeploy::CodeDeploy;

/// `InProgress · AllowTraffic InProgress · blue 90 % of traffic, 2/2 run · green 10 % of traffic, 2/2 run`
pub fn line(facts: &Facts) -> String {
    let mut parts = Vec::new();
    match (&facts.back, &facts.ours) {
        (Some(back), _) => parts.push(format!("{} goes back · {}", back.deployment_id, back.status)),
        (None, Some(ours)) if ours.status == "Ready" => {
            parts.push("Ready · waits for ContinueDeployment (READY_WAIT)".to_owned());
        }
        (None, Some(ours)) => parts.push(ours.status.clone()),
        (None, None) => parts.push("the deployment is not shown yet".to_owned()),
    }
    if let Some(target) = &facts.target {
        parts.extend(event(target).map(|event| format!("{} {}", event.lifecycle_event_name, event.status)));
        for label in ["Blue", "Green"] {
            parts.extend(target.labelled(label).map(|set| {
                let (name, weight) = (label.to_lowercase(), set.traffic_weight);
                format!("{name} {weight} % of traffic, {}/{} run", set.running_count, set.desired_count)
            }));
        }
    }
    parts.join(" · ")
}

/// The event that tells how far it is: the failed one, the one in progress, or the last that is done.
fn event(target: &EcsTarget) -> Option<&LifecycleEvent> {
    let is = |status: &'static str| move |event: &&LifecycleEvent| event.status == status;
    let events = || target.lifecycle_events.iter();
    events().find(is("Failed")).or_else(|| events().find(is("InProgress"))).or_else(|| events().rfind(is("Succeeded")))
}

/// The error for an ending that is not green.
pub fn explain(ending: &Ending, facts: &Facts, goal: &Goal, limit: Duration) -> Option<Error> {
    let code = ending.code?;
    Some(Error::new(code, what(ending, code, facts, goal, limit), why(facts, goal), fix(ending, code, facts)))
}

fn what(ending: &Ending, code: Code, facts: &Facts, goal: &Goal, limit: Duration) -> String {
    let (service, ours) = (&goal.service, short_name(&goal.task_definition));
    let serving = facts.service.as_ref().and_then(live).map_or("nothing", short_name);
    let because = match code {
        Code::TimedOut => format!("it was not done after {}", minutes(limit)),
        Code::AlarmTriggered => "an alarm fired".to_owned(),
        Code::HookFailed => "a lifecycle hook failed or timed out".to_owned(),
        Code::StoppedByHand => "somebody stopped the deployment".to_owned(),
        _ if let Some(count) = facts.failing => format!("{count} of its tasks failed in the same way"),
        _ => "CodeDeploy ended the deployment".to_owned(),
    };
    match ending.verdict {
        Verdict::RolledBack => {
            format!("{ours} was not rolled out to `{service}`: {because}, and {serving} serves again.")
        }
        Verdict::RollbackFailed => format!(
            "{ours} was not rolled out to `{service}`: {because}, and CodeDeploy could not go back either. The service \
             may be degraded."
        ),
        Verdict::Superseded if let Some(next) = &facts.next => {
            let id = &next.id;
            let revision =
                ending.superseded_by.as_deref().map_or_else(String::new, |arn| format!(" of {}", short_name(arn)));
            format!("Another deployment of `{service}`, {id}{revision}, took over before {ours} was rolled out.")
        }
        Verdict::Superseded => format!(
            "Another deployment of `{service}` took over before {ours} was rolled out: it is {} now.",
            short_name(ending.superseded_by.as_deref().unwrap_or(serving))
        ),
        Verdict::TimedOut => {
            let doing = match ending.phase {
                Some(Phase::Back) => format!("CodeDeploy was still going back from {ours}"),
                Some(Phase::Ready) => format!("{ours} waits for somebody to let the deployment go on"),
                Some(Phase::Serving) => format!("{ours} serves, and the tasks before it still wait for their end"),
                _ => format!("{ours} was still being rolled out"),
            };
            format!("`{service}` was not stable after {}: {doing}.", minutes(limit))
        }
        _ if code == Code::ServiceGone => format!("`{service}` was deleted while {ours} was rolled out."),
        _ if facts.is_moving() => {
            format!("{ours} was not rolled out to `{service}`: {because}, and CodeDeploy keeps starting more.")
        }
        _ => format!("{ours} was not rolled out to `{service}`: {because}, and CodeDeploy did not go back."),
    }
}

fn why(facts: &Facts, goal: &Goal) -> String {
    let mut seen = Vec::new();
    for deployment in [&facts.ours, &facts.back].into_iter().flatten() {
        seen.push(format!("{} is {}.", deployment.deployment_id, deployment.status));
        seen.extend(said(deployment));
    }
    if facts.stopped_by_us && facts.ours.as_ref().is_some_and(|ours| ours.status == "Stopped") {
        seen.push("This run had it stopped.".to_owned());
    }
    let failed =
        facts.target.iter().flat_map(|target| &target.lifecycle_events).filter(|event| event.status == "Failed");
    seen.extend(failed.map(|event| {
        let said = event.diagnostics.as_ref().and_then(|diagnostics| diagnostics.message.as_deref());
        format!("{} failed{}", event.lifecycle_event_name, said.map_or(".".to_owned(), |said| format!(": {said}")))
    }));
    match facts.service.as_ref().and_then(live) {
        Some(arn) => seen.push(format!("{} serves `{}`.", short_name(arn), goal.service)),
        None => seen.push(format!("No task set of `{}` serves.", goal.service)),
    }
    seen.join(" ")
}

/// CodeDeploy's own words about an end.
fn said(deployment: &CodeDeployment) -> Option<String> {
    let error = deployment.error_information.as_ref()?;
    Some(format!("CodeDeploy says {}: {}", error.code, error.message))
}

fn fix(ending: &Ending, code: Code, facts: &Facts) -> String {
    let id = facts.ours.as_ref().map_or("", |ours| ours.deployment_id.as_str());
    match (ending.verdict, code) {
        (Verdict::Superseded, _) => {
            "Nothing, when the newer deployment is wanted; a `concurrency:` group in the workflow lets one deployment \
             run after the other."
                .to_owned()
        }
        (Verdict::TimedOut, _) => match ending.phase {
            Some(Phase::Serving) => "Write `wait-until: healthy` to end the wait when production is moved.".to_owned(),
            Some(Phase::Ready) => format!(
                "Let it go on: `aws deploy continue-deployment --deployment-id {id} --deployment-wait-type READY_WAIT`."
            ),
            _ => "CodeDeploy goes on by itself. Read the deployment's events; raise `wait-for-minutes` if it is only slow."
                .to_owned(),
        },
        (Verdict::RolledBack, Code::TimedOut) => {
            "Read the deployment's events; raise `wait-for-minutes` if it is only slow.".to_owned()
        }
        (_, Code::ServiceGone) => "Create the service again, then run the job again.".to_owned(),
        (Verdict::RollbackFailed, _) => {
            "Deploy a revision that is known to work now, by `task-definition-arn`; then read why the tasks stopped."
                .to_owned()
        }
        _ if facts.failing.is_some() => "Correct what the tasks stopped for, then deploy again.".to_owned(),
        (_, Code::AlarmTriggered) => "Look at what the alarm watches; correct the revision, then deploy again.".to_owned(),
        (_, Code::HookFailed) => {
            "Read the log of the hook's Lambda function; correct it or the revision, then deploy again.".to_owned()
        }
        (_, Code::StoppedByHand) => {
            "Ask who stopped it (CloudTrail: StopDeployment), then deploy again.".to_owned()
        }
        _ => "Correct what CodeDeploy names, or read why the tasks stopped; then deploy again.".to_owned(),
    }
}

/// Another deployment has the group: until the limit, where one was waited for.
pub fn busy(other: Option<&CodeDeployment>, step: &CodeDeploy, service: &str, limit: Option<Duration>) -> Error {
    let id = other.map_or("another deployment", |other| other.deployment_id.as_str());
    let group = step.name("deploymentGroupName");
    let why = format!("The deployment group `{group}` takes one deployment at a time.");
    match limit {
        Some(limit) => Error::new(
            Code::TimedOut,
            format!("`{service}` was not deployed: {id} was still in progress after {}.", minutes(limit)),
            why,
            "Raise `wait-for-minutes`, or stop the other deployment.",
        ),
        None => Error::new(
            Code::DeploymentInProgress,
            format!("`{service}` was not deployed: CodeDeploy is busy with another deployment of it."),
            why,
            "Write `on-concurrent: wait`, or run the job again when the other has ended.",
        ),
    }
}
