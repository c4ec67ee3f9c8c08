//! Credentials: from GitHub's token, or from keys, and what is said when they are refused.

use std::time::Duration;

use ecs_deploy::sim::{Rollout, Trick, World};
use serde_json::json;

use crate::harness::{IMAGE_V2, Scenario};

async fn deploying(world: World) -> Scenario {
    Scenario::of(world).await.input("image", IMAGE_V2)
}

#[tokio::test]
async fn a_web_token_buys_one_session() {
    let ended = Scenario::deploying(Rollout::Succeed { after: 1 }).await.run().await;
    ended.is(0, "succeeded", "");
    assert_eq!(ended.requests("AssumeRoleWithWebIdentity").len(), 1);
    assert_eq!(ended.requests("GetToken").len(), 1);
    assert_eq!(ended.requests("AssumeRoleWithWebIdentity")[0]["RoleSessionName"], "GitHubActions");
}

#[tokio::test]
async fn a_trust_policy_that_does_not_match_is_explained_with_the_tokens_own_subject() {
    let mut world = World::default();
    world.identity.subject = "repo:octo-org@583231/shop@734512:ref:refs/heads/main".into();
    let ended = deploying(world).await.run().await;
    ended.is(7, "denied", "role-refused");
    assert!(ended.stdout.contains("repo:octo-org@583231/shop@734512:ref:refs/heads/main"), "{}", ended.told());
    assert!(ended.took < Duration::from_secs(15));
    assert_eq!(ended.writes, [""; 0]);
}

#[tokio::test]
async fn a_job_without_the_permission_is_told_which() {
    let scenario = Scenario::deploying(Rollout::Succeed { after: 1 }).await;
    let ended =
        scenario.without_env("ACTIONS_ID_TOKEN_REQUEST_URL").without_env("ACTIONS_ID_TOKEN_REQUEST_TOKEN").run().await;
    ended.is(7, "denied", "oidc-permission-missing");
    assert!(ended.stdout.contains("id-token: write"), "{}", ended.told());
}

#[tokio::test]
async fn an_account_without_a_provider_says_so() {
    let mut world = World::default();
    world.identity.provider = false;
    deploying(world).await.run().await.is(7, "denied", "oidc-provider-missing");
}

#[tokio::test]
async fn another_audience_is_refused_with_its_name() {
    let scenario = Scenario::deploying(Rollout::Succeed { after: 1 }).await.input("audience", "a b&c");
    let ended = scenario.run().await;
    ended.is(7, "denied", "oidc-provider-missing");
    assert!(ended.stdout.contains("a b&c"), "{}", ended.told());
}

#[tokio::test]
async fn what_can_succeed_later_is_tried_again() {
    let idp = Trick::Error(400, "IDPCommunicationError".into(), "The identity provider could not be reached.".into());
    let world = World::default().fault("GetToken", 2, Trick::Status(503)).fault("AssumeRoleWithWebIdentity", 1, idp);
    deploying(world).await.run().await.is(0, "succeeded", "");
}

#[tokio::test]
async fn a_session_that_ends_during_the_wait_is_renewed_with_a_fresh_token() {
    let mut world = World::default().rollout("web", Rollout::Succeed { after: 40 });
    world.identity.session_override = Some(2);
    let scenario = deploying(world).await.input("wait-max-delay-seconds", "1");
    scenario.sim.with(|world| world.clock = ecs_deploy::sim::Clock::Wall(Duration::from_millis(100)));
    let ended = scenario.run().await;
    ended.is(0, "succeeded", "");
    assert!(ended.requests("GetToken").len() > 1, "{}", ended.told());
    assert_eq!(ended.requests("GetToken").len(), ended.requests("AssumeRoleWithWebIdentity").len());
}

#[tokio::test]
async fn static_keys_work_with_a_warning() {
    let world = World::default().with_keys("AKIAEXAMPLEEXAMPLE00", "keep-this-secret-access-key");
    let scenario =
        deploying(world).await.input("role-to-assume", "").input("aws-access-key-id", "AKIAEXAMPLEEXAMPLE00");
    let ended = scenario.input("aws-secret-access-key", "keep-this-secret-access-key").run().await;
    ended.is(0, "succeeded", "");
    assert!(ended.stdout.contains("::warning"), "{}", ended.told());
    assert_eq!(ended.requests("GetToken").len(), 0);
}

#[tokio::test]
async fn keys_of_the_environment_assume_a_role_with_tags_and_external_id() {
    let mut world = World::default().with_keys("AKIAEXAMPLEEXAMPLE00", "keep-this-secret-access-key");
    world.identity.roles[0].external_id = Some("from-the-partner".into());
    let scenario = deploying(world).await.input("role-external-id", "from-the-partner");
    let scenario = scenario.env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLEEXAMPLE00");
    let scenario =
        scenario.env("AWS_SECRET_ACCESS_KEY", "keep-this-secret-access-key").input("force-skip-oidc", "true");
    let ended = scenario.run().await;
    ended.is(0, "succeeded", "");
    let request = ended.requests("AssumeRole")[0];
    assert_eq!(request["ExternalId"], "from-the-partner");
    assert!(request.as_object().unwrap().keys().any(|key| key.starts_with("Tags.member.")), "{request}");
}

#[tokio::test]
async fn keys_that_aws_does_not_know_are_named_as_the_cause() {
    let scenario = Scenario::deploying(Rollout::Succeed { after: 1 }).await.input("role-to-assume", "");
    let scenario =
        scenario.env("AWS_ACCESS_KEY_ID", "AKIANOBODYNOBODY0000").env("AWS_SECRET_ACCESS_KEY", "x".repeat(40).as_str());
    scenario.run().await.is(7, "denied", "credentials-invalid");
}

#[tokio::test]
async fn without_any_credentials_the_run_is_denied() {
    let scenario = Scenario::deploying(Rollout::Succeed { after: 1 }).await.input("role-to-assume", "");
    scenario.run().await.is(7, "denied", "credentials-missing");
}

#[tokio::test]
async fn another_account_is_refused_before_any_write() {
    let scenario =
        Scenario::deploying(Rollout::Succeed { after: 1 }).await.input("allowed-account-ids", "210987654321");
    let ended = scenario.run().await;
    ended.is(3, "blocked", "account-not-allowed");
    assert_eq!(ended.writes, [""; 0]);
}

#[tokio::test]
async fn a_masked_account_is_masked_before_it_is_printed() {
    let ended =
        Scenario::deploying(Rollout::Succeed { after: 1 }).await.input("mask-aws-account-id", "true").run().await;
    ended.is(0, "succeeded", "");
    let mask = ended.stdout.find("::add-mask::123456789012").unwrap_or_else(|| panic!("{}", ended.told()));
    assert!(ended.stdout.find("123456789012").is_some_and(|first| first >= mask), "{}", ended.told());
}

#[tokio::test]
async fn a_fork_is_told_that_it_gets_no_token() {
    let payload = json!({"number": 12, "pull_request": {"number": 12, "head": {"sha": "4f1c6f3f4a1b2c3d4e5f60718293a4b5c6d7e8f9", "repo": {"full_name": "somebody/shop", "fork": true}}, "base": {"repo": {"full_name": "octo-org/shop"}}}});
    let scenario = Scenario::deploying(Rollout::Succeed { after: 1 }).await.event("pull_request", payload);
    let ended =
        scenario.without_env("ACTIONS_ID_TOKEN_REQUEST_URL").without_env("ACTIONS_ID_TOKEN_REQUEST_TOKEN").run().await;
    ended.is(7, "denied", "oidc-permission-missing");
    assert!(ended.stdout.contains("fork"), "{}", ended.told());
}
