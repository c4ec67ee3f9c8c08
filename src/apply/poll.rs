//! The one poll loop: looks, judges, tells what changed, until our deployment is at an end or the limit is reached.

use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::ending::explain;
use super::facts::{Facts, Goal, Tracking, live};
use super::progress::{HEARTBEAT, Told};
use super::rollout::{Ending, Phase, Rollout, judge};
use super::track::{self, Question, Track};
use super::{Outcome, What};
use crate::aws::Aws;
use crate::aws::call::{CallError, CallErrorKind};
use crate::error::{Code, Error};
use crate::inputs::Wait;
use crate::model::names::short_name;
use crate::model::service::Service;
use crate::model::verdict::Verdict;
use crate::plan::ServicePlan;

/// How much longer than the limit the last look may take.
const GRACE: Duration = Duration::from_millis(900);

/// How long a finished wait may look for what followed.
const PATIENCE: Duration = Duration::from_secs(5);

/// Refusals in a row of a read that is needed before the wait ends: one may be a session just being renewed.
const STRIKES: u32 = 2;

/// Follows our deployment to its end, which it writes into `outcome`.
///
/// # Errors
/// The service cannot be read any more. The deployment goes on by itself then, and the error says so.
pub async fn follow(
    goal: &Goal,
    plan: &ServicePlan,
    wait: &Wait,
    aws: &Aws,
    outcome: &mut Outcome,
    tell: &mut dyn FnMut(What),
) -> Result<(), Error> {
    let old = plan.service.iter().flat_map(|service| service.events.iter().map(|event| event.id.clone())).collect();
    let began = Instant::now();
    let deadline = began + wait.limit;
    let mut watch = Watch {
        goal,
        aws,
        cluster: &plan.cluster,
        track: Track::new(plan.service.as_ref(), goal),
        told: Told::new(old),
        facts: Facts::default(),
        strikes: 0,
        told_trouble: false,
        told_back: false,
    };
    watch.facts.old_events = plan.service.iter().flat_map(|s| s.events.iter().map(|event| event.id.clone())).collect();
    if !goal.is_new() {
        watch.facts.tracking = Tracking::Absent;
    }
    // UpdateService's own answer: nothing can be fresher.
    if let Some(service) = outcome.service.clone() {
        watch.facts.read_service(service, goal);
    }
    let mut polls = 0;
    loop {
        watch.facts.now = began.elapsed();
        watch.facts.late = Instant::now() >= deadline;
        match timeout_at(deadline + GRACE, watch.look(tell)).await {
            Ok(looked) => looked?,
            Err(_) => watch.facts.late = true,
        }
        watch.facts.now = began.elapsed();
        watch.record(outcome);
        let rollout = judge(&watch.facts, goal);
        watch.tell_progress(&rollout, tell);
        if let Rollout::Ended(ending) = rollout {
            watch.conclude(&ending, wait.limit, outcome, tell).await;
            return Ok(());
        }
        let next = (Instant::now() + pause(polls, wait.max_delay, &goal.deployment_id)).min(deadline);
        polls += 1;
        // A pause longer than a minute still has its heartbeats.
        while let beat = began + watch.told.at + HEARTBEAT
            && beat < next
        {
            sleep_until(beat).await;
            watch.facts.now = began.elapsed();
            watch.tell_progress(&Rollout::Moving(Phase::Forward), tell);
        }
        if next <= Instant::now() {
            tokio::task::yield_now().await;
        }
        sleep_until(next).await;
    }
}

/// The pause before the next poll: from one second growing by half each time to the longest, shortened by up to a
/// tenth so that jobs started together drift apart. Not random: a run can be replayed.
fn pause(polls: u32, longest: Duration, deployment_id: &str) -> Duration {
    let grown = Duration::from_secs(1).mul_f64(1.5_f64.powi(i32::try_from(polls.min(16)).unwrap_or(16)));
    let spread = deployment_id.bytes().map(u32::from).sum::<u32>().wrapping_add(polls.wrapping_mul(7)) % 11;
    grown.min(longest).mul_f64(1.0 - f64::from(spread) / 100.0)
}

/// What the loop carries from poll to poll.
struct Watch<'a> {
    goal: &'a Goal,
    aws: &'a Aws,
    cluster: &'a str,
    track: Track,
    told: Told,
    facts: Facts,
    strikes: u32,
    told_trouble: bool,
    told_back: bool,
}

impl Watch<'_> {
    /// One look: the service and our service deployment, at once.
    async fn look(&mut self, tell: &mut dyn FnMut(What)) -> Result<(), Error> {
        let question = self.track.question(&self.facts);
        let names = [self.goal.service.as_str()];
        let (service, answer) = tokio::join!(
            self.aws.describe_services(self.cluster, &names),
            track::ask(question, self.cluster, &self.goal.service, self.aws),
        );
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
        Ok(())
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
                if !self.told_trouble {
                    self.told_trouble = true;
                    tell(What::Warned(format!("`{}` fails and is tried again: {}", error.action, error.message)));
                }
            }
        }
        Ok(())
    }

    fn tell_progress(&mut self, rollout: &Rollout, tell: &mut dyn FnMut(What)) {
        if let Some(line) = self.told.progress(&self.facts, self.goal) {
            tell(What::Progress(line));
        }
        if *rollout == Rollout::Moving(Phase::Back) && !self.told_back {
            self.told_back = true;
            let revision = short_name(&self.goal.task_definition);
            let reason = self.facts.failed_reason.as_deref().unwrap_or("the deployment is rolled back");
            tell(What::Warned(format!(
                "{revision} failed ({reason}); waiting until the earlier revision serves again"
            )));
        }
    }

    /// Writes what was seen into the outcome, so that a cancelled run knows it too.
    fn record(&self, outcome: &mut Outcome) {
        if let Some(service) = &self.facts.service {
            outcome.live_task_definition_arn = live(service).map(str::to_owned);
            outcome.service = Some(service.clone());
        }
        if let Some(deployment) = &self.facts.service_deployment {
            outcome.service_deployment_arn = Some(deployment.service_deployment_arn.clone());
            outcome.service_deployment = Some(deployment.clone());
        }
    }

    async fn conclude(&mut self, ending: &Ending, limit: Duration, outcome: &mut Outcome, tell: &mut dyn FnMut(What)) {
        outcome.verdict = Some(ending.verdict);
        outcome.cause = explain(ending, &self.facts, self.goal, limit);
        outcome.superseded_by.clone_from(&ending.superseded_by);
        if ending.code == Some(Code::ServiceGone) {
            outcome.live_task_definition_arn = None;
        }
        if ending.verdict != Verdict::Succeeded {
            return;
        }
        // The verdict stands already: a slow read must not hold it up.
        let _ = timeout(PATIENCE, self.catch_up(outcome)).await;
        let Some(service) = &self.facts.service else { return };
        let revision = short_name(&self.goal.task_definition);
        if service.desired_count == 0 {
            tell(What::Warned(format!(
                "`{}` is asked to run 0 tasks: {revision} is deployed, and nothing was started to prove it",
                self.goal.service
            )));
        }
        match service.primary() {
            Some(other) if other.id != self.goal.deployment_id => tell(What::Warned(format!(
                "another deployment began after this one was done: {}",
                short_name(&other.task_definition)
            ))),
            _ => tell(What::Finished(format!(
                "{revision} serves: {} of {} tasks run",
                service.running_count, service.desired_count
            ))),
        }
    }

    /// A service deployment may be done while the read of the service is still old: looks again until it shows ours.
    async fn catch_up(&mut self, outcome: &mut Outcome) {
        for _ in 0..3 {
            if self.facts.service.as_ref().and_then(Service::primary).is_some_and(|p| p.id == self.goal.deployment_id) {
                // Proven by its own deployment, even while old tasks still drain.
                outcome.live_task_definition_arn = Some(self.goal.task_definition.clone());
                return;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
            let names = [self.goal.service.as_str()];
            if let Ok(services) = self.aws.describe_services(self.cluster, &names).await
                && let Some(service) = services.into_iter().next()
            {
                self.facts.read_service(service, self.goal);
                self.record(outcome);
            }
        }
    }
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
