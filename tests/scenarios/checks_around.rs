//! What is around the service: the alarms that watch its deployment, and the subnets its tasks get their addresses from.

use ecs_deploy::sim::cloudwatch::Alarm;
use ecs_deploy::sim::codedeploy::Course;
use ecs_deploy::sim::{Rollout, Trick, World};
use serde_json::{Value, json};

use crate::harness::{Ended, IMAGE_V2, Scenario};

const REASON: &str = "Threshold Crossed: 1 datapoint [12.0] was greater than the threshold (5.0).";

/// The service `web`, whose next deployment these alarms are to watch.
fn watched(names: &[&str]) -> World {
    let mut world = World::default().rollout("web", Rollout::Succeed { after: 1 });
    world.change_service("web", |service| {
        service.configure("alarms", json!({"enable": true, "rollback": true, "alarmNames": names}));
    });
    world
}

async fn deploying(world: World) -> Scenario {
    Scenario::of(world).await.input("image", IMAGE_V2)
}

/// What a check said, in the report.
#[track_caller]
fn said<'a>(ended: &'a Ended, check: &str) -> &'a Value {
    let checks = ended.report["checks"].as_array().unwrap();
    let found = checks.iter().find(|checked| checked["check"] == check);
    found.unwrap_or_else(|| panic!("`{check}` said nothing: {}", ended.told()))
}

#[track_caller]
fn passes(ended: &Ended, check: &str) {
    let said = said(ended, check);
    assert_eq!((&said["findings"], &said["skipped"]), (&json!([]), &json!([])), "{}", ended.told());
}

#[track_caller]
fn finds(ended: &Ended, check: &str, code: &str, words: &str) {
    let found = &said(ended, check)["findings"][0];
    assert_eq!(found["code"], code, "{}", ended.told());
    let told = format!("{} {} {}", found["what"], found["why"], found["fix"]);
    assert!(told.contains(words), "{told}");
}

#[tokio::test]
async fn alarms_that_are_ok_or_know_nothing_yet_pass() {
    let mut world =
        watched(&["5xx", "any", "new"]).with_alarm("5xx", "OK", REASON).with_alarm("new", "INSUFFICIENT_DATA", REASON);
    world.alarms.push(Alarm { name: "any".into(), composite: true, ..world.alarms[0].clone() });
    let ended = deploying(world).await.run().await;
    ended.is(0, "succeeded", "");
    passes(&ended, "alarms");
    assert_eq!(ended.requests("DescribeAlarms").len(), 1);
    assert_eq!(ended.requests("DescribeAlarms")[0]["AlarmNames"], json!(["5xx", "any", "new"]));
}

#[tokio::test]
async fn an_alarm_in_alarm_already_is_told_and_the_deploy_goes_on() {
    let ended = deploying(watched(&["5xx"]).with_alarm("5xx", "ALARM", REASON)).await.run().await;
    ended.is(0, "succeeded", "");
    finds(&ended, "alarms", "alarm-active", "ECS ignores an alarm that is in ALARM");
    finds(&ended, "alarms", "alarm-active", REASON);
    assert!(ended.stdout.contains("The alarm `5xx` is in ALARM already"), "{}", ended.told());
}

#[tokio::test]
async fn an_alarm_in_alarm_blocks_where_that_is_asked_for() {
    let world = watched(&["5xx", "any"]).with_alarm("5xx", "OK", REASON);
    let scenario = deploying(world.with_alarm("any", "ALARM", REASON)).await.input("checks", "alarms=block");
    scenario.sim.with(|world| world.alarms[1].composite = true);
    let ended = scenario.run().await;
    ended.is(3, "blocked", "alarm-active");
    assert_eq!(ended.writes, Vec::<String>::new());
}

#[tokio::test]
async fn an_alarm_that_does_not_exist_is_told_and_never_blocks() {
    let ended = deploying(watched(&["typo"])).await.input("checks", "alarms=block").run().await;
    ended.is(0, "succeeded", "");
    finds(&ended, "alarms", "alarm-not-found", "no metric or composite alarm of that name in eu-central-1");
}

#[tokio::test]
async fn alarms_that_may_not_be_read_are_skipped_and_the_action_is_named() {
    let world = watched(&["5xx"]).with_alarm("5xx", "ALARM", REASON).denied("DescribeAlarms");
    let ended = deploying(world).await.input("checks", "alarms=block").run().await;
    ended.is(0, "succeeded", "");
    assert!(
        said(&ended, "alarms")["skipped"][0].as_str().unwrap().contains("`cloudwatch:DescribeAlarms` is denied to")
    );
}

#[tokio::test]
async fn without_alarms_cloudwatch_is_not_asked() {
    let ended = deploying(World::default().rollout("web", Rollout::Succeed { after: 1 })).await.run().await;
    passes(&ended, "alarms");
    assert_eq!(ended.requests("DescribeAlarms").len(), 0);
}

#[tokio::test]
async fn subnets_with_addresses_for_every_task_that_starts_pass() {
    let world = World::default().rollout("web", Rollout::Succeed { after: 1 }).with_free_addresses(&[1, 1]);
    let ended = deploying(world).await.run().await;
    ended.is(0, "succeeded", "");
    passes(&ended, "subnets");
    assert_eq!(ended.requests("DescribeSubnets").len(), 1);
}

#[tokio::test]
async fn too_few_addresses_are_told_with_each_subnet_and_its_number() {
    let world = World::default().rollout("web", Rollout::Succeed { after: 1 }).with_free_addresses(&[1, 0]);
    let ended = deploying(world).await.input("checks", "subnets=block").run().await;
    ended.is(0, "succeeded", "");
    finds(&ended, "subnets", "addresses-scarce", "have 1 address free, and 2 tasks start at once");
    finds(
        &ended,
        "subnets",
        "addresses-scarce",
        "`subnet-0aaa1111bbb22222c` (eu-central-1a) has 1, `subnet-0ddd3333eee44444f`",
    );
}

#[tokio::test]
async fn subnets_without_any_address_block_where_that_is_asked_for() {
    let scenario = deploying(World::default().with_free_addresses(&[0, 0])).await.input("checks", "subnets=block");
    let ended = scenario.run().await;
    ended.is(3, "blocked", "subnet-full");
    assert_eq!(ended.writes, Vec::<String>::new());
    // Subnets that have IPv6 only count none, and never run out.
    scenario.sim.with(|world| world.subnets[0].ipv6_only = true);
    let ended = scenario.run().await;
    ended.is(0, "succeeded", "");
    passes(&ended, "subnets");
}

#[tokio::test]
async fn a_subnet_that_does_not_exist_is_told_and_none_at_all_blocks_where_that_is_asked_for() {
    let scenario = deploying(World::default()).await.input("checks", "subnets=block");
    scenario.sim.with(|world| world.subnets.clear());
    let ended = scenario.run().await;
    ended.is(3, "blocked", "subnet-not-found");
    assert_eq!(ended.writes, Vec::<String>::new());
    scenario.sim.with(|world| world.subnets = World::default().subnets.split_off(1));
    let ended = scenario.run().await;
    ended.is(0, "succeeded", "");
    finds(&ended, "subnets", "subnet-not-found", "The subnet `subnet-0aaa1111bbb22222c` of `web` does not exist.");
}

#[tokio::test]
async fn subnets_that_may_not_be_read_are_skipped_and_the_action_is_named() {
    let world = World::default().with_free_addresses(&[0, 0]).denied("DescribeSubnets");
    let ended = deploying(world).await.input("checks", "subnets=block").run().await;
    ended.is(0, "succeeded", "");
    assert!(said(&ended, "subnets")["skipped"][0].as_str().unwrap().contains("`ec2:DescribeSubnets` is denied to"));
}

#[tokio::test]
async fn services_that_throttle_or_do_not_know_the_call_are_skipped_and_the_deploy_goes_on() {
    for trick in [Trick::Throttle, Trick::Missing, Trick::Html(500)] {
        let world =
            watched(&["5xx"]).fault("DescribeAlarms", 2, trick.clone()).fault("DescribeSubnets", 2, trick.clone());
        let ended = deploying(world).await.run().await;
        ended.is(0, "succeeded", "");
        for (check, action) in [("alarms", "cloudwatch:DescribeAlarms"), ("subnets", "ec2:DescribeSubnets")] {
            let skipped = said(&ended, check)["skipped"][0].as_str().unwrap();
            assert!(skipped.contains(&format!("`{action}` failed")), "{trick:?}: {skipped}");
        }
    }
}

#[tokio::test]
async fn an_update_that_begins_no_deployment_asks_neither() {
    let world = watched(&["5xx"]).with_alarm("5xx", "ALARM", REASON).with_free_addresses(&[0, 0]);
    let ended = Scenario::of(world).await.input("desired-count", "3").run().await;
    ended.is(0, "succeeded", "");
    assert_eq!(ended.requests("DescribeAlarms").len() + ended.requests("DescribeSubnets").len(), 0, "{}", ended.told());
    for check in ["alarms", "subnets"] {
        assert!(!ended.report["checks"].to_string().contains(check), "{check} passes unseen: {}", ended.told());
    }
}

#[tokio::test]
async fn what_code_deploy_or_nobody_moves_is_no_matter_of_these_checks() {
    let none = |ended: &Ended| {
        let checks = ended.report["checks"].to_string();
        for check in ["target-groups", "circuit-breaker", "alarms", "subnets"] {
            assert!(checks.contains("image-exists") && !checks.contains(check), "{check} passes unseen: {checks}");
        }
    };
    let world = World::default().behind_target_group("web", "web").with_code_deploy(Course::Succeeds);
    let appspec = r#"{"version": 0.0, "Resources": [{"TargetService": {"Type": "AWS::ECS::Service", "Properties": {
        "TaskDefinition": "", "LoadBalancerInfo": {"ContainerName": "web", "ContainerPort": 8080}}}}]}"#;
    let scenario = deploying(world).await.file("appspec.json", appspec).input("codedeploy-appspec", "appspec.json");
    let ended = scenario.input("mode", "plan").run().await;
    ended.is(0, "planned", "");
    none(&ended);
    let scenario = deploying(World::default()).await.input("service", "").input("task-definition-family", "web");
    let ended = scenario.input("mode", "plan").run().await;
    ended.is(0, "planned", "");
    none(&ended);
}
