//! The scheduler: what one tick does to a service. Every ending of a rollout is written here, in both of its shapes.

use serde_json::{Value, json};

use super::{Deployment, Phase, Place, Service, task_definitions, tasks, with_service};
use crate::sim::clock::Clock;
use crate::sim::ecr::Image;
use crate::sim::rollout::{Rollout, Trouble};
use crate::sim::wire::{list, text};
use crate::sim::world::World;

/// Ticks after which a rollback is through.
const WAY_BACK: u32 = 2;
/// The most ticks the wall clock catches up on at once.
const MOST_TICKS: u32 = 10_000;

/// Lets time pass before a service is looked at: one tick a read, or as many as the clock says.
pub(super) fn pass(world: &mut World, at: usize, read: bool) {
    with_service(world, at, |world, service| {
        let Clock::Wall(tick) = world.clock else {
            if read {
                let now = world.now();
                step(world, service, now);
            }
            return;
        };
        let tick = tick.as_secs_f64().max(0.001);
        for _ in 0..MOST_TICKS {
            let next = service.ticking_since + tick;
            if next > world.now() {
                return;
            }
            service.ticking_since = next;
            if !service.deployments.iter().any(moving) && service.autoscaling.is_empty() {
                service.ticking_since = world.now();
                return;
            }
            step(world, service, next);
        }
    });
}

fn moving(deployment: &Deployment) -> bool {
    deployment.phase != Phase::Ended
}

/// One tick of a service.
fn step(world: &mut World, service: &mut Service, at: f64) {
    service.ticks += 1;
    autoscale(world, service, at);
    for index in 0..service.deployments.len() {
        let Some(mut deployment) = service.deployments.get(index).cloned() else { continue };
        if !moving(&deployment) {
            continue;
        }
        deployment.age += 1;
        deployment.updated = at;
        put(service, index, &deployment);
        match deployment.phase {
            Phase::Rolling => roll(world, service, index, deployment, at),
            Phase::GoingBack { age, fails } => go_back(world, service, index, deployment, (age + 1, fails), at),
            Phase::Stopping { age, stays } => wind_down(world, service, index, deployment, (age + 1, stays), at),
            Phase::Ended => {}
        }
    }
}

fn put(service: &mut Service, index: usize, deployment: &Deployment) {
    if let Some(slot) = service.deployments.get_mut(index) {
        slot.clone_from(deployment);
    }
}

fn autoscale(world: &mut World, service: &mut Service, at: f64) {
    let due = service.autoscaling.iter().position(|(tick, _)| *tick <= service.ticks);
    let Some((_, desired)) = due.map(|due| service.autoscaling.remove(due)) else { return };
    resize(world, service, desired, at);
}

/// Another desired count: a steady service follows at once, a rollout on its next tick.
pub(super) fn resize(world: &mut World, service: &mut Service, desired: i64, at: f64) {
    service.desired = desired;
    let Some(index) = service.deployments.iter().rposition(|deployment| deployment.place == Place::Primary) else { return };
    let Some(mut primary) = service.deployments.get(index).cloned().filter(|primary| primary.phase == Phase::Ended) else { return };
    primary.running = desired;
    tasks::follow(world, service, &primary, &primary.ecs_id(), at);
    put(service, index, &primary);
}

/// The script of a deployment, one tick further.
fn roll(world: &mut World, service: &mut Service, index: usize, mut deployment: Deployment, at: f64) {
    let age = deployment.age;
    if service.desired == 0 && !matches!(deployment.rollout, Rollout::Superseded { .. } | Rollout::Deleted { .. }) {
        return complete(world, service, index, deployment, at);
    }
    match deployment.rollout.clone() {
        Rollout::Succeed { after } if age >= after => complete(world, service, index, deployment, at),
        Rollout::Succeed { after } => come_up(world, service, index, deployment, (age, after), at),
        Rollout::Drain { after, .. } if age >= after => complete(world, service, index, deployment, at),
        Rollout::Drain { healthy, .. } => come_up(world, service, index, deployment, (age.min(healthy), healthy), at),
        Rollout::Stall { running } => {
            deployment.running = running.min(service.desired);
            deployment.pending = service.desired - deployment.running;
            count(world, service, index, &deployment, at);
        }
        Rollout::CrashLoop { trouble } => {
            crash(world, service, index, &mut deployment, &trouble, at);
            if deployment.failed % 4 == 3 {
                service.says(world, at, "is unable to consistently start tasks successfully. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide.");
            }
        }
        Rollout::CircuitBreaker { failures, rollback, trouble } => {
            crash(world, service, index, &mut deployment, &trouble, at);
            if deployment.failed >= i64::from(failures) {
                let ending = Ending::breaker();
                fall(world, service, index, deployment, &ending, rollback, false, at);
            }
        }
        Rollout::RollbackFailed { failures, trouble } => {
            crash(world, service, index, &mut deployment, &trouble, at);
            if deployment.failed >= i64::from(failures) {
                fall(world, service, index, deployment, &Ending::breaker(), true, true, at);
            }
        }
        Rollout::Alarm { after, rollback, name } if age >= after => {
            deployment.alarms = Some(json!({"status": "TRIGGERED", "alarmNames": [name], "triggeredAlarmNames": [name]}));
            fall(world, service, index, deployment, &Ending::alarm(&name), rollback, false, at);
        }
        Rollout::Alarm { after, .. } => come_up(world, service, index, deployment, (age, after), at),
        Rollout::ManualRollback { after } if age >= after => stop(world, service, index, at),
        Rollout::Superseded { after } if age >= after => rival(world, service, &deployment, at),
        Rollout::ManualRollback { after } | Rollout::Superseded { after } => {
            come_up(world, service, index, deployment, (age, after + 2), at);
        }
        Rollout::Deleted { after } => {
            if age == after {
                service.status = "DRAINING".into();
                service.desired = 0;
            } else if age > after {
                service.status = "INACTIVE".into();
                for gone in &mut service.deployments {
                    (gone.place, gone.phase) = (Place::Gone, Phase::Ended);
                }
            }
        }
    }
}

/// Keeps a deployment's counts and lets its tasks follow.
fn count(world: &mut World, service: &mut Service, index: usize, deployment: &Deployment, at: f64) {
    tasks::follow(world, service, deployment, &deployment.ecs_id(), at);
    put(service, index, deployment);
}

/// Completes the newest deployment at once: how a service comes on stage.
pub(super) fn finish(world: &mut World, service: &mut Service, at: f64) {
    let index = service.deployments.len().saturating_sub(1);
    if let Some(deployment) = service.deployments.get(index).cloned() {
        complete(world, service, index, deployment, at);
    }
}

/// `done` of `all` steps: that share of the tasks runs, the others are coming up.
fn come_up(world: &mut World, service: &mut Service, index: usize, mut deployment: Deployment, (done, all): (u32, u32), at: f64) {
    deployment.running = service.desired * i64::from(done) / i64::from(all.max(1));
    deployment.pending = service.desired - deployment.running;
    count(world, service, index, &deployment, at);
}

fn crash(world: &mut World, service: &mut Service, index: usize, deployment: &mut Deployment, trouble: &Trouble, at: f64) {
    deployment.failed += 1;
    (deployment.running, deployment.pending) = (0, 1);
    if let Some(breaker) = deployment.breaker.as_object_mut().filter(|breaker| breaker.contains_key("failureCount")) {
        breaker.insert("failureCount".into(), deployment.failed.into());
    }
    tasks::fail(world, service, deployment, trouble, at);
    put(service, index, deployment);
}

fn complete(world: &mut World, service: &mut Service, index: usize, mut deployment: Deployment, at: f64) {
    (deployment.running, deployment.pending, deployment.failed) = (service.desired, 0, 0);
    deployment.rollout_state = "COMPLETED".into();
    deployment.rollout_reason = format!("ECS deployment {} completed.", deployment.ecs_id());
    deployment.status = "SUCCESSFUL".into();
    deployment.stage = None;
    (deployment.finished, deployment.phase) = (Some(at), Phase::Ended);
    if let Some(breaker) = deployment.breaker.as_object_mut().filter(|breaker| breaker.contains_key("failureCount")) {
        breaker.insert("status".into(), "MONITORING_COMPLETE".into());
    }
    count(world, service, index, &deployment, at);
    clear(world, service, index, &deployment.ecs_id(), at);
    service.says(world, at, &format!("(deployment {}) deployment completed.", deployment.ecs_id()));
    service.says(world, at, "has reached a steady state.");
}

/// Every other deployment leaves the list, and its tasks end.
fn clear(world: &mut World, service: &mut Service, keep: usize, by: &str, at: f64) {
    for index in 0..service.deployments.len() {
        let Some(mut other) = service.deployments.get(index).cloned().filter(|other| index != keep && other.place != Place::Gone) else { continue };
        (other.running, other.pending, other.place) = (0, 0, Place::Gone);
        tasks::follow(world, service, &other, by, at);
        put(service, index, &other);
    }
}

/// Why a deployment fails, in the words of each place where it shows.
struct Ending {
    state: String,
    event: String,
    status: String,
}

impl Ending {
    fn breaker() -> Self {
        Self {
            state: "ECS deployment circuit breaker: tasks failed to start.".into(),
            event: "tasks failed to start.".into(),
            status: "Service deployment rolled back because the circuit breaker threshold was exceeded.".into(),
        }
    }

    /// The words for alarms are not documented: these follow the breaker's.
    fn alarm(name: &str) -> Self {
        Self {
            state: "ECS deployment alarm: alarm detected.".into(),
            event: "alarm detected.".into(),
            status: format!("Service deployment rolled back because alarm(s) {name} were detected."),
        }
    }

    fn person() -> Self {
        Self {
            state: "ECS deployment rolled back by request.".into(),
            event: "rollback requested.".into(),
            status: "Service deployment rolled back because of a user request.".into(),
        }
    }
}

/// A deployment has failed: it stays, or the service goes back.
#[expect(clippy::too_many_arguments, reason = "one place for the whole of a failure")]
fn fall(world: &mut World, service: &mut Service, index: usize, mut deployment: Deployment, ending: &Ending, rollback: bool, fails: bool, at: f64) {
    deployment.rollout_state = "FAILED".into();
    deployment.rollout_reason.clone_from(&ending.state);
    deployment.pending = 0;
    if let Some(breaker) = deployment.breaker.as_object_mut().filter(|_| deployment.alarms.is_none() && deployment.failed > 0) {
        breaker.insert("status".into(), "TRIGGERED".into());
    }
    service.says(world, at, &format!("(deployment {}) deployment failed: {}", deployment.ecs_id(), ending.event));
    if !rollback {
        deployment.status = "STOP_REQUESTED".into();
        deployment.phase = Phase::Stopping { age: 0, stays: true };
        return put(service, index, &deployment);
    }
    // The way back leads to the newest deployment that was completed.
    let target = (0..index).rev().find(|before| service.deployments.get(*before).is_some_and(|before| before.status == "SUCCESSFUL"));
    let Some((target, mut back)) = target.and_then(|target| Some((target, service.deployments.get(target)?.clone()))) else {
        deployment.status = "ROLLBACK_FAILED".into();
        deployment.status_reason = Some("No rollback candidate was found to run the rollback.".into());
        (deployment.finished, deployment.phase) = (Some(at), Phase::Ended);
        return put(service, index, &deployment);
    };
    service.says(world, at, &format!("rolling back to deployment {}.", back.ecs_id()));
    deployment.status = "ROLLBACK_IN_PROGRESS".into();
    deployment.status_reason = Some(ending.status.clone());
    deployment.rollback = Some(json!({
        "reason": ending.status, "startedAt": at,
        "serviceRevisionArn": super::show::revision_arn(world, service, &back.digits),
    }));
    (deployment.place, deployment.phase) = (Place::Active, Phase::GoingBack { age: 0, fails });
    back.place = Place::Primary;
    back.rollout_state = "IN_PROGRESS".into();
    back.rollout_reason = format!("ECS deployment circuit breaker: rolling back to deploymentId {}.", back.ecs_id());
    back.updated = at;
    put(service, target, &back);
    put(service, index, &deployment);
}

fn go_back(world: &mut World, service: &mut Service, index: usize, mut deployment: Deployment, (age, fails): (u32, bool), at: f64) {
    deployment.phase = Phase::GoingBack { age, fails };
    deployment.status = "ROLLBACK_IN_PROGRESS".into();
    let primary = service.deployments.iter().rposition(|other| other.place == Place::Primary);
    let Some((target, mut back)) = primary.and_then(|target| Some((target, service.deployments.get(target)?.clone()))) else { return };
    if fails {
        // Tasks of the old revision do not come up any more either: the service is left with fewer than it wants.
        (back.running, back.pending, back.failed) = ((service.desired - 1).max(0), 1, i64::from(age));
        count(world, service, target, &back, at);
        if age >= WAY_BACK {
            deployment.status = "ROLLBACK_FAILED".into();
            (deployment.finished, deployment.phase, deployment.place) = (Some(at), Phase::Ended, Place::Gone);
            back.rollout_state = "FAILED".into();
            back.rollout_reason = Ending::breaker().state;
            put(service, target, &back);
        }
        return put(service, index, &deployment);
    }
    if age < WAY_BACK {
        return put(service, index, &deployment);
    }
    back.running = service.desired;
    back.rollout_state = "COMPLETED".into();
    back.rollout_reason = format!("ECS deployment {} completed.", back.ecs_id());
    deployment.status = "ROLLBACK_SUCCESSFUL".into();
    (deployment.finished, deployment.phase) = (Some(at), Phase::Ended);
    put(service, index, &deployment);
    count(world, service, target, &back, at);
    clear(world, service, target, &back.ecs_id(), at);
    service.says(world, at, &format!("(deployment {}) deployment completed.", back.ecs_id()));
    service.says(world, at, "has reached a steady state.");
}

fn wind_down(world: &mut World, service: &mut Service, index: usize, mut deployment: Deployment, (age, stays): (u32, bool), at: f64) {
    deployment.phase = Phase::Stopping { age, stays };
    if age == 1 {
        deployment.status = "STOPPED".into();
        (deployment.stopped, deployment.finished) = (Some(at), Some(at));
    }
    if stays {
        if age == 1 {
            deployment.phase = Phase::Ended;
        }
        return put(service, index, &deployment);
    }
    if age >= 2 {
        (deployment.place, deployment.phase) = (Place::Gone, Phase::Ended);
        (deployment.running, deployment.pending) = (0, 0);
    }
    count(world, service, index, &deployment, at);
}

/// Rolls a deployment back because a person, or a caller of `StopServiceDeployment`, wants it.
pub(super) fn stop(world: &mut World, service: &mut Service, index: usize, at: f64) {
    if let Some(deployment) = service.deployments.get(index).cloned() {
        fall(world, service, index, deployment, &Ending::person(), true, false, at);
    }
    // It is only asked for so far: the next tick begins it.
    if let Some(deployment) = service.deployments.get_mut(index).filter(|deployment| deployment.status == "ROLLBACK_IN_PROGRESS") {
        deployment.status = "ROLLBACK_REQUESTED".into();
    }
}

/// Somebody else deploys a revision of their own.
fn rival(world: &mut World, service: &mut Service, ours: &Deployment, at: f64) {
    let Some(known) = task_definitions::find(world, &ours.task_definition).cloned() else { return };
    let newest = world.ecs.definitions.iter().filter(|other| other.family == known.family).map(|other| other.revision).max();
    let mut document = known.document.clone();
    if let Some(document) = document.as_object_mut() {
        document.insert("registeredBy".into(), world.arn("iam", "user/somebody-else").into());
    }
    let stored = task_definitions::store(world, document, newest.unwrap_or(0) + 1, json!([]));
    begin(world, service, stored.arn(), Some(Rollout::Succeed { after: 3 }), at);
}

/// Starts a deployment of a task definition; a running one is superseded. Tells the new one's digits.
pub(in crate::sim) fn begin(world: &mut World, service: &mut Service, task_definition: &str, script: Option<Rollout>, at: f64) {
    let images = resolve(world, task_definition);
    let rollout = script.or_else(|| service.script.pop_front()).unwrap_or_else(|| deserved(service, &images));
    let before = service.primary().map(|before| before.digits.clone());
    for other in &mut service.deployments {
        if other.place == Place::Primary {
            other.place = Place::Active;
        }
        if other.phase == Phase::Rolling {
            other.phase = Phase::Stopping { age: 0, stays: false };
            other.status = "STOP_REQUESTED".into();
        }
    }
    let digits = world.dice.digits();
    service.deployments.push(Deployment {
        id: world.dice.letters(21),
        task_definition: task_definition.into(),
        source: before,
        place: Place::Primary,
        phase: Phase::Rolling,
        breaker: monitor(service, &rollout),
        alarms: None,
        rollout,
        age: 0,
        running: 0,
        pending: 0,
        failed: 0,
        rollout_state: "IN_PROGRESS".into(),
        rollout_reason: format!("ECS deployment ecs-svc/{digits} in progress."),
        status: "IN_PROGRESS".into(),
        status_reason: None,
        stage: None,
        rollback: None,
        configuration: service.settings.get("deploymentConfiguration").cloned().unwrap_or_else(|| json!({})),
        created: at,
        finished: None,
        stopped: None,
        updated: at,
        unlisted: service.lag.lists,
        images,
        digits,
    });
    service.ticking_since = at;
}

/// `deploymentCircuitBreaker` of a service deployment.
fn monitor(service: &Service, rollout: &Rollout) -> Value {
    let enabled = breaker(service).0;
    let threshold = match rollout {
        Rollout::CircuitBreaker { failures, .. } | Rollout::RollbackFailed { failures, .. } => *failures,
        Rollout::CrashLoop { .. } => return json!({"status": "DISABLED"}),
        _ if enabled => 3,
        _ => return json!({"status": "DISABLED"}),
    };
    json!({"status": "MONITORING", "failureCount": 0, "threshold": threshold})
}

fn breaker(service: &Service) -> (bool, bool) {
    let breaker = service.settings.get("deploymentConfiguration").and_then(|settings| settings.get("deploymentCircuitBreaker"));
    let on = |key: &str| breaker.and_then(|breaker| breaker.get(key)).and_then(Value::as_bool).unwrap_or(false);
    (on("enable"), on("rollback"))
}

/// How a deployment without a script goes: well, unless an image of this registry is not there.
fn deserved(service: &Service, images: &Value) -> Rollout {
    let missing = list(images, "containers").iter().find(|image| image.get("missing").is_some());
    let Some(image) = missing.and_then(|image| text(image, "image")) else { return Rollout::Succeed { after: 3 } };
    let trouble = Trouble::image_not_found(image);
    match breaker(service) {
        (true, rollback) => Rollout::CircuitBreaker { failures: 3, rollback, trouble },
        (false, _) => Rollout::CrashLoop { trouble },
    }
}

/// The containers of a definition with their images, and the digests of those in this account's registry.
pub(super) fn resolve(world: &World, task_definition: &str) -> Value {
    let document = task_definitions::find(world, task_definition).map_or(Value::Null, |known| known.document.clone());
    let registry = format!("{}.dkr.ecr.{}.amazonaws.com/", world.account, world.region);
    let containers: Vec<Value> = list(&document, "containerDefinitions")
        .iter()
        .map(|container| {
            let image = text(container, "image").unwrap_or_default();
            let mut shown = json!({"containerName": text(container, "name"), "image": image});
            if let (Some(ours), Some(shown)) = (image.strip_prefix(&registry), shown.as_object_mut()) {
                match look_up(world, ours) {
                    Some(found) => shown.insert("imageDigest".into(), found.digest.clone().into()),
                    None => shown.insert("missing".into(), true.into()),
                };
            }
            shown
        })
        .collect();
    json!({"containers": containers})
}

fn look_up<'a>(world: &'a World, reference: &str) -> Option<&'a Image> {
    let (name, digest) = reference.split_once('@').map_or((reference, None), |(name, digest)| (name, Some(digest)));
    let (name, tag) = name.split_once(':').map_or((name, "latest"), |(name, tag)| (name, tag));
    world.ecr.get(name)?.resolve(Some(tag), digest)
}
