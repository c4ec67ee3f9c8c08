//! What a user reads while waiting: one line when something changed, a heartbeat each minute otherwise. Pure.

use std::collections::BTreeSet;
use std::time::Duration;

use super::facts::{Facts, Goal};
use super::strategy::Times;
use crate::model::names::short_name;
use crate::model::service::{Service, ServiceDeployment, ServiceEvent};

/// Silence is never longer than this.
pub const HEARTBEAT: Duration = Duration::from_mins(1);

/// What was told already.
#[derive(Debug, Default)]
pub struct Told {
    line: String,
    /// When the last line was told, since the wait began.
    pub at: Duration,
    events: BTreeSet<String>,
}

impl Told {
    /// Nothing told; the events that were there before are not ours to tell.
    pub fn new(old_events: BTreeSet<String>) -> Self {
        Self { events: old_events, ..Self::default() }
    }

    /// The line, when it says something new or a minute was silent.
    pub fn progress(&mut self, facts: &Facts, goal: &Goal) -> Option<String> {
        let line = line(facts, goal);
        let silent = facts.now.saturating_sub(self.at) >= HEARTBEAT;
        if line == self.line && !silent {
            return None;
        }
        let told = if line == self.line { format!("{line} · after {}", minutes(facts.now)) } else { line.clone() };
        self.line = line;
        self.at = facts.now;
        Some(told)
    }

    /// The events not told yet, oldest first.
    pub fn events(&mut self, service: &Service) -> Vec<ServiceEvent> {
        let new = service.events.iter().rev().filter(|event| self.events.insert(event.id.clone()));
        new.cloned().collect()
    }
}

/// `running 1/2 · pending 1 · failed 0 · IN_PROGRESS SCALE_UP · failures 2/3`
fn line(facts: &Facts, goal: &Goal) -> String {
    let mut parts = Vec::new();
    match facts.ours(goal) {
        Some(ours) => parts.push(format!(
            "running {}/{} · pending {} · failed {}",
            ours.running_count, ours.desired_count, ours.pending_count, ours.failed_tasks
        )),
        None if facts.seen => parts.push("our deployment is not listed any more".to_owned()),
        None => parts.push("our deployment is not listed yet".to_owned()),
    }
    match &facts.service_deployment {
        Some(deployment) => parts.extend(state(deployment, facts)),
        None => parts.extend(facts.ours(goal).and_then(|ours| ours.rollout_state.clone())),
    }
    let primary = facts.service.as_ref().and_then(Service::primary);
    if let Some(other) = primary.filter(|primary| facts.seen && primary.id != goal.deployment_id) {
        let (revision, running, desired) =
            (short_name(&other.task_definition), other.running_count, other.desired_count);
        parts.push(format!("{revision} takes over with {running}/{desired}"));
    }
    parts.join(" · ")
}

/// `IN_PROGRESS BAKE_TIME`, `traffic 100 % new, 0 % old`, `baked 3 of 5 min`, …
fn state(deployment: &ServiceDeployment, facts: &Facts) -> Vec<String> {
    let stage = deployment.lifecycle_stage.as_deref().unwrap_or_default();
    let mut parts = vec![format!("{} {stage}", deployment.status).trim_end().to_owned()];
    let target = deployment.target_service_revision.as_ref();
    if let Some(new) = target.and_then(|target| target.requested_production_traffic_weight) {
        let old: Vec<f64> = deployment
            .source_service_revisions
            .iter()
            .filter_map(|old| old.requested_production_traffic_weight)
            .collect();
        let old = if old.is_empty() { String::new() } else { format!(", {} % old", old.iter().sum::<f64>()) };
        parts.push(format!("traffic {new} % new{old}"));
    }
    let test = target.and_then(|target| target.requested_test_traffic_weight);
    parts.extend(test.filter(|weight| *weight > 0.0).map(|weight| format!("test traffic {weight} % new")));
    let bake = Times::of(deployment.deployment_configuration.as_ref()).bake.as_secs() / 60;
    if stage == "BAKE_TIME" && bake > 0 {
        let baked = facts.movement.at_stage(facts.now).as_secs() / 60;
        parts.push(format!("baked {} of {bake} min", baked.min(bake)));
    }
    if deployment.pauses().next().is_some() {
        parts.push("paused".to_owned());
    }
    if let Some(breaker) = deployment.deployment_circuit_breaker.as_ref().filter(|breaker| breaker.failure_count > 0) {
        parts.push(format!("failures {}/{}", breaker.failure_count, breaker.threshold));
    }
    parts
}

/// `50 s`, `3 min`, `3 min 5 s`.
pub fn minutes(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 60, seconds % 60) {
        (0, seconds) => format!("{seconds} s"),
        (minutes, 0) => format!("{minutes} min"),
        (minutes, seconds) => format!("{minutes} min {seconds} s"),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(now: u64, running: i64) -> (Facts, Goal) {
        let goal = Goal { deployment_id: "ecs-svc/2".to_owned(), ..Goal::default() };
        let mut facts = Facts { now: Duration::from_secs(now), ..Facts::default() };
        let service = json!({ "status": "ACTIVE", "deployments": [{ "id": "ecs-svc/2", "status": "PRIMARY",
            "desiredCount": 2, "runningCount": running, "pendingCount": 2 - running, "rolloutState": "IN_PROGRESS" }] });
        facts.read_service(serde_json::from_value(service).unwrap(), &goal);
        (facts, goal)
    }

    #[test]
    fn a_line_is_told_when_it_changed_and_once_a_minute_otherwise() {
        let mut told = Told::default();
        let lines: Vec<_> = [(0, 0), (5, 0), (10, 1), (60, 1), (70, 1), (75, 1)]
            .map(|(now, running)| {
                let (facts, goal) = read(now, running);
                told.progress(&facts, &goal)
            })
            .into_iter()
            .map(Option::unwrap_or_default)
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        running 0/2 · pending 2 · failed 0 · IN_PROGRESS

        running 1/2 · pending 1 · failed 0 · IN_PROGRESS

        running 1/2 · pending 1 · failed 0 · IN_PROGRESS · after 1 min 10 s
        ");
    }

    #[test]
    fn the_stage_and_the_breakers_count_are_told_when_ecs_knows_them() {
        let (mut facts, goal) = read(0, 1);
        let deployment = json!({ "status": "IN_PROGRESS", "lifecycleStage": "SCALE_UP",
            "deploymentCircuitBreaker": { "status": "MONITORING", "failureCount": 2, "threshold": 3 } });
        facts.read_service_deployment(serde_json::from_value(deployment).unwrap());
        let line = Told::default().progress(&facts, &goal).unwrap();
        assert_eq!(line, "running 1/2 · pending 1 · failed 0 · IN_PROGRESS SCALE_UP · failures 2/3");
    }

    #[test]
    fn traffic_bake_time_and_pauses_are_told_in_the_same_line() {
        let (mut facts, goal) = read(0, 2);
        let mut told = Told::default();
        let mut line = |now: u64, stage: &str, weights: (f64, f64, f64), pause: &str| {
            facts.now = Duration::from_secs(now);
            let (new, old, test) = weights;
            let deployment = json!({ "status": "IN_PROGRESS", "lifecycleStage": stage,
                "deploymentConfiguration": { "strategy": "CANARY", "bakeTimeInMinutes": 5 },
                "targetServiceRevision": { "requestedProductionTrafficWeight": new, "requestedTestTrafficWeight": test },
                "sourceServiceRevisions": [{ "requestedProductionTrafficWeight": old }],
                "lifecycleHookDetails": [{ "hookId": "h", "targetType": "PAUSE", "status": pause }] });
            facts.read_service_deployment(serde_json::from_value(deployment).unwrap());
            told.progress(&facts, &goal).unwrap_or_default()
        };
        let lines = [
            line(1, "POST_TEST_TRAFFIC_SHIFT", (0.0, 100.0, 100.0), "AWAITING_ACTION"),
            line(10, "PRODUCTION_TRAFFIC_SHIFT", (12.5, 87.5, 0.0), "SUCCEEDED"),
            line(20, "BAKE_TIME", (100.0, 0.0, 0.0), "SUCCEEDED"),
            line(79, "BAKE_TIME", (100.0, 0.0, 0.0), "SUCCEEDED"),
            line(140, "BAKE_TIME", (100.0, 0.0, 0.0), "SUCCEEDED"),
            line(999, "BAKE_TIME", (100.0, 0.0, 0.0), "SUCCEEDED"),
        ];
        insta::assert_snapshot!(lines.join("\n"), @r"
        running 2/2 · pending 0 · failed 0 · IN_PROGRESS POST_TEST_TRAFFIC_SHIFT · traffic 0 % new, 100 % old · test traffic 100 % new · paused
        running 2/2 · pending 0 · failed 0 · IN_PROGRESS PRODUCTION_TRAFFIC_SHIFT · traffic 12.5 % new, 87.5 % old
        running 2/2 · pending 0 · failed 0 · IN_PROGRESS BAKE_TIME · traffic 100 % new, 0 % old · baked 0 of 5 min

        running 2/2 · pending 0 · failed 0 · IN_PROGRESS BAKE_TIME · traffic 100 % new, 0 % old · baked 2 of 5 min
        running 2/2 · pending 0 · failed 0 · IN_PROGRESS BAKE_TIME · traffic 100 % new, 0 % old · baked 5 of 5 min
        ");
    }

    #[test]
    fn only_events_that_are_new_are_told_and_the_oldest_first() {
        let event = |id: &str| ServiceEvent { id: id.to_owned(), ..ServiceEvent::default() };
        let mut told = Told::new(BTreeSet::from(["a".to_owned()]));
        let service = Service { events: vec![event("c"), event("b"), event("a")], ..Service::default() };
        let ids = |events: Vec<ServiceEvent>| events.into_iter().map(|event| event.id).collect::<Vec<_>>();
        assert_eq!(ids(told.events(&service)), ["b", "c"]);
        assert_eq!(ids(told.events(&service)), [""; 0]);
    }
}
