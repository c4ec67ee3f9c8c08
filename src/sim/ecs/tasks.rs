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
        failed_container: None,
        ill: false,
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
    // It began after the tick before, and ran for half of the time since.
    task.created = service.ticked.max(deployment.created).min(at);
    task.started = trouble.ran.then_some(f64::midpoint(task.created, at));
    end(&mut task, trouble, at);
    service.says(world, at, &format!("has started 1 tasks: (task {}).", task.id));
    leave(world, service, &task, trouble, at);
    world.ecs.tasks.push(task);
}

/// A task of the deployment that runs ends so; a new one where none runs.
pub(super) fn strike(world: &mut World, service: &mut Service, deployment: &Deployment, trouble: &Trouble, at: f64) {
    let ours = deployment.ecs_id();
    let running = |task: &&mut Task| task.started_by == ours && task.stopped.is_none() && task.started.is_some();
    let Some(task) = world.ecs.tasks.iter_mut().find(running) else {
        return fail(world, service, deployment, trouble, at);
    };
    end(task, trouble, at);
    let task = task.clone();
    leave(world, service, &task, trouble, at);
}

fn end(task: &mut Task, trouble: &Trouble, at: f64) {
    task.last_status = "STOPPED".into();
    task.stopped = Some(at);
    task.stop = Some((trouble.stop_code.clone(), trouble.stopped_reason.clone()));
    task.exit_code = trouble.exit_code;
    task.container_reason.clone_from(&trouble.container_reason);
    task.failed_container.clone_from(&trouble.container);
    task.ill = trouble.ill;
}

/// What a task that ended badly leaves behind: log lines, a target the load balancer found unhealthy, events.
fn leave(world: &mut World, service: &mut Service, task: &Task, trouble: &Trouble, at: f64) {
    if trouble.ran {
        logs::write(world, task, &trouble.log, at);
    }
    elbv2::notice(world, task, trouble);
    let balancers = service.settings.get("loadBalancers").and_then(Value::as_array);
    if let (Some((_, found)), Some(group)) = (&trouble.target, balancers.and_then(|balancers| balancers.first())) {
        let group = text(group, "targetGroupArn").unwrap_or_default().to_owned();
        let id = &task.id;
        service.says(
            world,
            at,
            &format!("(task {id}) (port 8080) is unhealthy in (target-group {group}) due to (reason {found})."),
        );
    }
    if let Some(event) = &trouble.event {
        service.says(world, at, event);
    }
}

/// The running tasks of a deployment only finish what they have.
pub(super) fn drain(world: &mut World, service: &mut Service, deployment: &Deployment, at: f64) {
    let ours = deployment.ecs_id();
    let mut named = Vec::new();
    for task in world.ecs.tasks.iter_mut().filter(|task| task.started_by == ours && task.last_status == "RUNNING") {
        task.last_status = "DEACTIVATING".into();
        named.push(format!("(task {})", task.id));
    }
    if !named.is_empty() {
        service.says(world, at, &format!("has begun draining connections on {} tasks.", named.len()));
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
            && (task.wanted() == "STOPPED") == stopped
            && text(input, "launchType").is_none_or(|kind| kind == launch_type(world, task))
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
    let containers: Vec<Value> =
        list(&task.images, "containers").iter().map(|image| container(world, task, image, &arn, &document)).collect();
    let health = health(task, &containers);
    let launch_type = launch_type(world, task);
    let mut shown = json!({
        "taskArn": arn, "clusterArn": world.arn("ecs", &format!("cluster/{}", task.cluster)),
        "taskDefinitionArn": task.task_definition, "group": task.group, "startedBy": task.started_by,
        "lastStatus": task.last_status, "desiredStatus": task.wanted(),
        "launchType": launch_type, "connectivity": "CONNECTED",
        "cpu": document.get("cpu").cloned().unwrap_or_else(|| json!("256")),
        "memory": document.get("memory").cloned().unwrap_or_else(|| json!("512")),
        "availabilityZone": format!("{}a", world.region), "createdAt": task.created, "version": 3,
        "healthStatus": health, "containers": containers, "attachments": attachments(task, &document), "attributes": [],
        "overrides": {"containerOverrides": [], "inferenceAcceleratorOverrides": []}, "enableExecuteCommand": false,
    });
    if let Some(shown) = shown.as_object_mut() {
        if launch_type == "FARGATE" {
            shown.insert("platformFamily".into(), "Linux".into());
            shown.insert("platformVersion".into(), "1.4.0".into());
        }
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

/// Of the service it belongs to.
fn launch_type<'a>(world: &'a World, task: &Task) -> &'a str {
    let service = task.group.strip_prefix("service:");
    let service =
        world.ecs.services.iter().find(|known| known.cluster == task.cluster && Some(known.name.as_str()) == service);
    service.and_then(|service| service.settings.get("launchType")).and_then(Value::as_str).unwrap_or("FARGATE")
}

/// A task is as healthy as those of its containers that have a check.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Task.html>
fn health(task: &Task, containers: &[Value]) -> &'static str {
    let any = |status: &str| containers.iter().any(|container| text(container, "healthStatus") == Some(status));
    match (any("UNHEALTHY") || task.ill, any("HEALTHY")) {
        (true, _) => "UNHEALTHY",
        (_, true) => "HEALTHY",
        _ => "UNKNOWN",
    }
}

/// The network interface of a task, where its definition gives it one.
fn attachments(task: &Task, document: &Value) -> Value {
    if text(document, "networkMode") != Some("awsvpc") {
        return json!([]);
    }
    let details = [
        ("subnetId", "subnet-0aaa1111bbb22222c".to_owned()),
        ("networkInterfaceId", format!("eni-{}", task.id.get(..17).unwrap_or(&task.id))),
        ("macAddress", "0a:58:a9:fe:ac:02".to_owned()),
        ("privateIPv4Address", elbv2::address(&task.id)),
    ];
    let details: Vec<Value> = details.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
    let status = if task.stopped.is_some() { "DELETED" } else { "ATTACHED" };
    json!([{"id": attachment_id(task), "type": "ElasticNetworkInterface", "status": status, "details": details}])
}

fn attachment_id(task: &Task) -> String {
    let part = |from: usize, to: usize| task.id.get(from..to).unwrap_or("0");
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}

fn container(world: &World, task: &Task, image: &Value, arn: &str, document: &Value) -> Value {
    let name = text(image, "containerName").unwrap_or_default();
    let own: u32 = name.bytes().map(u32::from).sum();
    let id = format!("{}{own:04x}", task.id.get(..12).unwrap_or(&task.id));
    let defined = list(document, "containerDefinitions");
    let essential = defined.iter().find(|one| one.get("essential") != Some(&Value::Bool(false)));
    let culprit = task.failed_container.as_deref().or(essential.and_then(|one| text(one, "name")));
    let failed = culprit == Some(name);
    let checked = defined.iter().any(|one| text(one, "name") == Some(name) && one.get("healthCheck").is_some());
    let health = match checked {
        _ if failed && task.ill => "UNHEALTHY",
        true if ["RUNNING", "DEACTIVATING"].contains(&task.last_status.as_str()) => "HEALTHY",
        _ => "UNKNOWN",
    };
    let interfaces = match text(document, "networkMode") {
        Some("awsvpc") => {
            json!([{"attachmentId": attachment_id(task), "privateIpv4Address": elbv2::address(&task.id)}])
        }
        _ => json!([]),
    };
    let mut container = json!({
        "containerArn": world.arn("ecs", &format!("container/{}/{}/{id}", task.cluster, task.id)),
        "taskArn": arn, "name": name, "image": text(image, "image"), "lastStatus": task.last_status,
        "networkBindings": [], "networkInterfaces": interfaces, "healthStatus": health, "cpu": "0",
    });
    if let Some(container) = container.as_object_mut() {
        if let Some(digest) = text(image, "imageDigest").filter(|_| task.started.is_some()) {
            container.insert("imageDigest".into(), digest.into());
        }
        if task.started.is_some() {
            container.insert("runtimeId".into(), format!("{}-{id}", task.id).into());
        }
        // When one container ends, the others are told to stop.
        let told = task.exit_code.and(task.started).map(|_| 143);
        if let Some(code) = if failed { task.exit_code } else { told } {
            container.insert("exitCode".into(), code.into());
        }
        if let Some(reason) = task.container_reason.as_ref().filter(|_| failed) {
            container.insert("reason".into(), reason.clone().into());
        }
    }
    container
}
