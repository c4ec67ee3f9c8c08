//! Stories of rollouts that ended otherwise than well. What AWS says in them is real (`fixtures/aws/ecs/causes`), and the
//! words are those that the rooms find for it: the judge's, then the cause's.

use std::time::Duration;

use serde_json::{Value, json};

use super::{ACCOUNT, arn, at, deployed, said};
use crate::apply::What;
use crate::apply::ending::explain;
use crate::apply::facts::{Facts, Goal};
use crate::apply::rollout::{Rollout, judge};
use crate::apply::until;
use crate::diagnose::evidence::group;
use crate::diagnose::moments::{moments, spent};
use crate::diagnose::{Evidence, LogLine, LogTail, Target, TargetGroup, name_cause};
use crate::error::{Code, Error};
use crate::inputs::Until;
use crate::model::service::{LifecycleHook, Service, ServiceDeployment, ServiceEvent};
use crate::model::task::Task;
use crate::model::verdict::Verdict;
use crate::report::Report;

/// When our deployment began, by AWS's clock.
const BEGAN: f64 = 1_790_000_000.0;
const OURS: &str = "ecs-svc/1234567890123456789";
const EARLIER: &str = "ecs-svc/0987654321098765432";
const TASKS: [&str; 3] =
    ["0f1e2d3c4b5a69788796a5b4c3d2e1f0", "1a2b3c4d5e6f708192a3b4c5d6e7f809", "2b3c4d5e6f708192a3b4c5d6e7f8091a"];
const GROUP: &str = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web/0123456789abcdef";

/// An image that is not there; ECS went back.
pub fn bad_image() -> Report {
    rolled_back(include_str!("../../../fixtures/aws/ecs/causes/image-not-found.json"), &[])
}

/// A program that ends at once, with a log of more lines than are shown open; ECS went back.
pub fn crash_loop() -> Report {
    let fixture = include_str!("../../../fixtures/aws/ecs/causes/application-crashed.json");
    let steps = (1..=18).map(|step| format!("applying migration {step:03}"));
    let log: Vec<String> =
        std::iter::once("> shop@1.5.0 start".to_owned()).chain(steps).chain(log_of(fixture)).collect();
    rolled_back(fixture, &log)
}

/// A container killed for its memory; ECS went back.
pub fn out_of_memory() -> Report {
    let log = ["starting", "loading the model", "\u{1b}[32mINFO\u{1b}[0m 1 of 4 shards in memory"].map(str::to_owned);
    rolled_back(include_str!("../../../fixtures/aws/ecs/causes/out-of-memory.json"), &log)
}

/// A secret that the execution role may not read; and a permission that we lack ourselves.
pub fn secret_denied() -> Report {
    let mut report = rolled_back(include_str!("../../../fixtures/aws/ecs/causes/secret-denied.json"), &[]);
    report.outcome.evidence.as_mut().unwrap().missing = vec![format!(
        "The health of the targets: `elasticloadbalancing:DescribeTargetHealth` is denied. User: \
         arn:aws:sts::{ACCOUNT}:assumed-role/deploy/GitHubActions is not authorized to perform: \
         elasticloadbalancing:DescribeTargetHealth because no identity-based policy allows the \
         elasticloadbalancing:DescribeTargetHealth action"
    )];
    report
}

/// A health check that gets another code than it wants. The circuit breaker tripped, and is not to go back.
pub fn health_check() -> Report {
    let fixture = include_str!("../../../fixtures/aws/ecs/causes/health-check-code-mismatch.json");
    let log = ["listening on 0.0.0.0:8080", "GET /healthz 301 0.6 ms", "GET /healthz 301 0.4 ms", "SIGTERM, bye"];
    let mut stage = Stage::of(fixture, &log.map(str::to_owned));
    let (path, matcher) = (Some("/healthz".to_owned()), Some("200-299".to_owned()));
    let description = stage.fixture["target"]["description"].as_str().unwrap().to_owned();
    let target = |nth: usize, state: &str, reason: &str, description: &str| Target {
        id: format!("10.0.1.{}", 7 + nth),
        port: 8080,
        state: state.to_owned(),
        reason: Some(reason.to_owned()),
        description: Some(description.to_owned()),
        task: Some(TASKS[nth].to_owned()),
    };
    let mismatch = "Target.ResponseCodeMismatch";
    let draining = "Target deregistration is in progress";
    stage.target_groups = vec![TargetGroup {
        target_type: "ip".to_owned(),
        arn: GROUP.to_owned(),
        name: "web".to_owned(),
        protocol: "HTTP".to_owned(),
        port: "traffic-port".to_owned(),
        path,
        matcher,
        container: Some(("web".to_owned(), 8080)),
        targets: vec![
            target(2, "unhealthy", mismatch, &description),
            target(1, "unhealthy", mismatch, &description),
            target(0, "draining", "Target.DeregistrationInProgress", draining),
        ],
    }];
    stage.deployment = json!({ "status": "STOPPED", "statusReason": "tasks failed to start." });
    stage.listed = json!([
        { "id": OURS, "status": "PRIMARY", "taskDefinition": arn("web:8"), "desiredCount": 2, "runningCount": 1,
          "failedTasks": 3, "rolloutState": "FAILED",
          "rolloutStateReason": "ECS deployment circuit breaker: tasks failed to start." },
        { "id": EARLIER, "status": "ACTIVE", "taskDefinition": arn("web:7"), "desiredCount": 2, "runningCount": 2,
          "rolloutState": "COMPLETED" },
    ]);
    stage.trips();
    stage.end(190)
}

/// A failure in which everything that comes from outside is `text`, and is there many times.
pub fn nasty(text: &str) -> Report {
    let mut report = health_check();
    let say = |what: &mut String| *what = text.to_owned();
    let evidence = report.outcome.evidence.as_mut().unwrap();
    for group in &mut evidence.stopped {
        say(&mut group.newest_task);
        say(&mut group.reason);
        (group.stop_code, group.containers) =
            (Some(text.to_owned()), vec![(text.to_owned(), Some(1), Some(format!("{text}!"))); 3]);
    }
    for tail in &mut evidence.logs {
        [&mut tail.task, &mut tail.container, &mut tail.group, &mut tail.stream].into_iter().for_each(say);
        tail.lines = vec![LogLine { at: BEGAN, text: text.to_owned() }; 120];
    }
    for group in &mut evidence.target_groups {
        [&mut group.name, &mut group.protocol, &mut group.port].into_iter().for_each(say);
        (group.path, group.matcher) = (Some(text.to_owned()), Some(text.to_owned()));
        for target in &mut group.targets {
            [&mut target.id, &mut target.state].into_iter().for_each(say);
            target.description = Some(text.to_owned());
        }
        group.targets = many(&group.targets, 40);
    }
    for moment in &mut evidence.moments {
        [&mut moment.who, &mut moment.what].into_iter().for_each(say);
    }
    evidence.stopped = many(&evidence.stopped, 100);
    evidence.logs = many(&evidence.logs, 10);
    evidence.target_groups = many(&evidence.target_groups, 10);
    evidence.moments = many(&evidence.moments, 10);
    evidence.unhealthy = vec![(text.to_owned(), text.to_owned(), text.to_owned()); 100];
    evidence.alarms = vec![text.to_owned(); 100];
    evidence.missing = vec![text.to_owned(); 100];
    let deployment = report.outcome.service_deployment.as_mut().unwrap();
    deployment.lifecycle_stage = Some(text.to_owned());
    deployment.lifecycle_hook_details = vec![
        LifecycleHook {
            target_type: text.to_owned(),
            target_arn: Some(text.to_owned()),
            status: text.to_owned(),
            ..LifecycleHook::default()
        };
        100
    ];
    report.timeline.extend((200..600).map(|second| at(second, said(text))));
    let cause = report.outcome.cause.as_mut().unwrap();
    [&mut cause.what, &mut cause.why, &mut cause.fix].into_iter().for_each(say);
    report
}

fn many<T: Clone>(some: &[T], times: usize) -> Vec<T> {
    some.iter().cycle().take(some.len() * times).cloned().collect()
}

/// A crash that ECS could not go back from either.
pub fn rollback_failed() -> Report {
    let fixture = include_str!("../../../fixtures/aws/ecs/causes/application-crashed.json");
    let mut stage = Stage::of(fixture, &log_of(fixture));
    stage.deployment = json!({ "status": "ROLLBACK_FAILED", "statusReason": "tasks failed to start." });
    stage.listed = json!([
        { "id": "ecs-svc/3333333333333333333", "status": "PRIMARY", "taskDefinition": arn("web:7"), "desiredCount": 2,
          "runningCount": 0, "failedTasks": 3, "rolloutState": "FAILED" },
    ]);
    stage.trips();
    stage.end(340)
}

/// The same crash in a service without a circuit breaker: this run went back.
pub fn rolled_back_by_us() -> Report {
    let fixture = include_str!("../../../fixtures/aws/ecs/causes/application-crashed.json");
    let mut stage = Stage::of(fixture, &log_of(fixture));
    stage.deployment = json!({ "status": "STOPPED" });
    stage.breaker = json!({ "status": "DISABLED", "failureCount": 0, "threshold": 0 });
    // The words of `apply::fail_fast` and of `apply::undo`, which need an AWS to say them.
    let known = Error::new(
        Code::DeploymentFailed,
        "web:8 was not rolled out to `web`: 3 tasks of it failed in the same way and none is healthy, which ECS does not \
         end by itself here, and web:7 serves again.",
        "",
        "",
    );
    let mut report = stage.report(118, Verdict::RolledBack, Some(known));
    report.timeline.extend([
        at(71, What::Progress("3 tasks of web:8 failed in the same way: the wait ends here".to_owned())),
        at(73, What::Started("going back from web:8".to_owned())),
        at(118, What::Finished("web:7 serves again".to_owned())),
    ]);
    report
}

/// A newer deployment took over.
pub fn superseded() -> Report {
    let mut stage = Stage::quiet();
    stage.deployment = json!({ "status": "STOPPED" });
    stage.breaker = json!({ "status": "MONITORING_COMPLETE", "failureCount": 0, "threshold": 3 });
    stage.listed = json!([
        { "id": "ecs-svc/2222222222222222222", "status": "PRIMARY", "taskDefinition": arn("web:9"), "desiredCount": 2,
          "runningCount": 1, "pendingCount": 1, "rolloutState": "IN_PROGRESS", "createdAt": BEGAN + 31.0 },
        { "id": EARLIER, "status": "ACTIVE", "taskDefinition": arn("web:7"), "desiredCount": 2, "runningCount": 2,
          "rolloutState": "COMPLETED" },
    ]);
    let mut report = stage.end(40);
    // Whoever is overtaken looks for no cause.
    report.outcome.evidence = None;
    report
}

/// Slow, and still moving at the limit.
pub fn timed_out() -> Report {
    let mut stage = Stage::quiet();
    stage.deployment = json!({ "status": "IN_PROGRESS", "lifecycleStage": "SCALE_UP" });
    stage.breaker = json!({ "status": "MONITORING", "failureCount": 0, "threshold": 3 });
    stage.listed = moving(1);
    stage.late = true;
    let started = format!("(service web) has started 1 tasks: (task {}).", TASKS[0]);
    let registered = format!("(service web) registered 1 targets in (target-group {GROUP}).");
    stage.events = vec![(4.0, started), (420.0, registered)];
    stage.tasks = vec![Task {
        task_arn: format!("arn:aws:ecs:eu-central-1:{ACCOUNT}:task/prod/{}", TASKS[0]),
        pull_started_at: Some(BEGAN + 12.0),
        pull_stopped_at: Some(BEGAN + 390.0),
        started_at: Some(BEGAN + 400.0),
        created_at: Some(BEGAN + 4.0),
        last_status: "RUNNING".to_owned(),
        ..Task::default()
    }];
    stage.end(600)
}

/// A canary that waits for somebody, as asked.
pub fn paused() -> Report {
    let mut stage = Stage::quiet();
    stage.until = Until::Paused;
    stage.listed = moving(1);
    stage.breaker = json!({ "status": "MONITORING", "failureCount": 0, "threshold": 3 });
    stage.deployment = json!({
        "serviceDeploymentArn":
            format!("arn:aws:ecs:eu-central-1:{ACCOUNT}:service-deployment/prod/web/AbCdEfGhIjKlMnOpQrStU"),
        "status": "IN_PROGRESS", "lifecycleStage": "POST_TEST_TRAFFIC_SHIFT",
        "targetServiceRevision": { "requestedProductionTrafficWeight": 0, "requestedTestTrafficWeight": 100 },
        "deploymentConfiguration": { "strategy": "CANARY", "bakeTimeInMinutes": 5,
            "canaryConfiguration": { "canaryPercent": 10, "canaryBakeTimeInMinutes": 10 } },
        "lifecycleHookDetails": [{ "hookId": "hook-0a1b2c3d", "targetType": "PAUSE", "status": "AWAITING_ACTION",
            "expiresAt": BEGAN + 3600.0, "timeoutAction": "ROLLBACK" }],
    });
    let mut report = stage.end(95);
    report.outcome.evidence = None;
    let reached = report.outcome.reached.clone().unwrap();
    report.timeline.push(at(95, What::Finished(reached)));
    report
}

fn moving(running: i64) -> Value {
    json!([
        { "id": OURS, "status": "PRIMARY", "taskDefinition": arn("web:8"), "desiredCount": 2, "runningCount": running,
          "pendingCount": 2 - running, "rolloutState": "IN_PROGRESS", "createdAt": BEGAN },
        { "id": EARLIER, "status": "ACTIVE", "taskDefinition": arn("web:7"), "desiredCount": 2, "runningCount": 2,
          "rolloutState": "COMPLETED" },
    ])
}

/// Three tasks failed so, and ECS's circuit breaker went back to `web:7`.
fn rolled_back(fixture: &str, log: &[String]) -> Report {
    let mut stage = Stage::of(fixture, log);
    let fell = stage.trips();
    let rolling_back = "(service web) rolling back to deployment ecs-svc/3333333333333333333.".to_owned();
    stage.events.push((fell + 1.0, rolling_back));
    stage.end(112)
}

fn parse(fixture: &str) -> Value {
    serde_json::from_str(&fixture.replace("web:v2", "web:1.5.0")).unwrap()
}

fn log_of(fixture: &str) -> Vec<String> {
    let fixture = parse(fixture);
    fixture["log"].as_array().unwrap().iter().map(|line| line.as_str().unwrap().to_owned()).collect()
}

/// What AWS shows at the end, from which the rooms make the report.
struct Stage {
    fixture: Value,
    tasks: Vec<Task>,
    log: Vec<String>,
    target_groups: Vec<TargetGroup>,
    /// Seconds after our deployment began, and what the service said.
    events: Vec<(f64, String)>,
    deployment: Value,
    breaker: Value,
    /// The service's list of deployments.
    listed: Value,
    until: Until,
    late: bool,
}

impl Stage {
    /// Three tasks stopped as in the fixture, the breaker tripped, and `web:7` serves again.
    fn of(fixture: &str, log: &[String]) -> Self {
        let fixture = parse(fixture);
        let one_by_one = TASKS.into_iter().zip([4.0, 26.0, 48.0]);
        let tasks: Vec<Task> = one_by_one.map(|(id, after)| task(&fixture["task"], id, after)).collect();
        let mut events: Vec<(f64, String)> = Vec::new();
        for (task, id) in tasks.iter().zip(TASKS) {
            let started = task.created_at.unwrap() - BEGAN;
            events.push((started, format!("(service web) has started 1 tasks: (task {id}).")));
            if let Some(target) = fixture.get("target") {
                let (why, group) = (target["description"].as_str().unwrap(), format!("(target-group {GROUP})"));
                events.push((started + 14.0, format!("(service web) registered 1 targets in {group}.")));
                let sick = format!("(service web) (port 8080) is unhealthy in {group} due to (reason {why}).");
                events.push((started + 44.0, sick));
            }
        }
        events.sort_by(|one, other| one.0.total_cmp(&other.0));
        Self {
            fixture,
            tasks,
            log: log.to_vec(),
            events,
            deployment: json!({ "status": "ROLLBACK_SUCCESSFUL", "statusReason": "tasks failed to start." }),
            breaker: json!({ "status": "TRIGGERED", "failureCount": 3, "threshold": 3 }),
            listed: json!([
                { "id": "ecs-svc/3333333333333333333", "status": "PRIMARY", "taskDefinition": arn("web:7"),
                  "desiredCount": 2, "runningCount": 2, "rolloutState": "COMPLETED" },
            ]),
            ..Self::quiet()
        }
    }

    /// The circuit breaker trips after the last task: when.
    fn trips(&mut self) -> f64 {
        let at = self.tasks.last().unwrap().stopped_at.unwrap() - BEGAN + 1.0;
        let failed = format!("(service web) (deployment {OURS}) deployment failed: tasks failed to start.");
        self.events.push((at, failed));
        at
    }

    /// Nothing stopped and nothing was said.
    fn quiet() -> Self {
        Self {
            fixture: Value::Null,
            tasks: Vec::new(),
            log: Vec::new(),
            target_groups: Vec::new(),
            events: Vec::new(),
            deployment: Value::Null,
            breaker: Value::Null,
            listed: Value::Null,
            until: Until::Stable,
            late: false,
        }
    }

    /// The judge's ending, as the report of a run that took so many seconds.
    fn end(self, seconds: u64) -> Report {
        let goal = Goal {
            service: "web".to_owned(),
            deployment_id: OURS.to_owned(),
            created_at: Some(BEGAN),
            task_definition: arn("web:8"),
            desired_count: 2,
            previous_deployment_id: Some(EARLIER.to_owned()),
            previous_task_definition: Some(arn("web:7")),
            until: self.until.clone(),
            has_health_check: false,
            joined: false,
        };
        let mut facts = Facts { now: Duration::from_secs(seconds / 2), ..Facts::default() };
        facts.read_service_deployment(self.deployment());
        facts
            .read_service(Service { deployments: serde_json::from_value(moving(0)).unwrap(), ..self.service() }, &goal);
        facts.now = Duration::from_secs(seconds * 19 / 20);
        facts.read_service(self.service(), &goal);
        (facts.now, facts.late) = (Duration::from_secs(seconds), self.late);
        let Rollout::Ended(ending) = judge(&facts, &goal) else { unreachable!("{:?}", facts) };
        let known = explain(&ending, &facts, &goal, Duration::from_secs(seconds));
        let mut report = self.report(seconds, ending.verdict, known);
        report.outcome.live_task_definition_arn = facts.serves(&goal).map(str::to_owned);
        report.outcome.superseded_by.clone_from(&ending.superseded_by);
        report.outcome.reached = ending.reached.as_ref().map(|reached| until::sentence(reached, &facts, &goal));
        report
    }

    /// The report of a run that ended so, with the cause that the evidence shows.
    fn report(self, seconds: u64, verdict: Verdict, known: Option<Error>) -> Report {
        let mut report = deployed(verdict, seconds);
        report
            .timeline
            .push(at(12, What::Progress("running 0/2 · pending 2 · failed 0 · IN_PROGRESS SCALE_UP".to_owned())));
        report.timeline.extend(
            self.events
                .iter()
                .map(|(after, message)| at(Duration::from_secs_f64(after + 3.0).as_secs(), said(message))),
        );
        report.timeline.sort_by_key(|event| event.at);
        let event = |(after, message): &(f64, String)| ServiceEvent {
            id: after.to_string(),
            created_at: BEGAN + after,
            message: message.clone(),
        };
        let events: Vec<ServiceEvent> = self.events.iter().map(event).collect();
        let logs: Vec<LogTail> = self.tail().into_iter().collect();
        let stopped = self.tasks.iter().filter(|task| task.stopped_at.is_some());
        let evidence = Evidence {
            stopped: group(stopped),
            moments: moments(BEGAN, &events, &self.tasks, &logs),
            spent: spent(OURS, &events, &self.tasks),
            breaker: serde_json::from_value(self.breaker.clone()).ok(),
            target_groups: self.target_groups.clone(),
            logs,
            events,
            ..Evidence::default()
        };
        let mut plan = report.plan.as_ref().unwrap().services[0].clone();
        plan.service = Some(self.service());
        report.outcome.cause = known;
        report.outcome.service = Some(self.service());
        report.outcome.service_deployment = Some(self.deployment());
        report.outcome.live_task_definition_arn = Some(arn("web:7"));
        let cause = report.outcome.subject(&plan).and_then(|subject| name_cause(&evidence, &subject));
        report.outcome.cause = cause.or(report.outcome.cause);
        report.outcome.evidence = Some(evidence);
        report
    }

    fn service(&self) -> Service {
        let deployments: Vec<crate::model::service::Deployment> =
            serde_json::from_value(self.listed.clone()).unwrap_or_default();
        let count = |of: fn(&crate::model::service::Deployment) -> i64| deployments.iter().map(of).sum();
        Service {
            running_count: count(|it| it.running_count),
            pending_count: count(|it| it.pending_count),
            load_balancers: serde_json::from_value(json!([
                { "targetGroupArn": GROUP, "containerName": "web", "containerPort": 8080 }
            ]))
            .unwrap(),
            deployments,
            ..super::service("web:8")
        }
    }

    fn deployment(&self) -> ServiceDeployment {
        let deployment: ServiceDeployment = serde_json::from_value(self.deployment.clone()).unwrap();
        let deployment_circuit_breaker = serde_json::from_value(self.breaker.clone()).ok();
        ServiceDeployment { created_at: Some(BEGAN), deployment_circuit_breaker, ..deployment }
    }

    /// What the newest task wrote.
    fn tail(&self) -> Option<LogTail> {
        let newest = self.tasks.last().filter(|_| !self.log.is_empty())?;
        let ended = newest.stopping_at.unwrap();
        let line = |text: &String| LogLine { at: ended - 0.1, text: text.clone() };
        Some(LogTail {
            task: TASKS[2].to_owned(),
            container: "web".to_owned(),
            group: "/ecs/web".to_owned(),
            stream: format!("web/web/{}", TASKS[2]),
            region: "eu-central-1".to_owned(),
            lines: self.log.iter().map(line).collect(),
        })
    }
}

/// The fixture's task, as one of several that ECS started one after the other.
fn task(fixture: &Value, id: &str, after: f64) -> Task {
    let created = BEGAN + after;
    let mut task: Task = serde_json::from_value(fixture.clone()).unwrap();
    task.task_arn = format!("arn:aws:ecs:eu-central-1:{ACCOUNT}:task/prod/{id}");
    task.created_at = Some(created);
    let reason = task.stopped_reason.clone().unwrap_or_default();
    let after = |seconds: f64| Some(created + seconds);
    task.pull_started_at = after(6.0).filter(|_| !reason.starts_with("ResourceInitializationError"));
    let lived = match task.stop_code.as_deref() {
        Some("TaskFailedToStart") => None,
        Some("EssentialContainerExited") => Some(2.0),
        _ => Some(60.0),
    };
    if let Some(lived) = lived {
        task.pull_stopped_at = after(9.5);
        task.started_at = after(10.0);
        task.stopping_at = after(10.0 + lived);
        task.execution_stopped_at = after(10.0 + lived);
    }
    task.stopped_at = after(12.0 + lived.unwrap_or_default());
    task
}
