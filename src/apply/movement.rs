//! What moved last: tells a slow rollout from one that is stuck. Pure.

use std::time::Duration;

use super::facts::Goal;
use super::progress::minutes;
use crate::model::service::{Service, ServiceDeployment};

/// A rollout that moved within this time is slow, not stuck.
const RECENT: Duration = Duration::from_mins(5);

/// The farthest that a rollout got, and when. Tasks that come and go do not move it.
#[derive(Debug, Clone, Default)]
pub struct Movement {
    /// When it got there, since the wait began.
    at: Duration,
    most_running: i64,
    fewest_old: Option<i64>,
    /// Status, stage, weights and hooks.
    place: String,
    stage: Option<String>,
    stage_since: Duration,
}

impl Movement {
    /// Takes in a read of the service.
    pub(super) fn read_service(&mut self, service: &Service, goal: &Goal, now: Duration) {
        let (ours, old): (Vec<_>, Vec<_>) =
            service.deployments.iter().partition(|deployment| deployment.id == goal.deployment_id);
        let running: i64 = ours.iter().map(|deployment| deployment.running_count).sum();
        let old: i64 = old.iter().map(|deployment| deployment.running_count).sum();
        if running > self.most_running || self.fewest_old.is_some_and(|fewest| old < fewest) {
            self.at = now;
        }
        self.most_running = self.most_running.max(running);
        self.fewest_old = Some(self.fewest_old.map_or(old, |fewest| fewest.min(old)));
    }

    /// Takes in a read of our service deployment.
    pub(super) fn read_service_deployment(&mut self, deployment: &ServiceDeployment, now: Duration) {
        let weights = deployment
            .target_service_revision
            .as_ref()
            .map(|target| (target.requested_production_traffic_weight, target.requested_test_traffic_weight));
        let hooks: Vec<_> =
            deployment.lifecycle_hook_details.iter().map(|hook| (&hook.hook_id, &hook.status)).collect();
        let place = format!("{} {:?} {weights:?} {hooks:?}", deployment.status, deployment.lifecycle_stage);
        if place != self.place && !self.place.is_empty() {
            self.at = now;
        }
        self.place = place;
        if deployment.lifecycle_stage != self.stage {
            self.stage.clone_from(&deployment.lifecycle_stage);
            self.stage_since = now;
        }
    }

    /// How long it has been at its stage, as far as was seen.
    pub(super) fn at_stage(&self, now: Duration) -> Duration {
        now.saturating_sub(self.stage_since)
    }

    /// Whether it moved not long ago.
    pub(super) fn is_recent(&self, now: Duration) -> bool {
        now.saturating_sub(self.at) < RECENT.min(now / 2)
    }

    /// `It moved 40 s before that, so it is slow rather than stuck.`
    pub(super) fn sentence(&self, now: Duration) -> String {
        let ago = minutes(now.saturating_sub(self.at));
        if self.is_recent(now) {
            format!("It moved {ago} before that, so it is slow rather than stuck.")
        } else if self.at.is_zero() {
            "Nothing moved since the wait began.".to_owned()
        } else {
            format!("Nothing moved for the last {ago}.")
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use serde_json::json;

    /// What is said at `now` after reads of (time, running tasks of ours, old ones).
    fn said(reads: &[(u64, i64, i64)], now: u64) -> String {
        let goal = Goal { deployment_id: "ecs-svc/2".to_owned(), ..Goal::default() };
        let mut movement = Movement::default();
        for (at, running, old) in reads {
            let service = json!({ "deployments": [
                { "id": "ecs-svc/2", "runningCount": running }, { "id": "ecs-svc/1", "runningCount": old }] });
            let service: Service = serde_json::from_value(service).unwrap();
            movement.read_service(&service, &goal, Duration::from_secs(*at));
        }
        movement.sentence(Duration::from_secs(now))
    }

    #[test]
    fn slow_is_told_from_stuck_by_the_last_step_forward() {
        let slow = "It moved 40 s before that, so it is slow rather than stuck.";
        assert_eq!(said(&[(0, 0, 2), (300, 1, 2), (560, 2, 2)], 600), slow);
        assert_eq!(said(&[(0, 2, 2), (560, 2, 1)], 600), slow, "an old task less is a step, too");
        assert_eq!(said(&[(0, 0, 2), (10, 1, 2)], 1200), "Nothing moved for the last 19 min 50 s.");
        assert_eq!(said(&[(0, 0, 2), (600, 0, 2)], 1200), "Nothing moved since the wait began.");
        // Five minutes are long, and so is half of a short wait.
        assert_eq!(said(&[(0, 0, 2), (300, 1, 2)], 600), "Nothing moved for the last 5 min.");
        assert_eq!(said(&[(0, 0, 2), (40, 1, 2)], 100), "Nothing moved for the last 1 min.");
    }

    #[test]
    fn tasks_that_come_and_go_are_no_step_forward() {
        let loops: Vec<_> = (1..60).map(|nth| (nth * 20, i64::from(nth % 2 == 0), 2)).collect();
        assert_eq!(said(&loops, 1200), "Nothing moved for the last 19 min 20 s.");
    }

    #[test]
    fn a_stage_a_weight_and_an_answered_hook_are_steps_forward() {
        let mut movement = Movement::default();
        let mut read = |now: u64, stage: &str, weight: f64, hook: &str| {
            let deployment = json!({ "status": "IN_PROGRESS", "lifecycleStage": stage,
                "targetServiceRevision": { "requestedProductionTrafficWeight": weight },
                "lifecycleHookDetails": [{ "hookId": "h", "status": hook }] });
            let now = Duration::from_secs(now);
            movement.read_service_deployment(&serde_json::from_value(deployment).unwrap(), now);
            (movement.at.as_secs(), movement.at_stage(now).as_secs())
        };
        assert_eq!(read(5, "POST_SCALE_UP", 0.0, "AWAITING_ACTION"), (0, 0));
        assert_eq!(read(9, "POST_SCALE_UP", 0.0, "AWAITING_ACTION"), (0, 4));
        assert_eq!(read(10, "POST_SCALE_UP", 0.0, "SUCCEEDED"), (10, 5));
        assert_eq!(read(20, "PRODUCTION_TRAFFIC_SHIFT", 0.0, "SUCCEEDED"), (20, 0));
        assert_eq!(read(30, "PRODUCTION_TRAFFIC_SHIFT", 10.0, "SUCCEEDED"), (30, 10));
        assert_eq!(read(40, "PRODUCTION_TRAFFIC_SHIFT", 10.0, "SUCCEEDED"), (30, 20));
    }
}
