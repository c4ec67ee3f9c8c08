//! The step after the job: what a killed run left open on GitHub is closed, and nothing else is touched.

use std::collections::BTreeMap;

use ecs_deploy::sim::{Fault, Rollout, Trick, World};

use crate::harness::{Ended, IMAGE_V2, Scenario};

const STATUS: &str = "repos/create-deployment-status";

async fn never_ending() -> Scenario {
    let scenario = Scenario::deploying(Rollout::Succeed { after: 1_000_000 }).await;
    scenario.input("github-deployment", "true").input("environment", "staging").on_pull_request()
}

fn newest_state(scenario: &Scenario) -> Option<String> {
    scenario.sim.with(|world| Some(world.github.deployments.last()?.statuses.last()?.state.clone()))
}

#[track_caller]
fn is_silent(ended: &Ended) {
    assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (Some(0), "", ""));
    assert_eq!((ended.calls.len(), ended.outputs.len(), ended.summary.as_str()), (0, 0, ""));
}

#[tokio::test]
async fn a_killed_run_is_closed_after_the_job() {
    let scenario = never_ending().await;
    let killed = scenario.run_and_signal("UpdateService", "KILL").await;
    assert_eq!((killed.code, newest_state(&scenario).as_deref()), (None, Some("in_progress")));
    assert!(killed.comments.is_empty());
    let after = scenario.run_after_the_job(&killed.state).await;
    assert_eq!((after.code, newest_state(&scenario).as_deref()), (Some(0), Some("error")), "{}", after.told());
    assert_eq!(after.comments.len(), 1);
    assert!(
        after.comments[0].contains("Killed") && after.comments[0].contains("/deployments?"),
        "{:?}",
        after.comments
    );
    assert!(after.stdout.contains("staging") && !after.stdout.contains("::warning"), "{}", after.told());
    assert!(after.calls.iter().all(|call| call.door == "github"), "{}", after.told());
}

#[tokio::test]
async fn a_killed_run_s_earlier_comment_is_edited() {
    let world = World::default().rollout("web", Rollout::Succeed { after: 1 });
    let world = world.rollout("web", Rollout::Succeed { after: 1_000_000 });
    let scenario = Scenario::of(world).await.input("image", IMAGE_V2).on_pull_request();
    let first = scenario.run().await;
    first.is(0, "succeeded", "");
    assert!(!first.comments[0].contains("Killed"), "{:?}", first.comments);
    let scenario = scenario.input("force-new-deployment", "true");
    let killed = scenario.run_and_signal("UpdateService", "KILL").await;
    let after = scenario.run_after_the_job(&killed.state).await;
    assert_eq!(after.comments.len(), 1);
    assert!(after.comments[0].contains("Killed"), "{:?}", after.comments);
}

#[tokio::test]
async fn one_killed_before_github_answered_is_found_and_closed() {
    let scenario = never_ending().await;
    let delay = Trick::Delay(std::time::Duration::from_secs(4));
    let first_status = Fault { operation: STATUS.into(), skip: 0, times: 1, trick: delay };
    scenario.sim.with(|world| world.faults.push(first_status));
    let killed = scenario.run_and_signal("repos/create-deployment", "KILL").await;
    assert!(killed.state["deployment"].contains("\"id\":null"), "{:?}", killed.state);
    let after = scenario.run_after_the_job(&killed.state).await;
    assert_eq!((after.code, newest_state(&scenario).as_deref()), (Some(0), Some("error")), "{}", after.told());
}

#[tokio::test]
async fn after_a_run_that_ended_by_itself_nothing_is_done() {
    let scenario = Scenario::deploying(Rollout::Succeed { after: 1 }).await;
    let scenario = scenario.input("github-deployment", "true").on_pull_request();
    let ended = scenario.run().await;
    ended.is(0, "succeeded", "");
    is_silent(&scenario.run_after_the_job(&ended.state).await);
    let cancelled = never_ending().await;
    let ended = cancelled.run_and_signal("UpdateService", "TERM").await;
    is_silent(&cancelled.run_after_the_job(&ended.state).await);
    is_silent(&scenario.run_after_the_job(&BTreeMap::new()).await);
}

#[tokio::test]
async fn an_end_that_github_did_not_take_is_told_after_the_job_as_it_was() {
    let scenario = Scenario::deploying(Rollout::Succeed { after: 1 }).await.input("github-deployment", "true");
    scenario.sim.with(|world| {
        world.faults.push(Fault { operation: STATUS.into(), skip: 1, times: 2, trick: Trick::Status(502) });
    });
    let ended = scenario.run().await;
    ended.is(0, "succeeded", "");
    assert!(ended.stdout.contains("could not be set to `success`"), "{}", ended.told());
    assert_eq!(newest_state(&scenario).as_deref(), Some("in_progress"));
    let after = scenario.run_after_the_job(&ended.state).await;
    assert_eq!((after.code, newest_state(&scenario).as_deref()), (Some(0), Some("success")), "{}", after.told());
}

#[tokio::test]
async fn a_comment_that_github_did_not_take_in_time_is_written_after_the_job_as_it_was() {
    let scenario = never_ending().await;
    scenario.sim.with(|world| {
        let trick = Trick::Delay(std::time::Duration::from_secs(30));
        world.faults.push(Fault { operation: "issues/list-comments".into(), skip: 0, times: 1, trick });
    });
    let ended = scenario.run_and_signal("UpdateService", "TERM").await;
    ended.is(130, "cancelled", "cancelled");
    assert!(ended.comments.is_empty());
    let after = scenario.run_after_the_job(&ended.state).await;
    assert_eq!((after.code, after.comments.len()), (Some(0), 1), "{}", after.told());
    let comment = &after.comments[0];
    assert!(comment.contains("Cancelled") && !comment.contains("Killed"), "{comment}");
    assert!(after.stdout.contains("tells now how the run ended"), "{}", after.told());
}

#[tokio::test]
async fn it_never_fails_the_job() {
    let scenario = never_ending().await;
    let killed = scenario.run_and_signal("UpdateService", "KILL").await;
    scenario.sim.with(|world| {
        world.faults.push(Fault { operation: "*".into(), skip: 0, times: u32::MAX, trick: Trick::NotAccessible });
    });
    let after = scenario.run_after_the_job(&killed.state).await;
    assert_eq!(after.code, Some(0), "{}", after.told());
    assert_eq!(after.stdout.lines().filter(|line| line.starts_with("::warning")).count(), 2, "{}", after.told());
    let garbage = [("deployment", "not JSON"), ("comment", "{}")].map(|(name, value)| (name.into(), value.into()));
    is_silent(&scenario.run_after_the_job(&garbage.into()).await);
}
