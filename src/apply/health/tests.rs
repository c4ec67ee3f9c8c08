#![expect(clippy::unwrap_used, reason = "a test may panic")]

use serde_json::json;

use super::*;
use crate::inputs::Until;

/// Whether reads of (seconds, running tasks of ours, failed ones) at the end prove that our two are healthy, where
/// nothing checks them.
fn proven(reads: &[(u64, i64, i64)]) -> bool {
    let goal = Goal { deployment_id: "ecs-svc/2".to_owned(), until: Until::Healthy, ..Goal::default() };
    let mut facts = Facts { tracking: Tracking::Absent, ..Facts::default() };
    for (at, running, failed) in reads {
        let service = json!({ "status": "ACTIVE", "desiredCount": 2, "deployments": [{ "id": "ecs-svc/2",
            "status": "PRIMARY", "desiredCount": 2, "runningCount": running, "failedTasks": failed }] });
        facts.now = Duration::from_secs(*at);
        facts.read_service(serde_json::from_value(service).unwrap(), &goal);
    }
    assert_eq!(facts.health.is_up(), reads.last().is_some_and(|(_, running, _)| *running == 2));
    is_proven(&facts, &goal)
}

#[test]
fn a_failure_in_between_begins_the_proof_anew_and_a_forgotten_one_does_not() {
    assert!(proven(&[(0, 2, 0), (40, 2, 0)]));
    assert!(!proven(&[(0, 2, 0), (39, 2, 0)]));
    assert!(!proven(&[(0, 2, 0), (30, 2, 1), (45, 2, 1)]));
    assert!(proven(&[(0, 2, 0), (30, 2, 1), (70, 2, 1)]));
    assert!(proven(&[(0, 2, 3), (30, 2, 0), (40, 2, 0)]));
    assert!(!proven(&[(0, 2, 0), (40, 1, 0)]));
}

#[test]
fn only_an_essential_container_with_a_health_check_is_one_that_ecs_goes_by() {
    let has = |containers: Value| {
        let definition = json!({ "family": "web", "containerDefinitions": containers });
        has_health_check(&TaskDefinition(definition.as_object().unwrap().clone()))
    };
    let check = json!({ "command": ["CMD", "true"] });
    assert!(has(json!([{ "name": "web", "healthCheck": check }])));
    assert!(has(json!([{ "name": "log" }, { "name": "web", "essential": true, "healthCheck": check }])));
    assert!(!has(json!([{ "name": "web" }, { "name": "log", "essential": false, "healthCheck": check }])));
}
