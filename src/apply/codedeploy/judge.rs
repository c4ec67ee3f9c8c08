//! The judge of CodeDeploy's deployments: from what the APIs said so far to "still moving" or an ending. Pure.
//!
//! CodeDeploy's status alone proves nothing: ours is a success when the task set it made serves production, and rolled
//! back when the revision before does.

use std::time::Duration;

use crate::apply::facts::{GONE, same_revision};
use crate::error::Code;
use crate::inputs::Until;
use crate::model::code_deploy::{CodeDeployment, EcsTarget};
use crate::model::service::{Service, TaskSet};
use crate::model::verdict::Verdict;

/// What is to be proven.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Goal {
    /// The service's name.
    pub service: String,
    /// Its cluster's name.
    pub cluster: String,
    /// `d-…` of our deployment.
    pub deployment_id: String,
    /// The ARN of the task definition asked for.
    pub task_definition: String,
    /// What served before.
    pub previous_task_definition: Option<String>,
    /// The ids of the task sets there were before.
    pub task_sets_before: Vec<String>,
    /// What ends the wait well.
    pub until: Until,
    /// Whether it is stopped when it fails or is out of time, so that CodeDeploy goes back.
    pub goes_back: bool,
    /// How long it is given before that.
    pub patience: Duration,
}

/// Everything seen so far. Times are since the wait began.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Now.
    pub now: Duration,
    /// The limit is reached.
    pub late: bool,
    /// Our deployment as read last.
    pub ours: Option<CodeDeployment>,
    /// The deployment that goes back from it.
    pub back: Option<CodeDeployment>,
    /// What the newer of the two does to the service.
    pub target: Option<EcsTarget>,
    /// The service as read last.
    pub service: Option<Service>,
    /// In how many reads in a row the service was not there.
    pub absent_reads: u32,
    /// Since when the newer of the two has ended.
    pub closed_since: Option<Duration>,
    /// We had it stopped, because the time was up or its tasks fail.
    pub stopped_by_us: bool,
    /// How many of its tasks failed in the same way, where that is why.
    pub failing: Option<usize>,
    /// Somebody else's deployment, begun after somebody stopped ours.
    pub next: Option<Next>,
}

/// Somebody else's deployment that took the place of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Next {
    /// `d-…` of it.
    pub id: String,
}

/// How our deployment goes.
#[derive(Debug, Clone, PartialEq)]
pub enum Rollout {
    /// Not at an end.
    Moving(Phase),
    /// At an end.
    Ended(Ending),
}

/// What it does while it moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It goes forward.
    Forward,
    /// The new tasks are up, and it waits for somebody to let it go on.
    Ready,
    /// Production is on the new tasks, and the ones before wait for their end.
    Serving,
    /// CodeDeploy goes back.
    Back,
    /// It ended, and what followed is not visible yet.
    Settling,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Ending {
    /// The ending.
    pub verdict: Verdict,
    /// The cause, when it is not green.
    pub code: Option<Code>,
    /// What it was doing at the limit, when it did not end.
    pub phase: Option<Phase>,
    /// The task definition that took over.
    pub superseded_by: Option<String>,
}

/// How long to look for what followed an end: another task set, or the service's older reads.
const SETTLE: Duration = Duration::from_secs(15);

/// How long CodeDeploy may take to name the way back that it is set to go.
pub const LAG: Duration = Duration::from_mins(1);

/// How long another deployment may take to begin after somebody stopped ours: most likely for that one, which is made
/// when the way back has ended.
const TAKEOVER: Duration = Duration::from_secs(30);

/// Decides from everything seen so far.
pub fn judge(facts: &Facts, goal: &Goal) -> Rollout {
    match look(facts, goal) {
        // What ended is looked at until its end shows, however late.
        Rollout::Moving(phase) if facts.late && phase != Phase::Settling => {
            Rollout::Ended(Ending { phase: Some(phase), ..Ending::new(Verdict::TimedOut, Some(Code::TimedOut)) })
        }
        rollout => rollout,
    }
}

fn look(facts: &Facts, goal: &Goal) -> Rollout {
    let is_going = |service: &Service| matches!(service.status.as_str(), "DRAINING" | "INACTIVE");
    if facts.absent_reads >= GONE || facts.service.as_ref().is_some_and(is_going) {
        return Ending::new(Verdict::Failed, Some(Code::ServiceGone)).ended();
    }
    let Some(ours) = &facts.ours else { return Rollout::Moving(Phase::Forward) };
    if let Some(back) = &facts.back {
        return way_back(back, ours, facts, goal);
    }
    match ours.status.as_str() {
        "Succeeded" => proven(ours, facts, goal),
        "Failed" | "Stopped" => ended_badly(ours, facts, goal),
        "Ready" if goal.until == Until::Paused => Ending::new(Verdict::Paused, None).ended(),
        "Ready" => Rollout::Moving(Phase::Ready),
        // Created, Queued, InProgress, Baking, and whatever CodeDeploy adds.
        _ if serves(facts, goal) && is_shifted(ours, facts) => match goal.until {
            Until::Healthy => Ending::new(Verdict::Succeeded, None).ended(),
            _ => Rollout::Moving(Phase::Serving),
        },
        _ => Rollout::Moving(Phase::Forward),
    }
}

/// CodeDeploy calls ours a success: so it is, once the task set it made serves production.
fn proven(ours: &CodeDeployment, facts: &Facts, goal: &Goal) -> Rollout {
    if serves(facts, goal) {
        return Ending::new(Verdict::Succeeded, None).ended();
    }
    if !facts.is_settled(SETTLE) {
        return Rollout::Moving(Phase::Settling);
    }
    match rival(facts, goal) {
        Some(rival) => superseded(rival),
        None => Ending::new(Verdict::Failed, Some(cause(ours, facts))).ended(),
    }
}

/// Ours failed or was stopped, and no way back is known.
fn ended_badly(ours: &CodeDeployment, facts: &Facts, goal: &Goal) -> Rollout {
    if ours.rollback_id().is_some() {
        // Named, and not read yet.
        return Rollout::Moving(Phase::Back);
    }
    let patience = if goes_back(ours, facts) { LAG } else { SETTLE };
    if !facts.is_settled(patience) {
        return Rollout::Moving(Phase::Settling);
    }
    if let Some(taken_over) = taken_over(facts) {
        return taken_over;
    }
    match rival(facts, goal) {
        Some(rival) => superseded(rival),
        // Nothing had to be moved back.
        None if facts.stopped_by_us && serves_again(facts, goal) => {
            Ending::new(Verdict::RolledBack, Some(cause(ours, facts))).ended()
        }
        None => Ending::new(Verdict::Failed, Some(cause(ours, facts))).ended(),
    }
}

/// The way back, which is at its end when the revision before ours serves again.
fn way_back(back: &CodeDeployment, ours: &CodeDeployment, facts: &Facts, goal: &Goal) -> Rollout {
    let ending = |verdict| Ending::new(verdict, Some(cause(ours, facts))).ended();
    match back.status.as_str() {
        "Succeeded" if serves_again(facts, goal) => taken_over(facts).unwrap_or_else(|| ending(Verdict::RolledBack)),
        "Succeeded" if !facts.is_settled(SETTLE) => Rollout::Moving(Phase::Settling),
        "Succeeded" => match rival(facts, goal) {
            Some(rival) => superseded(rival),
            None => ending(Verdict::RollbackFailed),
        },
        "Failed" | "Stopped" => ending(Verdict::RollbackFailed),
        _ => Rollout::Moving(Phase::Back),
    }
}

/// Whether the task set of our deployment, with our revision, serves production.
fn serves(facts: &Facts, goal: &Goal) -> bool {
    primary(facts)
        .is_some_and(|primary| is_ours(primary, goal) && same_revision(&primary.task_definition, &goal.task_definition))
}

/// Whether the revision before ours serves production, by another task set than ours.
fn serves_again(facts: &Facts, goal: &Goal) -> bool {
    let is_idle = facts.service.as_ref().is_some_and(|service| service.desired_count == 0);
    let before = goal.previous_task_definition.as_deref();
    primary(facts).is_some_and(|primary| {
        !is_ours(primary, goal)
            && before.is_none_or(|before| same_revision(&primary.task_definition, before))
            && (primary.running_count > 0 || is_idle)
    })
}

/// Whether our deployment made a task set: by the id that it wrote on it, where there is one.
pub fn is_ours(set: &TaskSet, goal: &Goal) -> bool {
    match set.external_id.as_deref().filter(|id| !id.is_empty()) {
        Some(id) => id == goal.deployment_id,
        None => !goal.task_sets_before.contains(&set.id) && same_revision(&set.task_definition, &goal.task_definition),
    }
}

/// Production has been moved, and what was to be checked after that is done.
fn is_shifted(ours: &CodeDeployment, facts: &Facts) -> bool {
    ours.instance_termination_wait_time_started
        || facts.target.as_ref().is_some_and(|target| target.is_done("AfterAllowTraffic"))
}

/// The task set of somebody else's deployment, made since ours began, that serves production.
fn rival<'a>(facts: &'a Facts, goal: &Goal) -> Option<&'a TaskSet> {
    let back = facts.back.as_ref().map(|back| back.deployment_id.as_str());
    primary(facts).filter(|set| {
        !is_ours(set, goal)
            && !goal.task_sets_before.contains(&set.id)
            && (back.is_none() || set.external_id.as_deref() != back)
    })
}

/// Whether production begins to move, or has all the new tasks that it could move to: a deployment that is merely slow.
pub fn is_under_way(facts: &Facts, goal: &Goal) -> bool {
    let moves = facts.target.as_ref().is_some_and(|target| {
        target.labelled("Green").is_some_and(|green| green.traffic_weight > 0.0) || target.has_begun("AllowTraffic")
    });
    let is_up = facts.service.as_ref().is_some_and(|service| {
        let mut sets = service.task_sets.iter();
        sets.any(|set| is_ours(set, goal) && set.running_count >= service.desired_count)
    });
    moves || is_up
}

fn primary(facts: &Facts) -> Option<&TaskSet> {
    facts.service.as_ref().and_then(Service::primary_task_set)
}

/// Whether CodeDeploy is set to go back from such an end.
fn goes_back(ours: &CodeDeployment, facts: &Facts) -> bool {
    let alarmed = ours.error_information.as_ref().is_some_and(|error| error.code == "ALARM_ACTIVE");
    let event = match ours.status.as_str() {
        _ if alarmed => "DEPLOYMENT_STOP_ON_ALARM",
        "Stopped" => "DEPLOYMENT_STOP_ON_REQUEST",
        _ => "DEPLOYMENT_FAILURE",
    };
    let set = ours.auto_rollback_configuration.as_ref().filter(|rollback| rollback.enabled);
    facts.stopped_by_us || set.is_some_and(|rollback| rollback.events.iter().any(|known| known == event))
}

/// Why ours ended, by CodeDeploy's own code.
/// <https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_ErrorInformation.html>
fn cause(ours: &CodeDeployment, facts: &Facts) -> Code {
    let code = ours.error_information.as_ref().map_or("", |error| error.code.as_str());
    match code {
        "" | "MANUAL_STOP" if facts.stopped_by_us && facts.failing.is_none() => Code::TimedOut,
        "" | "MANUAL_STOP" if facts.stopped_by_us => Code::DeploymentFailed,
        "HOOK_EXECUTION_FAILURE" => Code::HookFailed,
        "ALARM_ACTIVE" => Code::AlarmTriggered,
        "MANUAL_STOP" => Code::StoppedByHand,
        "" if ours.status == "Stopped" => Code::StoppedByHand,
        _ => Code::DeploymentFailed,
    }
}

/// Whether somebody stopped our deployment, and not this run.
pub fn was_stopped_by_hand(facts: &Facts) -> bool {
    facts.ours.as_ref().is_some_and(|ours| ours.is_closed() && cause(ours, facts) == Code::StoppedByHand)
}

/// What somebody stopped ours for: another deployment, which may only be about to begin.
fn taken_over(facts: &Facts) -> Option<Rollout> {
    if !was_stopped_by_hand(facts) {
        return None;
    }
    let Some(next) = &facts.next else {
        return (!facts.is_settled(TAKEOVER)).then_some(Rollout::Moving(Phase::Settling));
    };
    let mut sets = facts.service.iter().flat_map(|service| &service.task_sets);
    let made = sets.find(|set| set.external_id.as_deref() == Some(&next.id));
    Some(superseded_by(made.map(|set| set.task_definition.clone())))
}

fn superseded(rival: &TaskSet) -> Rollout {
    superseded_by(Some(rival.task_definition.clone()))
}

fn superseded_by(superseded_by: Option<String>) -> Rollout {
    Ending { superseded_by, ..Ending::new(Verdict::Superseded, Some(Code::Superseded)) }.ended()
}

impl Facts {
    /// Whether our deployment has not ended.
    pub fn is_moving(&self) -> bool {
        self.ours.as_ref().is_some_and(|ours| !ours.is_closed())
    }

    /// Whether the end is so long ago that nothing more is to be expected.
    fn is_settled(&self, patience: Duration) -> bool {
        let since = self.closed_since.unwrap_or(self.now);
        self.now.saturating_sub(since) >= patience
    }
}

impl Ending {
    pub(super) fn new(verdict: Verdict, code: Option<Code>) -> Self {
        Self { verdict, code, phase: None, superseded_by: None }
    }

    fn ended(self) -> Rollout {
        Rollout::Ended(self)
    }
}
