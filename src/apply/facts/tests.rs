#![expect(clippy::unwrap_used, reason = "a test may panic")]

use serde_json::json;

use super::*;

/// A service of two tasks from (deployment, PRIMARY or not, revision, rollout state, running, desired).
fn service(strategy: &str, deployments: &[(u32, bool, u32, &str, i64, i64)]) -> Service {
    let one = |(id, primary, revision, state, running, desired): &(u32, bool, u32, &str, i64, i64)| {
        json!({ "id": format!("ecs-svc/{id}"), "status": if *primary { "PRIMARY" } else { "ACTIVE" },
            "taskDefinition": format!("web:{revision}"), "rolloutState": state, "runningCount": running,
            "desiredCount": desired })
    };
    let deployments: Vec<Value> = deployments.iter().map(one).collect();
    let service = json!({ "status": "ACTIVE", "desiredCount": 2, "deployments": deployments,
        "deploymentConfiguration": { "strategy": strategy } });
    serde_json::from_value(service).unwrap()
}

fn rolling(deployments: &[(u32, bool, u32, &str, i64, i64)]) -> Service {
    service("ROLLING", deployments)
}

fn goal() -> Goal {
    Goal { deployment_id: "ecs-svc/2".to_owned(), task_definition: "web:8".to_owned(), ..Goal::default() }
}

const ON: &str = "IN_PROGRESS";
const DONE: &str = "COMPLETED";

#[test]
fn only_the_revision_with_our_digits_is_ours() {
    let goal = Goal { deployment_id: "ecs-svc/12".to_owned(), ..Goal::default() };
    let arn = |digits: &str| format!("arn:aws:ecs:eu-central-1:123456789012:service-revision/prod/web/{digits}");
    let owns = |digits: &str| {
        let deployment = json!({ "targetServiceRevision": { "arn": arn(digits) } });
        goal.owns(&serde_json::from_value(deployment).unwrap())
    };
    assert!(goal.owns_revision(&arn("12")) && owns("12"));
    for other in ["2", "112", "123", ""] {
        assert!(!goal.owns_revision(&arn(other)) && !owns(other), "{other}");
    }
    assert!(!goal.owns(&ServiceDeployment::default()), "it names none");
    assert!(!Goal::default().owns_revision(&arn("")), "an unknown id owns nothing");
}

#[test]
fn only_what_our_own_update_began_may_be_undone() {
    let may_be_undone = |before: &str, joined| {
        let goal = Goal { previous_deployment_id: Some(before.to_owned()), joined, ..goal() };
        goal.may_be_undone()
    };
    assert!(may_be_undone("ecs-svc/1", false));
    assert!(!may_be_undone("ecs-svc/1", true), "somebody else began it");
    assert!(!may_be_undone("ecs-svc/2", false), "it was there before");
    assert!(!may_be_undone("ecs-svc/2", true));
}

#[test]
fn an_arn_and_its_short_name_are_the_same_revision() {
    let arn = "arn:aws:ecs:eu-central-1:123456789012:task-definition/web:8";
    assert!(same_revision(arn, "web:8") && same_revision("web:8", arn) && same_revision(arn, arn));
    assert!(!same_revision(arn, "web:7") && !same_revision("", "web:8") && !same_revision("x/", "y:1"));
}

#[test]
fn what_serves_is_read_from_the_tasks_that_run() {
    for (why, service, serves) in [
        ("done", rolling(&[(2, true, 8, DONE, 2, 2)]), Some("web:8")),
        ("done, old ones drain", rolling(&[(2, true, 8, DONE, 2, 2), (1, false, 7, DONE, 5, 0)]), Some("web:8")),
        (
            "done, old ones are not told yet",
            rolling(&[(2, true, 8, DONE, 2, 2), (1, false, 7, DONE, 2, 2)]),
            Some("web:8"),
        ),
        ("on its way", rolling(&[(2, true, 8, ON, 1, 2), (1, false, 7, DONE, 2, 2)]), Some("web:7")),
        ("as many of each", rolling(&[(2, true, 8, ON, 2, 2), (1, false, 7, DONE, 2, 2)]), Some("web:7")),
        ("more of the new", rolling(&[(2, true, 8, ON, 2, 2), (1, false, 7, DONE, 1, 1)]), Some("web:8")),
        ("the old only drain", rolling(&[(2, true, 8, ON, 1, 2), (1, false, 7, DONE, 2, 0)]), Some("web:8")),
        ("none but the draining", rolling(&[(2, true, 8, ON, 0, 2), (1, false, 7, DONE, 2, 0)]), Some("web:7")),
        (
            "two old ones",
            rolling(&[(3, true, 9, ON, 0, 2), (2, false, 8, ON, 1, 2), (1, false, 7, DONE, 2, 2)]),
            Some("web:7"),
        ),
        ("only the new one", rolling(&[(2, true, 8, ON, 1, 2)]), Some("web:8")),
        ("nothing runs", rolling(&[(2, true, 8, ON, 0, 2), (1, false, 7, DONE, 0, 2)]), None),
        (
            "called done, but nothing runs",
            rolling(&[(2, true, 8, DONE, 0, 2), (1, false, 7, DONE, 2, 2)]),
            Some("web:7"),
        ),
        ("called done, and nothing runs at all", rolling(&[(2, true, 8, DONE, 0, 2)]), None),
        ("nothing is wanted", Service { desired_count: 0, ..rolling(&[(2, true, 8, ON, 0, 0)]) }, Some("web:8")),
        ("it goes", Service { status: "DRAINING".to_owned(), ..rolling(&[(2, true, 8, DONE, 2, 2)]) }, None),
    ] {
        assert_eq!(live(&service), serves, "{why}");
    }
}

#[test]
fn where_traffic_is_shifted_its_weight_tells_what_serves() {
    let both = |strategy| service(strategy, &[(2, true, 8, ON, 2, 2), (1, false, 7, DONE, 2, 2)]);
    let serves = |service: Service, status: &str, weight: Value| {
        let mut facts = Facts::default();
        facts.read_service(service, &goal());
        let deployment =
            json!({ "status": status, "targetServiceRevision": { "requestedProductionTrafficWeight": weight } });
        facts.read_service_deployment(serde_json::from_value(deployment).unwrap());
        facts.serves(&goal()).map(str::to_owned)
    };
    let web = |revision: u32| Some(format!("web:{revision}"));
    for (weight, revision) in [(0.0, 7), (12.5, 7), (50.0, 7), (50.1, 8), (100.0, 8)] {
        assert_eq!(serves(both("LINEAR"), ON, json!(weight)), web(revision), "{weight}");
    }
    // More tasks of the new revision do not make it serve, and neither does a weight without a task.
    let more = service("CANARY", &[(2, true, 8, ON, 3, 3), (1, false, 7, DONE, 2, 2)]);
    assert_eq!(serves(more, ON, json!(5.0)), web(7));
    let none = service("CANARY", &[(2, true, 8, ON, 0, 2), (1, false, 7, DONE, 2, 2)]);
    assert_eq!(serves(none, ON, json!(100.0)), web(7));
    // The one with the most tasks of the others; where none of them runs any, what does.
    let two = service("CANARY", &[(3, false, 9, DONE, 1, 1), (2, true, 8, ON, 3, 3), (1, false, 7, DONE, 2, 2)]);
    assert_eq!(serves(two, ON, json!(5.0)), web(7));
    let gone = service("CANARY", &[(2, true, 8, ON, 2, 2), (1, false, 7, DONE, 0, 0)]);
    assert_eq!(serves(gone, ON, json!(5.0)), web(8));
    // Without traffic to shift, and after the end, the tasks tell.
    assert_eq!(serves(both("ROLLING"), ON, json!(100.0)), web(7));
    let more = |strategy| service(strategy, &[(2, true, 8, ON, 3, 3), (1, false, 7, DONE, 2, 2)]);
    assert_eq!(serves(more("ROLLING"), ON, json!(5.0)), web(8));
    assert_eq!(serves(more("CANARY"), "STOPPED", json!(5.0)), web(8));
    assert_eq!(serves(more("CANARY"), ON, Value::Null), web(8));
}

#[test]
fn the_way_back_is_known_by_its_id_and_by_its_own_sentence() {
    let rollback_ids = |reasons: [&str; 3]| {
        let mut service = rolling(&[(3, true, 7, ON, 0, 2), (2, false, 8, ON, 0, 2), (1, false, 6, DONE, 0, 0)]);
        for (deployment, reason) in service.deployments.iter_mut().zip(reasons) {
            deployment.rollout_state_reason = Some(reason.to_owned());
        }
        let mut facts = Facts::default();
        facts.read_service(service, &goal());
        facts.rollback_ids.into_iter().collect::<Vec<_>>()
    };
    let none: [&str; 0] = [];
    assert_eq!(rollback_ids(["", "", ""]), none);
    assert_eq!(rollback_ids(["", "circuit breaker: rolling back to deploymentId ecs-svc/3.", ""]), ["ecs-svc/3"]);
    assert_eq!(rollback_ids(["ECS deployment alarm: rolling back.", "", ""]), ["ecs-svc/3"]);
    assert_eq!(rollback_ids(["", "ECS deployment alarm: rolling back.", ""]), none, "ours is not its own way back");
    assert_eq!(rollback_ids(["", "", "rolling back."]), none, "it is not the one that takes over");
    let mut ours = rolling(&[(2, true, 8, ON, 0, 2)]);
    ours.deployments.iter_mut().for_each(|ours| ours.rollout_state_reason = Some("rolling back".to_owned()));
    let mut facts = Facts::default();
    facts.read_service(ours, &goal());
    assert!(facts.rollback_ids.is_empty());
}

#[test]
fn an_earlier_revision_is_one_that_runs_or_was_completed_or_that_ecs_goes_back_to() {
    const FAILED: &str = "FAILED";
    for (why, service, is_there) in [
        ("it runs", rolling(&[(2, true, 8, FAILED, 0, 2), (1, false, 7, ON, 1, 2)]), true),
        ("it was completed", rolling(&[(2, true, 8, FAILED, 0, 2), (1, false, 7, DONE, 0, 2)]), true),
        ("it never ran", rolling(&[(2, true, 8, FAILED, 0, 2), (1, false, 7, ON, 0, 2)]), false),
        ("ours is no earlier one", rolling(&[(2, true, 8, DONE, 2, 2)]), false),
    ] {
        let facts = Facts { service: Some(service), ..Facts::default() };
        assert_eq!(facts.has_earlier(&goal()), is_there, "{why}");
    }
    let named = Facts { rollback_ids: ["ecs-svc/3".to_owned()].into(), ..Facts::default() };
    assert!(named.has_earlier(&goal()), "ECS named it");
    assert!(!Facts::default().has_earlier(&goal()));
}
