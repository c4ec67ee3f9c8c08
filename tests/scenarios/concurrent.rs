//! Another deployment of the service is in progress at the start.

use ecs_deploy::sim::{Rollout, Trouble, World};

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
