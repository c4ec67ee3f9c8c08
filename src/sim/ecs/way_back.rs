//! The way back to the earlier revision.

use super::endings::{Ending, clear};
use super::schedule::{count, put};
use super::{Deployment, Phase, Place, Service};
use crate::sim::rollout::WayBack;
use crate::sim::world::World;

/// Ticks after which a rollback that fails has failed.
const UNTIL_FAILED: u32 = 2;

/// One tick further on the way back.
pub(super) fn go_back(
    world: &mut World,
    service: &mut Service,
    index: usize,
    mut deployment: Deployment,
    (age, way): (u32, WayBack),
    at: f64,
) {
    deployment.phase = Phase::GoingBack { age, way };
    deployment.status = "ROLLBACK_IN_PROGRESS".into();
    for hook in deployment.hooks.iter_mut().filter(|hook| hook.status == "IN_PROGRESS") {
        hook.status = "SUCCEEDED".into();
    }
    let back = deployment.back_to.clone();
    let found = service
        .deployments
        .iter()
        .position(|other| Some(&other.digits) == back.as_ref() && other.place == Place::Primary);
    let Some((target, mut back)) = found.and_then(|target| Some((target, service.deployments.get(target)?.clone())))
    else {
        // Another deployment took over: this one cannot bring the earlier revision back any more.
        deployment.status = "ROLLBACK_FAILED".into();
        (deployment.finished, deployment.phase) = (Some(at), Phase::Ended);
        return put(service, index, &deployment);
    };
    let after = match way {
        WayBack::Well(after) => after,
        WayBack::Fails => UNTIL_FAILED,
        WayBack::Stalls | WayBack::TooLate => u32::MAX,
    };
    if !matches!(way, WayBack::Well(_)) {
        // Tasks of the old revision do not come up any more either: the service is left with fewer than it wants.
        (back.running, back.pending, back.failed) = ((service.desired - 1).max(0), 1, i64::from(age));
        count(world, service, target, &back, at);
    }
    if age < after {
        return put(service, index, &deployment);
    }
    (deployment.finished, deployment.phase, deployment.stage) = (Some(at), Phase::Ended, None);
    if way == WayBack::Fails {
        deployment.status = "ROLLBACK_FAILED".into();
        deployment.place = Place::Gone;
        back.rollout_state = "FAILED".into();
        Ending::breaker().state().clone_into(&mut back.rollout_reason);
        put(service, target, &back);
        return put(service, index, &deployment);
    }
    (back.running, back.pending, back.failed) = (service.desired, 0, 0);
    back.rollout_state = "COMPLETED".into();
    back.rollout_reason = format!("ECS deployment {} completed.", back.ecs_id());
    deployment.status = "ROLLBACK_SUCCESSFUL".into();
    put(service, index, &deployment);
    count(world, service, target, &back, at);
    clear(world, service, target, &back.ecs_id(), at);
    service.says(world, at, &format!("(deployment {}) deployment completed.", back.ecs_id()));
    service.says(world, at, "has reached a steady state.");
}
