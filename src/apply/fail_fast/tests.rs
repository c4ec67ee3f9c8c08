use super::*;
use crate::model::service::{CircuitBreaker, ServiceDeployment, ServiceEvent};
use crate::model::task::Container;
use serde_json::json;

const PULL: &str = "CannotPullContainerError: failed to resolve ref web:v9: not found";

fn goal() -> Goal {
    Goal {
        service: "web".to_owned(),
        deployment_id: "ecs-svc/2".to_owned(),
        task_definition: "web:8".to_owned(),
        ..Goal::default()
    }
}

fn stopped(by: &str, code: &str, reason: &str) -> Task {
    Task {
        task_arn: "arn:aws:ecs:r:1:task/prod/0a1b".to_owned(),
        started_by: Some(by.to_owned()),
        stop_code: Some(code.to_owned()),
        stopped_reason: Some(reason.to_owned()),
        ..Task::default()
    }
}

fn no_image() -> Task {
    stopped("ecs-svc/2", "TaskFailedToStart", PULL)
}

/// A task that ran for so many seconds and exited with a code.
fn exited(exit_code: i64, seconds: f64) -> Task {
    let web = Container { name: "web".to_owned(), exit_code: Some(exit_code), ..Container::default() };
    Task {
        started_at: Some(100.0),
        stopped_at: Some(100.0 + seconds),
        containers: vec![web],
        ..stopped("ecs-svc/2", "EssentialContainerExited", "Essential container in task exited")
    }
}

fn decides(stopped: &[Task], running: &[Task]) -> Option<usize> {
    decide(stopped, running, &goal(), 3).map(|group| group.count)
}

#[test]
fn the_same_lasting_failure_often_enough_decides() {
    assert_eq!(decides(&[no_image(), no_image()], &[]), None);
    assert_eq!(decides(&[no_image(), no_image(), no_image()], &[]), Some(3));
    assert_eq!(decides(&[exited(1, 2.0), exited(1, 3.0), exited(1, 2.0)], &[]), Some(3));
}

#[test]
fn a_mixed_or_passing_picture_decides_nothing() {
    let other = || stopped("ecs-svc/2", "TaskFailedToStart", "Timeout waiting for network interface provisioning");
    assert_eq!(decides(&[no_image(), no_image(), no_image(), other()], &[]), None);
    assert_eq!(decides(&[other(), other(), other()], &[]), None);
    assert_eq!(decides(&[exited(1, 2.0), exited(1, 2.0), exited(2, 2.0)], &[]), None);
    assert_eq!(decides(&[exited(1, 2.0), exited(1, 2.0), exited(1, 600.0)], &[]), None, "it worked for ten minutes");
}

#[test]
fn tasks_of_others_and_ordinary_stops_do_not_count_and_do_not_mix() {
    let theirs = || stopped("ecs-svc/1", "TaskFailedToStart", PULL);
    let spot = || stopped("ecs-svc/2", "SpotInterruption", "Your Spot Task was interrupted.");
    let scaled = || stopped("ecs-svc/2", "ServiceSchedulerInitiated", "Scaling activity initiated by (deployment x)");
    assert_eq!(decides(&[no_image(), no_image(), theirs()], &[]), None);
    assert_eq!(decides(&[spot(), spot(), spot(), scaled()], &[]), None);
    assert_eq!(decides(&[no_image(), no_image(), no_image(), theirs(), spot(), scaled()], &[]), Some(3));
}

#[test]
fn a_task_that_may_be_healthy_decides_nothing() {
    let running = |by: &str, health: &str| Task {
        started_by: Some(by.to_owned()),
        last_status: "RUNNING".to_owned(),
        health_status: Some(health.to_owned()),
        ..Task::default()
    };
    let failed = [no_image(), no_image(), no_image()];
    for health in ["HEALTHY", "UNKNOWN"] {
        assert_eq!(decides(&failed, &[running("ecs-svc/2", health)]), None, "{health}");
    }
    assert_eq!(decides(&failed, &[running("ecs-svc/2", "UNHEALTHY")]), Some(3));
    assert_eq!(decides(&failed, &[running("ecs-svc/1", "HEALTHY")]), Some(3));
}

/// A service whose breaker is set so, and what was counted.
fn facts(enable: bool, rollback: bool, count: i64, threshold: i64) -> (Facts, Service, Deployment) {
    let ours = Deployment { id: "ecs-svc/2".to_owned(), failed_tasks: count, ..Deployment::default() };
    let breaker = json!({"deploymentCircuitBreaker": {"enable": enable, "rollback": rollback}});
    let service =
        Service { deployment_configuration: Some(breaker), deployments: vec![ours.clone()], ..Service::default() };
    let status = if enable { "MONITORING" } else { "DISABLED" }.to_owned();
    let breaker = CircuitBreaker { status, failure_count: count, threshold };
    let deployment = ServiceDeployment { deployment_circuit_breaker: Some(breaker), ..ServiceDeployment::default() };
    let facts = Facts { service: Some(service.clone()), service_deployment: Some(deployment), ..Facts::default() };
    (facts, service, ours)
}

#[test]
fn a_circuit_breaker_that_counts_and_goes_back_is_left_to_it() {
    let ends = |(facts, service, ours): (Facts, Service, Deployment)| ecs_ends_it(&facts, &service, &ours, 3);
    assert!(!ends(facts(false, false, 3, 0)), "there is none");
    assert!(ends(facts(true, true, 1, 200)));
    assert!(ends(facts(true, false, 3, 5)), "it trips soon");
    assert!(!ends(facts(true, false, 3, 50)), "it trips late, and leaves everything as it is");
    assert!(!ends(facts(true, true, 0, 3)), "it does not count what happens");
}

#[test]
fn tasks_started_beyond_those_asked_for_are_a_sign_even_if_ecs_counts_nothing() {
    let (mut facts, mut service, mut ours) = facts(true, true, 0, 3);
    let event = |id: &str, message: &str| ServiceEvent {
        id: id.to_owned(),
        message: message.to_owned(),
        ..ServiceEvent::default()
    };
    service.events = vec![
        event("c", "(service web) has started 3 tasks: (task 1) (task 2) (task 3)."),
        event("b", "(service web) has started 2 tasks: (task 4) (task 5)."),
        event("a", "(service web) has started 9 tasks: (task 6)."),
    ];
    facts.old_events.insert("a".to_owned());
    facts.service = Some(service);
    ours.desired_count = 2;
    assert_eq!(signs(&facts, &goal(), &ours), 3);
}
