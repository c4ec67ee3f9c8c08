//! How `CodeDeploy`'s things look on the wire.
//! <https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_DeploymentInfo.html>

use serde_json::{Map, Value, json};

use super::{Deployment, EVENTS, Group};
use crate::sim::ecs::Place;
use crate::sim::world::World;

/// A group, as `GetDeploymentGroup` shows it.
pub(super) fn group(world: &World, at: usize) -> Value {
    let Some(group) = world.code_deploy.groups.get(at) else { return Value::Null };
    let last = world.code_deploy.deployments.iter().rev().find(|deployment| deployment.group == at);
    let mut shown = json!({
        "applicationName": group.application, "deploymentGroupId": "2c4f6f1e-6b1c-4b7e-9a55-0b7d5c1f4a10",
        "deploymentGroupName": group.name, "deploymentConfigName": "CodeDeployDefault.ECSAllAtOnce",
        "serviceRoleArn": format!("arn:aws:iam::{}:role/codedeploy", world.account),
        "autoRollbackConfiguration": rollback(&group.rolls_back_on),
        "deploymentStyle": {"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"},
        "blueGreenDeploymentConfiguration": waits(group), "computePlatform": "ECS",
        "ecsServices": [{"serviceName": group.service, "clusterName": group.cluster}],
    });
    if let (Some(shown), Some(last)) = (shown.as_object_mut(), last) {
        let mut brief = json!({"deploymentId": last.id, "status": last.status, "createTime": last.created});
        if let (Some(brief), Some(completed)) = (brief.as_object_mut(), last.completed) {
            brief.insert("endTime".into(), completed.into());
        }
        shown.insert("lastAttemptedDeployment".into(), brief);
    }
    shown
}

fn rollback(events: &[String]) -> Value {
    json!({"enabled": !events.is_empty(), "events": events})
}

fn waits(group: &Group) -> Value {
    let ready = if group.ready_minutes > 0 { "STOP_DEPLOYMENT" } else { "CONTINUE_DEPLOYMENT" };
    json!({
        "terminateBlueInstancesOnDeploymentSuccess":
            {"action": "TERMINATE", "terminationWaitTimeInMinutes": group.termination_minutes},
        "deploymentReadyOption": {"actionOnTimeout": ready, "waitTimeInMinutes": group.ready_minutes},
    })
}

/// A deployment, as `GetDeployment` shows it: without the text of its revision.
pub(super) fn deployment(world: &World, at: usize) -> Value {
    let Some(deployment) = world.code_deploy.deployments.get(at) else { return Value::Null };
    let Some(group) = world.code_deploy.groups.get(deployment.group) else { return Value::Null };
    let config = deployment.request.get("deploymentConfigName").cloned();
    let is_told = !world.code_deploy.hides_digest && deployment.triggered_by.is_none();
    let content = if is_told { json!({"content": "", "sha256": deployment.digest}) } else { json!({"content": ""}) };
    let mut shown = json!({
        "applicationName": group.application, "deploymentGroupName": group.name,
        "deploymentConfigName": config.unwrap_or_else(|| "CodeDeployDefault.ECSAllAtOnce".into()),
        "deploymentId": deployment.id, "revision": {"revisionType": "AppSpecContent", "appSpecContent": content},
        "status": deployment.status, "createTime": deployment.created, "creator": deployment.creator,
        "ignoreApplicationStopFailures": false, "updateOutdatedInstancesOnly": false,
        "autoRollbackConfiguration": rollback(&deployment.rolls_back_on),
        "deploymentStyle": {"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"},
        "instanceTerminationWaitTimeStarted": deployment.is_terminating,
        "blueGreenDeploymentConfiguration": waits(group), "computePlatform": "ECS",
    });
    if let Some(shown) = shown.as_object_mut() {
        more(shown, deployment);
    }
    shown
}

fn more(shown: &mut Map<String, Value>, deployment: &Deployment) {
    if let Some(description) = deployment.request.get("description") {
        shown.insert("description".into(), description.clone());
    }
    if let Some((code, message)) = &deployment.error {
        shown.insert("errorInformation".into(), json!({"code": code, "message": message}));
    }
    if let Some(completed) = deployment.completed {
        shown.insert("completeTime".into(), completed.into());
    }
    let info = match (&deployment.rollback, &deployment.triggered_by) {
        (Some(back), _) => {
            let message = format!("Deployment {} failed; {back} goes back.", deployment.id);
            json!({"rollbackDeploymentId": back, "rollbackMessage": message})
        }
        (None, Some(from)) => json!({"rollbackTriggeringDeploymentId": from}),
        (None, None) => return,
    };
    shown.insert("rollbackInfo".into(), info);
}

/// What a deployment does to its service, as `BatchGetDeploymentTargets` shows it.
pub(super) fn target(world: &World, at: usize) -> Value {
    let Some(deployment) = world.code_deploy.deployments.get(at) else { return Value::Null };
    let Some(group) = world.code_deploy.groups.get(deployment.group) else { return Value::Null };
    let events: Vec<Value> = EVENTS.iter().enumerate().map(|(nth, name)| event(deployment, nth, name)).collect();
    let status = match deployment.status.as_str() {
        "Created" => "Pending",
        "Stopped" => "Failed",
        other => other,
    };
    let service = world.ecs.services.iter().find(|service| service.name == group.service);
    let set = |id: &str, label: &str, weight: f64| {
        let service = service?;
        let set = service.deployments.iter().find(|set| set.ecs_id() == id && set.place != Place::Gone)?;
        let is_primary = set.place == Place::Primary;
        Some(json!({
            "identifer": id, "desiredCount": service.desired, "pendingCount": set.pending, "runningCount": set.running,
            "status": if is_primary { "PRIMARY" } else { "ACTIVE" }, "trafficWeight": weight,
            "targetGroup": {"name": format!("{}-{}", group.service, label.to_lowercase())}, "taskSetLabel": label,
        }))
    };
    let (old, new) = &deployment.task_sets;
    let sets: Vec<Value> = [set(old, "Blue", 100.0 - deployment.weight), set(new, "Green", deployment.weight)]
        .into_iter()
        .flatten()
        .collect();
    json!({
        "deploymentId": deployment.id, "targetId": format!("{}:{}", group.cluster, group.service),
        "targetArn": world.arn("ecs", &format!("service/{}/{}", group.cluster, group.service)),
        "lastUpdatedAt": world.now(), "lifecycleEvents": events, "status": status, "taskSetsInfo": sets,
    })
}

fn event(deployment: &Deployment, nth: usize, name: &str) -> Value {
    let failed = deployment.failed.as_ref().filter(|(at, _)| *at == nth);
    let status = match nth.cmp(&deployment.done) {
        _ if failed.is_some() => "Failed",
        std::cmp::Ordering::Less => "Succeeded",
        std::cmp::Ordering::Equal if deployment.status == "InProgress" => "InProgress",
        _ if deployment.is_closed() => "Skipped",
        _ => "Pending",
    };
    let mut shown = json!({"lifecycleEventName": name, "status": status});
    if let (Some(shown), Some((_, said))) = (shown.as_object_mut(), failed) {
        shown.insert("diagnostics".into(), json!({"errorCode": "ScriptFailed", "scriptName": name, "message": said}));
    }
    shown
}
