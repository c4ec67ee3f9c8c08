//! The loop that follows a deployment by CodeDeploy: looks, judges, tells what changed, until it is at an end.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::join;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::failing::Failing;
use super::judge::{Ending, Facts, Goal, LAG, Next, Phase, Rollout, is_ours, is_under_way, judge, was_stopped_by_hand};
use super::words::{explain, line};
use crate::apply::facts::{GONE, live};
use crate::apply::once::Once;
use crate::apply::progress::{HEARTBEAT, minutes};
use crate::apply::{Outcome, What};
use crate::aws::Aws;
use crate::aws::call::{CallError, CallErrorKind};
use crate::error::{Code, Error};
use crate::inputs::Wait;
use crate::model::code_deploy::CodeDeployment;
use crate::model::names::short_name;
use crate::model::service::Service;
use crate::model::verdict::Verdict;
use crate::plan::ServicePlan;

/// The longest wait, whatever the group adds.
const LONGEST: Duration = Duration::from_hours(6);

/// How long the way back may take at least: a limit must not make it lie.
const WAY_BACK: Duration = Duration::from_mins(15);

/// How much longer than the limit the last look may take.
const GRACE: Duration = Duration::from_millis(900);

/// How long a look may take at what only adds to the wait.
const PATIENCE: Duration = Duration::from_secs(5);

/// The configuration that moves all traffic at once, which needs no look.
const ALL_AT_ONCE: &str = "CodeDeployDefault.ECSAllAtOnce";

/// Looks at the deployment's status for one at the service and the target.
const RARELY: u32 = 3;

/// Refusals in a row of a read that is needed before the wait ends: one may be a session just being renewed.
const STRIKES: u32 = 2;

/// Looks in a row that brought nothing after which the limit tells of that, and not of a deployment that nobody saw.
const BLIND: u32 = 3;

/// Follows our deployment to its end, which it writes into `outcome`. Where asked for, it is stopped when its tasks keep
/// failing, or at the limit, and the way back is followed too.
///
/// # Errors
/// The deployment or the service cannot be read any more. CodeDeploy goes on by itself then, and the error says so.
pub async fn follow(
    goal: &Goal,
    plan: &ServicePlan,
    wait: &Wait,
    aws: &Aws,
    outcome: &mut Outcome,
    tell: &mut dyn FnMut(What),
) -> Result<(), Error> {
    let began = Instant::now();
    let mut limit = wait.limit;
    let mut deadline = began + limit;
    let mut watch = Watch {
        goal,
        plan,
        aws,
        facts: Facts::default(),
        polls: 0,
        strikes: 0,
        told: String::new(),
        told_at: Duration::ZERO,
        warned: Once::default(),
        warned_back: Once::default(),
        extended: false,
        is_budgeted: false,
        blind: 0,
        unread: None,
        done: BTreeSet::new(),
    };
    watch.facts.service.clone_from(&outcome.service);
    let mut failing = Failing::new(wait.fail_fast_after);
    loop {
        watch.facts.late = Instant::now() >= deadline;
        if let Ok(looked) = timeout_at(deadline + GRACE, watch.look(began, tell)).await {
            looked?;
        } else {
            (watch.facts.late, watch.blind) = (true, watch.blind + 1);
        }
        watch.facts.now = began.elapsed();
        watch.record(outcome);
        if let Some(longer) = watch.budget(wait.limit, tell).await {
            (limit, deadline) = (longer, began + longer);
            watch.facts.late = false;
        }
        let rollout = judge(&watch.facts, goal);
        watch.tell_progress(&rollout, tell);
        // Not "still moving": nobody saw it move.
        if let Rollout::Ended(Ending { verdict: Verdict::TimedOut, .. }) = &rollout
            && watch.blind >= BLIND
            && let Some(error) = watch.unread.take()
        {
            return Err(watch.left_alone(error));
        }
        let mut ending = match rollout {
            Rollout::Ended(ending) => Some(ending),
            Rollout::Moving(Phase::Forward) if !watch.facts.stopped_by_us && watch.facts.failing.is_none() => {
                watch.facts.failing = failing.look(&watch.facts, goal, plan, aws, tell).await;
                watch.facts.failing.map(|_| Ending::new(Verdict::Failed, Some(Code::DeploymentFailed)))
            }
            Rollout::Moving(phase) => {
                if watch.facts.late && phase == Phase::Settling {
                    deadline = Instant::now() + LAG;
                }
                None
            }
        };
        if ending.as_ref().is_some_and(|ending| watch.is_to_be_stopped(ending)) && watch.stop(outcome, tell).await {
            (deadline, ending) = (Instant::now() + WAY_BACK, None);
        }
        // The way back began by itself, and is not cut short by a limit that was for the way forward.
        if ending.as_ref().is_some_and(|ending| ending.phase == Some(Phase::Back)) && !watch.extended {
            (deadline, ending, watch.extended) = (Instant::now() + WAY_BACK, None, true);
        }
        if let Some(ending) = ending {
            outcome.verdict = Some(ending.verdict);
            outcome.cause = explain(&ending, &watch.facts, goal, limit);
            outcome.superseded_by.clone_from(&ending.superseded_by);
            if ending.verdict == Verdict::Succeeded {
                watch.tell_success(tell);
            }
            return Ok(());
        }
        // At most a heartbeat: a longer pause would be silent.
        let pause = wait.max_delay.min(HEARTBEAT);
        sleep(pause.min(deadline.saturating_duration_since(Instant::now()))).await;
        tokio::task::yield_now().await;
    }
}

/// Follows a change of settings alone: until as many tasks run as are asked for.
///
/// # Errors
/// The service cannot be read.
pub async fn settle(
    plan: &ServicePlan,
    wait: &Wait,
    aws: &Aws,
    outcome: &mut Outcome,
    tell: &mut dyn FnMut(What),
) -> Result<(), Error> {
    let deadline = Instant::now() + wait.limit;
    let (mut strikes, mut blind, mut warned) = (0, 0, Once::default());
    loop {
        let name = outcome.service.as_ref().map(|service| service.service_name.clone()).unwrap_or_default();
        let services = match aws.describe_services(&plan.cluster, &[&name]).await {
            Ok(services) => {
                (strikes, blind) = (0, 0);
                services
            }
            Err(error) => {
                blind += 1;
                strikes += u32::from(!passes(&error));
                // At the limit, what nobody saw is not called slow.
                if strikes >= STRIKES || (blind >= BLIND && Instant::now() >= deadline) {
                    let mut error = Error::from(error);
                    error.what = format!(
                        "{} The settings of `{name}` were changed; whether as many tasks run as asked for is not known.",
                        error.what
                    );
                    return Err(error);
                }
                if warned.is_first() {
                    tell(What::Warned(format!("`{}` fails and is tried again: {}", error.action, error.message)));
                }
                Vec::new()
            }
        };
        if let Some(service) = services.into_iter().next() {
            let runs = service
                .primary_task_set()
                .is_some_and(|primary| primary.running_count == service.desired_count && primary.pending_count == 0);
            outcome.live_task_definition_arn = live(&service).map(str::to_owned);
            outcome.service = Some(service);
            if runs {
                outcome.verdict = Some(Verdict::Succeeded);
                return Ok(());
            }
        }
        if Instant::now() >= deadline {
            outcome.verdict = Some(Verdict::TimedOut);
            outcome.cause = Some(Error::new(
                crate::error::Code::TimedOut,
                format!("`{name}` does not run as many tasks as asked for after {}.", minutes(wait.limit)),
                "Its settings were changed, and ECS goes on with them.",
                "Read the service's events; raise `wait-for-minutes` if it is only slow.",
            ));
            return Ok(());
        }
        sleep(wait.max_delay.min(deadline.saturating_duration_since(Instant::now()))).await;
        tokio::task::yield_now().await;
    }
}

/// Whether an error may pass by itself.
fn passes(error: &CallError) -> bool {
    matches!(error.kind, CallErrorKind::Throttled | CallErrorKind::Unreachable)
}

/// The limit with so many minutes of waits more, where that is longer.
pub(super) fn with_waits(limit: Duration, waits: [u32; 3]) -> Option<Duration> {
    let longer = limit + Duration::from_mins(waits.into_iter().map(u64::from).sum());
    Some(longer.min(LONGEST)).filter(|longer| *longer > limit)
}

/// What the loop carries from look to look.
struct Watch<'a> {
    goal: &'a Goal,
    plan: &'a ServicePlan,
    aws: &'a Aws,
    facts: Facts,
    polls: u32,
    strikes: u32,
    told: String,
    told_at: Duration,
    warned: Once,
    warned_back: Once,
    /// The way back has been given its own time.
    extended: bool,
    /// The limit was made longer by the waits, if there are any.
    is_budgeted: bool,
    /// Looks in a row that did not show the deployment, and what the last one met.
    blind: u32,
    unread: Option<CallError>,
    /// The events told as done, by deployment.
    done: BTreeSet<(String, String)>,
}

impl Watch<'_> {
    /// One look: the deployment; the service and what is done to it when the status changed, at its end, and now and then.
    async fn look(&mut self, began: Instant, tell: &mut dyn FnMut(What)) -> Result<(), Error> {
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

    fn newest(&self) -> Option<&CodeDeployment> {
        self.facts.back.as_ref().or(self.facts.ours.as_ref())
    }

    fn take_service(
        &mut self,
        answer: Result<Vec<Service>, CallError>,
        tell: &mut dyn FnMut(What),
    ) -> Result<(), Error> {
        match answer {
            Ok(services) => match services.into_iter().next() {
                Some(service) => {
                    self.facts.absent_reads = 0;
                    self.facts.service = Some(service);
                }
                None => self.facts.absent_reads += 1,
            },
            Err(error) if error.code.as_deref() == Some("ClusterNotFoundException") => self.facts.absent_reads = GONE,
            Err(error) => return self.trouble(error, tell),
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

    fn left_alone(&self, error: CallError) -> Error {
        let mut error = Error::from(error);
        error.what = format!(
            "{} {} was begun for {} and goes on; how it ends is not known.",
            error.what,
            self.goal.deployment_id,
            short_name(&self.goal.task_definition)
        );
        error
    }

    fn warn(&mut self, error: &CallError, tell: &mut dyn FnMut(What)) {
        if self.warned.is_first() {
            tell(What::Warned(format!("a read failed and is tried again: {error}")));
        }
    }

    /// The limit with the waits that the deployment group and the configuration ask for; once, when ours is seen.
    async fn budget(&mut self, limit: Duration, tell: &mut dyn FnMut(What)) -> Option<Duration> {
        let ours = self.facts.ours.as_ref().filter(|_| !self.is_budgeted)?;
        self.is_budgeted = true;
        let waits = ours.blue_green_deployment_configuration.as_ref();
        let (ready, termination) = waits.map_or((0, 0), |waits| (waits.ready_minutes(), waits.termination_minutes()));
        let shift = match ours.deployment_config_name.as_deref() {
            Some(name) if name != ALL_AT_ONCE => self.shift_minutes(name, tell).await,
            _ => 0,
        };
        let longer = with_waits(limit, [ready, shift, termination])?;
        tell(What::Progress(format!(
            "waiting for {} at most: its deployment group waits {ready} min before traffic is shifted, shifts it in \
             {shift} min, and waits {termination} min before the old tasks are removed",
            minutes(longer)
        )));
        Some(longer)
    }

    /// How long a configuration takes to move traffic; 0 where that cannot be read, which is told.
    async fn shift_minutes(&self, configuration: &str, tell: &mut dyn FnMut(What)) -> u32 {
        let missing = match timeout(PATIENCE, self.aws.traffic_routing(configuration)).await {
            Ok(Ok(routing)) => return routing.minutes(),
            Ok(Err(error)) => format!("`{}` failed: {}", error.action, error.message),
            Err(_) => format!("AWS took longer than {} seconds", PATIENCE.as_secs()),
        };
        tell(What::Warned(format!(
            "how long `{configuration}` takes to move traffic is not known, and not added to the wait: {missing}"
        )));
        0
    }

    fn tell_progress(&mut self, rollout: &Rollout, tell: &mut dyn FnMut(What)) {
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

    fn tell_success(&self, tell: &mut dyn FnMut(What)) {
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
    fn record(&self, outcome: &mut Outcome) {
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
    fn is_to_be_stopped(&self, ending: &Ending) -> bool {
        let out_of_time = ending.verdict == Verdict::TimedOut
            && ending.phase == Some(Phase::Forward)
            && self.facts.now >= self.goal.patience
            && self.blind == 0
            && !is_under_way(&self.facts, self.goal);
        let fails = self.facts.failing.is_some() && self.facts.is_moving();
        self.goal.goes_back && !self.facts.stopped_by_us && (out_of_time || fails)
    }

    /// Stops ours; whether the way back is to be followed.
    async fn stop(&mut self, outcome: &mut Outcome, tell: &mut dyn FnMut(What)) -> bool {
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
