//! The policy that `ecs-deploy policy` prints is enough and not too much: each feature is replayed with just what is
//! printed for it, and again without each action.

mod features;
mod printed;
mod replay;
mod worlds;

use std::collections::BTreeSet;

use self::features::{FILE, deploying};
use self::replay::{Stage, Story, play, printed, replay, without};
pub use self::replay::{actions, courier};
use self::worlds::{by_code_deploy, well};

/// What a role must do or be refused: the README names them.
const NEEDED: [&str; 4] = ["ecs:DescribeServices", "ecs:RegisterTaskDefinition", "ecs:UpdateService", "iam:PassRole"];

/// The same where CodeDeploy moves the service.
const NEEDED_OF_CODE_DEPLOY: [&str; 4] = [
    "codedeploy:CreateDeployment",
    "codedeploy:GetDeployment",
    "codedeploy:GetDeploymentConfig",
    "codedeploy:RegisterApplicationRevision",
];

#[tokio::test(start_paused = true)]
async fn a_deploy_needs_what_is_printed_for_it() {
    replay(features::deploy()).await;
}

#[tokio::test(start_paused = true)]
async fn a_deploy_of_what_runs_needs_what_is_printed_for_it() {
    replay(features::deploy_of_what_runs()).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_not_checked_needs_less() {
    replay(features::unchecked_deploy()).await;
    replay(features::unchecked_plan()).await;
}

#[tokio::test(start_paused = true)]
async fn a_plan_needs_what_is_printed_for_it_and_that_is_only_reading() {
    let plan = features::plan();
    for (_, action) in actions(&printed(&plan.inputs)) {
        let verb = action.split_once(':').unwrap().1;
        let reads = ["Describe", "List", "BatchGet", "Get", "Simulate"].iter().any(|read| verb.starts_with(read));
        assert!(reads, "{action}");
    }
    replay(plan).await;
}

#[tokio::test(start_paused = true)]
async fn a_role_that_only_plans_is_told_nothing_of_roles_that_it_may_not_pass() {
    let inputs = features::plan().inputs;
    let played = play(&inputs, &Story::from(well as Stage), &printed(&inputs)).await;
    assert_eq!((played.verdict, played.told.contains("PassRole")), ("planned", false), "{}", played.told);
}

#[tokio::test(start_paused = true)]
async fn a_look_at_scans_needs_what_is_printed_for_it() {
    replay(features::plan_with_scan()).await;
}

#[tokio::test(start_paused = true)]
async fn an_image_of_another_account_needs_what_is_printed_for_it() {
    replay(features::plan_with_an_image_of_another_account()).await;
}

#[tokio::test(start_paused = true)]
async fn an_image_by_its_digest_needs_what_is_printed_for_it() {
    replay(features::plan_with_an_image_by_its_digest()).await;
}

#[tokio::test(start_paused = true)]
async fn registering_alone_needs_what_is_printed_for_it() {
    replay(features::registration()).await;
}

#[tokio::test(start_paused = true)]
async fn a_deploy_that_is_not_followed_needs_less() {
    replay(features::deploy_that_is_not_followed()).await;
}

#[tokio::test(start_paused = true)]
async fn a_deploy_that_is_left_as_it_is_needs_less() {
    let feature = features::deploy_that_is_left_as_it_is();
    let stops = |(_, action): &(String, String)| action == "ecs:StopServiceDeployment";
    assert!(!actions(&printed(&feature.inputs)).iter().any(stops));
    replay(feature).await;
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_run_that_goes_back_needs_what_is_printed_for_it() {
    replay(features::deploy_that_goes_back_when_it_is_cancelled()).await;
}

#[tokio::test(start_paused = true)]
async fn the_roles_of_hooks_and_volumes_must_be_passable() {
    for feature in [features::deploy_with_a_hook(), features::deploy_with_a_volume()] {
        let entry = ("RolesOfTheService".to_owned(), "iam:PassRole".to_owned());
        let policy = printed(&feature.inputs);
        let [full, less] = [policy.clone(), without(&policy, &entry)];
        assert_eq!(play(&feature.inputs, &feature.stories[0], &full).await.verdict, "started");
        assert_eq!(play(&feature.inputs, &feature.stories[0], &less).await.verdict, "denied");
        replay(feature).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_rollback_needs_what_is_printed_for_it() {
    replay(features::rollback()).await;
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_is_not_followed_needs_less() {
    replay(features::rollback_that_is_not_followed()).await;
}

#[tokio::test(start_paused = true)]
async fn a_rollback_to_what_is_named_needs_less() {
    replay(features::rollback_to_what_is_named()).await;
}

#[tokio::test(start_paused = true)]
async fn a_deploy_by_code_deploy_needs_what_is_printed_for_it() {
    replay(features::deploy_by_code_deploy()).await;
}

#[tokio::test(start_paused = true)]
async fn a_deploy_by_code_deploy_that_is_left_as_it_is_needs_less() {
    replay(features::deploy_by_code_deploy_that_is_left_as_it_is()).await;
}

#[tokio::test(start_paused = true)]
async fn a_plan_of_code_deploy_needs_what_is_printed_for_it() {
    replay(features::plan_of_code_deploy()).await;
}

#[test]
fn every_action_that_can_be_printed_is_replayed() {
    let replayed = features::all().into_iter().flat_map(|feature| actions(&printed(&feature.inputs)));
    let replayed: BTreeSet<String> = replayed.flat_map(|(sid, action)| [sid, action]).collect();
    let table = include_str!("../../../src/policy/needs.rs");
    let after = |mark: &str| -> Vec<&str> {
        table.split(mark).skip(1).filter_map(|rest| rest.split_once('"')).map(|(text, _)| text).collect()
    };
    // A statement begins with its name, an action's line with the action; the keys of conditions begin with their operator.
    let (statements, actions) = (after("sid: \""), after("(\""));
    let actions: Vec<&str> = actions.into_iter().filter(|text| text.contains(':')).collect();
    assert!(statements.len() > 15 && actions.len() > 30, "{statements:?} {actions:?}");
    for known in statements.iter().chain(&actions) {
        assert!(replayed.contains(*known), "no feature is replayed that needs {known}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_what_is_needed_the_deploy_is_denied_and_without_all_else_it_works() {
    let by_another = deploying(&[("codedeploy-appspec", "appspec.yaml"), FILE]);
    for (inputs, stage, needed) in [
        (deploying(&[FILE]), well as Stage, NEEDED.as_slice()),
        (deploying(&[]), well, &["ecs:DescribeTaskDefinition"]),
        (by_another, by_code_deploy, NEEDED_OF_CODE_DEPLOY.as_slice()),
    ] {
        let policy = printed(&inputs);
        let all = actions(&policy);
        assert!(needed.iter().all(|needed| all.iter().any(|(_, action)| action == needed)), "{all:?}");
        for entry in all {
            let played = play(&inputs, &Story::from(stage), &without(&policy, &entry)).await;
            let is_needed = NEEDED.contains(&entry.1.as_str()) || needed.contains(&entry.1.as_str());
            let expected = if is_needed { "denied" } else { "succeeded" };
            assert_eq!(played.verdict, expected, "{entry:?}: {}", played.told);
        }
    }
}
