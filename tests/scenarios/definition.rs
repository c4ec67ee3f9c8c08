//! Task definitions: sources, edits, and that nothing is lost on the way.

use ecs_deploy::model::document;
use ecs_deploy::sim::{Rollout, World};
use serde_json::{Value, json};

use crate::harness::{Ended, IMAGE_V2, Scenario};

fn registered(ended: &Ended) -> Value {
    ended
        .requests("RegisterTaskDefinition")
        .first()
        .map_or_else(|| panic!("{}", ended.told()), |request| (*request).clone())
}

async fn with_file(name: &str, text: &str) -> Scenario {
    let scenario = Scenario::deploying(Rollout::Succeed { after: 1 }).await;
    let named = document::parse(text).unwrap_or_default();
    scenario.sim.with(|world| world.add_what_is_named(&named));
    scenario.file(name, text).input("task-definition", name)
}

/// The usual definition with fields that no model knows.
fn invented() -> Value {
    let mut definition = World::default().web_definition("v1");
    definition["inventedField"] = json!({"deep": [1, null, "", {}], "number": 12_345_678_901_234_567_890_u64});
    definition["containerDefinitions"][0]["inventedFlag"] = json!(false);
    definition["containerDefinitions"][0]["command"] = json!(["echo", "", "x"]);
    definition["containerDefinitions"][0]["dockerLabels"] = json!({"empty": "", "rule": "Host(a)&&x=y"});
    definition
}

#[tokio::test]
async fn a_file_reaches_the_wire_whole_but_for_the_image() {
    let mut expected = invented();
    let ended = with_file("deploy/task.json", &expected.to_string()).await.run().await;
    ended.is(0, "succeeded", "");
    expected["containerDefinitions"][0]["image"] = json!(IMAGE_V2);
    assert_eq!(registered(&ended), expected);
}

#[tokio::test]
async fn a_yaml_file_says_the_same_as_its_json() {
    let yaml = "family: web\nnetworkMode: awsvpc\nrequiresCompatibilities: [FARGATE]\ncpu: \"256\"\nmemory: \"512\"\n\
                executionRoleArn: arn:aws:iam::123456789012:role/web-execution\ncontainerDefinitions:\n  - name: web\n    \
                image: old\n    environment:\n      - {name: ENABLED, value: \"yes\"}\n      - {name: ACCOUNT, value: \"012345678901\"}\n";
    let ended = with_file("task.yaml", yaml).await.run().await;
    ended.is(0, "succeeded", "");
    let environment = &registered(&ended)["containerDefinitions"][0]["environment"];
    assert_eq!(
        *environment,
        json!([{"name": "ENABLED", "value": "yes"}, {"name": "ACCOUNT", "value": "012345678901"}])
    );
}

#[tokio::test]
async fn a_whole_describe_answer_is_stripped_of_what_only_ecs_writes() {
    let scenario = Scenario::deploying(Rollout::Succeed { after: 1 }).await;
    let answer = scenario.sim.with(|world| {
        let newest = world.ecs.definitions.last().unwrap();
        json!({"taskDefinition": newest.document, "tags": [{"key": "team", "value": "shop"}]})
    });
    let ended = scenario.file("td.json", &answer.to_string()).input("task-definition", "td.json").run().await;
    ended.is(0, "succeeded", "");
    let sent = registered(&ended);
    for name in ["taskDefinitionArn", "revision", "status", "requiresAttributes", "compatibilities", "registeredAt"] {
        assert_eq!(sent.get(name), None, "{name} was sent");
    }
    assert_eq!(sent["tags"], json!([{"key": "team", "value": "shop"}]));
}

#[tokio::test]
async fn a_file_that_equals_what_runs_registers_nothing() {
    let definition = World::default().web_definition("v1");
    let scenario = Scenario::new().await.file("td.json", &definition.to_string()).input("task-definition", "td.json");
    let ended = scenario.run().await;
    ended.is(0, "unchanged", "");
    assert_eq!(ended.writes, [""; 0]);
}

#[tokio::test]
async fn lists_that_come_back_in_another_order_are_no_change() {
    let mut world = World::default();
    world.ecs.reorders = true;
    let definition = world.web_definition("v1");
    let scenario =
        Scenario::of(world).await.file("td.json", &definition.to_string()).input("task-definition", "td.json");
    scenario.run().await.is(0, "unchanged", "");
}

#[tokio::test]
async fn an_older_revision_is_deployed_without_registering() {
    let ended =
        Scenario::new().await.input("task-definition-family", "web").input("task-definition-revision", "6").run().await;
    ended.is(0, "succeeded", "");
    assert_eq!(ended.writes, ["UpdateService"]);
    assert!(ended.output("live-task-definition-arn").ends_with("web:6"));
}

#[tokio::test]
async fn a_revision_that_does_not_exist_is_an_error_before_any_write() {
    let scenario = Scenario::new().await.input("task-definition-family", "web").input("task-definition-revision", "99");
    let ended = scenario.run().await;
    ended.is(2, "invalid", "task-definition-not-found");
    assert_eq!(ended.writes, [""; 0]);
}

#[tokio::test]
async fn edits_reach_their_places_and_values_keep_everything_after_the_first_equals_sign() {
    let world = World::default().with_parameter("eu-central-1", "queue");
    let ended = Scenario::of(world)
        .await
        .input("image", IMAGE_V2)
        .input("environment-variables", "LOG_LEVEL=debug\nTOKEN_URL=https://a/?b=c=d")
        .input("secrets", "QUEUE_URL=arn:aws:ssm:eu-central-1:123456789012:parameter/queue")
        .input("docker-labels", "rule=Host(a)&&x=y")
        .input("log-configuration-log-driver", "awslogs")
        .input("log-configuration-options", "awslogs-datetime-format=%Y=%m")
        .input("command", "sh -c \"echo  hello\"")
        .run()
        .await;
    ended.is(0, "succeeded", "");
    let container = &registered(&ended)["containerDefinitions"][0];
    let names: Vec<&str> =
        container["environment"].as_array().unwrap().iter().filter_map(|one| one["name"].as_str()).collect();
    assert!(!names.contains(&"QUEUE_URL"), "a name is in one list only: {names:?}");
    let value = |name: &str| {
        container["environment"].as_array().unwrap().iter().find(|one| one["name"] == name).unwrap()["value"].clone()
    };
    assert_eq!((value("LOG_LEVEL"), value("TOKEN_URL")), (json!("debug"), json!("https://a/?b=c=d")));
    assert_eq!(container["secrets"].as_array().unwrap().len(), 2);
    assert_eq!(container["dockerLabels"]["rule"], "Host(a)&&x=y");
    assert_eq!(container["logConfiguration"]["options"]["awslogs-datetime-format"], "%Y=%m");
    assert_eq!(container["command"], json!(["sh", "-c", "echo  hello"]));
}

#[tokio::test]
async fn an_edit_without_its_container_lists_the_containers_there_are() {
    let ended = Scenario::deploying(Rollout::Succeed { after: 1 }).await.input("container-name", "wbe").run().await;
    ended.is(2, "invalid", "container-not-found");
    assert!(ended.stdout.contains("`web`"), "{}", ended.told());
    assert_eq!(ended.writes, [""; 0]);
}

#[tokio::test]
async fn a_patch_merges_lists_by_name_and_null_removes() {
    let patch = "containerDefinitions:\n  web:\n    environment:\n      LOG_LEVEL: null\n      NEW: {value: \"1\"}\nruntimePlatform: null\n";
    let ended = Scenario::deploying(Rollout::Succeed { after: 1 }).await.input("patch", patch).run().await;
    ended.is(0, "succeeded", "");
    let sent = registered(&ended);
    assert_eq!(sent.get("runtimePlatform"), None);
    let names: Vec<&Value> =
        sent["containerDefinitions"][0]["environment"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["QUEUE_URL", "NEW"]);
}

#[tokio::test]
async fn a_pinned_image_is_deployed_by_the_digest_its_tag_has_now() {
    let scenario = Scenario::deploying(Rollout::Succeed { after: 1 }).await.input("pin-image-digest", "true");
    let digest = scenario.sim.with(|world| world.ecr["web"].tags["v2"].clone());
    let ended = scenario.run().await;
    ended.is(0, "succeeded", "");
    let image = registered(&ended)["containerDefinitions"][0]["image"].as_str().unwrap().to_owned();
    assert_eq!(image, format!("123456789012.dkr.ecr.eu-central-1.amazonaws.com/web@{digest}"));
    let digests: Value = serde_json::from_str(ended.output("image-digests")).unwrap();
    assert_eq!(digests["web"], digest);
}

#[tokio::test]
async fn tags_travel_with_the_revision() {
    let ended =
        Scenario::deploying(Rollout::Succeed { after: 1 }).await.input("tags", "team=shop\ncommit=a=b").run().await;
    ended.is(0, "succeeded", "");
    assert_eq!(
        registered(&ended)["tags"],
        json!([{"key": "team", "value": "shop"}, {"key": "commit", "value": "a=b"}])
    );
}

#[tokio::test]
async fn a_misspelled_field_is_passed_on_with_a_suggestion() {
    let mut definition = World::default().web_definition("v1");
    definition["containerDefinitions"][0]["inventedEnviroment"] = json!([]);
    definition["containerDefinitions"][0]["enviroment"] = json!([{"name": "A", "value": "b"}]);
    let scenario = Scenario::new().await.file("td.json", &definition.to_string()).input("task-definition", "td.json");
    let ended = scenario.input("mode", "plan").run().await;
    ended.is(0, "planned", "");
    assert!(ended.stdout.contains("`environment`"), "{}", ended.told());
}

#[tokio::test]
async fn mistakes_of_files_are_told_before_any_call() {
    for (text, reason) in
        [("", "file-unreadable"), ("{\"family\": ", "document-unparsable"), ("[1]", "task-definition-invalid")]
    {
        let ended = with_file("td.json", text).await.run().await;
        assert_eq!((ended.code, ended.output("verdict")), (Some(2), "invalid"), "{}", ended.told());
        assert_eq!(ended.writes, [""; 0]);
        assert!(
            ["file-unreadable", "document-unparsable", "task-definition-invalid"].contains(&ended.output("reason")),
            "{reason}"
        );
    }
    let ended = Scenario::new().await.input("task-definition", "../outside.json").run().await;
    ended.is(2, "invalid", "file-unreadable");
}

#[tokio::test]
async fn the_rendered_definition_is_left_for_later_steps() {
    let scenario = Scenario::deploying(Rollout::Succeed { after: 1 }).await;
    let ended = scenario.run().await;
    let path = ended.output("task-definition");
    assert!(!path.starts_with('/'), "later steps see another root: {path}");
    let rendered: Value =
        serde_json::from_str(&std::fs::read_to_string(scenario.workspace().join(path)).unwrap()).unwrap();
    assert_eq!(rendered["containerDefinitions"][0]["image"], IMAGE_V2);
}

/// Every field of the service model, and invented ones at every level: what goes in is what the wire receives.
#[tokio::test]
async fn every_field_reaches_the_wire_as_it_was_written() {
    let text = include_str!("../../fixtures/task-definitions/every-field.json");
    let mut expected: Value = serde_json::from_str(text).unwrap();
    let name = expected["containerDefinitions"][0]["name"].as_str().unwrap().to_owned();
    // No service could run this one, and its image is built for what it asks for.
    let scenario = with_file("every-field.json", text).await.input("checks", "fargate-size=off");
    scenario.sim.with(|world| world.ecr.get_mut("web").unwrap().push("v2", &["windows/amd64"], 0.0));
    let ended = scenario.input("container-name", &name).run().await;
    expected["containerDefinitions"][0]["image"] = json!(IMAGE_V2);
    assert_eq!(registered(&ended), expected, "{}", ended.told());
}
