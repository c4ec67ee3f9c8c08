//! The scheduler: what one tick does to a service.

use super::endings::{Ending, Way, fall, linger, settle, wind_down};
use super::scripts::{primary, roll};
use super::way_back::go_back;
use super::{Deployment, Phase, Service, endings, people, tasks, with_service};
use crate::sim::clock::Clock;
use crate::sim::rollout::WayBack;
use crate::sim::world::World;

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
            if !service.moves() {
                service.ticking_since = world.now();
                return;
            }
            step(world, service, next);
        }
    });
}

/// One tick of a service.
fn step(world: &mut World, service: &mut Service, at: f64) {
    service.ticks += 1;
    autoscale(world, service, at);
    people::come(world, service, at);
    for index in 0..service.deployments.len() {
        let Some(mut deployment) = service.deployments.get(index).cloned().filter(Deployment::moves) else { continue };
        if deployment.status == "PENDING" {
            deployment.unstarted -= 1;
            if deployment.unstarted == 0 {
                deployment.status = "IN_PROGRESS".into();
            }
            put(service, index, &deployment);
            continue;
        }
        deployment.age += 1;
        deployment.updated = at;
        put(service, index, &deployment);
        match deployment.phase {
            Phase::Rolling => roll(world, service, index, deployment, at),
            Phase::Requested if service.way_back == WayBack::TooLate => {
                endings::complete(world, service, index, deployment, at);
            }
            Phase::Requested => fall(world, service, index, deployment, &Ending::person(), Way::Back(None), at),
            Phase::GoingBack { age, way } => go_back(world, service, index, deployment, (age + 1, way), at),
            Phase::Stopping { age, stays } => wind_down(world, service, index, deployment, (age + 1, stays), at),
            Phase::Lingering { left } => linger(world, service, index, deployment, left, at),
            Phase::Ended => {}
        }
    }
    settle(world, service);
    service.ticked = at;
}

pub(super) fn put(service: &mut Service, index: usize, deployment: &Deployment) {
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
    let Some(index) = primary(service) else { return };
    let Some(mut primary) = service.deployments.get(index).cloned().filter(|primary| primary.phase == Phase::Ended)
    else {
        return;
    };
    primary.running = desired;
    tasks::follow(world, service, &primary, &primary.ecs_id(), at);
    put(service, index, &primary);
}

/// Keeps a deployment's counts and lets its tasks follow.
pub(super) fn count(world: &mut World, service: &mut Service, index: usize, deployment: &Deployment, at: f64) {
    tasks::follow(world, service, deployment, &deployment.ecs_id(), at);
    put(service, index, deployment);
}
