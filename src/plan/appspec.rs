//! The AppSpec: what CodeDeploy is told, with the task definition put in. Everything else in the file is kept.
//! <https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file-structure-resources.html>

use std::fmt::Write;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::error::{Code, Error};
use crate::model::task_definition::{TaskDefinition, kind};
use crate::observe::Base;

/// What CodeDeploy can deploy by.
const SHAPE: &str = "Write `Resources:` with one `TargetService:` of `Type: AWS::ECS::Service` and its `Properties:`.";

/// An `AppSpec` that deploys an ECS service. Keys are found whatever their case, as the official action does.
#[derive(Debug, Clone, PartialEq)]
pub struct AppSpec(Value);

impl AppSpec {
    /// Takes a file for an `AppSpec`, when CodeDeploy could deploy `definition` by it.
    ///
    /// # Errors
    /// It names no ECS service to deploy, or a container or port that the definition does not have.
    pub(super) fn read(file: &Base, definition: &TaskDefinition) -> Result<Self, Error> {
        let refuse = |why: String, fix: &str| {
            Err(Error::new(
                Code::AppspecInvalid,
                format!("CodeDeploy cannot deploy by the AppSpec file `{}`.", file.origin),
                why,
                fix,
            ))
        };
        let mut appspec = Self(file.document.clone());
        let Value::Object(root) = &appspec.0 else {
            return refuse(format!("It is {}, not an object.", kind(&appspec.0)), SHAPE);
        };
        if entry(root, "Resources").is_none() {
            return refuse("It has no `Resources`.".to_owned(), SHAPE);
        }
        if let Some(other) = appspec.other_type() {
            return refuse(format!("A resource of it has the type `{other}`."), SHAPE);
        }
        let mut wrong = None;
        let mut services = 0;
        for properties in appspec.services() {
            services += 1;
            wrong = wrong.or_else(|| misfit(properties, definition));
        }
        match wrong {
            _ if services == 0 => refuse("No resource in its `Resources` has `Properties`.".to_owned(), SHAPE),
            Some(why) => refuse(why, "Correct `LoadBalancerInfo`, or the task definition."),
            None => Ok(appspec),
        }
    }

    /// The text that CodeDeploy gets: JSON, with this task definition in each service.
    pub fn content(&self, task_definition_arn: &str) -> String {
        let mut appspec = self.clone();
        for properties in appspec.services() {
            // Whichever spelling CodeDeploy reads must not be an older revision.
            let mut found = false;
            for (_, value) in properties.iter_mut().filter(|(key, _)| key.eq_ignore_ascii_case("TaskDefinition")) {
                (*value, found) = (task_definition_arn.into(), true);
            }
            if !found {
                properties.insert("TaskDefinition".to_owned(), task_definition_arn.into());
            }
        }
        appspec.0.to_string()
    }

    /// The type of a resource that is no ECS service.
    fn other_type(&self) -> Option<String> {
        let (_, resources) = entry(self.0.as_object()?, "Resources")?;
        let named = resources.as_array().into_iter().flatten().filter_map(Value::as_object).flat_map(Map::values);
        named.filter_map(Value::as_object).find_map(|resource| {
            let found = entry(resource, "Type").map_or(&Value::Null, |(_, found)| found);
            let name = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
            (name != "AWS::ECS::Service").then_some(name)
        })
    }

    /// The properties of each service.
    fn services(&mut self) -> impl Iterator<Item = &mut Map<String, Value>> {
        let resources = self.0.as_object_mut().and_then(|root| entry_mut(root, "Resources"));
        let named = resources.and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut);
        let bodies = named.flat_map(Map::values_mut).filter_map(Value::as_object_mut);
        bodies.filter_map(|resource| entry_mut(resource, "Properties").and_then(Value::as_object_mut))
    }
}

/// What of the properties the definition does not have.
fn misfit(properties: &Map<String, Value>, definition: &TaskDefinition) -> Option<String> {
    let (_, balancer) = entry(properties, "LoadBalancerInfo")?;
    let balancer = balancer.as_object()?;
    let (_, name) = entry(balancer, "ContainerName")?;
    let name = name.as_str()?;
    let named = |container: &&Map<String, Value>| container.get("name").and_then(Value::as_str) == Some(name);
    let Some(container) = definition.containers().find(named) else {
        let present: Vec<String> = definition.container_names().map(|name| format!("`{name}`")).collect();
        return Some(format!(
            "Its `ContainerName` is `{name}`; the task definition has the containers {}.",
            present.join(", ")
        ));
    };
    let number = |value: &Value| value.as_u64().or_else(|| value.as_str()?.trim().parse().ok());
    let port = number(entry(balancer, "ContainerPort")?.1)?;
    let mappings = container.get("portMappings").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let fits = |mapping: &Value| {
        mapping.get("containerPortRange").is_some() || mapping.get("containerPort").and_then(number) == Some(port)
    };
    (!mappings.iter().any(fits)).then(|| {
        format!("Its `ContainerPort` is {port}, which the container `{name}` does not have in its `portMappings`.")
    })
}

fn entry<'a>(object: &'a Map<String, Value>, name: &str) -> Option<(&'a str, &'a Value)> {
    let found = object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
    Some((found.0.as_str(), found.1))
}

fn entry_mut<'a>(object: &'a mut Map<String, Value>, name: &str) -> Option<&'a mut Value> {
    object.iter_mut().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// The SHA-256 of a text in lower-case hex.
pub fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

    use serde_json::json;

    use super::*;
    use crate::model::document;

    const YAML: &str = r#"
version: 0.0
Resources:
  - TargetService:
      Type: AWS::ECS::Service
      Properties:
        TaskDefinition: <TASK_DEFINITION>
        LoadBalancerInfo:
          ContainerName: web
          ContainerPort: 8080
        PlatformVersion: "LATEST"
        inventedProperty: [null, ""]
Hooks:
  - BeforeAllowTraffic: validate
"#;

    fn read(text: &str) -> Result<AppSpec, Error> {
        let containers =
            json!([{"name": "web", "image": "nginx", "portMappings": [{"containerPort": 8080}]}, {"name": "side"}]);
        let definition = TaskDefinition::from_document(json!({"family": "web", "containerDefinitions": containers}));
        let document = document::parse(text).unwrap();
        AppSpec::read(&Base { document, origin: "appspec.yaml".to_owned(), text: None }, &definition.unwrap())
    }

    #[test]
    fn only_the_task_definition_is_put_in_and_every_other_field_is_kept() {
        let content = read(YAML).unwrap().content("arn:web:8");
        assert_eq!(
            content,
            r#"{"version":0.0,"Resources":[{"TargetService":{"Type":"AWS::ECS::Service","Properties":{"TaskDefinition":"arn:web:8","LoadBalancerInfo":{"ContainerName":"web","ContainerPort":8080},"PlatformVersion":"LATEST","inventedProperty":[null,""]}}}],"Hooks":[{"BeforeAllowTraffic":"validate"}]}"#
        );
    }

    #[test]
    fn keys_are_found_in_any_case_and_keep_theirs() {
        let json = r#"{"resources": [{"api": {"type": "AWS::ECS::Service", "properties": {"taskDefinition": ""}}}]}"#;
        let content: Value = serde_json::from_str(&read(json).unwrap().content("arn:web:8")).unwrap();
        assert_eq!(content["resources"][0]["api"]["properties"], json!({"taskDefinition": "arn:web:8"}));
    }

    #[test]
    fn no_spelling_of_the_task_definition_keeps_an_older_one() {
        let both = r#"{"Resources": [{"api": {"Type": "AWS::ECS::Service", "Properties":
            {"taskDefinition": "web:1", "TaskDefinition": "web:2"}}}]}"#;
        let content = read(both).unwrap().content("arn:web:8");
        assert_eq!((content.matches("arn:web:8").count(), content.contains("web:1")), (2, false));
    }

    #[test]
    fn a_task_definition_that_was_left_out_is_added() {
        let json = r#"{"Resources": [{"TargetService": {"Type": "AWS::ECS::Service", "Properties": {}}}]}"#;
        let content: Value = serde_json::from_str(&read(json).unwrap().content("arn:web:8")).unwrap();
        assert_eq!(content["Resources"][0]["TargetService"]["Properties"]["TaskDefinition"], "arn:web:8");
    }

    #[test]
    fn the_digest_is_of_the_exact_bytes() {
        assert_eq!(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn what_codedeploy_would_refuse_is_told_first() {
        let refused: Vec<String> = [
            "hello: world",
            "- a",
            "Resources: []",
            "Resources:\n  - TargetService: {Type: \"AWS::Lambda::Function\", Properties: {}}",
            "Resources:\n  - TargetService: {Properties: {}}",
            "Resources:\n  - TargetService: {Type: \"AWS::ECS::Service\"}",
            &YAML.replace("ContainerName: web", "ContainerName: wbe"),
            &YAML.replace("ContainerPort: 8080", "ContainerPort: 80"),
        ]
        .into_iter()
        .map(|text| read(text).unwrap_err().to_string())
        .collect();
        insta::assert_snapshot!(refused.join("\n"));
    }
}
