//! What the loop carries from look to look at a deployment by CodeDeploy, and tells of it.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::join;
use tokio::time::Instant;

use super::judge::{Ending, Facts, Goal, LAG, Next, Phase, Rollout, is_ours, is_under_way, was_stopped_by_hand};
use super::words::line;
use crate::apply::facts::{GONE, live};
use crate::apply::once::Once;
use crate::apply::progress::{HEARTBEAT, minutes};
use crate::apply::{Outcome, What};
use crate::aws::Aws;
use crate::aws::call::{CallError, CallErrorKind};
use crate::error::Error;
use crate::model::code_deploy::CodeDeployment;
use crate::model::names::short_name;
use crate::model::service::Service;
use crate::model::verdict::Verdict;
use crate::plan::ServicePlan;

/// Looks at the deployment's status for one at the service and the target.
const RARELY: u32 = 3;

/// Refusals in a row of a read that is needed before the wait ends: one may be a session just being renewed.
pub(super) const STRIKES: u32 = 2;

/// Looks in a row that brought nothing after which the limit tells of that, and not of a deployment that nobody saw.
pub(super) const BLIND: u32 = 3;

/// Whether an error may pass by itself.
pub(super) fn passes(error: &CallError) -> bool {
    matches!(error.kind, CallErrorKind::Throttled | CallErrorKind::Unreachable)
}

/// What the loop carries from look to look.
pub(super) struct Watch<'a> {
    goal: &'a Goal,
    plan: &'a ServicePlan,
    aws: &'a Aws,
    pub facts: Facts,
    polls: u32,
    strikes: u32,
    told: String,
    told_at: Duration,
    warned: Once,
    warned_back: Once,
    /// The way back has been given its own time.
    pub extended: bool,
    /// Looks in a row that did not show the deployment, and what the last one met.
    pub blind: u32,
    pub unread: Option<CallError>,
    /// Reads of the service in a row that failed, and what the last one met.
    pub unseen: u32,
    pub hidden: Option<CallError>,
    /// The events told as done, by deployment.
    done: BTreeSet<(String, String)>,
}

impl<'a> Watch<'a> {
    /// Before the first look.
    pub fn new(goal: &'a Goal, plan: &'a ServicePlan, aws: &'a Aws, outcome: &Outcome) -> Watch<'a> {
        Watch {
            goal,
            plan,
            aws,
            facts: Facts { service: outcome.service.clone(), ..Facts::default() },
            polls: 0,
            strikes: 0,
            told: String::new(),
            told_at: Duration::ZERO,
            warned: Once::default(),
            warned_back: Once::default(),
            extended: false,
            blind: 0,
            unread: None,
            unseen: 0,
            hidden: None,
            done: BTreeSet::new(),
        }
    }

    /// One look: the deployment; the service and what is done to it when the status changed, at its end, and now and then.
    pub async fn look(&mut self, began: Instant, tell: &mut dyn FnMut(What)) -> Result<(), Error> {
        let back = self.facts.ours.as_ref().and_then(CodeDeployment::rollback_id).map(str::to_owned);
        let id = back.clone().unwrap_or_else(|| self.goal.deployment_id.clone());
        let before = self.newest().map(|deployment| (deployment.deployment_id.clone(), deployment.status.clone()));
        match self.aws.code_deployment(&id).await {
            Ok(deployment) => {
                (self.strikes, self.blind, self.unread) = (0, 0, None);
                if back.is_some() { self.facts.back = Some(deployment) } else { self.facts.ours = Some(deployment) }
            }
            // Reads lag behind what was only just begun.
            Err(error) if error.code.as_deref() == Some("DeploymentDoesNotExistException") && self.facts.now < LAG => {}
            Err(error) => {
                (self.blind, self.unread) = (self.blind + 1, Some(error.clone()));
                self.trouble(error, tell)?;
            }
        }
        self.facts.now = began.elapsed();
        let (changed, closed) = self.newest().map_or((true, false), |newest| {
            let now = (newest.deployment_id.clone(), newest.status.clone());
            (before != Some(now), newest.is_closed())
        });
        if changed {
            self.facts.closed_since = closed.then_some(self.facts.now);
            if closed {
                // What was read before says nothing of what the end brought.
                self.facts.service = None;
            }
        }
        if changed || closed || self.polls.is_multiple_of(RARELY) {
            let names = [self.goal.service.as_str()];
            let (service, target) = join!(
                self.aws.describe_services(&self.plan.cluster, &names),
                self.aws.deployment_target(&id, &self.goal.cluster, &self.goal.service),
            );
            self.take_service(service, tell)?;
            match target {
                Ok(Some(target)) => self.facts.target = Some(target),
                Ok(None) => {}
                Err(error) => self.warn(&error, tell),
            }
        }
        if closed && self.facts.next.is_none() && was_stopped_by_hand(&self.facts) {
            self.facts.next = self.next().await;
        }
        self.polls += 1;
        Ok(())
    }

    /// Somebody else's deployment of the group, in progress since ours was stopped. What cannot be read is no sign of one.
    async fn next(&self) -> Option<Next> {
        let ours = self.facts.ours.as_ref()?;
        let (application, group) = (ours.application_name.as_deref()?, ours.deployment_group_name.as_deref()?);
        for id in self.aws.code_deployments_in_progress(application, group).await.ok()? {
            let found = self.aws.code_deployment(&id).await.ok()?;
            if id != ours.deployment_id && !found.is_way_back() && found.create_time >= ours.create_time {
                return Some(Next { id });
            }
        }
        None
    }

    /// The deployment, or the way back from it.
    pub fn newest(&self) -> Option<&CodeDeployment> {
        self.facts.back.as_ref().or(self.facts.ours.as_ref())
    }

    fn take_service(
        &mut self,
        answer: Result<Vec<Service>, CallError>,
        tell: &mut dyn FnMut(What),
    ) -> Result<(), Error> {
        match answer {
            Ok(services) => {
                (self.unseen, self.hidden) = (0, None);
                match services.into_iter().next() {
                    Some(service) => {
                        self.facts.absent_reads = 0;
                        self.facts.service = Some(service);
                    }
                    None => self.facts.absent_reads += 1,
                }
            }
            Err(error) if error.code.as_deref() == Some("ClusterNotFoundException") => self.facts.absent_reads = GONE,
            Err(error) => {
                (self.unseen, self.hidden) = (self.unseen + 1, Some(error.clone()));
                return self.trouble(error, tell);
            }
        }
        Ok(())
    }

    fn trouble(&mut self, error: CallError, tell: &mut dyn FnMut(What)) -> Result<(), Error> {
        self.strikes += u32::from(!passes(&error));
        if self.strikes >= STRIKES {
            return Err(self.left_alone(error));
        }
        self.warn(&error, tell);
        Ok(())
    }

    /// The error of a deployment that cannot be followed any more.
    pub fn left_alone(&self, error: CallError) -> Error {
        let mut error = Error::from(error);
        let (id, revision) = (&self.goal.deployment_id, short_name(&self.goal.task_definition));
        let stands = match self.newest().filter(|newest| newest.is_closed()) {
            Some(newest) if newest.deployment_id == *id => {
                format!("is {}; what serves is not known", newest.status)
            }
            Some(back) => format!("failed, its way back is {}; what serves is not known", back.status),
            None => "goes on; how it ends is not known".to_owned(),
        };
        error.what = format!("{} {id} was begun for {revision} and {stands}.", error.what);
        error
    }

    fn warn(&mut self, error: &CallError, tell: &mut dyn FnMut(What)) {
        if self.warned.is_first() {
            tell(What::Warned(format!("a read failed and is tried again: {error}")));
        }
    }

    /// Tells the line of this look where it is a new one or none was told for long; new events; once, that the way back began.
    pub fn tell_progress(&mut self, rollout: &Rollout, tell: &mut dyn FnMut(What)) {
        if let (Some(newest), Some(target)) = (self.newest(), &self.facts.target) {
            let id = newest.deployment_id.clone();
            let done = target.done().map(|name| (id.clone(), name.to_owned()));
            let new: Vec<(String, String)> = done.filter(|event| !self.done.contains(event)).collect();
            if !new.is_empty() {
                let names: Vec<&str> = new.iter().map(|(_, name)| name.as_str()).collect();
                tell(What::Progress(format!("{id}: {} done", names.join(", "))));
                self.done.extend(new);
            }
        }
        let line = line(&self.facts);
        let silent = self.facts.now.saturating_sub(self.told_at) >= HEARTBEAT;
        if line != self.told || silent {
            let told =
                if line == self.told { format!("{line} · after {}", minutes(self.facts.now)) } else { line.clone() };
            tell(What::Progress(told));
            (self.told, self.told_at) = (line, self.facts.now);
        }
        if *rollout == Rollout::Moving(Phase::Back) && self.warned_back.is_first() {
            let (ours, revision) = (&self.goal.deployment_id, short_name(&self.goal.task_definition));
            tell(What::Progress(format!(
                "{ours} of {revision} failed; waiting until the earlier revision serves again"
            )));
        }
    }

    /// Tells what serves now.
    pub fn tell_success(&self, tell: &mut dyn FnMut(What)) {
        let Some(service) = &self.facts.service else { return };
        let revision = short_name(&self.goal.task_definition);
        if service.desired_count == 0 {
            tell(What::Warned(format!(
                "`{}` is asked to run 0 tasks: {revision} is deployed, and nothing was started to prove it",
                self.goal.service
            )));
        }
        let running = service.primary_task_set().map_or(0, |primary| primary.running_count);
        tell(What::Finished(format!("{revision} serves: {running} of {} tasks run", service.desired_count)));
    }

    /// Writes what was seen into the outcome, so that a cancelled run knows it too.
    pub fn record(&self, outcome: &mut Outcome) {
        if let Some(service) = &self.facts.service {
            outcome.live_task_definition_arn = live(service).map(str::to_owned);
            let made = service.task_sets.iter().find(|set| is_ours(set, self.goal));
            outcome.deployment_id = made.map(|set| set.id.clone()).or(outcome.deployment_id.take());
            outcome.service = Some(service.clone());
        }
        if self.facts.absent_reads >= GONE {
            outcome.live_task_definition_arn = None;
        }
        outcome.code_deployment.clone_from(&self.facts.ours);
    }

    /// Whether ours is stopped at such an ending: its tasks fail, or it is out of time before production begins to move.
    /// What is merely slow is left alone.
    pub fn is_to_be_stopped(&self, ending: &Ending) -> bool {
        let out_of_time = ending.verdict == Verdict::TimedOut
            && ending.phase == Some(Phase::Forward)
            && self.facts.now >= self.goal.patience
            && self.blind == 0
            && !is_under_way(&self.facts, self.goal);
        let fails = self.facts.failing.is_some() && self.facts.is_moving();
        self.goal.goes_back && !self.facts.stopped_by_us && (out_of_time || fails)
    }

    /// Stops ours; whether the way back is to be followed.
    pub async fn stop(&mut self, outcome: &mut Outcome, tell: &mut dyn FnMut(What)) -> bool {
        let id = &self.goal.deployment_id;
        let because = match self.facts.failing {
            Some(count) => format!("{count} of its tasks failed in the same way"),
            None => "the time is up".to_owned(),
        };
        tell(What::Started(format!("{because}: stopping {id}, so that CodeDeploy goes back")));
        match super::stop(id, self.aws, outcome).await {
            // One that had ended is looked at again: it tells how.
            Ok(_) => {
                (self.facts.stopped_by_us, self.extended) = (true, true);
                true
            }
            Err(error) => {
                tell(What::Warned(format!("{id} was not stopped: {error}")));
                false
            }
        }
    }
}
