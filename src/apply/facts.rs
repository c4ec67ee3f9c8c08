//! What the API said so far about our deployment, kept in the words the judge decides by. Pure.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use super::health::Health;
use super::movement::Movement;
use crate::inputs::Until;
use crate::model::names::short_name;
use crate::model::service::{Deployment, Service, ServiceDeployment};
use crate::model::target_group::Target;
use crate::model::task::Task;

/// What is to be proven: our deployment, by the identity that `UpdateService` itself answered, so that nobody else's is
/// ever taken for it and no clock of ours matters.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Goal {
    /// The service's name.
    pub service: String,
    /// `ecs-svc/<digits>` of our deployment: PRIMARY in `UpdateService`'s answer.
    pub deployment_id: String,
    /// When it was created, by AWS's clock.
    pub created_at: Option<f64>,
    /// The ARN of the task definition asked for.
    pub task_definition: String,
    /// The tasks asked for, as `UpdateService` answered.
    pub desired_count: i64,
    /// PRIMARY before the update; equal to ours when ECS created no deployment.
    pub previous_deployment_id: Option<String>,
    /// The task definition before the update.
    pub previous_task_definition: Option<String>,
    /// What ends the wait well.
    pub until: Until,
    /// Whether ECS checks the health of its tasks by their containers.
    pub has_health_check: bool,
    /// Somebody else began it: it is followed, and never stopped or rolled back.
    pub joined: bool,
}

impl Goal {
    /// Whether the update created a deployment.
    pub fn is_new(&self) -> bool {
        self.previous_deployment_id.as_ref() != Some(&self.deployment_id)
    }

    /// Whether this run may stop it or go back from it: only what its own update began.
    pub fn may_be_undone(&self) -> bool {
        self.is_new() && !self.joined
    }

    /// Whether a service revision's ARN is that of our deployment: its digits are those of the deployment id.
    pub fn owns_revision(&self, service_revision_arn: &str) -> bool {
        let digits = short_name(&self.deployment_id);
        !digits.is_empty() && short_name(service_revision_arn) == digits
    }

    /// Whether a service deployment is ours, by the revision it rolls out.
    pub fn owns(&self, deployment: &ServiceDeployment) -> bool {
        deployment.target_arn().is_some_and(|arn| self.owns_revision(arn))
    }
}

/// How far the search for our service deployment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tracking {
    /// Not found yet; the API lags behind `UpdateService`.
    #[default]
    Looking,
    /// Found: it decides.
    Known,
    /// There is no such API, no permission, or nothing to find: the service's own list of deployments decides.
    Absent,
}

/// Reads in a row without the service that mean it is gone: a single one may lag.
pub const GONE: u32 = 3;

/// Everything seen so far. Times are since the wait began, by one monotonic clock.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each was seen or not, whatever the others were")]
pub struct Facts {
    /// Now.
    pub now: Duration,
    /// The limit is reached: this is the last look.
    pub late: bool,
    /// The service as read last.
    pub service: Option<Service>,
    /// When that was.
    pub read_at: Duration,
    /// In how many reads in a row the service was not there; at [`GONE`] it is gone.
    pub absent_reads: u32,
    /// Whether our service deployment is known.
    pub tracking: Tracking,
    /// Our service deployment as read last.
    pub service_deployment: Option<ServiceDeployment>,
    /// Our deployment was in a read of the service once.
    pub seen: bool,
    /// Since when reads do not list it any more (or not yet).
    pub missing_since: Option<Duration>,
    /// Since when it is FAILED.
    pub failed_since: Option<Duration>,
    /// ECS's sentence when it was FAILED.
    pub failed_reason: Option<String>,
    /// It failed or goes back: ECS said so once, whatever an older read says.
    pub fell: bool,
    /// What reads told about the health of our tasks.
    pub health: Health,
    /// What moved last.
    pub movement: Movement,
    /// Deployments that ECS said it rolls back to.
    pub rollback_ids: BTreeSet<String>,
    /// Somebody asked for the rollback.
    pub rollback_requested: bool,
    /// Since when the service deployment is in a state that it cannot leave.
    pub closed_since: Option<Duration>,
    /// The task definition of a deployment that began after ours and was PRIMARY once, even if it is gone again.
    pub overtaken_by: Option<String>,
    /// Events that were there before we began.
    pub old_events: BTreeSet<String>,
}

impl Facts {
    /// Takes in a read of the service.
    pub fn read_service(&mut self, service: Service, goal: &Goal) {
        self.absent_reads = 0;
        self.read_at = self.now;
        self.health.read_service(&service, goal, self.now);
        self.movement.read_service(&service, goal, self.now);
        if let Some(ours) = service.deployments.iter().find(|deployment| deployment.id == goal.deployment_id) {
            self.seen = true;
            self.missing_since = None;
            if ours.rollout_state.as_deref() == Some("FAILED") {
                self.fell = true;
                self.failed_since.get_or_insert(self.now);
                self.failed_reason.clone_from(&ours.rollout_state_reason);
            }
        } else {
            self.missing_since.get_or_insert(self.now);
        }
        for deployment in &service.deployments {
            let reason = deployment.rollout_state_reason.as_deref().unwrap_or_default();
            self.rollback_ids.extend(rollback_target(reason));
            if reason.contains("rolling back") && deployment.status == "PRIMARY" && deployment.id != goal.deployment_id
            {
                self.rollback_ids.insert(deployment.id.clone());
            }
        }
        for event in service.events.iter().filter(|event| !self.old_events.contains(&event.id)) {
            self.rollback_ids.extend(rollback_target(&event.message));
        }
        let is_rival = |primary: &&Deployment| {
            matches!((primary.created_at, goal.created_at), (Some(theirs), Some(ours)) if theirs > ours)
                && !self.rollback_ids.contains(&primary.id)
        };
        if let Some(rival) = service.primary().filter(is_rival) {
            self.overtaken_by = Some(rival.task_definition.clone());
        }
        self.service = Some(service);
    }

    /// Takes in a read of our tasks that run, and of the target groups they belong in, as far as those could be read.
    pub fn read_tasks(&mut self, tasks: &[Task], groups: Option<&[Vec<Target>]>, goal: &Goal) {
        if let Some(service) = &self.service {
            self.health.read_tasks(tasks, service, goal);
            self.health.read_targets(tasks, groups, service, goal);
        }
    }

    /// Takes in a read in which the service was not there.
    pub fn read_no_service(&mut self) {
        self.absent_reads = self.absent_reads.saturating_add(1);
    }

    /// Takes in a read in which the cluster was not there: one is enough.
    pub fn read_no_cluster(&mut self) {
        self.absent_reads = GONE;
    }

    /// Takes in a read of our service deployment.
    pub fn read_service_deployment(&mut self, deployment: ServiceDeployment) {
        self.tracking = Tracking::Known;
        self.movement.read_service_deployment(&deployment, self.now);
        self.fell |= deployment.status.starts_with("ROLLBACK_");
        self.rollback_requested |= deployment.status == "ROLLBACK_REQUESTED";
        if deployment.is_closed() {
            self.closed_since.get_or_insert(self.now);
        }
        self.service_deployment = Some(deployment);
    }

    /// Our service deployment cannot be read (any more): what was read of it must not hold the verdict up.
    pub fn lose_service_deployment(&mut self) {
        self.tracking = Tracking::Absent;
        self.service_deployment = None;
        self.closed_since = None;
    }

    /// Our deployment in the service's list.
    pub fn ours(&self, goal: &Goal) -> Option<&Deployment> {
        self.service.as_ref()?.deployments.iter().find(|deployment| deployment.id == goal.deployment_id)
    }

    /// The task definition that serves. Where traffic is shifted, running tasks alone do not tell: its weights do.
    pub fn serves(&self, goal: &Goal) -> Option<&str> {
        let service = self.service.as_ref()?;
        let moving = self.service_deployment.as_ref().filter(|deployment| !deployment.is_closed());
        let target = moving.and_then(|deployment| deployment.target_service_revision.as_ref());
        let weight = target.and_then(|target| target.requested_production_traffic_weight);
        match (weight, self.ours(goal)) {
            (Some(weight), Some(ours)) if service.shifts_traffic() && weight > 50.0 && ours.running_count > 0 => {
                Some(&ours.task_definition)
            }
            (Some(_), Some(_)) if service.shifts_traffic() => {
                let old = service.deployments.iter().filter(|deployment| deployment.id != goal.deployment_id);
                let old = old.filter(|deployment| deployment.running_count > 0);
                let old = old.max_by_key(|deployment| deployment.running_count);
                old.map(|deployment| deployment.task_definition.as_str()).or_else(|| live(service))
            }
            _ => live(service),
        }
    }

    /// Whether an earlier revision is seen to be there, to go back to: it runs, or was completed, or ECS named it.
    pub fn has_earlier(&self, goal: &Goal) -> bool {
        let earlier = |other: &Deployment| {
            let is_there = other.running_count > 0 || other.rollout_state.as_deref() == Some("COMPLETED");
            other.id != goal.deployment_id && is_there
        };
        let listed = self.service.as_ref().is_some_and(|service| service.deployments.iter().any(earlier));
        listed || !self.rollback_ids.is_empty()
    }

    /// How long ago `since` was; nothing counts as no time.
    pub fn elapsed(&self, since: Option<Duration>) -> Duration {
        since.map_or(Duration::ZERO, |since| self.now.saturating_sub(since))
    }
}

/// Whether ECS itself found the deployment broken.
pub fn has_tripped(deployment: &ServiceDeployment) -> bool {
    deployment.deployment_circuit_breaker.as_ref().is_some_and(|breaker| breaker.status == "TRIGGERED")
        || deployment.alarms.as_ref().is_some_and(|alarms| alarms.status == "TRIGGERED")
}

/// The id in `rolling back to deployment ecs-svc/1.` and `rolling back to deploymentId ecs-svc/1.`
fn rollback_target(sentence: &str) -> Option<String> {
    let (_, rest) = sentence.split_once("rolling back to deployment")?;
    let id = rest.split_whitespace().find(|word| word.starts_with("ecs-svc/"))?;
    Some(id.trim_end_matches(['.', ',', ')']).to_owned())
}

/// Whether the two name the same task definition; an ARN and its `family:revision` do.
pub fn same_revision(one: &str, other: &str) -> bool {
    one == other || (!one.is_empty() && short_name(one) == short_name(other))
}

/// Whether ECS goes back by itself when the service's deployments fail.
pub fn rolls_back(service: &Service) -> bool {
    let Some(configuration) = &service.deployment_configuration else { return false };
    let on = |part: &str, key: &str| configuration.get(part).and_then(|part| part.get(key)) == Some(&Value::Bool(true));
    ["deploymentCircuitBreaker", "alarms"].iter().any(|part| on(part, "enable") && on(part, "rollback"))
}

/// The task definition that serves, as far as one read tells: that of the PRIMARY task set, where there are task sets;
/// else PRIMARY's once it is completed, until then that of the deployment with the most running tasks (the older one when
/// they are equal; one that only drains when no other runs). Nothing, when nothing runs that should, or the service is
/// being deleted.
pub fn live(service: &Service) -> Option<&str> {
    if service.status != "ACTIVE" {
        return None;
    }
    if let Some(primary) = service.primary_task_set() {
        return Some(&primary.task_definition);
    }
    let primary = service.primary();
    if let Some(primary) = primary
        && (service.desired_count == 0 || (primary.running_count > 0 && is_complete(primary, service)))
    {
        return Some(&primary.task_definition);
    }
    let older_first = service.deployments.iter().filter(|deployment| deployment.status != "PRIMARY").chain(primary);
    let weight = |deployment: &Deployment| (deployment.desired_count > 0, deployment.running_count);
    let mut most: Option<&Deployment> = None;
    for deployment in older_first.filter(|deployment| deployment.running_count > 0) {
        if most.is_none_or(|most| weight(deployment) > weight(most)) {
            most = Some(deployment);
        }
    }
    most.map(|deployment| deployment.task_definition.as_str())
}

/// Whether a deployment is done by its own state; where ECS keeps no state, by its counts.
pub fn is_complete(deployment: &Deployment, service: &Service) -> bool {
    match deployment.rollout_state.as_deref() {
        Some(state) => state == "COMPLETED",
        None => {
            deployment.desired_count == service.desired_count
                && deployment.running_count == deployment.desired_count
                && deployment.pending_count == 0
                && service.running_count == deployment.running_count
        }
    }
}

#[cfg(test)]
mod tests;
