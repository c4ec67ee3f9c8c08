//! How a deployment moves: one step a tick, and the task sets with it.

use serde_json::json;

use super::{Course, Deployment, EVENTS};
use crate::sim::clock::Clock;
use crate::sim::ecs::{External, target_group, task_sets};
use crate::sim::world::World;

/// The most ticks the wall clock catches up on at once.
const MOST_TICKS: u32 = 10_000;

/// Lets time pass before a deployment is looked at: one tick a read, or as many as the clock says.
pub(super) fn pass(world: &mut World, at: usize) {
    let Clock::Wall(tick) = world.clock else { return step(world, at) };
    let tick = tick.as_secs_f64().max(0.001);
    for _ in 0..MOST_TICKS {
        let now = world.now();
        let Some(deployment) = world.code_deploy.deployments.get_mut(at) else { return };
        if deployment.ticking_since + tick > now {
            return;
        }
        deployment.ticking_since += tick;
        step(world, at);
    }
}

/// One tick.
fn step(world: &mut World, at: usize) {
    let Some(mut deployment) = world.code_deploy.deployments.get(at).cloned() else { return };
    deployment.ticks += 1;
    if deployment.goes_back {
        deployment.goes_back = false;
        let back = begin_back(world, &deployment);
        deployment.rollback = Some(back);
    } else if !deployment.is_closed() {
        advance(world, &mut deployment);
    }
    if let Some(slot) = world.code_deploy.deployments.get_mut(at) {
        *slot = deployment;
    }
}

fn service(world: &World, deployment: &Deployment) -> (String, i64) {
    let name = world.code_deploy.groups.get(deployment.group).map(|group| group.service.clone()).unwrap_or_default();
    let desired = world.ecs.services.iter().find(|service| service.name == name).map_or(0, |service| service.desired);
    (name, desired)
}

/// What the event at hand does, and how the course bends it.
fn advance(world: &mut World, deployment: &mut Deployment) {
    deployment.status = "InProgress".into();
    if deployment.triggered_by.is_some() {
        return go_back(world, deployment);
    }
    let event = EVENTS.get(deployment.done).copied();
    match (deployment.course.clone(), event) {
        (Course::HookFails { event: failing, and_back }, Some(event)) if failing == event => {
            let said = "The hook's Lambda function reported Failed to PutLifecycleEventHookExecutionStatus.";
            deployment.failed = Some((deployment.done, said.into()));
            let message = format!("The overall deployment failed because the lifecycle event hook {event} failed.");
            if and_back {
                deployment.course = Course::HookFails { event: String::new(), and_back };
            }
            fall(world, deployment, "Failed", "HOOK_EXECUTION_FAILURE", &message, "DEPLOYMENT_FAILURE");
        }
        (Course::Alarm { name }, Some("AllowTraffic")) if deployment.weight > 0.0 => {
            let message = format!(
                "One or more alarms have been activated according to the Amazon CloudWatch metrics you selected, and the affected deployments have been stopped. Activated alarms: <{name}>"
            );
            fall(world, deployment, "Stopped", "ALARM_ACTIVE", &message, "DEPLOYMENT_STOP_ON_ALARM");
        }
        (Course::StoppedByHand { rolls_back }, Some("AllowTraffic")) if deployment.weight > 0.0 => {
            halt(world, deployment, Some(rolls_back));
        }
        (Course::Waits, Some("BeforeAllowTraffic")) => deployment.status = "Ready".into(),
        (Course::Stalls, Some("Install")) => install(world, deployment, 1),
        (Course::NeverSteady { trouble, after }, Some("Install")) => {
            install(world, deployment, 0);
            let (name, _) = service(world, deployment);
            task_sets::fail(world, &name, &deployment.task_sets.1, &trouble);
            if deployment.ticks >= after {
                deployment.failed = Some((deployment.done, "The replacement task set never became healthy.".into()));
                let message = "The deployment timed out while waiting for the replacement task set to become healthy. This time out period is 60 minutes.";
                fall(world, deployment, "Failed", "TIMEOUT", message, "DEPLOYMENT_FAILURE");
            }
        }
        (_, Some("Install")) => {
            install(world, deployment, i64::MAX);
            deployment.done += 1;
        }
        (_, Some("AllowTraffic")) => shift(world, deployment),
        (_, Some(_)) => deployment.done += 1,
        (Course::Keeps, None) => deployment.is_terminating = true,
        (_, None) if waits(world, deployment) && !deployment.is_terminating => deployment.is_terminating = true,
        (_, None) => {
            let (name, _) = service(world, deployment);
            task_sets::remove(world, &name, &deployment.task_sets.0);
            end(world, deployment, "Succeeded");
        }
    }
}

fn waits(world: &World, deployment: &Deployment) -> bool {
    world.code_deploy.groups.get(deployment.group).is_some_and(|group| group.termination_minutes > 0)
}

fn end(world: &World, deployment: &mut Deployment, status: &str) {
    deployment.status = status.into();
    deployment.completed = Some(world.now());
}

/// The new task set beside the old one, with so many tasks.
fn install(world: &mut World, deployment: &mut Deployment, most: i64) {
    let (name, desired) = service(world, deployment);
    if deployment.task_sets.1.is_empty() {
        let old = world.ecs.services.iter().find(|service| service.name == name).and_then(|service| service.primary());
        let old = old.map(crate::sim::ecs::Deployment::ecs_id).unwrap_or_default();
        let green = target_group(&format!("{name}-green"));
        let balancers = json!([{"targetGroupArn": green, "containerName": name, "containerPort": 8080}]);
        let external = External { id: deployment.id.clone(), started_by: "CODE_DEPLOY".into(), balancers };
        let made = task_sets::create(world, &name, &deployment.task_definition, external).unwrap_or_default();
        deployment.task_sets = (old, made);
    }
    let running = desired.min(most);
    task_sets::scale(world, &name, &deployment.task_sets.1, running, desired - running);
}

/// Half of the traffic, then all of it.
fn shift(world: &mut World, deployment: &mut Deployment) {
    deployment.weight += 50.0;
    if deployment.weight >= 100.0 {
        let (name, _) = service(world, deployment);
        task_sets::promote(world, &name, &deployment.task_sets.1);
        deployment.done += 1;
    }
}

fn fall(world: &World, deployment: &mut Deployment, status: &str, code: &str, message: &str, event: &str) {
    deployment.error = Some((code.into(), message.into()));
    deployment.goes_back = deployment.rolls_back_on.iter().any(|known| known == event);
    end(world, deployment, status);
}

/// Somebody stops a deployment.
pub(super) fn stop(world: &mut World, at: usize, rolls_back: Option<bool>) {
    let Some(mut deployment) = world.code_deploy.deployments.get(at).cloned() else { return };
    halt(world, &mut deployment, rolls_back);
    if let Some(slot) = world.code_deploy.deployments.get_mut(at) {
        *slot = deployment;
    }
}

fn halt(world: &World, deployment: &mut Deployment, rolls_back: Option<bool>) {
    let message = "The deployment was stopped by a user.";
    fall(world, deployment, "Stopped", "MANUAL_STOP", message, "DEPLOYMENT_STOP_ON_REQUEST");
    deployment.goes_back = rolls_back.unwrap_or(deployment.goes_back);
}

/// The deployment that goes back from one.
fn begin_back(world: &mut World, from: &Deployment) -> String {
    let (id, now) = (format!("d-{}", world.dice.capitals(9)), world.now());
    world.code_deploy.deployments.push(Deployment {
        id: id.clone(),
        group: from.group,
        creator: "codeDeployRollback".into(),
        status: "Created".into(),
        request: from.request.clone(),
        task_definition: from.task_definition.clone(),
        course: from.course.clone(),
        task_sets: from.task_sets.clone(),
        weight: from.weight,
        triggered_by: Some(from.id.clone()),
        ticking_since: now,
        created: now,
        ..Deployment::default()
    });
    id
}

/// The way back: traffic returns, then the new task set goes away.
fn go_back(world: &mut World, deployment: &mut Deployment) {
    if deployment.ticks < 2 {
        return;
    }
    if matches!(deployment.course, Course::HookFails { and_back: true, .. }) {
        deployment.error = Some(("ECS_UPDATE_ERROR".into(), "The primary task set could not be changed.".into()));
        return end(world, deployment, "Failed");
    }
    let (name, _) = service(world, deployment);
    deployment.weight = 0.0;
    if !deployment.task_sets.1.is_empty() {
        task_sets::promote(world, &name, &deployment.task_sets.0);
        task_sets::remove(world, &name, &deployment.task_sets.1);
    }
    deployment.done = EVENTS.len();
    end(world, deployment, "Succeeded");
}
