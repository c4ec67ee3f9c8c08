//! What the tests of the official deploy action (`amazon-ecs-deploy-task-definition`) promise, told of this one.
//!
//! Their numbers, and where each is shown here. Where they show a bug, ours is the better behaviour.
//!
//! - 1 register and update: `deploy::a_good_image_is_registered_deployed_and_awaited`,
//!   `deploy::update_service_carries_only_what_was_asked_for`; the link: [`what_is_asked_of_the_service_travels`]
//! - 2 controller `ECS`: [`a_controller_that_is_named_ecs_is_the_usual_one`]
//! - 3 the console of China: `report::links::tests::the_partition_decides_the_host`
//! - 4 no cluster: [`without_a_cluster_it_is_the_one_called_default`]
//! - 5 no service: `deploy::without_a_service_the_definition_is_only_registered`
//! - 6 an absolute path: [`an_absolute_path_is_read_as_it_is`]
//! - 7, 9 settings of the update: [`what_is_asked_of_the_service_travels`]
//! - 8 a count that is no number (theirs: ignored): `inputs::all_mistakes_are_told_at_once_and_nothing_is_asked`
//! - 10, 11, 12, 13, 14, 15, 16 cleaning (theirs: loses what is empty): [`what_is_empty_reaches_ecs_as_it_is_written`],
//!   [`a_value_of_a_wrong_type_is_told_and_not_dropped`]
//! - 17 fields that only ECS writes: `definition::a_whole_describe_answer_is_stripped_of_what_only_ecs_writes`
//! - 18, 19, 20 waiting and its limit: [`waiting_is_asked_for_in_any_case_and_six_hours_at_most`]
//! - 21 the longest pause: `apply::tests::a_finished_rollout_is_noticed_within_the_longest_pause`
//! - 22 rolled back: `deploy::a_rollback_by_the_circuit_breaker_is_never_a_success`
//! - 23 failed: `deploy::a_breaker_without_rollback_leaves_a_failed_deployment`
//! - 24 the update began no deployment: `apply::tests::a_change_of_settings_alone_is_proven_by_the_counts`
//! - 25, 28, 29 what `CodeDeploy` is sent: `codedeploy::a_good_image_is_deployed_and_its_own_task_set_is_the_proof`,
//!   `codedeploy::names_description_and_configuration_travel`
//! - 26, 27, 30 how long it waits: `apply::codedeploy::tests::stage::the_waits_of_the_group_are_added_to_the_limit`
//! - 31 an appspec without resources: `codedeploy::an_appspec_that_codedeploy_would_refuse_is_told_before_any_write`
//! - 32 to 42 and 46 run-task: [`what_a_later_version_brings_is_refused`]
//! - 43, 44, 45 a volume of the service: [`a_volume_travels_when_it_is_given_and_is_left_alone_when_not`]
//! - 47 no such service: `deploy::a_missing_service_is_told_with_what_there_is`
//! - 48 a service that is not active: [`a_service_that_is_not_active_is_told_before_any_write`]
//! - 49 other controllers: `deploy::other_controllers_are_refused_before_the_first_write`
//! - 50 a failed register (theirs: told twice): [`a_refused_register_is_told_once`]
//!
//! What fails there:
//!
//! - no services in the answer, a failure without an ARN: `aws::tests::a_service_that_is_missing_is_absent_and_another_failure_is_an_error`
//! - a pause below 15 seconds: every scenario has one of 0
//! - a session that ends in the wait: `credentials::a_session_that_ends_during_the_wait_is_renewed_with_a_fresh_token`;
//!   a permission that ends: [`a_permission_lost_in_the_wait_ends_it_at_once`]
//! - FAILED beside another deployment, PENDING and the states of a way back: `apply::rollout::tests::every_ending_has_its_true_verdict`
//! - still `IN_PROGRESS` with all tasks up: [`all_tasks_up_is_not_yet_the_end`]
//! - superseded: `deploy::a_deployment_by_somebody_else_supersedes_ours_and_is_named`
//! - throttling: `deploy::throttles_resets_and_server_errors_are_outlived`; two registers at once:
//!   `deploy::a_second_revision_at_the_same_moment_is_waited_for`
//! - `max-retries: 0`: [`no_retries_means_one_attempt`]
//! - a misspelled field: `definition::a_misspelled_field_is_passed_on_with_a_suggestion`
//! - an empty text in a command: `definition::a_file_reaches_the_wire_whole_but_for_the_image`
//! - numbers that look octal in YAML: `definition::a_yaml_file_says_the_same_as_its_json`
//! - a side container's exit code, a container without one: of run-task, refused as above
//! - the limit, neither early nor late: `apply::tests::the_limit_is_kept_to_the_second`
//! - a cancelled run: `apply::tests::a_cancelled_run_knows_what_may_have_been_changed`

use ecs_deploy::sim::ecs::Service;
use ecs_deploy::sim::{Fault, Rollout, Trick, World};
use serde_json::{Value, json};

use crate::harness::{IMAGE_V2, Scenario};

type Inputs<'a> = &'a [(&'a str, &'a str)];

const BOTH: [&str; 2] = ["RegisterTaskDefinition", "UpdateService"];
const NOTHING: [&str; 0] = [];

async fn deploying(world: World) -> Scenario {
    Scenario::of(world).await.input("image", IMAGE_V2)
}

#[tokio::test]
async fn a_controller_that_is_named_ecs_is_the_usual_one() {
    let mut world = World::default();
    world.change_service("web", |service| service.controller = Some("ECS".into()));
    let ended = deploying(world).await.run().await;
    ended.is(0, "succeeded", "");
    assert_eq!(ended.writes, BOTH);
}

#[tokio::test]
async fn without_a_cluster_it_is_the_one_called_default() {
    let mut world = World::default().with_cluster("default");
    world.ecs.services.clear();
    let world = world.with_service(Service::running("default", "web", 2), "web:7");
    let ended = deploying(world).await.input("cluster", "").run().await;
    ended.is(0, "succeeded", "");
    assert_eq!(ended.writes, BOTH);
    for operation in ["DescribeServices", "UpdateService"] {
        for request in ended.requests(operation) {
            assert_eq!(request["cluster"].as_str().unwrap().rsplit('/').next(), Some("default"), "{operation}");
        }
    }
}

#[tokio::test]
async fn an_absolute_path_is_read_as_it_is() {
    let definition = World::default().web_definition("v1");
    let scenario = Scenario::new().await.input("image", IMAGE_V2).file("deploy/td.json", &definition.to_string());
    let path = scenario.workspace().join("deploy/td.json").display().to_string();
    let ended = scenario.input("task-definition", &path).run().await;
    ended.is(0, "succeeded", "");
    assert_eq!(ended.requests("RegisterTaskDefinition")[0]["containerDefinitions"][0]["image"], IMAGE_V2);
}

#[tokio::test]
async fn what_is_asked_of_the_service_travels() {
    let rows: [(&str, Inputs<'_>, Value); 4] = [
        (
            "7 force and count",
            &[("force-new-deployment", "true"), ("desired-count", "4")],
            json!({"forceNewDeployment": true, "desiredCount": 4}),
        ),
        ("9 tags from the service", &[("propagate-tags", "SERVICE")], json!({"propagateTags": "SERVICE"})),
        ("9 managed tags on", &[("enable-ecs-managed-tags", "TRUE")], json!({"enableECSManagedTags": true})),
        ("9 managed tags off", &[("enable-ecs-managed-tags", "False")], json!({"enableECSManagedTags": false})),
    ];
    for (row, inputs, expected) in rows {
        let mut scenario = deploying(World::default()).await;
        for (name, value) in inputs {
            scenario = scenario.input(name, value);
        }
        let ended = scenario.run().await;
        ended.is(0, "succeeded", "");
        assert_eq!(ended.writes, BOTH, "{row}");
        let mut sent = ended.requests("UpdateService")[0].as_object().unwrap().clone();
        for name in ["cluster", "service", "taskDefinition"] {
            assert!(sent.remove(name).is_some(), "{row}: no {name}");
        }
        assert_eq!(Value::Object(sent), expected, "{row}");
        let link = ended.output("console-url");
        assert!(
            link.starts_with("https://eu-central-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/web/"),
            "{row}: {link}"
        );
    }
}

#[tokio::test]
async fn what_is_empty_reaches_ecs_as_it_is_written() {
    let mut definition = World::default().web_definition("v2");
    definition["ipcMode"] = json!(null);
    definition["tags"] = json!([]);
    definition["proxyConfiguration"] = json!({"type": "APPMESH", "containerName": "web", "properties": [
        {"name": "IgnoredUID", "value": "1337"}, {"name": "EgressIgnoredIPs", "value": ""}, {"name": "", "value": "x"}]});
    let web = &mut definition["containerDefinitions"][0];
    web["command"] = json!([""]);
    web["cpu"] = json!(0);
    web["environment"] = json!([{"name": "test", "value": ""}]);
    web["logConfiguration"]["options"]["tag"] = json!("");
    web["logConfiguration"]["secretOptions"] = json!([{"name": "", "valueFrom": ""}]);
    web["repositoryCredentials"] = json!({"credentialsParameter": ""});
    web["dockerLabels"] = json!({});
    let side = json!({"name": "side", "image": "public.ecr.aws/side:1", "essential": false, "logConfiguration": null});
    definition["containerDefinitions"].as_array_mut().unwrap().push(side);
    for keep in ["", "tag,command"] {
        let scenario = Scenario::new().await.file("td.json", &definition.to_string());
        let ended = scenario.input("task-definition", "td.json").input("keep-null-value-keys", keep).run().await;
        ended.is(0, "succeeded", "");
        assert_eq!(*ended.requests("RegisterTaskDefinition")[0], definition, "keep-null-value-keys: {keep}");
        assert_eq!(ended.stdout.contains("`keep-null-value-keys` has no effect"), !keep.is_empty(), "{}", ended.told());
    }
}

#[tokio::test]
async fn a_value_of_a_wrong_type_is_told_and_not_dropped() {
    let mut definition = World::default().web_definition("v2");
    definition["containerDefinitions"][0]["memory"] = json!("");
    let scenario = Scenario::new().await.file("td.json", &definition.to_string());
    let ended = scenario.input("task-definition", "td.json").input("mode", "plan").run().await;
    ended.is(0, "planned", "");
    assert_eq!(ended.writes, NOTHING);
    assert!(ended.stdout.contains("containerDefinitions[web].memory"), "{}", ended.told());
}

#[tokio::test]
async fn waiting_is_asked_for_in_any_case_and_six_hours_at_most() {
    for (minutes, is_cut) in [("60", false), ("1000", true)] {
        let scenario = Scenario::deploying(Rollout::Succeed { after: 4 }).await;
        let ended = scenario.input("wait-for-service-stability", "TRUE").input("wait-for-minutes", minutes).run().await;
        ended.is(0, "succeeded", "");
        assert_eq!(ended.stdout.contains("360"), is_cut, "{}", ended.told());
    }
}

#[tokio::test]
async fn all_tasks_up_is_not_yet_the_end() {
    let ended = Scenario::deploying(Rollout::Drain { healthy: 1, after: 8 }).await.run().await;
    ended.is(0, "succeeded", "");
    let told = |text: &str| ended.stdout.find(text).unwrap_or_else(|| panic!("`{text}` is not told: {}", ended.told()));
    let all_up = told("running 2/2 · pending 0 · failed 0 · IN_PROGRESS");
    assert!(all_up < told("deployment completed") && all_up < told("web:8 serves"), "{}", ended.told());
}

/// Rows of `(number, input, value)`: none of them reaches AWS, and none is passed over in silence.
#[tokio::test]
async fn what_a_later_version_brings_is_refused() {
    let rows = [
        ("32, 35, 41, 42 run-task", "run-task", "true"),
        ("33 launch type", "run-task-launch-type", "EC2"),
        ("33 subnets", "run-task-subnets", "a,b"),
        ("33 groups", "run-task-security-groups", "c,d"),
        ("33 address", "run-task-assign-public-IP", "ENABLED"),
        ("33 overrides", "run-task-container-overrides", r#"[{"name": "web", "command": ["migrate"]}]"#),
        ("33 tags", "run-task-tags", r#"[{"key": "team", "value": "shop"}]"#),
        ("33, 38 started by", "run-task-started-by", "somebody"),
        ("34 capacity", "run-task-capacity-provider-strategy", r#"[{"capacityProvider": "FARGATE_SPOT"}]"#),
        ("36, 37, 39, 40 waiting for it", "wait-for-task-stopped", "true"),
        ("46 volume name", "run-task-managed-ebs-volume-name", "data"),
        ("46 volume", "run-task-managed-ebs-volume", r#"{"sizeInGiB": 10}"#),
    ];
    let mut scenario = deploying(World::default()).await;
    for (row, name, value) in rows {
        scenario = scenario.input(name, value);
        let ended = scenario.run().await;
        ended.is(2, "invalid", "input-not-available");
        // Names of inputs have no case.
        assert!(ended.stdout.contains(&name.to_lowercase()), "{row} is not named: {}", ended.told());
        assert_eq!(ended.calls.iter().filter(|call| call.door == "aws").count(), 0, "{row}: {}", ended.told());
        scenario = scenario.input(name, "");
    }
    scenario.run().await.is(0, "succeeded", "");
}

#[tokio::test]
async fn a_volume_travels_when_it_is_given_and_is_left_alone_when_not() {
    let volume = |size: u32| {
        json!({"roleArn": "arn:aws:iam::123456789012:role/ebs", "sizeInGiB": size, "volumeType": "gp2", "throughput": 125,
            "inventedMember": [null]})
    };
    let mut scenario = deploying(World::default()).await.input("service-managed-ebs-volume-name", "data");
    for (row, size, writes) in [("43 new", 10, &BOTH[..]), ("44 changed", 20, &BOTH[1..])] {
        scenario = scenario.input("service-managed-ebs-volume", &volume(size).to_string());
        let ended = scenario.run().await;
        ended.is(0, "succeeded", "");
        assert_eq!(ended.writes, writes, "{row}");
        let sent = &ended.requests("UpdateService")[0]["volumeConfigurations"];
        assert_eq!(*sent, json!([{"name": "data", "managedEBSVolume": volume(size)}]), "{row}");
    }
    let scenario = scenario.input("service-managed-ebs-volume", "").input("service-managed-ebs-volume-name", "");
    let ended = scenario.input("force-new-deployment", "true").run().await;
    ended.is(0, "succeeded", "");
    assert_eq!(
        ended.requests("UpdateService")[0].get("volumeConfigurations"),
        None,
        "45: the volume would be taken away"
    );
}

#[tokio::test]
async fn a_service_that_is_not_active_is_told_before_any_write() {
    for status in ["INACTIVE", "DRAINING"] {
        let mut world = World::default();
        world.change_service("web", |service| service.status = status.into());
        let ended = deploying(world).await.run().await;
        ended.is(2, "invalid", "service-not-active");
        assert_eq!(ended.writes, NOTHING, "{status}");
        assert!(ended.stdout.contains(status), "{}", ended.told());
    }
}

#[tokio::test]
async fn a_refused_register_is_told_once() {
    let trick = Trick::Error(400, "ClientException".into(), "Could not parse it".into());
    let ended = deploying(World::default().fault("RegisterTaskDefinition", u32::MAX, trick)).await.run().await;
    ended.is(7, "denied", "request-refused");
    assert_eq!(ended.writes, NOTHING);
    assert_eq!(ended.requests("UpdateService").len(), 0);
    assert_eq!(ended.stdout.matches("::error").count(), 1, "{}", ended.told());
    assert!(ended.stdout.contains("Could not parse it"), "{}", ended.told());
    assert_eq!(ended.output("changed"), "false");
}

#[tokio::test]
async fn a_permission_lost_in_the_wait_ends_it_at_once() {
    let mut world = World::default().rollout("web", Rollout::Stall { running: 1 });
    for operation in ["DescribeServices", "DescribeServiceDeployments"] {
        world.faults.push(Fault { operation: operation.into(), skip: 3, times: u32::MAX, trick: Trick::Denied });
    }
    let ended = deploying(world).await.run().await;
    ended.is(7, "denied", "access-denied");
    assert_eq!(ended.writes, BOTH);
    assert!(ended.stdout.contains("ecs:DescribeServices"), "{}", ended.told());
}

#[tokio::test]
async fn no_retries_means_one_attempt() {
    let world = World::default().fault("UpdateService", 1, Trick::Throttle);
    let ended = deploying(world).await.input("max-retries", "0").run().await;
    ended.is(7, "denied", "throttled");
    assert_eq!(ended.requests("UpdateService").len(), 1, "{}", ended.told());
    assert_eq!(ended.writes, ["RegisterTaskDefinition"]);
}
