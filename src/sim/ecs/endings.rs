//! Every ending of a deployment, in both of its shapes: ECS's `Deployment` and the service deployment.

use serde_json::json;

use super::schedule::{count, put};
use super::{Deployment, Phase, Place, Service, show, tasks};
use crate::sim::world::World;

/// Ticks after which a rollback is through.
const WAY_BACK: u32 = 2;

pub(super) fn complete(world: &mut World, service: &mut Service, index: usize, mut deployment: Deployment, at: f64) {
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

/// Completes the newest deployment at once: how a service comes on stage.
pub(super) fn finish(world: &mut World, service: &mut Service, at: f64) {
    let index = service.deployments.len().saturating_sub(1);
    if let Some(deployment) = service.deployments.get(index).cloned() {
        complete(world, service, index, deployment, at);
    }
}

/// Every other deployment leaves the list, and its tasks end.
fn clear(world: &mut World, service: &mut Service, keep: usize, by: &str, at: f64) {
    for index in 0..service.deployments.len() {
        let Some(mut other) =
            service.deployments.get(index).cloned().filter(|other| index != keep && other.place != Place::Gone)
        else {
            continue;
        };
        (other.running, other.pending, other.place) = (0, 0, Place::Gone);
        tasks::follow(world, service, &other, by, at);
        put(service, index, &other);
    }
}

/// Why a deployment fails, in the words of each place where it shows.
pub(super) struct Ending {
    state: String,
    event: String,
    status: String,
}

impl Ending {
    pub(super) fn breaker() -> Self {
        Self {
            state: "ECS deployment circuit breaker: tasks failed to start.".into(),
            event: "tasks failed to start.".into(),
            status: "Service deployment rolled back because the circuit breaker threshold was exceeded.".into(),
        }
    }

    /// The words for alarms are not documented: these follow the breaker's.
    pub(super) fn alarm(name: &str) -> Self {
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

/// Where a failed deployment leaves its service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// It stays PRIMARY, beside the old one.
    Stays,
    /// The service goes back to the newest completed deployment.
    Back,
    /// It goes back, and that fails too.
    BackAndFails,
}

impl Way {
    /// The way the service's settings ask for.
    pub(super) fn back_if(rollback: bool) -> Self {
        if rollback { Self::Back } else { Self::Stays }
    }
}

/// A deployment has failed: it stays, or the service goes back.
pub(super) fn fall(
    world: &mut World,
    service: &mut Service,
    index: usize,
    mut deployment: Deployment,
    ending: &Ending,
    way: Way,
    at: f64,
) {
    deployment.rollout_state = "FAILED".into();
    deployment.rollout_reason.clone_from(&ending.state);
    deployment.pending = 0;
    if let Some(breaker) =
        deployment.breaker.as_object_mut().filter(|_| deployment.alarms.is_none() && deployment.failed > 0)
    {
        breaker.insert("status".into(), "TRIGGERED".into());
    }
    service.says(world, at, &format!("(deployment {}) deployment failed: {}", deployment.ecs_id(), ending.event));
    if way == Way::Stays {
        deployment.status = "STOP_REQUESTED".into();
        deployment.phase = Phase::Stopping { age: 0, stays: true };
        return put(service, index, &deployment);
    }
    // The way back leads to the newest deployment that was completed.
    let target = (0..index)
        .rev()
        .find(|before| service.deployments.get(*before).is_some_and(|before| before.status == "SUCCESSFUL"));
    let Some((target, mut back)) = target.and_then(|target| Some((target, service.deployments.get(target)?.clone())))
    else {
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
        "serviceRevisionArn": show::revision_arn(world, service, &back.digits),
    }));
    (deployment.place, deployment.phase) =
        (Place::Active, Phase::GoingBack { age: 0, fails: way == Way::BackAndFails });
    back.place = Place::Primary;
    back.rollout_state = "IN_PROGRESS".into();
    back.rollout_reason = format!("ECS deployment circuit breaker: rolling back to deploymentId {}.", back.ecs_id());
    back.updated = at;
    put(service, target, &back);
    put(service, index, &deployment);
}

pub(super) fn go_back(
    world: &mut World,
    service: &mut Service,
    index: usize,
    mut deployment: Deployment,
    (age, fails): (u32, bool),
    at: f64,
) {
    deployment.phase = Phase::GoingBack { age, fails };
    deployment.status = "ROLLBACK_IN_PROGRESS".into();
    let primary = service.deployments.iter().rposition(|other| other.place == Place::Primary);
    let Some((target, mut back)) = primary.and_then(|target| Some((target, service.deployments.get(target)?.clone())))
    else {
        return;
    };
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

pub(super) fn wind_down(
    world: &mut World,
    service: &mut Service,
    index: usize,
    mut deployment: Deployment,
    (age, stays): (u32, bool),
    at: f64,
) {
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
        fall(world, service, index, deployment, &Ending::person(), Way::Back, at);
    }
    // It is only asked for so far: the next tick begins it.
    if let Some(deployment) =
        service.deployments.get_mut(index).filter(|deployment| deployment.status == "ROLLBACK_IN_PROGRESS")
    {
        deployment.status = "ROLLBACK_REQUESTED".into();
    }
}
