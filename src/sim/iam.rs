//! Which IAM actions a call needs, and the sentence AWS says when one is missing.

use serde_json::Value;

use super::wire::{Refusal, list, text};
use super::world::World;

/// The actions a call needs, each with the resource it is asked for.
fn needed(world: &World, service: &str, operation: &str, input: &Value) -> Vec<(String, String)> {
    let mut needed = vec![(format!("{service}:{operation}"), resource(world, service, operation, input))];
    if operation == "RegisterTaskDefinition" {
        let family = text(input, "family").unwrap_or_default();
        if !list(input, "tags").is_empty() {
            needed.push(("ecs:TagResource".into(), world.arn("ecs", &format!("task-definition/{family}:*"))));
        }
        for key in ["taskRoleArn", "executionRoleArn"] {
            if let Some(role) = text(input, key) {
                needed.push(("iam:PassRole".into(), role.into()));
            }
        }
    }
    if operation == "CreateDeployment" {
        let application = text(input, "applicationName").unwrap_or_default();
        let config = text(input, "deploymentConfigName").unwrap_or("CodeDeployDefault.ECSAllAtOnce");
        let config = world.arn("codedeploy", &format!("deploymentconfig:{config}"));
        needed.push(("codedeploy:GetDeploymentConfig".into(), config));
        let application = world.arn("codedeploy", &format!("application:{application}"));
        needed.push(("codedeploy:RegisterApplicationRevision".into(), application));
    }
    needed
}

fn resource(world: &World, service: &str, operation: &str, input: &Value) -> String {
    let cluster = text(input, "cluster").unwrap_or("default");
    let cluster = cluster.rsplit('/').next().unwrap_or(cluster);
    let one = |key: &str| text(input, key).map(str::to_owned);
    let first = |key: &str| list(input, key).first().and_then(Value::as_str).map(str::to_owned);
    let of_service = |name: String| {
        if name.starts_with("arn:") { name } else { world.arn("ecs", &format!("service/{cluster}/{name}")) }
    };
    let named = match operation {
        "UpdateService" | "ListServiceDeployments" => one("service").map(of_service),
        "DescribeServices" => first("services").map(of_service),
        "DescribeServiceDeployments" => first("serviceDeploymentArns"),
        "DescribeServiceRevisions" => first("serviceRevisionArns"),
        "StopServiceDeployment" => one("serviceDeploymentArn"),
        "RegisterTaskDefinition" => {
            one("family").map(|family| world.arn("ecs", &format!("task-definition/{family}:*")))
        }
        "GetLogEvents" => {
            let named = |key: &str| text(input, key).unwrap_or_default();
            let stream = format!("log-group:{}:log-stream:{}", named("logGroupName"), named("logStreamName"));
            Some(world.arn("logs", &stream))
        }
        "DescribeLogGroups" => Some(world.arn("logs", "log-group::log-stream:")),
        "DescribeSecret" => one("SecretId").map(|id| {
            if id.starts_with("arn:") { id } else { world.arn("secretsmanager", &format!("secret:{id}-??????")) }
        }),
        "DescribeParameters" => Some(world.arn("ssm", "*")),
        "GetRole" => one("RoleName").map(|name| format!("role {name}")),
        "SimulatePrincipalPolicy" => one("PolicySourceArn"),
        "DescribeClusters" => Some(world.arn("ecs", &format!("cluster/{cluster}"))),
        // A deployment's own group is known to CodeDeploy alone; the policy names it all the same.
        _ if service == "codedeploy" => match (one("applicationName"), one("deploymentGroupName")) {
            (Some(application), Some(group)) => {
                Some(world.arn("codedeploy", &format!("deploymentgroup:{application}/{group}")))
            }
            _ => None,
        },
        _ if service == "ecr" => one("repositoryName").map(|name| world.arn("ecr", &format!("repository/{name}"))),
        _ => None,
    };
    named.unwrap_or_else(|| "*".into())
}

/// Whether the caller may do this.
///
/// # Errors
/// `AccessDeniedException` for the first action that the allow list lacks.
pub(super) fn check(world: &World, service: &str, operation: &str, input: &Value, caller: &str) -> Result<(), Refusal> {
    let Some(allowed) = &world.allowed else { return Ok(()) };
    let missing = needed(world, service, operation, input).into_iter().find(|(action, _)| !allowed.contains(action));
    missing.map_or(Ok(()), |(action, resource)| Err(sentence(caller, &action, &resource)))
}

/// The refusal for one operation on command.
pub(super) fn denied(world: &World, service: &str, operation: &str, input: &Value, caller: &str) -> Refusal {
    sentence(caller, &format!("{service}:{operation}"), &resource(world, service, operation, input))
}

fn sentence(caller: &str, action: &str, resource: &str) -> Refusal {
    let message = format!(
        "User: {caller} is not authorized to perform: {action} on resource: {resource} because no identity-based policy allows the {action} action"
    );
    Refusal::new("AccessDeniedException", message)
}
