//! Checks of what a task definition names outside ECS: secrets, parameters, log groups and roles.

use ecs_deploy::sim::{Rollout, Trick, Trouble, World, roles};
use serde_json::{Value, json};

use crate::harness::{Ended, IMAGE_V2, Scenario};

const REGION: &str = "eu-central-1";
const MISPLACED: &str = "hunter2!hunter2!";
const DATABASE: &str = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop/database-AbCdEf";

async fn deploying(world: World) -> Scenario {
    Scenario::of(world.rollout("web", Rollout::Succeed { after: 1 })).await.input("image", IMAGE_V2)
}

/// The usual world, where nothing that the definition names is there.
fn without(take: impl FnOnce(&mut World)) -> World {
    let mut world = World::default();
    take(&mut world);
    world
}

/// What one check said.
fn said(ended: &Ended, check: &str) -> Value {
    let checks = ended.report["checks"].as_array().unwrap_or_else(|| panic!("no checks: {}", ended.told()));
    checks.iter().find(|one| one["check"] == check).unwrap_or_else(|| panic!("no {check}: {checks:?}")).clone()
}

/// The codes of a check's findings, and what it skipped.
fn told(ended: &Ended, check: &str) -> (Vec<String>, Vec<String>) {
    let said = said(ended, check);
    let texts = |list: &Value, key: Option<&str>| -> Vec<String> {
        let text = |one: &Value| key.map_or(one, |key| &one[key]).as_str().unwrap().to_owned();
        list.as_array().unwrap().iter().map(text).collect()
    };
    (texts(&said["findings"], Some("code")), texts(&said["skipped"], None))
}

fn nothing() -> (Vec<String>, Vec<String>) {
    (Vec::new(), Vec::new())
}

#[tokio::test]
async fn what_exists_passes_with_one_call_for_each_thing() {
    let ended = deploying(World::default()).await.run().await;
    ended.is(0, "succeeded", "");
    for check in ["secrets-exist", "log-groups", "roles"] {
        assert_eq!(told(&ended, check), nothing(), "{check}");
    }
    for (operation, calls) in [
        ("DescribeSecret", 1),
        ("DescribeParameters", 0),
        ("DescribeLogGroups", 1),
        ("GetRole", 2),
        ("SimulatePrincipalPolicy", 1),
    ] {
        assert_eq!(ended.requests(operation).len(), calls, "{operation}");
    }
    let values = ["GetSecretValue", "BatchGetSecretValue", "GetParameters", "GetParameter"];
    assert!(ended.calls.iter().all(|call| !values.contains(&call.operation.as_str())), "{}", ended.told());
}

#[tokio::test]
async fn a_secret_that_does_not_exist_blocks_before_the_first_write() {
    let world = without(|world| world.secrets.secrets.clear());
    let definition = world.web_definition("v2").to_string();
    let scenario = deploying(world.with_secret(&DATABASE.replace("database", "other"))).await;
    let scenario =
        scenario.file("task.json", &format!("{{\n{}", &definition[1..])).input("task-definition", "task.json");
    let ended = scenario.run().await;
    ended.is(3, "blocked", "secret-not-found");
    assert_eq!(ended.writes, [""; 0]);
    let finding = &said(&ended, "secrets-exist")["findings"][0];
    assert_eq!(finding["pointer"], "/containerDefinitions/0/secrets/0/valueFrom");
    assert_eq!((&finding["place"]["file"], &finding["place"]["line"]), (&json!("task.json"), &json!(2)));
    assert!(ended.stdout.contains("::error"), "{}", ended.told());
}

#[tokio::test]
async fn every_secret_that_cannot_be_read_is_told_at_once() {
    let mut world = World::default().with_parameter("us-east-1", "/shop/there").with_parameter(REGION, "plain");
    world.secrets.secrets[0].deleted = Some(world.now() + 86_400.0);
    let ssm = |region: &str, name: &str| format!("arn:aws:ssm:{region}:123456789012:parameter/{name}");
    let secrets = format!(
        "DATABASE_URL={DATABASE}:url::\nA={}\nB={}\nC={}\nD=plain\nE=absent\nF={DATABASE}:url",
        ssm("us-east-1", "shop/there"),
        ssm("us-east-1", "shop/absent"),
        ssm(REGION, "plain"),
    );
    let ended = deploying(world).await.input("secrets", &secrets).run().await;
    ended.is(3, "blocked", "secret-being-deleted");
    let (mut codes, skipped) = told(&ended, "secrets-exist");
    codes.sort_unstable();
    let expected = ["parameter-not-found", "parameter-not-found", "secret-being-deleted", "secret-reference-invalid"];
    assert_eq!((codes, skipped), (expected.map(str::to_owned).to_vec(), Vec::new()), "{}", ended.told());
    assert_eq!((ended.requests("DescribeParameters").len(), ended.requests("DescribeSecret").len()), (2, 1));
    assert_eq!(ended.writes, [""; 0]);
}

#[tokio::test]
async fn a_secret_put_where_its_name_belongs_is_shown_nowhere_and_registered_nowhere() {
    let planning = deploying(World::default().secret(MISPLACED)).await.input("mode", "plan").on_pull_request();
    let ended = planning.input("secrets", &format!("DB_PASSWORD={MISPLACED}")).run().await;
    ended.is(3, "blocked", "secret-reference-invalid");
    for text in [&ended.stdout, &ended.summary, &ended.comments[0], &ended.report.to_string()] {
        assert!(text.contains("gets `DB_PASSWORD` from `***`"), "{text}");
    }
    let changes = ended.report["changes"].as_array().unwrap();
    let change = changes.iter().find(|change| change["path"] == "container web › secret DB_PASSWORD").unwrap();
    assert_eq!((&change["from"], &change["to"]), (&Value::Null, &json!("***")));
    let login =
        format!("containerDefinitions: {{web: {{repositoryCredentials: {{credentialsParameter: 'me:{MISPLACED}'}}}}}}");
    let ended =
        deploying(World::default().secret(MISPLACED)).await.input("patch", &login).on_pull_request().run().await;
    ended.is(3, "blocked", "secret-reference-invalid");
    assert_eq!(ended.writes, [""; 0]);
}

#[tokio::test]
async fn what_aws_says_of_a_misplaced_secret_is_told_without_it() {
    let reason = format!(
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable \
         to retrieve secrets from ssm: service call has been retried 1 time(s): invalid ssm parameters: {MISPLACED}"
    );
    let event = Some(format!("was unable to start a task: invalid ssm parameters: {MISPLACED}."));
    let trouble = Trouble { event, ..Trouble::never_started(&reason) };
    let rollout = Rollout::CircuitBreaker { failures: 2, rollback: true, trouble };
    let unchecked = |world: World| async {
        let scenario = Scenario::of(world.secret(MISPLACED)).await.input("image", IMAGE_V2).on_pull_request();
        scenario.input("checks", "secrets-exist=off").input("secrets", &format!("DB_PASSWORD={MISPLACED}")).run().await
    };
    let ended = unchecked(World::default().rollout("web", rollout)).await;
    ended.is(4, "rolled-back", "parameter-not-found");
    for text in [&ended.stdout, &ended.summary] {
        assert!(text.contains("invalid ssm parameters: ***"), "{text}");
    }
    let registered = ended.requests("RegisterTaskDefinition")[0].to_string();
    assert!(registered.contains(MISPLACED), "what is registered stays whole: {registered}");
    let refused = Trick::Error(400, "ClientException".into(), format!("Invalid name {MISPLACED}."));
    let ended = unchecked(World::default().fault("RegisterTaskDefinition", 1, refused)).await;
    assert!(ended.stdout.contains("Invalid name ***."), "{}", ended.told());
}

#[tokio::test]
async fn more_parameters_than_one_request_takes_are_all_looked_up() {
    let names: Vec<String> = (0..60).map(|n| format!("p{n:02}")).collect();
    let world = names.iter().fold(World::default(), |world, name| world.with_parameter(REGION, name));
    let secrets: Vec<String> = names.iter().map(|name| format!("{}={name}", name.to_uppercase())).collect();
    let ended = deploying(world).await.input("secrets", &secrets.join("\n")).run().await;
    ended.is(0, "succeeded", "");
    assert_eq!(told(&ended, "secrets-exist"), nothing());
    assert_eq!(ended.requests("DescribeParameters").len(), 2);
}

#[tokio::test]
async fn what_may_not_be_read_is_skipped_with_the_missing_action() {
    let world = World::default().with_parameter(REGION, "plain");
    let operations =
        ["DescribeSecret", "DescribeParameters", "DescribeLogGroups", "GetRole", "SimulatePrincipalPolicy"];
    let world = operations.iter().fold(world, |world, operation| world.denied(operation));
    let ended = deploying(world).await.input("secrets", "TOKEN=plain").run().await;
    ended.is(0, "succeeded", "");
    for (check, actions) in [
        ("secrets-exist", ["`secretsmanager:DescribeSecret`", "`ssm:DescribeParameters`"].as_slice()),
        ("log-groups", &["`logs:DescribeLogGroups`"]),
        ("roles", &["`iam:GetRole`", "`iam:SimulatePrincipalPolicy`"]),
    ] {
        let (codes, skipped) = told(&ended, check);
        assert_eq!(codes, [""; 0], "{check}");
        assert_eq!(skipped.len(), actions.len(), "{skipped:?}");
        for (action, skipped) in actions.iter().zip(&skipped) {
            assert!(skipped.contains(action), "{skipped}");
        }
    }
}

#[tokio::test]
async fn a_service_that_is_out_of_order_keeps_no_deploy_from_its_way() {
    let world = ["DescribeSecret", "DescribeLogGroups", "GetRole"]
        .into_iter()
        .fold(World::default(), |world, operation| world.fault(operation, u32::MAX, Trick::Throttle));
    let ended = deploying(world).await.run().await;
    ended.is(0, "succeeded", "");
    for check in ["secrets-exist", "log-groups", "roles"] {
        let (codes, skipped) = told(&ended, check);
        assert_eq!((codes.len(), skipped.len()), (0, 1), "{check}: {skipped:?}");
        assert!(skipped[0].contains("Rate exceeded"), "{skipped:?}");
    }
}

#[tokio::test]
async fn a_log_group_that_does_not_exist_warns_unless_the_driver_creates_it() {
    let world = || without(|world| world.logs.groups.clear()).with_log_group(REGION, "/ecs/web-2");
    let ended = deploying(world()).await.run().await;
    ended.is(0, "succeeded", "");
    assert_eq!(told(&ended, "log-groups").0, ["log-group-missing"]);
    let blocked = deploying(world()).await.input("checks", "log-groups=block").run().await;
    blocked.is(3, "blocked", "log-group-missing");
    assert_eq!(blocked.writes, [""; 0]);
    let created = deploying(world()).await.input("log-configuration-log-driver", "awslogs");
    let created = created.input("log-configuration-options", "awslogs-create-group=true").run().await;
    assert_eq!(told(&created, "log-groups"), nothing());
    assert_eq!(created.requests("DescribeLogGroups").len(), 0);
}

#[tokio::test]
async fn a_role_that_is_gone_or_trusts_another_service_warns() {
    let world = without(|world| {
        world.roles.roles.retain(|role| !role.arn.ends_with("web-task"));
        world.add_role("web-execution", roles::trusting("ec2.amazonaws.com"));
    });
    let ended = deploying(world).await.run().await;
    ended.is(0, "succeeded", "");
    assert_eq!(told(&ended, "roles").0, ["role-not-assumable", "role-not-found"]);
}

#[tokio::test]
async fn a_role_that_may_not_be_passed_is_told_and_never_blocks() {
    let world = without(|world| {
        world.roles.not_passable.insert("arn:aws:iam::123456789012:role/web-task".into());
    });
    let ended = deploying(world).await.input("checks", "roles=block").run().await;
    ended.is(0, "succeeded", "");
    assert_eq!(told(&ended, "roles"), (vec!["access-denied".to_owned()], Vec::new()));
}

#[tokio::test]
async fn a_role_of_which_it_is_not_known_whether_it_may_be_passed_is_skipped() {
    let world = without(|world| world.roles.conditions.push("aws:PrincipalTag/team".into()));
    let ended = deploying(world).await.input("task-role-arn", "web-task").run().await;
    ended.is(0, "succeeded", "");
    let (codes, skipped) = told(&ended, "roles");
    assert_eq!((codes.len(), skipped.len()), (0, 2), "{skipped:?}");
    assert!(skipped[0].contains("`aws:PrincipalTag/team`"), "{skipped:?}");
    assert!(skipped[1].contains("`web-task`") && skipped[1].contains("its name alone"), "{skipped:?}");
    // Nothing is registered, so no role is passed on.
    let world = without(|world| world.roles.conditions.push("aws:PrincipalTag/team".into()));
    let ended = Scenario::of(world).await.input("force-new-deployment", "true").run().await;
    assert_eq!(told(&ended, "roles"), nothing());
}

#[tokio::test]
async fn a_line_that_a_patch_moved_is_annotated_where_it_stands() {
    let world = without(|world| world.secrets.secrets.clear());
    let mut definition = world.web_definition("v2");
    let log = json!({"name": "log", "image": IMAGE_V2, "essential": false,
        "secrets": [{"name": "OTHER", "valueFrom": "/there"}]});
    definition["containerDefinitions"].as_array_mut().unwrap().insert(0, log);
    let text = serde_json::to_string_pretty(&definition).unwrap();
    let line = text.lines().position(|line| line.contains("\"valueFrom\"") && line.contains("database")).unwrap() + 1;
    let scenario = Scenario::of(world).await.file("task.json", &text).input("task-definition", "task.json");
    let ended = scenario.input("patch", "containerDefinitions: {log: null}").run().await;
    ended.is(3, "blocked", "secret-not-found");
    assert!(ended.stdout.contains(&format!("file=task.json,line={line},")), "{line}: {}", ended.told());
}

#[tokio::test]
async fn an_execution_role_that_is_missing_is_told_before_ecs_refuses_the_definition() {
    let patch = "executionRoleArn: null\ncontainerDefinitions:\n  web:\n    logConfiguration: null\n";
    let scenario = deploying(World::default()).await.input("patch", patch).input("checks", "roles=block");
    let ended = scenario.run().await;
    ended.is(3, "blocked", "execution-role-missing");
    assert_eq!(ended.writes, [""; 0]);
}
