//! Every way a rollout goes by stages, and the less usual services: what is seen of it, and that its verdict is true.

use ecs_deploy::sim::ecs::Service;
use ecs_deploy::sim::{Happening, Lambda, Rollout, Trouble, WayBack, World};
use serde_json::{Value, json};

use crate::harness::{Ended, IMAGE_V2, Scenario};

const FUNCTION: &str = "arn:aws:lambda:eu-central-1:123456789012:function:smoke";
const STRATEGIES: [&str; 3] = ["BLUE_GREEN", "LINEAR", "CANARY"];

/// A service that is deployed by a strategy: a quarter or a half of the traffic first, and a bake time at the end.
fn shifting(strategy: &str, script: Rollout) -> Service {
    let mut service = Service::shifting("prod", "web", 2, strategy);
    service.configure("bakeTimeInMinutes", json!(4));
    service.configure("linearConfiguration", json!({"stepPercent": 50.0, "stepBakeTimeInMinutes": 4}));
    service.configure("canaryConfiguration", json!({"canaryPercent": 12.5, "canaryBakeTimeInMinutes": 4}));
    service.script.push_back(script);
    service
}

fn well() -> Rollout {
    Rollout::Succeed { after: 5 }
}

/// The stages at which a function is asked; each takes its time, so that no look misses one.
fn with_function(mut service: Service, answer: Lambda, stages: &[&str]) -> Service {
    let hook = json!([{"hookTargetArn": FUNCTION, "roleArn": "arn:aws:iam::123456789012:role/hooks",
        "lifecycleStages": stages}]);
    service.configure("lifecycleHooks", hook);
    service.lambdas.insert(FUNCTION.into(), answer);
    service
}

fn with_pause(mut service: Service, stage: &str, timeout: Value) -> Service {
    let mut hook = json!({"targetType": "PAUSE", "lifecycleStages": [stage]});
    if !timeout.is_null() {
        hook["timeoutConfiguration"] = timeout;
    }
    service.configure("lifecycleHooks", json!([hook]));
    service
}

/// A step that deploys the image `v2` to such a service.
async fn deploying(service: Service) -> Scenario {
    Scenario::of(World::default().with_service(service, "web:7")).await.input("image", IMAGE_V2)
}

/// What was told of the deployment on its way, each once: its status, stage, traffic and times.
fn way(ended: &Ended) -> String {
    let lines = ended.stdout.lines().filter_map(|line| line.find("IN_PROGRESS ").map(|at| &line[at..]));
    let mut told: Vec<&str> = lines.filter(|line| !line.contains("CLEAN_UP")).collect();
    told.dedup();
    told.join("\n")
}

#[track_caller]
fn serves(ended: &Ended, revision: &str) {
    assert!(ended.output("live-task-definition-arn").ends_with(revision), "{}", ended.told());
}

/// ECS itself called it done before we did.
#[track_caller]
fn was_called(ended: &Ended, status: &str) {
    let mut answers = ended.calls.iter().filter(|call| call.operation == "DescribeServiceDeployments");
    assert!(answers.any(|call| call.answer.contains(&format!("\"status\":\"{status}\""))), "{}", ended.told());
}

async fn to_success(strategy: &str) -> String {
    let stages = [
        "PRE_SCALE_UP",
        "POST_SCALE_UP",
        "TEST_TRAFFIC_SHIFT",
        "POST_TEST_TRAFFIC_SHIFT",
        "PRE_PRODUCTION_TRAFFIC_SHIFT",
        "PRODUCTION_TRAFFIC_SHIFT",
        "POST_PRODUCTION_TRAFFIC_SHIFT",
    ];
    let ended = deploying(with_function(shifting(strategy, well()), Lambda::Slow(6), &stages)).await.run().await;
    ended.is(0, "succeeded", "");
    was_called(&ended, "SUCCESSFUL");
    serves(&ended, "web:8");
    way(&ended)
}

#[tokio::test]
async fn blue_green_is_followed_through_its_stages_its_shift_and_its_bake_time() {
    insta::assert_snapshot!(to_success("BLUE_GREEN").await, @r"
    IN_PROGRESS PRE_SCALE_UP · traffic 0 % new, 100 % old
    IN_PROGRESS SCALE_UP · traffic 0 % new, 100 % old
    IN_PROGRESS POST_SCALE_UP · traffic 0 % new, 100 % old
    IN_PROGRESS TEST_TRAFFIC_SHIFT · traffic 0 % new, 100 % old · test traffic 100 % new
    IN_PROGRESS POST_TEST_TRAFFIC_SHIFT · traffic 0 % new, 100 % old · test traffic 100 % new
    IN_PROGRESS PRE_PRODUCTION_TRAFFIC_SHIFT · traffic 0 % new, 100 % old · test traffic 100 % new
    IN_PROGRESS PRODUCTION_TRAFFIC_SHIFT · traffic 100 % new, 0 % old · test traffic 100 % new
    IN_PROGRESS POST_PRODUCTION_TRAFFIC_SHIFT · traffic 100 % new, 0 % old · test traffic 100 % new
    IN_PROGRESS BAKE_TIME · traffic 100 % new, 0 % old · test traffic 100 % new · baked 0 of 4 min
    ");
}

#[tokio::test]
async fn linear_is_followed_through_each_of_its_steps() {
    insta::assert_snapshot!(to_success("LINEAR").await, @r"
    IN_PROGRESS PRE_SCALE_UP · traffic 0 % new, 100 % old
    IN_PROGRESS SCALE_UP · traffic 0 % new, 100 % old
    IN_PROGRESS POST_SCALE_UP · traffic 0 % new, 100 % old
    IN_PROGRESS TEST_TRAFFIC_SHIFT · traffic 0 % new, 100 % old · test traffic 100 % new
    IN_PROGRESS POST_TEST_TRAFFIC_SHIFT · traffic 0 % new, 100 % old · test traffic 100 % new
    IN_PROGRESS PRE_PRODUCTION_TRAFFIC_SHIFT · traffic 0 % new, 100 % old · test traffic 100 % new
    IN_PROGRESS PRODUCTION_TRAFFIC_SHIFT · traffic 50 % new, 50 % old · test traffic 100 % new
    IN_PROGRESS PRE_PRODUCTION_TRAFFIC_SHIFT · traffic 50 % new, 50 % old · test traffic 100 % new
    IN_PROGRESS PRODUCTION_TRAFFIC_SHIFT · traffic 100 % new, 0 % old · test traffic 100 % new
    IN_PROGRESS POST_PRODUCTION_TRAFFIC_SHIFT · traffic 100 % new, 0 % old · test traffic 100 % new
    IN_PROGRESS BAKE_TIME · traffic 100 % new, 0 % old · test traffic 100 % new · baked 0 of 4 min
    ");
}

#[tokio::test]
async fn canary_is_followed_through_its_first_few_and_the_rest() {
    insta::assert_snapshot!(to_success("CANARY").await, @r"
    IN_PROGRESS PRE_SCALE_UP · traffic 0 % new, 100 % old
    IN_PROGRESS SCALE_UP · traffic 0 % new, 100 % old
    IN_PROGRESS POST_SCALE_UP · traffic 0 % new, 100 % old
    IN_PROGRESS TEST_TRAFFIC_SHIFT · traffic 0 % new, 100 % old · test traffic 100 % new
    IN_PROGRESS POST_TEST_TRAFFIC_SHIFT · traffic 0 % new, 100 % old · test traffic 100 % new
    IN_PROGRESS PRE_PRODUCTION_TRAFFIC_SHIFT · traffic 0 % new, 100 % old · test traffic 100 % new
    IN_PROGRESS PRODUCTION_TRAFFIC_SHIFT · traffic 12.5 % new, 87.5 % old · test traffic 100 % new
    IN_PROGRESS PRE_PRODUCTION_TRAFFIC_SHIFT · traffic 12.5 % new, 87.5 % old · test traffic 100 % new
    IN_PROGRESS PRODUCTION_TRAFFIC_SHIFT · traffic 100 % new, 0 % old · test traffic 100 % new
    IN_PROGRESS POST_PRODUCTION_TRAFFIC_SHIFT · traffic 100 % new, 0 % old · test traffic 100 % new
    IN_PROGRESS BAKE_TIME · traffic 100 % new, 0 % old · test traffic 100 % new · baked 0 of 4 min
    ");
}

#[tokio::test]
async fn a_bake_time_is_counted_in() {
    for strategy in ["ROLLING", "BLUE_GREEN"] {
        let mut service = shifting(strategy, Rollout::Succeed { after: 2 });
        service.configure("bakeTimeInMinutes", json!(30));
        let ended = deploying(service).await.run().await;
        ended.is(0, "succeeded", "");
        was_called(&ended, "SUCCESSFUL");
        let looks = ended.calls.iter().filter(|call| call.operation == "DescribeServiceDeployments").count();
        assert!(looks > 15, "a tick is a minute here, and a look is two ticks: {}", ended.told());
    }
}

#[tokio::test]
async fn what_fails_on_the_way_is_rolled_back_whatever_the_strategy() {
    let broken = Rollout::CircuitBreaker { failures: 3, rollback: true, trouble: Trouble::image_not_found(IMAGE_V2) };
    let alarm = Rollout::Alarm { after: 13, rollback: true, name: "web-5xx".into() };
    let hook = Rollout::hook_failed(12, "POST_TEST_TRAFFIC_SHIFT", FUNCTION);
    let network = Rollout::bad_networking(12, ". One or more rules not found");
    for strategy in STRATEGIES {
        for (script, reason, told) in [
            (&broken, "image-not-found", "CannotPullContainerError"),
            (&alarm, "alarm-triggered", "web-5xx"),
            (&hook, "hook-failed", FUNCTION),
            (&network, "listener-misconfigured", "rules not found"),
            (&Rollout::ManualRollback { after: 12 }, "stopped-by-hand", "web:7"),
        ] {
            let ended = deploying(shifting(strategy, script.clone())).await.run().await;
            ended.is(4, "rolled-back", reason);
            was_called(&ended, "ROLLBACK_SUCCESSFUL");
            serves(&ended, "web:7");
            assert!(ended.summary.contains(told), "{strategy} {told}: {}", ended.summary);
        }
    }
}

#[tokio::test]
async fn a_function_that_fails_is_named_with_its_stage() {
    let words = format!("Lifecycle hook target {FUNCTION} returned FAILED status");
    for stage in ["PRE_SCALE_UP", "PRODUCTION_TRAFFIC_SHIFT"] {
        let service = with_function(shifting("CANARY", well()), Lambda::Fails(words.clone()), &[stage]);
        let ended = deploying(service).await.run().await;
        ended.is(4, "rolled-back", "hook-failed");
        serves(&ended, "web:7");
        assert!(ended.output("message").contains(stage) || ended.summary.contains(stage), "{}", ended.told());
    }
}

#[tokio::test]
async fn a_way_back_that_fails_is_said_in_stages_too() {
    let mut service = shifting("BLUE_GREEN", Rollout::Alarm { after: 13, rollback: true, name: "web-5xx".into() });
    service.way_back = WayBack::Fails;
    let ended = deploying(service).await.run().await;
    ended.is(5, "rollback-failed", "alarm-triggered");
    was_called(&ended, "ROLLBACK_FAILED");
}

#[tokio::test]
async fn a_person_who_comes_too_late_stops_nothing() {
    let mut service = shifting("BLUE_GREEN", well());
    service.agenda = vec![(13, Happening::Stop)];
    service.way_back = WayBack::TooLate;
    let ended = deploying(service).await.run().await;
    ended.is(0, "succeeded", "");
    assert!(!ended.stdout.contains("BAKE_TIME"), "it was answered: {}", ended.told());
    serves(&ended, "web:8");
}

#[tokio::test]
async fn a_pause_is_waited_through_and_each_of_its_ids_is_told_once() {
    let mut service = with_pause(shifting("LINEAR", well()), "PRE_PRODUCTION_TRAFFIC_SHIFT", Value::Null);
    service.answers = [(9, "CONTINUE".into()), (9, "CONTINUE".into())].into();
    let ended = deploying(service).await.run().await;
    ended.is(0, "succeeded", "");
    serves(&ended, "web:8");
    let ids = pause_ids(&ended);
    assert_eq!(ids.len(), 2, "{}", ended.told());
    assert_ne!(ids[0], ids[1]);
    assert!(
        way(&ended)
            .contains("PRE_PRODUCTION_TRAFFIC_SHIFT · traffic 50 % new, 50 % old · test traffic 100 % new · paused")
    );
}

/// The ids in the commands that continue a pause, as the log tells them.
fn pause_ids(ended: &Ended) -> Vec<String> {
    let told = |line: &&str| line.starts_with('[') || line.starts_with("To go on with it");
    let ids = ended.stdout.lines().filter(told).filter(|line| line.contains("continue-service-deployment"));
    let ids = ids.filter_map(|line| line.split_once("--hook-id ")?.1.split_whitespace().next());
    let mut ids: Vec<String> = ids.map(str::to_owned).collect();
    ids.dedup();
    ids
}

#[tokio::test]
async fn a_run_may_end_at_each_pause_and_the_next_one_finds_a_new_one() {
    let service = with_pause(shifting("LINEAR", well()), "PRE_PRODUCTION_TRAFFIC_SHIFT", Value::Null);
    let scenario = deploying(service).await.input("wait-until", "paused");
    let first = scenario.run().await;
    first.is(0, "paused", "");
    serves(&first, "web:7");
    let waiting = scenario.sim.with(|world| world.pauses("web"));
    assert_eq!(pause_ids(&first), [waiting[0].2.clone()], "{}", first.told());

    assert!(scenario.sim.with(|world| world.answer_pause("web", "CONTINUE")));
    let second = scenario.run().await;
    second.is(0, "paused", "");
    assert_eq!(second.writes, [""; 0], "{}", second.told());
    assert_ne!(pause_ids(&first), pause_ids(&second));

    assert!(scenario.sim.with(|world| world.answer_pause("web", "CONTINUE")));
    let last = scenario.run().await;
    last.is(0, "unchanged", "");
    serves(&last, "web:8");
    assert_eq!(scenario.sim.writes().len(), 2);
}

#[tokio::test]
async fn a_pause_answered_with_a_rollback_and_one_that_nobody_answers_are_told_apart() {
    let paused = |timeout| with_pause(shifting("BLUE_GREEN", well()), "POST_TEST_TRAFFIC_SHIFT", timeout);
    let mut answered = paused(Value::Null);
    answered.answers = [(6, "ROLLBACK".into())].into();
    let ended = deploying(answered).await.run().await;
    ended.is(4, "rolled-back", "stopped-by-hand");
    serves(&ended, "web:7");
    let ended = deploying(paused(json!({"timeoutInMinutes": 6, "action": "ROLLBACK"}))).await.run().await;
    ended.is(4, "rolled-back", "pause-hook-timed-out");
    let ended = deploying(paused(json!({"timeoutInMinutes": 6, "action": "CONTINUE"}))).await.run().await;
    ended.is(0, "succeeded", "");
}

#[tokio::test]
async fn a_run_may_end_when_the_traffic_is_on_healthy_tasks_or_at_a_stage() {
    for (until, told) in [("healthy", "up and healthy, as asked"), ("stage:BAKE_TIME", "is at BAKE_TIME, as asked")] {
        let mut service = shifting("BLUE_GREEN", well());
        service.configure("bakeTimeInMinutes", json!(1440));
        let scenario = deploying(service).await.input("wait-until", until);
        let ended = scenario.run().await;
        ended.is(0, "succeeded", "");
        serves(&ended, "web:8");
        assert!(ended.output("message").contains(told), "{}", ended.told());
        let looks: Vec<_> = ended.calls.iter().filter(|call| call.operation == "DescribeServiceDeployments").collect();
        assert!(looks[looks.len() - 1].answer.contains("\"status\":\"IN_PROGRESS\""), "{}", ended.told());
    }
}

#[tokio::test]
async fn a_stage_that_is_asked_for_and_never_comes_is_no_success() {
    let hook = Rollout::hook_failed(7, "POST_TEST_TRAFFIC_SHIFT", FUNCTION);
    let ended = deploying(shifting("BLUE_GREEN", hook)).await.input("wait-until", "stage:BAKE_TIME").run().await;
    ended.is(4, "rolled-back", "hook-failed");
}

#[tokio::test]
async fn old_tasks_that_only_drain_need_not_be_awaited() {
    let drain = || Rollout::Drain { healthy: 3, after: 2000 };
    let ended = Scenario::deploying(drain()).await.input("wait-until", "healthy").run().await;
    ended.is(0, "succeeded", "");
    assert!(ended.output("message").contains("old tasks may still drain"), "{}", ended.told());
    assert!(ended.calls.iter().filter(|call| call.operation == "DescribeServices").count() < 20);
}

#[tokio::test]
async fn an_early_success_says_that_old_tasks_still_run() {
    let ended = Scenario::deploying(Rollout::EarlySuccess { after: 4, lingering: 200 }).await.run().await;
    ended.is(0, "succeeded", "");
    was_called(&ended, "SUCCESSFUL");
    serves(&ended, "web:8");
    assert!(ended.stdout.contains("successful while 2 older tasks still run"), "{}", ended.told());
}

#[tokio::test]
async fn somebody_else_in_the_middle_of_it_supersedes_ours_by_any_strategy() {
    for strategy in STRATEGIES {
        let ended = deploying(shifting(strategy, Rollout::Superseded { after: 12 })).await.run().await;
        ended.is(8, "superseded", "superseded");
        assert!(ended.stdout.contains("web:9"), "{strategy}: {}", ended.told());
        let ended = deploying(shifting(strategy, Rollout::Refreshed { after: 12 })).await.run().await;
        ended.is(8, "superseded", "superseded");
        assert!(ended.stdout.contains("web:8"), "{strategy}: {}", ended.told());
    }
}

#[tokio::test]
async fn somebody_else_before_ours_is_replaced_and_after_ours_changes_nothing() {
    let world = World::default().with_rival("web", Rollout::Slow { every: 3 }).rollout("web", well());
    let ended = Scenario::of(world).await.input("image", IMAGE_V2).run().await;
    ended.is(0, "succeeded", "");
    let mut world = World::default().rollout("web", well());
    // Reads that lag show ours as done only when theirs has begun.
    world.change_service("web", |service| {
        service.agenda = vec![(8, Happening::Rival(well()))];
        service.lag = ecs_deploy::sim::ecs::Lag { describes: 4, lists: 2, current: 2 };
    });
    let ended = Scenario::of(world).await.input("image", IMAGE_V2).run().await;
    ended.is(0, "succeeded", "");
}

#[tokio::test]
async fn autoscaling_and_nothing_wanted_are_no_failure_in_stages() {
    for strategy in STRATEGIES {
        let mut scaled = shifting(strategy, well());
        scaled.autoscaling = vec![(6, 5), (18, 3)];
        let ended = deploying(scaled).await.run().await;
        ended.is(0, "succeeded", "");
        serves(&ended, "web:8");
        let ended = deploying(shifting(strategy, well())).await.input("desired-count", "0").run().await;
        ended.is(0, "succeeded", "");
    }
}

#[tokio::test]
async fn a_daemon_is_done_when_every_instance_has_it() {
    let daemon = |script| {
        let mut service = Service::daemon("prod", "web", 3);
        service.script.push_back(script);
        service
    };
    let mut growing = daemon(Rollout::Succeed { after: 8 });
    growing.autoscaling = vec![(3, 5), (6, 4)];
    for service in [daemon(Rollout::Succeed { after: 6 }), growing] {
        let ended = deploying(service).await.run().await;
        ended.is(0, "succeeded", "");
        serves(&ended, "web:8");
        assert!(ended.requests("UpdateService")[0].get("desiredCount").is_none());
    }
    let broken = Rollout::CircuitBreaker { failures: 3, rollback: true, trouble: Trouble::image_not_found(IMAGE_V2) };
    let ended = deploying(daemon(broken)).await.run().await;
    ended.is(4, "rolled-back", "image-not-found");
}

/// A service whose first deployment, of `web:7`, goes like this and is still under way.
fn brand_new(script: Rollout) -> World {
    let mut world = World::default();
    world.ecs.services.clear();
    let mut service = Service::running("prod", "web", 2);
    service.script.push_back(script);
    world.with_new_service(service, "web:7")
}

#[tokio::test]
async fn a_new_service_whose_first_deployment_fails_has_nothing_to_go_back_to() {
    let broken =
        || Rollout::CircuitBreaker { failures: 3, rollback: true, trouble: Trouble::image_not_found(IMAGE_V2) };
    // It is the very revision asked for: it is followed, and nothing is written.
    let ended = Scenario::of(brand_new(broken())).await.input("image", &IMAGE_V2.replace(":v2", ":v1")).run().await;
    assert_eq!((ended.code, ended.output("verdict")), (Some(5), "rollback-failed"), "{}", ended.told());
    assert_eq!(ended.writes, [""; 0]);
    assert!(!ended.stdout.contains("What was checked"), "there is no first write: {}", ended.told());
    assert!(ended.stdout.contains("there is no earlier deployment"), "{}", ended.told());
    assert!(!ended.stdout.contains("serves again"), "{}", ended.told());
    // Ours takes its place, and fails as well.
    let world = brand_new(Rollout::Stall { running: 0 }).rollout("web", broken());
    let ended = Scenario::of(world).await.input("image", IMAGE_V2).run().await;
    assert_eq!((ended.code, ended.output("verdict")), (Some(5), "rollback-failed"), "{}", ended.told());
    // It goes well.
    let ended = Scenario::of(brand_new(well())).await.input("image", IMAGE_V2).run().await;
    ended.is(0, "succeeded", "");
}

#[tokio::test]
async fn a_service_deleted_and_a_cluster_gone_under_us_are_told_at_once() {
    for (script, gone) in [(Rollout::Deleted { after: 12 }, "`web`"), (Rollout::ClusterGone { after: 12 }, "`web`")] {
        for strategy in ["ROLLING", "BLUE_GREEN"] {
            let ended = deploying(shifting(strategy, script.clone())).await.run().await;
            ended.is(5, "failed", "service-gone");
            assert_eq!(ended.output("live-task-definition-arn"), "", "{}", ended.told());
            assert!(ended.output("message").contains(gone), "{}", ended.told());
        }
    }
}

#[tokio::test]
async fn an_express_service_is_refused_before_the_first_write() {
    let ended = deploying(Service::express("prod", "web", 2)).await.run().await;
    ended.is(2, "invalid", "controller-not-supported");
    assert_eq!(ended.writes, [""; 0]);
    assert!(ended.stdout.contains("amazon-ecs-deploy-express-service"), "{}", ended.told());
}
