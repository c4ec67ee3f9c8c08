//! Inputs: all mistakes at once, before anything is asked of AWS.

use ecs_deploy::sim::Rollout;

use crate::harness::Scenario;

#[tokio::test]
async fn all_mistakes_are_told_at_once_and_nothing_is_asked() {
    let scenario = Scenario::deploying(Rollout::Succeed { after: 1 }).await;
    let ended =
        scenario.input("force-new-deployment", "Yes").input("desired-count", "1e3").input("mode", "deplyo").run().await;
    assert_eq!((ended.code, ended.output("verdict")), (Some(2), "invalid"), "{}", ended.told());
    for named in ["force-new-deployment", "desired-count", "deplyo"] {
        assert!(ended.stdout.contains(named), "{named} is not told:\n{}", ended.told());
    }
    assert_eq!(ended.calls.iter().filter(|call| call.door == "aws").count(), 0);
}

#[tokio::test]
async fn a_near_miss_of_a_name_is_an_error_and_any_other_is_a_warning() {
    let scenario = Scenario::deploying(Rollout::Succeed { after: 1 }).await.undeclared("sevice", "web");
    let ended = scenario.run().await;
    ended.is(2, "invalid", "input-unknown");
    assert!(ended.stdout.contains("`service`"), "{}", ended.told());
    let scenario =
        Scenario::deploying(Rollout::Succeed { after: 1 }).await.undeclared("something-of-the-jobs-own", "x");
    let ended = scenario.run().await;
    ended.is(0, "succeeded", "");
    assert!(ended.stdout.contains("something-of-the-jobs-own"), "{}", ended.told());
}

#[tokio::test]
async fn what_a_later_version_brings_is_refused_and_not_ignored() {
    let scenario = Scenario::deploying(Rollout::Succeed { after: 1 }).await.input("run-task", "true");
    scenario.run().await.is(2, "invalid", "input-not-available");
}

#[tokio::test]
async fn without_a_region_there_is_no_run() {
    let ended = Scenario::deploying(Rollout::Succeed { after: 1 }).await.without_env("AWS_REGION").run().await;
    ended.is(2, "invalid", "input-missing");
    assert!(ended.stdout.contains("aws-region"), "{}", ended.told());
}
