//! From the rendered definition to the list of steps.

use serde_json::{Map, Value, json};

use super::{Step, codedeploy};
use crate::error::{Code, Error};
use crate::inputs::{Deploy, Inputs, Source};
use crate::model::image::ImageRef;
use crate::model::names::{Revision, short_name};
use crate::model::normal::differs;
use crate::model::service::Service;
use crate::model::task_definition::{Registered, TaskDefinition};
use crate::observe::{Digest, Observed};

/// What is to be done, what need not be, and what is to be said about it.
pub(super) struct Decision {
    pub reuse: Option<Registered>,
    pub steps: Vec<Step>,
    pub warnings: Vec<String>,
}

/// Decides what to register, update and follow.
///
/// # Errors
/// What CodeDeploy would refuse.
pub(super) fn decide(
    inputs: &Inputs,
    observed: &Observed,
    definition: &TaskDefinition,
) -> Result<Decision, Vec<Error>> {
    let mut warnings = Vec::new();
    // Going back is deploying a revision that is named.
    let named = observed.way_back.as_ref().map(|back| Source::Registered(back.task_definition.clone()));
    let reuse = reusable(named.as_ref().unwrap_or(&inputs.definition.source), observed, definition, &mut warnings);
    let mut steps = Vec::new();
    if reuse.is_none() {
        steps.push(Step::RegisterTaskDefinition { body: Value::Object(definition.0.clone()) });
    }
    if let Some(service) = &observed.service {
        let is_current = reuse.as_ref().is_some_and(|reuse| reuse.arn == service.task_definition);
        let stop = observed.way_back.as_ref().and_then(|back| back.stop.clone());
        let stop = stop.filter(|_| body(&inputs.deploy, service).len() == 2);
        match (&observed.code_deploy, stop) {
            (Some(seen), _) => {
                let (steps, warnings) = (&mut steps, &mut warnings);
                codedeploy::decide(inputs, service, seen, definition, reuse.as_ref(), steps, warnings)?;
            }
            (None, Some(service_deployment_arn)) => {
                let otherwise = Value::Object(body(&inputs.deploy, service));
                steps.push(Step::StopDeployment { service_deployment_arn, otherwise });
                if inputs.wait.enabled {
                    steps.push(Step::AwaitRollout);
                }
            }
            (None, None) => update(inputs, observed, service, definition, is_current, &mut steps, &mut warnings),
        }
    }
    Ok(Decision { reuse, steps, warnings })
}

/// A rollback deploys a revision as it was registered, or nothing.
pub(super) fn check_rollback(observed: &Observed, reuse: Option<&Registered>) -> Result<(), Vec<Error>> {
    let target = registered(&observed.base.document);
    let arn = target.as_ref().map_or(observed.base.origin.as_str(), |target| target.arn.as_str());
    if reuse.is_some_and(|reuse| reuse.arn == arn) {
        return Ok(());
    }
    let status = target.as_ref().map_or("not readable", |target| target.status.as_str());
    Err(vec![Error::new(
        Code::NothingToRollBackTo,
        format!("{} cannot be deployed again: it is {status}.", short_name(arn)),
        "A rollback deploys a revision as it was registered, and registers nothing.",
        "Name a revision that is ACTIVE by `task-definition-arn`.",
    )])
}

/// A revision that already is what was rendered. What the service runs comes first: the newest of the family may be a
/// broken one that was rolled back. A revision asked for by its number is deployed itself.
fn reusable(
    source: &Source,
    observed: &Observed,
    definition: &TaskDefinition,
    warnings: &mut Vec<String>,
) -> Option<Registered> {
    // A file may hold a whole answer too, of any account and any age: it is no proof that the revision is there.
    let (base, is_numbered) = match source {
        Source::Registered(which) => (registered(&observed.base.document), Revision::parse(which).is_some()),
        Source::File(_) | Source::Running => (None, false),
    };
    let named = base.as_ref().filter(|_| is_numbered);
    let same = |revision: &&Registered| !differs(definition, &revision.definition());
    if let Some(named) = named.filter(same)
        && !named.is_active()
    {
        warnings.push(format!(
            "{} is {} and cannot be deployed itself; a revision with the same content takes its place.",
            short_name(&named.arn),
            named.status
        ));
    }
    let candidates = [named, observed.running.as_ref(), observed.newest.as_ref(), base.as_ref()];
    candidates.into_iter().flatten().filter(|revision| revision.is_active()).find(same).cloned()
}

/// The revision that a DescribeTaskDefinition answer tells of.
fn registered(answer: &Value) -> Option<Registered> {
    let document = answer.get("taskDefinition")?;
    let text = |field: &str| document.get(field).and_then(Value::as_str).map(str::to_owned);
    let tags = answer.get("tags").and_then(Value::as_array).cloned().unwrap_or_default();
    Some(Registered { arn: text("taskDefinitionArn")?, status: text("status")?, document: document.clone(), tags })
}

/// Adds the update and the wait, where they are needed.
fn update(
    inputs: &Inputs,
    observed: &Observed,
    service: &Service,
    definition: &TaskDefinition,
    is_current: bool,
    steps: &mut Vec<Step>,
    warnings: &mut Vec<String>,
) {
    let deploy = &inputs.deploy;
    let is_forced = deploy.force_new_deployment == Some(true);
    let mut again = None;
    let state = service.primary().and_then(|primary| primary.rollout_state.as_deref());
    if is_current && !is_forced {
        again = if state == Some("FAILED") {
            Some(format!(
                "The last rollout of {} failed, so it is deployed again.",
                short_name(&service.task_definition)
            ))
        } else {
            // A rollback to what serves already is done.
            if observed.way_back.is_some() { None } else { moved_tags(observed, definition, warnings) }
        };
        if deploy.force_new_deployment == Some(false) {
            let kept = again.take().map(|why| why.replace(", so it is deployed again", ""));
            warnings
                .extend(kept.map(|why| format!("{why} It is not deployed again: `force-new-deployment` is false.")));
        }
    }
    // Where traffic is shifted, the old tasks stay until the new ones have baked, and an alarm may still lead back.
    let moves = state == Some("IN_PROGRESS") || (service.shifts_traffic() && service.deployments.len() > 1);
    let needed = !is_current || is_forced || again.is_some() || asks_for_more(deploy, service);
    if needed {
        let mut body = body(deploy, service);
        if let Some(why) = again {
            body.insert("forceNewDeployment".to_owned(), true.into());
            warnings.push(why);
        }
        steps.push(Step::UpdateService { body: Value::Object(body) });
    } else if moves {
        let revision = short_name(&service.task_definition);
        warnings.push(format!("Nothing is to be changed, but the rollout of {revision} is still in progress."));
    } else if service.running_count < service.desired_count {
        warnings.push(format!(
            "Nothing is to be changed, but only {} of {} tasks of `{}` run: read the service's events.",
            service.running_count, service.desired_count, service.service_name
        ));
    }
    if inputs.wait.enabled && (needed || moves) {
        steps.push(Step::AwaitRollout);
    }
}

/// UpdateService's request: what the user gave, and nothing else.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html>
pub(super) fn body(deploy: &Deploy, service: &Service) -> Map<String, Value> {
    let name = deploy.service.as_deref().unwrap_or(&service.service_name);
    let given = [
        ("desiredCount", deploy.desired_count.map(Value::from)),
        ("forceNewDeployment", deploy.force_new_deployment.map(Value::from)),
        ("enableECSManagedTags", deploy.enable_ecs_managed_tags.map(Value::from)),
        ("propagateTags", deploy.propagate_tags.clone().map(Value::from)),
        ("volumeConfigurations", deploy.volume_configuration.clone().map(|volume| json!([volume]))),
        ("deploymentConfiguration", deploy.deployment_configuration.clone()),
    ];
    let always = [("cluster", Some(Value::from(deploy.cluster.as_str()))), ("service", Some(name.into()))];
    always.into_iter().chain(given).filter_map(|(field, value)| Some((field.to_owned(), value?))).collect()
}

/// Whether a setting was given that the service does not have yet.
pub(super) fn asks_for_more(deploy: &Deploy, service: &Service) -> bool {
    let volumes = service.primary().map(|primary| Value::from(primary.volume_configurations.clone()));
    let settings = [
        (deploy.desired_count.map(Value::from), Some(service.desired_count.into())),
        (deploy.enable_ecs_managed_tags.map(Value::from), Some(service.enable_ecs_managed_tags.into())),
        (
            deploy.propagate_tags.clone().map(Value::from),
            Some(service.propagate_tags.as_deref().unwrap_or("NONE").into()),
        ),
        (deploy.volume_configuration.clone().map(|volume| json!([volume])), volumes),
        (deploy.deployment_configuration.clone(), service.deployment_configuration.clone()),
    ];
    settings.into_iter().any(|(asked, current)| asked.is_some_and(|asked| !has(&current.unwrap_or_default(), &asked)))
}

/// Whether `current` already says everything that `asked` says; ECS fills in more.
fn has(current: &Value, asked: &Value) -> bool {
    match (current, asked) {
        (Value::Object(current), Value::Object(asked)) => {
            asked.iter().all(|(key, asked)| has(current.get(key).unwrap_or(&Value::Null), asked))
        }
        (Value::Array(current), Value::Array(asked)) => {
            current.len() == asked.len() && current.iter().zip(asked).all(|(current, asked)| has(current, asked))
        }
        (Value::Number(current), Value::Number(asked)) => current.as_f64() == asked.as_f64(),
        (Value::Null, Value::Array(asked)) => asked.is_empty(),
        (current, asked) => current == asked,
    }
}

/// Why the same revision has to be deployed again: ECS resolves tags once for each deployment, so tasks keep the digest
/// that a tag had then. <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html>
fn moved_tags(observed: &Observed, definition: &TaskDefinition, warnings: &mut Vec<String>) -> Option<String> {
    let mut moved = Vec::new();
    let mut unknown = Vec::new();
    for (container, text) in definition.images() {
        if ImageRef::parse(text).is_ok_and(|image| image.digest.is_some()) {
            continue;
        }
        match (running_digest(observed, container, text), observed.digests.get(text)) {
            (Some(running), Some(Digest::Known { digest, .. })) if running == *digest => {}
            (Some(_), Some(Digest::Known { .. })) => moved.push(format!("`{text}`")),
            _ => unknown.push(format!("`{text}`")),
        }
    }
    if !moved.is_empty() {
        return Some(format!(
            "Another image now has the tag that the service runs, so it is deployed again: {}.",
            moved.join(", ")
        ));
    }
    if !unknown.is_empty() {
        warnings.push(format!(
            "Whether these tags still name the images that the service runs is not known: {}. Use `force-new-deployment` or digests if they were pushed again.",
            unknown.join(", ")
        ));
    }
    None
}

/// The digest that the service's tasks use for a container whose image is `text`; of the index where that is known.
pub(super) fn running_digest(observed: &Observed, container: &str, text: &str) -> Option<String> {
    let revision = observed.running_revision.as_ref()?;
    let image = revision.container_images.iter().find(|image| image.container_name == container)?;
    let running = image.image_digest.as_ref()?;
    // ECS may report the index or the platform's image in it: either is the image that the text names.
    match observed.digests.get(text) {
        Some(Digest::Known { digest, manifest }) if manifest.has(running) => Some(digest.clone()),
        _ => ImageRef::parse(text).ok().and_then(|image| image.digest).or_else(|| Some(running.clone())),
    }
}

#[cfg(test)]
#[path = "steps_tests.rs"]
mod tests;
