//! What needs an execution role.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html>
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/use-environment-file.html>
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/private-auth.html>

use serde_json::{Map, Value};

use crate::checks::Finding;
use crate::error::{Code, Error};
use crate::model::image::{ImageRef, Registry};
use crate::model::task_definition::TaskDefinition;

/// The first thing in the definition that needs an execution role, where there is none.
pub(super) fn execution_role(definition: &TaskDefinition) -> Option<Finding> {
    if definition.text("executionRoleArn").is_some_and(|role| !role.is_empty()) {
        return None;
    }
    let compatibilities = definition.0.get("requiresCompatibilities").and_then(Value::as_array);
    let on_fargate = compatibilities.is_some_and(|list| list.iter().any(|one| one == "FARGATE"));
    definition.containers().enumerate().find_map(|(index, container)| {
        let (field, what) = need(container, on_fargate)?;
        let name = container.get("name").and_then(Value::as_str).unwrap_or_default();
        let error = Error::new(
            Code::ExecutionRoleMissing,
            "The task definition has no execution role.",
            format!("Container `{name}` needs one: {what}."),
            "Name the role in `executionRoleArn` of the task definition, or in the input `execution-role-arn`.",
        );
        Some(Finding::new(error).at(format!("/containerDefinitions/{index}/{field}")))
    })
}

/// The field of a container that needs an execution role, and what for. On EC2 the instance's own role pulls images; logs
/// on Fargate are looked at by `fargate-size`.
fn need(container: &Map<String, Value>, on_fargate: bool) -> Option<(&'static str, &'static str)> {
    let is_list = |list: Option<&Value>| list.and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    let log = container.get("logConfiguration");
    let login = container.get("repositoryCredentials").and_then(|login| login.get("credentialsParameter")?.as_str());
    let image = container.get("image").and_then(Value::as_str).and_then(|image| ImageRef::parse(image).ok());
    if is_list(container.get("secrets")) {
        Some(("secrets", "it gets secrets"))
    } else if is_list(log.and_then(|log| log.get("secretOptions"))) {
        Some(("logConfiguration/secretOptions", "its log driver gets secrets"))
    } else if is_list(container.get("environmentFiles")) {
        Some(("environmentFiles", "its environment comes from files in S3"))
    } else if login.is_some_and(|login| !login.is_empty()) {
        Some(("repositoryCredentials", "its image is pulled with credentials from Secrets Manager"))
    } else if on_fargate && image.is_some_and(|image| matches!(image.registry, Registry::Ecr { .. })) {
        Some(("image", "its image comes from a private registry of ECR on Fargate"))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_needs_an_execution_role_asks_for_one() {
        let ecr = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/web:v2";
        let logs = json!({"logDriver": "awslogs", "options": {"awslogs-group": "/ecs/web"}});
        let splunk = json!({"logDriver": "splunk", "secretOptions": [{"name": "splunk-token", "valueFrom": "t"}]});
        let secrets = json!([{"name": "TOKEN", "valueFrom": "t"}]);
        let files = json!([{"type": "s3", "value": "arn:aws:s3:::shop/web.env"}]);
        let login = |named: &str| json!({"credentialsParameter": named});
        for (fargate, role, container, field) in [
            (true, None, json!({"image": "nginx"}), None),
            (true, None, json!({"image": "public.ecr.aws/nginx/nginx:1"}), None),
            (true, None, json!({"image": ecr}), Some("image")),
            (true, Some(""), json!({"image": ecr}), Some("image")),
            (true, Some("execution"), json!({"image": ecr}), None),
            (false, None, json!({"image": ecr}), None),
            (true, None, json!({"image": "nginx", "logConfiguration": logs}), None),
            (false, None, json!({"image": "nginx", "logConfiguration": logs}), None),
            (false, None, json!({"image": "nginx", "secrets": secrets}), Some("secrets")),
            (false, None, json!({"image": "nginx", "secrets": []}), None),
            (false, None, json!({"image": "nginx", "environmentFiles": files}), Some("environmentFiles")),
            (true, Some("execution"), json!({"image": "nginx", "environmentFiles": files}), None),
            (false, None, json!({"image": "nginx", "environmentFiles": []}), None),
            (
                false,
                None,
                json!({"image": "nginx", "repositoryCredentials": login("hub")}),
                Some("repositoryCredentials"),
            ),
            (true, None, json!({"image": "nginx", "repositoryCredentials": login("")}), None),
            (
                false,
                None,
                json!({"image": "nginx", "logConfiguration": splunk}),
                Some("logConfiguration/secretOptions"),
            ),
        ] {
            let compatibilities = if fargate { json!(["FARGATE"]) } else { json!(["EC2"]) };
            let shown = container.to_string();
            let mut definition = json!({"family": "web", "requiresCompatibilities": compatibilities,
                "containerDefinitions": [{"name": "first", "image": "nginx"}, container]});
            if let Some(role) = role {
                definition.as_object_mut().unwrap().insert("executionRoleArn".to_owned(), role.into());
            }
            let found = execution_role(&TaskDefinition::from_document(definition).unwrap());
            let pointer = found.and_then(|finding| finding.pointer);
            let expected = field.map(|field| format!("/containerDefinitions/1/{field}"));
            assert_eq!(pointer, expected, "{fargate} {role:?} {shown}");
        }
    }
}
