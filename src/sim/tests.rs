//! What the stage claims, tried over its own wire.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test speaks by failing")]

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
        let authorization = format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host;x-amz-date, Signature={}", "0".repeat(64));
        let headers = [("x-amz-target", target), ("x-amz-date", "20261121T080000Z"), ("authorization", &authorization), ("host", "localhost")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        self.ask(Asked { method: "POST".into(), path: "/".into(), headers, body: input.to_string().into_bytes(), ..Asked::default() }).await
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
        let updated = self.ecs("UpdateService", json!({"cluster": "prod", "service": "web", "taskDefinition": arn})).await;
        let id = updated["service"]["deployments"][0]["id"].as_str().unwrap().to_owned();
        let listed = self.ecs("ListServiceDeployments", json!({"cluster": "prod", "service": "web"})).await;
        let newest = &listed["serviceDeployments"][0];
        let digits = id.trim_start_matches("ecs-svc/");
        assert!(newest["targetServiceRevisionArn"].as_str().unwrap().ends_with(digits));
        (id, newest["serviceDeploymentArn"].as_str().unwrap().to_owned())
    }

    async fn deployment(&self, arn: &str) -> Value {
        self.ecs("DescribeServiceDeployments", json!({"serviceDeploymentArns": [arn]})).await["serviceDeployments"][0].clone()
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
        let (status, answer) = self.ask(Asked { method: "POST".into(), path: "/".into(), body: body.into_bytes(), ..Asked::default() }).await;
        (status, answer.as_str().unwrap().to_owned())
    }

    async fn github(&self, method: &str, path: &str, body: Value) -> Outcome {
        let token = format!("Bearer {}", lock(&self.0).github.token);
        let headers = vec![("authorization".to_owned(), token), ("user-agent".to_owned(), "test".to_owned())];
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        door::answer(&self.0, Asked { method: method.into(), path: path.into(), query: query.into(), headers, body }).await
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
async fn a_good_deploy_completes_in_both_apis() {
    let story = Story::new();
    let (id, arn) = story.deploy("v2").await;
    assert_eq!(story.service().await["deployments"].as_array().unwrap().len(), 2);
    let ended = story.until(&arn, "SUCCESSFUL").await;
    assert_eq!(ended["targetServiceRevision"]["runningTaskCount"], 2);
    let service = story.service().await;
    assert_eq!(service["deployments"].as_array().unwrap().len(), 1);
    assert_eq!(service["deployments"][0]["id"], id);
    assert_eq!(service["deployments"][0]["rolloutState"], "COMPLETED");
    assert_eq!(service["runningCount"], 2);
    assert_eq!(service["currentServiceDeployment"], arn);
    assert!(has_event(&service, &format!("(deployment {id}) deployment completed.")));
    let tasks = story.ecs("ListTasks", json!({"cluster": "prod", "startedBy": id})).await;
    assert_eq!(tasks["taskArns"].as_array().unwrap().len(), 2);
    let ops: Vec<String> = lock(&story.0).ledger.writes().iter().map(|call| call.operation.clone()).collect();
    assert_eq!(ops, ["RegisterTaskDefinition", "UpdateService"]);
}

#[tokio::test]
async fn a_missing_image_trips_the_breaker_and_the_old_revision_serves_again() {
    let story = Story::new();
    let before = story.service().await["deployments"][0]["id"].clone();
    let (id, arn) = story.deploy("nowhere").await;
    let going_back = story.until(&arn, "ROLLBACK_IN_PROGRESS").await;
    assert_eq!(going_back["deploymentCircuitBreaker"], json!({"status": "TRIGGERED", "failureCount": 3, "threshold": 3}));
    let digits = before.as_str().unwrap().trim_start_matches("ecs-svc/").to_owned();
    assert!(going_back["rollback"]["serviceRevisionArn"].as_str().unwrap().ends_with(&digits));
    lock(&story.0).clock = Clock::Wall(Duration::from_secs(60));
    let service = story.service().await;
    assert_eq!(service["deployments"][0]["id"], before);
    assert!(service["deployments"][0]["rolloutStateReason"].as_str().unwrap().contains("rolling back to deploymentId"));
    assert_eq!(service["deployments"][1]["rolloutState"], "FAILED");
    assert!(has_event(&service, "deployment failed: tasks failed to start."));
    lock(&story.0).clock = Clock::Requests;
    let ended = story.until(&arn, "ROLLBACK_SUCCESSFUL").await;
    assert!(ended["statusReason"].as_str().unwrap().starts_with("Service deployment rolled back because the circuit breaker"));
    let service = story.service().await;
    assert_eq!(service["deployments"].as_array().unwrap().len(), 1);
    assert!(service["taskDefinition"].as_str().unwrap().ends_with("web:7"));
    let stopped = story.ecs("ListTasks", json!({"cluster": "prod", "serviceName": "web", "desiredStatus": "STOPPED"})).await;
    let tasks = story.ecs("DescribeTasks", json!({"cluster": "prod", "tasks": stopped["taskArns"]})).await;
    let ours: Vec<&Value> = tasks["tasks"].as_array().unwrap().iter().filter(|task| task["startedBy"] == id).collect();
    assert_eq!(ours.len(), 3);
    assert!(ours[0]["stoppedReason"].as_str().unwrap().starts_with("CannotPullContainerError"));
    assert_eq!(ours[0]["containers"][0].get("exitCode"), None);
}

#[tokio::test]
async fn without_rollback_the_failed_deployment_stays_primary() {
    let trouble = Trouble::exit(1);
    let story = Story::of(World::default().rollout("web", Rollout::CircuitBreaker { failures: 3, rollback: false, trouble }));
    let (id, arn) = story.deploy("v2").await;
    story.until(&arn, "STOPPED").await;
    let service = story.service().await;
    assert_eq!((&service["deployments"][0]["id"], &service["deployments"][0]["rolloutState"]), (&json!(id), &json!("FAILED")));
    assert_eq!(service["deployments"][1]["status"], "ACTIVE");
    assert_eq!(service["deployments"][1]["runningCount"], 2);
}

#[tokio::test]
async fn a_rival_supersedes_ours() {
    let story = Story::of(World::default().rollout("web", Rollout::Superseded { after: 2 }));
    let (id, arn) = story.deploy("v2").await;
    story.until(&arn, "STOPPED").await;
    for _ in 0..5 {
        story.service().await;
    }
    let service = story.service().await;
    assert_ne!(service["deployments"][0]["id"], id);
    assert_eq!(service["deployments"].as_array().unwrap().len(), 1);
    assert_ne!(service["currentServiceDeployment"], arn);
    assert!(service["taskDefinition"].as_str().unwrap().ends_with("web:9"));
}

#[tokio::test]
async fn the_other_endings_show_as_documented() {
    let ending = async |rollout: Rollout, status: &str| {
        let story = Story::of(World::default().rollout("web", rollout));
        let (_, arn) = story.deploy("v2").await;
        let ended = story.until(&arn, status).await;
        (story.service().await, ended)
    };
    let (_, alarm) = ending(Rollout::Alarm { after: 2, rollback: true, name: "5xx".into() }, "ROLLBACK_SUCCESSFUL").await;
    assert_eq!(alarm["alarms"], json!({"status": "TRIGGERED", "alarmNames": ["5xx"], "triggeredAlarmNames": ["5xx"]}));
    let (service, _) = ending(Rollout::RollbackFailed { failures: 2, trouble: Trouble::exit(1) }, "ROLLBACK_FAILED").await;
    assert_eq!(service["runningCount"], 1);
    let (service, _) = ending(Rollout::ManualRollback { after: 1 }, "ROLLBACK_REQUESTED").await;
    assert!(service["taskDefinition"].as_str().unwrap().ends_with("web:7"));
    let (service, drained) = ending(Rollout::Drain { healthy: 2, after: 5 }, "SUCCESSFUL").await;
    assert_eq!((&service["runningCount"], &drained["targetServiceRevision"]["runningTaskCount"]), (&json!(2), &json!(2)));
}

#[tokio::test]
async fn what_never_ends_stays_in_progress() {
    for rollout in [Rollout::Stall { running: 1 }, Rollout::CrashLoop { trouble: Trouble::exit(3) }] {
        let crashes = rollout != Rollout::Stall { running: 1 };
        let story = Story::of(World::default().rollout("web", rollout));
        let (_, arn) = story.deploy("v2").await;
        for _ in 0..12 {
            assert_eq!(story.deployment(&arn).await["status"], "IN_PROGRESS");
        }
        let service = story.service().await;
        assert_eq!(service["deployments"][0]["failedTasks"].as_i64().unwrap() > 10, crashes);
        assert_eq!(has_event(&service, "is unable to consistently start tasks"), crashes);
    }
}

#[tokio::test]
async fn a_deleted_service_drains_and_its_deployments_are_missing() {
    let story = Story::of(World::default().rollout("web", Rollout::Deleted { after: 1 }));
    let (_, arn) = story.deploy("v2").await;
    assert_eq!(story.service().await["status"], "DRAINING");
    assert_eq!(story.service().await["status"], "INACTIVE");
    let gone = story.ecs("DescribeServiceDeployments", json!({"serviceDeploymentArns": [arn]})).await;
    assert_eq!(gone["failures"][0]["reason"], "MISSING");
}

#[tokio::test]
async fn stopping_a_deployment_rolls_it_back_once() {
    let story = Story::of(World::default().rollout("web", Rollout::Stall { running: 0 }));
    let (_, arn) = story.deploy("v2").await;
    let input = json!({"serviceDeploymentArn": arn, "stopType": "ROLLBACK"});
    assert_eq!(story.ecs("StopServiceDeployment", input.clone()).await, json!({"serviceDeploymentArn": arn}));
    story.until(&arn, "ROLLBACK_SUCCESSFUL").await;
    assert_eq!(story.ecs("StopServiceDeployment", input).await["__type"], "ConflictException");
}

#[tokio::test]
async fn the_same_definition_starts_nothing_unless_forced() {
    let story = Story::new();
    let before = story.service().await["deployments"][0]["id"].clone();
    let mut input = json!({"cluster": "prod", "service": "web", "taskDefinition": "web:7"});
    let same = story.ecs("UpdateService", input.clone()).await;
    assert_eq!(same["service"]["deployments"][0]["id"], before);
    input["forceNewDeployment"] = json!(true);
    let forced = story.ecs("UpdateService", input).await;
    assert_ne!(forced["service"]["deployments"][0]["id"], before);
}

#[tokio::test]
async fn desired_zero_completes_at_once_and_autoscaling_moves_the_count() {
    let story = Story::new();
    story.ecs("UpdateService", json!({"cluster": "prod", "service": "web", "desiredCount": 0})).await;
    let (_, arn) = story.deploy("v2").await;
    assert_eq!(story.deployment(&arn).await["status"], "SUCCESSFUL");
    lock(&story.0).change_service("web", |service| service.autoscaling.push((0, 5)));
    let service = story.service().await;
    assert_eq!((&service["desiredCount"], &service["runningCount"]), (&json!(5), &json!(5)));
}

#[tokio::test]
async fn reads_lag_behind_the_update_when_told_to() {
    let mut world = World::default();
    world.change_service("web", |service| service.lag = ecs::Lag { describes: 2, lists: 1, current: 1 });
    let story = Story::of(world);
    let before = story.service().await;
    let forced = json!({"cluster": "prod", "service": "web", "forceNewDeployment": true});
    story.ecs("UpdateService", forced).await;
    let listed = story.ecs("ListServiceDeployments", json!({"cluster": "prod", "service": "web"})).await;
    assert_eq!(listed["serviceDeployments"][0]["serviceDeploymentArn"], before["currentServiceDeployment"]);
    for _ in 0..2 {
        assert_eq!(story.service().await["deployments"][0]["id"], before["deployments"][0]["id"]);
    }
    let after = story.service().await;
    assert_ne!(after["deployments"][0]["id"], before["deployments"][0]["id"]);
    assert_eq!(after["currentServiceDeployment"], before["currentServiceDeployment"]);
    assert_ne!(story.service().await["currentServiceDeployment"], before["currentServiceDeployment"]);
}

#[tokio::test]
async fn a_registered_definition_is_filled_in_and_keeps_what_is_unknown() {
    let story = Story::new();
    let mut definition = lock(&story.0).web_definition("v2");
    definition["brandNewField"] = json!({"a": [1, null, ""]});
    definition["cpu"] = json!("0.25 vCPU");
    definition["tags"] = json!([{"key": "team", "value": "shop"}]);
    let registered = story.ecs("RegisterTaskDefinition", definition).await;
    assert_eq!(registered["tags"], json!([{"key": "team", "value": "shop"}]));
    let stored = &registered["taskDefinition"];
    assert_eq!((&stored["revision"], &stored["status"], &stored["cpu"]), (&json!(8), &json!("ACTIVE"), &json!("256")));
    assert_eq!(stored["brandNewField"], json!({"a": [1, null, ""]}));
    let container = &stored["containerDefinitions"][0];
    assert_eq!(container["portMappings"][0], json!({"containerPort": 8080, "name": "http", "appProtocol": "http", "protocol": "tcp", "hostPort": 8080}));
    assert_eq!((&container["essential"], &container["healthCheck"]["retries"]), (&json!(true), &json!(3)));
    let described = story.ecs("DescribeTaskDefinition", json!({"taskDefinition": "web", "include": ["TAGS"]})).await;
    assert_eq!(described["taskDefinition"], *stored);
    assert_eq!(described["tags"][0]["key"], "team");
    let unknown = story.ecs("DescribeTaskDefinition", json!({"taskDefinition": "nobody"})).await;
    assert_eq!(unknown, json!({"__type": "ClientException", "message": "Unable to describe task definition."}));
}

#[tokio::test]
async fn a_wrong_definition_is_refused_in_ecs_words() {
    let story = Story::new();
    let good = lock(&story.0).web_definition("v2");
    let refused = async |change: fn(&mut Value)| {
        let mut definition = good.clone();
        change(&mut definition);
        story.ecs("RegisterTaskDefinition", definition).await["message"].as_str().unwrap_or("accepted").to_owned()
    };
    assert!(refused(|d| d["memory"] = json!("999")).await.starts_with("No Fargate configuration exists for given values: 256 CPU, 999 memory."));
    assert_eq!(refused(|d| d["containerDefinitions"] = json!([])).await, "Container list cannot be empty.");
    assert!(refused(|d| d["revision"] = json!(7)).await.contains("revision"));
    assert!(refused(|d| d["containerDefinitions"][0]["cpu"] = json!("10")).await.contains("can not be converted"));
    assert!(refused(|d| d["containerDefinitions"][0]["secrets"][0]["name"] = json!("LOG_LEVEL")).await.contains("such as 'LOG_LEVEL'"));
    assert!(refused(|d| d["padding"] = json!("x".repeat(70_000))).await.starts_with("Actual length: '"));
    assert_eq!(lock(&story.0).ledger.writes().len(), 0);
}

#[tokio::test]
async fn what_is_not_there_is_said_as_ecs_says_it() {
    let story = Story::new();
    let missing = story.ecs("DescribeServices", json!({"cluster": "prod", "services": ["api"]})).await;
    assert_eq!(missing["failures"], json!([{"arn": "arn:aws:ecs:eu-central-1:123456789012:service/prod/api", "reason": "MISSING"}]));
    let code = async |operation: &str, input: Value| story.ecs(operation, input).await["__type"].as_str().unwrap().to_owned();
    assert_eq!(code("DescribeServices", json!({"cluster": "dev", "services": ["web"]})).await, "ClusterNotFoundException");
    assert_eq!(code("UpdateService", json!({"cluster": "prod", "service": "api"})).await, "ServiceNotFoundException");
    assert_eq!(code("UpdateService", json!({"cluster": "prod", "service": "web", "taskDefinition": "web:99"})).await, "ClientException");
    lock(&story.0).change_service("web", |service| service.controller = Some("CODE_DEPLOY".into()));
    assert_eq!(code("UpdateService", json!({"cluster": "prod", "service": "web", "taskDefinition": "web:6"})).await, "InvalidParameterException");
    lock(&story.0).change_service("web", |service| service.status = "INACTIVE".into());
    assert_eq!(code("UpdateService", json!({"cluster": "prod", "service": "web"})).await, "ServiceNotActiveException");
    assert_eq!(code("DeleteService", json!({})).await, "UnknownOperationException");
    assert_eq!(lock(&story.0).ledger.unknown(), ["ecs:DeleteService"]);
}

#[tokio::test]
async fn a_new_service_whose_first_deployment_fails_has_nothing_to_go_back_to() {
    let mut service = Service::running("prod", "fresh", 1);
    service.script.push_back(Rollout::CircuitBreaker { failures: 1, rollback: true, trouble: Trouble::exit(1) });
    let story = Story::of(World::default().with_new_service(service, "web:7"));
    let listed = story.ecs("ListServiceDeployments", json!({"cluster": "prod", "service": "fresh"})).await;
    let ended = story.deployment(listed["serviceDeployments"][0]["serviceDeploymentArn"].as_str().unwrap()).await;
    assert_eq!((&ended["status"], &ended["statusReason"]), (&json!("ROLLBACK_FAILED"), &json!("No rollback candidate was found to run the rollback.")));
}

async fn web_token(story: &Story, audience: &str) -> String {
    let headers = vec![("authorization".to_owned(), "bearer sim-request-token".to_owned())];
    let query = format!("api-version=2.0&audience={audience}");
    let (status, answer) = story.ask(Asked { method: "GET".into(), path: "/oidc/token".into(), query, headers, body: Vec::new() }).await;
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
            ("Action", "AssumeRoleWithWebIdentity"), ("Version", "2011-06-15"), ("RoleSessionName", "GitHubActions"),
            ("RoleArn", "arn:aws:iam::123456789012:role/deploy"), ("WebIdentityToken", token.as_str()),
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
        let code = xml.split("<Code>").nth(1).unwrap_or_default().split("</Code>").next().unwrap_or_default().to_owned();
        (status, code)
    };
    assert_eq!(code(assume(&[("WebIdentityToken", "not-a-token")]).await), (400, "InvalidIdentityToken".into()));
    assert_eq!(code(assume(&[("RoleArn", "arn:aws:iam::123456789012:role/other")]).await), (403, "AccessDenied".into()));
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
    let code = async |service: &str| story.aws(target, service, json!({"cluster": "prod", "services": ["web"]})).await.1["__type"].as_str().unwrap_or("fine").to_owned();
    assert_eq!(code("ecs").await, "fine");
    assert_eq!(code("ecr").await, "InvalidSignatureException");
    lock(&story.0).identity.keys[0].expires = Some(1.0);
    assert_eq!(code("ecs").await, "ExpiredTokenException");
    lock(&story.0).identity.keys.clear();
    assert_eq!(code("ecs").await, "UnrecognizedClientException");
    let unsigned = Asked { method: "POST".into(), path: "/".into(), headers: vec![("x-amz-target".into(), target.into())], ..Asked::default() };
    assert_eq!(story.ask(unsigned).await.1["__type"], "MissingAuthenticationTokenException");
}

#[tokio::test]
async fn tricks_are_played_as_often_as_told() {
    let world = World::default().fault("UpdateService", 1, Trick::Throttle).fault("UpdateService", 1, Trick::Status(503)).fault("UpdateService", 1, Trick::Reset);
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
    assert!(story.ecs("RegisterTaskDefinition", definition.clone()).await["message"].as_str().unwrap().contains("perform: ecs:TagResource on resource: arn:aws:ecs:eu-central-1:123456789012:task-definition/web:*"));
    lock(&story.0).allowed.as_mut().unwrap().remove("iam:PassRole");
    definition.as_object_mut().unwrap().remove("tags");
    assert!(story.ecs("RegisterTaskDefinition", definition).await["message"].as_str().unwrap().contains("iam:PassRole"));
    assert!(story.ecs("DescribeServices", json!({"cluster": "prod", "services": ["web"]})).await["message"].as_str().unwrap().contains("service/prod/web"));
}

#[tokio::test]
async fn images_have_digests_and_manifests() {
    let story = Story::new();
    let ask = async |operation: &str, input: Value| story.aws(&format!("AmazonEC2ContainerRegistry_V20150921.{operation}"), "ecr", input).await;
    let index = "application/vnd.oci.image.index.v1+json";
    let input = json!({"repositoryName": "web", "imageIds": [{"imageTag": "v2"}, {"imageTag": "v9"}], "acceptedMediaTypes": [index]});
    let (status, found) = ask("BatchGetImage", input).await;
    assert_eq!((status, &found["failures"][0]["failureCode"]), (200, &json!("ImageNotFound")));
    let image = &found["images"][0];
    assert_eq!(image["imageManifestMediaType"], index);
    let manifest = image["imageManifest"].as_str().unwrap();
    assert_eq!(image["imageId"]["imageDigest"], format!("sha256:{}", signature::sha256(manifest.as_bytes())));
    let plain = ask("BatchGetImage", json!({"repositoryName": "web", "imageIds": [{"imageTag": "v2"}], "acceptedMediaTypes": ["application/vnd.oci.image.manifest.v1+json"]})).await.1;
    assert_ne!(plain["images"][0]["imageId"]["imageDigest"], image["imageId"]["imageDigest"]);
    let described = ask("DescribeImages", json!({"repositoryName": "web", "imageIds": [{"imageTag": "v1"}]})).await.1;
    assert_eq!(described["imageDetails"][0]["imageTags"], json!(["v1"]));
    assert_eq!(ask("DescribeImages", json!({"repositoryName": "web", "imageIds": [{"imageTag": "v9"}]})).await.1["__type"], "ImageNotFoundException");
    assert_eq!(ask("BatchGetImage", json!({"repositoryName": "api", "imageIds": [{"imageTag": "v1"}]})).await.1["__type"], "RepositoryNotFoundException");
}

#[tokio::test]
async fn comments_are_written_edited_paged_and_deleted() {
    let story = Story::new();
    let comments = "/github/repos/octo-org/shop/issues/12/comments";
    for _ in 0..3 {
        assert_eq!(answered(story.github("POST", comments, json!({"body": "hello"})).await).0.status, 201);
    }
    lock(&story.0).github.comment(12, "mine", "octocat", 0.0);
    let (answer, first) = answered(story.github("GET", &format!("{comments}?per_page=3"), Value::Null).await);
    assert_eq!((first.as_array().unwrap().len(), &first[0]["user"]["type"]), (3, &json!("Bot")));
    let link = answer.headers.iter().find(|(name, _)| name == "link").unwrap().1.clone();
    assert!(link.contains("?per_page=3&page=2>; rel=\"next\""), "{link}");
    let (_, second) = answered(story.github("GET", &format!("{comments}?per_page=3&page=2"), Value::Null).await);
    assert_eq!(second[0]["user"]["login"], "octocat");
    let one = |id: &Value| format!("/github/repos/octo-org/shop/issues/comments/{id}");
    let edited = answered(story.github("PATCH", &one(&first[0]["id"]), json!({"body": "new"})).await).1;
    assert_eq!(edited["body"], "new");
    assert_eq!(answered(story.github("PATCH", &one(&second[0]["id"]), json!({"body": "x"})).await).0.status, 403);
    assert_eq!(answered(story.github("DELETE", &one(&first[0]["id"]), Value::Null).await).0.status, 204);
    assert_eq!(answered(story.github("PATCH", &one(&first[0]["id"]), json!({"body": "x"})).await).0.status, 404);
    assert_eq!(answered(story.github("POST", comments, json!({"body": "x".repeat(65_537)})).await).0.status, 422);
    assert_eq!(lock(&story.0).ledger.unknown(), Vec::<String>::new());
}

#[tokio::test]
async fn pull_requests_are_found_by_commit_and_github_can_refuse() {
    let story = Story::new();
    let path = "/api/v3/repos/octo-org/shop/commits/4f1c6f3f4a1b2c3d4e5f60718293a4b5c6d7e8f9/pulls";
    assert_eq!(answered(story.github("GET", path, Value::Null).await).1[0]["number"], 12);
    assert_eq!(answered(story.github("GET", "/github/repos/octo-org/shop/pulls/12", Value::Null).await).1["mergeable_state"], "clean");
    lock(&story.0).faults.push(Fault { operation: "issues/create-comment".into(), skip: 0, times: 1, trick: Trick::NotAccessible });
    let (answer, body) = answered(story.github("POST", "/github/repos/octo-org/shop/issues/12/comments", json!({"body": "x"})).await);
    assert_eq!((answer.status, &body["message"]), (403, &json!("Resource not accessible by integration")));
    story.github("GET", "/github/rate_limit", Value::Null).await;
    assert_eq!(lock(&story.0).ledger.unknown(), ["github:GET /rate_limit"]);
}

/// The signature is computed from AWS's description alone; the SDK, which signs the request here, knows it better.
#[tokio::test]
async fn a_request_signed_by_the_sdk_is_accepted_and_one_with_another_secret_is_not() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let sim = Sim::start(World::default().with_keys("AKIAEXAMPLEEXAMPLE00", "the-right-secret")).await.unwrap();
    let client = |secret: &str| {
        let keys = aws_sdk_ecs::config::Credentials::new("AKIAEXAMPLEEXAMPLE00", secret, None, None, "test");
        let http = aws_smithy_http_client::Builder::new().build_http();
        let config = aws_sdk_ecs::Config::builder().behavior_version_latest().endpoint_url(sim.url()).credentials_provider(keys).http_client(http);
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
    let ask = async || reqwest::Client::new().get(&url).header("authorization", "bearer sim-request-token").send().await;
    assert!(ask().await.is_err());
    let answer = ask().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.headers().contains_key("date"));
    assert_eq!(sim.calls().iter().map(|call| call.status).collect::<Vec<_>>(), [0, 200]);
    let line: Value = serde_json::from_str(&sim.calls()[1].traffic(&sim.secrets())).unwrap();
    assert!(line["response"].as_str().unwrap().contains("\"value\":\"REDACTED\""));
}

#[tokio::test(start_paused = true)]
async fn by_the_wall_clock_a_rollout_moves_without_being_read() {
    let story = Story::of(World::default().clock(Clock::Wall(Duration::from_millis(400))));
    let (_, arn) = story.deploy("v2").await;
    assert_eq!(story.deployment(&arn).await["status"], "IN_PROGRESS");
    tokio::time::sleep(Duration::from_millis(1300)).await;
    assert_eq!(story.deployment(&arn).await["status"], "SUCCESSFUL");
}
