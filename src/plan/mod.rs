//! 3 What we will do, decided completely before the first change. Pure.

pub mod appspec;
pub mod codedeploy;
pub mod cost;
pub mod diff;
pub mod origin;
pub mod pace;
pub mod render;

mod edits;
mod fields;
mod limits;
mod named;
mod patch;
mod pin;
mod prices;
mod steps;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::error::Error;
use crate::inputs::{Inputs, Mode, OnCancel, OnFailure};
use crate::model::image::{ImageRef, StoredImage};
use crate::model::service::Service;
use crate::model::task_definition::{Registered, TaskDefinition};
use crate::observe::{Digest, Observed};

use self::cost::Cost;
use self::diff::Change;
use self::render::Rendered;

/// The whole plan.
#[derive(Debug, Clone)]
pub struct Plan {
    /// One entry for each service; one without a service when only registering.
    pub services: Vec<ServicePlan>,
}

impl Plan {
    /// Whether the same is to be done where the same runs: what changes by itself, such as how many tasks run, is no
    /// difference.
    pub fn does_the_same(&self, other: &Self) -> bool {
        let done = |it: &ServicePlan| {
            (it.steps.clone(), it.definition.clone(), it.reuse.clone(), it.previous_task_definition_arn.clone())
        };
        self.services.iter().map(done).eq(other.services.iter().map(done))
    }
}

/// What will happen to one service.
#[derive(Debug, Clone)]
pub struct ServicePlan {
    /// The service as it is before; none: register only.
    pub service: Option<Service>,
    /// The cluster, as the user named it.
    pub cluster: String,
    /// The rendered task definition.
    pub definition: TaskDefinition,
    /// The revision found identical, when nothing needs to be registered.
    pub reuse: Option<Registered>,
    /// The revision that the service runs before.
    pub previous_task_definition_arn: Option<String>,
    /// What differs from the running revision (or else from the newest of the family), values masked.
    pub changes: Vec<Change>,
    /// Each container's image, before and after.
    pub images: Vec<ImageChange>,
    /// What to do, in order; empty when everything already is as asked.
    pub steps: Vec<Step>,
    /// What the service costs before and after, where Fargate runs it.
    pub cost: Option<Cost>,
    /// What to do when our deployment fails.
    pub on_failure: OnFailure,
    /// What to do when the run is cancelled.
    pub on_cancel: OnCancel,
    /// Remarks for the user.
    pub warnings: Vec<String>,
}

impl ServicePlan {
    /// Whether anything is to be changed: following what goes on already changes nothing.
    pub fn writes(&self) -> bool {
        !self.steps.iter().all(|step| matches!(step, Step::AwaitRollout | Step::JoinCodeDeploy { .. }))
    }

    /// The settings of the service's deployments as they will be: those that are sent, or else those that it has.
    pub fn deployment_configuration(&self) -> Option<&Value> {
        let sent = self.steps.iter().find_map(|step| match step {
            Step::UpdateService { body } | Step::UpdateSettings { body } => body.get("deploymentConfiguration"),
            _ => None,
        });
        sent.or(self.service.as_ref()?.deployment_configuration.as_ref())
    }

    /// One of these settings, such as `deploymentCircuitBreaker`: ECS keeps those that are not sent.
    pub fn deployment_setting(&self, name: &str) -> Option<&Value> {
        let current = || self.service.as_ref()?.deployment_configuration.as_ref()?.get(name);
        self.deployment_configuration().and_then(|sent| sent.get(name)).or_else(current)
    }
}

impl ImageChange {
    /// Takes over what registries keep of the images, by digest.
    pub fn describe(&mut self, stored: &BTreeMap<String, StoredImage>) {
        let of = |digest: &Option<String>| digest.as_ref().and_then(|digest| stored.get(digest));
        let (old, new) = (of(&self.from_digest), of(&self.to_digest));
        (self.from_size, self.from_pushed) = (old.and_then(|image| image.size), old.and_then(|image| image.pushed));
        (self.to_size, self.to_pushed) = (new.and_then(|image| image.size), new.and_then(|image| image.pushed));
    }
}

/// The image of one container, before and after.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ImageChange {
    /// The container.
    pub container: String,
    /// The image it runs now.
    pub from: Option<String>,
    /// The digest it runs now, if known.
    pub from_digest: Option<String>,
    /// The image it will run.
    pub to: String,
    /// The digest of that, if known.
    pub to_digest: Option<String>,
    /// The compressed size of the image it runs now, in bytes; known to a plan of private ECR images alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_size: Option<u64>,
    /// When that was pushed, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_pushed: Option<i64>,
    /// The compressed size of the image it will run, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_size: Option<u64>,
    /// When that was pushed, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_pushed: Option<i64>,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Register the rendered task definition.
    RegisterTaskDefinition {
        /// The request's body, as it goes over the wire.
        body: Value,
    },
    /// Update the service with the revision.
    UpdateService {
        /// The request's body without `taskDefinition`, which is added when its ARN is known.
        body: Value,
    },
    /// Have ECS roll back the deployment that is in progress; where it cannot, update the service instead.
    StopDeployment {
        /// The service deployment to stop.
        service_deployment_arn: String,
        /// The body of the update, as in `UpdateService`.
        otherwise: Value,
    },
    /// Change settings of a service whose tasks others move: nothing is deployed by it.
    UpdateSettings {
        /// The request's body, as it goes over the wire.
        body: Value,
    },
    /// Have CodeDeploy deploy the revision.
    CodeDeploy(Box<codedeploy::CodeDeploy>),
    /// Follow somebody's deployment by CodeDeploy, which deploys the very revision.
    JoinCodeDeploy {
        /// Its id.
        deployment_id: String,
    },
    /// Follow our deployment to its end.
    AwaitRollout,
}

/// Decides everything.
///
/// # Errors
/// An edit that matches nothing, a definition that ECS would refuse, what CodeDeploy would refuse: all of them.
pub fn plan(inputs: &Inputs, observed: &Observed) -> Result<Plan, Vec<Error>> {
    let Rendered { definition, mut warnings } = render::render(&observed.base, &inputs.definition, &observed.digests)?;
    let decision = steps::decide(inputs, observed, &definition)?;
    if inputs.deploy.mode == Mode::Rollback {
        steps::check_rollback(observed, decision.reuse.as_ref())?;
    }
    warnings.extend(decision.warnings);
    let before = observed.running.as_ref().or(observed.newest.as_ref()).map(Registered::definition);
    let changes = before.as_ref().map(|before| diff::diff(before, &definition)).unwrap_or_default();
    // A way back that fails leads nowhere else: what was before it is what was to be left.
    let (on_failure, on_cancel) = match inputs.deploy.mode {
        Mode::Rollback => (OnFailure::None, OnCancel::Leave),
        Mode::Deploy | Mode::Plan => (inputs.deploy.on_failure, inputs.deploy.on_cancel),
    };
    let mut service = ServicePlan {
        cost: None,
        on_failure,
        on_cancel,
        cluster: inputs.deploy.cluster.clone(),
        previous_task_definition_arn: observed.service.as_ref().map(|service| service.task_definition.clone()),
        images: images(before.as_ref(), &definition, observed),
        service: observed.service.clone(),
        reuse: decision.reuse,
        steps: decision.steps,
        definition,
        changes,
        warnings,
    };
    let (desired, running) = (service.desired_count(), observed.running.as_ref().map(Registered::definition));
    service.cost =
        cost::cost(&inputs.region, observed.service.as_ref(), desired, running.as_ref(), &service.definition);
    Ok(Plan { services: vec![service] })
}

/// Each container's image, before and after.
fn images(before: Option<&TaskDefinition>, after: &TaskDefinition, observed: &Observed) -> Vec<ImageChange> {
    let image_before = |container: &str| before?.images().find(|(name, _)| *name == container).map(|(_, image)| image);
    let change = |(container, image): (&str, &str)| ImageChange {
        container: container.to_owned(),
        from: image_before(container).map(str::to_owned),
        from_digest: image_before(container).and_then(|image| steps::running_digest(observed, container, image)),
        to: image.to_owned(),
        to_digest: digest(image, observed),
        ..ImageChange::default()
    };
    after.images().map(change).collect()
}

fn digest(image: &str, observed: &Observed) -> Option<String> {
    match observed.digests.get(image) {
        Some(Digest::Known { digest, .. }) => Some(digest.clone()),
        _ => ImageRef::parse(image).ok()?.digest,
    }
}
