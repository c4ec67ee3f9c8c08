//! What the loop carries from poll to poll: one look takes in what the API says, and what changed is told.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::join;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::facts::{Facts, Goal, Tracking};
use super::health;
use super::once::Once;
use super::progress::Told;
use super::rollout::{Phase, Rollout};
use super::track::{self, Answer, Question, Track};
use super::until::pause_line;
use super::{Outcome, What};
use crate::aws::Aws;
use crate::aws::call::{CallError, CallErrorKind};
use crate::error::Error;
use crate::inputs::Until;
use crate::model::names::short_name;
use crate::model::service::Service;
use crate::model::target_group::Target;
use crate::plan::ServicePlan;

/// Refusals in a row of a read that is needed before the wait ends: one may be a session just being renewed.
const STRIKES: u32 = 2;

/// Looks in a row that brought nothing after which the limit tells of that, and not of a rollout that nobody saw.
const BLIND: u32 = 3;

/// How long a look at the tasks may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the loop carries from poll to poll.
pub(super) struct Watch<'a> {
    pub(super) goal: &'a Goal,
    pub(super) aws: &'a Aws,
    pub(super) cluster: &'a str,
    pub(super) facts: Facts,
    pub(super) told: Told,
    track: Track,
    strikes: u32,
    /// Looks in a row that brought nothing, and what the last one met.
    blind: (u32, Option<CallError>),
    told_trouble: Once,
    told_back: Once,
    told_pauses: BTreeSet<String>,
    told_blind: Once,
    /// What the target groups say cannot be read.
    without_targets: bool,
}

impl<'a> Watch<'a> {
    /// Begins with `UpdateService`'s own answer: nothing can be fresher.
    pub(super) fn new(goal: &'a Goal, plan: &'a ServicePlan, aws: &'a Aws, outcome: &Outcome) -> Self {
        let before = plan.service.iter().flat_map(|service| &service.events);
        let mut facts = Facts { old_events: before.map(|event| event.id.clone()).collect(), ..Facts::default() };
        if !goal.is_new() {
            facts.tracking = Tracking::Absent;
        }
        if let Some(service) = outcome.service.clone() {
            facts.read_service(service, goal);
        }
        Self {
            goal,
            aws,
            cluster: &plan.cluster,
            told: Told::new(facts.old_events.clone()),
            facts,
            track: Track::new(plan.service.as_ref(), goal),
            strikes: 0,
            blind: (0, None),
            told_trouble: Once::default(),
            told_back: Once::default(),
            told_pauses: BTreeSet::new(),
            told_blind: Once::default(),
            without_targets: false,
        }
    }

    /// One look: the service and our service deployment, at once.
    pub(super) async fn look(&mut self, tell: &mut dyn FnMut(What)) -> Result<(), Error> {
        let question = self.track.question(&self.facts);
        let names = [self.goal.service.as_str()];
        let (service, answer) = join!(
            self.aws.describe_services(self.cluster, &names),
            track::ask(question, self.cluster, &self.goal.service, self.aws),
        );
        self.blind = match &service {
            Err(error) if !matches!(answer, Answer::Described(..) | Answer::Listed(_)) => {
                (self.blind.0 + 1, Some(error.clone()))
            }
            _ => (0, None),
        };
        self.take_service(service, tell)?;
        if let Some(warning) = self.track.take(answer, &mut self.facts, self.goal) {
            tell(What::Warned(warning));
        }
        // Found by a hint of this very read: what it says is worth a call now rather than a pause later.
        if let question @ Question::Describe(_) = self.track.question(&self.facts)
            && self.facts.tracking == Tracking::Looking
        {
            let answer = track::ask(question, self.cluster, &self.goal.service, self.aws).await;
            let warning = self.track.take(answer, &mut self.facts, self.goal);
            if let Some(warning) = warning {
                tell(What::Warned(warning));
            }
        }
        if self.goal.until == Until::Healthy && self.facts.health.is_up() {
            self.look_at_tasks(tell).await;
        }
        Ok(())
    }

    /// Why nothing could be read for a while; nothing when something was.
    pub(super) fn blindness(&mut self) -> Option<Error> {
        let (looks, error) = std::mem::take(&mut self.blind);
        (looks >= BLIND).then_some(left_alone(error?, self.goal))
    }

    /// Reads the health of our tasks, once all of them run: what ECS says of their containers, and their target groups of
    /// them. Where it cannot be read, their health is not proven by it, and the wait goes on.
    async fn look_at_tasks(&mut self, tell: &mut dyn FnMut(What)) {
        let groups = self.facts.service.as_ref().filter(|_| !self.without_targets).map(health::target_groups);
        let groups = groups.unwrap_or_default();
        if groups.is_empty() && !self.goal.has_health_check {
            return;
        }
        let tasks = timeout(PATIENCE, self.aws.tasks_started_by(self.cluster, &self.goal.deployment_id));
        let (tasks, targets) = join!(tasks, timeout(PATIENCE, targets(&groups, self.aws)));
        let targets = match targets {
            _ if groups.is_empty() => None,
            Ok(Ok(targets)) => Some(targets),
            Ok(Err(error)) => {
                self.without_targets = !matches!(error.kind, CallErrorKind::Throttled | CallErrorKind::Unreachable);
                self.warn_blind(&error, "that ECS takes the old tasks away is taken as the sign of it", tell);
                None
            }
            Err(_) => None,
        };
        match tasks {
            Ok(Ok(tasks)) => self.facts.read_tasks(&tasks, targets.as_deref(), self.goal),
            Ok(Err(error)) => {
                let then = if self.goal.has_health_check {
                    "until it can, the wait goes on until the deployment is finished"
                } else {
                    "that ECS takes the old tasks away is taken as the sign of it"
                };
                self.warn_blind(&error, then, tell);
            }
            Err(_) => {}
        }
    }

    fn warn_blind(&mut self, error: &CallError, then: &str, tell: &mut dyn FnMut(What)) {
        if self.told_blind.is_first() {
            tell(What::Warned(format!("whether the tasks are healthy cannot be read ({error}); {then}")));
        }
    }

    fn take_service(
        &mut self,
        answer: Result<Vec<Service>, CallError>,
        tell: &mut dyn FnMut(What),
    ) -> Result<(), Error> {
        match answer {
            Ok(services) => {
                self.strikes = 0;
                match services.into_iter().next() {
                    Some(service) => {
                        for event in self.told.events(&service) {
                            tell(What::ServiceSaid(event));
                        }
                        self.facts.read_service(service, self.goal);
                    }
                    None => self.facts.read_no_service(),
                }
            }
            Err(error) if error.code.as_deref() == Some("ClusterNotFoundException") => self.facts.read_no_cluster(),
            Err(error) => {
                let passing = matches!(
                    error.kind,
                    CallErrorKind::Throttled | CallErrorKind::Unreachable | CallErrorKind::UnknownOperation
                );
                self.strikes += u32::from(!passing);
                if self.strikes >= STRIKES {
                    return Err(left_alone(error, self.goal));
                }
                if self.told_trouble.is_first() {
                    tell(What::Warned(format!("a read failed and is tried again: {error}")));
                }
            }
        }
        Ok(())
    }

    /// Tells how far it is, when that is news.
    pub(super) fn tell_progress(&mut self, rollout: &Rollout, tell: &mut dyn FnMut(What)) {
        if let Some(line) = self.told.progress(&self.facts, self.goal) {
            tell(What::Progress(line));
        }
        let deployment = self.facts.service_deployment.as_ref().filter(|_| self.goal.until != Until::Paused);
        for (deployment, hook) in deployment.iter().flat_map(|one| one.pauses().map(move |hook| (one, hook))) {
            if self.told_pauses.insert(hook.hook_id.clone()) {
                // Not a remark of the ending: by then somebody has answered.
                tell(What::Progress(pause_line(deployment, hook)));
            }
        }
        if *rollout == Rollout::Moving(Phase::Back) && self.told_back.is_first() {
            let revision = short_name(&self.goal.task_definition);
            let reason = self.facts.failed_reason.as_deref().unwrap_or("the deployment is rolled back");
            let then = if self.facts.has_earlier(self.goal) {
                "until the earlier revision serves again"
            } else {
                "for what ECS does next"
            };
            tell(What::Progress(format!("{revision} failed ({reason}); waiting {then}")));
        }
    }

    /// Writes what was seen into the outcome, so that a cancelled run knows it too.
    pub(super) fn record(&self, outcome: &mut Outcome) {
        if let Some(service) = &self.facts.service {
            outcome.live_task_definition_arn = self.facts.serves(self.goal).map(str::to_owned);
            outcome.service = Some(service.clone());
        }
        if let Some(deployment) = &self.facts.service_deployment {
            outcome.service_deployment_arn = Some(deployment.service_deployment_arn.clone());
            outcome.service_deployment = Some(deployment.clone());
        }
    }
}

/// The targets of each group.
async fn targets(groups: &[String], aws: &Aws) -> Result<Vec<Vec<Target>>, CallError> {
    let mut reading = JoinSet::new();
    for arn in groups {
        let (aws, arn) = (aws.clone(), arn.clone());
        reading.spawn(async move { aws.describe_target_health(&arn).await });
    }
    reading.join_all().await.into_iter().collect()
}

/// A needed read is refused: the run ends, the deployment does not.
fn left_alone(error: CallError, goal: &Goal) -> Error {
    let mut error = Error::from(error);
    error.what = format!(
        "{} The deployment of {} to `{}` was started and goes on; how it ends is not known.",
        error.what,
        short_name(&goal.task_definition),
        goal.service
    );
    error
}
