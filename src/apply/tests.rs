//! Whole rollouts against the stage, over HTTP, in virtual time.
#![expect(clippy::unwrap_used, clippy::large_futures, reason = "a test fails by panicking, and may be large")]

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::*;
use crate::aws::tests::wire;
use crate::diagnose::{Evidence, gather, name_cause};
use crate::error::Code;
use crate::inputs::{OnCancel, OnFailure, Until};
use crate::model::names::short_name;
use crate::model::task_definition::{Registered, TaskDefinition};
use crate::sim::ecs::Lag;
use crate::sim::{Clock, Rollout, Sim, Trick, Trouble, World};

const LIMIT: Duration = Duration::from_mins(3);

/// A cluster `prod` with a service `web` that runs two tasks of `web:7`; the next revision is 8, a rival's 9.
fn world() -> World {
    let mut world = World::default().with_keys("AKIDEXAMPLE", "secret");
    // The client signs by the real clock, the stage's runs ahead in virtual time.
    world.identity.verify_signatures = false;
    world
}

/// A run and what came of it.
struct Run {
    sim: Sim,
    aws: Aws,
    plan: ServicePlan,
    outcome: Outcome,
    told: Vec<What>,
    result: Result<(), Error>,
    took: Duration,
}

impl Run {
    async fn of(world: World) -> Self {
        Self::with(
            world,
            json!({}),
            Wait { enabled: true, limit: LIMIT, max_delay: Duration::from_secs(5), ..Wait::default() },
        )
        .await
    }

    async fn with(world: World, settings: Value, wait: Wait) -> Self {
        let mut run = Self::prepare(world, settings).await;
        run.apply(wait).await;
        run
    }

    async fn apply(&mut self, wait: Wait) {
        let began = Instant::now();
        let told = &mut self.told;
        self.result = apply(&self.plan, &wait, &self.aws, &mut self.outcome, &mut |what| told.push(what)).await;
        self.took = began.elapsed();
    }

    async fn prepare(world: World, settings: Value) -> Self {
        let mut world = world;
        let faults = std::mem::take(&mut world.faults);
        let sim = Sim::start(world).await.unwrap();
        let definition = sim.with(|world| world.web_definition("v2"));
        let aws = wire::aws(sim.url()).await;
        let service = aws.describe_services("prod", &["web"]).await.unwrap().remove(0);
        // What goes wrong, goes wrong after everything was read.
        sim.with(|world| world.faults = faults);
        let mut body = json!({ "cluster": "prod", "service": "web" });
        body.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        let plan = ServicePlan {
            cost: None,
            previous_task_definition_arn: Some(service.task_definition.clone()),
            service: Some(service),
            cluster: "prod".to_owned(),
            definition: TaskDefinition(definition.as_object().unwrap().clone()),
            reuse: None,
            changes: Vec::new(),
            images: Vec::new(),
            steps: vec![
                Step::RegisterTaskDefinition { body: definition },
                Step::UpdateService { body },
                Step::AwaitRollout,
            ],
            on_failure: OnFailure::None,
            on_cancel: OnCancel::default(),
            warnings: Vec::new(),
        };
        let outcome = Outcome::default();
        Self { sim, aws, plan, outcome, told: Vec::new(), result: Ok(()), took: Duration::ZERO }
    }

    /// Verdict, code, what serves, and what took over.
    fn ending(&self) -> String {
        if let Err(error) = &self.result {
            return format!("error {}", error.code.slug());
        }
        let live = self.outcome.live_task_definition_arn.as_deref().map(short_name);
        let code = self.outcome.cause.as_ref().map(|cause| cause.code.slug());
        let rival = self.outcome.superseded_by.as_deref().map(short_name);
        let words = [self.outcome.verdict.map(Verdict::name), code, live, rival];
        words.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }

    fn writes(&self) -> Vec<String> {
        self.sim.writes().into_iter().map(|call| call.operation).collect()
    }

    fn warnings(&self) -> Vec<&str> {
        self.told
            .iter()
            .filter_map(|what| if let What::Warned(text) = what { Some(text.as_str()) } else { None })
            .collect()
    }
}

fn trouble() -> Trouble {
    Trouble::exit(1)
}

/// Every script of the stage and how it must end.
fn endings() -> Vec<(Rollout, &'static str)> {
    let tripped = |rollback| Rollout::CircuitBreaker { failures: 3, rollback, trouble: trouble() };
    let alarm = |rollback| Rollout::Alarm { after: 3, rollback, name: "errors".to_owned() };
    vec![
        (Rollout::Succeed { after: 4 }, "succeeded web:8"),
        (Rollout::Drain { healthy: 2, after: 6 }, "succeeded web:8"),
        (tripped(true), "rolled-back circuit-breaker web:7"),
        (tripped(false), "failed circuit-breaker web:7"),
        (alarm(true), "rolled-back alarm-triggered web:7"),
        (alarm(false), "failed alarm-triggered web:7"),
        (Rollout::Superseded { after: 2 }, "superseded superseded web:7 web:9"),
        (Rollout::RollbackFailed { failures: 3, trouble: trouble() }, "rollback-failed circuit-breaker web:7"),
        (Rollout::Deleted { after: 2 }, "failed service-gone"),
        (Rollout::Stall { running: 1 }, "timed-out timed-out web:7"),
        (Rollout::CrashLoop { trouble: trouble() }, "failed deployment-failed web:7"),
    ]
}

/// Every story's ending beside the expected one; `prepare` changes the world first.
async fn tell(prepare: impl Fn(World) -> World) -> (Vec<String>, Vec<Run>) {
    let (mut told, mut runs) = (Vec::new(), Vec::new());
    for (rollout, _) in endings() {
        let mut world = prepare(world()).rollout("web", rollout.clone());
        if let Rollout::CrashLoop { .. } = rollout {
            world.change_service("web", |service| service.breaker(false, false));
        }
        let run = Run::of(world).await;
        told.push(format!("{rollout:?} -> {}", run.ending()));
        assert_eq!(run.writes(), ["RegisterTaskDefinition", "UpdateService"], "{rollout:?}");
        assert!(run.outcome.changed);
        runs.push(run);
    }
    (told, runs)
}

fn expected() -> Vec<String> {
    endings().into_iter().map(|(rollout, expected)| format!("{rollout:?} -> {expected}")).collect()
}

#[tokio::test(start_paused = true)]
async fn every_rollout_ends_with_its_true_verdict() {
    let (told, runs) = tell(|world| world).await;
    assert_eq!(told, expected());
    for run in runs {
        assert!(run.outcome.service_deployment_arn.is_some(), "{:#?}", run.told);
    }
}

#[tokio::test(start_paused = true)]
async fn every_ending_that_is_not_green_is_told_in_words() {
    let causes: Vec<String> = tell(|world| world)
        .await
        .1
        .iter()
        .filter_map(|run| run.outcome.cause.as_ref().map(ToString::to_string))
        .collect();
    insta::assert_snapshot!(causes.join("\n"));
}

#[tokio::test(start_paused = true)]
async fn without_the_service_deployment_api_every_verdict_is_the_same() {
    let missing = |world: World| {
        let world = world.fault("ListServiceDeployments", u32::MAX, Trick::Html(500));
        world.fault("DescribeServiceDeployments", u32::MAX, Trick::Html(500))
    };
    let (told, runs) = tell(missing).await;
    assert_eq!(told, expected());
    for run in runs {
        assert_eq!(
            run.warnings().iter().filter(|text| text.contains("cannot be followed")).count(),
            1,
            "{:#?}",
            run.told
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_denied_listing_is_one_warning_that_names_the_permission_and_no_other_verdict() {
    let denied = |world: World| world.denied("ListServiceDeployments").denied("DescribeServiceDeployments");
    let (told, runs) = tell(denied).await;
    assert_eq!(told, expected());
    for run in runs {
        let warnings: Vec<_> = run.warnings().into_iter().filter(|text| text.contains("is denied")).collect();
        assert_eq!(warnings.len(), 1, "{:#?}", run.told);
    }
}

#[tokio::test(start_paused = true)]
async fn reads_that_lag_behind_the_update_change_no_verdict() {
    let lagging = |mut world: World| {
        world.change_service("web", |service| service.lag = Lag { describes: 3, lists: 3, current: 5 });
        world
    };
    assert_eq!(tell(lagging).await.0, expected());
    let both = |world: World| lagging(world).denied("ListServiceDeployments").denied("DescribeServiceDeployments");
    assert_eq!(tell(both).await.0, expected());
}

#[tokio::test(start_paused = true)]
async fn a_success_that_the_service_does_not_show_yet_is_not_somebody_elses() {
    let mut world = world().rollout("web", Rollout::Succeed { after: 1 });
    world.change_service("web", |service| service.lag = Lag { describes: 20, lists: 0, current: 0 });
    let run = Run::of(world).await;
    assert_eq!(run.ending(), "succeeded web:8", "{:#?}", run.told);
    assert_eq!(run.warnings(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_nobody_saw_coming_is_no_time_out() {
    let stalled = || world().rollout("web", Rollout::Stall { running: 1 });
    let all = ["DescribeServices", "DescribeServiceDeployments", "ListServiceDeployments"];
    let blind = all.iter().fold(stalled(), |world, operation| world.fault(operation, u32::MAX, Trick::Reset));
    let run = Run::of(blind).await;
    assert_eq!(run.ending(), "error unreachable");
    let half = stalled().fault("DescribeServices", u32::MAX, Trick::Reset);
    assert!(Run::of(half).await.ending().starts_with("timed-out"), "its service deployment was seen");
}

#[tokio::test(start_paused = true)]
async fn a_stage_clock_an_hour_off_changes_no_verdict() {
    let skewed = |mut world: World| {
        world.calendar.skew = 3600.0;
        world
    };
    assert_eq!(tell(skewed).await.0, expected());
}

#[tokio::test(start_paused = true)]
async fn trouble_while_polling_is_told_once_and_ends_nothing() {
    for trick in [Trick::Throttle, Trick::Status(503), Trick::Html(502), Trick::Reset] {
        let world = world().rollout("web", Rollout::Succeed { after: 4 });
        let run = Run::of(world.fault("DescribeServices", 9, trick.clone())).await;
        assert_eq!(run.ending(), "succeeded web:8", "{trick:?} {:#?}", run.told);
        let told = run.warnings().iter().filter(|text| text.contains("is tried again")).count();
        assert!(told <= 1, "{:#?}", run.told);
    }
}

#[tokio::test(start_paused = true)]
async fn a_person_who_rolls_back_is_told_apart_from_the_breaker() {
    let run = Run::of(world().rollout("web", Rollout::ManualRollback { after: 2 })).await;
    assert_eq!(run.ending(), "rolled-back stopped-by-hand web:7", "{:#?}", run.told);
}

#[tokio::test(start_paused = true)]
async fn the_limit_is_kept_to_the_second() {
    for limit in [7, 90] {
        let wait = Wait {
            enabled: true,
            limit: Duration::from_secs(limit),
            max_delay: Duration::from_secs(15),
            ..Wait::default()
        };
        let run = Run::with(world().rollout("web", Rollout::Stall { running: 1 }), json!({}), wait).await;
        assert_eq!(run.ending(), "timed-out timed-out web:7");
        let waited = run.took.as_secs_f64() - f64::from(u32::try_from(limit).unwrap());
        assert!((0.0..1.0).contains(&waited), "{waited}");
    }
}

#[tokio::test(start_paused = true)]
async fn at_the_limit_a_slow_rollout_is_told_from_a_stuck_one() {
    for (rollout, told) in [
        (Rollout::Slow { every: 100 }, "so it is slow rather than stuck"),
        (Rollout::Stall { running: 1 }, "Nothing moved for the last"),
    ] {
        let run = Run::of(world().rollout("web", rollout).clock(Clock::Wall(Duration::from_secs(1)))).await;
        assert_eq!(run.ending(), "timed-out timed-out web:7");
        let cause = run.outcome.cause.as_ref().unwrap();
        assert!(cause.what.contains(told), "{cause}");
    }
}

#[tokio::test(start_paused = true)]
async fn silence_never_lasts_longer_than_a_minute() {
    let wait =
        Wait { enabled: true, limit: Duration::from_mins(5), max_delay: Duration::from_mins(3), ..Wait::default() };
    let run = Run::with(world().rollout("web", Rollout::Stall { running: 1 }), json!({}), wait).await;
    let lines = run.told.iter().filter(|what| matches!(what, What::Progress(_))).count();
    assert!(lines >= 5, "{:#?}", run.told);
}

#[tokio::test(start_paused = true)]
async fn polling_without_a_pause_ends_as_well() {
    let wait = Wait { enabled: true, limit: LIMIT, max_delay: Duration::ZERO, ..Wait::default() };
    let run = Run::with(world().rollout("web", Rollout::Succeed { after: 40 }), json!({}), wait).await;
    assert_eq!(run.ending(), "succeeded web:8");
}

#[tokio::test(start_paused = true)]
async fn a_finished_rollout_is_noticed_within_the_longest_pause() {
    let clock = Clock::Wall(Duration::from_secs(1));
    let run = Run::of(world().rollout("web", Rollout::Succeed { after: 60 }).clock(clock)).await;
    assert_eq!(run.ending(), "succeeded web:8");
    assert!(run.took < Duration::from_secs(60 + 6), "{:?}", run.took);
    let polls = run.sim.calls().iter().filter(|call| call.operation == "DescribeServices").count();
    assert!(polls <= 22, "{polls}");
}

#[tokio::test(start_paused = true)]
async fn without_waiting_the_run_ends_after_the_update() {
    let wait = Wait { enabled: false, limit: LIMIT, max_delay: Duration::from_secs(5), ..Wait::default() };
    let run = Run::with(world(), json!({}), wait).await;
    assert_eq!(run.ending(), "started web:7");
    assert!(run.outcome.deployment_id.is_some());
    let calls: Vec<String> = run.sim.calls().into_iter().map(|call| call.operation).collect();
    assert_eq!(calls, ["DescribeServices", "RegisterTaskDefinition", "UpdateService"]);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_registers_and_deploys_no_second_time() {
    for operation in ["RegisterTaskDefinition", "UpdateService"] {
        let world = world().rollout("web", Rollout::Succeed { after: 4 }).fault(operation, 1, Trick::LostAnswer);
        let wait = Wait { enabled: true, limit: LIMIT, max_delay: Duration::from_secs(5), ..Wait::default() };
        let run = Run::with(world, json!({ "forceNewDeployment": true }), wait).await;
        assert_eq!(run.ending(), "succeeded web:8", "{operation} {:#?}", run.told);
        assert_eq!(run.writes(), ["RegisterTaskDefinition", "UpdateService"], "{operation}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_looked_for_more_than_once_because_reads_lag() {
    let not_yet = Trick::Error(400, "ClientException".into(), "Unable to describe task definition.".into());
    let late = |lag: u32| {
        let mut world = world().rollout("web", Rollout::Succeed { after: 4 });
        world.change_service("web", |service| service.lag = Lag { describes: lag, lists: 0, current: 0 });
        world
    };
    let register = late(0).fault("RegisterTaskDefinition", 1, Trick::LostAnswer);
    for world in [
        register.fault("DescribeTaskDefinition", 1, not_yet),
        late(1).fault("UpdateService", 1, Trick::LostAnswer),
        late(0).fault("UpdateService", 1, Trick::LostAnswer).fault("DescribeServices", 2, Trick::Reset),
    ] {
        let run = Run::with(world, json!({ "forceNewDeployment": true }), wait_of(true)).await;
        assert_eq!(run.ending(), "succeeded web:8", "{:#?}", run.told);
        assert_eq!(run.writes(), ["RegisterTaskDefinition", "UpdateService"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_write_changed_nothing() {
    let run = Run::of(world().denied("RegisterTaskDefinition")).await;
    assert_eq!(run.ending(), "error access-denied");
    assert!(!run.outcome.changed);
    let run = Run::of(world().denied("UpdateService")).await;
    assert_eq!(run.ending(), "error access-denied");
    assert!(run.outcome.changed, "the revision was registered");
}

#[tokio::test(start_paused = true)]
async fn a_permission_lost_while_waiting_ends_the_wait_and_says_that_the_deployment_goes_on() {
    let run = Run::of(world().denied("DescribeServices")).await;
    let error = run.result.unwrap_err();
    assert_eq!(error.code, Code::AccessDenied);
    assert!(error.what.contains("goes on"), "{error}");
    assert!(run.took < Duration::from_secs(20));
}

#[tokio::test(start_paused = true)]
async fn a_change_of_settings_alone_is_proven_by_the_counts() {
    let world = world();
    let reuse = world.ecs.definitions.last().map(|known| known.arn().to_owned()).unwrap();
    let mut run = Run::prepare(world, json!({ "desiredCount": 3 })).await;
    run.plan.steps.remove(0);
    run.plan.reuse = Some(Registered { arn: reuse, ..run.aws.describe_task_definition("web").await.unwrap() });
    run.apply(Wait { enabled: true, limit: LIMIT, max_delay: Duration::from_secs(5), ..Wait::default() }).await;
    assert_eq!(run.ending(), "succeeded web:7", "{:#?}", run.told);
    assert!(run.outcome.changed);
    assert_eq!(run.writes(), ["UpdateService"]);
    assert_eq!(run.outcome.service.as_ref().map(|service| service.running_count), Some(3));
}

#[tokio::test(start_paused = true)]
async fn nothing_to_do_is_unchanged_and_writes_nothing() {
    let mut run = Run::prepare(world(), json!({})).await;
    run.plan.steps.clear();
    run.plan.reuse = Some(run.aws.describe_task_definition("web").await.unwrap());
    run.apply(Wait { enabled: true, limit: LIMIT, max_delay: Duration::from_secs(5), ..Wait::default() }).await;
    assert_eq!(run.ending(), "unchanged web:7");
    assert!(!run.outcome.changed);
    assert_eq!(run.writes(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_run_knows_what_may_have_been_changed() {
    let mut run =
        Run::prepare(world().fault("UpdateService", 1, Trick::Delay(Duration::from_secs(30))), json!({})).await;
    let wait = Wait { enabled: true, limit: LIMIT, max_delay: Duration::from_secs(5), ..Wait::default() };
    let mut tell = |_| {};
    let applied = apply(&run.plan, &wait, &run.aws, &mut run.outcome, &mut tell);
    assert!(tokio::time::timeout(Duration::from_secs(10), applied).await.is_err());
    assert!(run.outcome.changed);
    assert_eq!(run.outcome.verdict, None);
    assert_eq!(run.outcome.task_definition_arn.as_deref().map(short_name), Some("web:8"));
}

/// The evidence of a run, and the cause it shows.
async fn why(run: &Run) -> (Evidence, Option<Error>) {
    let subject = run.outcome.subject(&run.plan).unwrap();
    let evidence = gather(&subject, &run.aws).await;
    let cause = name_cause(&evidence, &subject);
    (evidence, cause)
}

#[tokio::test(start_paused = true)]
async fn tasks_that_stopped_besides_do_not_hide_who_ended_the_deployment() {
    let mut run = Run::of(world().rollout("web", Rollout::CrashLoop { trouble: trouble() })).await;
    assert_eq!(why(&run).await.1.map(|cause| cause.code), Some(Code::ApplicationCrashed));
    if let Some(cause) = &mut run.outcome.cause {
        cause.code = Code::AlarmTriggered;
    }
    assert_eq!(why(&run).await.1, None);
}

#[tokio::test(start_paused = true)]
async fn the_stopped_tasks_tell_why_and_a_denied_read_only_removes_them() {
    let trouble = Trouble::image_not_found("web:v2");
    let broken =
        || world().rollout("web", Rollout::CircuitBreaker { failures: 3, rollback: true, trouble: trouble.clone() });
    let run = Run::of(broken()).await;
    let (evidence, cause) = why(&run).await;
    assert_eq!(cause.map(|cause| cause.code), Some(Code::ImageNotFound), "{evidence:#?}");
    assert_eq!(evidence.stopped.iter().map(|group| group.count).sum::<usize>(), 3, "{evidence:#?}");
    assert!(!evidence.events.is_empty());
    assert!(evidence.tasks.is_some_and(|tasks| tasks.len() >= 3));

    let run = Run::of(broken().denied("ListTasks")).await;
    let (evidence, cause) = why(&run).await;
    assert_eq!(evidence.tasks, None);
    assert_eq!(cause, None);
    assert!(evidence.missing.iter().any(|missing| missing.contains("ecs:ListTasks")), "{evidence:#?}");

    let run = Run::of(world().rollout("web", Rollout::Succeed { after: 2 })).await;
    assert_eq!(why(&run).await.1, None);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_after_an_unanswered_update_does_not_say_that_nothing_was_changed() {
    let world = world().fault("UpdateService", 1, Trick::Reset).denied("UpdateService");
    let mut run = Run::prepare(world, json!({ "forceNewDeployment": true })).await;
    run.plan.steps.remove(0);
    run.plan.reuse = Some(run.aws.describe_task_definition("web").await.unwrap());
    run.apply(Wait { enabled: true, limit: LIMIT, max_delay: Duration::from_secs(5), ..Wait::default() }).await;
    let error = run.result.unwrap_err();
    assert_eq!(error.code, Code::AccessDenied);
    assert!(run.outcome.changed && error.what.ends_with("Whether `web` was updated is not known."), "{error}");
}

/// A run that finds its own revision being rolled out already, and has nothing to write.
async fn joining(rollout: Rollout, enabled: bool) -> Run {
    let mut run = Run::with(world().rollout("web", rollout), json!({}), wait_of(false)).await;
    run.plan.service = run.outcome.service.take();
    run.plan.reuse = run.aws.describe_task_definition("web").await.ok();
    run.plan.steps = if enabled { vec![Step::AwaitRollout] } else { Vec::new() };
    run.outcome = Outcome::default();
    run.apply(wait_of(enabled)).await;
    run
}

fn wait_of(enabled: bool) -> Wait {
    Wait { enabled, limit: LIMIT, max_delay: Duration::from_secs(5), ..Wait::default() }
}

#[tokio::test(start_paused = true)]
async fn an_old_success_of_the_deployment_that_ecs_goes_back_to_proves_nothing() {
    let broken = Rollout::RollbackFailed { failures: 3, trouble: trouble() };
    let mut run = Run::with(world().rollout("web", broken), json!({}), wait_of(false)).await;
    loop {
        let service = run.aws.describe_services("prod", &["web"]).await.unwrap().pop().unwrap();
        if Some(&service.primary().unwrap().id) != run.outcome.deployment_id.as_ref() {
            run.plan.service = Some(service);
            break;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    run.plan.reuse = run.aws.describe_task_definition("web:7").await.ok();
    run.plan.steps = vec![Step::AwaitRollout];
    run.outcome = Outcome::default();
    run.apply(wait_of(true)).await;
    assert!(!run.ending().starts_with("unchanged"), "{} {:#?}", run.ending(), run.told);
}

#[tokio::test(start_paused = true)]
async fn a_rollout_that_somebody_else_began_has_the_same_verdict() {
    let broken = |rollback| Rollout::CircuitBreaker { failures: 3, rollback, trouble: trouble() };
    for (rollout, expected) in [
        (Rollout::Succeed { after: 4 }, "unchanged web:8"),
        (broken(true), "rolled-back circuit-breaker web:7"),
        (broken(false), "failed circuit-breaker web:7"),
    ] {
        let run = joining(rollout, true).await;
        assert_eq!(run.ending(), expected, "{:#?}", run.told);
        assert!(!run.outcome.changed);
    }
}

#[tokio::test(start_paused = true)]
async fn healthy_behind_a_load_balancer_is_what_its_target_group_says_of_our_tasks() {
    let drains =
        || world().rollout("web", Rollout::Drain { healthy: 2, after: 2000 }).behind_target_group("web", "web");
    let wait = || Wait { until: Until::Healthy, ..wait_of(true) };
    // ECS may do with fewer healthy tasks: that it takes old ones away proves nothing.
    let half = |mut world: World| {
        world.change_service("web", |service| {
            let half = json!({ "minimumHealthyPercent": 50, "maximumPercent": 200 });
            service.settings.insert("deploymentConfiguration".into(), half);
        });
        world
    };
    let asked = |run: &Run| run.sim.calls().iter().filter(|call| call.operation == "DescribeTargetHealth").count();
    for world in [drains(), half(drains())] {
        let run = Run::with(world, json!({}), wait()).await;
        assert_eq!(run.ending(), "succeeded web:8", "{:#?}", run.told);
        assert!(run.outcome.reached.is_some() && asked(&run) > 0 && run.warnings().is_empty(), "{:#?}", run.told);
    }
    let run = Run::with(drains().denied("DescribeTargetHealth"), json!({}), wait()).await;
    assert_eq!((run.ending().as_str(), asked(&run)), ("succeeded web:8", 1), "{:#?}", run.told);
    let told = "`elasticloadbalancing:DescribeTargetHealth` is denied to";
    assert_eq!(run.warnings().iter().filter(|text| text.contains(told)).count(), 1, "{:#?}", run.told);
    let run = Run::with(half(drains()).denied("DescribeTargetHealth"), json!({}), wait()).await;
    assert_eq!(run.ending(), "timed-out timed-out web:8", "{:#?}", run.told);
}

/// A run that wants to roll out the very revision that another job began to, since this one read the service.
async fn second(rollout: Rollout, wait: Wait) -> Run {
    let mut world = world().rollout("web", rollout);
    world.change_service("web", |service| service.breaker(false, false));
    let mut run = Run::prepare(world, json!({})).await;
    run.apply(wait_of(false)).await;
    run.plan.reuse = run.aws.describe_task_definition("web").await.ok();
    run.plan.on_failure = OnFailure::Rollback;
    run.plan.on_cancel = OnCancel::Rollback;
    run.plan.steps.remove(0);
    run.outcome = Outcome::default();
    run.apply(wait).await;
    run
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_was_there_before_the_update_is_followed_and_never_undone() {
    let crash = || Rollout::CrashLoop { trouble: Trouble::image_not_found("web:v2") };
    for (rollout, expected) in [
        (Rollout::Succeed { after: 4 }, "unchanged web:8"),
        (crash(), "failed deployment-failed web:7"),
        (Rollout::Stall { running: 0 }, "timed-out timed-out web:7"),
    ] {
        let run = second(rollout, wait_of(true)).await;
        assert_eq!(run.ending(), expected, "{:#?}", run.told);
        // The other's two, and this one's, which began nothing.
        assert_eq!(run.writes(), ["RegisterTaskDefinition", "UpdateService", "UpdateService"]);
        assert!(!run.outcome.changed);
        let told = |what: &What| matches!(what, What::Finished(text) if text.contains("which somebody else began"));
        assert!(run.told.iter().any(told), "{:#?}", run.told);
    }
    // Nor by a signal.
    let mut run = second(crash(), wait_of(false)).await;
    let error = cancel::cancel("SIGTERM", Some(&run.plan), Some(&run.aws), &mut run.outcome, &mut |_| {}).await;
    assert_eq!(run.writes(), ["RegisterTaskDefinition", "UpdateService", "UpdateService"], "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_rollout_that_goes_on_and_is_not_awaited_is_not_called_unchanged() {
    let run = joining(Rollout::Succeed { after: 30 }, false).await;
    assert_eq!(run.ending(), "started web:7");
    assert!(!run.outcome.changed && run.outcome.deployment_id.is_some());
}

#[tokio::test(start_paused = true)]
async fn the_verdict_does_not_wait_for_slow_evidence() {
    let stalled = world().rollout("web", Rollout::Stall { running: 1 });
    let run = Run::of(stalled.fault("ListTasks", u32::MAX, Trick::Delay(Duration::from_mins(1)))).await;
    let began = Instant::now();
    let (evidence, _) = why(&run).await;
    assert!(began.elapsed() < Duration::from_secs(11), "{:?}", began.elapsed());
    assert!(evidence.missing.iter().any(|missing| missing.contains("longer than 10 seconds")), "{evidence:#?}");
}

mod evidence;
#[path = "undo/tests.rs"]
mod undo;
