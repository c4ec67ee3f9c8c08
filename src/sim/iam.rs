//! Which IAM actions a call needs, whether a policy allows them, and the sentence AWS says when one is missing.

use serde_json::Value;

use super::identity::like;
use super::wire::{Refusal, list, text};
use super::world::World;

/// One thing that a call asks of IAM.
#[derive(Debug, Clone)]
struct Need {
    action: String,
    resource: String,
    /// The resource as AWS says it, where that is not its ARN.
    said: Option<String>,
    /// The condition key that goes with it, and its value.
    context: Option<(&'static str, String)>,
}

impl Need {
    fn of(action: impl Into<String>, resource: impl Into<String>) -> Self {
        Self { action: action.into(), resource: resource.into(), said: None, context: None }
    }

    fn with(self, key: &'static str, value: impl Into<String>) -> Self {
        Self { context: Some((key, value.into())), ..self }
    }
}

/// What a call to a region needs.
fn needed(world: &World, service: &str, operation: &str, input: &Value, region: &str) -> Vec<Need> {
    let mut call = Need::of(format!("{service}:{operation}"), resource(world, service, operation, input, region));
    if matches!(operation, "ListTasks" | "DescribeTasks") {
        let cluster = text(input, "cluster").unwrap_or("default");
        let name = cluster.rsplit('/').next().unwrap_or(cluster);
        call = call.with("ecs:cluster", world.arn("ecs", &format!("cluster/{name}")));
    }
    // A role is said by its name alone, and allowed by its ARN.
    if let Some(name) = call.resource.strip_prefix("role ") {
        let arn = format!("arn:aws:iam::{}:role/{name}", world.account);
        call = Need { said: Some(call.resource), resource: arn, ..call };
    }
    let mut needed = vec![call];
    let passed = |role: &str, to: &str| Need::of("iam:PassRole", role).with("iam:PassedToService", to);
    if operation == "RegisterTaskDefinition" {
        let family = text(input, "family").unwrap_or_default();
        if !list(input, "tags").is_empty() {
            let tag = Need::of("ecs:TagResource", world.arn("ecs", &format!("task-definition/{family}:*")));
            needed.push(tag.with("ecs:CreateAction", operation));
        }
        let roles = ["taskRoleArn", "executionRoleArn"].into_iter().filter_map(|key| text(input, key));
        needed.extend(roles.map(|role| passed(role, "ecs-tasks.amazonaws.com")));
    }
    if operation == "UpdateService" {
        let hooks = input.pointer("/deploymentConfiguration/lifecycleHooks").and_then(Value::as_array);
        let hooks = hooks.into_iter().flatten().filter_map(|hook| text(hook, "roleArn"));
        let volumes = list(input, "volumeConfigurations").iter();
        let volumes = volumes.filter_map(|volume| text(volume.get("managedEBSVolume")?, "roleArn"));
        needed.extend(hooks.chain(volumes).map(|role| passed(role, "ecs.amazonaws.com")));
    }
    if operation == "CreateDeployment" {
        let application = text(input, "applicationName").unwrap_or_default();
        let config = text(input, "deploymentConfigName").unwrap_or("CodeDeployDefault.ECSAllAtOnce");
        let config = world.arn("codedeploy", &format!("deploymentconfig:{config}"));
        needed.push(Need::of("codedeploy:GetDeploymentConfig", config));
        let application = world.arn("codedeploy", &format!("application:{application}"));
        needed.push(Need::of("codedeploy:RegisterApplicationRevision", application));
    }
    needed
}

/// Whether a statement of a policy allows it.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>
fn allows(statement: &Value, need: &Need) -> bool {
    let any = |key: &str, found: &str| {
        let patterns = statement.get(key).map(one_or_more).unwrap_or_default();
        patterns.iter().any(|pattern| like(pattern, found))
    };
    let conditions = statement.get("Condition").and_then(Value::as_object);
    let holds = conditions.into_iter().flatten().all(|(operator, keys)| {
        keys.as_object().into_iter().flatten().all(|(key, expected)| {
            let found = need.context.as_ref().filter(|(known, _)| known == key).map(|(_, found)| found);
            found.is_some_and(|found| match operator.as_str() {
                "StringEquals" => one_or_more(expected).contains(&found.as_str()),
                "StringLike" | "ArnEquals" | "ArnLike" => {
                    one_or_more(expected).iter().any(|pattern| like(pattern, found))
                }
                _ => false,
            })
        })
    });
    any("Action", &need.action) && any("Resource", &need.resource) && holds
}

fn one_or_more(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(values) => values.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    }
}

fn resource(world: &World, service: &str, operation: &str, input: &Value, region: &str) -> String {
    let asked_of = |account: &str, resource: &str| format!("arn:aws:{service}:{region}:{account}:{resource}");
    let ours = |resource: &str| asked_of(&world.account, resource);
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
            Some(ours(&stream))
        }
        "DescribeLogGroups" => Some(ours("log-group::log-stream:")),
        "DescribeSecret" => {
            one("SecretId").map(|id| if id.starts_with("arn:") { id } else { ours(&format!("secret:{id}-??????")) })
        }
        "DescribeParameters" => Some(ours("*")),
        "GetRole" => one("RoleName").map(|name| format!("role {name}")),
        "SimulatePrincipalPolicy" => one("PolicySourceArn"),
        "DescribeClusters" => Some(world.arn("ecs", &format!("cluster/{cluster}"))),
        // CodeDeploy knows a deployment's own group; there is but one on stage.
        _ if service == "codedeploy" => {
            let (application, group) = (one("applicationName"), one("deploymentGroupName"));
            let group = match application.zip(group) {
                Some((application, group)) => Some(format!("{application}/{group}")),
                None => world.code_deploy.groups.first().map(|one| format!("{}/{}", one.application, one.name)),
            };
            group.map(|group| world.arn("codedeploy", &format!("deploymentgroup:{group}")))
        }
        // A registry may be another account's.
        _ if service == "ecr" => one("repositoryName").map(|name| {
            let registry = text(input, "registryId").unwrap_or(&world.account);
            asked_of(registry, &format!("repository/{name}"))
        }),
        _ => None,
    };
    named.unwrap_or_else(|| "*".into())
}

/// Whether the caller may do this one thing; a role is passed to `to`.
pub(super) fn may(world: &World, action: &str, resource: &str, to: Option<&str>) -> bool {
    let need = Need::of(action, resource);
    let need = to.into_iter().fold(need, |need, to| need.with("iam:PassedToService", to));
    world.allowed.as_ref().is_none_or(|allowed| allowed.iter().any(|statement| allows(statement, &need)))
}

/// Whether the caller may make this call to a region.
///
/// # Errors
/// `AccessDeniedException` for the first action that nothing allows.
pub(super) fn check(
    world: &World,
    service: &str,
    operation: &str,
    input: &Value,
    region: &str,
    caller: &str,
) -> Result<(), Refusal> {
    let Some(allowed) = &world.allowed else { return Ok(()) };
    let may = |need: &Need| allowed.iter().any(|statement| allows(statement, need));
    let missing = needed(world, service, operation, input, region).into_iter().find(|need| !may(need));
    missing.map_or(Ok(()), |need| Err(sentence(caller, &need.action, need.said.as_ref().unwrap_or(&need.resource))))
}

/// The refusal for one operation on command.
pub(super) fn denied(
    world: &World,
    service: &str,
    operation: &str,
    input: &Value,
    region: &str,
    caller: &str,
) -> Refusal {
    sentence(caller, &format!("{service}:{operation}"), &resource(world, service, operation, input, region))
}

fn sentence(caller: &str, action: &str, resource: &str) -> Refusal {
    let message = format!(
        "User: {caller} is not authorized to perform: {action} on resource: {resource} because no identity-based policy allows the {action} action"
    );
    Refusal::new("AccessDeniedException", message)
}
