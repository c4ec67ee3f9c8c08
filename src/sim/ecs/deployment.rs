//! What a deployment is.

use std::collections::VecDeque;

use serde_json::Value;

use super::course::Step;
use super::hooks::Hook;
use crate::sim::rollout::{Rollout, WayBack};

/// Where a deployment stands in `Service.deployments[]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The newest.
    Primary,
    /// Being replaced.
    Active,
    /// Not listed any more.
    Gone,
}

/// What a deployment is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Its script plays.
    Rolling,
    /// A rollback is asked for and has not begun.
    Requested,
    /// It failed and the service goes back.
    GoingBack {
        /// Ticks since.
        age: u32,
        /// How that goes.
        way: WayBack,
    },
    /// It is being stopped; `stays`: it remains the PRIMARY one.
    Stopping {
        /// Ticks since.
        age: u32,
        /// Whether it remains listed.
        stays: bool,
    },
    /// It was called successful early, and old tasks still run.
    Lingering {
        /// For so many ticks more.
        left: u32,
    },
    /// Nothing more happens to it.
    Ended,
}

/// A deployment in both of its shapes: ECS's `Deployment` and its service deployment with the target revision.
#[derive(Debug, Clone)]
pub struct Deployment {
    /// The digits of `ecs-svc/…` and of the service revision.
    pub digits: String,
    /// The last part of the service deployment's ARN.
    pub id: String,
    /// The task definition's ARN.
    pub task_definition: String,
    /// The revision it replaces: the digits of the deployment before.
    pub source: Option<String>,
    /// Where it is listed.
    pub place: Place,
    /// What it is doing.
    pub phase: Phase,
    /// Its script.
    pub rollout: Rollout,
    /// Ticks since its start.
    pub age: u32,
    /// Tasks that run.
    pub running: i64,
    /// Tasks that are coming up.
    pub pending: i64,
    /// Tasks that failed.
    pub failed: i64,
    /// `rolloutState`.
    pub rollout_state: String,
    /// `rolloutStateReason`.
    pub rollout_reason: String,
    /// `status` of the service deployment.
    pub status: String,
    /// `statusReason` of the service deployment.
    pub status_reason: Option<String>,
    /// `lifecycleStage`.
    pub stage: Option<String>,
    /// Ticks since this stage began.
    pub stage_age: u32,
    /// When this stage began.
    pub stage_since: f64,
    /// How long it bakes, in minutes.
    pub bake: u32,
    /// The stages that are left; none under `ROLLING`.
    pub course: VecDeque<Step>,
    /// Percentages of test and of production traffic at the new revision; none under `ROLLING`.
    pub weights: Option<(f64, f64)>,
    /// Its lifecycle hooks so far, oldest first.
    pub hooks: Vec<Hook>,
    /// The digits of the deployment the service goes back to.
    pub back_to: Option<String>,
    /// Whether nobody wants its tasks any more, and they only finish what they have.
    pub draining: bool,
    /// Ticks for which it is still `PENDING`.
    pub unstarted: u32,
    /// `sourceServiceRevisions` and `targetServiceRevision` as they were at its end.
    pub frozen: Option<(Value, Value)>,
    /// `rollback` of the service deployment.
    pub rollback: Option<Value>,
    /// `deploymentCircuitBreaker` of the service deployment.
    pub breaker: Value,
    /// `alarms` of the service deployment.
    pub alarms: Option<Value>,
    /// `deploymentConfiguration` it was made with.
    pub configuration: Value,
    /// Times in seconds since 1970.
    pub created: f64,
    /// When it finished well or badly.
    pub finished: Option<f64>,
    /// When it was stopped.
    pub stopped: Option<f64>,
    /// When it last changed.
    pub updated: f64,
    /// Lists of service deployments that do not show it yet.
    pub unlisted: u32,
    /// Container, image and digest, as resolved at its start.
    pub images: Value,
    /// What is shown of it as a task set, under another controller than ECS.
    pub external: Option<External>,
}

/// What is a task set's own. <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskSet.html>
#[derive(Debug, Clone, Default)]
pub struct External {
    /// `externalId`: the `CodeDeploy` deployment, `d-…`.
    pub id: String,
    /// `startedBy`: `CODE_DEPLOY`, or empty.
    pub started_by: String,
    /// `loadBalancers`: where its tasks are registered.
    pub balancers: Value,
}

impl Deployment {
    /// Whether something still happens to it.
    #[must_use]
    pub fn moves(&self) -> bool {
        self.phase != Phase::Ended
    }

    /// `ecs-svc/<digits>`.
    #[must_use]
    pub fn ecs_id(&self) -> String {
        format!("ecs-svc/{}", self.digits)
    }
}
