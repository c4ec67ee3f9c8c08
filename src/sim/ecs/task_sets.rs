//! Task sets: what a service has in place of deployments when somebody else moves its tasks.
//!
//! A task set is kept as a [`Deployment`] that plays no script: whoever drives it, such as the pretend `CodeDeploy`,
//! creates it, scales it, makes it the PRIMARY one and takes it away.
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskSet.html>

use serde_json::{Value, json};

use super::schedule::count;
use super::{Deployment, External, Phase, Place, Service, beginnings, show, tasks, with_service};
use crate::sim::rollout::{Rollout, Trouble};
use crate::sim::world::World;

/// Starts a task set of a registered revision beside those that are there, with no tasks yet. Tells its id,
/// `ecs-svc/<digits>`, which is also who starts its tasks; none when there is no such service.
pub fn create(world: &mut World, service: &str, task_definition: &str, external: External) -> Option<String> {
    change(world, service, |world, service, at| {
        let primary = service.deployments.iter().rposition(|other| other.place == Place::Primary);
        beginnings::begin(world, service, task_definition, Some(Rollout::Succeed { after: 1 }), at);
        let created = service.deployments.last_mut()?;
        (created.place, created.phase) = (Place::Active, Phase::Ended);
        created.external = Some(external);
        let id = created.ecs_id();
        if let Some(primary) = primary.and_then(|primary| service.deployments.get_mut(primary)) {
            primary.place = Place::Primary;
        }
        Some(id)
    })?
}

/// So many of a task set's tasks run, and so many are coming up.
pub fn scale(world: &mut World, service: &str, id: &str, running: i64, pending: i64) {
    change(world, service, |world, service, at| {
        let Some((index, mut set)) = find(service, id) else { return };
        (set.running, set.pending, set.updated) = (running, pending, at);
        count(world, service, index, &set, at);
    });
}

/// One task of a task set starts and ends badly.
pub fn fail(world: &mut World, service: &str, id: &str, trouble: &Trouble) {
    change(world, service, |world, service, at| {
        if let Some((_, set)) = find(service, id) {
            tasks::fail(world, service, &set, trouble, at);
        }
    });
}

/// A task set becomes the PRIMARY one, and the service runs its revision.
pub fn promote(world: &mut World, service: &str, id: &str) {
    change(world, service, |_, service, at| {
        for set in &mut service.deployments {
            if set.ecs_id() == id {
                (set.place, set.updated) = (Place::Primary, at);
            } else if set.place == Place::Primary {
                (set.place, set.updated) = (Place::Active, at);
            }
        }
    });
}

/// A task set and its tasks go away.
pub fn remove(world: &mut World, service: &str, id: &str) {
    scale(world, service, id, 0, 0);
    change(world, service, |_, service, _| {
        for set in service.deployments.iter_mut().filter(|set| set.ecs_id() == id) {
            set.place = Place::Gone;
        }
    });
}

fn find(service: &Service, id: &str) -> Option<(usize, Deployment)> {
    service.deployments.iter().cloned().enumerate().find(|(_, set)| set.ecs_id() == id)
}

fn change<T>(world: &mut World, name: &str, act: impl FnOnce(&mut World, &mut Service, f64) -> T) -> Option<T> {
    let at = world.ecs.services.iter().position(|service| service.name == name)?;
    let now = world.now();
    with_service(world, at, |world, service| act(world, service, now))
}

/// A task set as `DescribeServices` shows it.
pub(super) fn shown(world: &World, service: &Service, set: &Deployment) -> Value {
    let external = set.external.clone().unwrap_or_default();
    let balancers = if external.balancers.is_null() { json!([]) } else { external.balancers };
    let settled = set.pending == 0 && set.running == show::requested(service, set);
    let mut shown = json!({
        "id": set.ecs_id(),
        "taskSetArn": world.arn("ecs", &format!("task-set/{}/{}/{}", service.cluster, service.name, set.ecs_id())),
        "serviceArn": show::service_arn(world, service),
        "clusterArn": world.arn("ecs", &format!("cluster/{}", service.cluster)),
        "startedBy": external.started_by, "externalId": external.id,
        "status": if set.place == Place::Primary { "PRIMARY" } else { "ACTIVE" },
        "taskDefinition": set.task_definition, "computedDesiredCount": show::requested(service, set),
        "pendingCount": set.pending, "runningCount": set.running, "createdAt": set.created, "updatedAt": set.updated,
        "scale": {"value": 100.0, "unit": "PERCENT"}, "loadBalancers": balancers, "serviceRegistries": [],
        "stabilityStatus": if settled { "STEADY_STATE" } else { "STABILIZING" }, "stabilityStatusAt": set.updated,
        "tags": [],
    });
    if let Some(shown) = shown.as_object_mut() {
        for name in ["launchType", "platformVersion", "platformFamily", "networkConfiguration"] {
            if let Some(value) = service.settings.get(name) {
                shown.insert(name.into(), value.clone());
            }
        }
    }
    shown
}
