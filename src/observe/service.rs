//! The service before the first write: that it is there, that this version can deploy it, and what it runs.

use std::time::Duration;

use tokio::time::timeout;

use crate::aws::Aws;
use crate::aws::call::{CallError, CallErrorKind};
use crate::error::{Code, Error};
use crate::inputs::suggest::nearest;
use crate::model::names::{Arn, short_name};
use crate::model::service::{Service, ServiceRevision};
use crate::model::task_definition::Registered;

/// How many names an error lists.
const SHOWN: usize = 10;

/// How long to wait for what only adorns the report.
const PATIENCE: Duration = Duration::from_secs(3);

/// The service, when it can be deployed.
///
/// # Errors
/// The cluster or the service does not exist, the service is being deleted, or this version cannot deploy it.
pub async fn describe(cluster: &str, name: &str, aws: &Aws) -> Result<Service, Error> {
    match aws.describe_services(cluster, &[name]).await {
        Ok(services) => match services.into_iter().next() {
            Some(mut service) => {
                // The service's own field may still name what it was created with.
                let serving = service.primary_task_set().map(|set| set.task_definition.clone());
                service.task_definition = serving.unwrap_or(service.task_definition);
                deployable(service)
            }
            None => Err(service_not_found(cluster, name, aws).await),
        },
        Err(error) if error.code.as_deref() == Some("ClusterNotFoundException") => {
            Err(cluster_not_found(cluster, aws).await)
        }
        Err(error) => Err(error.into()),
    }
}

async fn service_not_found(cluster: &str, name: &str, aws: &Aws) -> Error {
    let listed = aws.list_services(cluster, 1000).await;
    let what = format!("The service `{}` was not found in cluster `{}`.", short_name(name), short_name(cluster));
    not_found(Code::ServiceNotFound, what, "service", "there", short_name(name), &listed, aws)
}

async fn cluster_not_found(cluster: &str, aws: &Aws) -> Error {
    let listed = aws.list_clusters().await;
    let what = format!("The cluster `{}` was not found.", short_name(cluster));
    not_found(Code::ClusterNotFound, what, "cluster", "here", short_name(cluster), &listed, aws)
}

fn names(arns: &[String]) -> Vec<String> {
    let mut names: Vec<String> = arns.iter().map(|arn| short_name(arn).to_owned()).collect();
    names.sort();
    names
}

/// A listing that failed leaves the list out, and says so.
fn not_found(
    code: Code,
    what: String,
    input: &str,
    place: &str,
    given: &str,
    listed: &Result<Vec<String>, CallError>,
    aws: &Aws,
) -> Error {
    let names = listed.as_ref().map(|arns| names(arns)).unwrap_or_default();
    let unread = listed.as_ref().err().map(|error| format!(" Which {input}s there are is not known: {error}"));
    let unread = unread.unwrap_or_default();
    let asked = format!("Asked in account {}, region {}.{unread}", aws.identity.account, aws.region);
    let shown = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    let plural = if names.len() == 1 { "" } else { "s" };
    let why = match names.len() {
        0 => asked,
        count if count > SHOWN => {
            format!("ECS lists {count} {input}s {place}: {shown} and {} more. {asked}", count - SHOWN)
        }
        count => format!("ECS lists {count} {input}{plural} {place}: {shown}. {asked}"),
    };
    let guess = nearest(given, names.iter().map(String::as_str)).map(|name| format!(" Did you mean `{name}`?"));
    let check = if names.is_empty() { " Check account and region, too." } else { "" };
    let fix = format!("Correct `with: {input}:`; names are case-sensitive.{}", guess.as_deref().unwrap_or(check));
    Error::new(code, what, why, fix)
}

/// The service, unless it is going away or somebody else moves its tasks.
fn deployable(service: Service) -> Result<Service, Error> {
    let name = &service.service_name;
    if service.status != "ACTIVE" {
        return Err(Error::new(
            Code::ServiceNotActive,
            format!("The service `{name}` cannot be deployed: it is {}.", service.status),
            "A service that is DRAINING is being deleted; one that is INACTIVE was deleted.",
            "Create the service again, or correct `with: service:`.",
        ));
    }
    let refused = |who: &str, why: &str, fix: &str| {
        Err(Error::new(
            Code::ControllerNotSupported,
            format!("The service `{name}` cannot be deployed by this version: {who}."),
            why,
            fix,
        ))
    };
    if service.resource_management_type.as_deref() == Some("ECS") {
        return refused(
            "it is an Express service",
            "ECS manages its resources (`resourceManagementType: ECS`); UpdateService is not the way to deploy it.",
            "Use `aws-actions/amazon-ecs-deploy-express-service`, which calls UpdateExpressGatewayService.",
        );
    }
    match service.controller() {
        "ECS" => Ok(service),
        // What its PRIMARY task set runs is what the service runs.
        "CODE_DEPLOY" => {
            let runs = service.primary_task_set().map(|set| set.task_definition.clone());
            Ok(Service { task_definition: runs.unwrap_or(service.task_definition.clone()), ..service })
        }
        "EXTERNAL" => refused(
            "a third party moves its tasks",
            "Its deployment controller is EXTERNAL; its tasks are in task sets that only their owner may change.",
            "Deploy it with the tool that owns its task sets (CreateTaskSet, UpdateServicePrimaryTaskSet).",
        ),
        other => refused(
            "its deployment controller is not known",
            &format!("Its deployment controller is {other}."),
            "Deploy a service whose deployment controller is ECS or CODE_DEPLOY.",
        ),
    }
}

/// A revision that is good to know but not needed, and a remark when it could not be read. An unknown one is none.
pub async fn revision(which: Option<&str>, without: &str, aws: &Aws) -> (Option<Registered>, Option<String>) {
    let Some(which) = which else { return (None, None) };
    match aws.describe_task_definition(which).await {
        Ok(registered) => (Some(registered), None),
        Err(CallError { kind: CallErrorKind::Refused, .. }) => (None, None),
        Err(error) => (None, Some(format!("{without}: {error}"))),
    }
}

/// What the service's newest service revision really runs. Older endpoints lack the API: nothing then.
pub async fn running_revision(service: Option<&Service>, aws: &Aws) -> (Option<ServiceRevision>, Option<String>) {
    let Some(arn) = service.and_then(service_revision_arn) else { return (None, None) };
    match timeout(PATIENCE, aws.describe_service_revisions(&[&arn])).await {
        Ok(Ok(revisions)) => (revisions.into_iter().next(), None),
        Ok(Err(error)) if error.kind == CallErrorKind::Denied => {
            (None, Some(format!("The digests that run now are not known: {error}")))
        }
        Ok(Err(_)) | Err(_) => (None, None),
    }
}

/// The ARN of PRIMARY's service revision: its digits are those of the deployment id.
fn service_revision_arn(service: &Service) -> Option<String> {
    let digits = short_name(&service.primary()?.id);
    let listed = service.current_service_revisions.iter().find(|revision| short_name(&revision.arn) == digits);
    if let Some(revision) = listed {
        return Some(revision.arn.clone());
    }
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let arn = Arn::parse(&service.service_arn)?;
    let resource = format!("service-revision/{}/{}/{digits}", short_name(&service.cluster_arn), service.service_name);
    Some(Arn { resource, ..arn }.to_string())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn service(fields: &Value) -> Service {
        let mut service = json!({ "serviceName": "web", "status": "ACTIVE",
            "serviceArn": "arn:aws-cn:ecs:cn-north-1:123456789012:service/prod/web",
            "clusterArn": "arn:aws-cn:ecs:cn-north-1:123456789012:cluster/prod",
            "deployments": [{ "id": "ecs-svc/42", "status": "PRIMARY", "rolloutState": "IN_PROGRESS",
                "taskDefinition": "arn:aws-cn:ecs:cn-north-1:123456789012:task-definition/web:7",
                "runningCount": 1, "desiredCount": 2 }] });
        service.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        serde_json::from_value(service).unwrap()
    }

    #[test]
    fn the_service_revision_is_named_by_the_digits_of_the_deployment() {
        let derived = "arn:aws-cn:ecs:cn-north-1:123456789012:service-revision/prod/web/42";
        assert_eq!(service_revision_arn(&service(&json!({}))).unwrap(), derived);
        let listed = json!({ "currentServiceRevisions": [{ "arn": "x/41" }, { "arn": "x/42" }] });
        assert_eq!(service_revision_arn(&service(&listed)).unwrap(), "x/42");
        let odd = json!({ "deployments": [{ "id": "ecs-svc/web", "status": "PRIMARY" }] });
        assert_eq!(service_revision_arn(&service(&odd)), None);
    }

    #[test]
    fn a_service_that_somebody_else_moves_is_refused_before_any_write() {
        assert!(deployable(service(&json!({}))).is_ok());
        for controller in ["ECS", "CODE_DEPLOY"] {
            assert!(deployable(service(&json!({ "deploymentController": { "type": controller } }))).is_ok());
        }
        let refused: Vec<String> = [
            json!({ "status": "DRAINING" }),
            json!({ "deploymentController": { "type": "EXTERNAL" } }),
            json!({ "deploymentController": { "type": "ROBOT" } }),
            json!({ "resourceManagementType": "ECS" }),
        ]
        .into_iter()
        .map(|fields| deployable(service(&fields)).unwrap_err().to_string())
        .collect();
        insta::assert_snapshot!(refused.join("\n"));
    }
}
