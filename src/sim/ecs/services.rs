//! Clusters and services: described, listed, updated.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html>

use serde_json::{Value, json};

use super::{Service, beginnings, cluster, endings, find, hooks, schedule, show, task_definitions, with_service};
use crate::sim::rollout::Rollout;
use crate::sim::wire::{Answered, Refusal, includes, list, page, text, texts};
use crate::sim::world::World;

/// Settings that `UpdateService` takes and that start a deployment when they differ.
const STARTING: [&str; 7] = [
    "networkConfiguration",
    "platformVersion",
    "loadBalancers",
    "serviceRegistries",
    "serviceConnectConfiguration",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
];
/// Settings that it takes quietly.
const QUIET: [&str; 9] = [
    "deploymentConfiguration",
    "capacityProviderStrategy",
    "healthCheckGracePeriodSeconds",
    "placementConstraints",
    "placementStrategy",
    "enableECSManagedTags",
    "propagateTags",
    "enableExecuteCommand",
    "availabilityZoneRebalancing",
];
/// What the call itself is about.
const OWN: [&str; 6] =
    ["cluster", "service", "taskDefinition", "desiredCount", "forceNewDeployment", "deploymentController"];

/// Puts a service on stage: it runs a registered revision, with a finished deployment of it and of the one before.
/// One of the same name leaves the stage.
pub(in crate::sim) fn open(world: &mut World, mut service: Service, task_definition: &str) {
    let Some(known) = task_definitions::find(world, task_definition).cloned() else { return };
    let same = |other: &Service| other.cluster == service.cluster && other.name == service.name;
    if let Some(at) = world.ecs.services.iter().position(same) {
        world.ecs.services.remove(at);
        let group = format!("service:{}", service.name);
        world.ecs.tasks.retain(|task| task.cluster != service.cluster || task.group != group);
    }
    let now = world.now();
    service.created = now - 90.0 * 86_400.0;
    let before =
        world.ecs.definitions.iter().filter(|other| other.family == known.family && other.revision < known.revision);
    let before = before.max_by_key(|other| other.revision).map(|other| other.arn().to_owned());
    let history = before
        .into_iter()
        .map(|arn| (arn, now - 7.0 * 86_400.0))
        .chain([(known.arn().to_owned(), now - 3.0 * 86_400.0)]);
    let script = std::mem::take(&mut service.script);
    for (arn, at) in history {
        beginnings::begin(world, &mut service, &arn, Some(Rollout::Succeed { after: 1 }), at);
        if let Some(deployment) = service.deployments.last_mut() {
            deployment.unlisted = 0;
        }
        endings::finish(world, &mut service, at + 95.0);
    }
    service.ticking_since = now;
    service.script = script;
    world.ecs.services.push(service);
}

pub(super) fn describe_clusters(world: &World, input: &Value) -> Value {
    let mut asked = texts(input, "clusters");
    if asked.is_empty() {
        asked.push("default".into());
    }
    let (mut clusters, mut failures) = (Vec::new(), Vec::new());
    for named in asked {
        let name = named.rsplit('/').next().unwrap_or(&named);
        let arn = world.arn("ecs", &format!("cluster/{name}"));
        if world.ecs.clusters.iter().any(|cluster| cluster.name == name) {
            let services = world
                .ecs
                .services
                .iter()
                .filter(|service| service.cluster == name && service.status == "ACTIVE")
                .count();
            let running =
                world.ecs.tasks.iter().filter(|task| task.cluster == name && task.last_status == "RUNNING").count();
            clusters.push(json!({
                "clusterArn": arn, "clusterName": name, "status": "ACTIVE", "registeredContainerInstancesCount": 0,
                "runningTasksCount": running, "pendingTasksCount": 0, "activeServicesCount": services, "statistics": [],
                "tags": [], "settings": [], "capacityProviders": ["FARGATE", "FARGATE_SPOT"], "defaultCapacityProviderStrategy": [],
            }));
        } else {
            failures.push(json!({"arn": arn, "reason": "MISSING"}));
        }
    }
    json!({"clusters": clusters, "failures": failures})
}

pub(super) fn list_clusters(world: &World, input: &Value) -> Answered {
    let arns = world
        .ecs
        .clusters
        .iter()
        .map(|cluster| json!(world.arn("ecs", &format!("cluster/{}", cluster.name))))
        .collect();
    let (arns, next) = page(arns, input, 100)?;
    let mut answer = json!({"clusterArns": arns});
    show::next_token(&mut answer, next);
    Ok(answer)
}

pub(super) fn list_services(world: &World, input: &Value) -> Answered {
    let cluster = cluster(world, input)?;
    let services =
        world.ecs.services.iter().filter(|service| service.cluster == cluster && service.status != "INACTIVE");
    let arns = services.map(|service| json!(show::service_arn(world, service))).collect();
    let (arns, next) = page(arns, input, 10)?;
    let mut answer = json!({"serviceArns": arns});
    show::next_token(&mut answer, next);
    Ok(answer)
}

pub(super) fn describe(world: &mut World, input: &Value) -> Answered {
    let cluster = cluster(world, input)?;
    let asked = texts(input, "services");
    if asked.is_empty() {
        return Err(Refusal::invalid("Services cannot be empty."));
    }
    if asked.len() > 10 {
        return Err(Refusal::invalid("Services cannot have more than 10 elements."));
    }
    let tags = includes(input, "TAGS");
    let (mut services, mut failures) = (Vec::new(), Vec::new());
    for named in asked {
        let name = named.rsplit('/').next().unwrap_or(&named);
        match find(world, &cluster, name) {
            Some(at) => services.extend(look(world, at, tags)),
            None => failures
                .push(json!({"arn": world.arn("ecs", &format!("service/{cluster}/{name}")), "reason": "MISSING"})),
        }
    }
    Ok(json!({"services": services, "failures": failures}))
}

/// One look at a service: time passes, unless the look still shows how it was.
fn look(world: &mut World, at: usize, tags: bool) -> Option<Value> {
    let stale = with_service(world, at, |_, service| {
        let (left, old) = service.stale.take()?;
        service.stale = (left > 1).then(|| (left - 1, old.clone()));
        Some(old)
    });
    if let Some(Some(old)) = stale {
        return Some(old);
    }
    schedule::pass(world, at, true);
    with_service(world, at, |world, service| {
        let current = match service.stale_current.take() {
            Some((left, old)) => {
                service.stale_current = (left > 1).then(|| (left - 1, old.clone()));
                old
            }
            None => show::current(world, service),
        };
        show::service(world, service, tags, current)
    })
}

pub(super) fn update(world: &mut World, input: &Value) -> Answered {
    let cluster = cluster(world, input)?;
    let not_found = || Refusal::new("ServiceNotFoundException", "Service not found.");
    let at = text(input, "service").and_then(|named| find(world, &cluster, named)).ok_or_else(not_found)?;
    schedule::pass(world, at, false);
    with_service(world, at, |world, service| change(world, service, input)).ok_or_else(not_found)?
}

fn change(world: &mut World, service: &mut Service, input: &Value) -> Answered {
    if service.status != "ACTIVE" {
        return Err(Refusal::new("ServiceNotActiveException", "Service was not ACTIVE."));
    }
    let known = |name: &&String| [STARTING.as_slice(), &QUIET, &OWN].concat().contains(&name.as_str());
    if let Some(name) = input.as_object().and_then(|input| input.keys().find(|name| !known(name))) {
        // Fields newer than the stage are kept, so that a story can see what was sent.
        service.settings.insert(name.clone(), input.get(name).cloned().unwrap_or_default());
    }
    let wanted = wanted_definition(world, service, input)?;
    if let Some(why) = input.get("deploymentConfiguration").and_then(hooks::refused) {
        return Err(Refusal::invalid(why));
    }
    let (before, old) =
        (show::service(world, service, false, show::current(world, service)), show::current(world, service));
    let now = world.now();
    let mut starts = input.get("forceNewDeployment") == Some(&Value::Bool(true));
    for name in STARTING.into_iter().chain(QUIET) {
        let Some(value) = input.get(name).filter(|value| !value.is_null()) else { continue };
        let same =
            service.settings.get(name) == Some(value) || (value == &json!([]) && !service.settings.contains_key(name));
        starts |= STARTING.contains(&name) && !same;
        service.settings.insert(name.into(), merged(service.settings.get(name), value));
    }
    let wanted = wanted.unwrap_or_else(|| service.task_definition().to_owned());
    starts |= wanted != service.task_definition();
    if let Some(desired) = input.get("desiredCount").and_then(Value::as_i64) {
        schedule::resize(world, service, desired, now);
    }
    if starts {
        beginnings::begin(world, service, &wanted, None, now);
        let lag = service.lag;
        service.stale = (lag.describes > 0).then_some((lag.describes, before));
        service.stale_current = (lag.current > 0).then(|| (lag.current, old.clone()));
    }
    let current = if world.ecs.update_names_deployment { show::current(world, service) } else { old };
    Ok(json!({"service": show::service(world, service, true, current)}))
}

/// `deploymentConfiguration` keeps what was not sent; every other setting is replaced whole.
fn merged(old: Option<&Value>, new: &Value) -> Value {
    match (old, new) {
        (Some(Value::Object(old)), Value::Object(new)) => {
            let mut merged = old.clone();
            merged.extend(new.clone());
            Value::Object(merged)
        }
        _ => new.clone(),
    }
}

fn wanted_definition(world: &World, service: &Service, input: &Value) -> Result<Option<String>, Refusal> {
    let controller = service.controller.as_deref().unwrap_or("ECS");
    let given = |name: &str| input.get(name).is_some_and(|value| !value.is_null());
    let moving = given("taskDefinition") || input.get("forceNewDeployment") == Some(&Value::Bool(true));
    if controller == "CODE_DEPLOY" && moving {
        return Err(Refusal::invalid(
            "Unable to update task definition on services with a CODE_DEPLOY deployment controller. Use AWS CodeDeploy to trigger a new deployment.",
        ));
    }
    if controller == "EXTERNAL" && moving {
        return Err(Refusal::invalid(
            "Unable to update task definition on services with an EXTERNAL deployment controller.",
        ));
    }
    if service.is_daemon() && given("desiredCount") {
        return Err(Refusal::invalid(
            "The daemon scheduling strategy does not support a desired count for services. Remove the desired count and try again.",
        ));
    }
    let Some(named) = text(input, "taskDefinition") else { return Ok(None) };
    let known = task_definitions::find(world, named).ok_or_else(|| Refusal::client("TaskDefinition not found."))?;
    if known.status != "ACTIVE" {
        return Err(Refusal::client("TaskDefinition is inactive"));
    }
    let balancers = service.settings.get("loadBalancers").cloned().unwrap_or_default();
    let containers = list(&known.document, "containerDefinitions");
    for name in balancers.as_array().into_iter().flatten().filter_map(|balancer| text(balancer, "containerName")) {
        if !containers.iter().any(|container| text(container, "name") == Some(name)) {
            return Err(Refusal::invalid(format!("The container {name} does not exist in the task definition.")));
        }
    }
    Ok(Some(known.arn().to_owned()))
}
