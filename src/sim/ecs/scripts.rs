//! What the script of a deployment does in one tick.

use serde_json::{Value, json};

use super::endings::{Ending, Way, complete, early, fall, others, request};
use super::schedule::{count, put};
use super::{Deployment, Place, Service, people, stages, tasks};
use crate::sim::rollout::{Rollout, Trouble, WayBack};
use crate::sim::world::World;

const IMPAIRED: &str = "is unable to consistently start tasks successfully. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide.";

/// The script of a deployment, one tick further.
pub(super) fn roll(world: &mut World, service: &mut Service, index: usize, mut deployment: Deployment, at: f64) {
    let age = deployment.age;
    let script = deployment.rollout.clone();
    let gone = matches!(script, Rollout::Deleted { .. } | Rollout::ClusterGone { .. });
    if service.desired == 0 && !gone && !matches!(script, Rollout::Superseded { .. } | Rollout::Refreshed { .. }) {
        return complete(world, service, index, deployment, at);
    }
    if event(world, service, index, &deployment, at) {
        return;
    }
    let staged = deployment.stage.is_some() || !deployment.course.is_empty();
    if staged && !stages::scaling(&deployment) {
        return come_up(world, service, index, deployment, (1, 2), at);
    }
    match script {
        Rollout::Succeed { after } if age >= after && !staged => stages::bake(world, service, index, deployment, at),
        Rollout::Drain { after, .. } if age >= after && !staged => complete(world, service, index, deployment, at),
        Rollout::Drain { healthy, .. } => {
            come_up(world, service, index, deployment, (age.min(healthy), healthy), at);
            if age >= healthy && !staged {
                drain(world, service, index, at);
            }
        }
        Rollout::Stall { running } | Rollout::Blocked { running, .. } => {
            deployment.running = running.min(service.desired);
            deployment.pending = service.desired - deployment.running;
            if let Rollout::Blocked { event, .. } = &script {
                service.says_once(world, at, event);
            }
            count(world, service, index, &deployment, at);
        }
        Rollout::CrashLoop { trouble } => {
            crash(world, service, index, &mut deployment, &trouble, at);
            if deployment.failed % 4 == 3 {
                service.says(world, at, IMPAIRED);
            }
        }
        Rollout::CircuitBreaker { failures, rollback, trouble } => {
            trip(world, service, index, deployment, (failures, &trouble, Way::back_if(rollback)), at);
        }
        Rollout::RollbackFailed { failures, trouble } => {
            let way = Way::Back(Some(WayBack::Fails));
            trip(world, service, index, deployment, (failures, &trouble, way), at);
        }
        Rollout::RollbackStalls { failures, trouble } => {
            let way = Way::Back(Some(WayBack::Stalls));
            trip(world, service, index, deployment, (failures, &trouble, way), at);
        }
        Rollout::Flapping { troubles } => flap(world, service, index, deployment, &troubles, at),
        Rollout::EarlySuccess { after, lingering } if age >= after => {
            early(world, service, index, deployment, lingering, at);
        }
        Rollout::Slow { every } => {
            let all = every.max(1) * u32::try_from(service.desired).unwrap_or(1);
            if age > all && !staged {
                return complete(world, service, index, deployment, at);
            }
            come_up(world, service, index, deployment, (age.min(all), all), at);
        }
        Rollout::Interrupted { after, .. } if age >= after && !staged => {
            complete(world, service, index, deployment, at);
        }
        Rollout::Interrupted { after, stops } => {
            come_up(world, service, index, deployment.clone(), (age, after), at);
            let stop = usize::try_from(age).ok().and_then(|age| stops.get(age.saturating_sub(1)));
            if let Some(trouble) = stop {
                tasks::strike(world, service, &deployment, trouble, at);
            }
        }
        Rollout::Succeed { after }
        | Rollout::EarlySuccess { after, .. }
        | Rollout::Alarm { after, .. }
        | Rollout::RolledBack { after, .. } => come_up(world, service, index, deployment, (age, after), at),
        Rollout::ManualRollback { after }
        | Rollout::Superseded { after }
        | Rollout::Refreshed { after }
        | Rollout::Deleted { after }
        | Rollout::ClusterGone { after } => come_up(world, service, index, deployment, (age, after + 2), at),
    }
}

/// What happens to a deployment at an age, wherever it stands; tells whether it did.
fn event(world: &mut World, service: &mut Service, index: usize, deployment: &Deployment, at: f64) -> bool {
    let age = deployment.age;
    match deployment.rollout.clone() {
        Rollout::Alarm { after, rollback, name } if age >= after => {
            let mut deployment = deployment.clone();
            deployment.alarms = Some(triggered(&deployment, &name));
            fall(world, service, index, deployment, &Ending::alarm(&name), Way::back_if(rollback), at);
        }
        Rollout::RolledBack { after, because } if age >= after => {
            fall(world, service, index, deployment.clone(), &Ending::because(&because), Way::Back(None), at);
        }
        Rollout::ManualRollback { after } if age >= after => request(service, index, deployment.clone()),
        Rollout::Superseded { after } if age >= after => people::rival(world, service, None, at),
        Rollout::Refreshed { after } if age >= after => people::refresh(world, service, None, at),
        Rollout::Deleted { after } | Rollout::ClusterGone { after } if age > after => {
            people::delete(service);
            if matches!(deployment.rollout, Rollout::ClusterGone { .. }) {
                world.ecs.clusters.retain(|cluster| cluster.name != service.cluster);
            }
        }
        Rollout::Deleted { after } | Rollout::ClusterGone { after } if age == after => {
            (service.status, service.desired) = ("DRAINING".into(), 0);
        }
        _ => return false,
    }
    true
}

fn triggered(deployment: &Deployment, name: &str) -> Value {
    let watched = deployment.alarms.as_ref().and_then(|alarms| alarms.get("alarmNames")).cloned();
    let watched = watched.filter(|names| names.as_array().is_some_and(|names| names.iter().any(|one| one == name)));
    json!({"status": "TRIGGERED", "alarmNames": watched.unwrap_or_else(|| json!([name])), "triggeredAlarmNames": [name]})
}

/// `done` of `all` steps: that share of the tasks runs, the others are coming up.
fn come_up(
    world: &mut World,
    service: &mut Service,
    index: usize,
    mut deployment: Deployment,
    (done, all): (u32, u32),
    at: f64,
) {
    if deployment.stage.is_some() || !deployment.course.is_empty() {
        let scale = match deployment.rollout {
            Rollout::Succeed { after } => after,
            Rollout::Slow { .. } => all,
            _ => all.min(2),
        };
        return stages::walk(world, service, index, deployment, scale, at);
    }
    deployment.running = service.desired * i64::from(done.min(all)) / i64::from(all.max(1));
    deployment.pending = service.desired - deployment.running;
    if service.is_daemon() {
        replace(world, service, index, &deployment, at);
    }
    let early_at = early_percent(&deployment).map(|percent| (service.desired * percent + 99) / 100);
    if early_at.is_some_and(|enough| deployment.running > 0 && deployment.running >= enough) {
        return early(world, service, index, deployment, LINGERING, at);
    }
    count(world, service, index, &deployment, at);
}

/// Ticks for which old tasks run on after an early success by the service's own settings.
const LINGERING: u32 = 8;

fn early_percent(deployment: &Deployment) -> Option<i64> {
    let criteria = deployment.configuration.get("earlySuccessCriteria")?;
    let deferred = criteria.get("sourceServiceRevisionCleanup").and_then(Value::as_str) == Some("DEFERRED");
    let on = criteria.get("enable").and_then(Value::as_bool) == Some(true);
    criteria.get("healthyPercent").and_then(Value::as_i64).filter(|_| on && deferred)
}

/// On each instance of a DAEMON service the old task stops before the new one starts.
fn replace(world: &mut World, service: &mut Service, index: usize, deployment: &Deployment, at: f64) {
    for other in others(service, index) {
        let Some(mut old) = service.deployments.get(other).cloned() else { continue };
        old.running = old.running.min(service.desired - deployment.running - 1).max(0);
        tasks::follow(world, service, &old, &deployment.ecs_id(), at);
        put(service, other, &old);
    }
}

/// The old tasks only finish what they have: they count as running, and nobody wants them any more.
fn drain(world: &mut World, service: &mut Service, index: usize, at: f64) {
    for other in others(service, index) {
        let Some(mut old) = service.deployments.get(other).cloned().filter(|old| !old.draining) else { continue };
        old.draining = true;
        tasks::drain(world, service, &old, at);
        put(service, other, &old);
    }
}

fn trip(
    world: &mut World,
    service: &mut Service,
    index: usize,
    mut deployment: Deployment,
    (failures, trouble, way): (u32, &Trouble, Way),
    at: f64,
) {
    crash(world, service, index, &mut deployment, trouble, at);
    if deployment.failed >= i64::from(failures) {
        fall(world, service, index, deployment, &Ending::breaker(), way, at);
    }
}

fn crash(
    world: &mut World,
    service: &mut Service,
    index: usize,
    deployment: &mut Deployment,
    trouble: &Trouble,
    at: f64,
) {
    (deployment.running, deployment.pending) = (0, 1);
    failed(deployment, deployment.failed + 1);
    tasks::fail(world, service, deployment, trouble, at);
    put(service, index, deployment);
}

/// So many failures so far, also as the circuit breaker counts them.
fn failed(deployment: &mut Deployment, failures: i64) {
    deployment.failed = failures;
    if let Some(breaker) = deployment.breaker.as_object_mut().filter(|breaker| breaker.contains_key("failureCount")) {
        breaker.insert("failureCount".into(), failures.into());
    }
}

/// One tick a task is healthy, the next it ends. A healthy task makes the breaker forget, unless it is told not to:
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentCircuitBreaker.html>
fn flap(
    world: &mut World,
    service: &mut Service,
    index: usize,
    mut deployment: Deployment,
    troubles: &[Trouble],
    at: f64,
) {
    let settings = deployment.configuration.get("deploymentCircuitBreaker").cloned().unwrap_or_default();
    let on = |key: &str, usual: bool| settings.get(key).and_then(Value::as_bool).unwrap_or(usual);
    if deployment.age % 2 == 1 {
        if on("resetOnHealthyTask", true) {
            failed(&mut deployment, 0);
        }
        (deployment.running, deployment.pending) = (1.min(service.desired), (service.desired - 1).max(0));
        return count(world, service, index, &deployment, at);
    }
    let turn = usize::try_from(deployment.age / 2 - 1).unwrap_or(0);
    if let Some(trouble) = troubles.get(turn % troubles.len().max(1)) {
        let failures = deployment.failed + 1;
        failed(&mut deployment, failures);
        (deployment.running, deployment.pending) = (0, service.desired);
        tasks::strike(world, service, &deployment, trouble, at);
    }
    let threshold = deployment.breaker.get("threshold").and_then(Value::as_i64).filter(|_| on("enable", false));
    if threshold.is_some_and(|threshold| deployment.failed >= threshold) {
        let way = Way::back_if(on("rollback", false));
        return fall(world, service, index, deployment, &Ending::breaker(), way, at);
    }
    if turn % 3 == 2 {
        service.says(world, at, IMPAIRED);
    }
    count(world, service, index, &deployment, at);
}

/// The deployment that is PRIMARY.
pub(super) fn primary(service: &Service) -> Option<usize> {
    service.deployments.iter().rposition(|other| other.place == Place::Primary)
}
