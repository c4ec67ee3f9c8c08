//! Services that CodeDeploy moves.

use ecs_deploy::sim::codedeploy::Course;
use ecs_deploy::sim::{Trick, Trouble, World};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::harness::{APPSPEC, Ended, IMAGE_V2, Scenario};

const BOTH: [&str; 2] = ["RegisterTaskDefinition", "CreateDeployment"];
const NOTHING: [&str; 0] = [];

/// A step that deploys the image `v2` to the service `web`, which CodeDeploy moves.
async fn in_world(world: World) -> Scenario {
    Scenario::of(world).await.input("image", IMAGE_V2).file("appspec.yaml", APPSPEC)
}

async fn deploying(course: Course) -> Scenario {
    in_world(World::default().with_code_deploy(course)).await
}

fn hook_fails(event: &str) -> Course {
    Course::HookFails { event: event.into(), and_back: false }
}

/// What CodeDeploy was sent in the only CreateDeployment of the run.
#[track_caller]
fn sent(ended: &Ended) -> Value {
    let requests = ended.requests("CreateDeployment");
    assert_eq!(requests.len(), 1, "{}", ended.told());
    requests[0].clone()
}

#[track_caller]
fn serves(ended: &Ended, revision: &str) {
    let live = ended.output("live-task-definition-arn");
    assert!(live.ends_with(&format!("/{revision}")), "{live}: {}", ended.told());
}

#[tokio::test]
async fn a_good_image_is_deployed_and_its_own_task_set_is_the_proof() {
    let scenario = deploying(Course::Succeeds).await;
    let ended = scenario.run().await;
    ended.is(0, "succeeded", "");
    assert_eq!(ended.writes, BOTH);
    serves(&ended, "web:8");
    let sent = sent(&ended);
    let content = sent["revision"]["appSpecContent"]["content"].as_str().unwrap();
    let digest =
        Sha256::digest(content.as_bytes()).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    let expected = json!({
        "applicationName": "AppECS-prod-web", "deploymentGroupName": "DgpECS-prod-web",
        "revision": {"revisionType": "AppSpecContent", "appSpecContent": {"content": content, "sha256": digest}}});
    assert_eq!(sent, expected, "only what was asked for");
    let appspec: Value = serde_json::from_str(content).unwrap();
    let properties = &appspec["Resources"][0]["TargetService"]["Properties"];
    assert_eq!(properties["TaskDefinition"], ended.output("task-definition-arn"));
    assert_eq!(properties["LoadBalancerInfo"]["ContainerPort"], 8080);
    assert_eq!(appspec["Hooks"][0]["BeforeAllowTraffic"], "validate-web");
    let id = ended.output("codedeploy-deployment-id");
    assert!(id.starts_with("d-"), "{id}");
    assert!(ended.output("deployment-id").starts_with("ecs-svc/"), "{}", ended.told());
    assert!(
        ended.output("console-url").contains(&format!("/codesuite/codedeploy/deployments/{id}?")),
        "{}",
        ended.told()
    );
    assert!(ended.summary.contains(id), "{}", ended.summary);
    assert!(ended.stdout.contains("green 50 % of traffic"), "{}", ended.told());
    let again = scenario.run().await;
    again.is(0, "unchanged", "");
    assert_eq!(again.writes, NOTHING);
}

#[tokio::test]
async fn names_description_and_configuration_travel() {
    let mut world = World::default().with_code_deploy(Course::Succeeds);
    let group = &mut world.code_deploy.groups[0];
    (group.application, group.name) = ("shop".into(), "shop-web".into());
    let json = r#"{"resources": [{"web": {"type": "AWS::ECS::Service", "properties": {"taskDefinition": ""}}}]}"#;
    let scenario = in_world(world).await.file("deploy/appspec.json", json);
    let path = scenario.workspace().join("deploy/appspec.json").display().to_string();
    let ended = scenario
        .input("codedeploy-appspec", &path)
        .input("codedeploy-application", "shop")
        .input("codedeploy-deployment-group", "shop-web")
        .input("codedeploy-deployment-description", &"x".repeat(600))
        .input("codedeploy-deployment-config", "CodeDeployDefault.ECSCanary10Percent5Minutes")
        .run()
        .await;
    ended.is(0, "succeeded", "");
    let sent = sent(&ended);
    assert_eq!(sent["description"].as_str().unwrap(), format!("{}…", "x".repeat(511)));
    assert_eq!(sent["deploymentConfigName"], "CodeDeployDefault.ECSCanary10Percent5Minutes");
    let content = sent["revision"]["appSpecContent"]["content"].as_str().unwrap();
    let arn = ended.output("task-definition-arn");
    let expected = format!(
        r#"{{"resources":[{{"web":{{"type":"AWS::ECS::Service","properties":{{"taskDefinition":"{arn}"}}}}}}]}}"#
    );
    assert_eq!(content, expected);
}

#[tokio::test]
async fn a_failed_hook_is_rolled_back_only_when_the_old_task_set_serves() {
    for event in ["BeforeInstall", "BeforeAllowTraffic", "AfterAllowTraffic"] {
        let ended = deploying(hook_fails(event)).await.run().await;
        ended.is(4, "rolled-back", "hook-failed");
        assert_eq!(ended.writes, BOTH);
        serves(&ended, "web:7");
        assert!(ended.stdout.contains(&format!("hook {event} failed")), "{event}: {}", ended.told());
    }
}

#[tokio::test]
async fn a_group_that_does_not_go_back_is_told_to_unless_that_is_not_wanted() {
    let world = || {
        let mut world = World::default().with_code_deploy(hook_fails("AfterAllowTraffic"));
        world.code_deploy.groups[0].rolls_back_on.clear();
        world
    };
    let ended = in_world(world()).await.run().await;
    ended.is(4, "rolled-back", "hook-failed");
    serves(&ended, "web:7");
    assert_eq!(sent(&ended)["autoRollbackConfiguration"], json!({"enabled": true, "events": ["DEPLOYMENT_FAILURE"]}));
    assert!(ended.stdout.contains("does not go back"), "{}", ended.told());
    let ended = in_world(world()).await.input("on-failure", "none").run().await;
    ended.is(5, "failed", "hook-failed");
    serves(&ended, "web:8");
    assert_eq!(sent(&ended).get("autoRollbackConfiguration"), None);
}

#[tokio::test]
async fn a_way_back_that_fails_is_said_loudest() {
    let ended = deploying(Course::HookFails { event: "AfterAllowTraffic".into(), and_back: true }).await.run().await;
    ended.is(5, "rollback-failed", "hook-failed");
    serves(&ended, "web:8");
}

#[tokio::test]
async fn an_alarm_that_stops_it_is_named() {
    let ended = deploying(Course::Alarm { name: "web-5xx".into() }).await.run().await;
    ended.is(4, "rolled-back", "alarm-triggered");
    serves(&ended, "web:7");
    assert!(ended.stdout.contains("web-5xx"), "{}", ended.told());
}

#[tokio::test]
async fn tasks_that_never_come_up_are_looked_at_for_the_cause() {
    let trouble = Trouble::image_not_found(IMAGE_V2);
    let ended = deploying(Course::NeverSteady { trouble, after: 6 }).await.run().await;
    ended.is(4, "rolled-back", "image-not-found");
    serves(&ended, "web:7");
}

#[tokio::test]
async fn settings_that_ecs_takes_go_by_an_update_without_the_revision() {
    let scenario = deploying(Course::Succeeds).await.input("desired-count", "3");
    let ended = scenario.run().await;
    ended.is(0, "succeeded", "");
    assert_eq!(ended.writes, ["RegisterTaskDefinition", "UpdateService", "CreateDeployment"]);
    let update = ended.requests("UpdateService")[0];
    assert_eq!(*update, json!({"cluster": "prod", "service": "web", "desiredCount": 3}));
    let ended = scenario.input("desired-count", "4").run().await;
    ended.is(0, "succeeded", "");
    assert_eq!(ended.writes, ["UpdateService"], "nothing is deployed for it");
    let volume = r#"{"roleArn": "arn:aws:iam::123456789012:role/ebs"}"#;
    let refused = deploying(Course::Succeeds)
        .await
        .input("service-managed-ebs-volume-name", "data")
        .input("service-managed-ebs-volume", volume)
        .input("deployment-configuration", "{\"bakeTimeInMinutes\": 5}")
        .run()
        .await;
    refused.is(2, "invalid", "input-conflict");
    assert_eq!(refused.writes, NOTHING);
}

#[tokio::test]
async fn a_forced_deployment_of_the_same_revision_is_one_of_codedeploy() {
    let scenario = Scenario::of(World::default().with_code_deploy(Course::Succeeds)).await;
    let ended = scenario.file("appspec.yaml", APPSPEC).input("force-new-deployment", "true").run().await;
    ended.is(0, "succeeded", "");
    assert_eq!(ended.writes, ["CreateDeployment"]);
    serves(&ended, "web:7");
}

/// A step that deploys `nginx:1` while a deployment of `v2` goes as told; and that one's id.
async fn beside(world: World, on_concurrent: &str) -> (Scenario, String) {
    let first = in_world(world).await.input("wait-for-service-stability", "false");
    let ended = first.run().await;
    ended.is(0, "started", "");
    assert_eq!(ended.writes, BOTH);
    let id = ended.output("codedeploy-deployment-id").to_owned();
    // Its task set is made at the second look at it.
    let plan = first.input("mode", "plan");
    for _ in 0..2 {
        plan.run().await.is(0, "planned", "");
    }
    let scenario = plan.input("mode", "deploy").input("wait-for-service-stability", "true").input("image", "nginx:1");
    (scenario.input("on-concurrent", on_concurrent), id)
}

fn stalls() -> World {
    World::default().with_code_deploy(Course::Stalls)
}

#[tokio::test]
async fn another_deployment_ends_the_run_before_the_first_write_where_that_is_asked() {
    let (scenario, id) = beside(stalls(), "fail").await;
    let ended = scenario.run().await;
    ended.is(3, "blocked", "deployment-in-progress");
    assert_eq!(ended.writes, NOTHING);
    assert!(ended.stdout.contains(&id) && ended.stdout.contains("web:8"), "{}", ended.told());
}

#[tokio::test]
async fn another_deployment_is_stopped_and_gone_back_from_before_ours_takes_its_place() {
    let (scenario, id) = beside(stalls(), "replace").await;
    let ended = scenario.run().await;
    ended.is(0, "succeeded", "");
    assert_eq!(ended.writes, ["RegisterTaskDefinition", "StopDeployment", "CreateDeployment"]);
    let stop = ended.requests("StopDeployment")[0];
    assert_eq!(*stop, json!({"deploymentId": id, "autoRollbackEnabled": true}));
    assert!(
        ended.stdout.contains(&format!("Another deployment of `web` ({id} to web:8, InProgress, since ")),
        "{}",
        ended.told()
    );
    assert!(ended.stdout.contains("and its way back d-"), "{}", ended.told());
    serves(&ended, "web:9");
}

#[tokio::test]
async fn another_deployment_that_cannot_be_stopped_leaves_nothing_begun() {
    let (scenario, id) = beside(stalls().fault("StopDeployment", u32::MAX, Trick::Denied), "replace").await;
    let ended = scenario.run().await;
    ended.is(7, "denied", "access-denied");
    assert_eq!(ended.writes, ["RegisterTaskDefinition"]);
    assert!(ended.stdout.contains(&format!("{id} could not be stopped")), "{}", ended.told());
}

#[tokio::test]
async fn what_serves_already_and_a_way_back_are_never_stopped_for_ours() {
    let (scenario, id) = beside(World::default().with_code_deploy(Course::Keeps), "wait").await;
    let plan = scenario.input("mode", "plan");
    for _ in 0..12 {
        plan.run().await.is(0, "planned", "");
    }
    let scenario = plan.input("mode", "deploy").input("on-concurrent", "replace");
    let ended = scenario.run().await;
    ended.is(3, "blocked", "deployment-in-progress");
    assert_eq!(ended.writes, NOTHING);
    assert!(ended.stdout.contains(&id) && ended.stdout.contains("it serves production already"), "{}", ended.told());
    scenario.sim.with(|world| world.code_deploy.deployments[0].creator = "codeDeployRollback".into());
    let ended = scenario.run().await;
    ended.is(3, "blocked", "deployment-in-progress");
    assert!(ended.stdout.contains("it goes back from a failed deployment"), "{}", ended.told());
}

#[tokio::test]
async fn another_deployment_is_let_end_before_the_first_write_where_that_is_asked() {
    for (course, before) in [(Course::Succeeds, "web:8"), (hook_fails("AfterAllowTraffic"), "web:7")] {
        let (scenario, id) = beside(World::default().with_code_deploy(course), "wait").await;
        let ended = scenario.run().await;
        ended.is(0, "succeeded", "");
        assert_eq!(ended.writes, BOTH);
        assert!(ended.stdout.contains(&id), "{}", ended.told());
        assert!(ended.output("previous-task-definition-arn").ends_with(before), "{}", ended.told());
        serves(&ended, "web:9");
    }
}

#[tokio::test]
async fn a_deployment_of_the_very_revision_is_followed_and_not_begun_again() {
    let (scenario, id) = beside(World::default().with_code_deploy(Course::Succeeds), "replace").await;
    let ended = scenario.input("image", IMAGE_V2).run().await;
    ended.is(0, "unchanged", "");
    assert_eq!(ended.writes, NOTHING);
    assert_eq!(ended.output("codedeploy-deployment-id"), id);
    serves(&ended, "web:8");
    let (scenario, _) = beside(stalls(), "replace").await;
    let ended = scenario.input("image", IMAGE_V2).input("wait-for-service-stability", "false").run().await;
    ended.is(0, "started", "");
    assert_eq!(ended.writes, NOTHING);
}

#[tokio::test]
async fn a_rollback_goes_to_the_revision_that_is_named_and_to_no_guess() {
    let scenario = deploying(Course::Succeeds).await;
    let first = scenario.run().await;
    first.is(0, "succeeded", "");
    let scenario = scenario.input("image", "").input("mode", "rollback");
    let ended = scenario.run().await;
    ended.is(2, "invalid", "nothing-to-roll-back-to");
    assert_eq!(ended.writes, NOTHING);
    assert!(ended.stdout.contains("`task-definition-arn`"), "{}", ended.told());
    let ended = scenario.input("task-definition-arn", first.output("previous-task-definition-arn")).run().await;
    ended.is(0, "succeeded", "");
    assert_eq!(ended.writes, ["CreateDeployment"]);
    serves(&ended, "web:7");
}

#[tokio::test]
async fn a_group_that_gets_busy_meanwhile_is_told() {
    let message = "The Deployment Group 'DgpECS-prod-web' already has an active Deployment 'd-OTHER'";
    let trick = Trick::Error(400, "DeploymentLimitExceededException".into(), message.into());
    let world = World::default().with_code_deploy(Course::Succeeds).fault("CreateDeployment", u32::MAX, trick);
    let ended = in_world(world).await.run().await;
    ended.is(5, "failed", "deployment-in-progress");
    assert_eq!(ended.writes, ["RegisterTaskDefinition"]);
    assert!(ended.stdout.contains("d-OTHER"), "{}", ended.told());
}

#[tokio::test]
async fn an_appspec_that_codedeploy_would_refuse_is_told_before_any_write() {
    for (appspec, code, told) in [
        ("hello: world", "appspec-invalid", "`Resources`"),
        (&APPSPEC.replace("ContainerName: web", "ContainerName: wbe") as &str, "appspec-invalid", "`wbe`"),
        ("a: b: c", "document-unparsable", "line 1"),
    ] {
        let ended = deploying(Course::Succeeds).await.file("appspec.yaml", appspec).run().await;
        ended.is(2, "invalid", code);
        assert_eq!(ended.writes, NOTHING);
        assert!(ended.stdout.contains(told), "{}", ended.told());
    }
    let ended = deploying(Course::Succeeds).await.input("codedeploy-appspec", "apspec.yaml").run().await;
    ended.is(2, "invalid", "file-unreadable");
    assert!(ended.stdout.contains("Did you mean `appspec.yaml`?"), "{}", ended.told());
}

#[tokio::test]
async fn a_group_that_is_not_there_or_not_ours_is_told_before_any_write() {
    for (input, code) in [
        ("codedeploy-application", "deployment-group-not-found"),
        ("codedeploy-deployment-group", "deployment-group-not-found"),
    ] {
        let ended = deploying(Course::Succeeds).await.input(input, "shop").run().await;
        ended.is(2, "invalid", code);
        assert_eq!(ended.writes, NOTHING);
        assert!(ended.stdout.contains(input), "{}", ended.told());
    }
    let mut world = World::default().with_code_deploy(Course::Succeeds);
    world.code_deploy.groups[0].service = "api".into();
    let ended = in_world(world).await.run().await;
    ended.is(2, "invalid", "deployment-group-mismatch");
    assert_eq!(ended.writes, NOTHING);
    assert!(ended.stdout.contains("`api`"), "{}", ended.told());
}

#[tokio::test]
async fn a_plan_shows_the_deployment_and_writes_nothing() {
    let ended = deploying(Course::Succeeds).await.input("mode", "plan").run().await;
    ended.is(0, "planned", "");
    assert_eq!(ended.writes, NOTHING);
    assert!(
        ended.stdout.contains("have CodeDeploy deploy it to `web` by the group `DgpECS-prod-web` of `AppECS-prod-web`"),
        "{}",
        ended.told()
    );
}

#[tokio::test]
async fn a_lost_answer_begins_no_second_deployment() {
    let world = World::default().with_code_deploy(Course::Succeeds).fault("CreateDeployment", 1, Trick::LostAnswer);
    let ended = in_world(world).await.run().await;
    ended.is(0, "succeeded", "");
    assert_eq!(ended.writes, BOTH);
    assert_eq!(ended.requests("CreateDeployment").len(), 1, "{}", ended.told());
}

#[track_caller]
fn is_cancelled(ended: &Ended, told: &str) {
    ended.is(130, "cancelled", "cancelled");
    assert!(ended.took < std::time::Duration::from_secs(5), "{:?}", ended.took);
    assert_eq!(ended.output("changed"), "true");
    assert!(ended.stdout.contains(told), "{}", ended.told());
}

#[tokio::test]
async fn a_cancelled_run_says_which_deployment_goes_on() {
    let scenario = deploying(Course::Stalls).await;
    let ended = scenario.run_and_signal("BatchGetDeploymentTargets", "TERM").await;
    let id = ended.output("codedeploy-deployment-id");
    is_cancelled(&ended, &format!("CodeDeploy was deploying web:8 to `web` ({id}, "));
    assert!(id.starts_with("d-"), "{}", ended.told());
    assert!(ended.output("message").contains("CodeDeploy goes on"), "{}", ended.told());
    assert_eq!(ended.writes, BOTH);
}

#[tokio::test]
async fn on_cancel_rollback_has_codedeploy_go_back_from_what_is_ours() {
    let scenario = deploying(Course::Stalls).await.input("on-cancel", "rollback");
    let ended = scenario.run_and_signal("BatchGetDeploymentTargets", "INT").await;
    is_cancelled(&ended, "The way back was asked for (`codedeploy:StopDeployment`, `on-cancel: rollback`)");
    assert_eq!(ended.writes, ["RegisterTaskDefinition", "CreateDeployment", "StopDeployment"]);
    assert!(ended.output("message").contains("the way back was asked for, and not awaited"), "{}", ended.told());
    // What somebody else began is merely followed.
    let (scenario, _) = beside(stalls(), "replace").await;
    let scenario = scenario.input("image", IMAGE_V2).input("on-cancel", "rollback");
    let ended = scenario.run_and_signal("BatchGetDeploymentTargets", "INT").await;
    ended.is(130, "cancelled", "cancelled");
    assert_eq!((ended.writes.as_slice(), ended.output("changed")), (&[] as &[String], "false"));
}

#[tokio::test]
async fn a_deployment_whose_answer_is_not_in_is_looked_for_when_the_run_is_cancelled() {
    let lost = World::default().with_code_deploy(Course::Stalls).fault("CreateDeployment", 1, Trick::LostAnswer);
    let scenario = in_world(lost).await.input("on-cancel", "rollback");
    let ended = scenario.run_and_signal_after("CreateDeployment", 1, &["INT"]).await;
    is_cancelled(&ended, "CodeDeploy was deploying web:8 to `web` (d-");
    assert_eq!(ended.writes, ["RegisterTaskDefinition", "CreateDeployment", "StopDeployment"]);
    let long = Trick::Delay(std::time::Duration::from_secs(20));
    let slow = World::default().with_code_deploy(Course::Stalls).fault("CreateDeployment", 1, long);
    let ended = in_world(slow).await.run_and_signal_after("RegisterTaskDefinition", 1, &["INT"]).await;
    is_cancelled(&ended, "Whether a deployment of `web` was begun is not known");
    assert_eq!(ended.output("codedeploy-deployment-id"), "");
}

#[tokio::test]
async fn inputs_for_codedeploy_have_no_effect_where_ecs_moves_the_tasks() {
    let scenario = Scenario::new().await.input("image", IMAGE_V2).input("codedeploy-application", "shop");
    let ended = scenario.run().await;
    ended.is(0, "succeeded", "");
    assert_eq!(ended.writes, ["RegisterTaskDefinition", "UpdateService"]);
    assert!(ended.stdout.contains("`codedeploy-…` have no effect"), "{}", ended.told());
}
