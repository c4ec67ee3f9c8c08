//! What the stage claims, tried over its own wire.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test speaks by failing")]

mod controllers;
mod definitions;
mod github;
mod named;
mod rollouts;
mod scripts;
mod strategies;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use super::ecs::Service;
use super::*;

/// A world that is asked without a socket, with a key it knows.
struct Story(Shared);

impl Story {
    fn of(world: World) -> Self {
        let mut world = world.with_keys("AKIAEXAMPLEEXAMPLE00", "wJalrXUtnFEMI/K7MDENG");
        world.identity.verify_signatures = false;
        Self(Arc::new(Mutex::new(world)))
    }

    fn new() -> Self {
        Self::of(World::default())
    }

    async fn ask(&self, asked: Asked) -> (u16, Value) {
        let Outcome::Answered(answer) = door::answer(&self.0, asked).await else { return (0, Value::Null) };
        (answer.status, serde_json::from_str(&answer.body).unwrap_or(Value::String(answer.body)))
    }

    async fn aws(&self, target: &str, service: &str, input: Value) -> (u16, Value) {
        let credential = format!("AKIAEXAMPLEEXAMPLE00/20261121/eu-central-1/{service}/aws4_request");
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host;x-amz-date, Signature={}",
            "0".repeat(64)
        );
        let headers = [
            ("x-amz-target", target),
            ("x-amz-date", "20261121T080000Z"),
            ("authorization", &authorization),
            ("host", "localhost"),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        self.ask(Asked {
            method: "POST".into(),
            path: "/".into(),
            headers,
            body: input.to_string().into_bytes(),
            ..Asked::default()
        })
        .await
    }

    async fn ecs(&self, operation: &str, input: Value) -> Value {
        self.aws(&format!("AmazonEC2ContainerServiceV20141113.{operation}"), "ecs", input).await.1
    }

    async fn service(&self) -> Value {
        self.ecs("DescribeServices", json!({"cluster": "prod", "services": ["web"]})).await["services"][0].clone()
    }

    /// Registers and deploys the image of a tag; tells the PRIMARY id and the service deployment's ARN.
    async fn deploy(&self, tag: &str) -> (String, String) {
        let definition = lock(&self.0).web_definition(tag);
        let registered = self.ecs("RegisterTaskDefinition", definition).await;
        let arn = registered["taskDefinition"]["taskDefinitionArn"].clone();
        let updated =
            self.ecs("UpdateService", json!({"cluster": "prod", "service": "web", "taskDefinition": arn})).await;
        let id = updated["service"]["deployments"][0]["id"].as_str().unwrap().to_owned();
        let listed = self.ecs("ListServiceDeployments", json!({"cluster": "prod", "service": "web"})).await;
        let newest = &listed["serviceDeployments"][0];
        let digits = id.trim_start_matches("ecs-svc/");
        assert!(newest["targetServiceRevisionArn"].as_str().unwrap().ends_with(digits));
        (id, newest["serviceDeploymentArn"].as_str().unwrap().to_owned())
    }

    async fn deployment(&self, arn: &str) -> Value {
        self.ecs("DescribeServiceDeployments", json!({"serviceDeploymentArns": [arn]})).await["serviceDeployments"][0]
            .clone()
    }

    /// Reads until the service deployment has this status; tells it.
    async fn until(&self, arn: &str, status: &str) -> Value {
        for _ in 0..30 {
            let deployment = self.deployment(arn).await;
            if deployment["status"] == status {
                return deployment;
            }
        }
        panic!("never {status}");
    }

    async fn form(&self, fields: &[(&str, &str)]) -> (u16, String) {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let (status, answer) = self
            .ask(Asked { method: "POST".into(), path: "/".into(), body: body.into_bytes(), ..Asked::default() })
            .await;
        (status, answer.as_str().unwrap().to_owned())
    }

    async fn github(&self, method: &str, path: &str, body: Value) -> Outcome {
        let token = format!("Bearer {}", lock(&self.0).github.token);
        let headers = vec![("authorization".to_owned(), token), ("user-agent".to_owned(), "test".to_owned())];
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        door::answer(&self.0, Asked { method: method.into(), path: path.into(), query: query.into(), headers, body })
            .await
    }
}

fn answered(outcome: Outcome) -> (Answer, Value) {
    let Outcome::Answered(answer) = outcome else { panic!("no answer") };
    let value = serde_json::from_str(&answer.body).unwrap_or(Value::Null);
    (answer, value)
}

fn has_event(service: &Value, text: &str) -> bool {
    service["events"].as_array().unwrap().iter().any(|event| event["message"].as_str().unwrap().contains(text))
}

#[tokio::test]
async fn what_is_not_there_is_said_as_ecs_says_it() {
    let story = Story::new();
    let missing = story.ecs("DescribeServices", json!({"cluster": "prod", "services": ["api"]})).await;
    assert_eq!(
        missing["failures"],
        json!([{"arn": "arn:aws:ecs:eu-central-1:123456789012:service/prod/api", "reason": "MISSING"}])
    );
    let code =
        async |operation: &str, input: Value| story.ecs(operation, input).await["__type"].as_str().unwrap().to_owned();
    assert_eq!(
        code("DescribeServices", json!({"cluster": "dev", "services": ["web"]})).await,
        "ClusterNotFoundException"
    );
    assert_eq!(code("UpdateService", json!({"cluster": "prod", "service": "api"})).await, "ServiceNotFoundException");
    assert_eq!(
        code("UpdateService", json!({"cluster": "prod", "service": "web", "taskDefinition": "web:99"})).await,
        "ClientException"
    );
    lock(&story.0).change_service("web", |service| service.controller = Some("CODE_DEPLOY".into()));
    assert_eq!(
        code("UpdateService", json!({"cluster": "prod", "service": "web", "taskDefinition": "web:6"})).await,
        "InvalidParameterException"
    );
    lock(&story.0).change_service("web", |service| service.status = "INACTIVE".into());
    assert_eq!(code("UpdateService", json!({"cluster": "prod", "service": "web"})).await, "ServiceNotActiveException");
    assert_eq!(code("DeleteService", json!({})).await, "UnknownOperationException");
    assert_eq!(lock(&story.0).ledger.unknown(), ["ecs:DeleteService"]);
}

async fn web_token(story: &Story, audience: &str) -> String {
    let headers = vec![("authorization".to_owned(), "bearer sim-request-token".to_owned())];
    let query = format!("api-version=2.0&audience={audience}");
    let (status, answer) =
        story.ask(Asked { method: "GET".into(), path: "/oidc/token".into(), query, headers, body: Vec::new() }).await;
    assert_eq!(status, 200);
    answer["value"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_web_token_buys_credentials_once_everything_agrees() {
    let story = Story::new();
    let token = web_token(&story, "sts.amazonaws.com").await;
    assert_eq!(token.split('.').count(), 3);
    let assume = async |changes: &[(&str, &str)]| {
        let mut fields = vec![
            ("Action", "AssumeRoleWithWebIdentity"),
            ("Version", "2011-06-15"),
            ("RoleSessionName", "GitHubActions"),
            ("RoleArn", "arn:aws:iam::123456789012:role/deploy"),
            ("WebIdentityToken", token.as_str()),
        ];
        for change in changes {
            fields.retain(|(name, _)| name != &change.0);
            fields.push(*change);
        }
        story.form(&fields).await
    };
    let (status, xml) = assume(&[]).await;
    assert_eq!(status, 200);
    assert!(xml.contains("<AccessKeyId>ASIA") && xml.contains("assumed-role/deploy/GitHubActions"), "{xml}");
    let code = |(status, xml): (u16, String)| {
        let code =
            xml.split("<Code>").nth(1).unwrap_or_default().split("</Code>").next().unwrap_or_default().to_owned();
        (status, code)
    };
    assert_eq!(code(assume(&[("WebIdentityToken", "not-a-token")]).await), (400, "InvalidIdentityToken".into()));
    assert_eq!(
        code(assume(&[("RoleArn", "arn:aws:iam::123456789012:role/other")]).await),
        (403, "AccessDenied".into())
    );
    assert_eq!(code(assume(&[("DurationSeconds", "7200")]).await), (400, "ValidationError".into()));
    assert_eq!(code(assume(&[("RoleSessionName", "a b")]).await), (400, "ValidationError".into()));
    lock(&story.0).identity.roles[0].subjects = vec!["repo:octo-org@583231/shop@734512:*".into()];
    assert_eq!(code(assume(&[]).await), (403, "AccessDenied".into()));
    lock(&story.0).identity.subject = "repo:octo-org@583231/shop@734512:ref:refs/heads/main".into();
    let immutable = web_token(&story, "sts.amazonaws.com").await;
    assert_eq!(assume(&[("WebIdentityToken", &immutable)]).await.0, 200);
    let elsewhere = web_token(&story, "elsewhere").await;
    assert_eq!(code(assume(&[("WebIdentityToken", &elsewhere)]).await), (400, "InvalidIdentityToken".into()));
    lock(&story.0).calendar.skew += 301.0;
    assert_eq!(code(assume(&[("WebIdentityToken", &immutable)]).await), (400, "ExpiredTokenException".into()));
    assert!(lock(&story.0).secrets().contains(&token));
}

#[tokio::test]
async fn a_badly_signed_call_is_refused_with_the_real_code() {
    let story = Story::new();
    let target = "AmazonEC2ContainerServiceV20141113.DescribeServices";
    let code = async |service: &str| {
        story.aws(target, service, json!({"cluster": "prod", "services": ["web"]})).await.1["__type"]
            .as_str()
            .unwrap_or("fine")
            .to_owned()
    };
    assert_eq!(code("ecs").await, "fine");
    assert_eq!(code("ecr").await, "InvalidSignatureException");
    lock(&story.0).identity.keys[0].expires = Some(1.0);
    assert_eq!(code("ecs").await, "ExpiredTokenException");
    lock(&story.0).identity.keys.clear();
    assert_eq!(code("ecs").await, "UnrecognizedClientException");
    let unsigned = Asked {
        method: "POST".into(),
        path: "/".into(),
        headers: vec![("x-amz-target".into(), target.into())],
        ..Asked::default()
    };
    assert_eq!(story.ask(unsigned).await.1["__type"], "MissingAuthenticationTokenException");
}

#[tokio::test]
async fn tricks_are_played_as_often_as_told() {
    let world = World::default()
        .fault("UpdateService", 1, Trick::Throttle)
        .fault("UpdateService", 1, Trick::Status(503))
        .fault("UpdateService", 1, Trick::Reset);
    let story = Story::of(world.fault("UpdateService", 1, Trick::LostAnswer).denied("ListTasks"));
    let target = "AmazonEC2ContainerServiceV20141113.UpdateService";
    let input = json!({"cluster": "prod", "service": "web", "forceNewDeployment": true});
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(story.aws(target, "ecs", input.clone()).await.0);
    }
    assert_eq!(statuses, [400, 503, 0, 0, 200]);
    // The lost answer was a write all the same; the throttled, failed and reset calls were none.
    assert_eq!(lock(&story.0).ledger.writes().len(), 2);
    assert_eq!(lock(&story.0).ledger.attempts().len(), 5);
    let denied = story.ecs("ListTasks", json!({"cluster": "prod"})).await;
    assert_eq!(
        denied["message"],
        "User: arn:aws:iam::123456789012:user/deployer is not authorized to perform: ecs:ListTasks on resource: * because no identity-based policy allows the ecs:ListTasks action"
    );
}

#[tokio::test]
async fn an_allow_list_also_asks_for_tagging_and_passing_roles() {
    let story = Story::of(World::default().allow_only(&["ecs:RegisterTaskDefinition", "iam:PassRole"]));
    let mut definition = lock(&story.0).web_definition("v2");
    assert_eq!(story.ecs("RegisterTaskDefinition", definition.clone()).await["taskDefinition"]["revision"], 8);
    definition["tags"] = json!([{"key": "a", "value": "b"}]);
    assert!(
        story.ecs("RegisterTaskDefinition", definition.clone()).await["message"].as_str().unwrap().contains(
            "perform: ecs:TagResource on resource: arn:aws:ecs:eu-central-1:123456789012:task-definition/web:*"
        )
    );
    let register = json!({"Effect": "Allow", "Action": "ecs:RegisterTaskDefinition", "Resource": "*"});
    lock(&story.0).allowed = Some(vec![register]);
    definition.as_object_mut().unwrap().remove("tags");
    assert!(
        story.ecs("RegisterTaskDefinition", definition).await["message"].as_str().unwrap().contains("iam:PassRole")
    );
    assert!(
        story.ecs("DescribeServices", json!({"cluster": "prod", "services": ["web"]})).await["message"]
            .as_str()
            .unwrap()
            .contains("service/prod/web")
    );
}

#[tokio::test]
async fn a_policy_allows_what_its_patterns_and_conditions_fit() {
    let statement = |resource: &str, to: &str| {
        json!({"Statement": [
            {"Effect": "Allow", "Action": "ecs:RegisterTaskDefinition", "Resource": "*"},
            {"Effect": "Allow", "Action": ["iam:PassRole"], "Resource": [resource],
             "Condition": {"StringEquals": {"iam:PassedToService": to}}},
        ]})
    };
    let tasks = "ecs-tasks.amazonaws.com";
    for (policy, is_allowed) in [
        (statement("arn:aws:iam::123456789012:role/web-*", tasks), true),
        (statement("arn:aws:iam::*:role/w*b-*", tasks), true),
        (statement("arn:aws:iam::123456789012:role/api-*", tasks), false),
        (statement("arn:aws:iam::123456789012:role/web-*", "ecs.amazonaws.com"), false),
    ] {
        let story = Story::of(World::default().allow_policy(&policy));
        let definition = lock(&story.0).web_definition("v2");
        let answer = story.ecs("RegisterTaskDefinition", definition).await;
        assert_eq!(answer["taskDefinition"]["revision"] == 8, is_allowed, "{policy}: {answer}");
    }
}

/// The signature is computed from AWS's description alone; the SDK, which signs the request here, knows it better.
#[tokio::test]
async fn a_request_signed_by_the_sdk_is_accepted_and_one_with_another_secret_is_not() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let sim = Sim::start(World::default().with_keys("AKIAEXAMPLEEXAMPLE00", "the-right-secret")).await.unwrap();
    let client = |secret: &str| {
        let keys = aws_sdk_ecs::config::Credentials::new("AKIAEXAMPLEEXAMPLE00", secret, None, None, "test");
        let http = aws_smithy_http_client::Builder::new().build_http();
        let config = aws_sdk_ecs::Config::builder()
            .behavior_version_latest()
            .endpoint_url(sim.url())
            .credentials_provider(keys)
            .http_client(http);
        aws_sdk_ecs::Client::from_conf(config.region(aws_sdk_ecs::config::Region::new("eu-central-1")).build())
    };
    let found = client("the-right-secret").describe_services().cluster("prod").services("web").send().await.unwrap();
    assert_eq!(found.services()[0].running_count(), 2);
    let refused = client("another-secret").list_clusters().send().await.unwrap_err();
    assert!(format!("{refused:?}").contains("InvalidSignatureException"));
}

#[tokio::test]
async fn a_cut_connection_gives_no_answer_at_all() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let sim = Sim::start(World::default().fault("GetToken", 1, Trick::Reset)).await.unwrap();
    let url = format!("{}/oidc/token", sim.url());
    let ask =
        async || reqwest::Client::new().get(&url).header("authorization", "bearer sim-request-token").send().await;
    assert!(ask().await.is_err());
    let answer = ask().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.headers().contains_key("date"));
    assert_eq!(sim.calls().iter().map(|call| call.status).collect::<Vec<_>>(), [0, 200]);
    let line: Value = serde_json::from_str(&sim.calls()[1].traffic(&sim.secrets())).unwrap();
    assert!(line["response"].as_str().unwrap().contains("\"value\":\"REDACTED\""));
}
