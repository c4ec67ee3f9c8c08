#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::{Value, json};
use strum::IntoEnumIterator as _;

use super::*;
use crate::diagnose::evidence::group;
use crate::diagnose::{LogLine, LogTail, Target, TargetGroup};
use crate::inputs::{OnCancel, OnFailure};
use crate::model::service::{Service, ServiceDeployment, ServiceEvent};
use crate::model::task::Task;
use crate::model::task_definition::TaskDefinition;
use crate::plan::ServicePlan;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/aws/ecs/causes");
const OURS: &str = "ecs-svc/0123456789012345678";
const REVISION: &str = "arn:aws:ecs:eu-central-1:123456789012:task-definition/web:8";
const GROUP: &str = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web/0123456789abcdef";

/// The real reasons, by the name of their file.
fn fixtures() -> BTreeMap<String, Value> {
    let read = |entry: std::io::Result<fs::DirEntry>| {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap())
    };
    fs::read_dir(FIXTURES).unwrap().map(read).collect()
}

/// The service `web` behind a load balancer, and the revision that it was to run.
struct World {
    plan: ServicePlan,
    service_deployment: ServiceDeployment,
    known: Error,
}

impl World {
    fn new() -> Self {
        let definition = json!({
            "family": "web", "cpu": "256", "memory": "512", "requiresCompatibilities": ["FARGATE"],
            "executionRoleArn": "arn:aws:iam::123456789012:role/web-execution",
            "taskRoleArn": "arn:aws:iam::123456789012:role/web-task",
            "runtimePlatform": {"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"},
            "volumes": [{"name": "data", "efsVolumeConfiguration": {"fileSystemId": "fs-0123456789abcdef0"}}],
            "containerDefinitions": [
                {
                    "name": "web", "image": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/web:v2",
                    "entryPoint": ["/bin/sh", "-c"], "command": ["serve --port 8080"], "memory": 256, "stopTimeout": 20,
                    "secrets": [{"name": "DATABASE_URL", "valueFrom":
                        "arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop/database-AbCdEf:url::"}],
                    "environmentFiles": [{"type": "s3", "value": "arn:aws:s3:::shop-config/web.env"}],
                    "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/ecs/web"}},
                    "healthCheck": {"command": ["CMD-SHELL", "curl -f http://localhost:8080/healthz"], "startPeriod": 5},
                },
                {"name": "envoy", "image": "public.ecr.aws/envoy:v1", "essential": false},
            ],
        });
        let service: Service = serde_json::from_value(json!({
            "serviceName": "web", "desiredCount": 3,
            "deploymentConfiguration": {"minimumHealthyPercent": 100, "maximumPercent": 120},
            "networkConfiguration": {"awsvpcConfiguration": {
                "subnets": ["subnet-0aaa1111bbb22222c"], "securityGroups": ["sg-0123456789abcdef0"],
                "assignPublicIp": "DISABLED"}},
            "healthCheckGracePeriodSeconds": 10,
            "loadBalancers": [{"targetGroupArn": GROUP, "containerName": "web", "containerPort": 8080,
                "advancedConfiguration": {"roleArn": "arn:aws:iam::123456789012:role/infrastructure"}}],
        }))
        .unwrap();
        let plan = ServicePlan {
            cost: None,
            service: Some(service),
            cluster: "prod".to_owned(),
            definition: TaskDefinition::from_document(definition).unwrap(),
            reuse: None,
            on_failure: OnFailure::default(),
            on_cancel: OnCancel::default(),
            previous_task_definition_arn: None,
            changes: Vec::new(),
            images: Vec::new(),
            steps: Vec::new(),
            warnings: Vec::new(),
        };
        let known = Error::new(Code::CircuitBreaker, "It was rolled back.", "", "");
        Self { plan, service_deployment: ServiceDeployment::default(), known }
    }

    fn subject(&self) -> Subject<'_> {
        Subject {
            plan: &self.plan,
            deployment_id: OURS,
            task_definition: REVISION,
            service: self.plan.service.as_ref(),
            service_deployment: Some(&self.service_deployment),
            known: Some(&self.known),
        }
    }

    fn names(&self, evidence: &Evidence) -> Option<Code> {
        name_cause(evidence, &self.subject()).map(|error| error.code)
    }
}

/// What a fixture's story leaves behind: three tasks that stopped so, or what was said.
fn evidence(fixture: &Value) -> Evidence {
    let task = |id: &str| -> Option<Task> {
        let mut task: Task = serde_json::from_value(fixture.get("task")?.clone()).unwrap();
        task.task_arn = format!("arn:aws:ecs:eu-central-1:123456789012:task/prod/{id}");
        Some(task)
    };
    let tasks: Vec<Task> = ["0a1b", "1b2c", "2c3d"].into_iter().filter_map(task).collect();
    let texts = |name: &str| -> Vec<String> {
        let texts = fixture.get(name).and_then(Value::as_array).into_iter().flatten();
        texts.map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    let events = texts("events").into_iter().map(|message| event(&message)).collect();
    let log = texts("log");
    let logs = if log.is_empty() { Vec::new() } else { vec![wrote("web", &log)] };
    let target = fixture.get("target").map(|target| unhealthy(target["description"].as_str().unwrap()));
    Evidence {
        tasks: Some(["0a1b", "1b2c", "2c3d", "0a1b2c3d4e5f"].map(str::to_owned).to_vec()),
        stopped: group(tasks.iter()),
        events,
        logs,
        target_groups: target.into_iter().collect(),
        ..Evidence::default()
    }
}

fn event(message: &str) -> ServiceEvent {
    ServiceEvent { message: message.to_owned(), ..ServiceEvent::default() }
}

fn wrote(container: &str, lines: &[String]) -> LogTail {
    LogTail {
        task: "0a1b".to_owned(),
        container: container.to_owned(),
        group: "/ecs/web".to_owned(),
        stream: "web/web/0a1b".to_owned(),
        region: "eu-central-1".to_owned(),
        lines: lines.iter().map(|text| LogLine { at: 0.0, text: text.clone() }).collect(),
    }
}

fn unhealthy(description: &str) -> TargetGroup {
    let target = Target {
        id: "10.0.1.7".to_owned(),
        port: 8080,
        state: "unhealthy".to_owned(),
        description: Some(description.to_owned()),
        task: Some("0a1b".to_owned()),
        ..Target::default()
    };
    TargetGroup {
        target_type: "ip".to_owned(),
        arn: GROUP.to_owned(),
        name: "web".to_owned(),
        protocol: "HTTP".to_owned(),
        port: "traffic-port".to_owned(),
        path: Some("/healthz".to_owned()),
        matcher: Some("200-299".to_owned()),
        container: Some(("web".to_owned(), 8080)),
        targets: vec![target],
    }
}

fn stop(code: &str, reason: &str, containers: &[(&str, Option<i64>, Option<&str>)]) -> StoppedGroup {
    let containers =
        containers.iter().map(|(name, code, reason)| ((*name).to_owned(), *code, reason.map(str::to_owned)));
    StoppedGroup {
        count: 3,
        newest_task: "0a1b".to_owned(),
        stop_code: Some(code.to_owned()),
        reason: reason.to_owned(),
        containers: containers.collect(),
    }
}

fn exited(containers: &[(&str, Option<i64>, Option<&str>)]) -> StoppedGroup {
    stop("EssentialContainerExited", "Essential container in task exited", containers)
}

fn slug(fixture: &Value) -> Option<&str> {
    fixture["code"].as_str()
}

fn play(name: &str, fixture: &Value) -> (World, Evidence) {
    let mut world = World::new();
    if let Some(reason) = fixture.get("statusReason") {
        world.service_deployment.status_reason = Some(reason.as_str().unwrap().to_owned());
        let code = if reason.as_str().unwrap().contains(" hook") { Code::HookFailed } else { Code::DeploymentFailed };
        world.known.code = code;
    }
    assert!(fixture.get("row").is_some(), "{name}");
    (world, evidence(fixture))
}

#[test]
fn each_real_reason_is_told_with_its_cause_its_evidence_and_one_fix() {
    let mut told = Vec::new();
    for (name, fixture) in fixtures() {
        let (world, evidence) = play(&name, &fixture);
        let error = name_cause(&evidence, &world.subject());
        assert_eq!(error.as_ref().map(|error| error.code.slug()), slug(&fixture), "{name}: {error:?}");
        assert!(slug(&fixture).is_none_or(|code| name == code || name.starts_with(&format!("{code}."))), "{name}");
        let error = error.map_or_else(|| "no cause of a failure".to_owned(), |error| error.to_string());
        told.push(format!("# {name}\n{error}"));
    }
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn what_repeats_itself_is_told_from_the_stop_alone() {
    for (name, fixture) in fixtures() {
        let evidence = evidence(&fixture);
        let Some(group) = evidence.stopped.first() else {
            assert!(!fixture["repeats"].as_bool().unwrap(), "{name}");
            continue;
        };
        let found = fails_for_ever(group);
        assert_eq!(found.is_some(), fixture["repeats"].as_bool().unwrap(), "{name}: {found:?}");
    }
}

#[test]
fn with_a_throttle_or_a_broken_connection_in_it_no_stop_repeats_itself() {
    for passing in ["ThrottlingException: Rate exceeded", "read: connection reset by peer"] {
        for (name, fixture) in fixtures() {
            let Some(mut group) = evidence(&fixture).stopped.into_iter().next() else { continue };
            group.reason = format!("{}: {passing}", group.reason);
            assert_eq!(fails_for_ever(&group), None, "{name}");
        }
    }
}

#[test]
fn each_code_of_a_cause_has_a_fixture_and_each_rule_finds_one() {
    let is_cause = |code: &Code| (Code::ImageNotFound..=Code::TasksFailing).contains(code) || *code == Code::HookFailed;
    let codes: BTreeSet<&str> = Code::iter().filter(is_cause).map(Code::slug).collect();
    let fixtures = fixtures();
    let proven: BTreeSet<&str> = fixtures.values().filter_map(slug).collect();
    assert_eq!(codes, proven);
    assert!(codes.len() >= 30);
    let mut finds = vec![false; RULES.len()];
    for (name, fixture) in &fixtures {
        let (world, evidence) = play(name, fixture);
        let (subject, status) = (world.subject(), world.service_deployment.status_reason.as_deref());
        let scene = Scene { evidence: &evidence, subject: Some(&subject) };
        let mut signs: Vec<Sign<'_>> = evidence.stopped.iter().map(Sign::of_stop).collect();
        signs.extend(evidence.events.iter().map(|event| Sign::of(&event.message)));
        signs.extend(status.map(Sign::of));
        for sign in signs {
            if let Some(first) = RULES.iter().position(|rule| rule(&sign, &scene).is_some()) {
                finds[first] = true;
            }
        }
    }
    let idle: Vec<usize> = finds.iter().enumerate().filter(|(_, found)| !**found).map(|(index, _)| index).collect();
    assert_eq!(idle, [0_usize; 0], "these rules find nothing first");
    let rows: BTreeSet<u64> = fixtures.values().map(|fixture| fixture["row"].as_u64().unwrap()).collect();
    assert!((1..=54).all(|row| rows.contains(&row)), "{rows:?}");
}

#[test]
fn capitals_and_curly_apostrophes_and_line_ends_change_nothing() {
    for (name, fixture) in fixtures() {
        let mut shouted = fixture.clone();
        let shout =
            |text: &Value| json!(text.as_str().unwrap().to_ascii_uppercase().replace('\'', "’").replace(". ", ".\n "));
        if let Some(task) = shouted.get_mut("task") {
            task["stoppedReason"] = shout(&task["stoppedReason"]);
            if let Some(reason) = task["containers"][0].get("reason").map(shout) {
                task["containers"][0]["reason"] = reason;
            }
        }
        let (world, evidence) = play(&name, &shouted);
        assert_eq!(world.names(&evidence).map(Code::slug), slug(&fixture), "{name}");
    }
}

#[test]
fn the_most_frequent_reason_is_the_cause_and_not_the_newest() {
    let eni = || stop("TaskFailedToStart", "Timeout waiting for network interface provisioning to complete.", &[]);
    let of = |stopped: Vec<StoppedGroup>| World::new().names(&Evidence { stopped, ..Evidence::default() });
    let crash = |count, code| StoppedGroup { count, ..exited(&[("web", Some(code), None)]) };
    assert_eq!(of(vec![StoppedGroup { count: 1, ..eni() }, crash(2, 1)]), Some(Code::ApplicationCrashed));
    assert_eq!(of(vec![crash(2, 1), StoppedGroup { count: 3, ..eni() }]), Some(Code::NetworkInterfaceTimeout));
    // Of equally many the first, which is the newest.
    assert_eq!(of(vec![eni(), crash(3, 1)]), Some(Code::NetworkInterfaceTimeout));
    // Two crashes with different codes are one cause.
    assert_eq!(of(vec![eni(), crash(2, 1), crash(2, 2)]), Some(Code::ApplicationCrashed));
    // What nobody knows is not guessed from what was seen less often, and two unknown reasons are two.
    let odd = |count, reason: &str| StoppedGroup { count, ..stop("TaskFailedToStart", reason, &[]) };
    assert_eq!(of(vec![odd(3, "odd"), crash(2, 1)]), Some(Code::TasksFailing));
    assert_eq!(of(vec![odd(2, "odd"), odd(2, "strange"), crash(3, 1)]), Some(Code::ApplicationCrashed));
}

#[test]
fn stops_of_one_cause_are_counted_together_and_routine_ones_not_at_all() {
    let world = World::new();
    let crash = |count, code| StoppedGroup { count, ..exited(&[("web", Some(code), None)]) };
    let routine = StoppedGroup { count: 9, ..stop("UserInitiated", "Task stopped by user", &[("web", Some(1), None)]) };
    let stopped = vec![routine, crash(2, 1), crash(1, 2)];
    let error = name_cause(&Evidence { stopped, ..Evidence::default() }, &world.subject()).unwrap();
    assert!(error.why.starts_with("Certain: 3 of 3 stopped tasks, the newest 0a1b"), "{}", error.why);
}

#[test]
fn unknown_reasons_are_printed_raw_and_the_most_frequent_first() {
    let group = |count, reason: &str| StoppedGroup { count, ..stop("TaskFailedToStart", reason, &[]) };
    let stopped = vec![group(3, "The flux is out of phase"), group(1, "Try again")];
    let error = name_cause(&Evidence { stopped, ..Evidence::default() }, &World::new().subject()).unwrap();
    insta::assert_snapshot!(error.to_string(), @r"
    web:8 keeps stopping, for a reason that this action does not know. [tasks-failing]
      why: Unknown: 3 of 4 stopped tasks, the newest 0a1b: TaskFailedToStart; The flux is out of phase.
           1 of 4 stopped tasks, the newest 0a1b: TaskFailedToStart; Try again.
           It was rolled back.
      fix: Look at what ECS knows of the newest task, its attachments included: `aws ecs describe-tasks --cluster prod --tasks 0a1b`.
    ");
}

#[test]
fn what_ecs_says_of_the_deployment_comes_before_what_tasks_did() {
    let crash = || Evidence { stopped: vec![exited(&[("web", Some(1), None)])], ..Evidence::default() };
    let mut world = World::new();
    world.known.code = Code::HookFailed;
    // The hook is the cause even where no sentence says more of it.
    assert_eq!(world.names(&crash()), None);
    let said = "Service deployment rolled back because PRE_SCALE_UP pause hook timed out.";
    world.service_deployment.status_reason = Some(said.to_owned());
    assert_eq!(world.names(&crash()), Some(Code::PauseHookTimedOut));
    for code in [Code::AlarmTriggered, Code::StoppedByHand, Code::ServiceGone, Code::Superseded] {
        world.known.code = code;
        assert_eq!(world.names(&crash()), None, "{code:?}");
    }
    // That there was no way back says nothing about why one was needed.
    world.known.code = Code::DeploymentFailed;
    world.service_deployment.status_reason = Some("No rollback candidate was found to run the rollback.".to_owned());
    assert_eq!(world.names(&crash()), Some(Code::ApplicationCrashed));
    world.known.code = Code::TimedOut;
    world.service_deployment.status_reason = None;
    assert_eq!(world.names(&crash()), Some(Code::ApplicationCrashed));
}

#[test]
fn the_reason_of_a_rollback_and_of_the_rollout_state_are_read_too() {
    let said =
        "Service deployment rolled back because of invalid networking configuration. One or more rules not found";
    let mut world = World::new();
    let rollback = crate::model::service::Rollback { reason: Some(said.to_owned()), ..Default::default() };
    world.service_deployment.rollback = Some(rollback);
    assert_eq!(world.names(&Evidence::default()), Some(Code::ListenerMisconfigured));
    let mut world = World::new();
    let state = |id: &str| json!({"id": id, "rolloutStateReason": said});
    let mut of = |id: &str| {
        let service = world.plan.service.as_mut().unwrap();
        service.deployments = vec![serde_json::from_value(state(id)).unwrap()];
        world.names(&Evidence::default())
    };
    assert_eq!(of("ecs-svc/9"), None);
    assert_eq!(of(OURS), Some(Code::ListenerMisconfigured));
}

#[test]
fn of_events_only_those_count_that_are_new_and_ours() {
    let placed = "(service web) was unable to place a task because no container instance met all of its requirements.";
    let throttled = "(service web) operations are being throttled on elb. Will try again later.";
    let steady = "(service web) has reached a steady state.";
    let of = |messages: &[&str]| {
        let events = messages.iter().map(|message| event(message)).collect();
        World::new().names(&Evidence { events, ..Evidence::default() })
    };
    assert_eq!(of(&[placed, throttled]), Some(Code::SchedulerThrottled));
    assert_eq!(of(&[throttled, placed]), Some(Code::NoInstanceFits));
    assert_eq!(of(&[placed, steady]), None);
    assert_eq!(of(&[steady, placed, "(service web) has started 1 tasks: (task 0a1b)."]), Some(Code::NoInstanceFits));
    let other = "(service web) (deployment ecs-svc/9) was unable to place a task.";
    assert_eq!(of(&[other]), None);
    assert_eq!(of(&[&other.replace("ecs-svc/9", OURS)]), Some(Code::NoInstanceFits));
    assert_eq!(
        of(&["(service web) has stopped 1 running tasks: Scaling activity initiated by (deployment ecs-svc/9)"]),
        None
    );
    // A reason that nobody knows leaves the word to the events.
    let stopped = vec![stop("TaskFailedToStart", "odd", &[])];
    let evidence = Evidence { stopped, events: vec![event(throttled)], ..Evidence::default() };
    assert_eq!(World::new().names(&evidence), Some(Code::SchedulerThrottled));
}

#[test]
fn what_is_unhealthy_now_is_the_cause_when_nothing_stopped() {
    let mut evidence = Evidence { target_groups: vec![unhealthy("Request timed out")], ..Evidence::default() };
    assert_eq!(World::new().names(&evidence), Some(Code::HealthCheckTimedOut));
    evidence.target_groups[0].targets[0].state = "initial".to_owned();
    assert_eq!(World::new().names(&evidence), None);
    evidence.unhealthy = vec![("0a1b".to_owned(), "web".to_owned(), "UNKNOWN".to_owned())];
    assert_eq!(World::new().names(&evidence), None);
    evidence.unhealthy[0].2 = "UNHEALTHY".to_owned();
    assert_eq!(World::new().names(&evidence), Some(Code::ContainerUnhealthy));
}

#[test]
fn the_ill_health_of_an_earlier_revision_s_task_is_not_blamed_on_ours() {
    let sick = format!(
        "(port 8080) is unhealthy in (target-group {GROUP}) due to (reason Health checks failed with these codes: [500])."
    );
    let said = |whose: &str| vec![event(&format!("(service web) {whose}{sick}"))];
    let told = |evidence: &Evidence| {
        let error = name_cause(evidence, &World::new().subject())?;
        let sure = error.why.split_once(':').unwrap().0.to_owned();
        Some((error.code, sure, error.what.contains("a task of the service, perhaps of another revision, ")))
    };
    let code = Code::HealthCheckServerError;
    let (certain, likely) = (Some((code, "Certain".to_owned(), false)), Some((code, "Likely".to_owned(), true)));
    let known = || Evidence { tasks: Some(vec!["0a1b".to_owned()]), ..Evidence::default() };
    // Events.
    assert_eq!(told(&Evidence { events: said("(task 0a1b) "), ..known() }), certain);
    assert_eq!(told(&Evidence { events: said("(task 9f9f) "), ..known() }), None);
    assert_eq!(told(&Evidence { events: said("(task 9f9f) "), ..Evidence::default() }), likely);
    assert_eq!(told(&Evidence { events: said(""), ..known() }), likely);
    let checks = vec![event("(service web) (task 9f9f) failed container health checks.")];
    assert_eq!(told(&Evidence { events: checks, ..known() }), None);
    // Targets.
    let target = |id: &str, task: Option<&str>| {
        let mut group = unhealthy("Health checks failed with these codes: [500]");
        (group.targets[0].id, group.targets[0].task) = (id.to_owned(), task.map(str::to_owned));
        vec![group]
    };
    assert_eq!(told(&Evidence { target_groups: target("10.0.1.7", Some("0a1b")), ..known() }), certain);
    assert_eq!(told(&Evidence { target_groups: target("10.0.1.8", None), ..known() }), None);
    assert_eq!(told(&Evidence { target_groups: target("10.0.1.8", None), ..Evidence::default() }), likely);
    assert_eq!(told(&Evidence { target_groups: target("i-0123456789abcdef0", None), ..known() }), likely);
    // What is known to be ours comes first.
    let placed =
        event("(service web) was unable to place a task because no container instance met all of its requirements.");
    let both = Evidence { events: [vec![placed], said("")].concat(), ..known() };
    assert_eq!(told(&both).unwrap().0, Code::NoInstanceFits);
}

#[test]
fn why_our_task_failed_is_not_read_from_another_s_target() {
    let stopped = || {
        vec![stop(
            "ServiceSchedulerInitiated",
            &format!("Task failed ELB health checks in (target-group {GROUP})"),
            &[],
        )]
    };
    let target = |id: &str| {
        let mut group = unhealthy("Health checks failed with these codes: [500]");
        (group.targets[0].id, group.targets[0].task) = (id.to_owned(), None);
        vec![group]
    };
    let told = |id: &str| {
        let tasks = Some(vec!["0a1b".to_owned()]);
        let evidence = Evidence { tasks, stopped: stopped(), target_groups: target(id), ..Evidence::default() };
        let error = name_cause(&evidence, &World::new().subject()).unwrap();
        (error.code, error.why.starts_with("Certain"))
    };
    assert_eq!(told("10.0.1.8"), (Code::HealthCheckFailing, false));
    assert_eq!(told("i-0123456789abcdef0"), (Code::HealthCheckServerError, false));
}

#[test]
fn an_early_exit_with_an_error_repeats_itself_and_a_killed_task_may_not() {
    let ended = |code| fails_for_ever(&exited(&[("web", Some(code), None)]));
    for code in [1, 2, 3, 125, 134, 139, 255] {
        assert_eq!(ended(code), Some(Code::ApplicationCrashed), "{code}");
    }
    assert_eq!(ended(126), Some(Code::CommandNotExecutable));
    assert_eq!(ended(127), Some(Code::CommandNotFound));
    for code in [0, 137, 143] {
        assert_eq!(ended(code), None, "{code}");
    }
    let scaled_in = "Scaling activity initiated by (deployment ecs-svc/2)";
    assert_eq!(fails_for_ever(&stop("ServiceSchedulerInitiated", scaled_in, &[("web", Some(1), None)])), None);
    // ECS stopped it: the exit code is that of the stop.
    assert_eq!(fails_for_ever(&stop("ServiceSchedulerInitiated", "Task stopped", &[("web", Some(1), None)])), None);
    assert_eq!(fails_for_ever(&stop("TaskFailedToStart", "odd", &[("web", None, None)])), None);
}

#[test]
fn the_container_that_failed_by_itself_is_blamed_and_not_those_that_ended_with_it() {
    let what = |containers: &[(&str, Option<i64>, Option<&str>)]| {
        let evidence = Evidence { stopped: vec![exited(containers)], ..Evidence::default() };
        name_cause(&evidence, &World::new().subject()).map(|error| error.what).unwrap()
    };
    let log = ("log", Some(143), None);
    assert!(what(&[log, ("web", Some(1), None)]).contains("`web` exits with code 1"));
    // A container that is not essential ends no task.
    assert!(what(&[("envoy", Some(3), None), ("web", Some(2), None)]).contains("`web` exits with code 2"));
    assert!(what(&[("envoy", Some(3), None), ("web", Some(0), None)]).contains("`web` finishes"));
    assert!(what(&[("log", Some(137), None), ("web", Some(139), None)]).contains("`web` exits with code 139"));
    let oom = Some("OutOfMemoryError: Container killed due to memory usage");
    assert!(what(&[("web", Some(1), None), ("log", Some(137), oom)]).contains("`log` uses more memory"));
}

#[test]
fn what_is_throttled_or_broken_off_is_neither_a_refusal_nor_for_ever() {
    let login = "ResourceInitializationError: unable to pull secrets or registry auth: unable to retrieve ecr registry \
                 auth: operation error ECR: GetAuthorizationToken, exceeded maximum number of attempts, 3, ";
    let secret = "ResourceInitializationError: unable to retrieve secret from asm: operation error Secrets Manager: \
                  GetSecretValue, ";
    let parameter =
        "ResourceInitializationError: unable to retrieve secrets from ssm: operation error SSM: GetParameters, ";
    let log = "ResourceInitializationError: failed to validate logger args: failed to create Cloudwatch log stream: \
               operation error CloudWatch Logs: CreateLogStream, ";
    let file = "ResourceInitializationError: failed to download env files: file download command: ";
    let pull = "CannotPullContainerError: ";
    let passing = [
        "ThrottlingException: Rate exceeded",
        "https response error StatusCode: 503, RequestID: 4034-0403",
        "SlowDown: Please reduce your request rate. status code: 503, request id: 4034",
        "Post https://api.example.com/: net/http: TLS handshake timeout",
        "read tcp 10.0.1.7:41234->52.46.1.2:443: read: connection reset by peer",
        "unexpected EOF",
    ];
    for begins in [login, secret, parameter, log, file, pull] {
        for why in passing {
            let said = format!("{begins}{why}");
            let stopped = vec![stop("TaskFailedToStart", &said, &[])];
            assert_eq!(fails_for_ever(&stopped[0]), None, "{said}");
            let code = World::new().names(&Evidence { stopped, ..Evidence::default() });
            let wrong = [Code::ImagePullDenied, Code::ImageNotFound, Code::SecretDenied, Code::LogsDenied];
            assert!(code.is_some_and(|code| !wrong.contains(&code)), "{said}: {code:?}");
        }
    }
    let refused = format!("{login}https response error StatusCode: 403, RequestID: 5030-0503, api error Forbidden");
    assert_eq!(fails_for_ever(&stop("TaskFailedToStart", &refused, &[])), Some(Code::ImagePullDenied));
}

#[test]
fn a_secret_that_stands_where_its_name_belongs_is_not_named() {
    let mut world = World::new();
    let container = world.plan.definition.containers_mut().next().unwrap();
    container.insert("secrets".to_owned(), json!([{"name": "DB_PASSWORD", "valueFrom": "hunter2!"}]));
    let reason = "ResourceInitializationError: unable to pull secrets or registry auth: unable to retrieve secrets from ssm: \
                  AccessDeniedException";
    let evidence = Evidence { stopped: vec![stop("TaskFailedToStart", reason, &[])], ..Evidence::default() };
    let cause = name_cause(&evidence, &world.subject()).unwrap();
    assert!(cause.code == Code::SecretDenied && cause.to_string().contains("`***`"), "{cause}");
    assert!(!cause.to_string().contains("hunter2"), "{cause}");
}

#[test]
fn a_name_that_reads_like_a_reason_is_none() {
    let image = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/authorization-denied:i/o";
    let said = format!("CannotPullContainerError: failed to resolve ref {image}: {image}: not found");
    assert_eq!(fails_for_ever(&stop("TaskFailedToStart", &said, &[])), Some(Code::ImageNotFound));
}

#[test]
fn a_name_from_outside_cannot_end_its_code_span() {
    assert_eq!(quoted("a`b\n c"), "`a'b c`");
    assert_eq!(quoted(&"x".repeat(400)).len(), 300 + "…".len() + 2);
}

#[test]
fn more_memory_is_asked_for_where_the_limit_is() {
    let killed = Evidence { stopped: vec![exited(&[("web", Some(137), None)])], ..Evidence::default() };
    let mut world = World::new();
    let mut fix = |container: Value, task: Value| {
        world.plan.definition.0["containerDefinitions"][0]["memory"] = container;
        world.plan.definition.0["memory"] = task;
        name_cause(&killed, &world.subject()).unwrap().fix
    };
    let told = [
        fix(json!(256), json!("512")),
        fix(json!(257), json!("512")),
        fix(Value::Null, json!("512")),
        fix(json!("128"), Value::Null),
        fix(Value::Null, Value::Null),
    ];
    insta::assert_snapshot!(told.join("\n"), @r"
    Raise `memory` of container `web` from 256 to 512 MiB, or correct what uses it up.
    Raise `memory` of container `web` (now 257 MiB) and of the task (now 512 MiB), or correct what uses it up.
    Raise `memory` of the task from 512 to 1024 MiB (with a `cpu` that allows it), or correct what uses it up.
    Raise `memory` of container `web` from 128 to 256 MiB, or correct what uses it up.
    Raise `memory` of container `web`, or correct what uses it up.
    ");
}

#[test]
fn a_way_out_is_named_by_the_network_that_the_tasks_have() {
    let mut world = World::new();
    let said = "CannotPullContainerError: dial tcp: i/o timeout";
    let evidence =
        Evidence { stopped: vec![stop("TaskFailedToStart", said, &[("web", None, None)])], ..Evidence::default() };
    let mut fix = |image: &str, network: Value| {
        world.plan.definition.0["containerDefinitions"][0]["image"] = json!(image);
        world.plan.service.as_mut().unwrap().network_configuration = Some(network);
        name_cause(&evidence, &world.subject()).unwrap().fix
    };
    let ecr = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/web:v2";
    let network = |public: &str| json!({"awsvpcConfiguration": {"subnets": ["subnet-1"], "assignPublicIp": public}});
    let told = [
        fix(ecr, network("ENABLED")),
        fix(ecr, network("DISABLED")),
        fix("nginx:1", network("DISABLED")),
        fix(ecr, json!({})),
    ];
    insta::assert_snapshot!(told.join("\n"), @r"
    Give the subnets `subnet-1` a default route to an internet gateway, and let the tasks' security group send TCP 443 to `0.0.0.0/0`.
    Give the subnets `subnet-1` a default route to a NAT gateway or the VPC endpoints `com.amazonaws.eu-central-1.ecr.api`, `com.amazonaws.eu-central-1.ecr.dkr`, `com.amazonaws.eu-central-1.s3`, `com.amazonaws.eu-central-1.logs` (the tasks have no public address: `assignPublicIp` is DISABLED), and let the tasks' security group send TCP 443 there.
    Give the subnets `subnet-1` a default route to a NAT gateway (the tasks have no public address: `assignPublicIp` is DISABLED), and let the tasks' security group send TCP 443.
    Give the container instances a way out on TCP 443: a default route to a NAT or internet gateway.
    ");
}

#[test]
fn a_repository_of_another_account_has_a_policy_of_its_own() {
    let mut world = World::new();
    let image = "999999999999.dkr.ecr.eu-central-1.amazonaws.com/web:v2";
    world.plan.definition.0["containerDefinitions"][0]["image"] = json!(image);
    let said =
        "CannotPullContainerError: The task can't pull the image. Check that the role has the permissions to pull";
    let evidence =
        Evidence { stopped: vec![stop("TaskFailedToStart", said, &[("web", None, None)])], ..Evidence::default() };
    let fix = |world: &World| name_cause(&evidence, &world.subject()).unwrap().fix;
    assert!(fix(&world).contains("account `999999999999`"), "{}", fix(&world));
    world.plan.definition.0["containerDefinitions"][0]["image"] = json!("ghcr.io/octo-org/web:v2");
    assert!(fix(&world).contains("`repositoryCredentials`"), "{}", fix(&world));
}

#[test]
fn the_line_of_the_log_that_tells_is_quoted_on_a_line_of_its_own() {
    let lines = ["Error: connect ECONNREFUSED 10.0.1.5:5432", "at a", "", "at b", "at c"].map(str::to_owned);
    let mut evidence = Evidence { stopped: vec![exited(&[("web", Some(1), None)])], ..Evidence::default() };
    evidence.logs = vec![wrote("other", &lines)];
    let why = |evidence: &Evidence| name_cause(evidence, &World::new().subject()).unwrap().why;
    assert!(!why(&evidence).contains("ECONNREFUSED"));
    evidence.logs = vec![wrote("web", &lines)];
    let told: Vec<String> = why(&evidence).lines().map(str::to_owned).collect();
    assert_eq!(
        told[1..],
        ["A telling line of its log: `Error: connect ECONNREFUSED 10.0.1.5:5432`.", "It was rolled back."]
    );
    evidence.logs = vec![wrote("web", &lines[1..])];
    assert!(!why(&evidence).contains("of its log"), "{}", why(&evidence));
}

#[test]
fn the_log_tells_a_wrong_platform_only_where_the_exit_code_fits() {
    let of = |code: i64| {
        let stopped = vec![exited(&[("web", Some(code), None)])];
        let logs = vec![wrote("web", &["exec /app: exec format error".to_owned()])];
        World::new().names(&Evidence { stopped, logs, ..Evidence::default() }).unwrap()
    };
    assert_eq!([of(1), of(255)], [Code::ExecFormatError; 2]);
    assert_eq!([of(2), of(3)], [Code::ApplicationCrashed; 2]);
}

#[test]
fn why_a_target_is_unhealthy_is_told_by_its_own_group_alone() {
    let other = GROUP.replace("targetgroup/web/", "targetgroup/admin/");
    let says = |group: &str, code: u32| {
        event(&format!(
            "(service web) (task 0a1b) (port 8080) is unhealthy in (target-group {group}) due to (reason Health checks failed with these codes: [{code}])."
        ))
    };
    let named = |events: Vec<ServiceEvent>, target: Option<(&str, &str)>| {
        let reason = format!("Task failed ELB health checks in (target-group {GROUP})");
        let mut evidence = Evidence { tasks: Some(vec!["0a1b".to_owned()]), events, ..Evidence::default() };
        evidence.stopped = vec![stop("ServiceSchedulerInitiated", &reason, &[("web", Some(143), None)])];
        evidence.target_groups = target.into_iter().map(|(_, description)| unhealthy(description)).collect();
        for group in &mut evidence.target_groups {
            target.unwrap().0.clone_into(&mut group.targets[0].state);
        }
        World::new().names(&evidence).unwrap()
    };
    let (missing, broken) = (Code::HealthCheckPathNotFound, Code::HealthCheckServerError);
    assert_eq!(named(vec![says(GROUP, 404), says(&other, 503)], None), missing);
    assert_eq!(named(vec![says(&other, 503), says("web", 404)], None), missing, "its short name is its name, too");
    assert_eq!(named(vec![says(&other, 503)], None), Code::HealthCheckFailing);
    assert_eq!(
        named(vec![event("(service web) (task 0a1b) is sad due to (reason [503]).")], None),
        Code::HealthCheckFailing
    );
    // What a target says now comes first, if it is ill.
    let now = "Health checks failed with these codes: [404]";
    assert_eq!(named(vec![says(GROUP, 503)], Some(("unhealthy", now))), missing);
    assert_eq!(named(vec![says(GROUP, 503)], Some(("unused", now))), missing);
    assert_eq!(named(vec![says(GROUP, 503)], Some(("healthy", now))), broken);
}

#[test]
fn a_zone_that_the_service_itself_tells_of_is_told_once() {
    let zone = "Target is in an Availability Zone that is not enabled for the load balancer";
    let said = format!("(service web) (task 0a1b) is unhealthy in (target-group {GROUP}) due to (reason {zone}).");
    let evidence = Evidence {
        events: vec![event(&said)],
        target_groups: vec![unhealthy(zone)],
        tasks: Some(vec!["0a1b".to_owned()]),
        ..Evidence::default()
    };
    let error = name_cause(&evidence, &World::new().subject()).unwrap();
    assert_eq!((error.code, error.why.matches(zone).count()), (Code::TargetZoneDisabled, 1), "{error}");
}

#[test]
fn an_exit_code_means_another_thing_when_ecs_stopped_the_task() {
    let named = |stop_code: &str| {
        [0, 1, 137, 143].map(|code| {
            let stopped = vec![stop(stop_code, "Task stopped", &[("web", Some(code), None)])];
            World::new().names(&Evidence { stopped, ..Evidence::default() })
        })
    };
    let failing = Some(Code::TasksFailing);
    assert_eq!(
        named("EssentialContainerExited"),
        [Some(Code::ContainerFinished), Some(Code::ApplicationCrashed), Some(Code::ContainerKilled), failing]
    );
    assert_eq!(named("ServiceSchedulerInitiated"), [failing, failing, Some(Code::StopTimeoutExceeded), failing]);
    assert_eq!(named("TaskFailedToStart"), [failing; 4]);
}

#[test]
fn a_wrong_platform_that_ecs_itself_tells_is_certain_whatever_the_log_says() {
    let why = |told: Option<&str>| {
        let stopped = vec![exited(&[("web", Some(1), told)])];
        let logs = vec![wrote("web", &["exec /app: exec format error".to_owned()])];
        name_cause(&Evidence { stopped, logs, ..Evidence::default() }, &World::new().subject()).unwrap().why
    };
    assert!(why(None).starts_with("Likely: "), "{}", why(None));
    let told = why(Some("OCI runtime create failed: exec /app: exec format error"));
    assert!(told.starts_with("Certain: "), "{told}");
}

#[test]
fn an_arn_ends_where_its_last_letter_star_or_slash_is() {
    for arn in
        ["arn:aws:kms:eu-central-1:1:key/*", "arn:aws:kms:eu-central-1:1:alias/", "arn:aws:kms:eu-central-1:1:key/a1"]
    {
        for said in [format!("no {arn}. x"), format!("no ({arn}): x"), format!("no '{arn}', x")] {
            assert_eq!(Sign::of(&said).arn("kms"), Some(arn), "{said}");
        }
    }
}

#[test]
fn a_runtime_that_fails_is_no_command_that_may_not_be_executed() {
    let of = |said: &str| not_started(&World::new(), said).code;
    let runtime = "CannotStartContainerError: failed to create task: OCI runtime create failed: ";
    assert_eq!(of(&format!("{runtime}open /app: permission denied")), Code::CommandNotExecutable);
    assert_ne!(of(&format!("{runtime}the flux is out of phase")), Code::CommandNotExecutable);
    assert_ne!(of("ResourceInitializationError: permission denied"), Code::CommandNotExecutable);
}

#[test]
fn more_room_is_asked_for_where_the_task_has_its_disk() {
    let fix = |change: fn(&mut TaskDefinition)| {
        let mut world = World::new();
        change(&mut world.plan.definition);
        not_started(&world, "CannotPullContainerError: write model.bin: no space left on device").fix
    };
    assert!(fix(|_| {}).contains("the 20 GiB that Fargate"));
    let sized = fix(|definition| drop(definition.0.insert("ephemeralStorage".into(), json!({"sizeInGiB": 30}))));
    assert!(sized.contains("now 30,"), "{sized}");
    let on_instances = fix(|definition| drop(definition.0.insert("requiresCompatibilities".into(), json!(["EC2"]))));
    assert!(on_instances.starts_with("Free the disk of the container instance"), "{on_instances}");
}

#[test]
fn a_file_system_that_the_sentence_does_not_name_is_the_definition_s() {
    let error = not_started(&World::new(), "ResourceInitializationError: mount.nfs4: Connection timed out");
    assert!(error.what.contains("the file system `fs-0123456789abcdef0` of EFS"), "{error}");
}

#[test]
fn of_the_whole_deployment_only_what_tells_it_names_a_hook_or_a_role() {
    let of = |said: &str| {
        let mut world = World::new();
        world.service_deployment.status_reason = Some(said.to_owned());
        world.known.code = Code::DeploymentFailed;
        world.names(&Evidence::default())
    };
    assert_eq!(of("Something returned FAILED status."), None);
    assert_eq!(of("The lifecycle hook is out of phase."), None);
    assert_eq!(of("A lifecycle hook returned FAILED status."), Some(Code::HookFailed));
    for said in ["Missing permissions on ECS Infrastructure Role", "ECS was unable to manage the ELB resources"] {
        assert_eq!(of(said), Some(Code::InfrastructureRoleDenied), "{said}");
    }
}

/// What is told of three tasks that did not start for this reason.
fn not_started(world: &World, reason: &str) -> Error {
    let stopped = vec![stop("TaskFailedToStart", reason, &[("web", None, None)])];
    name_cause(&Evidence { stopped, ..Evidence::default() }, &world.subject()).unwrap()
}

#[test]
fn a_failure_at_one_place_that_says_nothing_more_is_of_no_known_cause() {
    for said in [
        "ResourceInitializationError: failed to validate logger args: the flux is out of phase",
        "ResourceInitializationError: unable to retrieve secrets from ssm: the flux is out of phase",
        "ResourceInitializationError: the flux is out of phase: i/o timeout",
        "ResourceInitializationError: the flux is out of phase: invalid parameters: a, b",
    ] {
        assert_eq!(not_started(&World::new(), said).code, Code::TasksFailing, "{said}");
    }
    let of = |message: &str| World::new().names(&Evidence { events: vec![event(message)], ..Evidence::default() });
    let why =
        |why: &str| format!("(service web) failed to register targets in (target-group {GROUP}) with (error {why}).");
    assert_eq!(of(&why("The flux is out of phase")), None);
    assert_eq!(of("(service web) failed to launch a task with (error AccessDenied)."), None);
    assert_eq!(of(&why("AccessDenied")), Some(Code::RolePermissionsMissing));
}

#[test]
fn a_role_that_is_none_of_the_task_s_has_to_let_in_ecs_itself() {
    let principal = |role: &str| {
        let said =
            format!("ECS was unable to assume the role 'arn:aws:iam::123456789012:role/{role}' that was provided");
        let fix = not_started(&World::new(), &said).fix;
        fix.split('`').find(|word| word.ends_with(".amazonaws.com")).unwrap().to_owned()
    };
    assert_eq!(["web-execution", "web-task"].map(principal), ["ecs-tasks.amazonaws.com"; 2]);
    assert_eq!(principal("somebody-else"), "ecs.amazonaws.com");
}

#[test]
fn the_action_that_is_missing_is_the_key_s_only_where_a_key_is_spoken_of() {
    let fix = |said: &str| not_started(&World::new(), &format!("ResourceInitializationError: {said}")).fix;
    let secret = fix("unable to pull secrets: unable to retrieve secret from asm: AccessDeniedException: no");
    assert!(secret.starts_with("Allow `secretsmanager:GetSecretValue` on "), "{secret}");
    let parameter = fix("unable to retrieve secrets from ssm: AccessDeniedException: no");
    assert!(parameter.starts_with("Allow `ssm:GetParameters` on "), "{parameter}");
    let key = fix("unable to retrieve secret from asm: AccessDeniedException: Access to KMS is not allowed");
    assert!(key.starts_with("Allow `kms:Decrypt` on "), "{key}");
}

#[test]
fn of_essential_containers_the_one_that_failed_is_blamed_and_not_the_one_that_finished() {
    let stopped = vec![exited(&[("web", Some(0), None), ("log", Some(3), None)])];
    let error = name_cause(&Evidence { stopped, ..Evidence::default() }, &World::new().subject()).unwrap();
    assert!(error.what.contains("`log` exits with code 3"), "{error}");
}

#[test]
fn the_container_that_is_unhealthy_is_named_and_not_another_whose_health_is_unknown() {
    let health = |name: &str, status: &str| ("0a1b".to_owned(), name.to_owned(), status.to_owned());
    let unhealthy = vec![health("envoy", "UNKNOWN"), health("web", "UNHEALTHY")];
    let evidence = Evidence { unhealthy, ..Evidence::default() };
    let error = name_cause(&evidence, &World::new().subject()).unwrap();
    assert!(error.what.contains("container `web` fails its own health check"), "{error}");
    assert!(error.fix.contains("curl -f"), "{error}");
}

#[test]
fn a_network_without_named_subnets_is_told_in_words() {
    let mut world = World::new();
    let network = json!({"awsvpcConfiguration": {"subnets": []}});
    world.plan.service.as_mut().unwrap().network_configuration = Some(network);
    let error = not_started(&world, "CannotPullContainerError: dial tcp: i/o timeout");
    assert!(error.fix.starts_with("Give the tasks' subnets a default route"), "{}", error.fix);
}

/// Where a health check looks that fails at the target group `named`, of two.
fn asked_at(named: &str, change: impl FnOnce(&mut World, &mut Evidence)) -> String {
    let reason = "Health checks failed with these codes: [404]";
    let said = format!("(service web) (task 0a1b) is unhealthy in (target-group {named}) due to (reason {reason}).");
    let other = TargetGroup {
        arn: GROUP.replace("/web/", "/admin/"),
        name: "admin".to_owned(),
        port: "9090".to_owned(),
        path: Some("/admin/health".to_owned()),
        container: Some(("envoy".to_owned(), 9000)),
        ..unhealthy(reason)
    };
    let (mut world, mut evidence) = (World::new(), Evidence { events: vec![event(&said)], ..Evidence::default() });
    evidence.tasks = Some(vec!["0a1b".to_owned()]);
    evidence.target_groups = vec![unhealthy(reason), other];
    change(&mut world, &mut evidence);
    name_cause(&evidence, &world.subject()).unwrap().what
}

#[test]
fn of_several_target_groups_the_one_that_is_named_tells_path_and_port() {
    let admin = GROUP.replace("/web/", "/admin/");
    for named in [admin.as_str(), "admin"] {
        let what = asked_at(named, |_, _| {});
        assert!(
            what.contains("`GET /admin/health` on port 9090 "),
            "the port of its check, not the container's: {what}"
        );
    }
    for named in [GROUP, "web"] {
        assert!(asked_at(named, |_, _| {}).contains("`GET /healthz` on port 8080 "), "{named}");
    }
}

#[test]
fn where_no_target_group_can_be_read_the_service_tells_the_port() {
    let admin = GROUP.replace("/web/", "/admin/");
    let of = |named: &str, balancers: Value| {
        asked_at(named, |world, evidence| {
            evidence.target_groups.clear();
            world.plan.service.as_mut().unwrap().load_balancers = serde_json::from_value(balancers).unwrap();
        })
    };
    let balancer = |arn: &str, port: u32| json!({"targetGroupArn": arn, "containerName": "web", "containerPort": port});
    let two = || json!([balancer(GROUP, 8080), balancer(&admin, 9000)]);
    assert!(of(&admin, two()).contains("on port 9000 "), "{}", of(&admin, two()));
    assert!(of(GROUP, two()).contains("on port 8080 "));
    assert!(of("elsewhere", two()).contains("on port of the container "), "{}", of("elsewhere", two()));
    assert!(of("elsewhere", json!([balancer(&admin, 9000)])).contains("on port 9000 "), "it has only one");
}

#[test]
fn nothing_seen_names_no_cause() {
    assert_eq!(World::new().names(&Evidence::default()), None);
    assert!(fixtures().len() > 60 || panic!("the fixtures are gone"));
}
