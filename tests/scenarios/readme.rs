//! What the README shows is run: its workflow deploys. What it says of policies is in `policy`.

use ecs_deploy::model::document;
use ecs_deploy::sim::World;

use crate::harness::{IMAGE_V2, Scenario};

#[tokio::test]
async fn the_workflow_deploys_with_the_policy_beside_it() {
    let workflow = document::parse(include_str!("../../fixtures/workflows/deploy.yml")).unwrap();
    let with = workflow["jobs"]["deploy"]["steps"][1]["with"].as_object().unwrap();
    let definition = include_str!("../../fixtures/task-definitions/web.json");
    let named = document::parse(definition).unwrap();
    let policy = serde_json::from_str(include_str!("../../fixtures/iam/policy.json")).unwrap();
    let world = World::default().with_what_is_named(&named).allow_policy(&policy);
    let mut scenario = Scenario::of(world).await.file("task-definition.json", definition);
    for (name, value) in with {
        // The one tag that the pretend registry has besides the running one stands for the commit's.
        scenario = scenario.input(name, &value.as_str().unwrap().replace("${{ github.sha }}", "v2"));
    }
    let ended = scenario.run().await;
    ended.is(0, "succeeded", "");
    assert_eq!(ended.writes, ["RegisterTaskDefinition", "UpdateService"]);
    assert!(ended.calls.iter().all(|call| call.status < 400), "{}", ended.told());
    assert_eq!(ended.requests("RegisterTaskDefinition")[0]["containerDefinitions"][0]["image"], IMAGE_V2);
}
