//! A deployment by stages: one stage a tick, longer where it scales, bakes, or a hook holds it.

use super::schedule::{count, put};
use super::{Deployment, Service, endings, hooks, tasks};
use crate::sim::clock::Clock;
use crate::sim::world::World;

/// One tick further; the new tasks come up within `scale` ticks.
pub(super) fn walk(
    world: &mut World,
    service: &mut Service,
    index: usize,
    mut deployment: Deployment,
    scale: u32,
    at: f64,
) {
    deployment.stage_age += 1;
    let held = hooks::turn(service, &mut deployment, at, world.clock);
    if let Some(because) = held.falls {
        let ending = endings::Ending::because(&because);
        return endings::fall(world, service, index, deployment, &ending, endings::Way::Back(None), at);
    }
    if held.requested {
        return endings::request(service, index, deployment);
    }
    let age = deployment.stage_age;
    if deployment.stage.as_deref() == Some("SCALE_UP") {
        deployment.running = service.desired * i64::from(age.min(scale)) / i64::from(scale.max(1));
        deployment.pending = service.desired - deployment.running;
    } else if scaled(&deployment) {
        (deployment.running, deployment.pending) = (service.desired, 0);
    }
    let scaling = deployment.stage.as_deref() == Some("SCALE_UP") && age < scale;
    if held.waits || scaling || !baked(&deployment, world.clock, at) {
        return count(world, service, index, &deployment, at);
    }
    match deployment.course.pop_front() {
        Some(step) => {
            deployment.stage = Some(step.stage.into());
            (deployment.stage_age, deployment.stage_since, deployment.bake) = (0, at, step.minutes);
            deployment.weights = Some((step.test, step.production));
            hooks::begin(world, &mut deployment, step.stage, at);
            if step.stage == "SCALE_UP" {
                deployment.pending = service.desired;
            }
            if step.stage == "CLEAN_UP" {
                retire(world, service, index, &deployment.ecs_id(), at);
            }
            count(world, service, index, &deployment, at);
        }
        None => endings::complete(world, service, index, deployment, at),
    }
}

/// Whether the new tasks are up: everything after `SCALE_UP`.
fn scaled(deployment: &Deployment) -> bool {
    let before = [None, Some("RECONCILE_SERVICE"), Some("PRE_SCALE_UP")];
    !before.contains(&deployment.stage.as_deref())
}

/// Whether no stage before the tasks' own is left.
pub(super) fn scaling(deployment: &Deployment) -> bool {
    deployment.stage.as_deref() == Some("SCALE_UP")
}

/// Whether the time of this stage is over: a minute is a minute, or a tick where time is counted in requests.
fn baked(deployment: &Deployment, clock: Clock, at: f64) -> bool {
    match clock {
        Clock::Requests => deployment.stage_age >= deployment.bake,
        Clock::Wall(_) => at - deployment.stage_since >= f64::from(deployment.bake) * 60.0,
    }
}

/// A rolling deployment whose tasks all run waits for its alarms, and completes then. The old tasks are gone by now.
pub(super) fn bake(world: &mut World, service: &mut Service, index: usize, mut deployment: Deployment, at: f64) {
    let minutes = super::course::minutes(&deployment.configuration, "bakeTimeInMinutes", 0);
    if deployment.bake < minutes {
        (deployment.bake, deployment.stage_age, deployment.stage_since) = (minutes, 0, at);
        (deployment.running, deployment.pending) = (service.desired, 0);
        retire(world, service, index, &deployment.ecs_id(), at);
        return count(world, service, index, &deployment, at);
    }
    deployment.stage_age += 1;
    if baked(&deployment, world.clock, at) {
        return endings::complete(world, service, index, deployment, at);
    }
    put(service, index, &deployment);
}

/// The tasks of every other deployment end; the deployments stay listed.
fn retire(world: &mut World, service: &mut Service, keep: usize, by: &str, at: f64) {
    for index in endings::others(service, keep) {
        let Some(mut other) = service.deployments.get(index).cloned() else { continue };
        (other.running, other.pending) = (0, 0);
        tasks::follow(world, service, &other, by, at);
        put(service, index, &other);
    }
}
