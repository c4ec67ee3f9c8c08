//! Another deployment that is in progress before ours begins. Decided before the first write.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, sleep, timeout};

use super::What;
use super::progress::{HEARTBEAT, minutes};
use crate::aws::Aws;
use crate::aws::call::{CallError, CallErrorKind};
use crate::error::{Code, Error};
use crate::inputs::{OnConcurrent, Wait};
use crate::model::code_deploy::CodeDeployment;
use crate::model::names::short_name;
use crate::model::service::Service;
use crate::plan::codedeploy::{CodeDeploy, Other as Rival};
use crate::plan::{ServicePlan, Step};

/// How long a look at the other deployment may take where the service tells of it already.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long it may take where nothing else tells of it.
const PATIENCE_TO_KNOW: Duration = Duration::from_secs(30);

/// Another deployment of the service, in progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    /// The service's name.
    service: String,
    /// `web:9`, as far as it is known what is rolled out.
    revision: String,
    /// `ecs-svc/<digits>` of it.
    deployment_id: String,
    /// How far it is, in words.
    state: String,
    /// When it began, by AWS's clock.
    since: Option<Timestamp>,
    /// Why it is not known how far it is.
    unread: Option<String>,
    /// The deployment group of CodeDeploy that has it.
    group: Option<Group>,
}

/// A deployment group of CodeDeploy.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Group {
    application: String,
    name: String,
    /// Why ours does not take the other one's place, where it does not.
    stays: Option<&'static str>,
}

impl Other {
    /// A deployment of CodeDeploy that has the group of ours.
    fn by_code_deploy(
        deployment: &CodeDeployment,
        task_definition: Option<&str>,
        step: &CodeDeploy,
        name: &str,
    ) -> Self {
        Self {
            service: name.to_owned(),
            revision: task_definition.map_or("a revision that is not known yet", short_name).to_owned(),
            deployment_id: deployment.deployment_id.clone(),
            state: deployment.status.clone(),
            since: deployment.create_time.and_then(moment),
            unread: None,
            group: Some(Group {
                application: step.name("applicationName").to_owned(),
                name: step.name("deploymentGroupName").to_owned(),
                stays: deployment.stays(),
            }),
        }
    }

    /// Whether ours may take its place, where that is asked for.
    pub fn may_be_replaced(&self) -> bool {
        self.group.as_ref().is_none_or(|group| group.stays.is_none())
    }

    /// What could not be known of it.
    pub fn unread(&self) -> Option<String> {
        let Self { service, unread, .. } = self;
        unread.as_ref().map(|why| format!("How far another deployment of `{service}` is, is not known: {why}"))
    }

    /// It and its state, in words.
    fn told(&self) -> String {
        let Self { service, deployment_id, revision, state, .. } = self;
        let since = self.since.map(|since| since.strftime(", since %H:%M UTC on %Y-%m-%d").to_string());
        let since = since.unwrap_or_default();
        format!("another deployment of `{service}` ({deployment_id} to {revision}, {state}{since})")
    }

    /// What to know of it before ours is begun, or where ours is only planned.
    pub fn remarked(&self, asked: OnConcurrent) -> Error {
        let fix = match asked {
            OnConcurrent::Replace if self.may_be_replaced() => {
                "Ours takes its place: write `on-concurrent: wait` to let it end first."
            }
            OnConcurrent::Replace => "Ours would be refused: write `on-concurrent: wait`, or run it when it has ended.",
            OnConcurrent::Wait => "Ours waits for its end (`on-concurrent: wait`).",
            OnConcurrent::Fail => "Ours would be refused (`on-concurrent: fail`): run it when it has ended.",
        };
        let what = format!("{} is in progress.", capital(&self.told()));
        Error::new(Code::DeploymentInProgress, what, self.why(), fix)
    }

    /// The remark of a run that goes back from it.
    pub fn replaced(&self) -> String {
        format!("{} is in progress, and is replaced (`on-concurrent: replace`).", capital(&self.told()))
    }

    /// The error of a run that does not begin.
    pub fn refused(&self, waited: Option<Duration>) -> Error {
        let waited = waited.map(|waited| format!(" after {}", minutes(waited))).unwrap_or_default();
        Error::new(
            Code::DeploymentInProgress,
            format!("Another deployment of `{}` is in progress{waited}: {}.", self.service, self.revision),
            self.why(),
            if self.may_be_replaced() {
                "Run the job again when it has ended, or let `on-concurrent: replace` take its place."
            } else {
                "Write `on-concurrent: wait`, or run the job again when it has ended."
            },
        )
    }

    fn why(&self) -> String {
        let (id, state) = (&self.deployment_id, &self.state);
        match &self.group {
            None => format!("{id} is {state}; ECS would stop it for ours."),
            Some(Group { name, stays, .. }) => {
                let stays =
                    stays.map(|stays| format!(", and {id} is not stopped for ours: {stays}")).unwrap_or_default();
                format!("{id} is {state}. The deployment group `{name}` takes one deployment at a time{stays}.")
            }
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "seconds since 1970 fit")]
fn moment(seconds: f64) -> Option<Timestamp> {
    Timestamp::from_second(seconds as i64).ok()
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// Whether the plan ends a deployment that is in progress. Settings alone leave it as it is: a service's new desired count
/// is that of the deployment in progress, too.
pub fn takes_a_place(plan: &ServicePlan) -> bool {
    plan.moves_tasks() || plan.steps.iter().any(|step| matches!(step, Step::StopDeployment { .. }))
}

/// The deployment in progress whose place the plan takes.
///
/// # Errors
/// It could not be read, and the service does not tell of it.
pub async fn other(plan: &ServicePlan, aws: &Aws) -> Result<Option<Other>, CallError> {
    let Some(service) = plan.service.as_ref().filter(|_| takes_a_place(plan)) else { return Ok(None) };
    let Some(step) = by_code_deploy(plan) else { return in_progress(service, aws).await };
    Ok(step.other.as_ref().map(|Rival { deployment, task_definition }| {
        Other::by_code_deploy(deployment, task_definition.as_deref(), step, &service.service_name)
    }))
}

/// The error of a run that must not begin beside another deployment, and cannot tell whether there is one.
pub fn unread(error: CallError, service: &str) -> Error {
    let Error { what, why, fix, .. } = error.into();
    Error::new(
        Code::DeploymentsUnread,
        format!("Whether another deployment of `{service}` is in progress is not known: {what}"),
        why,
        fix,
    )
}

fn by_code_deploy(plan: &ServicePlan) -> Option<&CodeDeploy> {
    plan.steps.iter().find_map(|step| match step {
        Step::CodeDeploy(step) => Some(step.as_ref()),
        _ => None,
    })
}

/// Waits until the other deployment has ended, well or badly, but no longer than the wait's limit. What is true then has
/// to be read again.
///
/// # Errors
/// The service or its deployment cannot be read, or the other deployment still is in progress at the limit.
pub async fn wait(
    other: Other,
    plan: &ServicePlan,
    wait: &Wait,
    aws: &Aws,
    tell: &mut dyn FnMut(What),
) -> Result<(), Error> {
    let began = Instant::now();
    tell(What::Started(format!("waiting for {}", other.told())));
    let (mut last, mut told_at) = (other, began);
    loop {
        if began.elapsed() >= wait.limit {
            return Err(last.refused(Some(wait.limit)));
        }
        let pause = wait.max_delay.max(Duration::from_secs(1));
        sleep(pause.min(wait.limit.saturating_sub(began.elapsed()))).await;
        let services = aws.describe_services(&plan.cluster, &[last.service.as_str()]).await?;
        let service = services.into_iter().next();
        let now = match (&service, &last.group) {
            (Some(service), None) => {
                in_progress(service, aws).await.map_err(|error| unread(error, &service.service_name))?
            }
            (Some(service), Some(group)) => in_group(group, service, plan, aws).await?,
            (None, _) => None,
        };
        let Some(now) = now else { break };
        if now != last || told_at.elapsed() >= HEARTBEAT {
            tell(What::Progress(format!("{} · after {}", now.state, minutes(began.elapsed()))));
            told_at = Instant::now();
        }
        last = now;
    }
    tell(What::Finished("the other deployment has ended".to_owned()));
    Ok(())
}

/// The deployment of a deployment group that is in progress.
async fn in_group(group: &Group, service: &Service, plan: &ServicePlan, aws: &Aws) -> Result<Option<Other>, Error> {
    let ids = aws.code_deployments_in_progress(&group.application, &group.name).await?;
    let (Some(id), Some(step)) = (ids.into_iter().next(), by_code_deploy(plan)) else { return Ok(None) };
    let deployment = aws.code_deployment(&id).await?;
    let mut sets = service.task_sets.iter();
    let made = sets.find(|set| set.external_id.as_deref() == Some(&id)).map(|set| set.task_definition.as_str());
    Ok(Some(Other::by_code_deploy(&deployment, made, step, &service.service_name)))
}

/// The deployment of a service that is in progress.
///
/// # Errors
/// The service does not tell, and what tells could not be read.
async fn in_progress(service: &Service, aws: &Aws) -> Result<Option<Other>, CallError> {
    let Some(primary) = service.primary() else { return Ok(None) };
    let state = primary.rollout_state.as_deref();
    let moving = state == Some("IN_PROGRESS");
    let tasks = format!("{} of {} tasks run", primary.running_count, primary.desired_count);
    let listed = Other {
        service: service.service_name.clone(),
        revision: short_name(&primary.task_definition).to_owned(),
        deployment_id: primary.id.clone(),
        state: format!("IN_PROGRESS, {tasks}"),
        since: primary.created_at.and_then(moment),
        unread: None,
        group: None,
    };
    // What shifts traffic may bake while its rollout is COMPLETED, and a way back may follow what failed; nothing but the
    // deployment itself tells then.
    let may_go_on = service.deployments.len() > 1 && state != Some("COMPLETED");
    let asked = moving || may_go_on || service.shifts_traffic();
    let Some(current) = service.current_service_deployment.as_deref().filter(|_| asked) else {
        return Ok(moving.then_some(listed));
    };
    let patience = if moving { PATIENCE } else { PATIENCE_TO_KNOW };
    let read = timeout(patience, aws.describe_service_deployment(current)).await;
    let (found, unread) = match read.unwrap_or_else(|_| Err(late(patience))) {
        Ok(found) => (found, None),
        Err(error) if moving => (None, Some(error.to_string())),
        Err(error) => return Err(error),
    };
    Ok(match found.filter(|found| !found.is_closed()) {
        Some(found) => Some(Other { state: format!("{}, {tasks}", found.status), ..listed }),
        None => moving.then_some(Other { unread, ..listed }),
    })
}

fn late(patience: Duration) -> CallError {
    CallError {
        action: "ecs:DescribeServiceDeployments",
        kind: CallErrorKind::Unreachable,
        code: None,
        message: format!("There was no answer within {} seconds.", patience.as_secs()),
        request_id: None,
        maybe_applied: false,
        explained: None,
    }
}
