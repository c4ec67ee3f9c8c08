//! Tasks: those that follow a deployment's counts, and those that fail.

use serde_json::{Value, json};

use super::{Deployment, Service, Task, cluster};
use crate::sim::rollout::Trouble;
use crate::sim::wire::{Answered, Refusal, includes, list, page, text};
use crate::sim::world::World;
use crate::sim::{elbv2, logs};

/// A new task of a deployment.
fn begin(world: &mut World, service: &Service, deployment: &Deployment, at: f64) -> Task {
    Task {
        id: world.dice.hex(32),
        cluster: service.cluster.clone(),
        group: format!("service:{}", service.name),
        started_by: deployment.ecs_id(),
        task_definition: deployment.task_definition.clone(),
        last_status: "PENDING".into(),
        created: at,
        started: None,
        stopped: None,
        stop: None,
        exit_code: None,
        container_reason: None,
        images: deployment.images.clone(),
    }
}

/// Starts and stops tasks until they agree with the deployment's counts.
pub(super) fn follow(world: &mut World, service: &mut Service, deployment: &Deployment, by: &str, at: f64) {
    let ours = deployment.ecs_id();
    let mut alive: Vec<&mut Task> =
        world.ecs.tasks.iter_mut().filter(|task| task.started_by == ours && task.stopped.is_none()).collect();
    let wanted = usize::try_from(deployment.running + deployment.pending).unwrap_or(0);
    let running = usize::try_from(deployment.running).unwrap_or(0);
    let mut stopped = Vec::new();
    for task in alive.drain(wanted.min(alive.len())..) {
        task.last_status = "STOPPED".into();
        task.stopped = Some(at);
        task.exit_code = Some(143);
        task.stop =
            Some(("ServiceSchedulerInitiated".into(), format!("Scaling activity initiated by (deployment {by})")));
        stopped.push(format!("(task {})", task.id));
    }
    for task in alive.iter_mut().take(running).filter(|task| task.started.is_none()) {
        task.last_status = "RUNNING".into();
        task.started = Some(at);
    }
    let missing = wanted.saturating_sub(alive.len());
    let already = alive.len();
    let mut started = Vec::new();
    for nth in 0..missing {
        let mut task = begin(world, service, deployment, at);
        if already + nth < running {
            task.last_status = "RUNNING".into();
            task.started = Some(at);
        }
        started.push(format!("(task {})", task.id));
        world.ecs.tasks.push(task);
    }
    if !started.is_empty() {
        service.says(world, at, &format!("has started {} tasks: {}.", started.len(), started.join(" ")));
    }
    if !stopped.is_empty() {
        service.says(world, at, &format!("has stopped {} running tasks: {}.", stopped.len(), stopped.join(" ")));
    }
}

/// A task of the deployment starts and ends badly.
pub(super) fn fail(world: &mut World, service: &mut Service, deployment: &Deployment, trouble: &Trouble, at: f64) {
    let mut task = begin(world, service, deployment, at);
    task.last_status = "STOPPED".into();
    task.started = trouble.ran.then_some(at);
    task.stopped = Some(at);
    task.stop = Some((trouble.stop_code.clone(), trouble.stopped_reason.clone()));
    task.exit_code = trouble.exit_code;
    task.container_reason.clone_from(&trouble.container_reason);
    let id = task.id.clone();
    if trouble.ran {
        logs::write(world, &task, &trouble.log, at);
    }
    elbv2::notice(world, &task, trouble);
    world.ecs.tasks.push(task);
    service.says(world, at, &format!("has started 1 tasks: (task {id})."));
    let balancers = service.settings.get("loadBalancers").and_then(Value::as_array);
    if let (Some((_, found)), Some(group)) = (&trouble.target, balancers.and_then(|balancers| balancers.first())) {
        let group = text(group, "targetGroupArn").unwrap_or_default().to_owned();
        service.says(
            world,
            at,
            &format!("(task {id}) (port 8080) is unhealthy in (target-group {group}) due to (reason {found})."),
        );
    }
}

pub(super) fn list_them(world: &mut World, input: &Value) -> Answered {
    let cluster = cluster(world, input)?;
    let started_by = text(input, "startedBy");
    if started_by.is_some() && ["serviceName", "family", "containerInstance"].iter().any(|key| input.get(key).is_some())
    {
        return Err(Refusal::invalid("startedBy cannot be combined with other filters."));
    }
    let service = text(input, "serviceName").map(|named| named.rsplit('/').next().unwrap_or(named));
    if let Some(name) = service
        && super::find(world, &cluster, name).is_none()
    {
        return Err(Refusal::new("ServiceNotFoundException", "Service not found."));
    }
    let stopped = text(input, "desiredStatus") == Some("STOPPED");
    let wanted = |task: &&Task| {
        task.cluster == cluster
            && task.stopped.is_some() == stopped
            && service.is_none_or(|name| task.group == format!("service:{name}"))
            && started_by.is_none_or(|by| task.started_by == by)
            && text(input, "family")
                .is_none_or(|family| task.task_definition.contains(&format!("task-definition/{family}:")))
    };
    let arns = world.ecs.tasks.iter().rev().filter(wanted).map(|task| json!(arn(world, task))).collect();
    let (arns, next) = page(arns, input, 100)?;
    let mut answer = json!({"taskArns": arns});
    super::show::next_token(&mut answer, next);
    Ok(answer)
}

pub(super) fn describe(world: &World, input: &Value) -> Answered {
    let cluster = cluster(world, input)?;
    let asked = crate::sim::wire::texts(input, "tasks");
    if asked.is_empty() || asked.len() > 100 {
        return Err(Refusal::invalid("Tasks cannot be empty, and not more than 100."));
    }
    let (mut tasks, mut failures) = (Vec::new(), Vec::new());
    for named in asked {
        let id = named.rsplit('/').next().unwrap_or(&named);
        match world.ecs.tasks.iter().find(|task| task.id == id && task.cluster == cluster) {
            Some(task) => tasks.push(show(world, task, includes(input, "TAGS"))),
            None => {
                failures.push(json!({"arn": world.arn("ecs", &format!("task/{cluster}/{id}")), "reason": "MISSING"}));
            }
        }
    }
    Ok(json!({"tasks": tasks, "failures": failures}))
}

fn arn(world: &World, task: &Task) -> String {
    world.arn("ecs", &format!("task/{}/{}", task.cluster, task.id))
}

fn show(world: &World, task: &Task, tags: bool) -> Value {
    let arn = arn(world, task);
    let definition = super::task_definitions::find(world, &task.task_definition);
    let document = definition.map_or(Value::Null, |definition| definition.document.clone());
    let health = if task.last_status == "RUNNING" { "HEALTHY" } else { "UNKNOWN" };
    let containers: Vec<Value> =
        list(&task.images, "containers").iter().map(|image| container(world, task, image, &arn, health)).collect();
    let mut shown = json!({
        "taskArn": arn, "clusterArn": world.arn("ecs", &format!("cluster/{}", task.cluster)),
        "taskDefinitionArn": task.task_definition, "group": task.group, "startedBy": task.started_by,
        "lastStatus": task.last_status, "desiredStatus": if task.stopped.is_some() { "STOPPED" } else { "RUNNING" },
        "launchType": "FARGATE", "platformFamily": "Linux", "platformVersion": "1.4.0", "connectivity": "CONNECTED",
        "cpu": document.get("cpu").cloned().unwrap_or_else(|| json!("256")),
        "memory": document.get("memory").cloned().unwrap_or_else(|| json!("512")),
        "availabilityZone": format!("{}a", world.region), "createdAt": task.created, "version": 3,
        "healthStatus": health, "containers": containers, "attachments": [interface(task)], "attributes": [],
        "overrides": {"containerOverrides": [], "inferenceAcceleratorOverrides": []}, "enableExecuteCommand": false,
    });
    if let Some(shown) = shown.as_object_mut() {
        if let Some(started) = task.started {
            shown.insert("startedAt".into(), started.into());
            shown.insert("pullStartedAt".into(), task.created.into());
            shown.insert("pullStoppedAt".into(), started.into());
        }
        if let Some(stopped) = task.stopped {
            shown.insert("stoppingAt".into(), stopped.into());
            shown.insert("stoppedAt".into(), stopped.into());
            shown.insert("executionStoppedAt".into(), stopped.into());
        }
        if let Some((code, reason)) = &task.stop {
            shown.insert("stopCode".into(), code.clone().into());
            shown.insert("stoppedReason".into(), reason.clone().into());
        }
        if tags {
            shown.insert("tags".into(), json!([]));
        }
    }
    shown
}

/// The id of the attachment of a task's network interface.
fn attachment(task: &Task) -> String {
    format!("eni-attach-{}", task.id.get(..12).unwrap_or(&task.id))
}

fn interface(task: &Task) -> Value {
    json!({
        "id": attachment(task), "type": "ElasticNetworkInterface",
        "status": if task.stopped.is_some() { "DELETED" } else { "ATTACHED" },
        "details": [{"name": "privateIPv4Address", "value": elbv2::address(&task.id)}],
    })
}

fn container(world: &World, task: &Task, image: &Value, arn: &str, health: &str) -> Value {
    let id = task.id.get(..12).unwrap_or(&task.id);
    let mut container = json!({
        "containerArn": world.arn("ecs", &format!("container/{}/{}/{id}", task.cluster, task.id)),
        "taskArn": arn, "name": text(image, "containerName"), "image": text(image, "image"),
        "lastStatus": task.last_status, "networkBindings": [], "networkInterfaces": [{"attachmentId": attachment(task), "privateIpv4Address": elbv2::address(&task.id)}], "healthStatus": health, "cpu": "0",
    });
    if let Some(container) = container.as_object_mut() {
        if let Some(digest) = text(image, "imageDigest").filter(|_| task.started.is_some()) {
            container.insert("imageDigest".into(), digest.into());
            container.insert("runtimeId".into(), format!("{}-{id}", task.id).into());
        }
        if let Some(code) = task.exit_code {
            container.insert("exitCode".into(), code.into());
        }
        if let Some(reason) = &task.container_reason {
            container.insert("reason".into(), reason.clone().into());
        }
    }
    container
}
