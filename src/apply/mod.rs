//! 5 Do it. The only room that changes anything.

pub mod cancel;
pub mod codedeploy;
mod conclude;
pub mod concurrent;
pub mod ending;
pub mod facts;
mod fail_fast;
mod health;
mod inquiry;
mod late;
mod movement;
mod once;
pub mod poll;
pub mod progress;
pub mod register;
mod road;
mod rollback;
pub mod rollout;
pub mod strategy;
pub mod track;
mod undo;
pub mod until;
pub mod update;
mod watch;
mod way_back;

use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use self::facts::{Goal, live};
use crate::aws::Aws;
use crate::diagnose::{self, Evidence, Subject};
use crate::error::Error;
use crate::inputs::Wait;
use crate::model::code_deploy::CodeDeployment;
use crate::model::names::short_name;
use crate::model::reference::misplaced;
use crate::model::service::{Deployment, Service, ServiceDeployment, ServiceEvent};
use crate::model::verdict::Verdict;
use crate::plan::{ServicePlan, Step};

/// What happened, told live and kept for the report. `at` is the time since the run began.
#[derive(Debug, Clone, Serialize)]
pub struct Event {
    /// Since the run began.
    pub at: Duration,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// A step began, in words: "registering web".
    Started(String),
    /// The rollout moved (or a heartbeat): counts and state, in words.
    Progress(String),
    /// The service said something. Text from outside.
    ServiceSaid(ServiceEvent),
    /// A step ended, in words: "registered web:8".
    Finished(String),
    /// Something to know that does not change the verdict.
    Warned(String),
}

/// Where the run stands; filled as it goes, so that a cancelled run knows it too.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Outcome {
    /// The ending, once there is one.
    pub verdict: Option<Verdict>,
    /// Why it is not green.
    pub cause: Option<Error>,
    /// The revision deployed, or found identical.
    pub task_definition_arn: Option<String>,
    /// What serves now, as seen last.
    pub live_task_definition_arn: Option<String>,
    /// `ecs-svc/<digits>` of our deployment.
    pub deployment_id: Option<String>,
    /// Our service deployment.
    pub service_deployment_arn: Option<String>,
    /// Whether anything in AWS was changed.
    pub changed: bool,
    /// The service as seen last.
    pub service: Option<Service>,
    /// Our service deployment as seen last.
    pub service_deployment: Option<ServiceDeployment>,
    /// `d-…` of our deployment by CodeDeploy.
    pub codedeploy_deployment_id: Option<String>,
    /// Our deployment by CodeDeploy as seen last.
    pub code_deployment: Option<CodeDeployment>,
    /// The revision that took over, when superseded.
    pub superseded_by: Option<String>,
    /// What the wait ended for before the deployment did, as a sentence without its full stop.
    pub reached: Option<String>,
    /// What is to be proven, once the service was updated.
    #[serde(skip)]
    pub goal: Option<Goal>,
    /// The changing call that was sent and whose answer is not in.
    #[serde(skip)]
    pub unanswered: Option<&'static str>,
    /// The way back from our deployment was asked for: by which call.
    #[serde(skip)]
    pub way_back: Option<&'static str>,
    /// Somebody else's deployment that was stopped for ours.
    #[serde(skip)]
    pub replaced: Option<String>,
    /// The evidence of a failure, gathered while it exists.
    #[serde(skip)]
    pub evidence: Option<Evidence>,
}

impl Outcome {
    /// What `diagnose` is asked about, once our deployment is known.
    pub fn subject<'a>(&'a self, plan: &'a ServicePlan) -> Option<Subject<'a>> {
        Some(Subject {
            plan,
            deployment_id: self.deployment_id.as_deref()?,
            task_definition: self.task_definition_arn.as_deref().unwrap_or_default(),
            service: self.service.as_ref(),
            service_deployment: self.service_deployment.as_ref(),
            known: self.cause.as_ref(),
        })
    }
}

/// Does what the plan says, telling each event; `outcome` is kept true at every moment.
///
/// # Errors
/// A call failed. A rollout that ended badly is no error: it is in the outcome.
pub async fn apply(
    plan: &ServicePlan,
    wait: &Wait,
    aws: &Aws,
    outcome: &mut Outcome,
    tell: &mut dyn FnMut(What),
) -> Result<(), Error> {
    if let Some(service) = &plan.service {
        outcome.live_task_definition_arn = live(service).map(str::to_owned);
        outcome.service = Some(service.clone());
    }
    // What AWS will say of it is told without it.
    for text in misplaced(&plan.definition) {
        aws.remember(text);
    }
    outcome.task_definition_arn = plan.reuse.as_ref().map(|reuse| reuse.arn.clone());
    let (mut goal, mut by_code_deploy, mut updated) = (None, None, false);
    for step in &plan.steps {
        match step {
            Step::RegisterTaskDefinition { body } => register::register(body, aws, outcome, tell).await?,
            Step::UpdateService { body } => {
                goal = Some(update::update(body, plan, aws, outcome, tell).await?);
                updated = true;
            }
            Step::StopDeployment { service_deployment_arn, otherwise } => {
                let arn = service_deployment_arn;
                goal = rollback::roll_back(arn, otherwise, plan, (wait, aws), outcome, tell).await?;
                updated = true;
            }
            Step::UpdateSettings { body } => codedeploy::update_settings(body, aws, outcome, tell).await?,
            Step::CodeDeploy(step) => {
                by_code_deploy = Some(codedeploy::create(step, plan, wait, aws, outcome, tell).await?);
                updated = true;
            }
            Step::AwaitRollout if !wait.enabled || outcome.verdict.is_some() => {}
            Step::JoinCodeDeploy { deployment_id } => {
                by_code_deploy = Some(codedeploy::joined(deployment_id, plan, wait, outcome));
                updated = true;
            }
            Step::AwaitRollout if let Some(goal) = &by_code_deploy => {
                codedeploy::follow::follow(goal, plan, wait, aws, outcome, tell).await?;
            }
            Step::AwaitRollout if plan.service.as_ref().is_some_and(Service::is_moved_by_code_deploy) => {
                codedeploy::settle::settle(plan, wait, aws, outcome, tell).await?;
            }
            Step::AwaitRollout => {
                let goal = match (goal.take(), &plan.service) {
                    (Some(goal), _) => goal,
                    (None, Some(service)) => {
                        let arn = outcome.task_definition_arn.as_deref().unwrap_or(&service.task_definition);
                        let goal = update::goal_as_it_is(service, arn)?;
                        outcome.deployment_id = Some(goal.deployment_id.clone());
                        goal
                    }
                    (None, None) => continue,
                };
                tell(What::Started(format!("waiting for the rollout of {}", short_name(&goal.task_definition))));
                let began = Instant::now();
                poll::follow(&goal, plan, wait, aws, outcome, tell).await?;
                if updated && undo::is_called_for(&goal, plan, outcome) {
                    let left = wait.limit.saturating_sub(began.elapsed());
                    put_right(&goal, plan, (wait, left), aws, outcome, tell).await;
                }
            }
        }
    }
    conclude(plan, outcome, updated);
    Ok(())
}

/// Gathers the evidence of a failure while it exists, and goes back. The verdict stands when that is over, so that a
/// signal in between is told as what it is.
async fn put_right(
    goal: &Goal,
    plan: &ServicePlan,
    wait: (&Wait, Duration),
    aws: &Aws,
    outcome: &mut Outcome,
    tell: &mut dyn FnMut(What),
) {
    let Some(failure) = outcome.verdict.take() else { return };
    if outcome.evidence.is_none()
        && let Some(subject) = outcome.subject(plan)
    {
        let evidence = diagnose::gather(&subject, aws).await;
        outcome.evidence = Some(evidence);
    }
    undo::undo(goal, failure, plan, wait, aws, outcome, tell).await;
}

/// The verdict of a run that did not have to follow a rollout, or followed one that it did not begin.
fn conclude(plan: &ServicePlan, outcome: &mut Outcome, updated: bool) {
    match outcome.verdict {
        Some(Verdict::Succeeded) if !outcome.changed && outcome.reached.is_none() => {
            outcome.verdict = Some(Verdict::Unchanged);
        }
        Some(_) => {}
        None if updated => outcome.verdict = Some(Verdict::Started),
        None if outcome.changed => outcome.verdict = Some(Verdict::Succeeded),
        // Nothing was to do, and nobody waited for the end of what somebody began.
        None if plan.service.as_ref().and_then(Service::primary).is_some_and(is_moving) => {
            outcome.deployment_id = plan.service.as_ref().and_then(Service::primary).map(|primary| primary.id.clone());
            outcome.verdict = Some(Verdict::Started);
        }
        None => {
            if let Some(service) = &plan.service {
                // Nothing was to do because the service already has it.
                outcome.live_task_definition_arn.get_or_insert_with(|| service.task_definition.clone());
                outcome.deployment_id = service.primary().map(|primary| primary.id.clone());
            }
            outcome.verdict = Some(Verdict::Unchanged);
        }
    }
}

fn is_moving(deployment: &Deployment) -> bool {
    deployment.rollout_state.as_deref() == Some("IN_PROGRESS")
}

#[cfg(all(test, feature = "sim"))]
mod tests;
