//! Deploying and waiting: every ending has its verdict, and the ledger shows what was changed.

use std::time::Duration;

use ecs_deploy::sim::{Rollout, Trick, Trouble, World};
use serde_json::{Value, json};

use crate::harness::{IMAGE_V2, Scenario};

const BOTH: [&str; 2] = ["RegisterTaskDefinition", "UpdateService"];

fn crash() -> Trouble {
    Trouble::exit(1)
}

#[tokio::test]
async fn a_good_image_is_registered_deployed_and_awaited() {
    let ended = Scenario::deploying(Rollout::Succeed { after: 3 }).await.run().await;
    ended.is(0, "succeeded", "");
    assert_eq!(ended.writes, BOTH);
    assert!(ended.output("task-definition-arn").ends_with("web:8"));
    assert!(ended.output("previous-task-definition-arn").ends_with("web:7"));
    assert!(ended.output("live-task-definition-arn").ends_with("web:8"));
    assert!(ended.output("service-arn").ends_with("service/prod/web"));
    assert!(ended.output("deployment-id").starts_with("ecs-svc/"));
    assert!(ended.output("service-deployment-arn").contains(":service-deployment/prod/web/"));
    assert_eq!(ended.output("aws-account-id"), "123456789012");
    assert_eq!(ended.output("changed"), "true");
}

#[tokio::test]
async fn the_same_again_changes_nothing() {
    let scenario = Scenario::deploying(Rollout::Succeed { after: 2 }).await;
    scenario.run().await.is(0, "succeeded", "");
    let again = scenario.run().await;
    again.is(0, "unchanged", "");
    assert_eq!(again.writes, [""; 0]);
    assert_eq!(again.output("changed"), "false");
    assert!(again.output("task-definition-arn").ends_with("web:8"));
}

#[tokio::test]
async fn a_forced_deployment_of_the_same_revision_registers_nothing() {
    let scenario = Scenario::new().await.input("force-new-deployment", "true");
    let ended = scenario.run().await;
    ended.is(0, "succeeded", "");
    assert_eq!(ended.writes, ["UpdateService"]);
    assert_eq!(ended.requests("UpdateService")[0]["forceNewDeployment"], true);
}

#[tokio::test]
async fn a_rollback_by_the_circuit_breaker_is_never_a_success() {
    let rollout = Rollout::CircuitBreaker { failures: 3, rollback: true, trouble: crash() };
    let ended = Scenario::deploying(rollout).await.run().await;
    ended.is(4, "rolled-back", "application-crashed");
    assert_eq!(ended.writes, BOTH);
    assert!(ended.output("live-task-definition-arn").ends_with("web:7"));
    assert!(ended.stdout.contains("exit code 1") || ended.stdout.contains("exits with code 1"), "{}", ended.told());
}

#[tokio::test]
async fn an_image_that_is_not_there_is_named_as_the_cause() {
    let scenario = Scenario::new().await.input("image", &IMAGE_V2.replace(":v2", ":v3"));
    // As when it is deleted after it was looked for.
    let scenario = scenario.input("checks", "image-exists=off");
    let ended = scenario.run().await;
    ended.is(4, "rolled-back", "image-not-found");
    assert!(ended.summary.contains("CannotPullContainerError"), "{}", ended.summary);
}

#[tokio::test]
async fn a_rollback_to_the_very_same_definition_is_not_taken_for_a_success() {
    let rollout = Rollout::CircuitBreaker { failures: 2, rollback: true, trouble: crash() };
    let world = World::default().rollout("web", rollout);
    let ended = Scenario::of(world).await.input("force-new-deployment", "true").run().await;
    ended.is(4, "rolled-back", "application-crashed");
}

#[tokio::test]
async fn an_alarm_that_rolls_back_is_named() {
    let rollout = Rollout::Alarm { after: 2, rollback: true, name: "web-5xx".into() };
    let ended = Scenario::deploying(rollout).await.run().await;
    ended.is(4, "rolled-back", "alarm-triggered");
    assert!(ended.stdout.contains("web-5xx"), "{}", ended.told());
}

#[tokio::test]
async fn a_breaker_without_rollback_leaves_a_failed_deployment() {
    let rollout = Rollout::CircuitBreaker { failures: 3, rollback: false, trouble: crash() };
    let ended = Scenario::deploying(rollout).await.input("on-failure", "none").run().await;
    ended.is(5, "failed", "application-crashed");
    assert_eq!(ended.writes, BOTH);
}

#[tokio::test]
async fn a_failed_way_back_is_said_loudest() {
    let rollout = Rollout::RollbackFailed { failures: 2, trouble: crash() };
    let ended = Scenario::deploying(rollout).await.run().await;
    ended.is(5, "rollback-failed", "application-crashed");
}

#[tokio::test]
async fn a_deployment_by_somebody_else_supersedes_ours_and_is_named() {
    let ended = Scenario::deploying(Rollout::Superseded { after: 2 }).await.run().await;
    ended.is(8, "superseded", "superseded");
    assert!(ended.stdout.contains("web:9"), "{}", ended.told());
    assert_eq!(ended.writes, BOTH);
}

#[tokio::test]
async fn a_rollback_by_hand_is_told_as_one() {
    let ended = Scenario::deploying(Rollout::ManualRollback { after: 2 }).await.run().await;
    ended.is(4, "rolled-back", "stopped-by-hand");
}

#[tokio::test]
async fn a_service_deleted_meanwhile_is_gone() {
    let ended = Scenario::deploying(Rollout::Deleted { after: 2 }).await.run().await;
    ended.is(5, "failed", "service-gone");
}

#[tokio::test]
async fn nothing_running_is_fine_when_nothing_is_wanted() {
    let scenario = Scenario::deploying(Rollout::Succeed { after: 2 }).await.input("desired-count", "0");
    let ended = scenario.run().await;
    ended.is(0, "succeeded", "");
    assert_eq!(ended.requests("UpdateService")[0]["desiredCount"], 0);
}

#[tokio::test]
async fn not_waiting_is_said_to_be_started_only() {
    let scenario = Scenario::deploying(Rollout::Stall { running: 1 }).await;
    let ended = scenario.input("wait-for-service-stability", "false").run().await;
    ended.is(0, "started", "");
    assert_eq!(ended.writes, BOTH);
    let mut after = ended.calls.iter().skip_while(|call| call.operation != "UpdateService").skip(1);
    assert!(after.all(|call| call.door != "aws"), "{}", ended.told());
}

#[tokio::test]
async fn a_plan_writes_nothing() {
    let ended = Scenario::deploying(Rollout::Succeed { after: 2 }).await.input("mode", "plan").run().await;
    ended.is(0, "planned", "");
    assert_eq!(ended.writes, [""; 0]);
    assert_eq!(ended.output("changed"), "false");
}

#[tokio::test]
async fn without_a_service_the_definition_is_only_registered() {
    let scenario = Scenario::new().await.input("service", "").input("task-definition-family", "web");
    let ended = scenario.input("image", IMAGE_V2).run().await;
    assert_eq!((ended.code, ended.writes.as_slice()), (Some(0), &["RegisterTaskDefinition".to_owned()][..]));
    assert!(ended.output("task-definition-arn").ends_with("web:8"));
}

#[tokio::test]
async fn update_service_carries_only_what_was_asked_for() {
    let ended = Scenario::deploying(Rollout::Succeed { after: 1 }).await.run().await;
    let request = ended.requests("UpdateService")[0];
    let mut names: Vec<&str> = request.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["cluster", "service", "taskDefinition"]);
    assert!(request["taskDefinition"].as_str().unwrap().ends_with("web:8"));
}

#[tokio::test]
async fn a_missing_service_is_told_with_what_there_is() {
    let ended = Scenario::deploying(Rollout::Succeed { after: 1 }).await.input("service", "wbe").run().await;
    ended.is(2, "invalid", "service-not-found");
    assert_eq!(ended.writes, [""; 0]);
    assert!(ended.stdout.contains("`web`"), "{}", ended.told());
}

#[tokio::test]
async fn a_missing_cluster_is_told_with_what_there_is() {
    let ended = Scenario::deploying(Rollout::Succeed { after: 1 }).await.input("cluster", "prd").run().await;
    ended.is(2, "invalid", "cluster-not-found");
    assert_eq!(ended.writes, [""; 0]);
    assert!(ended.stdout.contains("`prod`"), "{}", ended.told());
}

#[tokio::test]
async fn other_controllers_are_refused_before_the_first_write() {
    let scenario = Scenario::deploying(Rollout::Succeed { after: 1 }).await;
    scenario.sim.with(|world| world.change_service("web", |service| service.controller = Some("EXTERNAL".into())));
    let ended = scenario.run().await;
    ended.is(2, "invalid", "controller-not-supported");
    assert_eq!(ended.writes, [""; 0]);
}

#[tokio::test]
async fn throttles_resets_and_server_errors_are_outlived() {
    let world = World::default()
        .fault("DescribeServices", 1, Trick::Throttle)
        .fault("DescribeTaskDefinition", 1, Trick::Status(503))
        .fault("DescribeServiceDeployments", 1, Trick::Reset)
        .fault("DescribeServiceDeployments", 1, Trick::Html(502))
        .fault("UpdateService", 1, Trick::Throttle);
    let ended = Scenario::of(world).await.input("image", IMAGE_V2).run().await;
    ended.is(0, "succeeded", "");
    assert_eq!(ended.writes, BOTH);
}

#[tokio::test]
async fn a_second_revision_at_the_same_moment_is_waited_for() {
    let text = "Too many concurrent attempts to create a new revision of the specified family.";
    let trick = Trick::Error(400, "ClientException".into(), text.into());
    let ended = Scenario::of(World::default().fault("RegisterTaskDefinition", 1, trick))
        .await
        .input("image", IMAGE_V2)
        .run()
        .await;
    ended.is(0, "succeeded", "");
    assert_eq!(ended.writes, BOTH);
}

#[tokio::test]
async fn a_lost_answer_registers_no_second_revision_and_starts_no_second_deployment() {
    for operation in BOTH {
        let world = World::default().fault(operation, 1, Trick::LostAnswer);
        let ended = Scenario::of(world).await.input("image", IMAGE_V2).run().await;
        ended.is(0, "succeeded", "");
        assert_eq!(
            ended.writes.iter().filter(|write| *write == "RegisterTaskDefinition").count(),
            1,
            "{}",
            ended.told()
        );
        assert!(ended.output("live-task-definition-arn").ends_with("web:8"));
    }
}

#[tokio::test]
async fn reads_that_lag_behind_do_not_mislead() {
    let mut world = World::default();
    world.change_service("web", |service| {
        service.lag = ecs_deploy::sim::ecs::Lag { describes: 2, lists: 2, current: 3 };
    });
    let ended = Scenario::of(world).await.input("image", IMAGE_V2).run().await;
    ended.is(0, "succeeded", "");
    assert!(ended.output("live-task-definition-arn").ends_with("web:8"));
}

#[tokio::test]
async fn clocks_that_differ_by_an_hour_do_not_mislead() {
    let mut world = World::default();
    world.calendar.skew = 3600.0;
    let ended = Scenario::of(world).await.input("image", IMAGE_V2).run().await;
    ended.is(0, "succeeded", "");
}

#[tokio::test]
async fn without_the_newer_apis_the_verdict_comes_from_the_service() {
    for trick in [Trick::Denied, Trick::Missing] {
        let endings = [
            (Rollout::Succeed { after: 3 }, 0, "succeeded", ""),
            (
                Rollout::CircuitBreaker { failures: 2, rollback: true, trouble: crash() },
                4,
                "rolled-back",
                "application-crashed",
            ),
        ];
        for (rollout, code, verdict, reason) in endings {
            let world = World::default()
                .rollout("web", rollout)
                .fault("DescribeServiceDeployments", u32::MAX, trick.clone())
                .fault("ListServiceDeployments", u32::MAX, trick.clone());
            let ended = Scenario::of(world).await.input("image", IMAGE_V2).run().await;
            ended.is(code, verdict, reason);
        }
    }
}

#[tokio::test]
async fn autoscaling_during_the_rollout_is_no_failure() {
    let mut world = World::default().rollout("web", Rollout::Succeed { after: 4 });
    world.change_service("web", |service| service.autoscaling = vec![(3, 5), (5, 3)]);
    let ended = Scenario::of(world).await.input("image", IMAGE_V2).run().await;
    ended.is(0, "succeeded", "");
}

#[tokio::test]
async fn a_denied_write_names_the_action_and_changes_nothing_more() {
    for (operation, writes) in [("RegisterTaskDefinition", 0), ("UpdateService", 1)] {
        let ended = Scenario::of(World::default().denied(operation)).await.input("image", IMAGE_V2).run().await;
        ended.is(7, "denied", "access-denied");
        assert_eq!(ended.writes.len(), writes);
        assert!(ended.stdout.contains(&format!("ecs:{operation}")), "{}", ended.told());
    }
}

#[tokio::test]
async fn deployment_settings_travel_whole() {
    let settings = "{maximumPercent: 150, invented: {deeply: [1, null]}}";
    let scenario = Scenario::deploying(Rollout::Succeed { after: 1 }).await.input("deployment-configuration", settings);
    let ended = scenario.run().await;
    ended.is(0, "succeeded", "");
    let sent = &ended.requests("UpdateService")[0]["deploymentConfiguration"];
    assert_eq!(*sent, json!({"maximumPercent": 150, "invented": {"deeply": [1, null]}}));
}

#[tokio::test]
async fn a_cancelled_wait_ends_at_once_and_says_where_the_deployment_stands() {
    for signal in ["INT", "TERM"] {
        let scenario = Scenario::deploying(Rollout::Stall { running: 1 }).await.on_pull_request();
        let ended = scenario.run_and_signal("DescribeServiceDeployments", signal).await;
        ended.is(130, "cancelled", "cancelled");
        assert!(ended.took < Duration::from_secs(5), "{:?}", ended.took);
        assert_eq!(ended.writes, BOTH);
        assert_eq!(ended.output("changed"), "true");
        assert!(ended.output("deployment-id").starts_with("ecs-svc/"));
        assert!(ended.summary.contains("web:8"), "{}", ended.summary);
        assert_eq!(ended.comments.len(), 1);
    }
}

#[tokio::test]
async fn a_run_cancelled_before_its_first_write_changes_nothing() {
    let slow = Trick::Delay(Duration::from_secs(20));
    let world = World::default().fault("DescribeServices", 1, slow);
    let ended =
        Scenario::of(world).await.input("image", IMAGE_V2).run_and_signal("AssumeRoleWithWebIdentity", "INT").await;
    ended.is(130, "cancelled", "cancelled");
    assert!(ended.took < Duration::from_secs(5), "{:?}", ended.took);
    assert_eq!((ended.writes.len(), ended.output("changed")), (0, "false"));
}

#[tokio::test]
async fn a_revision_that_reports_a_platforms_image_is_deployed_again_only_when_the_tag_moved() {
    let mut world = World::default();
    let image = world.image("web", "v1");
    let index = world.ecr["web"].resolve(Some("v1"), None).unwrap().clone();
    let manifest: Value = serde_json::from_str(&index.manifest).unwrap();
    let child = manifest["manifests"][1]["digest"].clone();
    world.change_service("web", |web| {
        web.deployments.last_mut().unwrap().images["containers"][0]["imageDigest"] = child;
    });
    let scenario = Scenario::of(world).await.input("image", &image);

    let ended = scenario.run().await;
    ended.is(0, "unchanged", "");
    assert_eq!(ended.writes, [""; 0]);
    let digests: Value = serde_json::from_str(ended.output("image-digests")).unwrap();
    assert_eq!(digests["web"], index.digest);

    scenario.sim.with(|world| world.ecr.get_mut("web").unwrap().push("v1", &["arm64"], index.pushed));
    let ended = scenario.run().await;
    assert_eq!(ended.writes, [""; 0], "the same image in another index is not another image");

    scenario.sim.with(|world| {
        let web = world.ecr.get_mut("web").unwrap();
        let v2 = web.tags["v2"].clone();
        web.tags.insert("v1".into(), v2);
    });
    let ended = scenario.run().await;
    ended.is(0, "succeeded", "");
    assert_eq!(ended.writes, ["UpdateService"]);
    assert_eq!(ended.requests("UpdateService")[0]["forceNewDeployment"], true);
}
