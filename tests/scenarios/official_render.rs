//! What the tests of the official render action (`amazon-ecs-render-task-definition`) promise, told of this one.
//!
//! Their numbers, and where each is shown here. Where they show a bug, ours is the better behaviour.
//!
//! - 1 everything at once, 18 labels are merged, 23 a command's words: [`every_edit_at_once_touches_what_it_names_alone`]
//! - 2, 3, 24 what is absent is made: [`what_a_container_lacks_is_made`]
//! - 4 with a log configuration: [`every_edit_at_once_touches_what_it_names_alone`]
//! - 5, 6, 7, 8, 9, 17, 19, 21, 30, 31, 32 mistakes: [`mistakes_are_told_before_anything_is_written`]
//! - 10, 14, 15 the file wins: [`a_file_wins_over_everything_registered`]
//! - 11, 12, 13, 16 from a registered revision: [`a_registered_revision_is_fetched_by_its_name`]
//! - 20 no object: `definition::mistakes_of_files_are_told_before_any_call`, and as 21
//! - 22 no such container: `definition::an_edit_without_its_container_lists_the_containers_there_are`
//! - 25, 26, 27, 28, 29 roles: [`roles_of_any_partition_and_path_are_set`]
//!
//! What is untested or fails there:
//!
//! - a variable without `=`, an unknown log driver, a script as a file: [`mistakes_are_told_before_anything_is_written`]
//! - `a=b=c` is kept whole, a quoted command, a name that moves between variables and secrets:
//!   `definition::edits_reach_their_places_and_values_keep_everything_after_the_first_equals_sign`
//! - names with blanks, one image for several, an image for each: [`images_reach_the_containers_they_are_for`]
//! - a whole describe answer: `definition::a_whole_describe_answer_is_stripped_of_what_only_ecs_writes`
//! - YAML: `definition::a_yaml_file_says_the_same_as_its_json`; other names of files:
//!   `observe::definition::tests::a_file_is_read_by_its_content_whatever_its_name`

use ecs_deploy::sim::World;
use serde_json::{Value, json};

use crate::harness::{IMAGE_V2, Scenario};

type Inputs<'a> = &'a [(&'a str, &'a str)];

const SIDE: &str = "public.ecr.aws/side/side:1";

/// The usual definition with a second container.
fn two() -> Value {
    let mut definition = World::default().web_definition("v1");
    let side = json!({"name": "side", "image": SIDE, "environment": [{"name": "FOO", "value": "side"}]});
    definition["containerDefinitions"].as_array_mut().unwrap().push(side);
    definition["tags"] = json!([{"key": "project", "value": "shop"}]);
    definition
}

/// A step that only registers, from a file.
async fn registering(definition: &Value) -> Scenario {
    let world =
        ["new", "second", "b"].into_iter().fold(World::default().with_what_is_named(definition), |world, name| {
            world.with_parameter("eu-central-1", name)
        });
    let scenario = Scenario::of(world).await.input("service", "").file("td.json", &definition.to_string());
    scenario.input("task-definition", "td.json").input("container-name", "web")
}

/// What is registered when these inputs are given.
async fn registered(definition: &Value, inputs: &[(&str, &str)]) -> Value {
    let mut scenario = registering(definition).await;
    for (name, value) in inputs {
        scenario = scenario.input(name, value);
    }
    let ended = scenario.run().await;
    assert_eq!((ended.code, ended.output("reason")), (Some(0), ""), "{}", ended.told());
    assert_eq!(ended.writes, ["RegisterTaskDefinition"], "{inputs:?}");
    ended.requests("RegisterTaskDefinition")[0].clone()
}

#[tokio::test]
async fn every_edit_at_once_touches_what_it_names_alone() {
    let mut before = two();
    let web = &mut before["containerDefinitions"][0];
    web["environment"] = json!([{"name": "FOO", "value": "bar"}, {"name": "DONT-TOUCH", "value": "me"}]);
    web["environmentFiles"] = json!([{"value": "arn:aws:s3:::old/old.env", "type": "s3"}]);
    web["secrets"] = json!([{"name": "KEY", "valueFrom": "arn:aws:ssm:eu-central-1:123456789012:parameter/old"}]);
    web["dockerLabels"] = json!({"team": "shop"});
    let mut expected = before.clone();
    let web = &mut expected["containerDefinitions"][0];
    web["image"] = json!(IMAGE_V2);
    web["environment"] = json!([
        {"name": "FOO", "value": "baz"}, {"name": "DONT-TOUCH", "value": "me"}, {"name": "HELLO", "value": "world"}]);
    web["environmentFiles"] = json!([{"value": "arn:aws:s3:::new/new.env", "type": "s3"}]);
    web["secrets"] = json!([
        {"name": "KEY", "valueFrom": "arn:aws:ssm:eu-central-1:123456789012:parameter/new"},
        {"name": "SECOND", "valueFrom": "second"}]);
    web["dockerLabels"] = json!({"team": "shop", "key1": "value1"});
    web["logConfiguration"]["options"]["awslogs-create-group"] = json!("true");
    web["command"] = json!(["npm", "start", "--nice", "--please"]);
    for (name, value) in
        [("taskDefinitionArn", json!("arn:aws:ecs:x")), ("revision", json!(4)), ("registeredBy", json!("somebody"))]
    {
        before[name] = value;
    }
    let scenario = registering(&before).await.input("image", IMAGE_V2).input("command", "npm start --nice --please");
    let scenario = scenario
        .input("environment-variables", "FOO=baz\nHELLO=world")
        .input("env-files", "arn:aws:s3:::new/new.env")
        .input("secrets", "KEY=arn:aws:ssm:eu-central-1:123456789012:parameter/new\nSECOND=second")
        .input("docker-labels", "key1=value1")
        .input("log-configuration-log-driver", "awslogs")
        .input("log-configuration-options", "awslogs-create-group=true");
    let ended = scenario.run().await;
    assert_eq!(ended.code, Some(0), "{}", ended.told());
    assert_eq!(*ended.requests("RegisterTaskDefinition")[0], expected);
    let file = std::fs::read_to_string(scenario.workspace().join(ended.output("task-definition"))).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&file).unwrap(), expected);
    assert!(file.contains("\n  \"family\""), "it is printed for people: {file}");
}

#[tokio::test]
async fn what_a_container_lacks_is_made() {
    let mut bare = World::default().web_definition("v1");
    for name in ["environment", "secrets", "logConfiguration", "portMappings", "healthCheck"] {
        bare["containerDefinitions"][0].as_object_mut().unwrap().remove(name);
    }
    let rows: [(&str, Inputs<'_>, Value); 4] = [
        (
            "2 variables and secrets",
            &[("environment-variables", "A=1"), ("secrets", "B=b")],
            json!({"environment": [{"name": "A", "value": "1"}], "secrets": [{"name": "B", "valueFrom": "b"}]}),
        ),
        ("24 secrets alone", &[("secrets", "B=b")], json!({"secrets": [{"name": "B", "valueFrom": "b"}]})),
        (
            "3 logging",
            &[
                ("log-configuration-log-driver", "awslogs"),
                ("log-configuration-options", "awslogs-group=/ecs/web\nawslogs-region=eu-central-1"),
            ],
            json!({"logConfiguration": {"logDriver": "awslogs", "options": {
                "awslogs-group": "/ecs/web", "awslogs-region": "eu-central-1"}}}),
        ),
        ("18 labels", &[("docker-labels", "a=b")], json!({"dockerLabels": {"a": "b"}})),
    ];
    for (row, inputs, made) in rows {
        let mut expected = bare.clone();
        let web = expected["containerDefinitions"][0].as_object_mut().unwrap();
        web.extend(made.as_object().unwrap().clone());
        assert_eq!(registered(&bare, inputs).await, expected, "{row}");
    }
}

#[tokio::test]
async fn roles_of_any_partition_and_path_are_set() {
    let (task, execution) = ("arn:aws:iam::123456789012:role/task", "arn:aws:iam::123456789012:role/execution");
    let (path, china) = ("arn:aws:iam::123456789012:role/team/a/task", "arn:aws-cn:iam::123456789012:role/task");
    let rows: [(&str, Inputs<'_>, Value); 6] = [
        ("25 task", &[("task-role-arn", task)], json!({"taskRoleArn": task})),
        ("26 execution", &[("execution-role-arn", execution)], json!({"executionRoleArn": execution})),
        (
            "27 both",
            &[("task-role-arn", task), ("execution-role-arn", execution)],
            json!({"taskRoleArn": task, "executionRoleArn": execution}),
        ),
        ("28 path", &[("task-role-arn", path)], json!({"taskRoleArn": path})),
        ("29 partition", &[("task-role-arn", china)], json!({"taskRoleArn": china})),
        ("a bare name, which ECS takes", &[("task-role-arn", "task")], json!({"taskRoleArn": "task"})),
    ];
    for (row, inputs, made) in rows {
        let mut expected = two();
        expected.as_object_mut().unwrap().extend(made.as_object().unwrap().clone());
        assert_eq!(registered(&two(), inputs).await, expected, "{row}");
    }
}

#[tokio::test]
async fn images_reach_the_containers_they_are_for() {
    let rows: [(&str, Inputs<'_>, [&str; 2]); 3] = [
        ("a name with a blank", &[("container-name", "web, side"), ("image", IMAGE_V2)], [IMAGE_V2, IMAGE_V2]),
        ("one of two", &[("container-name", "web"), ("image", IMAGE_V2)], [IMAGE_V2, SIDE]),
        (
            "one each",
            &[("container-name", ""), ("images", "side=public.ecr.aws/side/side:2\nweb=public.ecr.aws/web/web:3")],
            ["public.ecr.aws/web/web:3", "public.ecr.aws/side/side:2"],
        ),
    ];
    for (row, inputs, images) in rows {
        let mut expected = two();
        for (index, image) in images.iter().enumerate() {
            expected["containerDefinitions"][index]["image"] = json!(image);
        }
        assert_eq!(registered(&two(), inputs).await, expected, "{row}");
    }
}

#[tokio::test]
async fn mistakes_are_told_before_anything_is_written() {
    const FILE: &str = "task-definition";
    let rows: [(&str, Inputs<'_>, &str, &str); 16] = [
        ("5 a secret without =", &[("secrets", "SECRET")], "input-invalid", "`secrets`"),
        ("6, 8 no such file", &[(FILE, "absent.json")], "file-unreadable", "absent.json"),
        ("7 a lost name", &[("container-name", "web,")], "input-invalid", "`container-name`"),
        ("9 no source", &[(FILE, "")], "input-missing", "task-definition"),
        ("17 a revision of nothing", &[(FILE, ""), ("task-definition-revision", "10")], "input-missing", "family"),
        ("19 a label without =", &[("docker-labels", "key1=value1\nkey2")], "input-invalid", "line 2"),
        ("20 a text", &[(FILE, "text.json")], "task-definition-invalid", "text.json"),
        ("21 containers that are no list", &[(FILE, "map.json")], "task-definition-invalid", "containerDefinitions"),
        ("30 no ARN", &[("task-role-arn", "not a valid arn")], "input-invalid", "`task-role-arn`"),
        ("31 a short account", &[("execution-role-arn", "arn:aws:iam::12345:role/x")], "input-invalid", "12345"),
        ("32 another service", &[("task-role-arn", "arn:aws:s3:::bucket")], "input-invalid", "`task-role-arn`"),
        ("a variable without =", &[("environment-variables", "FOO=1\nBAR")], "input-invalid", "line 2"),
        ("no log driver", &[("log-configuration-log-driver", "awslog")], "input-invalid", "`awslogs`"),
        (
            "a driver is missing",
            &[("container-name", "side"), ("log-configuration-options", "a=b")],
            "task-definition-invalid",
            "log-configuration-log-driver",
        ),
        ("a file that would run", &[(FILE, "run.js")], "task-definition-invalid", "run.js"),
        ("which container", &[("container-name", ""), ("image", IMAGE_V2)], "input-missing", "container-name"),
    ];
    let mut scenario = registering(&two()).await;
    scenario =
        scenario.file("text.json", "\"hello\"").file("map.json", r#"{"family": "web", "containerDefinitions": 1}"#);
    scenario = scenario.file("run.js", "require('fs').writeFileSync('ran', '')");
    for (row, inputs, reason, named) in rows {
        for (name, value) in inputs {
            scenario = scenario.input(name, value);
        }
        let ended = scenario.run().await;
        assert_eq!((ended.output("verdict"), ended.output("reason")), ("invalid", reason), "{row}: {}", ended.told());
        assert_eq!((ended.code, ended.writes.len()), (Some(2), 0), "{row}");
        assert!(ended.stdout.contains(named), "{row} does not name {named}: {}", ended.told());
        for (name, _) in inputs {
            scenario = scenario.input(name, "");
        }
        scenario = scenario.input(FILE, "td.json").input("container-name", "web");
    }
    assert!(!scenario.workspace().join("ran").exists(), "a file is never run");
}

#[tokio::test]
async fn a_file_wins_over_everything_registered() {
    let scenario = registering(&two()).await.input("task-definition-family", "other");
    let scenario = scenario
        .input("task-definition-revision", "10")
        .input("task-definition-arn", "arn:aws:ecs:eu-central-1:123456789012:task-definition/other:11");
    let ended = scenario.run().await;
    assert_eq!(ended.code, Some(0), "{}", ended.told());
    assert_eq!(*ended.requests("RegisterTaskDefinition")[0], two());
    for request in ended.requests("DescribeTaskDefinition") {
        assert!(!request.to_string().contains("other"), "{request}");
    }
    assert!(ended.stdout.contains("`task-definition-arn` has no effect beside `task-definition`"), "{}", ended.told());
}

#[tokio::test]
async fn a_registered_revision_is_fetched_by_its_name() {
    let arn = "arn:aws:ecs:eu-central-1:123456789012:task-definition/web:6";
    let rows: [(&str, Inputs<'_>, &str, &str); 4] = [
        ("11", &[("task-definition-family", "web"), ("task-definition-revision", "6")], "web:6", "v0"),
        ("12", &[("task-definition-family", "web")], "web", "v1"),
        ("13", &[("task-definition-arn", arn)], arn, "v0"),
        ("16", &[("task-definition-arn", arn), ("task-definition-family", "other")], arn, "v0"),
    ];
    for (row, inputs, asked, tag) in rows {
        let mut scenario = Scenario::new().await.input("service", "").input("environment-variables", "NEW=1");
        scenario.sim.with(|world| {
            for known in &mut world.ecs.definitions {
                known.tags = json!([{"key": "team", "value": "shop"}]);
            }
        });
        for (name, value) in inputs {
            scenario = scenario.input(name, value);
        }
        let ended = scenario.run().await;
        assert_eq!(ended.code, Some(0), "{row}: {}", ended.told());
        assert_eq!(
            *ended.requests("DescribeTaskDefinition")[0],
            json!({"taskDefinition": asked, "include": ["TAGS"]}),
            "{row}"
        );
        let sent = ended.requests("RegisterTaskDefinition")[0];
        let image = sent["containerDefinitions"][0]["image"].as_str().unwrap();
        assert!(image.ends_with(tag), "{row}: {image}");
        assert_eq!(sent["tags"], json!([{"key": "team", "value": "shop"}]), "{row}");
    }
}
