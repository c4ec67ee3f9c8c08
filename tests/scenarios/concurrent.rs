//! Another deployment of the service is in progress at the start.

use ecs_deploy::sim::ecs::Service;
use ecs_deploy::sim::{Rollout, Trouble, World};
use serde_json::json;

use crate::harness::{IMAGE_V2, Scenario};

const BOTH: [&str; 2] = ["RegisterTaskDefinition", "UpdateService"];

/// A step that deploys `v0` while the deployment of `v2` goes on.
async fn beside(other: Rollout, on_concurrent: &str) -> Scenario {
    let world = World::default().rollout("web", other);
    let scenario = Scenario::of(world).await.input("image", IMAGE_V2).input("wait-for-service-stability", "false");
    scenario.run().await.is(0, "started", "");
    let scenario = scenario.input("image", &IMAGE_V2.replace(":v2", ":v0"));
    scenario.input("wait-for-service-stability", "true").input("on-concurrent", on_concurrent)
}

#[tokio::test]
async fn fail_ends_the_run_before_any_write_and_names_the_other() {
    let ended = beside(Rollout::Stall { running: 1 }, "fail").await.run().await;
    ended.is(3, "blocked", "deployment-in-progress");
    assert_eq!(ended.writes, [""; 0]);
    assert_eq!(ended.output("changed"), "false");
    assert!(ended.stdout.contains("web:8") && ended.stdout.contains("ecs-svc/"), "{}", ended.told());
}

#[tokio::test]
async fn replace_takes_its_place_and_names_the_other() {
    let ended = beside(Rollout::Stall { running: 1 }, "replace").await.run().await;
    ended.is(0, "succeeded", "");
    let findings = &ended.report["checks"];
    assert!(ended.stdout.contains(" to web:8, IN_PROGRESS, 1 of 2 tasks run, since "), "{}", ended.told());
    assert!(ended.stdout.contains("Ours takes its place"), "{}", ended.told());
    assert_eq!(ended.report["warnings"].to_string().matches("web:8").count(), 0, "it is said once: {findings}");
}

#[tokio::test]
async fn wait_begins_when_the_other_has_ended_and_looks_again() {
    let tripped = Rollout::CircuitBreaker { failures: 3, rollback: true, trouble: Trouble::exit(1) };
    for (other, before) in [(Rollout::Succeed { after: 6 }, "web:8"), (tripped, "web:7")] {
        let ended = beside(other, "wait").await.run().await;
        ended.is(0, "succeeded", "");
        assert!(ended.output("previous-task-definition-arn").ends_with(before), "{}", ended.told());
        let first = ended.calls.iter().position(|call| call.changing && call.door == "aws").unwrap();
        let looks = ended.calls.iter().take(first).filter(|call| call.operation == "DescribeServices").count();
        assert!(looks >= 3, "{}", ended.told());
    }
}

#[tokio::test]
async fn a_service_that_is_deleted_while_another_deployment_is_awaited_serves_nothing() {
    let ended = beside(Rollout::Deleted { after: 6 }, "wait").await.run().await;
    ended.is(2, "invalid", "service-not-active");
    assert_eq!(ended.writes, [""; 0]);
    assert!(ended.stdout.contains("waiting for another deployment"), "{}", ended.told());
    assert_eq!(ended.output("live-task-definition-arn"), "", "what served before is not told as what does");
}

#[tokio::test]
async fn the_same_revision_on_its_way_is_no_other_deployment() {
    let scenario = beside(Rollout::Succeed { after: 4 }, "fail").await.input("image", IMAGE_V2);
    let ended = scenario.run().await;
    ended.is(0, "unchanged", "");
    assert_eq!(ended.writes, [""; 0]);
}

#[tokio::test]
async fn a_plan_is_the_same_beside_another_deployment() {
    let ended = beside(Rollout::Stall { running: 1 }, "fail").await.input("mode", "plan").run().await;
    ended.is(0, "planned", "");
    assert_eq!(ended.writes, [""; 0]);
}

#[tokio::test]
async fn without_another_deployment_the_input_changes_nothing() {
    for word in ["wait", "fail", "replace"] {
        let ended = Scenario::deploying(Rollout::Succeed { after: 2 }).await.input("on-concurrent", word).run().await;
        ended.is(0, "succeeded", "");
        assert_eq!(ended.writes, BOTH);
    }
}

/// A step that deploys `v0` while a blue/green deployment of `v2` bakes: the service calls its rollout completed, and only
/// the deployment itself says that it is not.
async fn beside_one_that_bakes(on_concurrent: &str) -> Scenario {
    let mut service = Service::shifting("prod", "web", 2, "BLUE_GREEN");
    service.configure("bakeTimeInMinutes", json!(60));
    let world = World::default().with_service(service, "web:7").rollout("web", Rollout::Succeed { after: 2 });
    let scenario = Scenario::of(world).await.input("image", IMAGE_V2).input("wait-until", "stage:BAKE_TIME");
    scenario.run().await.is(0, "succeeded", "");
    scenario.sim.with(|world| {
        world.change_service("web", |service| {
            service.deployments.last_mut().unwrap().rollout_state = "COMPLETED".into();
        });
    });
    let scenario = scenario.input("image", &IMAGE_V2.replace(":v2", ":v0"));
    scenario
        .input("wait-until", "stable")
        .input("wait-for-service-stability", "false")
        .input("on-concurrent", on_concurrent)
}

#[tokio::test]
async fn one_that_bakes_is_another_deployment() {
    let ended = beside_one_that_bakes("fail").await.run().await;
    ended.is(3, "blocked", "deployment-in-progress");
    assert_eq!(ended.writes, [""; 0]);
}

#[tokio::test]
async fn whether_one_bakes_cannot_be_read_so_nothing_is_begun_that_must_not_run_beside_it() {
    for word in ["fail", "wait"] {
        let scenario = beside_one_that_bakes(word).await;
        scenario.sim.with(|world| *world = std::mem::take(world).denied("DescribeServiceDeployments"));
        let ended = scenario.run().await;
        ended.is(3, "blocked", "deployments-unread");
        assert_eq!(ended.writes, [""; 0]);
        assert_eq!(ended.output("changed"), "false");
        let told = "Add this statement to a policy of the role `deploy`";
        assert!(
            ended.summary.contains(told) && ended.summary.contains("ecs:DescribeServiceDeployments"),
            "{}",
            ended.told()
        );
    }
}

#[tokio::test]
async fn whether_one_bakes_cannot_be_read_so_a_plan_and_what_replaces_it_skip_the_check() {
    for (mode, code, verdict) in [("plan", 0, "planned"), ("deploy", 0, "started")] {
        let scenario = beside_one_that_bakes("replace").await.input("mode", mode);
        scenario.sim.with(|world| *world = std::mem::take(world).denied("DescribeServiceDeployments"));
        let ended = scenario.run().await;
        ended.is(code, verdict, "");
        let checks = ended.report["checks"].as_array().unwrap();
        let said = checks.iter().find(|check| check["check"] == "in-flight").unwrap();
        let why = said["skipped"][0].as_str().unwrap_or_else(|| panic!("{}", ended.told()));
        assert!(why.contains("`ecs:DescribeServiceDeployments` is denied"), "{why}");
    }
}

#[tokio::test]
async fn a_change_of_settings_takes_no_deployments_place() {
    for checks in ["in-flight=warn", "in-flight=block"] {
        for word in ["fail", "wait", "replace"] {
            let scenario = beside(Rollout::Succeed { after: 8 }, word).await.input("image", IMAGE_V2);
            let ended = scenario.input("desired-count", "3").input("checks", checks).run().await;
            ended.is(0, "succeeded", "");
            assert_eq!(ended.writes, ["UpdateService"], "{}", ended.told());
            assert!(!ended.report["checks"].to_string().contains("in-flight"), "{}", ended.told());
            assert!(!ended.stdout.contains("takes its place"), "{}", ended.told());
        }
    }
    let stalled = beside(Rollout::Stall { running: 1 }, "fail").await.input("image", IMAGE_V2);
    let ended = stalled.input("desired-count", "3").input("wait-for-service-stability", "false").run().await;
    ended.is(0, "started", "");
    assert_eq!(ended.writes, ["UpdateService"]);
}

#[tokio::test]
async fn going_back_from_a_deployment_in_progress_is_no_finding_and_no_pass() {
    let scenario = beside(Rollout::Stall { running: 1 }, "replace").await.input("mode", "rollback");
    let ended = scenario.input("image", "").run().await;
    ended.is(0, "succeeded", "");
    assert!(ended.report["warnings"].to_string().contains("is replaced"), "{}", ended.told());
    let checks = ended.report["checks"].to_string();
    assert!(checks.contains("image-exists"), "{checks}");
    assert!(!checks.contains("in-flight") && !checks.contains("circuit-breaker"), "{checks}");
}
