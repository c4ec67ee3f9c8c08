//! What somebody else does to a service, in the middle of a run or before it.

use serde_json::json;

use super::{Phase, Place, Service, beginnings, endings, hooks, task_definitions, with_service};
use crate::sim::rollout::{Happening, Rollout};
use crate::sim::world::World;

/// Somebody else deploys a revision of their own.
pub(super) fn rival(world: &mut World, service: &mut Service, script: Option<Rollout>, at: f64) {
    let Some(known) = task_definitions::find(world, service.task_definition()).cloned() else { return };
    let newest =
        world.ecs.definitions.iter().filter(|other| other.family == known.family).map(|other| other.revision).max();
    let mut document = known.document.clone();
    if let Some(document) = document.as_object_mut() {
        document.insert("registeredBy".into(), world.arn("iam", "user/somebody-else").into());
    }
    let stored = task_definitions::store(world, document, newest.unwrap_or(0) + 1, json!([]));
    let script = script.unwrap_or(Rollout::Succeed { after: 3 });
    beginnings::begin(world, service, stored.arn(), Some(script), at);
}

/// Somebody else forces a new deployment of what the service runs.
pub(super) fn refresh(world: &mut World, service: &mut Service, script: Option<Rollout>, at: f64) {
    let arn = service.task_definition().to_owned();
    beginnings::begin(world, service, &arn, Some(script.unwrap_or(Rollout::Succeed { after: 3 })), at);
}

/// The service is gone, and its deployments with it.
pub(super) fn delete(service: &mut Service) {
    service.status = "INACTIVE".into();
    for gone in &mut service.deployments {
        (gone.place, gone.phase) = (Place::Gone, Phase::Ended);
    }
}

/// What is due at this tick.
pub(super) fn come(world: &mut World, service: &mut Service, at: f64) {
    while let Some(due) = service.agenda.iter().position(|(tick, _)| *tick <= service.ticks) {
        match service.agenda.remove(due).1 {
            Happening::Rival(script) => rival(world, service, Some(script), at),
            Happening::Refresh(script) => refresh(world, service, Some(script), at),
            Happening::Stop => {
                let running = service.deployments.iter().rposition(|one| one.phase == Phase::Rolling);
                let Some(index) = running else { continue };
                if let Some(deployment) = service.deployments.get(index).cloned() {
                    endings::request(service, index, deployment);
                }
            }
        }
    }
}

impl World {
    /// Somebody else deploys a revision of their own to a service, now; it goes like this.
    pub fn somebody_deploys(&mut self, service: &str, script: Rollout) {
        let now = self.now();
        if let Some(at) = self.ecs.services.iter().position(|known| known.name == service) {
            with_service(self, at, |world, service| rival(world, service, Some(script), now));
        }
    }

    /// The same, before a story begins: their deployment is under way when ours starts.
    #[must_use]
    pub fn with_rival(mut self, service: &str, script: Rollout) -> Self {
        self.somebody_deploys(service, script);
        self
    }

    /// The hooks of a service's deployments that wait for somebody: service deployment ARN, stage and hook id of each.
    #[must_use]
    pub fn pauses(&self, service: &str) -> Vec<(String, String, String)> {
        let Some(service) = self.ecs.services.iter().find(|known| known.name == service) else { return Vec::new() };
        let waiting =
            |deployment: &&super::Deployment| ["PENDING", "IN_PROGRESS"].contains(&deployment.status.as_str());
        let deployments = service.deployments.iter().filter(waiting);
        deployments
            .flat_map(|deployment| {
                let arn = super::show::deployment_arn(self, service, deployment);
                let hooks = deployment.hooks.iter().filter(|hook| hook.status == "AWAITING_ACTION");
                hooks.map(move |hook| (arn.clone(), hook.stage.clone(), hook.id.clone()))
            })
            .collect()
    }

    /// A person answers every pause of a service with `CONTINUE` or `ROLLBACK`; whether there was one.
    pub fn answer_pause(&mut self, service: &str, action: &str) -> bool {
        let Some(service) = self.ecs.services.iter_mut().find(|known| known.name == service) else { return false };
        let mut answered = false;
        for index in 0..service.deployments.len() {
            let Some(mut deployment) = service.deployments.get(index).cloned() else { continue };
            let mut back = false;
            for hook in deployment.hooks.iter_mut().filter(|hook| hook.status == "AWAITING_ACTION") {
                back |= hooks::act(hook, action);
                answered = true;
            }
            if back {
                endings::request(service, index, deployment);
            } else if let Some(slot) = service.deployments.get_mut(index) {
                *slot = deployment;
            }
        }
        answered
    }
}
