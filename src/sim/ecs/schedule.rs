//! The scheduler: what one tick does to a service, by the script of its deployment.

use serde_json::json;

use super::endings::{Ending, Way, complete, fall, go_back, stop, wind_down};
use super::{Deployment, Phase, Place, Service, beginnings, tasks, with_service};
use crate::sim::clock::Clock;
use crate::sim::rollout::{Rollout, Trouble};
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
    let Some(index) = service.deployments.iter().rposition(|deployment| deployment.place == Place::Primary) else {
        return;
    };
    let Some(mut primary) = service.deployments.get(index).cloned().filter(|primary| primary.phase == Phase::Ended)
    else {
        return;
    };
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
                fall(world, service, index, deployment, &Ending::breaker(), Way::back_if(rollback), at);
            }
        }
        Rollout::RollbackFailed { failures, trouble } => {
            crash(world, service, index, &mut deployment, &trouble, at);
            if deployment.failed >= i64::from(failures) {
                fall(world, service, index, deployment, &Ending::breaker(), Way::BackAndFails, at);
            }
        }
        Rollout::Alarm { after, rollback, name } if age >= after => {
            deployment.alarms =
                Some(json!({"status": "TRIGGERED", "alarmNames": [name], "triggeredAlarmNames": [name]}));
            fall(world, service, index, deployment, &Ending::alarm(&name), Way::back_if(rollback), at);
        }
        Rollout::Succeed { after } | Rollout::Alarm { after, .. } => {
            come_up(world, service, index, deployment, (age, after), at);
        }
        Rollout::ManualRollback { after } if age >= after => stop(world, service, index, at),
        Rollout::Superseded { after } if age >= after => beginnings::rival(world, service, &deployment, at),
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
pub(super) fn count(world: &mut World, service: &mut Service, index: usize, deployment: &Deployment, at: f64) {
    tasks::follow(world, service, deployment, &deployment.ecs_id(), at);
    put(service, index, deployment);
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
    deployment.running = service.desired * i64::from(done) / i64::from(all.max(1));
    deployment.pending = service.desired - deployment.running;
    count(world, service, index, &deployment, at);
}

fn crash(
    world: &mut World,
    service: &mut Service,
    index: usize,
    deployment: &mut Deployment,
    trouble: &Trouble,
    at: f64,
) {
    deployment.failed += 1;
    (deployment.running, deployment.pending) = (0, 1);
    if let Some(breaker) = deployment.breaker.as_object_mut().filter(|breaker| breaker.contains_key("failureCount")) {
        breaker.insert("failureCount".into(), deployment.failed.into());
    }
    tasks::fail(world, service, deployment, trouble, at);
    put(service, index, deployment);
}
