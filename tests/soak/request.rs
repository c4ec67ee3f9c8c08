//! `mode: rollback`: where the way back leads, and what is true of a run that takes it.

use std::collections::BTreeSet;

use crate::fate::{Ended, primary};
use crate::play::{Deployment, Frame, Sent};
use crate::truth::{Truth, definition, is_changing, is_over, updates, verdicts};

/// Where a way back leads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lead {
    /// To this revision.
    To(String),
    /// The service came back already.
    Stays,
    /// Nothing completed before.
    Nowhere,
}

/// Where the way back leads from the service as it is: to the last revision that completed before what it runs.
fn lead(frame: &Frame) -> Lead {
    let Some(now) = primary(frame) else { return Lead::Nowhere };
    let newest = frame.deployments.last().unwrap_or(now);
    // While the way back is only asked for, the service still runs what is left.
    let comes_back = match newest.status.as_str() {
        "ROLLBACK_SUCCESSFUL" => now.state == "COMPLETED",
        "ROLLBACK_REQUESTED" | "ROLLBACK_IN_PROGRESS" => true,
        _ => false,
    };
    if comes_back && newest.digits != now.digits {
        return Lead::Stays;
    }
    let completed = |one: &&Deployment| one.status == "SUCCESSFUL";
    let others = || frame.deployments.iter().rev().filter(|one| one.digits != now.digits).filter(completed);
    if now.state != "COMPLETED" || !is_over(now) {
        return others().next().map_or(Lead::Nowhere, |other| Lead::To(other.revision.clone()));
    }
    let own = frame.deployments.iter().position(|one| one.digits == now.digits).unwrap_or_default();
    let mut older = frame.deployments.iter().take(own).rev().filter(completed);
    let Some(replaced) = older.find(|other| other.revision != now.revision) else { return Lead::Nowhere };
    // It ran before what it replaced: somebody went back to it.
    let was_there = older.any(|other| other.revision == now.revision);
    if was_there && number(&now.revision) < number(&replaced.revision) {
        return Lead::Stays;
    }
    Lead::To(replaced.revision.clone())
}

fn number(revision: &str) -> u64 {
    revision.rsplit(':').next().and_then(|digits| digits.parse().ok()).unwrap_or_default()
}

impl<'a> Truth<'a> {
    /// Whether the run goes back on request.
    pub fn is_requested(&self) -> bool {
        self.story.input("mode") == "rollback"
    }

    /// What the program may have found: the service from its look before the first write on, and right before that.
    fn found(&self) -> Vec<&'a Frame> {
        let said = self.played.said.iter().find(|(_, line)| line.contains("the other deployment has ended"));
        let awaited = said.map(|(at, _)| *at).unwrap_or_default();
        let is_look = |sent: &&Sent| sent.operation == "DescribeServices" && sent.at >= awaited;
        let look = self.played.sent.iter().find(is_look).map_or(self.played.took, |sent| sent.at);
        let lag = &self.story.lag;
        let from = if lag.describes + lag.lists + lag.current > 0 { std::time::Duration::ZERO } else { look };
        let written = self.played.sent.iter().find(|sent| is_changing(sent)).and_then(|sent| sent.call);
        let until = written.unwrap_or(usize::MAX);
        let frames = &self.played.frames;
        let before = frames.iter().rev().find(|frame| frame.at <= from);
        before.into_iter().chain(frames.iter().filter(|frame| frame.at > from && frame.call < until)).collect()
    }

    /// Whether a deployment had begun when the program looked where the way back leads: what another begins after that,
    /// and before an update, was not in progress at the start.
    pub fn is_found(&self, one: &Deployment) -> bool {
        let planned = self.played.said.iter().find(|(_, line)| line.contains("What will be done"));
        let planned = planned.map_or(self.played.took, |(at, _)| *at);
        let is_look = |sent: &&Sent| sent.operation == "DescribeServices" && sent.at <= planned;
        let look = self.played.sent.iter().rfind(is_look).map_or(planned, |sent| sent.at + self.story.latency / 2);
        !self.is_requested() || one.began <= look.as_secs_f64()
    }

    /// Where the way back may have led.
    pub fn leads(&self) -> BTreeSet<Lead> {
        let revision = self.story.input("task-definition-revision");
        let named = match self.story.input("task-definition-arn") {
            "" if revision.is_empty() => None,
            "" => Some(format!("arn:aws:ecs:eu-central-1:123456789012:task-definition/web:{revision}")),
            arn => Some(arn.to_owned()),
        };
        named.map_or_else(|| self.found().into_iter().map(lead).collect(), |named| BTreeSet::from([Lead::To(named)]))
    }

    /// The deployment that ECS was asked to go back from.
    pub fn left(&self) -> Option<&'a Deployment> {
        let stop = self.played.sent.iter().find(|sent| sent.operation == "StopServiceDeployment")?;
        let request = &self.played.ledger.get(stop.call?)?.request;
        let id = request.get("serviceDeploymentArn")?.as_str()?.rsplit('/').next()?;
        self.history.last.deployments.iter().find(|one| one.id == id)
    }

    /// Which verdicts are true, and why.
    pub fn allowed_on_request(&self) -> (BTreeSet<&'static str>, String) {
        let leads = self.leads();
        let writes = self.played.sent.iter().any(is_changing);
        let (mut allowed, why) = match (self.wait, self.left()) {
            (Some((_, limit)), Some(left)) if !self.is_ours => self.allowed_by_ecs(left, limit),
            (Some((_, limit)), _) => self.allowed_waiting(limit),
            (None, _) => self.allowed_unawaited(writes),
        };
        if !writes {
            if leads == BTreeSet::from([Lead::Nowhere]) {
                allowed.clear();
            }
            if leads.contains(&Lead::Nowhere) || !self.story.tells_history() {
                allowed.extend(["invalid", "blocked"]);
            }
            let is_there = |lead: &Lead| match lead {
                Lead::To(revision) => {
                    self.found().iter().any(|frame| primary(frame).is_some_and(|one| one.revision == *revision))
                }
                Lead::Stays => true,
                Lead::Nowhere => false,
            };
            if !leads.iter().any(is_there) {
                allowed.remove("unchanged");
            }
        }
        (allowed, format!("{why}; the way back leads {leads:?}"))
    }

    /// Which verdicts are true where ECS was asked to go back from a deployment.
    fn allowed_by_ecs(&self, left: &Deployment, limit: f64) -> (BTreeSet<&'static str>, String) {
        let ended = self.history.ended(left);
        let why = format!("ECS was asked to go back from {}: {ended:?}, the limit is {limit:.1}", left.digits);
        // Somebody else may have asked for it before.
        let stops = || self.played.sent.iter().filter(|sent| sent.operation == "StopServiceDeployment");
        let is_known = stops().all(|sent| sent.status.is_some_and(|status| status != 0 && status < 500));
        let verdict = if self.has_applied() { "succeeded" } else { "unchanged" };
        let back = |ended: Ended| match ended.verdict {
            "rolled-back" => Ended { verdict, ..ended },
            _ => ended,
        };
        let mut allowed: BTreeSet<_> = verdicts(ended.map(back), limit, self.slack()).iter().copied().collect();
        // It had completed, or was stopped without going back: an update leads back, and was not answered.
        if ended.is_some_and(|ended| ["succeeded", "failed"].contains(&ended.verdict)) && self.history.gone().is_none()
        {
            allowed.clear();
        }
        if !is_known && allowed.contains("unchanged") {
            allowed.insert("succeeded");
        }
        if self.history.newer(left).is_some() {
            allowed.insert("superseded");
        }
        (allowed, why)
    }

    /// Nothing but the way back is written, and only to where it leads.
    pub fn on_request(&self, lies: &mut Vec<String>) {
        if !self.is_requested() {
            return;
        }
        let leads = self.leads();
        for update in updates(self.played) {
            let asked = definition(update, self.played).unwrap_or_default();
            // What came back already is deployed again where that is asked for.
            let found = self.found();
            let runs = |frame: &&Frame| primary(frame).is_some_and(|one| one.revision == asked);
            let more =
                ["desired-count", "force-new-deployment"].iter().any(|input| !self.story.input(input).is_empty());
            if leads.contains(&Lead::Stays) && more && found.iter().any(runs) {
                continue;
            }
            if !leads.contains(&Lead::To(asked.to_owned())) {
                lies.push(format!("it went to {asked}; the way back leads {leads:?}"));
            }
        }
        if self.played.sent.iter().any(|sent| sent.operation == "RegisterTaskDefinition") {
            lies.push("a way back registers a revision".to_owned());
        }
        if let Some(left) = self.left() {
            let newest = |frame: &&Frame| primary(frame).is_some_and(|one| one.digits == left.digits);
            if !self.found().iter().any(newest) {
                lies.push(format!("ECS was asked to go back from {}, which was not the newest", left.digits));
            }
        }
    }

    /// What was gone back to serves, completed, at the end.
    pub fn serves_on_request(&self, lies: &mut Vec<String>) {
        let leads = self.leads();
        let left = self.left().filter(|_| !self.is_ours);
        let is_there = |one: &Deployment| {
            one.state == "COMPLETED"
                && left.is_none_or(|left| left.digits != one.digits)
                && (left.is_some() || leads.contains(&Lead::Stays) || leads.contains(&Lead::To(one.revision.clone())))
        };
        let by_ours = self.is_ours && (self.followed.is_some_and(is_there) || self.reached().is_some());
        let mut frames = self.since_last_look().into_iter();
        if !by_ours && !frames.any(|frame| primary(frame).is_some_and(is_there)) {
            lies.push(format!("green, but what the way back leads to, {leads:?}, was not what PRIMARY ran, completed"));
        }
    }
}
