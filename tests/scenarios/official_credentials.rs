//! What the tests of the official credentials action (`configure-aws-credentials`) promise about assuming roles, told
//! of this one.
//!
//! - OIDC, what is asked and masked: [`a_session_is_asked_for_with_nothing_unasked`]
//! - a token file, absent or a link: [`a_token_file_is_sent_and_a_link_is_not`]; Kubernetes' own:
//!   `aws::token_file::tests::a_token_is_read_from_the_workspace_and_never_through_a_link`
//! - keys: `credentials::static_keys_work_with_a_warning`; half of a key:
//!   `inputs::tests::half_of_an_access_key_is_a_mistake_and_a_whole_one_a_warning`; keys and a role, a stale session
//!   token beside them: [`keys_assume_a_role_and_a_stale_session_token_does_not_spoil_them`]
//! - chaining: [`a_chain_begins_with_the_credentials_of_the_job`]
//! - session tags: [`a_chain_begins_with_the_credentials_of_the_job`], [`tags_that_are_too_large_lose_the_six_that_may_go`],
//!   `aws::tags::tests`; their cut at 256: `aws::tags::tests::a_value_becomes_what_sts_takes`
//! - custom tags: [`custom_tags_that_sts_refuses_are_told_before_any_call`]; 50 and no more:
//!   `inputs::tests::custom_tags_keep_to_the_rules_of_sts`; with OIDC:
//!   [`custom_tags_have_no_effect_on_a_token_and_that_is_said_once`]
//! - region, malformed ARN, attempts: [`inputs_that_sts_would_refuse_are_told_before_any_call`]
//! - a session name that STS refuses (theirs: fails): `inputs::tests::a_session_name_becomes_what_sts_takes`
//! - a variable of the runner that is absent: [`a_chain_begins_with_the_credentials_of_the_job`]
//! - no permission for OIDC: `credentials::a_job_without_the_permission_is_told_which`
//! - `force-skip-oidc`, with keys: `credentials::keys_of_the_environment_assume_a_role_with_tags_and_external_id`;
//!   alone, and `false`: [`skipping_oidc_is_asked_for_by_true_alone`]
//! - `allowed-account-ids`: [`the_account_is_compared_on_every_way`]
//! - what passes is tried again: [`what_passes_is_tried_again_on_the_way_by_keys`], `credentials::what_can_succeed_later_is_tried_again`;
//!   what does not, three times at most: [`a_refused_role_is_asked_for_three_times_at_most`]
//! - a token that is near its end: `credentials::a_session_that_ends_during_the_wait_is_renewed_with_a_fresh_token`
//! - `sts-endpoint`: [`another_endpoint_of_sts_is_used`]
//!
//! Of their inputs, these are not ours, because no later step needs the credentials: `output-credentials`,
//! `output-env-credentials`, `unset-current-credentials`, `use-existing-credentials`, `aws-profile`, `action-timeout-s`,
//! `disable-retry`, `special-characters-workaround`, `http-proxy` and `no-proxy` (the variables are honoured).

use ecs_deploy::sim::identity::Issued;
use ecs_deploy::sim::{Trick, World};
use serde_json::{Value, json};

use crate::harness::{Ended, IMAGE_V2, Scenario};

const ID: &str = "AKIAEXAMPLEEXAMPLE00";
const SECRET: &str = "keep-this-secret-access-key";
const ROLE: &str = "arn:aws:iam::123456789012:role/deploy";

async fn planning(world: World) -> Scenario {
    Scenario::of(world).await.input("image", IMAGE_V2).input("mode", "plan")
}

/// A step with keys in its inputs.
async fn with_keys(world: World) -> Scenario {
    planning(world.with_keys(ID, SECRET)).await.input("aws-access-key-id", ID).input("aws-secret-access-key", SECRET)
}

fn names(request: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = request.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

/// The session tags of a request, in their order.
fn tags(request: &Value) -> Vec<(String, String)> {
    let member = |index: usize, part: &str| request[format!("Tags.member.{index}.{part}")].as_str().map(str::to_owned);
    (1..=60).filter_map(|index| Some((member(index, "Key")?, member(index, "Value")?))).collect()
}

fn sts_calls(ended: &Ended) -> usize {
    ended.calls.iter().filter(|call| call.service == "sts").count()
}

#[tokio::test]
async fn a_session_is_asked_for_with_nothing_unasked() {
    let scenario = planning(World::default()).await;
    let ended = scenario.run().await;
    ended.is(0, "planned", "");
    let request = ended.requests("AssumeRoleWithWebIdentity")[0];
    let expected = ["Action", "DurationSeconds", "RoleArn", "RoleSessionName", "Version", "WebIdentityToken"];
    assert_eq!(names(request), expected);
    assert_eq!((&request["RoleArn"], &request["DurationSeconds"]), (&json!(ROLE), &json!("3600")));
    let asked = ended.calls.iter().find(|call| call.operation == "GetToken").unwrap();
    assert!(asked.query.contains("audience=sts.amazonaws.com"), "{}", asked.query);
    let (key, token) =
        scenario.sim.with(|world| (world.identity.keys[0].clone(), world.identity.tokens[0].token.clone()));
    for secret in [key.id, key.secret, key.session.unwrap(), token] {
        assert!(ended.stdout.contains(&format!("::add-mask::{secret}")), "{}", ended.told());
    }
}

#[tokio::test]
async fn a_token_file_is_sent_and_a_link_is_not() {
    let mut world = World::default();
    let claims = json!({"aud": "sts.amazonaws.com", "sub": "repo:octo-org/shop:ref:refs/heads/main",
        "iss": "https://token.actions.githubusercontent.com", "exp": 4_000_000_000_u32});
    let claims = claims.as_object().unwrap().clone();
    world.identity.tokens.push(Issued { token: "e30.from-a-file.c2ln".into(), claims });
    let scenario = planning(world).await.file("tokens/web", "e30.from-a-file.c2ln\n");
    std::os::unix::fs::symlink(scenario.workspace().join("tokens/web"), scenario.workspace().join("link")).unwrap();
    std::os::unix::fs::symlink(scenario.workspace().join("tokens"), scenario.workspace().join("folder")).unwrap();
    let scenario = scenario.input("web-identity-token-file", "tokens/web");
    let ended = scenario.run().await;
    ended.is(0, "planned", "");
    assert_eq!(ended.requests("AssumeRoleWithWebIdentity")[0]["WebIdentityToken"], "e30.from-a-file.c2ln");
    assert_eq!(ended.requests("GetToken").len(), 0);
    let mut scenario = scenario;
    for path in ["absent", "link", "folder/web"] {
        scenario = scenario.input("web-identity-token-file", path);
        let ended = scenario.run().await;
        ended.is(2, "invalid", "file-unreadable");
        assert_eq!(sts_calls(&ended), 0, "{path}");
    }
}

#[tokio::test]
async fn keys_assume_a_role_and_a_stale_session_token_does_not_spoil_them() {
    let scenario = with_keys(World::default()).await.env("AWS_SESSION_TOKEN", "of-an-earlier-step");
    let ended = scenario.run().await;
    ended.is(0, "planned", "");
    assert_eq!(ended.requests("AssumeRole")[0]["RoleArn"], ROLE);
    assert_eq!(ended.requests("GetToken").len(), 0);
    let source = ended.stdout.find(&format!("::add-mask::{SECRET}")).unwrap_or_else(|| panic!("{}", ended.told()));
    let session = scenario.sim.with(|world| world.identity.keys.last().unwrap().secret.clone());
    assert!(ended.stdout.find(&format!("::add-mask::{session}")).is_some_and(|mask| mask > source), "{}", ended.told());
    assert_eq!(ended.stdout.matches("::warning").count(), 1, "one warning about keys: {}", ended.told());
}

#[tokio::test]
async fn a_chain_begins_with_the_credentials_of_the_job() {
    let world = World::default().with_keys(ID, SECRET);
    let scenario = planning(world).await.env("AWS_ACCESS_KEY_ID", ID).env("AWS_SECRET_ACCESS_KEY", SECRET);
    let scenario = scenario
        .input("role-chaining", "true")
        .env("GITHUB_ACTOR", "MY-USERNAME[bot]")
        .env("GITHUB_BASE_REF", "main")
        .env("GITHUB_HEAD_REF", "feature/has spaces&bad?chars");
    let ended = scenario.run().await;
    ended.is(0, "planned", "");
    assert_eq!(ended.requests("GetToken").len(), 0);
    let sent = tags(ended.requests("AssumeRole")[0]);
    let of = |sent: &[(String, String)], name: &str| {
        sent.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
    };
    let keys: Vec<&str> = sent.iter().map(|(key, _)| key.as_str()).collect();
    let own = [
        "GitHub",
        "Repository",
        "Workflow",
        "Action",
        "Actor",
        "Commit",
        "Branch",
        "EventName",
        "BaseRef",
        "HeadRef",
        "RunId",
        "Job",
        "TriggeringActor",
    ];
    assert_eq!(keys, own);
    assert_eq!(of(&sent, "GitHub").as_deref(), Some("Actions"));
    assert_eq!(of(&sent, "Actor").as_deref(), Some("MY-USERNAME_bot_"));
    assert_eq!(of(&sent, "HeadRef").as_deref(), Some("feature/has spaces_bad_chars"));
    let scenario = scenario.without_env("GITHUB_REF").without_env("GITHUB_ACTOR").env("GITHUB_BASE_REF", "");
    let ended = scenario.run().await;
    ended.is(0, "planned", "");
    let sent = tags(ended.requests("AssumeRole")[0]);
    assert_eq!(sent.len(), 10, "{sent:?}");
    assert_eq!(of(&sent, "Branch"), None);
    let ended = scenario.input("role-skip-session-tagging", "true").run().await;
    ended.is(0, "planned", "");
    assert_eq!(tags(ended.requests("AssumeRole")[0]), []);
}

#[tokio::test]
async fn tags_that_are_too_large_lose_the_six_that_may_go() {
    let trick = Trick::Error(400, "PackedPolicyTooLarge".into(), "Packed size of session tags is 104%.".into());
    let ended = with_keys(World::default().fault("AssumeRole", 1, trick)).await.run().await;
    ended.is(0, "planned", "");
    let requests = ended.requests("AssumeRole");
    let keys: Vec<String> = tags(requests[1]).into_iter().map(|(key, _)| key).collect();
    assert_eq!(requests.len(), 2);
    assert_eq!(keys, ["GitHub", "Repository", "Workflow", "Action", "Actor", "Commit", "Branch"]);
}

#[tokio::test]
async fn custom_tags_that_sts_refuses_are_told_before_any_call() {
    let rows = [
        ("broken", "{not json", "document-unparsable"),
        ("a list", r#"["a"]"#, "input-invalid"),
        ("a key of ours", r#"{"Repository": "x"}"#, "input-invalid"),
        ("a key of ours that may go", r#"{"RunId": "x"}"#, "input-invalid"),
        ("the branch", r#"{"Branch": "x"}"#, "input-invalid"),
        ("a bad letter", r#"{"team": "a;b"}"#, "input-invalid"),
        ("a nested value", r#"{"team": {"a": 1}}"#, "input-invalid"),
    ];
    let mut scenario = with_keys(World::default()).await;
    for (row, given, reason) in rows {
        scenario = scenario.input("custom-tags", given);
        let ended = scenario.run().await;
        assert_eq!((ended.code, ended.output("reason")), (Some(2), reason), "{row}: {}", ended.told());
        assert_eq!(sts_calls(&ended), 0, "{row}");
        assert!(ended.stdout.contains("`custom-tags`"), "{row}: {}", ended.told());
    }
    let ended = scenario.input("custom-tags", r#"{"Team": "shop", "Build": 7}"#).run().await;
    ended.is(0, "planned", "");
    let sent = tags(ended.requests("AssumeRole")[0]);
    assert!(sent.contains(&("Team".into(), "shop".into())) && sent.contains(&("Build".into(), "7".into())), "{sent:?}");
}

#[tokio::test]
async fn custom_tags_have_no_effect_on_a_token_and_that_is_said_once() {
    let ended = planning(World::default()).await.input("custom-tags", r#"{"Team": "shop"}"#).run().await;
    ended.is(0, "planned", "");
    assert_eq!(tags(ended.requests("AssumeRoleWithWebIdentity")[0]), []);
    assert_eq!(ended.stdout.matches("`custom-tags` has no effect").count(), 1, "{}", ended.told());
}

#[tokio::test]
async fn inputs_that_sts_would_refuse_are_told_before_any_call() {
    let mut scenario = planning(World::default()).await;
    for (name, value) in [
        ("aws-region", "$|<1B1D1 701L37"),
        ("role-to-assume", "arn:aws:iam::12:role/deploy"),
        ("max-retries", "-1"),
        ("role-duration-seconds", "60"),
        ("sts-endpoint", "sts.example.com"),
    ] {
        scenario = scenario.input(name, value);
        let ended = scenario.run().await;
        ended.is(2, "invalid", "input-invalid");
        assert!(ended.stdout.contains(name) && ended.calls.iter().all(|call| call.door != "aws"), "{}", ended.told());
        scenario = scenario.input(name, if name == "role-to-assume" { ROLE } else { "" });
    }
}

#[tokio::test]
async fn skipping_oidc_is_asked_for_by_true_alone() {
    for (given, code, verdict, reason, tokens) in
        [("true", 7, "denied", "credentials-missing", 0), ("false", 0, "planned", "", 1), ("", 0, "planned", "", 1)]
    {
        let ended = planning(World::default()).await.input("force-skip-oidc", given).run().await;
        ended.is(code, verdict, reason);
        assert_eq!(ended.requests("GetToken").len(), tokens, "{given}");
    }
}

#[tokio::test]
async fn the_account_is_compared_on_every_way() {
    let by_token = planning(World::default()).await;
    let by_role = with_keys(World::default()).await;
    let by_keys = with_keys(World::default()).await.input("role-to-assume", "");
    for (way, mut scenario) in [("token", by_token), ("role", by_role), ("keys", by_keys)] {
        for (given, is_allowed) in [
            ("123456789012", true),
            (" 111111111111 ,  123456789012 ", true),
            ("111111111111\n123456789012\n\n", true),
            ("111111111111,222222222222", false),
        ] {
            scenario = scenario.input("allowed-account-ids", given);
            let ended = scenario.run().await;
            if is_allowed {
                ended.is(0, "planned", "");
                continue;
            }
            ended.is(3, "blocked", "account-not-allowed");
            assert!(ended.calls.iter().all(|call| call.service != "ecs"), "{way}: {}", ended.told());
            for named in ["123456789012", "111111111111", "222222222222"] {
                assert!(ended.stdout.contains(named), "{way}: {}", ended.told());
            }
        }
    }
}

#[tokio::test]
async fn what_passes_is_tried_again_on_the_way_by_keys() {
    let world = World::default().fault("AssumeRole", 1, Trick::Throttle);
    let ended = with_keys(world).await.run().await;
    ended.is(0, "planned", "");
    assert_eq!(ended.requests("AssumeRole").len(), 2);
    let world = World::default().fault("GetCallerIdentity", 1, Trick::Status(503));
    let ended = with_keys(world).await.input("role-to-assume", "").run().await;
    ended.is(0, "planned", "");
    assert_eq!(ended.requests("GetCallerIdentity").len(), 2);
}

#[tokio::test]
async fn a_refused_role_is_asked_for_three_times_at_most() {
    let mut world = World::default();
    world.identity.roles[0].subjects = vec!["repo:another/repository:*".into()];
    let ended = planning(world).await.run().await;
    ended.is(7, "denied", "role-refused");
    assert_eq!(ended.requests("AssumeRoleWithWebIdentity").len(), 3);
    assert!(ended.took < std::time::Duration::from_secs(10), "{:?}", ended.took);
}

#[tokio::test]
async fn another_endpoint_of_sts_is_used() {
    let scenario = planning(World::default()).await;
    let url = scenario.sim.url().to_owned();
    let ended = scenario.env("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9").input("sts-endpoint", &url).run().await;
    ended.is(0, "planned", "");
    assert_eq!(ended.requests("AssumeRoleWithWebIdentity").len(), 1);
}
