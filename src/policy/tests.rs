#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test speaks by failing")]

use std::ffi::OsString;

use serde_json::{Value, json};

use super::*;
use crate::inputs::environment::Environment;
use crate::inputs::runner::Runner;
use crate::inputs::{self, Asked};
use crate::model::task_definition::TaskDefinition;

const ROLE: (&str, &str) = ("role-to-assume", "arn:aws:iam::123456789012:role/deploy");

fn asked(given: &[(&str, &str)], variables: &[(&str, &str)]) -> Asked {
    let region = [("aws-region", "eu-central-1")];
    let given = region.iter().chain(given).map(|(name, value)| ((*name).to_owned(), OsString::from(value)));
    Asked::new(given, Runner::from_env(&variables.iter().copied().collect::<Environment>()))
}

fn allowed(given: &[(&str, &str)], definition: Option<Value>) -> Policy {
    let asked = asked(given, &[]);
    let (inputs, _) = inputs::parse(&asked).unwrap();
    let definition = definition.map(|document| TaskDefinition::from_document(document).unwrap());
    permissions(&Scope { inputs: &inputs, runner: &asked.runner, definition: definition.as_ref() })
}

fn trusted(given: &[(&str, &str)], variables: &[(&str, &str)]) -> Policy {
    let asked = asked(given, variables);
    let (inputs, _) = inputs::parse(&asked).unwrap();
    trust(&Scope { inputs: &inputs, runner: &asked.runner, definition: None })
}

fn told(policy: &Policy) -> String {
    format!("{:#}\n{}", policy.document, policy.remarks.join("\n"))
}

fn subjects(policy: &Policy) -> String {
    let condition = policy.document.pointer("/Statement/0/Condition/StringEquals").unwrap();
    let (_, subjects) = condition.as_object().unwrap().iter().find(|(key, _)| key.ends_with(":sub")).unwrap();
    subjects.as_array().unwrap().iter().map(|subject| subject.as_str().unwrap()).collect::<Vec<_>>().join(" ")
}

#[test]
fn what_the_task_definition_names_is_allowed_and_nothing_else() {
    let definition = json!({
        "family": "shop", "taskRoleArn": "arn:aws:iam::123456789012:role/path/task", "executionRoleArn": "execution",
        "tags": [{"key": "team", "value": "a"}],
        "containerDefinitions": [
            {"name": "web", "image": "999999999999.dkr.ecr.us-east-1.amazonaws.com/team/web:v1", "logConfiguration":
                {"logDriver": "awslogs", "options": {"awslogs-group": "/ecs/web", "awslogs-region": "us-east-1"}}},
            {"name": "log", "image": "public.ecr.aws/aws-observability/aws-for-fluent-bit:stable"},
        ],
    });
    insta::assert_snapshot!(told(&allowed(&[ROLE, ("cluster", "prod"), ("service", "web")], Some(definition))));
}

#[test]
fn what_only_aws_knows_is_wide_and_said() {
    insta::assert_snapshot!(told(&allowed(&[("service", "web"), ("mode", "plan")], None)));
}

#[test]
fn account_and_partition_are_those_of_the_inputs() {
    let service = "arn:aws-cn:ecs:cn-north-1:210987654321:service/prod/web";
    for (given, begin) in [
        (vec![ROLE], "arn:aws:ecs:eu-central-1:123456789012:"),
        (vec![("service", service)], "arn:aws-cn:ecs:eu-central-1:210987654321:service-revision/default/web/*"),
        (vec![("allowed-account-ids", "111111111111")], "arn:aws:ecs:eu-central-1:111111111111:"),
        (vec![("allowed-account-ids", "111111111111,222222222222")], "arn:aws:ecs:eu-central-1:ACCOUNT_ID:"),
    ] {
        let policy = allowed(&given, None);
        assert!(policy.document.to_string().contains(begin), "{given:?}: {}", told(&policy));
        let is_said = policy.remarks.iter().any(|remark| remark.contains("ACCOUNT_ID"));
        assert_eq!(is_said, begin.contains("ACCOUNT_ID"), "{given:?}");
    }
}

#[test]
fn a_role_that_the_update_gives_to_the_service_may_be_passed() {
    let settings = r#"{"lifecycleHooks": [{"roleArn": "arn:aws:iam::123456789012:role/hooks"}]}"#;
    let given = [ROLE, ("service", "web"), ("deployment-configuration", settings)];
    let policy = allowed(&given, Some(json!({"containerDefinitions": []})));
    let statements = policy.document["Statement"].as_array().unwrap();
    let passed = statements.iter().find(|statement| statement["Sid"] == "RolesOfTheService").unwrap();
    assert_eq!(passed["Resource"], "arn:aws:iam::123456789012:role/hooks");
    assert_eq!(passed["Condition"], json!({"StringEquals": {"iam:PassedToService": "ecs.amazonaws.com"}}));
}

#[test]
fn both_forms_of_the_subject_are_trusted() {
    let variables = [
        ("GITHUB_REPOSITORY", "octo-org/shop"),
        ("GITHUB_REPOSITORY_ID", "2002"),
        ("GITHUB_REPOSITORY_OWNER_ID", "1001"),
        ("GITHUB_REF", "refs/heads/main"),
    ];
    insta::assert_snapshot!(told(&trusted(&[ROLE, ("environment", "production")], &variables)));
    let with = |more: &[(&'static str, &'static str)]| [variables.as_slice(), more].concat();
    for (variables, tail) in [
        (with(&[]), "ref:refs/heads/main"),
        (with(&[("GITHUB_REF", "refs/tags/v1.2.3")]), "ref:refs/tags/v1.2.3"),
        (with(&[("GITHUB_EVENT_NAME", "pull_request")]), "pull_request"),
        (with(&[("GITHUB_REF", "refs/pull/12/merge")]), "pull_request"),
    ] {
        let expected = format!("repo:octo-org/shop:{tail} repo:octo-org@1001/shop@2002:{tail}");
        assert_eq!(subjects(&trusted(&[ROLE], &variables)), expected);
    }
    let odd = trusted(&[ROLE, ("environment", "eu:prod")], &variables);
    assert!(subjects(&odd).starts_with("repo:octo-org/shop:environment:eu%3Aprod "));
}

#[test]
fn what_the_run_does_not_tell_has_a_placeholder_that_is_said() {
    insta::assert_snapshot!(told(&trusted(&[], &[])));
}

#[test]
fn the_issuer_is_the_one_of_the_server() {
    for (server, issuer) in [
        ("https://github.com", "token.actions.githubusercontent.com"),
        ("https://octo.ghe.com", "token.actions.octo.ghe.com"),
        ("https://git.example", "git.example/_services/token"),
    ] {
        let policy = trusted(&[ROLE], &[("GITHUB_SERVER_URL", server)]);
        let provider = policy.document.pointer("/Statement/0/Principal/Federated").unwrap();
        assert_eq!(provider, &json!(format!("arn:aws:iam::123456789012:oidc-provider/{issuer}")));
    }
}

#[test]
fn a_role_that_is_assumed_otherwise_is_said_to_need_more() {
    let policy = trusted(&[ROLE, ("role-chaining", "true")], &[]);
    assert!(policy.remarks.iter().any(|remark| remark.contains("`sts:AssumeRole`")), "{:?}", policy.remarks);
}

#[test]
fn secrets_are_allowed_however_they_are_named() {
    let arn = |name: &str| format!("arn:aws:secretsmanager:eu-central-1:123456789012:secret:{name}");
    let allowed_for = |container: Value| {
        let policy = allowed(&[ROLE, ("service", "web")], Some(json!({"containerDefinitions": [container]})));
        let statements = policy.document["Statement"].as_array().unwrap().clone();
        let statement = |sid: &str| statements.iter().find(|statement| statement["Sid"] == sid).cloned();
        assert_eq!(statement("Parameters"), None);
        statement("Secrets").map(|statement| statement["Resource"].clone())
    };
    let login = |text: &str| json!({"name": "web", "repositoryCredentials": {"credentialsParameter": text}});
    let secret = |text: &str| json!({"name": "web", "secrets": [{"name": "A", "valueFrom": text}]});
    assert_eq!(allowed_for(login("team/hub")), Some(json!(arn("team/hub-??????"))));
    assert_eq!(allowed_for(login(&arn("team/hub"))), Some(json!(arn("team/hub-??????"))));
    assert_eq!(allowed_for(login("me:hunter2")), None);
    // It cannot be told whether AWS ended it so, or somebody named it so.
    for text in [arn("shop/my-secret"), arn("shop/my-secret:key::")] {
        let both = json!([arn("shop/my-secret"), arn("shop/my-secret-??????")]);
        assert_eq!(allowed_for(secret(&text)), Some(both), "{text}");
    }
    assert_eq!(allowed_for(secret(&arn("shop/db"))), Some(json!(arn("shop/db-??????"))));
}
