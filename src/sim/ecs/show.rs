//! How services and deployments look on the wire.

use serde_json::{Value, json};

use super::{Deployment, Place, Service, hooks, task_sets};
use crate::sim::wire::list;
use crate::sim::world::World;

/// Puts a `nextToken` beside a list, when there is more.
pub(super) fn next_token(answer: &mut Value, next: Option<String>) {
    if let (Some(next), Some(answer)) = (next, answer.as_object_mut()) {
        answer.insert("nextToken".into(), next.into());
    }
}

pub(super) fn service_arn(world: &World, service: &Service) -> String {
    world.arn("ecs", &format!("service/{}/{}", service.cluster, service.name))
}

pub(super) fn revision_arn(world: &World, service: &Service, digits: &str) -> String {
    world.arn("ecs", &format!("service-revision/{}/{}/{digits}", service.cluster, service.name))
}

pub(super) fn deployment_arn(world: &World, service: &Service, deployment: &Deployment) -> String {
    world.arn("ecs", &format!("service-deployment/{}/{}/{}", service.cluster, service.name, deployment.id))
}

fn cluster_arn(world: &World, service: &Service) -> String {
    world.arn("ecs", &format!("cluster/{}", service.cluster))
}

/// The ARN of the newest service deployment.
pub(super) fn current(world: &World, service: &Service) -> Option<String> {
    service.deployments.last().map(|deployment| deployment_arn(world, service, deployment))
}

/// What `UpdateService` takes for the service, and the answers show at its deployments alone.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Deployment.html>
const DEPLOYMENTS_OWN: [&str; 3] = ["serviceConnectConfiguration", "volumeConfigurations", "vpcLatticeConfigurations"];

/// A service as `DescribeServices` and `UpdateService` show it.
pub(super) fn service(world: &World, service: &Service, tags: bool, current: Option<String>) -> Value {
    let listed = || service.deployments.iter().rev().filter(|deployment| deployment.place != Place::Gone);
    let sum = |count: fn(&Deployment) -> i64| listed().map(count).sum::<i64>();
    let is_ecs = service.controller.as_deref().is_none_or(|controller| controller == "ECS");
    // The PRIMARY deployment comes first, whichever is newest.
    let mut ordered: Vec<&Deployment> = listed().collect();
    ordered.sort_by_key(|deployment| deployment.place != Place::Primary);
    let events: Vec<Value> = service
        .events
        .iter()
        .map(|event| json!({"id": event.id, "createdAt": event.at, "message": event.message}))
        .collect();
    let mut shown = json!({
        "serviceArn": service_arn(world, service), "serviceName": service.name, "clusterArn": cluster_arn(world, service),
        "loadBalancers": [], "serviceRegistries": [], "status": service.status, "desiredCount": service.desired,
        "runningCount": sum(|deployment| deployment.running), "pendingCount": sum(|deployment| deployment.pending),
        "taskDefinition": service.task_definition(),
        "deployments": if is_ecs { ordered.iter().map(|one| deployment(service, one)).collect() } else { Vec::new() },
        "roleArn": format!("arn:aws:iam::{}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS", world.account),
        "events": events, "createdAt": service.created, "placementConstraints": [], "placementStrategy": [],
        "createdBy": format!("arn:aws:iam::{}:role/infra", world.account),
    });
    if let Some(shown) = shown.as_object_mut() {
        for (name, value) in service.settings.iter().filter(|(name, _)| !DEPLOYMENTS_OWN.contains(&name.as_str())) {
            shown.insert(name.clone(), value.clone());
        }
        if let Some(controller) = &service.controller {
            shown.insert("deploymentController".into(), json!({"type": controller}));
        }
        if !is_ecs {
            let sets: Vec<Value> = ordered.iter().map(|set| task_sets::shown(world, service, set)).collect();
            shown.insert("taskSets".into(), sets.into());
        }
        if tags {
            shown.insert("tags".into(), service.tags.clone());
        }
        if let Some(current) = current.filter(|_| is_ecs) {
            shown.insert("currentServiceDeployment".into(), current.into());
            let revisions: Vec<Value> = ordered.iter().map(|one| revision_counts(world, service, one)).collect();
            shown.insert("currentServiceRevisions".into(), revisions.into());
        }
    }
    shown
}

fn revision_counts(world: &World, service: &Service, deployment: &Deployment) -> Value {
    json!({
        "arn": revision_arn(world, service, &deployment.digits),
        "requestedTaskCount": requested(service, deployment),
        "runningTaskCount": deployment.running, "pendingTaskCount": deployment.pending,
    })
}

pub(super) fn requested(service: &Service, deployment: &Deployment) -> i64 {
    match deployment.place {
        Place::Primary => service.desired,
        _ if deployment.draining => 0,
        _ => deployment.running,
    }
}

fn deployment(service: &Service, deployment: &Deployment) -> Value {
    let mut shown = json!({
        "id": deployment.ecs_id(), "status": if deployment.place == Place::Primary { "PRIMARY" } else { "ACTIVE" },
        "taskDefinition": deployment.task_definition, "desiredCount": requested(service, deployment),
        "pendingCount": deployment.pending, "runningCount": deployment.running, "failedTasks": deployment.failed,
        "createdAt": deployment.created, "updatedAt": deployment.updated,
        "rolloutState": deployment.rollout_state, "rolloutStateReason": deployment.rollout_reason,
    });
    if let Some(shown) = shown.as_object_mut() {
        for name in
            ["launchType", "platformVersion", "platformFamily", "networkConfiguration", "capacityProviderStrategy"]
                .into_iter()
                .chain(DEPLOYMENTS_OWN)
        {
            if let Some(value) = service.settings.get(name) {
                shown.insert(name.into(), value.clone());
            }
        }
    }
    shown
}

/// Whether a service deployment of this status has ended.
pub(super) fn is_terminal(status: &str) -> bool {
    ["SUCCESSFUL", "STOPPED", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"].contains(&status)
}

/// `sourceServiceRevisions` and `targetServiceRevision`, with the traffic of each where a strategy moves it.
pub(super) fn revisions(world: &World, service: &Service, deployment: &Deployment) -> (Value, Value) {
    let named = |digits: &String| service.deployments.iter().find(|other| other.digits == *digits);
    let mut source = deployment.source.as_ref().and_then(named).map(|source| revision_counts(world, service, source));
    let mut target = revision_counts(world, service, deployment);
    if let (true, Some(target)) = (deployment.status == "IN_PROGRESS", target.as_object_mut()) {
        target.insert("requestedTaskCount".into(), service.desired.into());
    }
    if let Some((test, production)) = deployment.weights {
        weigh(&mut target, test, production);
        if let Some(source) = &mut source {
            weigh(source, 100.0 - test, 100.0 - production);
        }
    }
    (source.into_iter().collect(), target)
}

fn weigh(revision: &mut Value, test: f64, production: f64) {
    if let Some(revision) = revision.as_object_mut() {
        revision.insert("requestedTestTrafficWeight".into(), test.into());
        revision.insert("requestedProductionTrafficWeight".into(), production.into());
    }
}

/// A service deployment as `DescribeServiceDeployments` shows it.
pub(super) fn service_deployment(world: &World, service: &Service, deployment: &Deployment) -> Value {
    let (sources, target) = deployment.frozen.clone().unwrap_or_else(|| revisions(world, service, deployment));
    let mut shown = brief(world, service, deployment);
    if let Some(shown) = shown.as_object_mut() {
        shown.shift_remove("targetServiceRevisionArn");
        shown.insert("updatedAt".into(), deployment.updated.into());
        shown.insert("sourceServiceRevisions".into(), sources);
        shown.insert("targetServiceRevision".into(), target);
        shown.insert("deploymentConfiguration".into(), deployment.configuration.clone());
        shown.insert("deploymentCircuitBreaker".into(), deployment.breaker.clone());
        for (name, value) in [("rollback", &deployment.rollback), ("alarms", &deployment.alarms)] {
            if let Some(value) = value {
                shown.insert(name.into(), value.clone());
            }
        }
        if let Some(details) = hooks::shown(deployment) {
            shown.insert("lifecycleHookDetails".into(), details);
        }
        if let Some(stage) = &deployment.stage {
            shown.insert("lifecycleStage".into(), stage.clone().into());
        }
        if let Some(stopped) = deployment.stopped {
            shown.insert("stoppedAt".into(), stopped.into());
        }
    }
    shown
}

/// A service deployment as `ListServiceDeployments` shows it.
pub(super) fn brief(world: &World, service: &Service, deployment: &Deployment) -> Value {
    let mut shown = json!({
        "serviceDeploymentArn": deployment_arn(world, service, deployment), "serviceArn": service_arn(world, service),
        "clusterArn": cluster_arn(world, service), "createdAt": deployment.created,
        "targetServiceRevisionArn": revision_arn(world, service, &deployment.digits), "status": deployment.status,
    });
    if let Some(shown) = shown.as_object_mut() {
        if deployment.status != "PENDING" {
            shown.insert("startedAt".into(), deployment.created.into());
        }
        if let Some(finished) = deployment.finished {
            shown.insert("finishedAt".into(), finished.into());
        }
        if let Some(reason) = &deployment.status_reason {
            shown.insert("statusReason".into(), reason.clone().into());
        }
    }
    shown
}

/// A service revision as `DescribeServiceRevisions` shows it.
pub(super) fn revision(world: &World, service: &Service, deployment: &Deployment) -> Value {
    let images: Vec<Value> = list(&deployment.images, "containers")
        .iter()
        .map(|image| {
            let mut image = image.clone();
            if let Some(image) = image.as_object_mut() {
                image.shift_remove("missing");
            }
            image
        })
        .collect();
    let mut shown = json!({
        "serviceRevisionArn": revision_arn(world, service, &deployment.digits), "serviceArn": service_arn(world, service),
        "clusterArn": cluster_arn(world, service), "taskDefinition": deployment.task_definition,
        "containerImages": images, "guardDutyEnabled": false, "createdAt": deployment.created,
    });
    if let Some(shown) = shown.as_object_mut() {
        for name in [
            "launchType",
            "platformVersion",
            "platformFamily",
            "networkConfiguration",
            "capacityProviderStrategy",
            "loadBalancers",
        ] {
            if let Some(value) = service.settings.get(name) {
                shown.insert(name.into(), value.clone());
            }
        }
    }
    shown
}
