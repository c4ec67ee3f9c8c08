//! Task definitions shaped like those that teams run: sidecars, log routers, file systems, GPUs, Windows. Each is
//! planned, changed and registered; what differs is what was asked for, and nothing else.

use std::path::Path;

use ecs_deploy::model::image::ImageRef;
use ecs_deploy::model::normal::differs;
use ecs_deploy::model::task_definition::TaskDefinition;
use ecs_deploy::plan::diff::{Change, diff};
use ecs_deploy::sim::ecs::{Service, task_definitions};
use ecs_deploy::sim::{Rollout, World};
use serde_json::{Value, json};

use crate::harness::{Ended, Scenario};

/// Every definition of `fixtures/task-definitions/in-use`: its name, its text, itself.
fn definitions() -> Vec<(String, String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/task-definitions/in-use");
    let mut definitions: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let definition = serde_json::from_str(&text).unwrap();
            (path.file_stem().unwrap().to_string_lossy().into_owned(), text, definition)
        })
        .collect();
    definitions.sort_by(|(one, ..), (other, ..)| one.cmp(other));
    assert!(definitions.len() >= 30, "only {} definitions were found", definitions.len());
    definitions
}

/// A service that runs the definition as ECS stored it, its images pushed and what else it names at hand, and a step that
/// deploys the file.
async fn step(text: &str, definition: &Value) -> Scenario {
    let mut world = World::default().with_what_is_named(definition);
    world.ecs.reorders = true;
    // ECS keeps the tags of a definition beside it.
    let mut stored = definition.clone();
    let tags = stored.as_object_mut().unwrap().remove("tags").unwrap_or_default();
    let revision = task_definitions::store(&mut world, stored, 7, tags);
    for container in definition["containerDefinitions"].as_array().unwrap() {
        let image = ImageRef::parse(container["image"].as_str().unwrap()).unwrap();
        let (repository, now) = (image.repository.clone(), world.now());
        for tag in image.tag.iter().map(String::as_str).chain(["next"]) {
            let platforms = ["amd64", "arm64", "windows/amd64"];
            world.ecr.entry(repository.clone()).or_default().push(tag, &platforms, now);
        }
        if let Some(digest) = &image.digest {
            world.ecr.entry(repository).or_default().call_it("next", digest);
        }
    }
    let named = revision.arn().rsplit('/').next().unwrap().to_owned();
    let world = world.with_service(service(definition), &named);
    let world = world.rollout("used", Rollout::Succeed { after: 1 });
    Scenario::of(world).await.file("task.json", text).input("task-definition", "task.json").input("service", "used")
}

/// A service that runs where the definition says.
fn service(definition: &Value) -> Service {
    let mut service = Service::running("prod", "used", 1);
    service.settings["launchType"] = definition["requiresCompatibilities"][0].clone();
    if definition["networkMode"] != "awsvpc" {
        service.settings.shift_remove("networkConfiguration");
    }
    service
}

/// What the checks of the definition and the service say.
fn findings(ended: &Ended) -> Vec<&Value> {
    let checks = ended.report["checks"].as_array().unwrap_or_else(|| panic!("{:#}", ended.report));
    let named = ["fargate-size", "target-groups", "circuit-breaker", "in-flight"];
    let ours: Vec<&Value> = checks.iter().filter(|one| named.iter().any(|name| one["check"] == *name)).collect();
    assert_eq!(ours.len(), named.len(), "{checks:?}");
    ours.into_iter().flat_map(|one| one["findings"].as_array().unwrap()).collect()
}

fn changes(ended: &Ended) -> Vec<String> {
    let changes = ended.report["changes"].as_array().unwrap_or_else(|| panic!("{:#}", ended.report));
    changes.iter().map(|change| change["path"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_definition_that_the_service_runs_already_shows_no_change() {
    for (name, text, definition) in definitions() {
        let ended = step(&text, &definition).await.input("mode", "plan").run().await;
        assert_eq!((ended.code, changes(&ended)), (Some(0), Vec::new()), "{name}: {}", ended.told());
        let ended = step(&text, &definition).await.run().await;
        assert_eq!(ended.output("verdict"), "unchanged", "{name}: {}", ended.told());
        assert_eq!(ended.writes, Vec::<String>::new(), "{name}");
    }
}

#[tokio::test]
async fn another_image_is_the_only_change_and_the_rest_is_registered_as_it_stands() {
    for (name, text, mut definition) in definitions() {
        let first = &definition["containerDefinitions"][0];
        let (container, image) = (first["name"].as_str().unwrap(), first["image"].as_str().unwrap());
        let image = image.split('@').next().unwrap();
        let name_alone = image.rsplit_once(':').map_or(image, |(name_alone, _)| name_alone);
        let image = format!("{name_alone}:next");
        let scenario = step(&text, &definition).await.input("images", &format!("{container}={image}"));
        let ended = scenario.run().await;
        assert_eq!(changes(&ended), [format!("container {container} › image")], "{name}: {}", ended.told());
        assert_eq!(findings(&ended), Vec::<&Value>::new(), "{name}");
        assert_eq!(ended.output("verdict"), "succeeded", "{name}: {}", ended.told());
        definition["containerDefinitions"][0]["image"] = json!(image);
        assert_eq!(ended.requests("RegisterTaskDefinition"), [&definition], "{name}");
    }
}

/// The definition as ECS stored it: defaults filled in, lists in another order; and its keys in any order.
fn stored(definition: &Value, dice: &mut fastrand::Rng) -> TaskDefinition {
    let mut world = World::default();
    world.ecs.reorders = true;
    let mut document = definition.clone();
    let tags = document.as_object_mut().unwrap().remove("tags").unwrap_or_else(|| json!([]));
    let stored = task_definitions::store(&mut world, document, 7, tags);
    let mut answer = json!({"taskDefinition": stored.document, "tags": stored.tags});
    shuffle_keys(&mut answer, dice);
    TaskDefinition::from_document(answer).unwrap()
}

fn shuffle_keys(value: &mut Value, dice: &mut fastrand::Rng) {
    match value {
        Value::Object(fields) => {
            let mut entries: Vec<_> = std::mem::take(fields).into_iter().collect();
            dice.shuffle(&mut entries);
            for (_, value) in &mut entries {
                shuffle_keys(value, dice);
            }
            fields.extend(entries);
        }
        Value::Array(items) => items.iter_mut().for_each(|item| shuffle_keys(item, dice)),
        _ => {}
    }
}

/// The pointer of every value that is no object and no list.
fn leaves(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                leaves(value, &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| leaves(item, &format!("{at}/{index}"), found));
        }
        Value::Null => {}
        _ => found.push(at.to_owned()),
    }
}

fn is_masked(change: &Change) -> bool {
    let sides = [change.from.as_deref(), change.to.as_deref()];
    sides.iter().flatten().all(|side| matches!(*side, "***" | "*** (changed)"))
}

#[test]
fn however_ecs_stored_it_a_definition_does_not_differ_from_itself() {
    let mut dice = fastrand::Rng::with_seed(7);
    for (name, _, definition) in definitions() {
        let asked = TaskDefinition::from_document(definition.clone()).unwrap();
        for _ in 0..5 {
            let stored = stored(&definition, &mut dice);
            assert_eq!(diff(&stored, &asked), [], "{name}");
            assert!(!differs(&asked, &stored), "{name}");
        }
    }
}

#[test]
fn every_value_that_changes_is_told_under_its_container_and_no_variable_s_value_ever() {
    let mut dice = fastrand::Rng::with_seed(8);
    for (name, _, definition) in definitions() {
        let stored = stored(&definition, &mut dice);
        let mut found = Vec::new();
        leaves(&definition, "", &mut found);
        for pointer in found {
            let mut other = definition.clone();
            let value = other.pointer_mut(&pointer).unwrap();
            *value = match &*value {
                Value::Bool(flag) => json!(!*flag),
                Value::Number(number) => json!(number.as_i64().unwrap() + 1),
                other => json!(format!("{}x", other.as_str().unwrap())),
            };
            let changes = diff(&stored, &TaskDefinition::from_document(other).unwrap());
            assert!(!changes.is_empty(), "{name} {pointer}: nothing is told");
            let index = pointer.strip_prefix("/containerDefinitions/").and_then(|rest| rest.split('/').next());
            let container =
                index.map(|index| &definition["containerDefinitions"][index.parse::<usize>().unwrap()]["name"]);
            let place = container.map_or_else(String::new, |name| format!("container {}", name.as_str().unwrap()));
            assert!(changes.iter().any(|change| change.path.starts_with(&place)), "{name} {pointer}: {changes:?}");
            let variables = changes.iter().filter(|change| change.path.contains("› environment "));
            let mut values = variables.filter(|change| !change.path.contains("› environment file"));
            assert!(values.all(is_masked), "{name} {pointer}: {changes:?}");
        }
    }
}
