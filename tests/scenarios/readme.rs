//! What the README shows is run: its workflow deploys, and its policy is enough and not too much.

use ecs_deploy::model::document;
use ecs_deploy::sim::{Rollout, World};
use serde_json::Value;

use crate::harness::{IMAGE_V2, Scenario};

/// The actions without which nothing can be deployed; the README names them.
const NEEDED: [&str; 5] = [
    "ecs:DescribeServices",
    "ecs:DescribeTaskDefinition",
    "ecs:RegisterTaskDefinition",
    "ecs:UpdateService",
    "iam:PassRole",
];

/// Every action of the policy.
fn actions() -> Vec<String> {
    let policy: Value = serde_json::from_str(include_str!("../../fixtures/iam/policy.json")).unwrap();
    let listed = policy["Statement"].as_array().unwrap().iter().flat_map(|statement| match &statement["Action"] {
        Value::String(action) => vec![action.clone()],
        actions => actions.as_array().unwrap().iter().map(|action| action.as_str().unwrap().to_owned()).collect(),
    });
    listed.collect()
}

/// A deploy by a role that may do only this.
async fn allowed(actions: &[&str]) -> Scenario {
    let world = World::default().rollout("web", Rollout::Succeed { after: 1 }).allow_only(actions);
    Scenario::of(world).await.input("image", IMAGE_V2)
}

#[tokio::test]
async fn the_workflow_deploys() {
    let workflow = document::parse(include_str!("../../fixtures/workflows/deploy.yml")).unwrap();
    let with = workflow["jobs"]["deploy"]["steps"][1]["with"].as_object().unwrap();
    let definition = include_str!("../../fixtures/task-definitions/web.json");
    let world = World::default().with_what_is_named(&document::parse(definition).unwrap());
    let mut scenario = Scenario::of(world).await.file("task-definition.json", definition);
    for (name, value) in with {
        // The one tag that the pretend registry has besides the running one stands for the commit's.
        scenario = scenario.input(name, &value.as_str().unwrap().replace("${{ github.sha }}", "v2"));
    }
    let ended = scenario.run().await;
    ended.is(0, "succeeded", "");
    assert_eq!(ended.writes, ["RegisterTaskDefinition", "UpdateService"]);
    assert_eq!(ended.requests("RegisterTaskDefinition")[0]["containerDefinitions"][0]["image"], IMAGE_V2);
}

#[tokio::test]
async fn the_policy_is_enough() {
    let actions = actions();
    let ended = allowed(&actions.iter().map(String::as_str).collect::<Vec<_>>()).await.run().await;
    ended.is(0, "succeeded", "");
    assert!(ended.calls.iter().all(|call| call.status != 400), "{}", ended.told());
}

#[tokio::test]
async fn without_a_needed_action_the_run_is_denied_and_names_it() {
    let actions = actions();
    for missing in NEEDED {
        let rest: Vec<&str> = actions.iter().map(String::as_str).filter(|action| *action != missing).collect();
        assert_eq!(rest.len() + 1, actions.len(), "the policy lacks {missing}");
        let ended = allowed(&rest).await.run().await;
        ended.is(7, "denied", "access-denied");
        assert!(ended.stdout.contains(missing), "{missing}: {}", ended.told());
    }
}

#[tokio::test]
async fn without_any_other_action_the_deploy_still_works() {
    let actions = actions();
    for missing in actions.iter().filter(|action| !NEEDED.contains(&action.as_str())) {
        let rest: Vec<&str> = actions.iter().filter(|action| *action != missing).map(String::as_str).collect();
        allowed(&rest).await.run().await.is(0, "succeeded", "");
    }
}
