//! Updates the service, once, and learns from the answer which deployment is ours.

use std::time::Duration;

use serde_json::{Map, Value};

use super::facts::{Goal, live, same_revision};
use super::{Outcome, What};
use crate::aws::Aws;
use crate::aws::call::CallError;
use crate::error::{Code, Error};
use crate::model::names::short_name;
use crate::model::service::{Deployment, Service};
use crate::plan::ServicePlan;

/// Requests without an answer before giving up.
const ATTEMPTS: u32 = 3;

/// Pauses before the looks for what a request without an answer may have begun: reads lag. A request that begins a
/// deployment each time it is sent is looked for longest.
const LOOKS: [Duration; 3] = [Duration::from_secs(2), Duration::from_secs(4), Duration::from_secs(8)];

/// How long the look right before the request may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Updates the service with the revision in `outcome`; what is to be proven then.
///
/// # Errors
/// The call failed. `outcome.changed` is true when it may have been carried out all the same.
pub async fn update(
    body: &Value,
    plan: &ServicePlan,
    aws: &Aws,
    outcome: &mut Outcome,
    tell: &mut dyn FnMut(What),
) -> Result<Goal, Error> {
    let mut before = plan.service.clone().unwrap_or_default();
    let arn = outcome.task_definition_arn.clone().unwrap_or_else(|| before.task_definition.clone());
    let mut body: Map<String, Value> = body.as_object().cloned().unwrap_or_default();
    body.insert("taskDefinition".to_owned(), arn.clone().into());
    tell(What::Started(format!("updating `{}` with {}", before.service_name, short_name(&arn))));
    let theirs = begun_by_others(&body, &before, plan, aws).await;
    before.deployments.extend(theirs.iter().cloned());
    let changed = std::mem::replace(&mut outcome.changed, true);
    outcome.unanswered = Some("ecs:UpdateService");
    let sent = send(&Value::Object(body.clone()), &before, &plan.cluster, &arn, aws, outcome, tell).await;
    outcome.unanswered = None;
    let answer = match sent {
        Ok(service) => service,
        Err(error) => {
            outcome.changed = changed || error.maybe_applied;
            return Err(refused(error, &before.service_name));
        }
    };
    let mut goal = goal(&before, &answer, &arn)?;
    let joined = theirs.iter().any(|other| other.id == goal.deployment_id);
    if joined {
        goal = goal_as_it_is(&answer, &arn)?;
    }
    outcome.deployment_id = Some(goal.deployment_id.clone());
    outcome.goal = Some(goal.clone());
    let asks = body.keys().any(|key| !matches!(key.as_str(), "cluster" | "service" | "taskDefinition"));
    if joined {
        if !asks {
            outcome.changed = changed;
        }
        let (id, revision) = (&goal.deployment_id, short_name(&arn));
        tell(What::Finished(format!(
            "ECS began no deployment: {id}, which somebody else began, has {revision} already"
        )));
    } else if goal.is_new() {
        let (id, revision) = (&goal.deployment_id, short_name(&arn));
        tell(What::Finished(format!("ECS began {id} with {revision}")));
    } else {
        if !asks && same_revision(&before.task_definition, &arn) {
            outcome.changed = changed;
        }
        tell(What::Finished(format!(
            "ECS began no deployment: `{}` already has {}{}",
            before.service_name,
            short_name(&arn),
            if asks { ", only its settings changed" } else { "" }
        )));
    }
    outcome.live_task_definition_arn = live(&answer).map(str::to_owned);
    outcome.service = Some(answer);
    Ok(goal)
}

/// The deployments that somebody else began since the service was read, as far as a look right before the request shows.
/// An update with a revision that is on its way already begins nothing: what it answers with is theirs then.
async fn begun_by_others(
    body: &Map<String, Value>,
    before: &Service,
    plan: &ServicePlan,
    aws: &Aws,
) -> Vec<Deployment> {
    // A revision that was only just registered is nobody else's, and a forced update always begins a deployment.
    if plan.reuse.is_none() || body.get("forceNewDeployment") == Some(&Value::Bool(true)) {
        return Vec::new();
    }
    let names = [before.service_name.as_str()];
    let read = tokio::time::timeout(PATIENCE, aws.describe_services(&plan.cluster, &names)).await;
    let now = read.into_iter().flatten().flatten().next();
    now.into_iter().flat_map(|now| now.deployments).filter(|one| is_new(one, before)).collect()
}

fn refused(error: CallError, service: &str) -> Error {
    let is_unsure = error.maybe_applied;
    let mut error = Error::from(error);
    if is_unsure {
        error.what = format!("{} Whether `{service}` was updated is not known.", error.what);
    }
    error
}

/// Sends the request; when its answer is lost, looks whether it was carried out before sending it again, because a
/// forced deployment sent twice begins twice.
pub(super) async fn send(
    body: &Value,
    before: &Service,
    cluster: &str,
    arn: &str,
    aws: &Aws,
    outcome: &mut Outcome,
    tell: &mut dyn FnMut(What),
) -> Result<Service, CallError> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        let error = match aws.update_service(body).await {
            Ok(service) => return Ok(service),
            // A later refusal does not take back what an earlier, unanswered request may have done.
            Err(error) if !error.maybe_applied => return Err(CallError { maybe_applied: attempt > 1, ..error }),
            Err(error) => error,
        };
        tell(What::Warned(format!("`{}` brought no answer; looking whether it was carried out", error.action)));
        let is_forced = body.get("forceNewDeployment") == Some(&Value::Bool(true));
        let looks = if is_forced { LOOKS.len() } else { 1 };
        let mut seen = None;
        for pause in LOOKS.iter().take(looks) {
            tokio::time::sleep(*pause).await;
            let read = aws.describe_services(cluster, &[before.service_name.as_str()]).await;
            seen = read.ok().and_then(|services| services.into_iter().next());
            if let Some(service) = &seen {
                outcome.live_task_definition_arn = live(service).map(str::to_owned);
                outcome.service = Some(service.clone());
            }
            if let Some(service) = seen.take_if(|service| begun(before, service, arn).is_some()) {
                return Ok(service);
            }
        }
        // Somebody else's deployment: whether ours went before it cannot be seen, and to send again would replace it.
        let is_foreign = |service: &Service| service.primary().is_some_and(|primary| is_new(primary, before));
        if seen.is_none_or(|service| is_foreign(&service)) || attempt >= ATTEMPTS {
            return Err(error);
        }
    }
}

/// The deployment of `arn` that was not there before: PRIMARY, or one that somebody else's has replaced already.
fn begun<'a>(before: &Service, now: &'a Service, arn: &str) -> Option<&'a Deployment> {
    let ours = |one: &&Deployment| is_new(one, before) && same_revision(&one.task_definition, arn);
    now.primary().filter(ours).or_else(|| now.deployments.iter().find(ours))
}

fn is_new(deployment: &Deployment, before: &Service) -> bool {
    before.deployments.iter().all(|known| known.id != deployment.id)
}

/// What is to be proven, from the service before and `UpdateService`'s own answer.
pub(super) fn goal(before: &Service, answer: &Service, arn: &str) -> Result<Goal, Error> {
    let Some(ours) = begun(before, answer, arn).or(answer.primary()) else {
        return Err(Error::new(
            Code::RequestRefused,
            format!("The service `{}` has no deployment after the update.", before.service_name),
            "The answer of `ecs:UpdateService` lists no deployment with status PRIMARY.",
            "Look at the service in the ECS console, then run the job again.",
        ));
    };
    Ok(Goal {
        service: before.service_name.clone(),
        deployment_id: ours.id.clone(),
        created_at: ours.created_at,
        task_definition: arn.to_owned(),
        desired_count: answer.desired_count,
        previous_deployment_id: before.primary().map(|primary| primary.id.clone()),
        previous_task_definition: Some(before.task_definition.clone()),
        ..Goal::default()
    })
}

/// What is to be proven when there is nothing to update: that the deployment there is, is done.
///
/// # Errors
/// The service has no deployment.
pub fn goal_as_it_is(service: &Service, arn: &str) -> Result<Goal, Error> {
    // Not ours by its beginning, but by what it is to prove: what came before it is not known, and it has a service
    // deployment of its own, which tells a way back from another deployment.
    let goal = goal(service, service, arn)?;
    Ok(Goal { previous_deployment_id: None, previous_task_definition: None, joined: true, ..goal })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use serde_json::json;

    fn service(id: &str) -> Service {
        let service = json!({ "serviceName": "web", "taskDefinition": "web:7", "desiredCount": 2,
            "deployments": [{ "id": id, "status": "PRIMARY", "createdAt": 5.0 }] });
        serde_json::from_value(service).unwrap()
    }

    #[test]
    fn our_deployment_is_the_primary_one_in_the_answer_to_our_own_update() {
        let goal = goal(&service("ecs-svc/1"), &service("ecs-svc/2"), "web:8").unwrap();
        assert!(goal.is_new());
        assert_eq!((goal.deployment_id.as_str(), goal.created_at), ("ecs-svc/2", Some(5.0)));
    }

    #[test]
    fn an_update_that_begins_no_deployment_is_known_by_the_unchanged_id() {
        assert!(!goal(&service("ecs-svc/1"), &service("ecs-svc/1"), "web:7").unwrap().is_new());
    }

    #[test]
    fn our_deployment_is_found_behind_the_one_that_replaced_it() {
        let mut now = service("ecs-svc/3");
        now.deployments.iter_mut().for_each(|rival| rival.task_definition = "web:9".to_owned());
        let ours =
            Deployment { id: "ecs-svc/2".to_owned(), task_definition: "web:8".to_owned(), ..Deployment::default() };
        now.deployments.push(ours);
        assert_eq!(goal(&service("ecs-svc/1"), &now, "web:8").unwrap().deployment_id, "ecs-svc/2");
        assert_eq!(begun(&service("ecs-svc/1"), &now, "web:7"), None);
    }

    #[test]
    fn a_service_without_a_primary_deployment_is_an_error_and_no_success() {
        assert!(goal(&service("ecs-svc/1"), &Service::default(), "web:8").is_err());
    }
}
