//! Signals at every moment: outputs and summary say where the deployment stands, and the end comes in time.

use std::time::Duration;

use ecs_deploy::sim::{Fault, Rollout, Trick, Trouble, World};

use crate::harness::{Ended, IMAGE_V2, Scenario};

const BOTH: [&str; 2] = ["RegisterTaskDefinition", "UpdateService"];

/// Longer than the runner waits.
const LONG: Trick = Trick::Delay(Duration::from_secs(20));

async fn deploying(world: World) -> Scenario {
    Scenario::of(world).await.input("image", IMAGE_V2).on_pull_request()
}

/// Cancelled in time, and told everywhere.
#[track_caller]
fn is_cancelled(ended: &Ended, changed: &str) {
    ended.is(130, "cancelled", "cancelled");
    assert!(ended.took < Duration::from_secs(5), "{:?}", ended.took);
    assert_eq!(ended.output("changed"), changed, "{}", ended.told());
    assert!(ended.summary.contains("ancelled"), "{}", ended.summary);
}

#[tokio::test]
async fn before_the_first_write_nothing_is_changed() {
    for (slow, after) in [
        ("GetToken", None),
        ("AssumeRoleWithWebIdentity", Some("GetToken")),
        ("DescribeServices", Some("AssumeRoleWithWebIdentity")),
        ("DescribeTaskDefinition", Some("DescribeServices")),
    ] {
        let scenario = deploying(World::default().fault(slow, u32::MAX, LONG)).await;
        let ended = match after {
            Some(after) => scenario.run_and_signal_after(after, 1, &["INT"]).await,
            None => scenario.run_and_signal_after("", 0, &["INT"]).await,
        };
        is_cancelled(&ended, "false");
        assert_eq!(ended.writes, [""; 0], "{slow}");
    }
}

#[tokio::test]
async fn a_register_without_an_answer_is_not_called_done_or_undone() {
    let scenario = deploying(World::default().fault("RegisterTaskDefinition", u32::MAX, LONG)).await;
    // Without these, it is the image that is asked for last before the register.
    let scenario =
        scenario.input("checks", "image-platform=off, roles=off, secrets-exist=off, log-groups=off, subnets=off");
    let ended = scenario.run_and_signal_after("BatchGetImage", 1, &["INT"]).await;
    is_cancelled(&ended, "true");
    assert!(ended.stdout.contains("Whether a revision was registered is not known"), "{}", ended.told());
}

#[tokio::test]
async fn an_update_without_an_answer_is_not_called_done_or_undone() {
    let scenario = deploying(World::default().fault("UpdateService", u32::MAX, LONG)).await;
    let ended = scenario.run_and_signal_after("RegisterTaskDefinition", 1, &["TERM"]).await;
    is_cancelled(&ended, "true");
    assert_eq!(ended.output("deployment-id"), "");
    assert!(ended.stdout.contains("Whether `web` was updated is not known"), "{}", ended.told());
}

#[tokio::test]
async fn an_update_that_was_carried_out_without_an_answer_is_found() {
    let world = World::default().rollout("web", Rollout::Stall { running: 1 });
    let scenario = deploying(world.fault("UpdateService", 1, Trick::LostAnswer)).await;
    let ended = scenario.input("force-new-deployment", "true").run_and_signal_after("UpdateService", 1, &["INT"]).await;
    is_cancelled(&ended, "true");
    assert_eq!(ended.writes, BOTH);
    assert!(ended.output("deployment-id").starts_with("ecs-svc/"), "{}", ended.told());
}

#[tokio::test]
async fn a_second_signal_takes_no_output_away() {
    let scenario = deploying(World::default().rollout("web", Rollout::Stall { running: 1 })).await;
    let ended = scenario.run_and_signal_after("DescribeServiceDeployments", 1, &["INT", "TERM", "INT"]).await;
    is_cancelled(&ended, "true");
    assert!(ended.stdout.contains("was being rolled out to `web`"), "{}", ended.told());
    assert!(ended.output("message").contains("ECS goes on with the deployment"), "{}", ended.told());
    assert_eq!(ended.comments.len(), 1);
}

#[tokio::test]
async fn an_aws_and_a_github_that_hang_do_not_hold_up_the_end() {
    let mut world = World::default().rollout("web", Rollout::Stall { running: 1 });
    for operation in ["DescribeServices", "DescribeServiceDeployments", "ListServiceDeployments"] {
        world.faults.push(Fault { operation: operation.into(), skip: 3, times: u32::MAX, trick: LONG });
    }
    let world = world.fault("issues/list-comments", u32::MAX, LONG).fault("issues/create-comment", u32::MAX, LONG);
    for word in ["leave", "rollback"] {
        let world =
            World { faults: world.faults.clone(), ..World::default() }.rollout("web", Rollout::Stall { running: 1 });
        let world = if word == "rollback" { world.fault("StopServiceDeployment", u32::MAX, LONG) } else { world };
        let scenario = deploying(world).await.input("on-cancel", word);
        let ended = scenario.run_and_signal_after("DescribeServices", 3, &["INT"]).await;
        is_cancelled(&ended, "true");
        assert_eq!(ended.writes, BOTH);
        let unsure = ended.stdout.contains("Whether it is rolled back is not known");
        assert_eq!(unsure, word == "rollback", "{}", ended.told());
    }
}

#[tokio::test]
async fn on_cancel_rollback_asks_ecs_to_go_back_and_says_that_it_was_not_awaited() {
    for signal in ["INT", "TERM"] {
        let scenario = deploying(World::default().rollout("web", Rollout::Stall { running: 1 })).await;
        let scenario = scenario.input("on-cancel", "rollback");
        let ended = scenario.run_and_signal_after("DescribeServiceDeployments", 1, &[signal]).await;
        is_cancelled(&ended, "true");
        assert_eq!(ended.writes, ["RegisterTaskDefinition", "UpdateService", "StopServiceDeployment"]);
        assert!(ended.output("message").contains("the way back was asked for, and not awaited"), "{}", ended.told());
    }
}

#[tokio::test]
async fn on_cancel_rollback_before_the_update_undoes_nothing() {
    let world = World::default().fault("DescribeServices", u32::MAX, LONG);
    let scenario = deploying(world).await.input("on-cancel", "rollback");
    let ended = scenario.run_and_signal_after("AssumeRoleWithWebIdentity", 1, &["INT"]).await;
    is_cancelled(&ended, "false");
    assert_eq!(ended.writes, [""; 0]);
}

#[tokio::test]
async fn a_signal_on_the_way_back_says_that_it_was_asked_for() {
    for word in ["leave", "rollback"] {
        let world = World::default()
            .rollout("web", Rollout::CircuitBreaker { failures: 3, rollback: false, trouble: Trouble::exit(1) })
            .rollout("web", Rollout::Stall { running: 1 });
        let scenario = deploying(world).await.input("on-cancel", word);
        let ended = scenario.run_and_signal_after("UpdateService", 2, &["INT"]).await;
        is_cancelled(&ended, "true");
        assert_eq!(ended.writes, ["RegisterTaskDefinition", "UpdateService", "UpdateService"]);
        assert!(ended.stdout.contains("The way back was asked for"), "{}", ended.told());
    }
}

#[tokio::test]
async fn a_signal_while_the_report_is_told_takes_nothing_back() {
    let scenario = deploying(World::default().fault("issues/create-comment", u32::MAX, LONG)).await;
    let ended = scenario.run_and_signal_after("issues/list-comments", 1, &["INT"]).await;
    assert!(ended.took < Duration::from_secs(5), "{:?}", ended.took);
    ended.is(0, "succeeded", "");
    assert_eq!(ended.writes, BOTH);
    assert!(ended.output("live-task-definition-arn").ends_with("web:8"));
}
