//! 3 What we will do, decided completely before the first change. Pure.

pub mod diff;
pub mod render;
pub mod steps;

use serde::Serialize;
use serde_json::Value;

use crate::error::Error;
use crate::inputs::Inputs;
use crate::model::service::Service;
use crate::model::task_definition::{Registered, TaskDefinition};
use crate::observe::Observed;

use self::diff::Change;

/// The whole plan.
#[derive(Debug, Clone)]
pub struct Plan {
    /// One entry for each service; one without a service when only registering.
    pub services: Vec<ServicePlan>,
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
    /// Remarks for the user.
    pub warnings: Vec<String>,
}

/// The image of one container, before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
    /// Follow our deployment to its end.
    AwaitRollout,
}

/// Decides everything.
///
/// # Errors
/// An edit that matches nothing, or a definition that ECS would refuse: all of them.
pub fn plan(inputs: &Inputs, observed: &Observed) -> Result<Plan, Vec<Error>> {
    let _ = (inputs, observed);
    todo!()
}
