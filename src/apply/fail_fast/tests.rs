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
    assert!(!ends(facts(true, false, 3, 9)), "six more are late");
    assert!(ends(facts(true, false, 3, 6)));
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

#[test]
fn tasks_are_looked_at_when_new_signs_came_and_not_more_often_than_every_ten_seconds() {
    let ours = |failed_tasks| Deployment {
        id: "ecs-svc/2".to_owned(),
        status: "PRIMARY".to_owned(),
        desired_count: 2,
        failed_tasks,
        ..Deployment::default()
    };
    let at = |now: u64| Facts { now: Duration::from_secs(now), ..Facts::default() };
    let due = |fail_fast: &FailFast, facts: &Facts, ours: &Deployment| fail_fast.is_due(facts, &goal(), ours);
    let fresh = || FailFast::new(3);
    assert!(due(&fresh(), &at(5), &ours(3)) && due(&fresh(), &at(5), &ours(4)));
    assert!(!due(&fresh(), &at(5), &ours(2)), "too few");
    assert!(!due(&FailFast::new(0), &at(5), &ours(3)), "never");
    assert!(!due(&fresh(), &Facts { late: true, ..at(5) }, &ours(3)), "it is over anyway");
    assert!(!due(&fresh(), &at(5), &Deployment { status: "ACTIVE".to_owned(), ..ours(3) }), "ours is replaced");
    assert!(!due(&fresh(), &at(5), &Deployment { desired_count: 0, ..ours(3) }), "nothing is wanted");
    let looked =
        |signs, is_uncounted| FailFast { looked: Some(Duration::from_secs(5)), signs, is_uncounted, ..fresh() };
    assert!(due(&looked(3, false), &at(15), &ours(4)));
    assert!(!due(&looked(3, false), &at(14), &ours(4)), "too soon");
    assert!(!due(&looked(3, false), &at(60), &ours(3)), "nothing new");
    assert!(due(&looked(3, true), &at(60), &ours(3)), "ECS had the time to count them");
}

#[test]
fn signs_are_what_ecs_counts_and_what_it_starts_beyond_what_was_asked_for() {
    let (mut facts, _, mut ours) = facts(true, true, 4, 9);
    ours.failed_tasks = 2;
    assert_eq!(signs(&facts, &goal(), &ours), 4, "the breaker's count");
    ours.failed_tasks = 5;
    assert_eq!(signs(&facts, &goal(), &ours), 5);
    let event =
        |created_at, message: &str| ServiceEvent { created_at, message: message.to_owned(), ..ServiceEvent::default() };
    let events = vec![
        event(10.0, "(service web) has started 20 tasks: (task 1)."),
        event(20.0, "(service web) has started 4 tasks: (task 1)."),
        event(30.0, "(service web) has started 5 tasks: (task 1)."),
        event(30.0, "(service web) has started to sing."),
    ];
    ours.desired_count = 2;
    facts.service = Some(Service { events, ..Service::default() });
    let goal = Goal { created_at: Some(20.0), ..goal() };
    assert_eq!(signs(&facts, &goal, &ours), 7, "those of before are not ours");
}

#[test]
fn what_the_service_says_of_its_breaker_counts_until_its_deployment_is_known() {
    let (mut facts, service, ours) = facts(true, true, 3, 9);
    facts.service_deployment = None;
    assert!(has_breaker(&facts, &service) && ecs_ends_it(&facts, &service, &ours, 3));
    let off = Service { deployment_configuration: None, ..service.clone() };
    assert!(!has_breaker(&facts, &off) && !ecs_ends_it(&facts, &off, &ours, 3));
    let (facts, off, ours) = self::facts(false, true, 3, 9);
    assert!(!has_breaker(&facts, &service) && !ecs_ends_it(&facts, &off, &ours, 3), "its deployment knows better");
}

#[test]
fn a_task_counts_as_long_lived_by_when_its_program_ended() {
    let lived_for = |execution: Option<f64>, stopping: Option<f64>| Task {
        execution_stopped_at: execution,
        stopping_at: stopping,
        ..exited(1, 300.0)
    };
    let three = |task: &Task| decides(&[task.clone(), task.clone(), task.clone()], &[]);
    assert_eq!(three(&lived_for(Some(102.0), Some(300.0))), Some(3), "it only took long to stop");
    assert_eq!(three(&lived_for(None, Some(160.0))), Some(3));
    assert_eq!(three(&lived_for(None, Some(160.1))), None);
    assert_eq!(three(&lived_for(None, None)), None);
}

#[test]
fn the_end_of_the_wait_says_what_fails_and_what_serves() {
    let group = decide(&[no_image(), no_image(), no_image()], &[], &goal(), 3).unwrap_or_else(|| unreachable!());
    let old = Deployment {
        task_definition: "x/web:7".to_owned(),
        running_count: 2,
        desired_count: 2,
        ..Deployment::default()
    };
    let serving =
        Service { status: "ACTIVE".to_owned(), desired_count: 2, deployments: vec![old], ..Service::default() };
    let error = explain(&group, &goal(), &serving);
    assert_eq!(error.code, Code::DeploymentFailed);
    assert_eq!(error.why, format!("The newest stopped task, 0a1b: {PULL}. web:7 serves."));
    assert!(explain(&group, &goal(), &Service::default()).why.ends_with("No task of the service runs."));
}
