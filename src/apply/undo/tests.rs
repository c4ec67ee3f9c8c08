//! Failed deployments that are gone back from, against the stage, in virtual time.

#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

use super::*;
use crate::apply::undo;

fn tripped() -> Rollout {
    Rollout::CircuitBreaker { failures: 3, rollback: false, trouble: trouble() }
}

fn crash_loop() -> Rollout {
    Rollout::CrashLoop { trouble: trouble() }
}

/// A run with `on-failure: rollback`, whose deployments go as told, ours first.
async fn failing(world: World, rollouts: &[Rollout]) -> Run {
    let world = rollouts.iter().cloned().fold(world, |world, rollout| world.rollout("web", rollout));
    let mut run = Run::prepare(world, json!({})).await;
    run.plan.on_failure = OnFailure::Rollback;
    run.apply(wait_of(true)).await;
    run
}

fn after_ours(run: &Run) -> Vec<String> {
    let writes = run.writes();
    assert_eq!(writes.get(..2).unwrap(), ["RegisterTaskDefinition", "UpdateService"]);
    writes.get(2..).unwrap().to_vec()
}

fn what(run: &Run) -> &str {
    run.outcome.cause.as_ref().map_or("", |cause| cause.what.as_str())
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_ecs_leaves_failed_is_gone_back_from_by_an_update() {
    for rollout in [tripped(), Rollout::Alarm { after: 3, rollback: false, name: "errors".to_owned() }] {
        let run = failing(world(), &[rollout]).await;
        assert!(run.ending().starts_with("rolled-back") && run.ending().ends_with("web:7"), "{}", run.ending());
        assert_eq!(after_ours(&run), ["UpdateService"]);
        let asked = run.sim.writes().pop().unwrap().request;
        let arn = run.plan.previous_task_definition_arn.clone().unwrap();
        assert_eq!(asked, json!({ "cluster": "prod", "service": "web", "taskDefinition": arn }));
        assert!(what(&run).ends_with(", and web:7 serves again."), "{}", what(&run));
        assert!(!run.outcome.evidence.as_ref().unwrap().events.is_empty(), "evidence comes before the way back");
    }
}

#[tokio::test(start_paused = true)]
async fn what_ecs_rolls_back_itself_takes_no_call_of_ours() {
    let by_itself = Rollout::CircuitBreaker { failures: 3, rollback: true, trouble: trouble() };
    for (rollout, expected) in [
        (by_itself, "rolled-back circuit-breaker web:7"),
        (Rollout::RollbackFailed { failures: 3, trouble: trouble() }, "rollback-failed circuit-breaker web:7"),
        (Rollout::Superseded { after: 2 }, "superseded superseded web:7 web:9"),
        (Rollout::Deleted { after: 2 }, "failed service-gone"),
        (Rollout::Succeed { after: 2 }, "succeeded web:8"),
    ] {
        let run = failing(world(), &[rollout]).await;
        assert_eq!(run.ending(), expected);
        assert_eq!(after_ours(&run), [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn only_a_deployment_whose_tasks_keep_failing_is_stopped_by_us() {
    for (fail_fast_after, expected) in [(0, "rolled-back timed-out web:7"), (3, "rolled-back deployment-failed web:7")]
    {
        let mut run = Run::prepare(world().rollout("web", crash_loop()), json!({})).await;
        run.plan.on_failure = OnFailure::Rollback;
        run.apply(Wait { fail_fast_after, ..wait_of(true) }).await;
        assert_eq!(run.ending(), expected, "{:#?}", run.told);
        assert_eq!(after_ours(&run), ["StopServiceDeployment"]);
        assert_eq!(run.sim.writes().pop().unwrap().request["stopType"], "ROLLBACK");
    }

    let run = failing(world(), &[Rollout::Stall { running: 1 }]).await;
    assert_eq!(run.ending(), "timed-out timed-out web:7");
    assert_eq!(after_ours(&run), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn where_ecs_cannot_be_asked_to_go_back_the_service_is_updated() {
    let conflict = "Service deployment is not in a state that can be stopped.";
    for trick in [
        Trick::Denied,
        Trick::Missing,
        Trick::Html(500),
        Trick::Error(400, "ConflictException".into(), conflict.into()),
        Trick::Error(400, "ServiceDeploymentNotFoundException".into(), "Service deployment not found.".into()),
    ] {
        let run = failing(world().fault("StopServiceDeployment", u32::MAX, trick.clone()), &[crash_loop()]).await;
        assert_eq!(run.ending(), "rolled-back deployment-failed web:7", "{trick:?} {:#?}", run.told);
        assert_eq!(after_ours(&run), ["UpdateService"], "{trick:?}");
    }
    let world = world().denied("ListServiceDeployments").denied("DescribeServiceDeployments");
    let run = failing(world, &[crash_loop()]).await;
    assert_eq!(run.ending(), "rolled-back timed-out web:7", "{:#?}", run.told);
    assert_eq!(after_ours(&run), ["UpdateService"]);
}

/// How many deployments of the service there were.
fn deployments(run: &Run) -> usize {
    run.sim.with(|world| world.ecs.services.iter().find(|web| web.name == "web").unwrap().deployments.len())
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_on_the_way_back_asks_for_it_only_once() {
    let run = failing(world().fault("StopServiceDeployment", 1, Trick::LostAnswer), &[crash_loop()]).await;
    assert_eq!(run.ending(), "rolled-back deployment-failed web:7", "{:#?}", run.told);
    assert_eq!(after_ours(&run), ["StopServiceDeployment"]);

    let mut world = world();
    world.faults.push(crate::sim::Fault {
        operation: "UpdateService".into(),
        skip: 1,
        times: 1,
        trick: Trick::LostAnswer,
    });
    let before = deployments(&failing(super::world(), &[tripped()]).await);
    let run = failing(world, &[tripped()]).await;
    assert_eq!(run.ending(), "rolled-back circuit-breaker web:7", "{:#?}", run.told);
    assert_eq!(deployments(&run), before, "one deployment leads back");
}

#[tokio::test(start_paused = true)]
async fn a_way_back_that_fails_is_said_loudest() {
    let run = failing(world(), &[tripped(), tripped()]).await;
    assert!(run.ending().starts_with("rollback-failed circuit-breaker"), "{}", run.ending());
    assert_eq!(after_ours(&run), ["UpdateService"]);
    assert!(what(&run).ends_with("and the way back failed too: the service may be degraded."), "{}", what(&run));

    let mut refused = world();
    refused.faults.push(crate::sim::Fault {
        operation: "UpdateService".into(),
        skip: 1,
        times: u32::MAX,
        trick: Trick::Denied,
    });
    let run = failing(refused, &[tripped()]).await;
    assert!(run.ending().starts_with("rollback-failed circuit-breaker"), "{}", run.ending());
    assert_eq!(after_ours(&run), [""; 0]);
    assert!(what(&run).contains("`ecs:UpdateService` is denied to"), "{}", what(&run));
}

#[tokio::test(start_paused = true)]
async fn a_way_back_that_may_have_been_asked_for_is_not_called_failed() {
    let mut run = Run::of(world().rollout("web", tripped())).await;
    run.plan.on_failure = OnFailure::Rollback;
    run.sim.with(|world| {
        let mut fault = |operation: &str, skip, times, trick| {
            world.faults.push(crate::sim::Fault { operation: operation.into(), skip, times, trick });
        };
        fault("UpdateService", 0, u32::MAX, Trick::LostAnswer);
        fault("DescribeServices", 1, u32::MAX, Trick::Reset);
    });
    let (goal, wait) = (run.outcome.goal.clone().unwrap(), wait_of(true));
    undo::undo(&goal, Verdict::Failed, &run.plan, (&wait, LIMIT), &run.aws, &mut run.outcome, &mut |_| {}).await;
    assert_eq!(run.outcome.verdict, Some(Verdict::Failed), "{}", what(&run));
    assert!(what(&run).contains("and whether `ecs:UpdateService` was carried out is not known"), "{}", what(&run));
    assert!(run.outcome.changed);
}

#[tokio::test(start_paused = true)]
async fn a_way_back_that_is_still_going_on_is_not_called_done() {
    let run = failing(world(), &[tripped(), Rollout::Stall { running: 1 }]).await;
    assert!(run.ending().starts_with("timed-out circuit-breaker"), "{}", run.ending());
    assert!(what(&run).ends_with("and the way back was still going on after 10 min."), "{}", what(&run));
    assert!(run.took > Duration::from_mins(10) && run.took < Duration::from_mins(11), "{:?}", run.took);
}

#[tokio::test(start_paused = true)]
async fn somebody_else_taking_over_on_the_way_back_is_named() {
    let run = failing(world(), &[tripped(), Rollout::Superseded { after: 1 }]).await;
    assert!(run.ending().starts_with("failed circuit-breaker") && run.ending().ends_with("web:9"), "{}", run.ending());
    assert_eq!(after_ours(&run), ["UpdateService"]);
}

#[tokio::test(start_paused = true)]
async fn somebody_elses_deployment_is_never_rolled_back() {
    let mut run = Run::of(world().rollout("web", tripped())).await;
    assert_eq!(run.outcome.verdict, Some(Verdict::Failed));
    let rival = json!({ "cluster": "prod", "service": "web", "taskDefinition": "web:6" });
    run.aws.update_service(&rival).await.unwrap();
    let writes = run.writes().len();
    run.plan.on_failure = OnFailure::Rollback;
    let goal = run.outcome.goal.clone().unwrap();
    let wait = wait_of(true);
    undo::undo(&goal, Verdict::Failed, &run.plan, (&wait, LIMIT), &run.aws, &mut run.outcome, &mut |_| {}).await;
    assert_eq!(run.outcome.verdict, Some(Verdict::Failed));
    assert!(what(&run).contains("another deployment, of web:6, began meanwhile"), "{}", what(&run));
    assert_eq!(run.writes().len(), writes);
}

#[tokio::test(start_paused = true)]
async fn with_nothing_to_go_back_to_nothing_is_written() {
    let mut inactive = world();
    inactive.ecs.definitions.iter_mut().for_each(|known| known.status = "INACTIVE".into());
    let run = failing(inactive, &[tripped()]).await;
    assert!(run.ending().starts_with("failed circuit-breaker"), "{}", run.ending());
    assert_eq!(after_ours(&run), [""; 0]);
    assert!(what(&run).contains("web:7, which completed last, is INACTIVE"), "{}", what(&run));

    // A service whose first deployment is still under way when ours replaces it.
    for rollout in [tripped(), crash_loop()] {
        let mut new = world();
        new.ecs.services.clear();
        let mut service = crate::sim::ecs::Service::running("prod", "web", 2);
        service.script = [Rollout::Stall { running: 0 }, rollout].into();
        let run = failing(new.with_new_service(service, "web:7"), &[]).await;
        assert_eq!(after_ours(&run), [""; 0]);
        let verdict = run.outcome.verdict;
        assert!(matches!(verdict, Some(Verdict::Failed | Verdict::TimedOut)), "{}", run.ending());
        assert!(what(&run).contains("no revision completed before it"), "{}", what(&run));
    }
}

#[tokio::test(start_paused = true)]
async fn the_way_back_leads_past_a_revision_that_failed_too() {
    let mut run = Run::of(world().rollout("web", tripped()).rollout("web", tripped())).await;
    assert_eq!(run.ending(), "failed circuit-breaker web:7");
    run.plan.service = run.outcome.service.take();
    run.plan.on_failure = OnFailure::Rollback;
    run.outcome = Outcome::default();
    run.apply(wait_of(true)).await;
    assert_eq!(run.ending(), "rolled-back circuit-breaker web:7", "{:#?}", run.told);
    assert!(run.sim.writes().pop().unwrap().request["taskDefinition"].as_str().unwrap().ends_with("web:7"));
}

#[tokio::test(start_paused = true)]
async fn the_same_revision_again_is_no_way_back() {
    let world = world().rollout("web", tripped());
    let mut run = Run::prepare(world, json!({ "forceNewDeployment": true })).await;
    run.plan.steps.remove(0);
    run.plan.reuse = Some(run.aws.describe_task_definition("web").await.unwrap());
    run.plan.on_failure = OnFailure::Rollback;
    run.apply(wait_of(true)).await;
    assert!(run.ending().starts_with("failed circuit-breaker"), "{}", run.ending());
    assert_eq!(run.writes(), ["UpdateService"]);
    assert!(what(&run).contains("the revision before is web:7 too"), "{}", what(&run));
}

/// A run that was not awaited, as a signal finds it.
async fn cancelled(rollout: Rollout, looks: usize) -> (Run, Error) {
    let mut run = Run::with(world().rollout("web", rollout), json!({}), wait_of(false)).await;
    run.outcome.verdict = None;
    for _ in 0..looks {
        run.aws.describe_services("prod", &["web"]).await.unwrap();
    }
    run.plan.on_cancel = OnCancel::Rollback;
    let error = cancel::cancel("SIGINT", Some(&run.plan), Some(&run.aws), &mut run.outcome, &mut |_| {}).await;
    (run, error)
}

#[tokio::test(start_paused = true)]
async fn a_cancel_rolls_back_only_what_is_still_in_progress() {
    let (run, error) = cancelled(Rollout::Succeed { after: 3 }, 6).await;
    assert!(error.why.contains("It was completed already, so nothing was rolled back."), "{error}");
    assert_eq!(after_ours(&run), [""; 0]);

    let (run, error) = cancelled(Rollout::Superseded { after: 2 }, 4).await;
    assert!(error.why.contains("another deployment, of web:9, began meanwhile and was left alone"), "{error}");
    assert_eq!(after_ours(&run), [""; 0]);

    let (run, error) = cancelled(Rollout::Stall { running: 1 }, 1).await;
    assert!(error.why.contains("(`ecs:UpdateService`, `on-cancel: rollback`), and its end was not awaited"), "{error}");
    assert_eq!(after_ours(&run), ["UpdateService"]);
}

#[tokio::test(start_paused = true)]
async fn another_deployment_is_awaited_no_longer_than_the_limit() {
    let mut run = Run::with(world().rollout("web", Rollout::Stall { running: 1 }), json!({}), wait_of(false)).await;
    run.plan.service = run.outcome.service.take();
    let other = concurrent::other(&run.plan, &run.aws).await.unwrap().unwrap();
    let began = Instant::now();
    let told = &mut run.told;
    let error = concurrent::wait(other, &run.plan, &wait_of(true), &run.aws, &mut |what| told.push(what)).await;
    let error = error.unwrap_err();
    assert!(began.elapsed() < LIMIT + Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!(error.code, Code::DeploymentInProgress);
    insta::assert_snapshot!(error.what, @"Another deployment of `web` is in progress after 3 min: web:8.");
    assert!(told.iter().filter(|what| matches!(what, What::Progress(_))).count() >= 2, "silence is at most a minute");
}
