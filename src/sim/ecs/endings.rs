//! Every ending of a deployment, in both of its shapes: ECS's `Deployment` and the service deployment.

use serde_json::json;

use super::schedule::{count, put};
use super::{Deployment, Phase, Place, Service, hooks, show, tasks};
use crate::sim::rollout::WayBack;
use crate::sim::world::World;

pub(super) fn complete(world: &mut World, service: &mut Service, index: usize, mut deployment: Deployment, at: f64) {
    (deployment.running, deployment.pending, deployment.failed) = (service.desired, 0, 0);
    succeed(&mut deployment, at);
    deployment.phase = Phase::Ended;
    count(world, service, index, &deployment, at);
    clear(world, service, index, &deployment.ecs_id(), at);
    service.says(world, at, &format!("(deployment {}) deployment completed.", deployment.ecs_id()));
    service.says(world, at, "has reached a steady state.");
}

/// It is called successful while the old tasks run on for so many ticks.
pub(super) fn early(
    world: &mut World,
    service: &mut Service,
    index: usize,
    mut deployment: Deployment,
    lingering: u32,
    at: f64,
) {
    succeed(&mut deployment, at);
    deployment.phase = Phase::Lingering { left: lingering };
    count(world, service, index, &deployment, at);
    service.says(world, at, &format!("(deployment {}) deployment completed.", deployment.ecs_id()));
}

fn succeed(deployment: &mut Deployment, at: f64) {
    deployment.rollout_state = "COMPLETED".into();
    deployment.rollout_reason = format!("ECS deployment {} completed.", deployment.ecs_id());
    deployment.status = "SUCCESSFUL".into();
    deployment.stage = None;
    deployment.finished = Some(at);
    if let Some(breaker) = deployment.breaker.as_object_mut().filter(|breaker| breaker.contains_key("failureCount")) {
        breaker.insert("status".into(), "MONITORING_COMPLETE".into());
    }
    if let Some(alarms) = deployment.alarms.as_mut().and_then(|alarms| alarms.as_object_mut()) {
        alarms.insert("status".into(), "MONITORING_COMPLETE".into());
    }
}

/// After an early success: the rest of the new tasks come up, then the old ones end.
pub(super) fn linger(
    world: &mut World,
    service: &mut Service,
    index: usize,
    mut deployment: Deployment,
    left: u32,
    at: f64,
) {
    deployment.running = (deployment.running + 1).min(service.desired);
    deployment.pending = service.desired - deployment.running;
    deployment.phase = if left > 0 { Phase::Lingering { left: left - 1 } } else { Phase::Ended };
    count(world, service, index, &deployment, at);
    if left == 0 {
        clear(world, service, index, &deployment.ecs_id(), at);
        service.says(world, at, "has reached a steady state.");
    }
}

/// Completes the newest deployment at once: how a service comes on stage.
pub(super) fn finish(world: &mut World, service: &mut Service, at: f64) {
    let index = service.deployments.len().saturating_sub(1);
    if let Some(deployment) = service.deployments.get(index).cloned() {
        complete(world, service, index, deployment, at);
    }
}

/// The deployments that are listed beside one.
pub(super) fn others(service: &Service, keep: usize) -> Vec<usize> {
    let listed = service.deployments.iter().enumerate().filter(|(_, other)| other.place != Place::Gone);
    listed.map(|(index, _)| index).filter(|index| *index != keep).collect()
}

/// Every other deployment leaves the list, and its tasks end.
pub(super) fn clear(world: &mut World, service: &mut Service, keep: usize, by: &str, at: f64) {
    for index in others(service, keep) {
        let Some(mut other) = service.deployments.get(index).cloned() else { continue };
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

    /// Neither are those for a person's wish.
    pub(super) fn person() -> Self {
        Self {
            state: "ECS deployment rolled back by request.".into(),
            event: "rollback requested.".into(),
            status: "Service deployment rolled back because of a user request.".into(),
        }
    }

    /// For a strategy with traffic the whole `statusReason` stands in the event.
    pub(super) fn because(status: &str) -> Self {
        Self { state: "ECS deployment failed.".into(), event: status.into(), status: status.into() }
    }

    pub(super) fn state(&self) -> &str {
        &self.state
    }
}

/// Where a failed deployment leaves its service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// It stays PRIMARY, beside the old one.
    Stays,
    /// The service goes back to the newest completed deployment: as its script says, or else as the service does.
    Back(Option<WayBack>),
}

impl Way {
    /// The way the service's settings ask for.
    pub(super) fn back_if(rollback: bool) -> Self {
        if rollback { Self::Back(None) } else { Self::Stays }
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
    if let Some(breaker) = deployment.breaker.as_object_mut().filter(|_| *ending.state == *Ending::breaker().state) {
        breaker.insert("status".into(), "TRIGGERED".into());
    }
    service.says(world, at, &format!("(deployment {}) deployment failed: {}", deployment.ecs_id(), ending.event));
    let Way::Back(way) = way else {
        deployment.status = "STOP_REQUESTED".into();
        deployment.phase = Phase::Stopping { age: 0, stays: true };
        return put(service, index, &deployment);
    };
    // The way back leads to the newest deployment that was completed and is still there. One that is being brought
    // back is not completed, so that a second failure finds none.
    let completed = |other: &Deployment| {
        other.status == "SUCCESSFUL" && other.rollout_state == "COMPLETED" && other.place != Place::Gone
    };
    let target = (0..index).rev().find(|before| service.deployments.get(*before).is_some_and(completed));
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
    turn_traffic(world, &mut deployment, at);
    deployment.back_to = Some(back.digits.clone());
    let way = way.unwrap_or(service.way_back);
    (deployment.place, deployment.phase) = (Place::Active, Phase::GoingBack { age: 0, way });
    back.place = Place::Primary;
    back.draining = false;
    back.rollout_state = "IN_PROGRESS".into();
    back.rollout_reason = format!("ECS deployment circuit breaker: rolling back to deploymentId {}.", back.ecs_id());
    back.updated = at;
    put(service, target, &back);
    put(service, index, &deployment);
}

/// The traffic goes back first; the functions of the shift are asked again.
fn turn_traffic(world: &mut World, deployment: &mut Deployment, at: f64) {
    let Some((test, production)) = deployment.weights.replace((0.0, 0.0)) else { return };
    let stage = match (production > 0.0, test > 0.0) {
        (true, _) => "PRODUCTION_TRAFFIC_SHIFT",
        (_, true) => "TEST_TRAFFIC_SHIFT",
        _ => "CLEAN_UP",
    };
    deployment.stage = Some(stage.into());
    hooks::begin(world, deployment, stage, at);
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
        deployment.stage = None;
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

/// A rollback is asked for, by a person or a caller of `StopServiceDeployment`: the next tick begins it.
pub(super) fn request(service: &mut Service, index: usize, mut deployment: Deployment) {
    deployment.status = "ROLLBACK_REQUESTED".into();
    deployment.phase = Phase::Requested;
    put(service, index, &deployment);
}

/// The counts of what has ended stay as they were then.
pub(super) fn settle(world: &World, service: &mut Service) {
    let ended = |one: &Deployment| show::is_terminal(&one.status) && one.frozen.is_none();
    for index in 0..service.deployments.len() {
        let Some(mut deployment) = service.deployments.get(index).cloned().filter(ended) else { continue };
        deployment.frozen = Some(show::revisions(world, service, &deployment));
        put(service, index, &deployment);
    }
}
