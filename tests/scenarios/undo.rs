//! Going back: after a failure that ECS leaves as it is, and on request.

use ecs_deploy::sim::{Happening, Rollout, Trick, Trouble, WayBack, World};

use crate::harness::{Ended, IMAGE_V2, Scenario};

const BOTH: [&str; 2] = ["RegisterTaskDefinition", "UpdateService"];

fn tripped() -> Rollout {
    Rollout::CircuitBreaker { failures: 3, rollback: false, trouble: Trouble::exit(1) }
}

async fn going_back(world: World) -> Scenario {
    Scenario::of(world).await.input("mode", "rollback")
}

#[track_caller]
fn serves(ended: &Ended, revision: &str) {
    assert!(ended.output("live-task-definition-arn").ends_with(revision), "{}", ended.told());
}

#[tokio::test]
async fn a_failure_that_ecs_leaves_as_it_is_is_put_right_before_the_verdict() {
    let ended = Scenario::deploying(tripped()).await.run().await;
    ended.is(4, "rolled-back", "application-crashed");
    assert_eq!(ended.writes, ["RegisterTaskDefinition", "UpdateService", "UpdateService"]);
    assert!(ended.requests("UpdateService")[1]["taskDefinition"].as_str().unwrap().ends_with("web:7"));
    serves(&ended, "web:7");
    assert!(ended.output("task-definition-arn").ends_with("web:8"));
    assert!(ended.output("message").contains("`web:7` serves again"), "{}", ended.told());
    assert!(ended.summary.contains("exit code 1"), "{}", ended.summary);
    let back = ended.calls.iter().rposition(|call| call.operation == "UpdateService").unwrap();
    let asked = ended.calls.iter().position(|call| call.operation == "ListTasks").unwrap();
    assert!(asked < back, "the evidence is gathered while it is there");
}

#[tokio::test]
async fn a_deployment_that_overtakes_ours_and_is_gone_again_is_no_failed_way_back() {
    // Between two reads: somebody deploys over ours, and their deployment is rolled back.
    let mut world = World::default().rollout("web", Rollout::Stall { running: 1 });
    world.change_service("web", |service| {
        let overtaken = Happening::Rival(Rollout::Alarm { after: 0, rollback: true, name: "errors".to_owned() });
        service.agenda.push((4, overtaken));
        service.way_back = WayBack::Well(0);
    });
    let ended = Scenario::of(world).await.input("image", IMAGE_V2).run().await;
    ended.is(4, "rolled-back", "deployment-failed");
    assert_eq!(ended.writes, BOTH, "there was nothing left to put right");
    serves(&ended, "web:7");
}

#[tokio::test]
async fn a_way_back_that_fails_too_is_said_loudest() {
    let world = World::default().rollout("web", tripped()).rollout("web", tripped());
    let ended = Scenario::of(world).await.input("image", IMAGE_V2).run().await;
    ended.is(5, "rollback-failed", "application-crashed");
    assert_eq!(ended.writes, ["RegisterTaskDefinition", "UpdateService", "UpdateService"]);
}

#[tokio::test]
async fn a_rollback_goes_to_what_completed_before_and_a_second_one_changes_nothing() {
    let scenario = going_back(World::default()).await;
    let ended = scenario.run().await;
    ended.is(0, "succeeded", "");
    assert_eq!(ended.writes, ["UpdateService"]);
    serves(&ended, "web:6");
    assert!(ended.output("previous-task-definition-arn").ends_with("web:7"));
    assert!(ended.output("task-definition-arn").ends_with("web:6"));
    assert_eq!(ended.output("changed"), "true");

    let again = scenario.run().await;
    again.is(0, "unchanged", "");
    assert_eq!(again.writes, [""; 0]);
    assert!(again.stdout.contains("was rolled back from web:7 to web:6 already"), "{}", again.told());
}

#[tokio::test]
async fn a_deployment_in_progress_is_rolled_back_by_ecs_itself() {
    let scenario =
        Scenario::deploying(Rollout::Stall { running: 1 }).await.input("wait-for-service-stability", "false");
    scenario.run().await.is(0, "started", "");
    let scenario = scenario.input("image", "").input("mode", "rollback").input("wait-for-service-stability", "true");
    let ended = scenario.run().await;
    ended.is(0, "succeeded", "");
    assert_eq!(ended.writes, ["StopServiceDeployment"]);
    serves(&ended, "web:7");
    assert!(ended.output("task-definition-arn").ends_with("web:7"));
    assert!(ended.stdout.contains("web:8"), "what is replaced is named: {}", ended.told());

    let again = scenario.run().await;
    again.is(0, "unchanged", "");
    assert_eq!(again.writes, [""; 0]);
}

/// A run that goes back from a deployment in progress, to which this happens at the last look before ECS is asked.
async fn meanwhile(happening: Happening) -> Ended {
    let scenario =
        Scenario::deploying(Rollout::Stall { running: 1 }).await.input("wait-for-service-stability", "false");
    scenario.run().await.is(0, "started", "");
    scenario.sim.with(|world| {
        world.change_service("web", |web| web.agenda.push((web.ticks + 2, happening)));
    });
    let scenario = scenario.input("image", "").input("mode", "rollback");
    scenario.input("wait-for-service-stability", "true").run().await
}

#[tokio::test]
async fn a_way_back_that_somebody_else_asked_for_first_is_followed_and_nothing_was_changed() {
    let ended = meanwhile(Happening::Stop).await;
    ended.is(0, "unchanged", "");
    assert_eq!(ended.output("changed"), "false", "{}", ended.told());
    assert_eq!(ended.requests("StopServiceDeployment").len(), 1);
    serves(&ended, "web:7");
}

#[tokio::test]
async fn a_deployment_that_takes_over_before_ecs_is_asked_is_named() {
    let ended = meanwhile(Happening::Rival(Rollout::Succeed { after: 1 })).await;
    ended.is(8, "superseded", "superseded");
    assert!(ended.output("message").contains("of `web:9`, began meanwhile"), "{}", ended.told());
    assert_eq!(ended.output("changed"), "false");
}

#[tokio::test]
async fn where_ecs_may_not_be_asked_a_rollback_updates_the_service() {
    for trick in [Trick::Denied, Trick::Missing] {
        let world = World::default().rollout("web", Rollout::Stall { running: 1 });
        let world = world.fault("StopServiceDeployment", u32::MAX, trick);
        let scenario = Scenario::of(world).await.input("image", IMAGE_V2).input("wait-for-service-stability", "false");
        scenario.run().await.is(0, "started", "");
        let scenario =
            scenario.input("image", "").input("mode", "rollback").input("wait-for-service-stability", "true");
        let ended = scenario.run().await;
        ended.is(0, "succeeded", "");
        assert_eq!(ended.writes, ["UpdateService"]);
        serves(&ended, "web:7");
    }
}

#[tokio::test]
async fn a_rollback_goes_to_the_revision_that_is_named() {
    for (name, value) in [("task-definition-arn", "web:6"), ("task-definition-family", "web:6")] {
        let world = World::default();
        let value =
            if name.ends_with("arn") { world.arn("ecs", &format!("task-definition/{value}")) } else { value.into() };
        let ended = going_back(world).await.input(name, &value).run().await;
        ended.is(0, "succeeded", "");
        assert_eq!(ended.writes, ["UpdateService"]);
        serves(&ended, "web:6");
    }
    let scenario = going_back(World::default()).await.input("task-definition-family", "web");
    let ended = scenario.input("task-definition-revision", "7").run().await;
    ended.is(0, "unchanged", "");
    assert_eq!(ended.writes, [""; 0]);
}

#[tokio::test]
async fn a_rollback_that_leads_nowhere_is_told_before_any_write() {
    let mut first = World::default();
    first.change_service("web", |web| drop(web.deployments.remove(0)));
    let mut inactive = World::default();
    inactive.ecs.definitions[0].status = "INACTIVE".into();
    let denied = World::default().denied("ListServiceDeployments");
    for (world, told) in [
        (first, "ECS knows no other revision than web:7"),
        (inactive, "web:6 cannot be deployed again: it is INACTIVE"),
        (denied, "`ecs:ListServiceDeployments` is denied to"),
    ] {
        let ended = going_back(world).await.run().await;
        ended.is(2, "invalid", "nothing-to-roll-back-to");
        assert_eq!(ended.writes, [""; 0]);
        assert!(ended.stdout.contains(told), "{told}: {}", ended.told());
    }
    let ended = going_back(World::default()).await.input("image", IMAGE_V2).run().await;
    ended.is(2, "invalid", "input-conflict");
    assert_eq!(ended.calls.iter().filter(|call| call.door == "aws").count(), 0);
}

#[tokio::test]
async fn a_rollback_that_fails_is_not_rolled_back_by_us() {
    let ended = going_back(World::default().rollout("web", tripped())).await.run().await;
    ended.is(5, "failed", "application-crashed");
    assert_eq!(ended.writes, ["UpdateService"]);
}

#[tokio::test]
async fn with_on_failure_none_nothing_is_undone() {
    let ended = Scenario::deploying(tripped()).await.input("on-failure", "none").run().await;
    ended.is(5, "failed", "application-crashed");
    assert_eq!(ended.writes, BOTH);
}
