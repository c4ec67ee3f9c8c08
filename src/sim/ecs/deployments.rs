//! Service deployments and service revisions.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServiceDeployments.html>

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Deployment, Service, cluster, endings, find, hooks, schedule, show, with_service};
use crate::sim::wire::{Answered, Refusal, page, text, texts};
use crate::sim::world::World;

pub(super) fn list_them(world: &mut World, input: &Value) -> Answered {
    let named = text(input, "service").unwrap_or_default();
    // A service's ARN names the cluster too.
    let from_arn = named
        .split_once(":service/")
        .and_then(|(_, path)| path.split_once('/'))
        .map(|(cluster, _)| json!({"cluster": cluster}));
    let cluster =
        cluster(world, if input.get("cluster").is_some() { input } else { from_arn.as_ref().unwrap_or(input) })?;
    let not_found = || Refusal::new("ServiceNotFoundException", "Service not found.");
    let at = find(world, &cluster, named).ok_or_else(not_found)?;
    schedule::pass(world, at, false);
    let statuses = texts(input, "status");
    let bound = |key: &str| input.get("createdAt").and_then(|range| range.get(key)).and_then(Value::as_f64);
    let (after, before) = (bound("after"), bound("before"));
    let briefs = with_service(world, at, |world, service| {
        let mut briefs = Vec::new();
        // Under another controller than ECS there are task sets, and no service deployments.
        if service.controller.as_deref().is_some_and(|controller| controller != "ECS") {
            return briefs;
        }
        for index in (0..service.deployments.len()).rev() {
            let Some(deployment) = service.deployments.get_mut(index) else { continue };
            if deployment.unlisted > 0 {
                deployment.unlisted -= 1;
                continue;
            }
            let deployment = deployment.clone();
            let wanted = (statuses.is_empty() || statuses.contains(&deployment.status))
                && after.is_none_or(|after| deployment.created > after)
                && before.is_none_or(|before| deployment.created < before);
            if wanted {
                briefs.push(show::brief(world, service, &deployment));
            }
        }
        briefs
    });
    let (briefs, next) = page(briefs.ok_or_else(not_found)?, input, 20)?;
    let mut answer = json!({"serviceDeployments": briefs});
    show::next_token(&mut answer, next);
    Ok(answer)
}

/// Where the deployment of an ARN is: the service's place and the deployment's place in it.
fn locate(world: &World, arn: &str, kind: &str, matches: impl Fn(&Deployment, &str) -> bool) -> Option<(usize, usize)> {
    let (_, path) = arn.split_once(&format!(":{kind}/"))?;
    let mut parts = path.split('/');
    let (cluster, name, id) = (parts.next()?, parts.next()?, parts.next()?);
    let at = find(world, cluster, name)?;
    let service = world.ecs.services.get(at).filter(|service| service.status != "INACTIVE")?;
    Some((at, service.deployments.iter().position(|deployment| matches(deployment, id))?))
}

fn by_id(world: &World, arn: &str) -> Option<(usize, usize)> {
    locate(world, arn, "service-deployment", |deployment, id| deployment.id == id)
}

fn asked(input: &Value, key: &str) -> Result<Vec<String>, Refusal> {
    let arns = texts(input, key);
    if arns.is_empty() || arns.len() > 20 {
        return Err(Refusal::invalid(format!("{key} must have between 1 and 20 elements.")));
    }
    Ok(arns)
}

fn show_each(
    world: &World,
    arns: &[String],
    found: impl Fn(&str) -> Option<(usize, usize)>,
    shown: impl Fn(&World, &Service, &Deployment) -> Value,
) -> (Vec<Value>, Vec<Value>) {
    let (mut there, mut failures) = (Vec::new(), Vec::new());
    for arn in arns {
        let place = found(arn).and_then(|(at, index)| {
            let service = world.ecs.services.get(at)?;
            Some((service, service.deployments.get(index)?))
        });
        match place {
            Some((service, deployment)) => there.push(shown(world, service, deployment)),
            None => failures.push(json!({"arn": arn, "reason": "MISSING"})),
        }
    }
    (there, failures)
}

pub(super) fn describe(world: &mut World, input: &Value) -> Answered {
    let arns = asked(input, "serviceDeploymentArns")?;
    let services: BTreeSet<usize> = arns.iter().filter_map(|arn| by_id(world, arn)).map(|(at, _)| at).collect();
    for at in services {
        schedule::pass(world, at, true);
    }
    let (there, failures) = show_each(world, &arns, |arn| by_id(world, arn), show::service_deployment);
    Ok(json!({"serviceDeployments": there, "failures": failures}))
}

pub(super) fn describe_revisions(world: &World, input: &Value) -> Answered {
    let arns = asked(input, "serviceRevisionArns")?;
    let found = |arn: &str| locate(world, arn, "service-revision", |deployment, digits| deployment.digits == digits);
    let (there, failures) = show_each(world, &arns, found, show::revision);
    Ok(json!({"serviceRevisions": there, "failures": failures}))
}

pub(super) fn stop(world: &mut World, input: &Value) -> Answered {
    let arn = text(input, "serviceDeploymentArn").unwrap_or_default();
    let not_found = || Refusal::new("ServiceDeploymentNotFoundException", "Service deployment not found.");
    let (at, index) = by_id(world, arn).ok_or_else(not_found)?;
    if text(input, "stopType").is_some_and(|kind| kind != "ROLLBACK") {
        return Err(Refusal::invalid("stopType must be ROLLBACK."));
    }
    schedule::pass(world, at, false);
    let stopped = with_service(world, at, |_, service| {
        let running = |deployment: &Deployment| ["PENDING", "IN_PROGRESS"].contains(&deployment.status.as_str());
        let deployment = service.deployments.get(index).cloned().filter(running)?;
        endings::request(service, index, deployment);
        Some(())
    });
    if stopped.flatten().is_some() {
        return Ok(json!({"serviceDeploymentArn": arn}));
    }
    Err(Refusal::new("ConflictException", "Service deployment is not in a state that can be stopped."))
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContinueServiceDeployment.html>
pub(super) fn go_on(world: &mut World, input: &Value) -> Answered {
    let arn = text(input, "serviceDeploymentArn").unwrap_or_default();
    let not_found = || Refusal::new("ServiceDeploymentNotFoundException", "Service deployment not found.");
    let (at, index) = by_id(world, arn).ok_or_else(not_found)?;
    let id = text(input, "hookId").unwrap_or_default();
    if !id.starts_with("ecs-pause-") {
        return Err(Refusal::invalid(format!("Invalid hookId: {id}")));
    }
    let action = text(input, "action").unwrap_or("CONTINUE");
    if !["CONTINUE", "ROLLBACK"].contains(&action) {
        return Err(Refusal::invalid("action must be CONTINUE or ROLLBACK."));
    }
    schedule::pass(world, at, false);
    with_service(world, at, |_, service| {
        let mut deployment = service.deployments.get(index).cloned().ok_or_else(not_found)?;
        if show::is_terminal(&deployment.status) {
            return Err(Refusal::invalid(
                "Continuing a service deployment is not allowed for service deployment in terminal states.",
            ));
        }
        let waiting = |hook: &&mut super::Hook| hook.id == id && hook.status == "AWAITING_ACTION";
        let Some(hook) = deployment.hooks.iter_mut().find(waiting) else {
            return Err(Refusal::invalid(
                "Provided hookId is either completed, unavailable, or not associated with the given Resource ARN",
            ));
        };
        if hooks::act(hook, action) {
            endings::request(service, index, deployment);
        } else {
            schedule::put(service, index, &deployment);
        }
        Ok(json!({"serviceDeploymentArn": arn}))
    })
    .ok_or_else(not_found)?
}
