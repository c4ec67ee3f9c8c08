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

/// Whether such a service is proven healthy when its old tasks are being taken away and its target groups say so.
fn balanced(minimum: u32, groups: Option<Value>) -> bool {
    let goal = Goal { deployment_id: "ecs-svc/2".to_owned(), until: Until::Healthy, ..Goal::default() };
    let mut facts = Facts { tracking: Tracking::Absent, ..Facts::default() };
    for (now, running, old_desired) in [(0, 0, 2), (10, 2, 0)] {
        let service = json!({ "status": "ACTIVE", "desiredCount": 2, "loadBalancers": [{ "targetGroupArn": "web" }],
            "deploymentConfiguration": { "minimumHealthyPercent": minimum }, "deployments": [
            { "id": "ecs-svc/2", "status": "PRIMARY", "desiredCount": 2, "runningCount": running },
            { "id": "ecs-svc/1", "status": "ACTIVE", "desiredCount": old_desired, "runningCount": 2 }] });
        facts.now = Duration::from_secs(now);
        facts.read_service(serde_json::from_value(service).unwrap(), &goal);
    }
    let task = |by: &str, address: &str| {
        json!({ "startedBy": by, "lastStatus": "RUNNING",
            "attachments": [{ "details": [{ "name": "privateIPv4Address", "value": address }] }] })
    };
    let tasks = json!([task("ecs-svc/2", "10.0.0.1"), task("ecs-svc/2", "10.0.0.2"), task("ecs-svc/1", "10.0.0.9")]);
    let tasks: Vec<Task> = serde_json::from_value(tasks).unwrap();
    let groups = groups.map(|groups| {
        let pairs: Vec<Vec<(String, String)>> = serde_json::from_value(groups).unwrap();
        let target = |(id, state)| Target { id, state, ..Target::default() };
        pairs.into_iter().map(|group| group.into_iter().map(target).collect()).collect::<Vec<Vec<Target>>>()
    });
    facts.read_tasks(&tasks, groups.as_deref(), &goal);
    is_proven(&facts, &goal)
}

#[test]
fn behind_a_load_balancer_each_of_our_tasks_is_healthy_in_each_target_group() {
    let (one, two, old) =
        (json!(["10.0.0.1", "healthy"]), json!(["10.0.0.2", "healthy"]), json!(["10.0.0.9", "draining"]));
    let sick = json!(["10.0.0.2", "unhealthy"]);
    let young = json!(["10.0.0.2", "initial"]);
    let said = |groups: Value| balanced(50, Some(groups));
    assert!(said(json!([[one, two, old]])));
    assert!(said(json!([[one, two], [two, one]])));
    for not_all in [&sick, &young, &old] {
        assert!(!said(json!([[one, not_all]])), "{not_all}");
        assert!(!balanced(100, Some(json!([[one, not_all]]))), "what they say counts for more than what ECS does");
    }
    assert!(!said(json!([[one, two], [one]])), "it is not yet in the other group");
    assert!(!said(json!([[one, two, sick]])), "one of its ports is not");
    // Where they do not tell, ECS does, if it has to keep as many healthy as are asked for.
    for silent in [None, Some(json!([[one, ["i-0123456789abcdef0", "healthy"]]]))] {
        assert!(balanced(100, silent.clone()) && !balanced(50, silent));
    }
}

#[test]
fn a_failure_makes_what_the_target_groups_said_old() {
    let goal = Goal { deployment_id: "ecs-svc/2".to_owned(), until: Until::Healthy, ..Goal::default() };
    let mut health = Health::default();
    let mut read = |failed: i64, groups: Option<&[Vec<Target>]>| {
        let service = json!({ "desiredCount": 1, "deployments": [{ "id": "ecs-svc/2", "status": "PRIMARY",
            "desiredCount": 1, "runningCount": 1, "failedTasks": failed }] });
        let service: Service = serde_json::from_value(service).unwrap();
        health.read_service(&service, &goal, Duration::ZERO);
        let task = json!([{ "startedBy": "ecs-svc/2", "attachments": [{ "details": [{ "name": "privateIPv4Address", "value": "a" }] }] }]);
        let tasks: Vec<Task> = serde_json::from_value(task).unwrap();
        if groups.is_some() {
            health.read_targets(&tasks, groups, &service, &goal);
        }
        health.targets
    };
    let healthy = [vec![Target { id: "a".to_owned(), state: "healthy".to_owned(), ..Target::default() }]];
    assert_eq!(read(0, Some(&healthy)), Some(true));
    assert_eq!(read(0, None), Some(true));
    assert_eq!(read(1, None), None);
}

#[test]
fn target_groups_tell_where_nothing_else_has_to() {
    let of = |service: Value| target_groups(&serde_json::from_value(service).unwrap());
    let groups = json!([{ "targetGroupArn": "b" }, { "targetGroupArn": "a" }, { "targetGroupArn": "b" }]);
    assert_eq!(of(json!({ "loadBalancers": groups })), ["a", "b"]);
    let lattice = json!([{ "id": "ecs-svc/1", "vpcLatticeConfigurations": [{ "portName": "web" }] }]);
    assert_eq!(of(json!({ "loadBalancers": groups, "deployments": lattice })), [""; 0]);
    let shifts = json!({ "strategy": "CANARY" });
    assert_eq!(of(json!({ "loadBalancers": groups, "deploymentConfiguration": shifts })), [""; 0]);
    let classic = json!([{ "targetGroupArn": "a" }, { "loadBalancerName": "old" }]);
    assert_eq!(of(json!({ "loadBalancers": classic })), [""; 0]);
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
