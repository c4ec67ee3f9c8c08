//! The judge: from what the API said so far to "still moving" or an ending. Pure.
//!
//! Our service deployment decides where it is known; the service's own list of deployments decides otherwise. One read
//! may be older than the one before it, so nothing bad is concluded from a single read that only lacks something.

use std::time::Duration;

use super::facts::{Facts, GONE, Goal, Tracking, has_tripped, is_complete, rolls_back, same_revision};
use super::until::{Reached, reached};
use crate::error::Code;
use crate::model::service::{Deployment, LifecycleHook, Service, ServiceDeployment};
use crate::model::verdict::Verdict;

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
    /// No read shows it yet.
    Unseen,
    /// It goes forward.
    Forward,
    /// It failed, and ECS goes back.
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
    /// ECS's own sentence about it.
    pub reason: Option<String>,
    /// What it was doing at the limit, when it did not end.
    pub phase: Option<Phase>,
    /// The task definition that took over.
    pub superseded_by: Option<String>,
    /// What was waited for, when the deployment itself is not at an end.
    pub reached: Option<Reached>,
}

/// How long a read may lag behind what ECS already told: nothing is concluded from a lack before that.
const LAG: Duration = Duration::from_mins(1);

/// How long to look for what followed an ending that ECS already told (who took over, whether the old one serves).
const SETTLE: Duration = Duration::from_secs(15);

/// Decides from everything seen so far.
pub fn judge(facts: &Facts, goal: &Goal) -> Rollout {
    let phase = match look(facts, goal) {
        Rollout::Moving(phase) => phase,
        ended @ Rollout::Ended(_) => return ended,
    };
    if phase == Phase::Forward
        && let Some(reached) = reached(facts, goal)
    {
        let verdict = if matches!(reached, Reached::Pause(..)) { Verdict::Paused } else { Verdict::Succeeded };
        return Ending { reached: Some(reached), ..Ending::new(verdict, None) }.ended();
    }
    if !facts.late {
        return Rollout::Moving(phase);
    }
    let reason = facts.service_deployment.as_ref().and_then(|deployment| deployment.status_reason.clone());
    Ending { phase: Some(phase), reason, ..Ending::new(Verdict::TimedOut, Some(Code::TimedOut)) }.ended()
}

fn look(facts: &Facts, goal: &Goal) -> Rollout {
    if facts.absent_reads >= GONE {
        return Ending::new(Verdict::Failed, Some(Code::ServiceGone)).ended();
    }
    let Some(service) = &facts.service else { return Rollout::Moving(Phase::Unseen) };
    if matches!(service.status.as_str(), "DRAINING" | "INACTIVE") {
        return Ending::new(Verdict::Failed, Some(Code::ServiceGone)).ended();
    }
    match &facts.service_deployment {
        Some(deployment) => by_service_deployment(deployment, service, facts, goal),
        None => by_service(service, facts, goal),
    }
}

/// What our service deployment says.
fn by_service_deployment(deployment: &ServiceDeployment, service: &Service, facts: &Facts, goal: &Goal) -> Rollout {
    let primary = service.primary();
    let others_turn = primary.filter(|primary| primary.id != goal.deployment_id);
    let tripped = has_tripped(deployment) || facts.failed_since.is_some();
    // A read from before the end cannot show what followed.
    let seen_since = facts.closed_since.is_none_or(|since| facts.read_at >= since);
    let settled = facts.late || (seen_since && facts.elapsed(facts.closed_since) >= SETTLE);
    let ending = |verdict| Ending {
        reason: deployment.status_reason.clone().or_else(|| deployment.rollback.clone().and_then(|back| back.reason)),
        ..Ending::new(verdict, Some(cause(deployment, facts)))
    };
    match deployment.status.as_str() {
        "SUCCESSFUL" => Ending::new(Verdict::Succeeded, None).ended(),
        "ROLLBACK_FAILED" => ending(Verdict::RollbackFailed).ended(),
        "ROLLBACK_SUCCESSFUL" => {
            let serves = others_turn.is_some_and(|primary| is_complete(primary, service));
            if serves || settled { ending(Verdict::RolledBack).ended() } else { Rollout::Moving(Phase::Settling) }
        }
        "STOPPED" => {
            // A newer deployment stops ours, and may be gone again; without one, ECS gave up and left things as they are.
            let rival = others_turn.filter(|primary| Some(&primary.id) != goal.previous_deployment_id.as_ref());
            match (rival, &facts.overtaken_by) {
                _ if tripped => ending(Verdict::Failed).ended(),
                (Some(primary), _) if is_later(primary, facts, goal) || settled => superseded(primary).ended(),
                (_, Some(gone)) => superseded_by(gone).ended(),
                // Whether there is one can only be told from a read since.
                _ if settled && seen_since => ending(Verdict::Failed).ended(),
                _ => Rollout::Moving(Phase::Settling),
            }
        }
        // It will be STOPPED; at the limit, what is known already is told.
        "STOP_REQUESTED" if facts.late && tripped => ending(Verdict::Failed).ended(),
        "STOP_REQUESTED" if facts.late => match others_turn.filter(|primary| is_later(primary, facts, goal)) {
            Some(primary) => superseded(primary).ended(),
            None => Rollout::Moving(Phase::Settling),
        },
        "STOP_REQUESTED" => Rollout::Moving(Phase::Settling),
        "ROLLBACK_REQUESTED" | "ROLLBACK_IN_PROGRESS" => Rollout::Moving(Phase::Back),
        // PENDING, IN_PROGRESS, and whatever ECS adds. An older read may follow one that said more.
        _ if !facts.fell => Rollout::Moving(Phase::Forward),
        _ if facts.failed_since.is_none() || rolls_back(service) => Rollout::Moving(Phase::Back),
        _ => Rollout::Moving(Phase::Settling),
    }
}

/// What the service's list of deployments says.
fn by_service(service: &Service, facts: &Facts, goal: &Goal) -> Rollout {
    let Some(primary) = service.primary() else { return Rollout::Moving(Phase::Unseen) };
    if primary.id == goal.deployment_id {
        return ours_is_primary(primary, service, facts, goal);
    }
    // While the service deployment may still be found, it will say better who did what.
    let patient = facts.tracking == Tracking::Looking && !facts.late;
    let back = is_rollback(primary, facts, goal);
    let listed = facts.ours(goal).is_some();
    if back {
        // A read that only shows the state before us may simply be old.
        let old_read = !listed && facts.failed_since.is_none() && !facts.rollback_ids.contains(&primary.id);
        return match primary.rollout_state.as_deref() {
            _ if old_read && facts.elapsed(facts.missing_since) < LAG => {
                Rollout::Moving(if facts.seen { Phase::Settling } else { Phase::Unseen })
            }
            _ if patient => Rollout::Moving(Phase::Back),
            Some("FAILED") => failed(Verdict::RollbackFailed, facts).ended(),
            _ if is_complete(primary, service) => failed(Verdict::RolledBack, facts).ended(),
            _ => Rollout::Moving(Phase::Back),
        };
    }
    let certain = is_later(primary, facts, goal) || facts.elapsed(facts.missing_since) >= LAG;
    if patient || !certain {
        return Rollout::Moving(if facts.seen { Phase::Settling } else { Phase::Unseen });
    }
    superseded(primary).ended()
}

fn ours_is_primary(ours: &Deployment, service: &Service, facts: &Facts, goal: &Goal) -> Rollout {
    if ours.rollout_state.as_deref() == Some("FAILED") {
        let way_back = rolls_back(service) || facts.tracking == Tracking::Looking;
        let given_up = facts.late || facts.elapsed(facts.failed_since) >= LAG;
        return if goal.is_new() && way_back && !given_up {
            Rollout::Moving(Phase::Back)
        } else {
            failed(Verdict::Failed, facts).ended()
        };
    }
    let alone = service.deployments.iter().all(|other| other.id == ours.id || other.running_count == 0);
    let proven = is_complete(ours, service)
        && same_revision(&ours.task_definition, &goal.task_definition)
        // Both revisions run side by side until such a deployment has cleaned up; its service deployment knows better.
        && (!service.shifts_traffic() || (alone && (facts.tracking != Tracking::Looking || facts.late)));
    // Without a deployment of its own, a change of settings is done when the counts say so.
    let counted = goal.is_new()
        || (service.running_count == service.desired_count
            && service.pending_count == 0
            && (service.desired_count == goal.desired_count || facts.now >= LAG));
    if proven && counted {
        return Ending::new(Verdict::Succeeded, None).ended();
    }
    Rollout::Moving(Phase::Forward)
}

/// Whether PRIMARY is the way back from ours: ECS said so, or the deployment before ours is PRIMARY again, or ours is
/// FAILED and the task definition before it is back.
fn is_rollback(primary: &Deployment, facts: &Facts, goal: &Goal) -> bool {
    let before = goal.previous_task_definition.as_deref().unwrap_or_default();
    facts.rollback_ids.contains(&primary.id)
        || Some(&primary.id) == goal.previous_deployment_id.as_ref()
        || (facts.failed_since.is_some() && same_revision(&primary.task_definition, before))
}

/// Whether PRIMARY came after ours: AWS's own times say so, or ours was there and is not PRIMARY any more.
fn is_later(primary: &Deployment, facts: &Facts, goal: &Goal) -> bool {
    if Some(&primary.id) == goal.previous_deployment_id.as_ref() {
        return false;
    }
    match (primary.created_at, goal.created_at) {
        (Some(theirs), Some(ours)) => theirs > ours,
        _ => facts.ours(goal).is_some(),
    }
}

fn superseded(primary: &Deployment) -> Ending {
    superseded_by(&primary.task_definition)
}

fn superseded_by(task_definition: &str) -> Ending {
    Ending {
        superseded_by: Some(task_definition.to_owned()),
        ..Ending::new(Verdict::Superseded, Some(Code::Superseded))
    }
}

fn failed(verdict: Verdict, facts: &Facts) -> Ending {
    let reason = facts.failed_reason.clone();
    Ending { code: Some(cause_of(reason.as_deref().unwrap_or_default())), reason, ..Ending::new(verdict, None) }
}

/// Who ended our deployment: ECS's sentence first, then what tripped, then whether somebody asked.
fn cause(deployment: &ServiceDeployment, facts: &Facts) -> Code {
    let told = [deployment.status_reason.as_deref(), deployment.rollback.as_ref().and_then(|b| b.reason.as_deref())];
    let told = told.into_iter().flatten().map(cause_of).find(|code| *code != Code::DeploymentFailed);
    if let Some(code) = told {
        return code;
    }
    if deployment.alarms.as_ref().is_some_and(|alarms| alarms.status == "TRIGGERED") {
        return Code::AlarmTriggered;
    }
    if has_tripped(deployment) {
        return Code::CircuitBreaker;
    }
    let is_bad = |hook: &LifecycleHook| matches!(hook.status.as_str(), "FAILED" | "TIMED_OUT");
    if deployment.lifecycle_hook_details.iter().any(is_bad) {
        return Code::HookFailed;
    }
    if facts.rollback_requested { Code::StoppedByHand } else { cause_of(facts.failed_reason.as_deref().unwrap_or("")) }
}

/// The cause in ECS's sentence. Sentences grow tails (names, details), so the telling part is looked for.
pub(super) fn cause_of(sentence: &str) -> Code {
    let sentence = sentence.to_ascii_lowercase();
    let says = |part: &str| sentence.contains(part);
    if says("lifecycle hook") || says("pause hook") {
        Code::HookFailed
    } else if says("invalid networking configuration") {
        Code::DeploymentFailed
    } else if says("circuit breaker") || says("tasks failed to start") {
        Code::CircuitBreaker
    } else if says("alarm") {
        Code::AlarmTriggered
    } else if says("stopservicedeployment") || says("request") || says("manual") {
        Code::StoppedByHand
    } else {
        Code::DeploymentFailed
    }
}

impl Ending {
    fn new(verdict: Verdict, code: Option<Code>) -> Self {
        Self { verdict, code, reason: None, phase: None, superseded_by: None, reached: None }
    }

    fn ended(self) -> Rollout {
        Rollout::Ended(self)
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod totality;
