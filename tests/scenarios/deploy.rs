//! Deploying and waiting: every ending has its verdict, and the ledger shows what was changed.

use ecs_deploy::sim::Rollout;

use crate::harness::Scenario;

#[tokio::test]
async fn a_good_image_is_registered_deployed_and_awaited() {
    let ended = Scenario::deploying(Rollout::Succeed { after: 3 }).await.run().await;
    ended.is(0, "succeeded", "");
    assert_eq!(ended.writes, ["RegisterTaskDefinition", "UpdateService"]);
    assert!(ended.output("task-definition-arn").ends_with("web:8"));
    assert!(ended.output("previous-task-definition-arn").ends_with("web:7"));
    assert!(ended.output("live-task-definition-arn").ends_with("web:8"));
    assert_eq!(ended.output("changed"), "true");
}
