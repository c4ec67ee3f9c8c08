//! Whether our tasks are up and healthy while old ones may still drain: `wait-until: healthy`. Pure.
//!
//! A task that runs is not yet healthy. What counts is what ECS itself goes by: the containers' health checks where the
//! definition has some; the load balancer, by what its target groups say of our tasks, and where they cannot be read, by
//! ECS taking the old tasks away though it must keep as many healthy as are asked for; where there is neither, 40 seconds
//! of running.
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html>

use std::time::Duration;

use serde_json::Value;

use super::facts::{Facts, Goal, Tracking, has_tripped};
use crate::model::service::{Deployment, Service, ServiceDeployment};
use crate::model::target_group::Target;
use crate::model::task::Task;
use crate::model::task_definition::TaskDefinition;

/// How long ECS lets a task run before it counts as healthy, when nothing checks it.
const UNCHECKED: Duration = Duration::from_secs(40);

/// What reads told about the health of our tasks.
#[derive(Debug, Clone, Default)]
pub struct Health {
    /// Since when every read shows as many tasks of ours running as asked for, and no more of them failing.
    up_since: Option<Duration>,
    /// Our failed tasks in the last read.
    failed: i64,
    /// Since then, each of our tasks was seen to be healthy by its containers' own checks.
    checked: bool,
    /// Since then, whether the target groups found each of our tasks healthy; none where they do not tell.
    targets: Option<bool>,
    /// The most old tasks that a read showed running.
    most_old: i64,
}

impl Health {
    /// Takes in a read of the service.
    pub(super) fn read_service(&mut self, service: &Service, goal: &Goal, now: Duration) {
        self.most_old = self.most_old.max(old(service, goal).map(|old| old.running_count).sum());
        let ours = service.primary().filter(|primary| primary.id == goal.deployment_id);
        let Some(ours) = ours.filter(|ours| is_up(ours, service)) else {
            (self.up_since, self.checked, self.targets) = (None, false, None);
            return;
        };
        if self.up_since.is_none() || ours.failed_tasks > self.failed {
            (self.up_since, self.checked, self.targets) = (Some(now), false, None);
        }
        self.failed = ours.failed_tasks;
    }

    /// Takes in a read of our tasks that run.
    pub(super) fn read_tasks(&mut self, tasks: &[Task], service: &Service, goal: &Goal) {
        let is_healthy =
            |task: &Task| task.last_status == "RUNNING" && task.health_status.as_deref() == Some("HEALTHY");
        self.checked = self.up_since.is_some() && all(tasks, service, goal, is_healthy);
    }

    /// Takes in a read of our tasks that run, and of the target groups they belong in, one after the other; none when a
    /// group could not be read.
    pub(super) fn read_targets(
        &mut self,
        tasks: &[Task],
        groups: Option<&[Vec<Target>]>,
        service: &Service,
        goal: &Goal,
    ) {
        // An instance does not tell which of the tasks on it is meant.
        let is_address = |target: &Target| !target.id.starts_with("i-");
        let groups = groups.filter(|groups| groups.iter().flatten().all(is_address));
        let in_group = |task: &Task, group: &Vec<Target>| {
            let mut targets = group.iter().filter(|target| task.addresses().any(|address| address == target.id));
            targets.clone().next().is_some() && targets.all(|target| target.state == "healthy")
        };
        let is_healthy = |task: &Task| groups.is_some_and(|groups| groups.iter().all(|group| in_group(task, group)));
        self.targets = groups.map(|_| self.up_since.is_some() && all(tasks, service, goal, is_healthy));
    }

    /// Whether as many tasks as asked for run, so that asking for their health is worth a call.
    pub(super) fn is_up(&self) -> bool {
        self.up_since.is_some()
    }
}

/// Whether every task of our deployment is up and healthy, and nothing but old tasks that drain is left to wait for.
pub(super) fn is_proven(facts: &Facts, goal: &Goal) -> bool {
    let (health, Some(service)) = (&facts.health, &facts.service) else { return false };
    let Some(up_since) = health.up_since else { return false };
    let going = match (facts.tracking, &facts.service_deployment) {
        (Tracking::Known, Some(deployment)) => deployment.status == "IN_PROGRESS" && !has_tripped(deployment),
        (tracking, _) => tracking == Tracking::Absent,
    };
    if facts.fell || !going || (goal.has_health_check && !health.checked) {
        return false;
    }
    if service.shifts_traffic() {
        return facts.service_deployment.as_ref().is_some_and(is_shifted);
    }
    // ECS must keep so many healthy; when it takes the last old ones away, ours are.
    let by_ecs = minimum_healthy(service) >= 100.0 && health.most_old >= service.desired_count;
    let unbalanced = service.load_balancers.is_empty()
        && service.deployments.iter().all(|deployment| deployment.vpc_lattice_configurations.is_empty());
    let by_checks = unbalanced && (goal.has_health_check || facts.now.saturating_sub(up_since) >= UNCHECKED);
    old(service, goal).all(|old| old.desired_count == 0) && health.targets.unwrap_or(by_ecs || by_checks)
}

/// The target groups that tell the health of the service's tasks, all of it: none where something else tells it, too.
pub(super) fn target_groups(service: &Service) -> Vec<String> {
    let is_lattice = |deployment: &Deployment| !deployment.vpc_lattice_configurations.is_empty();
    if service.shifts_traffic() || service.deployments.iter().any(is_lattice) {
        return Vec::new();
    }
    let named = service.load_balancers.iter().map(|balancer| balancer.target_group_arn.clone());
    let mut groups: Vec<String> = named.collect::<Option<_>>().unwrap_or_default();
    groups.sort_unstable();
    groups.dedup();
    groups
}

/// Whether as many tasks of ours as are asked for are there, and all of them are so.
fn all(tasks: &[Task], service: &Service, goal: &Goal, is_so: impl Fn(&Task) -> bool) -> bool {
    let ours = || tasks.iter().filter(|task| task.started_by.as_deref() == Some(&goal.deployment_id));
    i64::try_from(ours().count()).is_ok_and(|count| count >= service.desired_count) && ours().all(is_so)
}

/// Whether ECS checks the health of a definition's tasks by their containers.
pub(super) fn has_health_check(definition: &TaskDefinition) -> bool {
    let is_essential = |container: &&serde_json::Map<String, Value>| container.get("essential") != Some(&false.into());
    definition.containers().filter(is_essential).any(|container| container.contains_key("healthCheck"))
}

fn old<'a>(service: &'a Service, goal: &'a Goal) -> impl Iterator<Item = &'a Deployment> {
    service.deployments.iter().filter(|deployment| deployment.id != goal.deployment_id)
}

fn is_up(ours: &Deployment, service: &Service) -> bool {
    ours.rollout_state.as_deref() != Some("FAILED")
        && ours.desired_count > 0
        && ours.desired_count == service.desired_count
        && ours.running_count == ours.desired_count
        && ours.pending_count == 0
}

/// Whether all production traffic goes to ours.
fn is_shifted(deployment: &ServiceDeployment) -> bool {
    let weight = deployment.target_service_revision.as_ref().and_then(|ours| ours.requested_production_traffic_weight);
    match deployment.lifecycle_stage.as_deref() {
        Some("BAKE_TIME" | "CLEAN_UP") => weight.is_none_or(|weight| weight >= 100.0),
        Some("POST_PRODUCTION_TRAFFIC_SHIFT") => weight.is_some_and(|weight| weight >= 100.0),
        _ => false,
    }
}

/// `minimumHealthyPercent`; unset, it is 100, and 0 for daemons.
fn minimum_healthy(service: &Service) -> f64 {
    let configuration = service.deployment_configuration.as_ref();
    let set = configuration.and_then(|set| set.get("minimumHealthyPercent")).and_then(Value::as_f64);
    set.unwrap_or(if service.is_daemon() { 0.0 } else { 100.0 })
}

#[cfg(test)]
mod tests;
